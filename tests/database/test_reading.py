"""Who reads where: replicas in turn, never back in time, and past a copy that fails."""

import threading

import pytest

from minisocial.database import DIRECTORY, Cluster
from minisocial.errors import ReplicaBehind, Unavailable
from minisocial.trace import Tracer
from tests.database.conftest import Make
from tests.database.world import person, post, spoil, texts, together, until
from tests.fakes import ManualClock
from tests.impatient import would_wait


def copies_read(cluster: Cluster, times: int = 8, at_least: int = 0) -> set[str]:
    names = set()
    for _ in range(times):
        with cluster.read("0", at_least) as reader:
            names.add(reader.copy)
    return names


def test_replicas_are_read_in_turn_and_the_primary_is_spared(cluster: Cluster) -> None:
    assert copies_read(cluster) == {"b", "c"}


def test_rows_are_tuples_and_a_missing_row_is_none(cluster: Cluster) -> None:
    id, _ = post(cluster, person(cluster), "hello")
    cluster.settle()
    with cluster.read("0") as reader:
        assert reader.rows("SELECT id, text FROM posts") == [(id, "hello")]
        assert reader.row("SELECT text FROM posts WHERE id = :id", {"id": id}) == ("hello",)
        assert reader.row("SELECT text FROM posts WHERE id = 0") is None


def test_a_block_reads_one_state_however_long_it_takes(cluster: Cluster) -> None:
    ada = person(cluster)
    post(cluster, ada, "before")
    cluster.settle()
    with cluster.read("0") as reader:
        assert len(reader.rows("SELECT id FROM posts")) == 1
        post(cluster, ada, "meanwhile")
        cluster.settle()
        assert len(reader.rows("SELECT id FROM posts")) == 1
    assert len(texts(cluster)) == 2


def test_nobody_can_write_through_a_reader(cluster: Cluster) -> None:
    with cluster.read("0") as reader, pytest.raises(Exception, match="readonly"):
        reader.rows("DELETE FROM posts")


def test_a_position_is_honoured_by_going_to_the_primary(cluster: Cluster) -> None:
    cluster.hold("0", "b")
    cluster.hold("0", "c")
    _, position = post(cluster, person(cluster))
    assert copies_read(cluster, at_least=position) == {"a"}
    cluster.release("0", "c")
    cluster.settle()
    assert copies_read(cluster, at_least=position) == {"c"}


def test_one_reads_ones_own_writes(cluster: Cluster) -> None:
    cluster.hold("0", "b")
    cluster.hold("0", "c")
    ada = person(cluster)
    with cluster.session({}) as seen:
        _, position = post(cluster, ada, "mine")
        assert seen == {"0": position}
        assert texts(cluster) == ["mine"]
    with cluster.session(seen):
        assert texts(cluster) == ["mine"]
    with cluster.session({}):
        assert texts(cluster) == [], "a stranger may be shown the replica's state"


def test_where_the_primary_may_not_be_read_one_waits_for_a_replica_that_has_ones_own_write(cluster: Cluster) -> None:
    cluster.take_down("0", "a")
    for name in "bc":
        cluster.hold("0", name)
    _, position = post(cluster, person(cluster), "mine")
    later = threading.Timer(0.1, cluster.release, ("0", "b"))
    later.start()
    with cluster.session({"0": position}):
        assert texts(cluster) == ["mine"]
    later.join()


def test_nobody_goes_back_in_time(cluster: Cluster) -> None:
    """What was read from a replica that is ahead is not taken back by one that is behind."""
    cluster.hold("0", "b")
    post(cluster, person(cluster), "new")
    cluster.settle()
    with cluster.session({}):
        until(lambda: texts(cluster) == ["new"])
        assert all(texts(cluster) == ["new"] for _ in range(6))


@pytest.mark.parametrize("made_up", [2**62, 10**30, -5])
def test_positions_nobody_can_have_seen_are_clamped(cluster: Cluster, made_up: int) -> None:
    post(cluster, person(cluster))
    cluster.settle()
    with cluster.session({"0": made_up, "no such shard": 7}) as seen:
        assert seen.get("0", 0) in (0, cluster.position("0"))
        assert "no such shard" not in seen
        assert copies_read(cluster) == {"b", "c"}


