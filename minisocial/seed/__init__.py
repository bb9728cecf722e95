"""Fills an empty data folder with people: the cast of the demo, or the people of an edge list."""

from minisocial.seed.cast import seed_cast
from minisocial.seed.check import check_feeds
from minisocial.seed.graph import seed_graph

__all__ = ["check_feeds", "seed_cast", "seed_graph"]
