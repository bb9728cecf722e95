"""The protocol of caches and log as a state machine: things happen while rows are being read, in any order."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.cache.world import World
from tests.fakes import ManualClock

KEYS = st.integers(0, 2)
NODES = st.integers(0, 1)
REPLICAS = st.integers(1, 2)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), KEYS),
        st.tuples(st.just("commit"), KEYS),
        st.tuples(st.just("replicate"), REPLICAS),
        st.tuples(st.just("read"), NODES, KEYS, st.integers(0, 2)),
        st.tuples(st.sampled_from(["deliver", "empty", "lose", "settle"])),
    ),
    max_size=4,
)


class CacheProtocol(RuleBasedStateMachine):
    """One thread, so that every order can be shrunk; what is concurrent happens inside of a load.

    Leases expire at once: a read inside of another one's load takes the key over, as from a dead loader.
    """

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="minisocial-"))
        self.clock = ManualClock()
        self.world = World(self.folder, lease_seconds=0.0, clock=self.clock, floor_limit=2, patience=0.0)
        self.told = dict.fromkeys(range(3), 0)  # nobody may be given anything older from now on

    def teardown(self) -> None:
        self.world.shared.stop()
        shutil.rmtree(self.folder)

    @rule(node=NODES, ids=st.sets(KEYS, min_size=1), copy=st.integers(0, 2), before=EVENTS, after=EVENTS)
    def read(self, node: int, ids: set[int], copy: int, before: list[Any], after: list[Any]) -> None:
        self._read(node, ids, copy, before, after)

    def _read(self, node: int, ids: set[int], copy: int, before: list[Any], after: list[Any]) -> None:
        told = {id: self.told[id] for id in ids}

        def load(missing: list[Any], at_least: int) -> tuple[dict[Any, int], int]:
            self._happen(before)
            answer = self.world.shard.read(missing, at_least, copy)
            self._happen(after)
            return answer

        got = self.world.fetch(*sorted(ids), node=node, load=load)
        for id, position in told.items():
            assert got.get(id, 0) >= position, f"post {id} of {got.get(id, 0)}, told of {position}"

    @rule(events=EVENTS)
    def live_on(self, events: list[Any]) -> None:
        self._happen(events)

    @rule(copy=REPLICAS)
    def bring_back_an_old_copy(self, copy: int) -> None:
        self.world.shard.copies[copy] = 0

    @rule(node=NODES)
    def switch_local(self, node: int) -> None:
        local = self.world.nodes[node].local
        local.enabled = not local.enabled

    @rule()
    def switch_global(self) -> None:
        self.world.shared.enabled = not self.world.shared.enabled

    @rule()
    def wait(self) -> None:
        self.clock.advance(1.0)

    def _happen(self, events: list[Any]) -> None:
        acts: dict[str, Callable[..., object]] = {
            "write": self._write,
            "commit": self.world.shard.commit,
            "deliver": self._deliver,
            "replicate": self.world.shard.replicate,
            "read": lambda node, id, copy: self._read(node, {id}, copy, [], []),
            "empty": self.world.shared.clear,
            "lose": lambda: shutil.rmtree(self.folder / "global", ignore_errors=True),
            "settle": self.world.invalidation.snapshot,
        }
        for name, *arguments in events:
            acts[name](*arguments)

    def _write(self, id: int) -> None:
        self.world.shard.commit(id)
        self._deliver()

    def _deliver(self) -> None:
        self.world.shard.deliver()
        newest = self.world.shard.read(self.told, 0, copy=0)[0]
        self.told.update(newest)


TestCacheProtocol = CacheProtocol.TestCase
TestCacheProtocol.settings = settings(
    max_examples=100, stateful_step_count=25, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
