"""An application that does nothing, alone or at the end of the whole chain: what the boxes in front of it cost.

`python -m minisocial.benchmarks.chain alone|chain THREADS [at-once]` prints its port and serves until it is ended.
"Alone" it stands right behind the same front door: Waitress, its strictness, ids and traces are in both figures.
"""

import gc
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from minisocial import web, wsgi
from minisocial.balancer import Balancer
from minisocial.nodes import Node
from minisocial.proxy import Collapse, FrontDoor, PageCache, Proxy, StaticFiles
from minisocial.settings import Settings
from minisocial.system import SWITCH_INTERVAL
from minisocial.trace import Tracer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

EMPTY = wsgi.Response(
    "200 OK", [("Content-Type", "text/plain"), ("Content-Length", "0"), ("Cache-Control", "private")], b""
)


def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    """Nothing, for everybody."""
    return EMPTY.send(start_response)


def chain(folder: Path, tracer: Tracer) -> Proxy:
    """The boxes behind the front door, with default settings."""
    settings, static = Settings(data=folder), StaticFiles(web.STATIC)
    error_page = web.ErrorPage(static.url)
    nodes = [Node(f"read-{number + 1}", "read", app, settings.read_slots) for number in range(settings.read_nodes)]
    balancer = Balancer({"read": nodes}, policy=settings.policy, wait_ms=settings.wait_ms, error_page=error_page)
    return Proxy(
        balancer,
        page_cache=PageCache(settings.page_cache_bytes),
        collapse=Collapse(),
        static=static,
        error_page=error_page,
        tracer=tracer,
    )


def front_door(behind: "WSGIApplication", tracer: Tracer, threads: int, at_once: bool) -> FrontDoor:
    """The same Waitress with the same strictness, ids and traces for both."""
    return FrontDoor(
        behind, host="127.0.0.1", port=0, threads=threads, tracer=tracer, error_page=refuse, at_once=at_once
    )


def refuse(environ: "WSGIEnvironment", status: int, message: str, headers: wsgi.Headers) -> wsgi.Response:
    """Nobody is refused here."""
    return wsgi.plain(f"{status} Refused", message, *headers)


def main() -> None:
    """Serve until ended."""
    name, threads, *more = sys.argv[1:]
    sys.setswitchinterval(SWITCH_INTERVAL)
    tracer = Tracer()
    with tempfile.TemporaryDirectory() as folder:
        behind = chain(Path(folder), tracer) if name == "chain" else app
        front = front_door(behind, tracer, int(threads), at_once=bool(more))
    front.start()
    gc.collect()
    gc.freeze()  # as the system does
    click.echo(front.port)
    threading.Event().wait()


if __name__ == "__main__":
    main()
