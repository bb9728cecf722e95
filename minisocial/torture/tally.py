"""What all rounds came to, as lines of text."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from minisocial.torture.audit import Audit

NAME = 38  # characters
TARGET_SECONDS = 2.0  # until writes go on after a primary was lost


@dataclass(slots=True)
class Result:
    """One round."""

    number: int
    audit: Audit = field(default_factory=Audit)
    acts: list[str] = field(default_factory=list)  # damage that was done
    interrupted: list[str] = field(default_factory=list)  # what the kill came upon
    done: Counter[str] = field(default_factory=Counter)  # actions of the operator, fail-overs, snapshots
    pauses: dict[str, float] = field(default_factory=dict)  # damage → seconds without a commit
    seconds: float = 0.0
    evidence: str = ""  # the folder that is kept, if something must not be

    @property
    def is_well(self) -> bool:
        return not self.audit.verdict.sentences()

    def line(self) -> str:
        """How it went, on one line."""
        audit = self.audit
        acts = ", ".join(self.acts) or "no damage"
        return (
            f"round {self.number:4d}  {'ok    ' if self.is_well else 'FAILED'} {audit.acknowledged:6,d} acknowledged "
            f"{audit.in_doubt:3d} in doubt {audit.refused:4d} refused {self.seconds:5.1f} s  "
            f"killed during {' and '.join(self.interrupted)}; {acts}"
        )


class Tally:
    """The sum of all rounds."""

    def __init__(self, durability: str, without: str = "") -> None:
        """`without`: why some kinds of damage could not be done."""
        self._durability = durability
        self._without = without
        self._results: list[Result] = []

    def add(self, result: Result) -> None:
        self._results.append(result)

    @property
    def failed(self) -> list[Result]:
        """The rounds in which something was found that must not be."""
        return [result for result in self._results if not result.is_well]

    def lines(self) -> Iterator[str]:
        """The table at the end."""
        yield from self._figures()
        yield from table("damage", Counter(act for result in self._results for act in result.acts))
        yield from table("kills came upon", Counter(what for result in self._results for what in result.interrupted))
        yield from table("done meanwhile", sum((result.done for result in self._results), Counter[str]()))
        yield from self._pauses()
        if self._without:
            yield f"Some kinds of damage were left out: {self._without}."
        for result in self.failed:
            yield f"Round {result.number} failed; all of it lies in {result.evidence}"

    def _figures(self) -> Iterator[str]:
        audits = [result.audit for result in self._results]
        verdicts = [audit.verdict for audit in audits]
        yield ""
        for name, figure in {
            f"rounds, durability {self._durability}": len(audits),
            "writes acknowledged": sum(audit.acknowledged for audit in audits),
            "writes in doubt": sum(audit.in_doubt for audit in audits),
            "writes refused": sum(audit.refused for audit in audits),
            "lost": sum(len(verdict.lost) for verdict in verdicts),
            "doubled": sum(len(verdict.doubled) for verdict in verdicts),
            "torn reads": sum(len(verdict.torn) for verdict in verdicts),
            "stale reads": sum(len(verdict.stale) for verdict in verdicts),
            "copies that differ": sum(len(verdict.differing) for verdict in verdicts),
            "other faults": sum(len(verdict.other) for verdict in verdicts),
        }.items():
            yield f"{name:<{NAME}} {figure:10,d}"
        if self._durability == "commit":
            tail = sum(verdict.tail for verdict in verdicts)
            yield f"{'lost with a primary, as promised':<{NAME}} {tail:10,d}  (no replica had them yet)"

    def _pauses(self) -> Iterator[str]:
        longest: dict[str, float] = {}
        for result in self._results:
            for act, seconds in result.pauses.items():
                longest[act] = max(seconds, longest.get(act, 0.0))
        if longest:
            yield ""
            yield "longest pause of writes after ..."
        for act, seconds in sorted(longest.items(), key=lambda item: -item[1]):
            mark = "✓" if seconds <= TARGET_SECONDS else f"✗ (to reach: {TARGET_SECONDS:.0f} s)"
            yield f"  {act:<{NAME - 2}} {seconds * 1000:7,.0f} ms {mark}"


def table(title: str, counts: Counter[str]) -> Iterator[str]:
    """How often each thing happened, the most frequent first."""
    if counts:
        yield ""
        yield title
    for name, count in counts.most_common():
        yield f"  {name:<{NAME - 2}} {count:10,d}"
