"""An application that does nothing, alone or at the end of the whole chain: what the boxes in front of it cost.

`python -m minisocial.benchmarks.chain alone|chain THREADS [at-once]` prints its port and serves until it is ended.
"Alone" is the same Waitress with the same strictness and as many threads, and nothing of ours behind it.
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
from minisocial.proxy.listener import Listener
from minisocial.settings import Settings
from minisocial.system import SWITCH_INTERVAL
from minisocial.trace import Tracer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

EMPTY = wsgi.Response(
    "200 OK", [("Content-Type", "text/plain"), ("Content-Length", "0"), ("Cache-Control", "private")], b""
)


def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    """Nothing, for everybody."""
    return EMPTY.send(start_response)


def chain(folder: Path, at_once: bool, threads: int) -> FrontDoor:
    """All boxes a request crosses, with default settings."""
    settings = Settings(data=folder)
    tracer, static = Tracer(), StaticFiles(web.STATIC)
    error_page = web.ErrorPage(static.url)
    nodes = [Node(f"read-{number + 1}", "read", app, settings.read_slots) for number in range(settings.read_nodes)]
    balancer = Balancer({"read": nodes}, policy=settings.policy, wait_ms=settings.wait_ms, error_page=error_page)
    proxy = Proxy(
        balancer,
        page_cache=PageCache(settings.page_cache_bytes),
        collapse=Collapse(),
        static=static,
        error_page=error_page,
        tracer=tracer,
    )
    return FrontDoor(
        proxy, host="127.0.0.1", port=0, threads=threads, tracer=tracer, error_page=error_page, at_once=at_once
    )


def alone(at_once: bool, threads: int) -> Listener:
    """The same Waitress, and nothing else."""
    return Listener(
        app,
        host="127.0.0.1",
        port=0,
        threads=threads,
        body_bytes=1 << 18,
        connections=200,
        request_seconds=60,
        crowded_seconds=10,
        at_once=at_once,
    )


def main() -> None:
    """Serve until ended."""
    name, threads, *more = sys.argv[1:]
    sys.setswitchinterval(SWITCH_INTERVAL)
    at_once = bool(more)
    with tempfile.TemporaryDirectory() as folder:
        front = chain(Path(folder), at_once, int(threads)) if name == "chain" else alone(at_once, int(threads))
    front.start()
    gc.collect()
    gc.freeze()  # as the system does
    click.echo(front.port)
    threading.Event().wait()


if __name__ == "__main__":
    main()
