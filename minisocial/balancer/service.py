"""A service: some nodes that do the same, and a short queue in front of their slots."""

import itertools
import random
import threading
from collections.abc import Container
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from minisocial import waiting
from minisocial.balancer.health import Health
from minisocial.balancer.pace import Pace
from minisocial.balancer.policies import POLICIES, Turn
from minisocial.balancer.ticket import Ticket
from minisocial.clock import Clock
from minisocial.errors import NodeDown, Overloaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from minisocial.wsgi import Response

WAITING_A_SLOT = 8  # requests that may wait, for each slot
ABSURD = 10.0  # seconds; a request that takes so long counts against its node


class Target(Protocol):
    """What the balancer needs of a request node."""

    name: str
    service: str

    @property
    def slots(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def in_flight(self) -> int: ...
    @property
    def is_free(self) -> bool: ...
    def watch(self, listener: "Callable[[], None]") -> None: ...
    def reserve(self) -> bool: ...
    def serve(self, environ: "WSGIEnvironment") -> "Response": ...
    def probe(self) -> bool: ...


class Wish(NamedTuple):  # and no dataclass: each request makes one
    """Who asks for a slot, and the nodes that have failed the request already."""

    client: str
    without: Container[Target] = ()


@dataclass(frozen=True, slots=True)
class ServiceSnapshot:
    """One service: who waits for a slot now, and which nodes are left alone or spared for their health."""

    name: str
    nodes: tuple[str, ...]
    ejected: tuple[str, ...]
    recovering: tuple[str, ...]  # few requests go there yet
    waiting: int
    refused: int
    overdue: int  # requests that took absurdly long
    wait_ms: float  # that the next to wait would wait, as far as one can tell


class Run:
    """One request that a node works on."""

    __slots__ = ("began", "is_overdue", "node")

    def __init__(self, node: Target, began: float) -> None:
        self.node = node
        self.began = began
        self.is_overdue = False


class Service:
    """Hands out slots of its nodes; waits a bounded time, with a bounded number of others.

    Promise: who waits gets a slot in the order of coming, as soon as one is free that may serve it, and
    nobody who comes later overtakes. Who would wait in vain is refused at once: that is when too many
    wait already, or when the queue moves so slowly that the request's time would be over first.
    """

    def __init__(self, name: str, clock: Clock, waiting_limit: int | None = None) -> None:
        """`waiting_limit`: requests that may wait for a slot (default: eight times the slots)."""
        self.name = name
        self.policy = "least_busy"
        self._waiting_limit = waiting_limit
        self._clock = clock
        self._turns = itertools.count()
        self._random = random.Random()  # noqa: S311 - spreads load, keeps no secret
        self._running: set[Run] = set()
        self._lock = threading.Lock()  # guards all below; a node's lock is taken within it, never the other way round
        self._queue: list[Ticket[Wish, Target]] = []
        self._pace = Pace()
        self._health: dict[Target, Health] = {}  # replaced, never changed
        self._spared: tuple[Target, ...] = ()  # ejected or recovering
        self._refused = 0
        self._overdue = 0

    @property
    def nodes(self) -> tuple[Target, ...]:
        return tuple(self._health)

    @property
    def slots(self) -> int:
        return sum(node.slots for node in self._health)

    @property
    def waiting_limit(self) -> int:
        """How many may wait for a slot."""
        return WAITING_A_SLOT * self.slots if self._waiting_limit is None else self._waiting_limit

    def snapshot(self) -> ServiceSnapshot:
        health = self._health.items()
        with self._lock:
            wait = self._pace.wait(len(self._queue) + 1, self.slots, self._clock.monotonic())
        return ServiceSnapshot(
            name=self.name,
            nodes=tuple(node.name for node in self._health),
            ejected=tuple(node.name for node, each in health if each.is_ejected),
            recovering=tuple(node.name for node, each in health if not each.is_ejected and not each.is_plain),
            waiting=len(self._queue),
            refused=self._refused,
            overdue=self._overdue,
            wait_ms=round(wait * 1000, 1),
        )

    # who belongs to it

    def change(self, joining: dict[Target, Health], leaving: Container[Target] = ()) -> None:
        """These nodes join and those leave, in one step; whoever waits is seen to."""
        with self._lock:
            self._health = {node: it for node, it in self._health.items() if node not in leaving} | joining
            self._look_whom_to_spare()
        for node in joining:
            node.watch(self._wake)
        self._wake()

    def health(self) -> dict[Target, Health]:
        """Each node with its health."""
        return self._health

    def judge(self) -> None:
        """Sees to it that the health of the nodes counts from now on, and that what hangs counts against its node."""
        now = self._clock.monotonic()
        for run in list(self._running):
            if now - run.began >= ABSURD and not run.is_overdue:
                run.is_overdue = True
                self._count_overdue(run.node)
        with self._lock:
            self._look_whom_to_spare()
        self._wake()

    # slots

    def take(self, wish: Wish, wait: float) -> Target:
        """A node with a slot reserved on it; raises `NodeDown` or, after `wait` seconds at most, `Overloaded`."""
        node = None if self._queue else self._choose(wish)
        return node or self._wait_for_slot(wish, wait)

    def begin(self, node: Target) -> Run:
        """The request begins that the slot was taken for."""
        run = Run(node, self._clock.monotonic())
        self._running.add(run)
        return run

    def end(self, run: Run, is_well: bool | None) -> None:
        """It has ended; `is_well`: as far as the node is to blame, None if nothing is known of that."""
        self._running.discard(run)
        if is_well is None:
            return
        if run.is_overdue:
            return  # it was counted while it ran
        if self._clock.monotonic() - run.began >= ABSURD:
            self._count_overdue(run.node)
            return
        health = self._health.get(run.node)
        if health is None:
            return  # the node has left meanwhile
        if is_well:
            health.succeeded()
        else:
            health.failed()
            with self._lock:
                self._look_whom_to_spare()

    def has_other(self, tried: Container[Target]) -> bool:
        """Whether there is a node up that has not failed this request."""
        return any(node.state == "up" and node not in tried for node in self._health)

    def _choose(self, wish: Wish) -> Target | None:
        """A slot on the node that the policy likes best; None if all are taken."""
        free = [node for node in self._health if node.is_free and node not in wish.without]
        if self._spared and free:
            free = self._trusted(free, wish.without)
        if not free:
            self._check_up(wish.without)
            return None
        turn = Turn(next(self._turns), wish.client, self._random)
        while free:
            node: Target = POLICIES[self.policy](free, turn)
            if node.reserve():
                return node
            free = [other for other in free if other is not node]  # somebody was quicker
        return None

    def _trusted(self, free: list[Target], without: Container[Target]) -> list[Target]:
        """Those of the free nodes that are healthy, or all, rather than leave alone more than half of all nodes.

        One that recovers is passed over in as many cases as its share is small, if there is another.
        """
        health = self._health
        up = [node for node in health if node.state == "up" and node not in without]
        healthy = [node for node in up if not health[node].is_ejected]
        if 2 * len(healthy) < len(up):
            return free
        sound = [node for node in free if node in health and not health[node].is_ejected]
        return [node for node in sound if self._random.random() < health[node].share] or sound

    def _check_up(self, without: Container[Target]) -> None:
        if not self.has_other(without):
            raise NodeDown("The part of the site that answers this is down for a moment. Please try again.")

    def _look_whom_to_spare(self) -> None:
        self._spared = tuple(node for node, health in self._health.items() if not health.is_plain)

    def _count_overdue(self, node: Target) -> None:
        health = self._health.get(node)
        with self._lock:
            self._overdue += 1
        if health:
            health.failed()

    # waiting

    def _wait_for_slot(self, wish: Wish, wait: float) -> Target:
        with self._lock:
            now = self._clock.monotonic()
            if self._is_in_vain(wait, now):
                raise self._overloaded()
            waiting.ahead()
            ticket = Ticket[Wish, Target](wish)
            self._queue.append(ticket)
            self._pace.joined(now)
            self._hand_out()
        if ticket.wait(wait):
            return ticket.found()
        with self._lock:
            if ticket in self._queue:
                self._queue.remove(ticket)
                self._look_whether_empty()
                raise self._overloaded()
        return ticket.found()  # it came in the last moment

    def _is_in_vain(self, wait: float, now: float) -> bool:
        """Whether too many wait already, or the time would be over before it is this one's turn."""
        place = len(self._queue) + 1
        return place > self.waiting_limit or self._pace.wait(place, self.slots, now) > wait

    def _overloaded(self) -> Overloaded:
        self._refused += 1
        return Overloaded("Very many people are here right now. Nothing was changed. Please try again in a moment.")

    def _wake(self) -> None:
        """A slot may be free, or a node gone. Somebody who joins the queue just now looks for themselves."""
        if self._queue:
            with self._lock:
                self._hand_out()

    def _hand_out(self) -> None:
        """Gives what is free to those who wait, in the order of their coming. The lock is held."""
        place = 0
        while place < len(self._queue):
            ticket = self._queue[place]
            if ticket.settle(self._choose):
                del self._queue[place]
                self._pace.handed(self._clock.monotonic())
            elif ticket.wish.without:
                place += 1  # it wants another node than one that is free, perhaps
            else:
                break
        self._look_whether_empty()

    def _look_whether_empty(self) -> None:
        if not self._queue:
            self._pace.forget()
