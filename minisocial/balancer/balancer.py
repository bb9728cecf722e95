"""The load balancer: sorts requests into services and finds each a node."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minisocial import trace, wsgi
from minisocial.balancer.policies import POLICIES
from minisocial.balancer.service import Service, ServiceSnapshot, Target
from minisocial.clock import Clock
from minisocial.errors import Unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ErrorPage = Callable[["WSGIEnvironment", int, str, wsgi.Headers], wsgi.Response]

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
TRIES = 2  # of a safe request

log = logging.getLogger("minisocial.balancer")


@dataclass(frozen=True, slots=True)
class BalancerSnapshot:
    policy: str
    services: tuple[ServiceSnapshot, ...]
    retried: int


class Balancer:
    """Gives each request to a request node: reads to the read service, all else to the write service.

    Promise: a service's slots are never overrun, and slow writes never take a reader's slot. A safe
    request that failed is tried once more, on another node; an unsafe one is never sent twice.

    When it fails: a request that finds no slot in `wait_ms`, or too many others waiting, gets a 503 with
    `Retry-After`. A node that keeps failing is left alone for a while, but never more than half of them.
    """

    def __init__(
        self,
        services: Mapping[str, Sequence[Target]],
        *,
        error_page: ErrorPage,
        policy: str = "least_busy",
        wait_ms: int = 2000,
        waiting_limit: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`services`: nodes by "read" and "write" ("read" alone serves both). `waiting_limit`: requests that may
        wait for a slot of one service (default: eight times its slots)."""
        self._services = {
            name: Service(name, nodes, _limit(nodes, waiting_limit), clock or Clock())
            for name, nodes in services.items()
        }
        self._error_page = error_page
        self.policy = policy
        self.wait_ms = wait_ms
        self._lock = threading.Lock()  # guards _retried
        self._retried = 0

    @property
    def policy(self) -> str:
        """The name of the policy in use; may be changed while running."""
        return self._policy

    @policy.setter
    def policy(self, name: str) -> None:
        if name not in POLICIES:
            raise ValueError(f"There is no balancing policy {name!r}. Choose one of: {', '.join(POLICIES)}.")
        self._policy = name

    @property
    def capacity(self) -> int:
        """How many requests it holds at most, running or waiting: the front door needs more threads than that."""
        services = self._services.values()
        return sum(service.waiting_limit + sum(node.slots for node in service.nodes) for service in services)

    def start(self) -> None:
        """Nothing to start: health is judged by the requests themselves."""

    def stop(self) -> None:
        """Nothing to stop: requests that wait do so for a bounded time."""

    def snapshot(self) -> BalancerSnapshot:
        services = tuple(service.snapshot() for service in self._services.values())
        return BalancerSnapshot(self._policy, services, self._retried)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        try:
            answer = self._answer(environ)
        except Unavailable as error:
            retry = [("Retry-After", str(error.retry_after or 2))]
            answer = self._error_page(environ, error.status, str(error), retry)
        return answer.send(start_response)

    def _answer(self, environ: "WSGIEnvironment") -> wsgi.Response:
        service = self._service(environ)
        tried: list[str] = []
        for is_last in _tries(environ):
            node = self._node(service, environ, tried)
            try:
                return self._ask(service, node, environ)
            except Exception:
                tried.append(node.name)
                if is_last or not _has_other(service, tried):
                    raise
                log.warning("%s failed request %s; trying another", node.name, trace.request_id(), exc_info=True)
                self._count_retry()
        raise AssertionError("the last try either returns or raises")

    def _service(self, environ: "WSGIEnvironment") -> Service:
        name = "read" if environ["REQUEST_METHOD"] in SAFE else "write"
        return self._services.get(name) or next(iter(self._services.values()))

    def _node(self, service: Service, environ: "WSGIEnvironment", tried: list[str]) -> Target:
        client = environ.get("minisocial.client") or environ.get("REMOTE_ADDR", "")
        with trace.span("balancer") as seen:
            node = service.take(self._policy, client, self.wait_ms / 1000, tried)
            seen.what = node.name
        return node

    def _ask(self, service: Service, node: Target, environ: "WSGIEnvironment") -> wsgi.Response:
        """The node's answer. A copy of `environ`, because applications write into it and may have to be asked again."""
        health = service.health[node.name]
        try:
            answer = wsgi.call(node.serve, dict(environ))
        except Exception:
            health.failed()
            raise
        # 503 is the database or the queue being busy: another node would say the same
        if answer.code >= 500 and answer.code != 503:
            health.failed()
        else:
            health.succeeded()
        return answer

    def _count_retry(self) -> None:
        with self._lock:
            self._retried += 1


def _limit(nodes: Sequence[Target], waiting_limit: int | None) -> int:
    return 8 * sum(node.slots for node in nodes) if waiting_limit is None else waiting_limit


def _tries(environ: "WSGIEnvironment") -> list[bool]:
    """For each try, whether it is the last. Only a safe request without a body is tried again."""
    can_repeat = environ["REQUEST_METHOD"] in SAFE and environ.get("CONTENT_LENGTH") in (None, "", "0")
    return [False] * (TRIES - 1) + [True] if can_repeat else [True]


def _has_other(service: Service, tried: list[str]) -> bool:
    return any(node.state == "up" and node.name not in tried for node in service.nodes)
