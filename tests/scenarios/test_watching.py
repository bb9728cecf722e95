"""The console, the probes and the metrics tell the truth about a system that people use."""

from minisocial.system import System
from tests.client import Client
from tests.scenarios.people import WAIT, join, set_up, settle


def test_the_status_has_the_shape_that_programs_rely_on(system: System) -> None:
    system.cluster.settle(WAIT)  # on a busy machine a copy may still be on its way when the first answer comes
    status = Client(system.url).get("/console/status.json").page.json
    assert [shard["name"] for shard in status["database"]["shards"]] == ["directory", "0", "1"]
    for shard in status["database"]["shards"]:
        assert sorted(copy["role"] for copy in shard["copies"]) == ["primary", "replica", "replica"]
        for copy in shard["copies"]:
            assert copy.keys() >= {"name", "role", "file", "position", "lag_ms", "state", "reads"}
            assert (system.settings.data / copy["file"]).is_file()  # relative to the data folder
            assert copy["state"] == "up"
    for tier in (*status["caches"]["local"], status["caches"]["global"]):
        assert tier.keys() >= {"hits", "misses", "refused", "bytes"}
    assert status["proxy"].keys() >= {"hits", "misses", "stale", "collapsed"}
    assert [(node["name"], node["service"], node["state"]) for node in status["nodes"]] == [
        ("read-1", "read", "up"),
        ("read-2", "read", "up"),
        ("write-1", "write", "up"),
    ]
    assert all(node.keys() >= {"in_flight", "served", "failed"} for node in status["nodes"])
    assert status["queue"].keys() >= {"depth", "oldest_ms", "done", "retried", "dead"}
    assert status["outbox"]["depth"] == 0
    assert status["mail"].keys() >= {"sent", "failed"}
    assert status["process"]["rss_bytes"] > 1 << 20


def test_numbers_grow_with_what_people_do(system: System) -> None:
    watcher, ada = Client(system.url), set_up(system)
    before = watcher.get("/console/status.json").page.json
    ada.get("/").submit("Post", text="Good morning")
    ada.get("/")
    settle(system)
    after = watcher.get("/console/status.json").page.json

    def written(status: dict[str, dict[str, int]]) -> int:
        return status["database"]["commits"]

    assert written(after) > written(before)
    assert after["queue"]["done"] > before["queue"]["done"]
    served = [sum(node["served"] for node in status["nodes"]) for status in (before, after)]
    assert served[1] >= served[0] + 3  # the form, the post, the page after it


def test_the_probes_answer(system: System) -> None:
    client = Client(system.url)
    assert client.get("/livez").page.text == "alive"
    assert client.get("/readyz").page.text == "ready"
    system.nodes[-1].take_down()
    assert client.get("/readyz").page.status == 503
    assert "No write node is up." in client.page.text
    system.nodes[-1].bring_up()
    assert client.get("/readyz").page.status == 200


def test_metrics_are_openmetrics(system: System) -> None:
    page = Client(system.url).get("/metrics").page
    assert page.headers["content-type"].startswith("application/openmetrics-text")
    assert page.body.endswith("# EOF\n")
    assert 'minisocial_node_up{node="read-1"} 1\n' in page.body


def test_every_box_is_on_the_console_and_one_id_tells_the_story_of_a_friend_request(system: System) -> None:
    ada = set_up(system)
    grace = join(system, ada, "grace")
    settle(system)
    asked = grace.get("/@ada").submit("Add friend").answers[0]
    assert asked.status == 303
    settle(system)

    overview = Client(system.url).get("/console").page
    for box in ("Proxy", "Balancer", "Nodes", "Cache", "Database", "Background"):
        assert box in [heading.text for heading in overview.all("h2")]
    story = Client(system.url).get(f"/console/traces/{asked.request_id}").page
    headings = [heading.text for heading in story.all("h2")]
    assert headings[0].startswith("POST /@ada/friend")
    assert any("mirror_friendship" in heading for heading in headings[1:])
    assert any("letter" in heading for heading in headings[1:])
    boxes = {row.all("td")[0].text for row in story.all("tr") if row.all("td")}
    assert boxes >= {"proxy", "balancer", "node", "database", "queue", "worker", "mail"}
