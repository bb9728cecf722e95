"""`doctor`: what may be wrong with this machine or the data folder, and what to do about it."""

import errno
import os
import shutil
import socket
import sqlite3
import sys
from dataclasses import dataclass

from minisocial.cli.serving import shown
from minisocial.settings import Settings

ROOM = 500 << 20  # bytes that should be free
OLDEST_SQLITE = (3, 35)  # RETURNING
SAFE_SQLITE = (3, 51, 3)  # before it, two checkpointers of one file could lose what lay in its log


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` is empty where all is well."""

    what: str
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        return not self.remedy

    def __str__(self) -> str:
        return f"ok    {self.what}" if self.is_well else f"FAULT {self.what}: {self.remedy}"


def examine(settings: Settings) -> list[Finding]:
    """Looks at everything; changes nothing."""
    return [check_python(), check_sqlite(), check_folder(settings), check_room(settings), check_port(settings)]


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    what = f"Python {'.'.join(map(str, version))}"
    return Finding(what, "" if version >= (3, 10) else "minisocial needs 3.10 or newer")


def check_sqlite(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> Finding:
    what = f"SQLite {'.'.join(map(str, version))}"
    if version < OLDEST_SQLITE:
        return Finding(what, "minisocial needs 3.35 or newer; use a newer Python, which brings its own")
    if version < SAFE_SQLITE:
        what += " (loses a log if two checkpoint it at once: one writer does here, so write with no other program)"
    return Finding(what)


def check_folder(settings: Settings) -> Finding:
    """The folder itself; or, where it is not made yet, the nearest one above it."""
    there = next(path for path in (settings.data.absolute(), *settings.data.absolute().parents) if path.exists())
    what = f"data folder {shown(settings.data)}" + ("" if settings.data.exists() else " (made at the first start)")
    if not there.is_dir():
        return Finding(what, f"{there} is a file; move it away or choose another folder with --data")
    can_write = os.access(there, os.W_OK | os.X_OK)
    return Finding(what, "" if can_write else f"{there} is not writable for you; change its owner or its permissions")


def check_room(settings: Settings) -> Finding:
    there = next(path for path in (settings.data.absolute(), *settings.data.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    return Finding(f"{free >> 20} MiB free", "" if free >= ROOM else f"make room: {ROOM >> 20} MiB should be")


def check_port(settings: Settings) -> Finding:
    what = f"port {settings.port} of {settings.host}"
    try:
        with socket.create_server((settings.host, settings.port), family=_family(settings.host)):
            return Finding(what)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return Finding(what, "it is taken, perhaps by a running minisocial; stop that or choose another --port")
        return Finding(what, f"{error.strerror or error}; choose others with --host and --port")


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
