"""How fast a queue moves, and so how long somebody who joins it would wait."""

REMEMBERED = 64  # slots handed out; of older ones half is forgotten at a time


class Pace:
    """Counts the slots handed out since the queue formed, as long as it stands.

    Only what happened while somebody waited says how fast it goes: before that, slots became free as
    slowly as people came. Whoever owns it guards it.
    """

    def __init__(self) -> None:
        self._since: float | None = None  # when the queue formed; None: there is none
        self._handed = 0.0

    def forget(self) -> None:
        """The queue is empty."""
        self._since = None

    def joined(self, now: float) -> None:
        """Somebody waits."""
        if self._since is None:
            self._since, self._handed = now, 0.0

    def handed(self, now: float) -> None:
        """Somebody got a slot."""
        self._handed += 1
        if self._handed >= REMEMBERED and self._since is not None:
            self._since = (self._since + now) / 2
            self._handed /= 2

    def wait(self, place: int, slots: int, now: float) -> float:
        """Seconds until the `place`-th in the queue gets a slot; 0 before each slot had its turn, when nobody knows."""
        if self._since is None or (self._handed < slots and self._handed < REMEMBERED / 2):
            return 0.0
        return place * (now - self._since) / self._handed
