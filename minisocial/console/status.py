"""The whole state of a system as one value, and whether it can do its work."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minisocial.background import MailSnapshot, OutboxSnapshot, PeriodicSnapshot, QueueSnapshot, WorkersSnapshot
    from minisocial.balancer import BalancerSnapshot
    from minisocial.cache import GlobalSnapshot, LocalSnapshot
    from minisocial.database import DatabaseSnapshot
    from minisocial.nodes import NodeSnapshot
    from minisocial.process import ProcessSnapshot
    from minisocial.proxy import ProxySnapshot
    from minisocial.upkeep.nightly import NightlySnapshot
    from minisocial.upkeep.switches import SwitchSnapshot

READABLE = ("up", "held")  # states of a copy; a held one stays as it is, and may be read until it lags too far


@dataclass(frozen=True, slots=True)
class SystemSnapshot:
    """What every box says of itself at one moment."""

    proxy: "ProxySnapshot"
    balancer: "BalancerSnapshot"
    nodes: "tuple[NodeSnapshot, ...]"
    local_caches: "tuple[LocalSnapshot, ...]"
    global_cache: "GlobalSnapshot"
    database: "DatabaseSnapshot"
    outbox: "OutboxSnapshot"
    queue: "QueueSnapshot"
    workers: "WorkersSnapshot"
    jobs: "tuple[PeriodicSnapshot, ...]"
    mail: "MailSnapshot"
    process: "ProcessSnapshot"
    backups: "NightlySnapshot"
    switches: "tuple[SwitchSnapshot, ...]" = ()


def status(snapshot: SystemSnapshot) -> dict[str, Any]:
    """The snapshot in the shape of `/console/status.json`, which programs rely on."""
    reasons = not_ready(snapshot)
    return {
        "ready": not reasons,
        "reasons": reasons,
        "proxy": asdict(snapshot.proxy),
        "balancer": asdict(snapshot.balancer),
        "nodes": [asdict(node) for node in snapshot.nodes],
        "caches": {
            "local": [_cache(cache) for cache in snapshot.local_caches],
            "global": _cache(snapshot.global_cache),
        },
        "database": asdict(snapshot.database),
        "outbox": asdict(snapshot.outbox),
        "queue": asdict(snapshot.queue),
        "workers": asdict(snapshot.workers),
        "jobs": [asdict(job) for job in snapshot.jobs],
        "mail": asdict(snapshot.mail),
        "process": asdict(snapshot.process),
        "backups": asdict(snapshot.backups),
        "switches": [asdict(switch) for switch in snapshot.switches],
    }


def _cache(snapshot: Any) -> dict[str, Any]:
    """`refused`: whatever was found and not believed, for being outdated or for having been tampered with."""
    values = asdict(snapshot)
    return {**values, "refused": values.get("refused", 0) + values.get("outdated", 0)}


def not_ready(snapshot: SystemSnapshot) -> list[str]:
    """Why requests cannot be served as they should, in plain sentences; nothing if they can."""
    return [*_shards_without_copies(snapshot), *_services_without_nodes(snapshot)]


def warnings(snapshot: SystemSnapshot) -> list[str]:
    """What the host should know although requests are served, in plain sentences."""
    return [*_tasks_that_wait(snapshot)]


def _tasks_that_wait(snapshot: SystemSnapshot) -> Iterator[str]:
    if snapshot.workers.trouble:
        yield snapshot.workers.trouble
    if snapshot.outbox.is_behind:
        yield f"The relay is behind: the queue is full, and {snapshot.outbox.depth:,} tasks are in the outbox."


def _shards_without_copies(snapshot: SystemSnapshot) -> Iterator[str]:
    for shard in snapshot.database.shards:
        readable = [copy for copy in shard.copies if copy.state in READABLE]
        if not readable:
            yield f"Shard {shard.name} has no copy that can be read."
        if not any(copy.role == "primary" for copy in readable):
            yield f"Shard {shard.name} has no primary, so it takes no writes."


def _services_without_nodes(snapshot: SystemSnapshot) -> Iterator[str]:
    for service in dict.fromkeys(node.service for node in snapshot.nodes):
        if not any(node.service == service and node.state == "up" for node in snapshot.nodes):
            yield f"No {service} node is up."
