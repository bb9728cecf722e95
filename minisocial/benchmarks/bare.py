"""Waitress with nothing on it: what all figures are compared with. Prints its port, serves until it is ended."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
import waitress

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BODY = b"minisocial".ljust(8192, b".")


def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """The same 8 KB for everybody."""
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(BODY)))])
    return [BODY]


def main() -> None:
    """Serve on any free port with as many threads as the argument says."""
    threads = int(sys.argv[1])
    server = waitress.create_server(
        app, host="127.0.0.1", port=0, threads=threads, connection_limit=200, asyncore_use_poll=True
    )
    click.echo(server.effective_port)
    server.run()


if __name__ == "__main__":
    main()
