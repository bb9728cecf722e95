"""Moving a logical shard to another shard while it is read and written.

How it goes, and what a kill at any step leaves:

1. The move is on record. From here on the target may hold rows that do not count (`Map.foreign`).
2. What an earlier attempt left at the target is removed; the rows are copied, in pages; the source's
   log says what changed meanwhile, and that is brought over until little is left.
   Killed: the map still names the source; after the start, 2 begins anew.
3. Nobody writes at the source (`quiet`); the rest is brought over; a replica of the target has all of it.
4. One save of the record: the map names the target, the source's rows do not count any more, and no
   reader of the target gets a copy that lacks the rows (`Map.floors`).
   Killed before: as in 2. Killed after: the move is made, and 6 follows after the start.
5. The caches forget everything and void what is being loaded; then the writers go on, at the target.
6. After a grace the source's rows are removed, and the move is taken from the record.

Why no write is lost or doubled:

1. `write_home` looks a shard up, enters its block, and looks again. It has the right to write there,
   and 4 needs that right too, so what it finds then stays so until the block is left.
2. Its group is committed before 3 has the right (`quiet`); so the source's log names the change, and 3
   brings it over. If that commit fails, the log does not name it, and its writer is told.
3. If the source fails over to a copy that lacks what was copied, it does not know the position that was
   read at, and 2 begins anew; so it does if the target fails over, since it may have lost copied rows.

Why no reader misses a row or sees an old one:

1. `read_home` looks a shard up, opens its reader, and looks again: its state is then from before 4, when
   the source had everything, or from after, with the target's floor.
2. A cached value carries its shard. After 4 one asks for values of the target, so those of the source
   are refused, also the one that somebody else is loading (`ReadThrough`).
3. A value loaded by the old map and kept after 5 would need a lease taken after 5 and a map looked up
   before 4; it carries the source's name and is refused as in 2.
4. Whoever asked the caches by the old map is told so by `steadily`, and asks again; so what a late one
   finds when 6 has removed the rows is not shown.
5. A list over all shards leaves out foreign rows (`Reader.own`), by the map its reader was opened with.
   Lists of different maps do not fit together: hence `gather`, which begins anew if the map changed and
   waits from 4 to 5, while lists of before may be cached still.
6. A list of the target that was begun before 1 of the first list, without leaving out what is being
   copied, is voided by the copying itself, whose changes are in the log like any other.
7. A lagging replica of the source, which has the removed rows still, is not read after 6: the removal
   has a floor, too.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from minisocial import ids
from minisocial.clock import Clock
from minisocial.database.growth.routing import Map, Routing, evened_out
from minisocial.database.growth.transfer import SHORT, StartOver, Transfer, clear
from minisocial.database.shard import Shard
from minisocial.database.snapshot import Move
from minisocial.errors import Refused, Unavailable

logger = logging.getLogger(__name__)

GRACE = 2.0  # seconds from the switch to the removal, for readers who looked up the old place
SAFE_SECONDS = 2.0  # how long writers wait at most for a replica to have the last rows
PATIENCE = (0.2, 0.5, 1.0, 3.0, 10.0)  # seconds before the next attempt, after so many failures in a row
MOST_REST = 0.1  # seconds between two steps: as long as the last one took, but no longer
STOP_SECONDS = 10.0

WAITING, COPYING, CATCHING_UP, CLEARING = "waiting", "copying", "catching up", "clearing"


@dataclass
class Journey:
    """One move, as far as it is."""

    logical: int
    source: str
    target: str
    state: str = WAITING
    rows: int = 0  # copied in this attempt
    attempts: int = 0  # that failed
    problem: str = ""  # why the last one did
    pause_ms: int = 0  # how long writers waited
    due: float = 0.0  # when it goes on, as `Clock.monotonic` counts

    def described(self) -> Move:
        return Move(
            self.logical, self.source, self.target, self.state, self.rows, self.attempts, self.problem, self.pause_ms
        )


class Mover:
    """Carries out the moves on record, one at a time, in a thread of its own.

    It rests after each step as long as that took, so that others get their turn. A move that meets an
    error begins anew after a pause, and others come first; it is given up by nobody but its host.
    """

    def __init__(
        self, routing: Routing, named: Callable[[str], Shard], writing_to_several: threading.Lock, clock: Clock
    ) -> None:
        """`writing_to_several`: held by whoever takes the right to write of more than one shard."""
        self.grace = GRACE
        self.longest_pause_ms = 0
        self._routing = routing
        self._named = named
        self._writing_to_several = writing_to_several
        self._clock = clock
        self._journeys: dict[int, Journey] = {}  # by logical shard; what the map says, and how far it is
        self._journey: Journey | None = None  # the one under way
        self._work: Iterator[None] | None = None
        self._wake = threading.Event()
        self._is_running = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._is_running = True
        self._thread = threading.Thread(target=self._run, name="database mover", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends after the step under way; what is on record goes on after the next start."""
        self._is_running = False
        self._wake.set()
        if self._thread:
            self._thread.join(STOP_SECONDS)
        self._thread = None

    def snapshot(self) -> tuple[Move, ...]:
        """The moves on record, the one under way first."""
        map = self._routing.map
        journeys = [self._journeys.get(logical) or journey_of(map, logical) for logical in map.moving]
        return tuple(each.described() for each in sorted(journeys, key=lambda each: each.state == WAITING))

    # --- what is asked of it

    def plan(self, logical: int, to: str, shards: tuple[str, ...]) -> None:
        """One move, on record once this returns; raises Refused."""

        def choose(map: Map) -> Mapping[int, str]:
            refuse(map, logical, to, shards)
            return {logical: to}

        self._routing.plan(choose)
        self._wake.set()

    def plan_spread(self, shards: tuple[str, ...]) -> None:
        """The fewest moves after which all shards hold a fair share; those on their way count as there."""

        def choose(map: Map) -> Mapping[int, str]:
            coming = {logical: shard for logical, shard in map.moving.items() if logical not in map.arrived}
            homes = [coming.get(logical, home) for logical, home in enumerate(map.homes)]
            return evened_out(homes, shards, map.moving)

        self._routing.plan(choose)
        self._wake.set()

    def call_off(self, logical: int) -> None:
        """A move that has not come to its switch ends here: nothing has moved, and what was copied is removed.

        That is on record once this returns; if the other shard can not be written, the removal waits. Raises Refused.
        """

        def check(map: Map) -> None:
            if logical not in map.moving:
                raise Refused(f"Logical shard {logical} is not on its way.")
            if logical in map.arrived:
                raise Refused(
                    f"Logical shard {logical} lies on shard {map.homes[logical]}; what is left is tidying up."
                )

        self._routing.call_off(logical, check)
        self._wake.set()

    # --- the thread

    def _run(self) -> None:
        while self._is_running:
            began = self._clock.monotonic()
            rest = self.step()
            took = self._clock.monotonic() - began
            self._wake.wait(None if rest is None else max(rest, min(took, MOST_REST)))
            self._wake.clear()

    def step(self) -> float | None:
        """One step of the move under way, or of the next; seconds until there is more to do, None if there is not."""
        if self._work is None and not self._begin():
            return self._seconds_until_due()
        journey, work = self._journey, self._work
        if journey and work and not self._is_called_off(journey):
            try:
                next(work)
                return 0.0
            except StopIteration:
                pass
            except Exception as error:  # whatever it is, the move must go on
                self._note_failure(journey, error)
        self._journey = self._work = None
        return 0.0

    def _begin(self) -> bool:
        self._look_at_record()
        now = self._clock.monotonic()
        due = [journey for journey in self._journeys.values() if journey.due <= now]
        if not due:
            return False
        self._journey = journey = min(due, key=lambda journey: (journey.state != CLEARING, journey.due))
        self._work = self._leave(journey) if journey.state == CLEARING else self._travel(journey)
        return True

    def _seconds_until_due(self) -> float | None:
        due = min((journey.due for journey in self._journeys.values()), default=None)
        return None if due is None else max(0.0, due - self._clock.monotonic())

    def _look_at_record(self) -> None:
        map = self._routing.map
        for logical in map.moving:
            if logical not in self._journeys or self._is_called_off(self._journeys[logical]):
                self._journeys[logical] = journey_of(map, logical)

    def _note_failure(self, journey: Journey, error: Exception) -> None:
        logger.log(
            logging.WARNING if isinstance(error, (StartOver, Unavailable)) else logging.ERROR,
            "logical shard %d can not move from %s to %s yet: %s",
            *(journey.logical, journey.source, journey.target, error),
        )
        pause = PATIENCE[min(journey.attempts, len(PATIENCE) - 1)]
        journey.attempts, journey.problem = journey.attempts + 1, str(error)
        journey.state = CLEARING if journey.logical in self._routing.map.arrived else WAITING
        journey.due = self._clock.monotonic() + pause

    def _is_called_off(self, journey: Journey) -> bool:
        """Whether the record says that it stays at home, while it is taken elsewhere."""
        map = self._routing.map
        return journey.logical in map.arrived and map.homes[journey.logical] == journey.source

    # --- a move, step by step

    def _travel(self, journey: Journey) -> Iterator[None]:
        source, target = self._named(journey.source), self._named(journey.target)
        transfer = Transfer(journey.logical, source, target)
        journey.state, journey.rows = COPYING, 0
        yield from clear(target, journey.logical)
        transfer.begin()
        for _ in transfer.copy():
            journey.rows = transfer.rows
            yield
        journey.state = CATCHING_UP
        yield
        while not self._switch(journey, transfer, source, target):
            yield
        journey.state, journey.due = CLEARING, self._clock.monotonic() + self.grace

    def _switch(self, journey: Journey, transfer: Transfer, source: Shard, target: Shard) -> bool:
        """Lets the target take over; False if there is still too much to bring over for writers to wait."""
        if transfer.follow() > SHORT or not self._is_safe(journey, transfer):
            return False
        with self._writing_to_several, source.commits.quiet():
            began = self._clock.monotonic()
            transfer.finish()
            if not self._is_safe(journey, transfer):
                return False
            self._routing.switch(journey.logical, target.head(), source.stream.tell_lost)
            journey.pause_ms = round((self._clock.monotonic() - began) * 1000)
        self.longest_pause_ms = max(self.longest_pause_ms, journey.pause_ms)
        logger.info(
            "logical shard %d moved from %s to %s; writers waited %d ms",
            *(journey.logical, journey.source, journey.target, journey.pause_ms),
        )
        return True

    def _is_safe(self, journey: Journey, transfer: Transfer) -> bool:
        is_safe = transfer.is_safe(SAFE_SECONDS)
        journey.problem = "" if is_safe else f"No replica of shard {journey.target} has the rows yet."
        return is_safe

    def _leave(self, journey: Journey) -> Iterator[None]:
        source = self._named(journey.source)
        yield from clear(source, journey.logical)
        del self._journeys[journey.logical]  # first: it may be asked to move again at once
        self._routing.end(journey.logical, source.head())


def journey_of(map: Map, logical: int) -> Journey:
    """A move as it is on record."""
    home, other = map.homes[logical], map.moving[logical]
    if logical in map.arrived:
        return Journey(logical, other, home, CLEARING)
    return Journey(logical, home, other)


def refuse(map: Map, logical: int, to: str, shards: tuple[str, ...]) -> None:
    """Raises Refused if a move can not be."""
    if not 0 <= logical < ids.LOGICAL_SHARDS:
        raise Refused(f"There is no logical shard {logical}; they are numbered from 0 to {ids.LOGICAL_SHARDS - 1}.")
    if to not in shards:
        raise Refused(f"There is no shard {to} that holds people; there are {', '.join(shards)}.")
    if logical in map.arrived:
        raise Refused(f"Logical shard {logical} has just moved to shard {map.homes[logical]}. Try again in a moment.")
    if logical in map.moving:
        raise Refused(f"Logical shard {logical} is on its way to shard {map.moving[logical]} already.")
    if map.homes[logical] == to:
        raise Refused(f"Logical shard {logical} is on shard {to} already.")
