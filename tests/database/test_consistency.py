"""Nobody goes back in time, and everybody reads their own writes, whatever happens to the copies.

First on a running cluster with many threads, lag, copies that come and go, promotions and fail-overs;
then one step at a time, in every order that hypothesis thinks of. `MINISOCIAL_STRESS=full` takes more of both.
"""

import itertools
import logging
import os
import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from minisocial.database import Cluster
from minisocial.database.copies import Copy
from minisocial.errors import InDoubt, Refused, Unavailable
from tests.database.conftest import Make
from tests.database.world import assert_copies_equal, file_of, person, post, primary_of, texts, until
from tests.fakes import ManualClock

logger = logging.getLogger(__name__)

IS_FULL = os.environ.get("MINISOCIAL_STRESS") == "full"
READS = 100_000 if IS_FULL else 10_000  # checked reads of a run
EXAMPLES = 500 if IS_FULL else 15
THREADS = 8
TICK = 0.002  # seconds; new files are numbered by the time, so it must go on
MOST_LAG = 2.0  # seconds that a replica is held
PEOPLE = range(3)
PERSON = st.sampled_from(PEOPLE)
COPY = st.sampled_from("abc")


class Registers:
    """One register for each thread, which only counts upwards, and what must not be seen."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.reads = 0
        self.writes = 0
        self.in_doubt = 0
        self.refused = 0
        self.violations: list[str] = []
        self._counting = threading.Lock()  # guards the counters
        with cluster.write("0") as block:
            block.executemany("INSERT INTO notifications_seen VALUES (?, 0)", [(n,) for n in range(THREADS)])
        cluster.settle()

    def use(self, me: int, reads: int) -> None:
        """A person's session: writes their own register now and then, and reads all of them."""
        chance, cookie = random.Random(me), {}
        seen, mine, next_value = dict.fromkeys(range(THREADS), 0), 0, 1
        for _ in range(reads):
            with self.cluster.session(cookie) as cookie:
                if chance.random() < 0.1:
                    mine = max(mine, self._write(me, next_value))
                    next_value += 1
                self._check(me, seen, mine, self._read())

    def _write(self, me: int, value: int) -> int:
        """The value, if it is acknowledged; else 0."""
        try:
            with self.cluster.write("0") as block:
                block.execute("UPDATE notifications_seen SET id = ? WHERE account = ?", (value, me))
        except InDoubt:
            with self._counting:
                self.in_doubt += 1
            return 0
        except Unavailable:
            with self._counting:
                self.refused += 1
            return 0
        with self._counting:
            self.writes += 1
        return value

    def _read(self) -> Mapping[int, int]:
        """An error here fails the test: a sound copy is always left."""
        with self.cluster.read("0") as reader:
            return dict(reader.rows("SELECT account, id FROM notifications_seen"))

    def _check(self, me: int, seen: dict[int, int], mine: int, found: Mapping[int, int]) -> None:
        with self._counting:
            self.reads += 1
        if found[me] < mine:
            self.violations.append(f"{me} wrote {mine} and read {found[me]}")
        for writer, value in found.items():
            if value < seen[writer]:
                self.violations.append(f"{me} read {value} of {writer} after {seen[writer]}")
            seen[writer] = max(seen[writer], value)


class Trouble:
    """Does something to the copies of shard 0, again and again, until it is told to end."""

    def __init__(self, cluster: Cluster, kinds: Sequence[str], seed: int) -> None:
        self.done: Counter[str] = Counter()
        self._cluster = cluster
        self._kinds = kinds
        self._chance = random.Random(seed)
        self._is_over = threading.Event()

    def stop(self) -> None:
        self._is_over.set()

    def run(self) -> None:
        """Something else every few milliseconds; in each round every kind once."""
        for kind in itertools.cycle(self._chance.sample(self._kinds, len(self._kinds))):
            if self._is_over.wait(self._chance.uniform(0, 0.1)):
                return
            with suppress(Refused, Unavailable):  # it leads just now, or there is nobody who could lead
                getattr(self, kind)()
                self.done[kind] += 1

    def hold(self) -> None:
        name = self._replica()
        self._cluster.hold("0", name)
        self._is_over.wait(self._lag())
        self._cluster.release("0", name)

    def take_down(self) -> None:
        name = self._replica()
        self._cluster.take_down("0", name)
        self._is_over.wait(self._lag())
        self._cluster.bring_up("0", name)

    def promote(self) -> None:
        self._cluster.promote("0", self._replica())

    def lose(self) -> None:
        """The file of the primary is deleted."""
        self._cluster.settle()
        old = primary_of(self._cluster)
        file_of(self._cluster, "0", old).unlink()
        until(lambda: primary_of(self._cluster) not in ("", old), "a new primary")

    def _replica(self) -> str:
        return self._chance.choice([name for name in "abc" if name != primary_of(self._cluster)])

    def _lag(self) -> float:
        """Up to two seconds, most often much less."""
        return MOST_LAG * self._chance.random() ** 4


