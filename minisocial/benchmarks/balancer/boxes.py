"""The boxes from the front door to the nodes, around an application that takes its time. Prints its port, serves."""

import json
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from minisocial import waiting, web
from minisocial.balancer import Balancer
from minisocial.nodes import Made, Pool
from minisocial.proxy import Collapse, FrontDoor, PageCache, Proxy, StaticFiles
from minisocial.system import SPARE_THREADS, SWITCH_INTERVAL
from minisocial.trace import Tracer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BODY = b"minisocial".ljust(8192, b".")
CONNECTIONS = 400


@dataclass(frozen=True, slots=True)
class TimedApp:
    """An application that waits, as for a database, or computes, as for a page."""

    waits: float = 0.0  # seconds
    computes: float = 0.0  # seconds of the processor

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        waiting.ahead()
        if self.waits:
            threading.Event().wait(self.waits)
        end = time.thread_time() + self.computes
        while self.computes and time.thread_time() < end:
            pass
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
        return [BODY]


def front_door(app: TimedApp, nodes: int, slots: int, form: str = "separate", write_delay_ms: int = 0) -> FrontDoor:
    """Everything in front of the domain, as a system joins it."""
    static, tracer = StaticFiles(web.STATIC), Tracer()
    error_page = web.ErrorPage(static.url)
    balancer = Balancer({"read": (), "write": ()}, error_page=error_page, form=form)
    pool = Pool(
        lambda name: Made(app, lambda: None), balancer, slots=dict.fromkeys(("read", "write"), slots),
        write_delay_ms=write_delay_ms,
    )  # fmt: skip
    pool.fill(read=nodes, write=1)
    proxy = Proxy(
        balancer, page_cache=PageCache(1 << 20), collapse=Collapse(), static=static, error_page=error_page,
        tracer=tracer,
    )  # fmt: skip
    balancer.start()
    proxy.start()
    return FrontDoor(
        proxy, host="127.0.0.1", port=0, threads=max(balancer.capacity + SPARE_THREADS, CONNECTIONS),
        connections=CONNECTIONS, tracer=tracer, error_page=error_page, at_once=True,
    )  # fmt: skip


def main() -> None:
    """Serve until it is ended."""
    told = json.loads(sys.argv[1])
    sys.setswitchinterval(SWITCH_INTERVAL)
    app = TimedApp(told.pop("waits"), told.pop("computes"))
    door = front_door(app, **told)
    door.start()
    click.echo(door.port)
    threading.Event().wait()


if __name__ == "__main__":
    main()
