"""The numbers for a monitoring system: OpenMetrics text 1.0, from the same values as `status.json`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Metric:
    """One family of numbers. `path` leads through the status: `a.b`, and `list:label` for each item by its name."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    path: str
    unit: str = ""
    convert: Callable[[Any], float] = float


def _is_up(state: str) -> float:
    return 1.0 if state == "up" else 0.0


def _is_primary(role: str) -> float:
    return 1.0 if role == "primary" else 0.0


def _seconds(milliseconds: float) -> float:
    return milliseconds / 1000


_COPY = "database.shards:shard.copies:copy."

METRICS = (
    Metric("ready", "gauge", "Whether every shard and service can do its work.", "ready"),
    Metric("proxy_hits", "counter", "Answers from the page cache.", "proxy.hits"),
    Metric("proxy_misses", "counter", "Pages that were not in the page cache.", "proxy.misses"),
    Metric("proxy_stale", "counter", "Answers that were a little old, on purpose.", "proxy.stale"),
    Metric("proxy_collapsed", "counter", "Requests that shared another one's answer.", "proxy.collapsed"),
    Metric("node_up", "gauge", "Whether a request node takes requests.", "nodes:node.state", convert=_is_up),
    Metric("node_in_flight", "gauge", "Requests a node works on.", "nodes:node.in_flight"),
    Metric("node_served", "counter", "Requests a node has answered.", "nodes:node.served"),
    Metric("node_failed", "counter", "Requests a node has failed at.", "nodes:node.failed"),
    Metric("local_cache_hits", "counter", "Entries found in a node's memory.", "caches.local:node.hits"),
    Metric("local_cache_misses", "counter", "Entries not found there.", "caches.local:node.misses"),
    Metric("local_cache_refused", "counter", "Entries refused as too old.", "caches.local:node.refused"),
    Metric("global_cache_hits", "counter", "Entries found in the shared cache.", "caches.global.hits"),
    Metric("global_cache_misses", "counter", "Entries not found there.", "caches.global.misses"),
    Metric("global_cache_refused", "counter", "Entries refused as too old.", "caches.global.refused"),
    Metric("global_cache_bytes", "gauge", "Size of the shared cache.", "caches.global.bytes", "bytes"),
    Metric("copy_up", "gauge", "Whether a copy of a shard can be read.", _COPY + "state", convert=_is_up),
    Metric("copy_primary", "gauge", "Whether a copy takes its shard's writes.", _COPY + "role", convert=_is_primary),
    Metric("copy_reads", "counter", "Reads answered by a copy.", _COPY + "reads"),
    Metric("copy_lag_seconds", "gauge", "How far a copy is behind.", _COPY + "lag_ms", "seconds", _seconds),
    Metric("shard_failovers", "counter", "Primaries that failed.", "database.shards:shard.failovers"),
    Metric("shard_lost", "counter", "Changes that only a failed primary had.", "database.shards:shard.lost"),
    Metric("backup_failed", "counter", "Nightly backups that failed.", "backups.failed"),
    Metric("outbox_depth", "gauge", "Tasks that are not done yet.", "outbox.depth"),
    Metric("queue_depth", "gauge", "Tasks that wait for a worker.", "queue.depth"),
    Metric("queue_oldest_seconds", "gauge", "Age of the oldest of them.", "queue.oldest_ms", "seconds", _seconds),
    Metric("queue_done", "counter", "Tasks done.", "queue.done"),
    Metric("queue_retried", "counter", "Attempts that failed and were put back.", "queue.retried"),
    Metric("queue_dead", "gauge", "Tasks given up after the last attempt.", "queue.dead"),
    Metric("workers", "gauge", "Worker threads that take tasks.", "workers.number"),
    Metric("workers_stuck", "gauge", "Threads given up since their task does not stop.", "workers.stuck"),
    Metric("mail_sent", "counter", "Letters sent, or laid in the folder.", "mail.sent"),
    Metric("mail_failed", "counter", "Attempts to send that failed.", "mail.failed"),
    Metric("process_resident_memory_bytes", "gauge", "Resident memory.", "process.rss_bytes", "bytes"),
    Metric("process_cpu_seconds", "counter", "Processor time used.", "process.cpu_seconds", "seconds"),
    Metric("process_uptime_seconds", "gauge", "Time since the start.", "process.uptime_seconds", "seconds"),
)


def metrics(status: Mapping[str, Any]) -> str:
    """The status as OpenMetrics text."""
    lines = [line for metric in METRICS for line in _family(metric, status)]
    return "\n".join([*lines, "# EOF", ""])


def _family(metric: Metric, status: Mapping[str, Any]) -> Iterator[str]:
    name = f"minisocial_{metric.name}"
    yield f"# TYPE {name} {metric.kind}"
    if metric.unit:
        yield f"# UNIT {name} {metric.unit}"
    yield f"# HELP {name} {metric.help}"
    suffix = "_total" if metric.kind == "counter" else ""
    for labels, value in _samples(status, metric.path.split("."), {}):
        if value is not None:
            yield f"{name}{suffix}{_braces(labels)} {metric.convert(value):.15g}"


def _samples(value: Any, path: list[str], labels: dict[str, str]) -> Iterator[tuple[dict[str, str], Any]]:
    """The values at the end of the path, each with the names of the list items it was reached through."""
    if not path:
        yield labels, value
        return
    step, _, label = path[0].partition(":")
    if not label:
        yield from _samples(value[step], path[1:], labels)
        return
    for item in value[step]:
        yield from _samples(item, path[1:], {**labels, label: str(item["name"])})


def _braces(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
