"""A system's snapshot made by hand, and a console around it."""

import io
from dataclasses import dataclass, field
from typing import Any

from minisocial.console import ConsoleContext, SystemSnapshot, build_console
from minisocial.process import ProcessSnapshot
from minisocial.trace import Tracer
from minisocial.upkeep.nightly import NightlySnapshot
from minisocial.wsgi import Response, call, plain


@dataclass(frozen=True, slots=True)
class Copy:
    name: str
    role: str
    file: str
    position: int = 7
    lag_ms: float = 0.0
    state: str = "up"
    reads: int = 0


@dataclass(frozen=True, slots=True)
class Shard:
    name: str
    copies: tuple[Copy, ...]
    failovers: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Database:
    shards: tuple[Shard, ...]
    commits: int = 3


@dataclass(frozen=True, slots=True)
class Tier:
    name: str = "global"
    hits: int = 1234
    misses: int = 2
    refused: int = 1
    outdated: int = 4
    bytes: int = 3 << 20


@dataclass(frozen=True, slots=True)
class Proxy:
    hits: int = 10
    misses: int = 20
    stale: int = 0
    collapsed: int = 5


@dataclass(frozen=True, slots=True)
class Balancer:
    policy: str = "least_busy"
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    service: str
    state: str = "up"
    in_flight: int = 0
    served: int = 40
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Tasks:
    depth: int = 0
    oldest_ms: int = 1500
    done: int = 9
    retried: int = 1
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Outbox:
    depth: int = 0
    is_behind: bool = False


@dataclass(frozen=True, slots=True)
class Workers:
    number: int = 2
    stuck: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    sent: int = 4
    failed: int = 0


def shard(name: str, **states: str) -> Shard:
    """A shard whose copy a is the primary."""
    copies = [Copy(c, "primary" if c == "a" else "replica", f"{c}/shard-{name}-1.db") for c in "abc"]
    return Shard(name, tuple(Copy(c.name, c.role, c.file, state=states.get(c.name, "up")) for c in copies))


def snapshot(**changed: Any) -> SystemSnapshot:
    """Everything works, unless told otherwise."""
    parts: dict[str, Any] = {
        "database": Database((shard("directory"), shard("0"))),
        "local_caches": (Tier("read-1"), Tier("write-1")),
        "global_cache": Tier(),
        "proxy": Proxy(),
        "nodes": (Node("read-1", "read"), Node("write-1", "write")),
        "balancer": Balancer(),
        "queue": Tasks(),
        "outbox": Outbox(),
        "workers": Workers(),
        "jobs": (),
        "mail": Mail(),
        "process": ProcessSnapshot(50 << 20, 1.25, 60.0, 12),
        "backups": NightlySnapshot(7, False, 1, 0, "", 0, "", ()),
    }
    return SystemSnapshot(**{**parts, **changed})


@dataclass
class Site:
    """A console and whoever looks at it."""

    snapshot: SystemSnapshot = field(default_factory=snapshot)
    tracer: Tracer = field(default_factory=Tracer)

    def __post_init__(self) -> None:
        self.app = build_console(
            ConsoleContext(
                snapshot=lambda: self.snapshot,
                tracer=self.tracer,
                is_allowed=lambda environ: bool(environ.get("minisocial.is_local")),
                static=lambda name: f"/static/1/{name}",
                error_page=lambda environ, status, message: plain(f"{status} Refused", message, ("X-Page", "error")),
                version="1.2.3",
            )
        )

    def get(self, path: str, method: str = "GET", is_local: bool = True) -> Response:
        """Ask for a page, from this machine or from elsewhere."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "SCRIPT_NAME": "",
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            "minisocial.is_local": is_local,
        }
        return call(self.app, environ)