def test_a_replica_beyond_the_lag_limit_is_not_read(make: Make) -> None:
    clock = ManualClock()
    cluster = make(shards=1, clock=clock)
    cluster.settle()
    cluster.hold("0", "b")
    post(cluster, person(cluster))
    cluster.settle()
    assert copies_read(cluster) == {"b", "c"}
    clock.advance(6)
    assert copies_read(cluster) == {"c"}
    assert [copy.lag_ms for copy in cluster.snapshot().shards[1].copies] == [0, 6000, 0]


def test_a_replica_taken_down_is_not_read_until_it_is_brought_up(cluster: Cluster) -> None:
    cluster.take_down("0", "b")
    assert copies_read(cluster) == {"c"}
    cluster.take_down("0", "c")
    assert copies_read(cluster) == {"a"}
    cluster.take_down("0", "a")
    with pytest.raises((Unavailable, ReplicaBehind)):
        copies_read(cluster)
    cluster.bring_up("0", "b")
    assert copies_read(cluster) == {"b"}


def test_reads_go_on_when_a_replica_is_overwritten(cluster: Cluster) -> None:
    post(cluster, person(cluster), "kept")
    cluster.settle()
    spoil(cluster, "b")
    for _ in range(50):
        assert texts(cluster) == ["kept"]


def test_a_reader_whose_copy_fails_in_the_middle_goes_on_with_another(cluster: Cluster) -> None:
    post(cluster, person(cluster), "kept")
    cluster.settle()
    with cluster.read("0") as reader:
        first = reader.copy
        spoil(cluster, first)
        reader._connection.execute("COMMIT")
        reader._connection.execute("PRAGMA shrink_memory")
        assert reader.rows("SELECT text FROM posts") == [("kept",)]
        assert reader.copy != first


def test_floor_is_the_slowest_copy(cluster: Cluster) -> None:
    cluster.hold("0", "b")
    before = cluster.position("0")
    post(cluster, person(cluster))
    cluster.settle()
    assert cluster.floor_position("0") == before < cluster.position("0")
    cluster.release("0", "b")
    cluster.settle()
    assert cluster.floor_position("0") == cluster.position("0")


def test_each_query_is_a_span_that_names_shard_and_copy(cluster: Cluster) -> None:
    tracer = Tracer()
    with tracer.begin("r1", "GET /") as trace, cluster.read(DIRECTORY) as reader:
        reader.rows("SELECT * FROM usernames")
        reader.row("SELECT * FROM emails")
    spans = [(span.box, span.what) for span in trace.spans]
    assert spans == [("database", f"shard directory replica {reader.copy}")] * 2


def test_a_session_never_sees_less_than_before_under_lag_and_load(make: Make) -> None:
    cluster = make(shards=1)
    cluster.settle()
    ada = person(cluster)
    with cluster.write("0") as block:
        block.execute("INSERT INTO notifications_seen VALUES (?, 0)", (ada,))
    cluster.settle()

    def write_and_read(number: int) -> None:
        last = 0
        seen: dict[str, int] = {}
        for step in range(60):
            with cluster.session(seen) as seen:
                if number < 2:
                    with cluster.write("0") as block:
                        block.execute("UPDATE notifications_seen SET id = id + 1")
                if number == 2 and step % 10 == 0:
                    (cluster.hold if step % 20 else cluster.release)("0", "b")
                with cluster.read("0") as reader:
                    (value,) = reader.rows("SELECT id FROM notifications_seen")[0]
                assert value >= last + (number < 2), "went back in time"
                last = value

    together(6, write_and_read)


def test_when_every_copy_is_noise_it_is_said_and_not_more(make: Make) -> None:
    cluster = make(shards=1, replicas=1)
    post(cluster, person(cluster), "lost")
    cluster.settle()
    with pytest.raises(Unavailable), cluster.read("0") as reader:
        for name in "ab":
            spoil(cluster, name)
        reader._connection.execute("COMMIT")
        reader.rows("SELECT text FROM posts")


def test_a_write_block_inside_another_is_refused(cluster: Cluster) -> None:
    """They could wait for each other's shards."""
    for shard in ("0", DIRECTORY):
        with pytest.raises(RuntimeError), cluster.write("0"), cluster.write(shard):
            pass
    post(cluster, person(cluster))


def test_reading_inside_a_write_block_is_allowed(cluster: Cluster) -> None:
    with cluster.write("0") as block:
        block.execute("INSERT INTO likes VALUES (1, 1)")
        with cluster.read("0") as reader:
            assert reader.rows("SELECT * FROM likes") == []


def test_a_thread_that_must_not_wait_reads_nothing(cluster: Cluster) -> None:
    def read() -> None:
        with cluster.read("0"):
            pass

    assert would_wait(read)
