import json

from minisocial.console.status import not_ready, status
from tests.console.fakes import Database, Node, Site, shard, snapshot


def test_the_shape_that_programs_rely_on() -> None:
    found = json.loads(Site().get("/console/status.json").body)
    copy = found["database"]["shards"][0]["copies"][0]
    assert copy.keys() >= {"name", "role", "file", "position", "lag_ms", "state", "reads"}
    for tier in (*found["caches"]["local"], found["caches"]["global"]):
        assert tier.keys() >= {"hits", "misses", "refused", "bytes"}
        assert tier["refused"] == 5  # outdated ones among them
    assert found["proxy"].keys() >= {"hits", "misses", "stale", "collapsed"}
    assert found["nodes"][0].keys() >= {"name", "service", "state", "in_flight", "served", "failed"}
    assert found["queue"].keys() >= {"depth", "oldest_ms", "done", "retried", "dead"}
    assert found["outbox"] == {"depth": 0}
    assert found["mail"] == {"sent": 4, "failed": 0}
    assert found["process"].keys() >= {"rss_bytes", "cpu_seconds", "uptime_seconds"}
    assert found["version"] == "1.2.3"
    assert found["ready"] is True


def test_ready_while_one_of_each_is_left() -> None:
    nodes = (Node("read-1", "read", "down"), Node("read-2", "read"), Node("write-1", "write"))
    assert not_ready(snapshot(nodes=nodes, database=Database((shard("0", b="down", c="down"),)))) == []


def test_not_ready_says_why() -> None:
    database = Database((shard("0", a="down"), shard("1", a="down", b="down", c="down")))
    nodes = (Node("read-1", "read", "draining"), Node("write-1", "write"))
    found = snapshot(nodes=nodes, database=database)
    assert not_ready(found) == [
        "Shard 0 has no primary, so it takes no writes.",
        "Shard 1 has no copy that can be read.",
        "Shard 1 has no primary, so it takes no writes.",
        "No read node is up.",
    ]
    assert status(found)["ready"] is False
