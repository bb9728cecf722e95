"""Read back with the grammar of OpenMetrics 1.0, as far as it is used."""

import re
from dataclasses import replace

from minisocial.console.metrics import CONTENT_TYPE, metrics
from minisocial.console.status import status
from tests.console.fakes import Node, Site, Tier, snapshot

SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (-?[0-9.e+]+)')


def read(text: str) -> dict[str, float]:
    """The samples by name and labels; fails where the text breaks the rules."""
    lines = text.split("\n")
    assert lines[-2:] == ["# EOF", ""]
    kinds: dict[str, str] = {}
    samples: dict[str, float] = {}
    family = ""
    for line in lines[:-2]:
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            assert family not in kinds
            kinds[family] = kind
        elif line.startswith("# UNIT "):
            assert line.split(" ")[2] == family and family.endswith("_" + line.split(" ")[3])
        elif line.startswith("# HELP "):
            assert line.startswith(f"# HELP {family} ") and line.endswith(".")
        else:
            found = SAMPLE.fullmatch(line)
            assert found is not None, line
            assert found[1] == family + ("_total" if kinds[family] == "counter" else "")
            name = found[1].removeprefix("minisocial_") + (f"{{{found[2]}}}" if found[2] else "")
            assert name not in samples
            samples[name] = float(found[3])
    return samples


def test_every_number_is_there_under_its_labels() -> None:
    samples = read(metrics(status(snapshot())))
    assert samples["proxy_hits_total"] == 10
    assert samples['node_served_total{node="read-1"}'] == 40
    assert samples['local_cache_hits_total{node="write-1"}'] == 1234
    assert samples['copy_primary{shard="directory",copy="a"}'] == 1
    assert samples['copy_primary{shard="directory",copy="b"}'] == 0
    assert samples["queue_oldest_seconds"] == 1.5
    assert samples["process_resident_memory_bytes"] == 50 << 20
    assert samples["process_cpu_seconds_total"] == 1.25
    assert samples["ready"] == 1


def test_large_counters_keep_their_last_digit() -> None:
    found = snapshot(global_cache=replace(Tier(), hits=12_345_678_901))
    assert read(metrics(status(found)))["global_cache_hits_total"] == 12_345_678_901


def test_names_are_escaped_and_states_become_numbers() -> None:
    found = snapshot(nodes=(Node('re"a\\d', "read", "down"),))
    assert read(metrics(status(found)))[r'node_up{node="re\"a\\d"}'] == 0


def test_the_page_says_what_it_is() -> None:
    answer = Site().get("/metrics")
    assert answer.header("Content-Type") == CONTENT_TYPE
    assert CONTENT_TYPE.startswith("application/openmetrics-text; version=1.0.0")
    assert read(answer.body.decode())["ready"] == 1
