"""The benchmark `edge`: the boxes in front of the database, each beside the bare thing it stands on.

- Pages of a running system, beside bare Waitress with 8 KB: 16 connections, one request at a time on each.
- The whole chain (proxy, balancer, node, tracing on) around an application that does nothing, beside the same
  application right behind the same front door with as many threads. Once where all requests are given to
  threads, and once where they are answered at once, where the boxes have least to hide behind.
- A member's home feed with tracing on, beside the same with tracing off, and with all caches emptied before
  each request, beside the same warm (one at a time, because emptying is not to be measured).
- One entry through both tiers of the cache, and memory under a mixed load.
"""

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from minisocial.benchmarks import children, growth, tiers
from minisocial.benchmarks.browser import Browser
from minisocial.benchmarks.children import Server
from minisocial.benchmarks.client import Job, Result
from minisocial.benchmarks.emptied import Emptied
from minisocial.benchmarks.growth import Growth
from minisocial.benchmarks.report import MIB, Line, Pair, generator, plain_line, table
from minisocial.benchmarks.scenarios import CONNECTIONS, HOST, QUICK, Scenarios, Sent, Size
from minisocial.benchmarks.stage import Stage, ended_by_signals, threads

COLD_MARK, CHAIN_MARK, TRACING_MARK = 0.35, 0.85, 0.97
SIZE = Size(bare_seconds=1.0, warm_seconds=1.0, page_seconds=2.0)  # five minutes, with one of mixed load
PAIRS = 3  # of short ones in each round: what is compared differs by little


def run(quick: bool = False, minutes: float = 1.0) -> None:
    """Measure, and print the tables; `minutes` of mixed load for the memory."""
    size = QUICK if quick else SIZE
    with ended_by_signals(), tempfile.TemporaryDirectory(prefix="minisocial-bench-") as scratch:
        for line in EdgeBenchmark(Path(scratch), size, 0.1 if quick else minutes).run():
            click.echo(line)


class EdgeBenchmark:
    """One run in a scratch folder."""

    def __init__(self, scratch: Path, size: Size, minutes: float) -> None:
        self._stage = Stage(scratch, size)
        self._scratch = scratch
        self._minutes = minutes

    def run(self) -> Iterator[str]:
        """Everything, as lines of text."""
        stage = self._stage
        count = threads(self._scratch / "empty")
        chains = [self._chain(count, at_once) for at_once in (False, True)]
        stage.seed()
        with children.system(stage.data, stage.log) as system, children.bare(count, stage.log) as bare:
            scenarios = stage.scenarios(system)
            tracing = self._tracing(system, scenarios)
            pages = stage.measure(scenarios.reads(), system, bare)
            click.echo(f"{self._minutes:g} minutes of mixed load ...")
            memory = growth.measure(system, scenarios.mixed(), self._minutes)
        cold = children.emptied(stage.data, stage.size.rounds * 20, stage.log)
        yield from table(pages)
        for line, beside in (
            (chains[0], "it alone, in threads"),
            (chains[1], "it alone, at once"),
            (tracing, "tracing off"),
        ):
            yield ""
            yield from table([line], beside, "ratio")
        yield ""
        yield _cold(cold)
        for reading in tiers.measure(self._scratch, stage.size.rounds * 5):
            yield plain_line(reading.name, reading.microseconds, "µs", reading.mark)
        yield from _grown(memory, self._minutes)
        yield generator([*pages, *chains, tracing])

    def _chain(self, count: int, at_once: bool) -> Line:
        way = "at once" if at_once else "in threads"
        click.echo(f"An empty application, {way} ...")
        log = self._stage.log
        with (
            children.chain("alone", count, at_once, log) as alone,
            children.chain("chain", count, at_once, log) as whole,
        ):
            pairs = [Pair(self._asked(alone), self._asked(whole)) for _ in range(self._rounds)]
        return Line(f"the whole chain, {way}", pairs, CHAIN_MARK)

    def _asked(self, server: Server) -> Result:
        """An empty application is asked by members, since their requests go all the way."""
        member = Browser(HOST, server.port)
        requests = []
        for number in range(CONNECTIONS):
            member.cookies["session"] = str(number)
            requests.append([member.encoded("/")])
        return self._short(server, requests)

    def _tracing(self, system: Server, scenarios: Scenarios) -> Line:
        click.echo("Tracing off and on ...")
        home = scenarios.home(0)
        pairs = []
        for _ in range(self._rounds):
            children.switch("tracing", "off", self._stage.data, self._stage.log)
            off = self._short(system, home)
            children.switch("tracing", "on", self._stage.data, self._stage.log)
            pairs.append(Pair(off, self._short(system, home)))
        return Line("home feed, tracing on", pairs, TRACING_MARK)

    def _short(self, server: Server, requests: Sent) -> Result:
        size = self._stage.size
        children.generate(Job(HOST, server.port, size.bare_seconds / 3, requests))
        return children.generate(Job(HOST, server.port, size.bare_seconds, requests))

    @property
    def _rounds(self) -> int:
        return PAIRS * self._stage.size.rounds


def _cold(found: Emptied) -> str:
    """The median of the pairs: what slows a machine for a while slows both."""
    ratio = statistics.median(warm / cold for warm, cold in zip(found.warm, found.cold, strict=True))
    cold, warm = statistics.median(found.cold), statistics.median(found.warm)
    return plain_line(f"home feed, cold ÷ warm ({cold:.1f} and {warm:.2f} ms)", ratio, "", COLD_MARK, is_least=True)


def _grown(memory: Growth, minutes: float) -> Sequence[str]:
    return (
        plain_line(f"memory, after {minutes:g} minutes of all this", memory.most / MIB, "MiB", growth.TOTAL / MIB),
        plain_line("  and it grows, in ten minutes, by", memory.slope, "MB", growth.SLOPE),
    )
