"""A kind of cached value: account, post, home feed …"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
Json: TypeAlias = Any  # what the json module takes and gives


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """Its name, and how its values become JSON and back. Readers share values, so nobody may alter one."""

    name: str
    encode: Callable[[T], Json]
    decode: Callable[[Json], T]
    is_shared: bool = True  # False: kept in each node only, for what is many, small and as quick to load as to look up

    def key(self, id: Hashable) -> str:
        """`post:123`; of a tuple `like:1:2`."""
        return f"{self.name}:{':'.join(map(str, id))}" if isinstance(id, tuple) else f"{self.name}:{id}"