def live_through(cluster: Cluster, *kinds: Sequence[str]) -> tuple[Registers, Counter[str]]:
    """Eight sessions read and write while a thread for each of `kinds` makes trouble of these kinds."""
    registers, troubles = Registers(cluster), [Trouble(cluster, some, seed) for seed, some in enumerate(kinds)]
    with ThreadPoolExecutor(THREADS + len(troubles)) as pool:
        making = [pool.submit(trouble.run) for trouble in troubles]
        using = [pool.submit(registers.use, me, READS // THREADS) for me in range(THREADS)]
        wait(using)
        for trouble in troubles:
            trouble.stop()
    for ended in (*using, *making):
        ended.result()
    done = sum((trouble.done for trouble in troubles), Counter())
    logger.info("%d reads, %d writes, %s", registers.reads, registers.writes, dict(done))
    return registers, done


ASIDE = (
    "hold",
    "take_down",
)  # by one thread: were one replica late and another down, nobody could read their own write


def test_sessions_hold_under_lag_and_while_copies_come_and_go(make: Make) -> None:
    cluster = make(shards=1)
    registers, done = live_through(cluster, ASIDE, ["promote"])
    assert registers.violations == []
    assert registers.reads == READS
    assert registers.in_doubt == registers.refused == 0
    assert done.keys() == {"hold", "take_down", "promote"}
    assert_copies_equal(cluster)


def test_sessions_hold_while_primaries_are_lost(make: Make) -> None:
    """With durability "replicated": else the last commits may be lost with the file, as it is said."""
    cluster = make(shards=1, durability="replicated")
    registers, done = live_through(cluster, ASIDE, ("lose", "promote", "lose"))
    assert registers.violations == []
    assert registers.reads == READS
    assert done["lose"] > 0
    assert registers.in_doubt + registers.refused < 20 * done["lose"]
    assert_copies_equal(cluster)


def test_while_none_leads_a_cookie_is_honoured_and_waited_for(cluster: Cluster) -> None:
    """Its position is above that of every copy left until one of them has read the rest of the lost file."""
    shard, ada = cluster.named("0"), person(cluster)
    post(cluster, ada, "old")
    cluster.settle()
    replicas = [shard.copy_named(name) for name in "bc"]
    for copy in replicas:
        copy.busy.acquire()
    later = threading.Timer(0.2, lambda: [copy.busy.release() for copy in replicas])
    with cluster.session({}) as cookie:
        post(cluster, ada, "new")
    file_of(cluster, "0", "a").unlink()
    until(lambda: shard.primary is None, "the fail-over")
    later.start()
    with cluster.session(cookie):
        assert texts(cluster) == ["old", "new"]
    later.join()


# --- one step at a time


class Protocol(RuleBasedStateMachine):
    """A shard whose replicas follow only when told, and the people who read and write.

    The model: which value each position holds, and what each person has seen. It promises: one reads
    exactly what was at the position one reads, never less than before, and there is no error
    while a copy is left that can be read and is new enough.

    The cluster lives on from one example to the next, so no rule has a precondition: each looks for itself
    whether it can do anything now.
    """

    def __init__(self, cluster: Cluster, clock: ManualClock) -> None:
        super().__init__()
        self.cluster, self.clock = cluster, clock
        self.shard = cluster._shards["0"]
        self.values: list[tuple[int, int]] = []  # (position, value), oldest first
        self.cookies: list[dict[str, int]] = [{} for _ in PEOPLE]
        self.seen = [0 for _ in PEOPLE]

    @initialize()
    def begin(self) -> None:
        """The same for each example, though the cluster lives on."""
        for copy in self.shard.copies:
            copy.is_held, copy.is_down = True, False
            self.follow(copy)
        self.promote("a")
        for copy in self.shard.copies:
            self.follow(copy)
        self.write(0)
        self.values, self.cookies, self.seen = self.values[-1:], [{} for _ in PEOPLE], [0 for _ in PEOPLE]

    def follow(self, copy: Copy) -> None:
        """One step, that of its own thread."""
        self.clock.advance(TICK)
        copy.is_held = False
        try:
            self.shard.follower_of(copy).step()
        finally:
            self.cluster.hold("0", copy.name) if copy is not self.shard.primary else None
            copy.is_held = True

    def value_at(self, position: int) -> int:
        return max((value for at, value in self.values if at <= position), default=0)

    def new_enough(self, person: int) -> list[Copy]:
        needed = self.cookies[person].get("0", 0)
        return [copy for copy in self.shard.copies if copy.pool and not copy.is_down and copy.position >= needed]

    # what people do

    @rule(person=PERSON)
    def write(self, person: int) -> None:
        with self.cluster.session(self.cookies[person]) as cookie, self.cluster.write("0") as block:
            block.execute("INSERT INTO notifications_seen VALUES (1, 1) ON CONFLICT DO UPDATE SET id = id + 1")
            (value,) = block.row("SELECT id FROM notifications_seen WHERE account = 1") or (0,)
        self.values.append((block.position, value))
        self.cookies[person], self.seen[person] = cookie, value

    @rule(person=PERSON)
    def read(self, person: int) -> None:
        if not self.new_enough(person):
            return  # it would wait for one, in vain
        with self.cluster.session(self.cookies[person]) as cookie, self.cluster.read("0") as reader:
            (value,) = reader.row("SELECT id FROM notifications_seen WHERE account = 1") or (0,)
        if self.values[0][0] <= reader.position:
            assert value == self.value_at(reader.position), "another state than that of its position"
        assert value >= self.seen[person], "back in time"
        self.cookies[person], self.seen[person] = cookie, value

    @rule(person=PERSON)
    def leave_and_come_back_with_a_cookie_made_up(self, person: int) -> None:
        self.cookies[person] = {"0": 2**62}

    # what happens to the copies

    @rule(name=COPY)
    def step(self, name: str) -> None:
        self.follow(self.shard.copy_named(name))

    @rule(name=COPY)
    def take_down(self, name: str) -> None:
        self.cluster.take_down("0", name)

    @rule(name=COPY)
    def bring_up(self, name: str) -> None:
        self.cluster.bring_up("0", name)

    @rule(name=COPY)
    def promote(self, name: str) -> None:
        copy = self.shard.copy_named(name)
        self.clock.advance(TICK)
        copy.is_held = False
        self.cluster.promote("0", name)
        copy.is_held = True

    def has_heir(self) -> bool:
        """A replica that followed this primary has its file open, and can read it even when it is deleted."""
        primary = self.shard.primary
        return primary is not None and any(one.is_attached_to(primary) for one in self.shard.followers)

    @rule()
    def lose_the_primary(self) -> None:
        if not self.has_heir():
            return
        file_of(self.cluster, "0", primary_of(self.cluster)).unlink()
        self.shard.watch()

    @rule(name=COPY)
    def lose_a_replica(self, name: str) -> None:
        """One at a time."""
        if name != primary_of(self.cluster) and all(copy.path is not None for copy in self.shard.copies):
            file_of(self.cluster, "0", name).unlink()
            self.shard.watch()

    @rule(seconds=st.integers(1, 10))
    def time_passes(self, seconds: int) -> None:
        """A replica that lags for too long is not read any more."""
        self.clock.advance(seconds)


def test_the_protocol_holds_in_every_order_of_steps(make: Make) -> None:
    clock = ManualClock()
    cluster = make(shards=1, clock=clock)
    cluster.settle()
    cluster._watch.stop()  # the machine does what it would do
    run_state_machine_as_test(
        lambda: Protocol(cluster, clock),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            phases=[Phase.generate],  # the cluster lives on, so a failure can not be made smaller by repeating it
            database=None,
            derandomize=not IS_FULL,
            suppress_health_check=list(HealthCheck),
        ),
    )
