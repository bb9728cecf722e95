"""The load balancer: sorts requests into services and finds each a node."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minisocial import trace, wsgi
from minisocial.balancer.health import Health
from minisocial.balancer.policies import POLICIES
from minisocial.balancer.probes import Probes, Spawn, in_a_thread
from minisocial.balancer.service import Service, ServiceSnapshot, Target, Wish
from minisocial.clock import Clock
from minisocial.errors import InDoubt, NodeDown, NodeKilled, Unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ErrorPage = Callable[["WSGIEnvironment", int, str, wsgi.Headers], wsgi.Response]

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
ONCE, TWICE = (True,), (False, True)  # for each try, whether it is the last
FORMS = ("separate", "merged")  # of the services
IN_DOUBT = (
    "The part of the site that worked on this was stopped in the middle, so saving was not confirmed: "
    "the change may be there or not. Look before repeating."
)

log = logging.getLogger("minisocial.balancer")


@dataclass(frozen=True, slots=True)
class BalancerSnapshot:
    policy: str
    form: str  # separate or merged
    retried: int
    in_doubt: int  # writes whose node was killed
    services: tuple[ServiceSnapshot, ...]


class Balancer:
    """Gives each request to a request node: reads to the read service, all else to the write service.

    Promise: a service's slots are never overrun, and slow writes never take a reader's slot (unless
    the services are merged, to see what that costs). A safe request that failed is tried once more, on
    another node; an unsafe one is never sent twice. Nodes come and go while it runs.

    When it fails: a request that finds no slot in `wait_ms`, or too many others waiting, gets a 503 with
    `Retry-After`. A node that keeps failing is left alone until a probe finds it well again, but never
    more than half of them. A write whose node is killed is answered with "not confirmed".
    """

    def __init__(
        self,
        services: Mapping[str, Sequence[Target]],
        *,
        error_page: ErrorPage,
        policy: str = "least_busy",
        form: str = "separate",
        wait_ms: int = 2000,
        waiting_limit: int | None = None,
        clock: Clock | None = None,
        spawn: Spawn = in_a_thread,
    ) -> None:
        """`services`: nodes by "read" and "write" ("read" alone serves both). `waiting_limit`: requests that may
        wait for a slot of one service (default: eight times its slots). `spawn` has a probe made beside the caller."""
        self._clock = clock = clock or Clock()
        self._separate = {name: Service(name, clock, waiting_limit) for name in services}
        self._merged = Service("all", clock, waiting_limit)
        self._routes: Mapping[str, Service] = self._separate  # replaced, never changed
        self._error_page = error_page
        self._probes = Probes(self._active, clock, spawn)
        self._reshaping = threading.Lock()  # held by whoever changes who is where; no request waits for it
        self._lock = threading.Lock()  # guards the two counters
        self._retried = 0
        self._in_doubt = 0
        for name, nodes in services.items():
            self._separate[name].change({node: Health(clock) for node in nodes})
        self.policy = policy
        self.form = form
        self.wait_ms = wait_ms

    @property
    def policy(self) -> str:
        """The name of the policy in use; may be changed while running."""
        return self._merged.policy

    @policy.setter
    def policy(self, name: str) -> None:
        if name not in POLICIES:
            raise ValueError(f"There is no balancing policy {name!r}. Choose one of: {', '.join(POLICIES)}.")
        for service in (self._merged, *self._separate.values()):
            service.policy = name

    @property
    def form(self) -> str:
        """ "separate": reads and writes have their own nodes; "merged": all nodes do both. May be changed, too."""
        return "merged" if self._merged in self._active() else "separate"

    @form.setter
    def form(self, form: str) -> None:
        if form not in FORMS:
            raise ValueError(f"The services are {' or '.join(FORMS)}, not {form!r}.")
        with self._reshaping:
            if form != self.form:
                self._merge() if form == "merged" else self._separate_again()

    @property
    def nodes(self) -> tuple[Target, ...]:
        """All nodes of all services."""
        return tuple(node for service in self._active() for node in service.nodes)

    @property
    def capacity(self) -> int:
        """How many requests it holds at most, running or waiting: the front door needs more threads than that."""
        return sum(service.waiting_limit + service.slots for service in self._active())

    def start(self) -> None:
        """Starts probing the nodes."""
        self._probes.start()

    def stop(self) -> None:
        """Stops probing; requests that wait do so for a bounded time."""
        self._probes.stop()

    def step(self) -> None:
        """Probes the nodes that are due, as the thread does twice a second."""
        self._probes.step()

    def snapshot(self) -> BalancerSnapshot:
        services = tuple(service.snapshot() for service in self._active())
        return BalancerSnapshot(self.policy, self.form, self._retried, self._in_doubt, services)

    # nodes that come and go

    def add(self, node: Target, is_warm: bool = False) -> None:
        """The node gets requests of its service from now on; few at first, unless `is_warm` or it is the only one."""
        self.replace(None, node, is_warm)

    def remove(self, node: Target) -> None:
        """The node gets no more requests; what runs there is not its affair."""
        with self._reshaping:
            self._home(node).change({}, leaving=(node,))

    def replace(self, old: Target | None, new: Target, is_warm: bool = False) -> None:
        """`new` takes the place of `old` in one step, so that the service is never without a node."""
        leaving = () if old is None else (old,)
        with self._reshaping:
            service = self._home(new)
            is_cold = not is_warm and service.has_other(leaving)
            service.change({new: Health(self._clock, is_new=is_cold)}, leaving)

    def _home(self, node: Target) -> Service:
        """The service that serves what the node is for."""
        return self._routes.get(node.service) or next(iter(self._routes.values()))

    def _active(self) -> tuple[Service, ...]:
        return tuple(dict.fromkeys(self._routes.values()))

    def _merge(self) -> None:
        """Who waits in a service that is left finds no node there, looks again, and waits in the other one."""
        self._merged.change({node: it for each in self._separate.values() for node, it in each.health().items()})
        self._routes = dict.fromkeys(self._separate, self._merged)
        for service in self._separate.values():
            service.change({}, leaving=service.nodes)

    def _separate_again(self) -> None:
        health = self._merged.health()
        for name, service in self._separate.items():
            is_only = len(self._separate) == 1
            service.change({node: it for node, it in health.items() if is_only or node.service == name})
        self._routes = self._separate
        self._merged.change({}, leaving=self._merged.nodes)

    # requests

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        return self.respond(environ).send(start_response)

    def respond(self, environ: "WSGIEnvironment") -> wsgi.Response:
        """The answer as one value."""
        try:
            return self._answer(environ)
        except Unavailable as error:
            retry = [("Retry-After", str(error.retry_after or 2))]
            return self._error_page(environ, error.status, str(error), retry)

    def _answer(self, environ: "WSGIEnvironment") -> wsgi.Response:
        tried: list[Target] = []
        for is_last in _tries(environ):
            service, node = self._node(environ, tried)
            tried.append(node)
            try:
                answer = self._ask(service, node, environ)
            except Exception as error:
                self._doubt(environ, error)
                if is_last or not self._service(environ).has_other(tried):
                    raise
                fault = None if isinstance(error, NodeKilled) else error
                log.warning("%s failed request %s; trying another", node.name, trace.request_id(), exc_info=fault)
            else:
                if is_last or not _is_fault(answer) or not self._service(environ).has_other(tried):
                    return answer
                log.warning("%s failed request %s; trying another", node.name, trace.request_id())
            self._count_retry()
        raise AssertionError("the last try either returns or raises")

    def _node(self, environ: "WSGIEnvironment", tried: Sequence[Target]) -> tuple[Service, Target]:
        wish = Wish(environ.get("minisocial.client") or environ.get("REMOTE_ADDR", ""), tried)
        until = self._clock.monotonic() + self.wait_ms / 1000
        with trace.span("balancer") as seen:
            while True:
                service = self._service(environ)
                try:
                    node = service.take(wish, until - self._clock.monotonic())
                except NodeDown:
                    if service is self._service(environ):
                        raise
                    continue  # its nodes have gone over to another service
                seen.what = node.name
                return service, node

    def _service(self, environ: "WSGIEnvironment") -> Service:
        name = "read" if environ["REQUEST_METHOD"] in SAFE else "write"
        return self._routes.get(name) or next(iter(self._routes.values()))

    def _ask(self, service: Service, node: Target, environ: "WSGIEnvironment") -> wsgi.Response:
        """The node's answer. A copy of `environ`, because applications write into it and may have to be asked again."""
        run, is_well = service.begin(node), None
        try:
            answer = node.serve(dict(environ))
            is_well = not _is_fault(answer)
            return answer
        except NodeKilled:
            raise
        except Exception:
            is_well = False
            raise
        finally:
            service.end(run, is_well)

    def _doubt(self, environ: "WSGIEnvironment", error: Exception) -> None:
        """A write that was under way may have been saved before its node was killed: raises `InDoubt`."""
        if isinstance(error, NodeKilled) and environ["REQUEST_METHOD"] not in SAFE:
            with self._lock:
                self._in_doubt += 1
            raise InDoubt(IN_DOUBT) from error

    def _count_retry(self) -> None:
        with self._lock:
            self._retried += 1


def _is_fault(answer: wsgi.Response) -> bool:
    """Of the node; 503 is the database or the queue being busy, and another node would say the same."""
    return answer.code >= 500 and answer.code != 503


def _tries(environ: "WSGIEnvironment") -> Iterable[bool]:
    """Only a safe request without a body is tried again."""
    can_repeat = environ["REQUEST_METHOD"] in SAFE and environ.get("CONTENT_LENGTH") in (None, "", "0")
    return TWICE if can_repeat else ONCE
