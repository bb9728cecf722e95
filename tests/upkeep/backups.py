"""What the tests of backups share: a small community, backups that were tampered with, children that are killed."""

import hashlib
import io
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from minisocial.database import DIRECTORY, Cluster
from tests.database.world import person

PROJECT = Path(__file__).parents[2]

Entries = dict[str, bytes]
Tamper = Callable[[Entries, dict[str, Any]], None]  # with the entries and the manifest

ACCOUNT = "INSERT INTO accounts (id, username, display_name, created_at) VALUES (?, ?, ?, 1)"
NOTIFY = "INSERT INTO notifications (account, key, id, kind, actor, post) VALUES (?, ?, ?, 'mention', 1, ?)"


def join(cluster: Cluster, name: str, shard: str = "0") -> int:
    """Somebody with an account, a name and an address."""
    id = person(cluster, shard)
    with cluster.write(DIRECTORY) as block:
        block.execute("INSERT INTO usernames VALUES (?, ?)", (name, id))
        block.execute("INSERT INTO emails VALUES (?, ?)", (f"{name}@example.org", id))
    with cluster.write(shard) as block:
        block.execute(ACCOUNT, (id, name, name))
    return id


def notify(cluster: Cluster, account: int, post: int) -> None:
    """Tells somebody of a post."""
    with cluster.write(cluster.shard_of(account)) as block:
        block.execute(NOTIFY, (account, f"mention:{post}", cluster.new_id(account), post))


def tampered(file: Path, tamper: Tamper, *, is_listed: bool = False) -> Path:
    """Another backup beside the file, changed; if `is_listed`, its manifest agrees with what was changed."""
    with ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(entries.pop("manifest.json"))
    tamper(entries, manifest)
    if is_listed:
        manifest["files"] = [
            {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for path, content in entries.items()
        ]
    other = file.with_name(f"tampered-{file.name}")
    other.write_bytes(zipped({**entries, "manifest.json": json.dumps(manifest).encode()}))
    return other


def changed(database: bytes, *statements: str) -> bytes:
    """A database file in which somebody executed these."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed.db"
        path.write_bytes(database)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)
        return path.read_bytes()  # closed, so its WAL is in it


def zipped(entries: Entries) -> bytes:
    """A ZIP file of these."""
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def kill_in_the_middle(what: str, *paths: Path) -> None:
    """Starts `what` (of `backup_child`) in a process of its own and kills that once it is at work."""
    command = [sys.executable, "-m", "tests.upkeep.backup_child", what, *map(str, paths)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "at work\n"
        child.kill()
