"""Request nodes, alike and disposable: a web application, a local cache and a number of slots."""

from minisocial.nodes.node import Node, NodeSnapshot

__all__ = ["Node", "NodeSnapshot"]
