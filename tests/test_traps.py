"""The traps of the libraries below, as this program meets them; each is a way in which it would break silently."""

import ast
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import diskcache
import pytest

from minisocial.cache import GlobalCache
from minisocial.database import Cluster
from minisocial.settings import Settings
from minisocial.system import System
from tests.client import Client
from tests.scenarios.conftest import StartSystem, start_system  # noqa: F401  (a fixture)
from tests.scenarios.people import set_up

PACKAGE = Path(__file__).resolve().parents[1] / "minisocial"


@pytest.fixture
def cluster(tmp_path: Path):
    cluster = Cluster(tmp_path / "database", shards=1)
    cluster.start()
    yield cluster
    cluster.stop()


def test_a_read_modify_write_by_many_threads_is_never_told_that_the_database_is_locked(cluster: Cluster) -> None:
    """A deferred transaction, as sqlite-utils opens one, fails when two of them turn to writing."""
    with cluster.write("0") as tx:
        tx.execute("INSERT INTO notifications_seen (account, id) VALUES (1, 0)")

    def add_one(_: int) -> None:
        with cluster.write("0") as tx:
            found = tx.row("SELECT id FROM notifications_seen WHERE account = 1")
            tx.execute("UPDATE notifications_seen SET id = ? WHERE account = 1", (found[0] + 1,))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(200)))
    with cluster.write("0") as tx:
        assert tx.row("SELECT id FROM notifications_seen WHERE account = 1") == (200,)


def test_a_file_has_one_connection_that_writes_or_checkpoints(cluster: Cluster) -> None:
    """Before SQLite 3.51.3 two of them at the same moment can lose what is in the WAL."""
    cluster.settle()
    for copy in cluster.snapshot().shards[1].copies:
        file = cluster.root.parent / copy.file
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        connection.close()
    with cluster.read("0") as reader:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.rows("DELETE FROM posts")
        with pytest.raises(sqlite3.OperationalError):
            reader.rows("PRAGMA wal_checkpoint(TRUNCATE)")


def test_a_foreign_key_pragma_or_journal_mode_left_alone_by_sqlite_utils_is_set_by_us(cluster: Cluster) -> None:
    with cluster.write("0") as tx:
        assert tx.row("PRAGMA synchronous") == (2,)  # FULL
        assert tx.row("PRAGMA journal_mode") == ("wal",)


def test_the_global_cache_writes_nothing_when_it_is_read(tmp_path: Path) -> None:
    """Least recently used, and statistics, would turn each read into a write."""
    cache = GlobalCache(tmp_path / "cache")
    cache.start()
    try:
        (file,) = tmp_path.rglob("cache.db")
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            settings = dict(connection.execute("SELECT key, value FROM Settings"))
        connection.close()
        assert settings["eviction_policy"] in ("least-recently-stored", "none")
        assert settings["statistics"] == 0
    finally:
        cache.stop()


def test_nothing_here_pickles() -> None:
    """diskcache, Huey and Bottle's signed cookies all would."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            assert not {"pickle", "shelve", "marshal", "dill"} & {name.split(".")[0] for name in names}, file
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("memoize", "FanoutCache", "JSONDisk"), file
            if isinstance(node, ast.keyword):
                assert node.arg != "secret", f"{file}: a signed cookie of Bottle's is a pickle"


def test_only_this_machine_is_answered_unless_told_otherwise() -> None:
    """Waitress binds all addresses, and takes a body of a gigabyte, by default."""
    assert Settings().host == "127.0.0.1"
    assert Settings().body_bytes <= 1 << 20


def test_a_form_arrives_as_it_was_typed_however_it_is_sent(start_system: StartSystem) -> None:  # noqa: F811
    """Bottle's `forms[...]` decodes UTF-8 as Latin-1, and a long field of a multipart form becomes a file."""
    system: System = start_system()
    ada = set_up(system)
    text = "Grüße, 世界 🎉"
    assert text in ada.get("/").submit("Post", text=text, visibility="everyone").page.text
    token = next(field for field in ada.get("/").page.all("input", name="csrf")).attrs["value"]
    fields = {"csrf": token, "visibility": "everyone", "text": f"multipart {text}"}
    parts = [f'--x\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    body = ("".join(parts) + "--x--\r\n").encode()
    ada.request("POST", "/posts", body, {"Content-Type": "multipart/form-data; boundary=x"})
    assert f"multipart {text}" in ada.get("/").page.text


def test_a_field_of_150_kb_is_told_that_it_is_too_much(start_system: StartSystem) -> None:  # noqa: F811
    system: System = start_system()
    ada = set_up(system)
    page = ada.get("/").submit("Post", text="x" * 150_000, visibility="everyone").page
    assert page.status in (413, 422)
    assert "too" in page.text


def test_an_error_is_json_for_who_asks_for_json(start_system: StartSystem) -> None:  # noqa: F811
    """Bottle's own error pages are HTML only."""
    system: System = start_system()
    set_up(system)
    page = Client(system.url).get("/nothing/here.json", accept="application/json").page
    assert page.headers["content-type"].startswith("application/json")
    assert page.json["error"]


def test_diskcache_still_needs_our_own_disk() -> None:
    """If its default ever stops unpickling what it finds, ours could go."""
    assert "pickle" in Path(diskcache.core.__file__).read_text()
