"""The machine: the versions of Python, SQLite and the libraries, and the port."""

import errno
import re
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from importlib import metadata

from minisocial.doctor.finding import Finding
from minisocial.settings import Settings

OLDEST_PYTHON = (3, 10)
OLDEST_SQLITE = (3, 35)  # RETURNING
SAFE_SQLITE = (3, 51, 3)  # see CAUTION
CAUTION = (
    "before 3.51.3, two connections that copy a log into its file at once can lose some of it; here the one writer of "
    "a file does so alone: write with other programs only while the site is stopped"
)
LIBRARIES = {  # as in setup.py: at least, and below
    "bottle": ((0, 13), (0, 14)),
    "waitress": ((3, 0), (4,)),
    "sqlite-utils": ((4, 2), (5,)),
    "diskcache": ((5, 6), (6,)),
    "huey": ((3, 5), (4,)),
    "click": ((8, 1), (9,)),
}

Version = tuple[int, ...]


def check_python(version: Version = sys.version_info[:3]) -> Finding:
    """Whether this Python is new enough."""
    return Finding(f"Python {dotted(version)}", "" if version >= OLDEST_PYTHON else "minisocial needs 3.10 or newer")


def check_sqlite(version: Version = sqlite3.sqlite_version_info) -> Finding:
    """Whether this SQLite is new enough, and what to mind with an older one."""
    what = f"SQLite {dotted(version)}"
    if version < OLDEST_SQLITE:
        return Finding(what, "minisocial needs 3.35 or newer; use a newer Python, which brings its own")
    return Finding(what if version >= SAFE_SQLITE else f"{what} ({CAUTION})")


def check_libraries(version_of: Callable[[str], str] = metadata.version) -> Iterator[Finding]:
    """Whether each library is there, in a version that was tried."""
    found = []
    for name, (least, below) in LIBRARIES.items():
        try:
            text = version_of(name)
        except metadata.PackageNotFoundError:
            yield Finding(f"the library {name} is not installed", INSTALL)
            continue
        found.append(f"{name} {text}")
        if not least <= numbers(text) < below:
            yield Finding(f"{name} {text} is not a version from {dotted(least)} to below {dotted(below)}", INSTALL)
    if len(found) == len(LIBRARIES):
        yield Finding(", ".join(found))


INSTALL = "start with python3 run.py, which installs what is needed into .venv; delete .venv if it does not help"


def check_port(settings: Settings, is_running: bool = False) -> Finding:
    """Whether the port can be listened at; while the site runs it is taken, as it should be."""
    what = f"port {settings.port} of {settings.host}"
    try:
        with socket.create_server((settings.host, settings.port), family=_family(settings.host)):
            return Finding(what)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            return Finding(what, f"{error.strerror or error}; choose others with --host and --port")
    if is_running:
        return Finding(f"{what} is taken, as it is while the site runs")
    return Finding(what, "another program has taken it; stop that or choose another --port")


def dotted(version: Version) -> str:
    return ".".join(map(str, version))


def numbers(text: str) -> Version:
    """The numbers a version begins with."""
    return tuple(int(part) for part in re.findall(r"\d+", text.split("+")[0])[:3])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
