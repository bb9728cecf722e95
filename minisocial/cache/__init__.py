"""Two tiers, memory per node and one cache for all, never stale by accident."""

from minisocial.cache.caches import FORMS, Caches, CachesSnapshot
from minisocial.cache.entry import ABSENT, Entry
from minisocial.cache.global_cache import GlobalCache, GlobalSnapshot
from minisocial.cache.invalidation import Invalidation, InvalidationSnapshot
from minisocial.cache.kind import Kind
from minisocial.cache.leases import Leases
from minisocial.cache.local_cache import LocalCache, LocalSnapshot
from minisocial.cache.read_through import ReadThrough

__all__ = [
    "ABSENT",
    "FORMS",
    "Caches",
    "CachesSnapshot",
    "Entry",
    "GlobalCache",
    "GlobalSnapshot",
    "Invalidation",
    "InvalidationSnapshot",
    "Kind",
    "Leases",
    "LocalCache",
    "LocalSnapshot",
    "ReadThrough",
]
