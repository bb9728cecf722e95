"""Request nodes, alike and disposable: a web application, a local cache and a number of slots."""

from minisocial.nodes.node import Node, NodeSnapshot
from minisocial.nodes.pool import Made, Pool

__all__ = ["Made", "Node", "NodeSnapshot", "Pool"]
