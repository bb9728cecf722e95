import json

from minisocial.console.status import not_ready, status, warnings
from tests.console.fakes import Database, Node, Outbox, Site, Workers, shard, snapshot


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
    assert found["outbox"].keys() >= {"depth"}
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


def test_tasks_that_wait_are_told_of_although_requests_are_served() -> None:
    found = snapshot(workers=Workers(trouble="The workers are paused."), outbox=Outbox(70_000, is_behind=True))
    assert warnings(found) == [
        "The workers are paused.",
        "The relay is behind: the queue is full, and 70,000 tasks are in the outbox.",
    ]
    assert status(found)["ready"] is True
    page = Site(found).get("/console").body.decode()
    assert "The workers are paused." in page and "The relay is behind" in page
