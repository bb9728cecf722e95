"""How often addresses were asked for lately: who is asked for once must not push out what many read."""

from collections.abc import Hashable

BITS = 15
WIDTH = 1 << BITS  # counters in a row; both rows together take 64 KiB
MASK = WIDTH - 1
MOST = 255
HALF_LIFE = 60.0  # seconds
_HALVED = bytes(count // 2 for count in range(MOST + 1))


class Popularity:
    """Rough counts in fixed memory, whatever is asked for: a count-min sketch that forgets (TinyLFU: Einziger,
    Friedman and Manes, 2017).

    It never counts too little. Two addresses that share a counter in both rows are taken for one; which do
    is settled by Python's secret hash seed, so nobody can choose an address that is counted with another.
    Not safe for several threads by itself.
    """

    def __init__(self) -> None:
        self._first, self._second = bytearray(WIDTH), bytearray(WIDTH)
        self._forget_at = 0.0

    def note(self, key: Hashable, now: float) -> None:
        """Somebody asks for it."""
        if now >= self._forget_at:
            self._forget(now)
        mixed = hash(key)
        slot, other = mixed & MASK, (mixed >> BITS) & MASK
        if self._first[slot] < MOST:
            self._first[slot] += 1
        if self._second[other] < MOST:
            self._second[other] += 1

    def of(self, key: Hashable) -> int:
        """How often it was asked for lately."""
        mixed = hash(key)
        return min(self._first[mixed & MASK], self._second[(mixed >> BITS) & MASK])

    def _forget(self, now: float) -> None:
        """Halve all counts, once for each half-life that has passed."""
        halvings = min(int((now - self._forget_at) // HALF_LIFE) + 1, MOST.bit_length())
        for _ in range(halvings):
            self._first, self._second = self._first.translate(_HALVED), self._second.translate(_HALVED)
        self._forget_at = now + HALF_LIFE
