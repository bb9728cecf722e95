"""Every knob of minisocial: its name, default, unit and reason. This file is the manual.

A setting comes from, in rising order of strength: its default, `minisocial.toml` in the data folder,
the environment (`MINISOCIAL_READ_NODES=3`), a flag (`--read-nodes 3`). An unknown one is an error.
"""

# ruff: noqa: RUF009  a knob only makes a field

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def knob(default: Any, unit: str, reason: str) -> Any:
    """A field of `Settings` with its unit and the reason for its default."""
    return field(default=default, metadata={"unit": unit, "reason": reason})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    # where it is
    data: Path = knob(Path("data"), "folder", "everything that is kept lies here, and nothing elsewhere")
    host: str = knob("127.0.0.1", "address", "only this machine can reach it until you say otherwise")
    port: int = knob(8000, "TCP port", "0 takes any free one and prints it")
    public_url: str = knob("", "URL", "how people reach it, for links in letters; empty: the address printed")
    trusted_proxy: str = knob("", "address", "the reverse proxy whose X-Forwarded-* headers are believed; empty: none")

    # how large each box is
    shards: int = knob(2, "physical shards", "two show routing and scatter-gather; 64 logical ones lie on them")
    replicas: int = knob(2, "copies beside the primary", "one may be lost and reads still have a choice")
    read_nodes: int = knob(2, "request nodes", "one can be taken down while you watch")
    write_nodes: int = knob(1, "request nodes", "writes are few; their own node keeps them out of the readers' way")
    workers: int = knob(2, "threads", "one may wait for a mail server while the other goes on")
    read_slots: int = knob(4, "requests at once per read node", "more than this only wait for the interpreter")
    write_slots: int = knob(4, "requests at once per write node", "they wait for the disk, and can share a commit")
    wait_ms: int = knob(2000, "milliseconds", "how long a request waits for a free slot before it gets a 503")
    policy: str = knob("least_busy", "balancing policy", "fits requests of unequal length best")
    services: str = knob("separate", "separate or merged", "merged: all nodes read and write, to see what that costs")

    # how careful
    durability: str = knob("commit", "commit or replicated", "replicated: acknowledged once a second copy is on disk")
    nightly_backups: int = knob(0, "backups kept", "0: none; they lie in data/backups, best a mount of another disk")
    password_cost: int = knob(15, "log2 of scrypt's N", "each guess costs 32 MiB and half a second; tests take less")
    rate_limits: bool = knob(True, "on or off", "off only for tests and benchmarks")
    teach: bool = knob(False, "on or off", "shows under each page which boxes it crossed")

    # how much it may use
    page_cache_bytes: int = knob(16 << 20, "bytes", "a few hundred pages for visitors")
    local_cache_entries: int = knob(4000, "entries per node", "about 8 MiB a node; the rest is in the global cache")
    global_cache_bytes: int = knob(128 << 20, "bytes on disk", "holds the working set of some thousand people")
    queue_limit: int = knob(50_000, "tasks", "beyond it tasks stay in the outbox, where nothing is lost")
    outbox_limit: int = knob(200_000, "tasks", "beyond it writes are refused with a 503: waiting has to end somewhere")
    merge_above: int = knob(5000, "followers", "posts of whoever has more are merged in when somebody looks")
    connections: int = knob(200, "open connections", "a browser opens up to six; each costs a file descriptor")
    body_bytes: int = knob(256 << 10, "bytes", "the longest form anybody sends, many times over")

    # mail
    smtp_url: str = knob("", "smtp:// or smtps:// URL", "empty: letters lie in data/mail and in the admin pages")
    mail_from: str = knob("minisocial@localhost", "address", "the sender of every letter")

    # switches that cost speed and nothing else
    at_once: bool = knob(True, "on or off", "what is at hand is answered by the thread that read the request")
    page_cache: bool = knob(True, "on or off", "whole pages for visitors")
    tracing: bool = knob(True, "on or off", "the story of the newest requests, box by box")
    collapse: bool = knob(True, "on or off", "equal requests at the same moment share one answer")
    local_cache: bool = knob(True, "on or off", "the memory of each node")
    global_cache: bool = knob(True, "on or off", "the cache that all nodes share")
    global_cache_form: str = knob("cache-loads", "form", "one loads for all nodes; node-loads: each node for itself")
    nearby: bool = knob(True, "on or off", "look-ups of different keys at the same moment share one query")

    # faults to look at
    write_delay_ms: int = knob(0, "milliseconds", "how much longer each write takes")
