"""Verification: do all copies hold the same? Asked at leisure, one copy an hour, and on demand.

Following copies rows, so a replica should equal its primary; but a disk can return something else
than what was written, a program can write to the wrong file, and we can be wrong.
"""

import logging
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from minisocial.database.connection import Damaged, connect, is_damage
from minisocial.database.copies import Copy
from minisocial.database.loss import failover
from minisocial.database.loss.comparison import (
    Comparison,
    Difference,
    NotNow,
    at_one_position,
    differ,
    names,
    patiently,
)
from minisocial.errors import Refused, Unavailable

if TYPE_CHECKING:
    from minisocial.database.shard import Shard

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 3600.0  # between one copy and the next
STOP_SECONDS = 10.0  # a look that is under way ends much sooner
MAX_WITNESSES = 7  # SQLite joins at most ten files
NAMED = 3  # rows in a sentence

EQUAL, REPLACED, SUSPECT, SKIPPED = "equal", "replaced", "primary suspect", "not compared"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison of one replica with its primary came to; `str()` of it is a sentence."""

    shard: str
    copy: str
    outcome: str  # equal, replaced, primary suspect, not compared
    sentence: str
    rows: int = 0  # compared
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class VerificationSnapshot:
    """What was compared since the start."""

    copies: int = 0  # comparisons that came to an end
    rows: int = 0
    replaced: int = 0  # copies that differed
    suspects: int = 0  # times that a primary stood alone against its replicas
    latest: str = ""  # the last sentence


NOTHING_YET = VerificationSnapshot()


def compare(shard: "Shard", copy: Copy) -> list[Difference]:
    """What a replica has other than its primary, row by row; raises NotNow if they can not be compared."""
    comparison = Comparison(shard, copy)
    comparison.finish(shard.closing)
    return comparison.differences


class Verifier:
    """Compares the replicas with their primaries, one after the other.

    It promises: what differs is found, whichever way it came about; a row that is only late is not
    called wrong; reads and writes go on, and wait for a few milliseconds at most.

    A replica that differs is set aside and replaced by a snapshot. A primary that differs from all its
    replicas is reported and left as it is. A copy that can not be compared now is compared another time.
    """

    def __init__(self, shards: Mapping[str, "Shard"]) -> None:
        """`shards` may change later."""
        self._shards = shards
        self._one = threading.Lock()  # held while comparing: one copy at a time; guards _state
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._last = ("", "")  # the shard and the copy that had their turn
        self._state = VerificationSnapshot()

    def start(self) -> None:
        """From here on one copy is compared every hour."""
        self._closing.clear()
        self._thread = threading.Thread(target=self._run, name="verification", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the comparison that is under way."""
        self._closing.set()
        if self._thread:
            self._thread.join(STOP_SECONDS)
        self._thread = None

    def snapshot(self) -> VerificationSnapshot:
        return self._state

    def _run(self) -> None:
        while not self._closing.wait(PAUSE_SECONDS):
            try:
                self.step()
            except Exception:  # the next copy may do better
                logger.exception("a comparison failed")

    def step(self) -> None:
        """Compares the copy whose turn it is."""
        turns = sorted((shard.name, copy.name) for shard, copy in self._replicas())
        if turns:
            self._last = next((turn for turn in turns if turn > self._last), turns[0])
            self.verify(*self._last)

    def verify(self, shard: str = "", copy: str = "", thorough: bool = False) -> list[Verdict]:
        """Compares one replica, or all there are; `thorough` also checks each page and index of its file."""
        wanted = [pair for pair in self._replicas(shard) if copy in ("", pair[1].name)]
        if copy and not wanted:
            raise Refused(f"There is no replica {copy} of {f'shard {shard}' if shard else 'any shard'} to compare.")
        return [self._verify(one, replica, thorough) for one, replica in wanted]

    def _replicas(self, shard: str = "") -> "list[tuple[Shard, Copy]]":
        if shard and shard not in self._shards:
            raise Refused(f"The database has no shard {shard}.")
        shards = [self._shards[shard]] if shard else list(self._shards.values())
        return [(one, copy) for one in shards for copy in one.copies if copy is not one.primary]

    def _verify(self, shard: "Shard", copy: Copy, thorough: bool) -> Verdict:
        with self._one:
            try:
                verdict = self._look_into(shard, copy, thorough)
            except (NotNow, Unavailable) as reason:
                verdict = skipped(shard, copy, str(reason))
            except (sqlite3.Error, OSError, Damaged) as error:
                blame(shard, copy, error)
                verdict = skipped(shard, copy, f"of an error: {error}")
            self._state = counted(self._state, verdict)
        return verdict

    def _look_into(self, shard: "Shard", copy: Copy, thorough: bool) -> Verdict:
        path = copy.path
        if thorough and path and (problem := find_any_problem(path, self._closing)):
            return replace_copy(shard, copy, path, [Difference("", (), problem)])
        comparison = Comparison(shard, copy)
        comparison.finish(self._closing)
        found = comparison.differences
        verdict = judge(shard, copy, found, self._closing) if found else equal(shard, copy)
        return replace(verdict, rows=comparison.rows)


def judge(shard: "Shard", copy: Copy, found: Sequence[Difference], closing: threading.Event) -> Verdict:
    """What becomes of a replica that differs: the other replicas are asked for these rows, all at one position.

    Each replica has its rows from the primary by itself. That two of them hold the same wrong value is
    next to impossible; that the primary's changed under them is not: damage on its disk, or a program
    that wrote around the log. Which of the two, and so whether it is damage or somebody's wish, the
    files do not say. To replace the replicas would throw away the only copies of the other
    answer, so a person decides, who can look at the rows.
    """
    others = [one for one in shard.copies if one.path and not one.is_held and one not in (copy, shard.primary)]
    try:
        votes = patiently(lambda: ask(shard, [copy, *others[:MAX_WITNESSES]], found), closing)
    except NotNow as reason:
        return undecided(shard, copy, found, reason)
    if not votes.wrong:  # written anew meanwhile, and right again
        return equal(shard, copy)
    if votes.against_primary:
        return suspect_primary(shard, [copy, *others], votes.against_primary)
    return replace_copy(shard, copy, votes.path, votes.wrong)


@dataclass(frozen=True, slots=True)
class Votes:
    """What all copies say of the rows in which one differs."""

    path: Path | None  # of the one, when they were asked
    wrong: list[Difference]  # it still differs in them
    against_primary: list[Difference]  # and all the others with it


def ask(shard: "Shard", copies: Sequence[Copy], found: Sequence[Difference]) -> Votes:
    """Compares some rows of one copy, the first, with the primary's and those of all other copies."""
    with at_one_position(shard, copies) as connection:
        primary, one, *others = names(len(copies))
        wrong = [where for where in found if differ(connection, primary, one, where)]
        agreed = [where for where in wrong if not any(differ(connection, one, name, where) for name in others)]
        return Votes(copies[0].path, wrong, agreed if others else [])


# --- the verdicts


def equal(shard: "Shard", copy: Copy) -> Verdict:
    """All is well."""
    return Verdict(shard.name, copy.name, EQUAL, f"Copy {copy.name} of shard {shard.name} equals its primary.")


def skipped(shard: "Shard", copy: Copy, reason: str) -> Verdict:
    """The question stays open."""
    sentence = f"Copy {copy.name} of shard {shard.name} was not compared: {reason}."
    return Verdict(shard.name, copy.name, SKIPPED, sentence)


def undecided(shard: "Shard", copy: Copy, found: Sequence[Difference], reason: NotNow) -> Verdict:
    """It differs, but the others can not be asked, so nothing is thrown away."""
    sentence = (
        f"Copy {copy.name} of shard {shard.name} differs from its primary: {listed(found)}. Which of them is "
        f"right is decided when the other copies can be asked; now they can not: {reason}."
    )
    shard.report(sentence)
    return Verdict(shard.name, copy.name, SKIPPED, sentence, differences=tuple(found))


def replace_copy(shard: "Shard", copy: Copy, path: Path | None, found: Sequence[Difference]) -> Verdict:
    """Sets the file aside; the follower takes a snapshot of the primary."""
    copy.error = Damaged(f"it should equal its primary, but {listed(found)}")
    failover.discard(shard, copy, path)  # and reports it
    sentence = (
        f"Copy {copy.name} of shard {shard.name} is replaced by a new copy of its primary, for it was not equal: "
        f"{listed(found)}. Its file is kept as failed-{shard.name}.db."
    )
    return Verdict(shard.name, copy.name, REPLACED, sentence, differences=tuple(found))


def suspect_primary(shard: "Shard", copies: Sequence[Copy], found: Sequence[Difference]) -> Verdict:
    """Says what an operator has to decide."""
    primary, replicas = shard.primary, " and ".join(copy.name for copy in copies)
    sentence = (
        f"The primary of shard {shard.name} in place {primary.name if primary else '?'} stands alone: the copies "
        f"{replicas} agree with each other and differ from it: {listed(found)}. Nothing was changed. Look at these "
        f"rows in the files. If the copies are right, promote one of them (promote {shard.name} {copies[0].name}); "
        "if the primary is, save the rows anew through it."
    )
    shard.report(sentence)
    return Verdict(shard.name, copies[0].name, SUSPECT, sentence, differences=tuple(found))


def listed(found: Sequence[Difference]) -> str:
    """The first differences in words, and how many more there are."""
    more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return "; ".join(map(str, found[:NAMED])) + more


def counted(state: VerificationSnapshot, verdict: Verdict) -> VerificationSnapshot:
    """The state with one more verdict."""
    return VerificationSnapshot(
        copies=state.copies + (verdict.outcome != SKIPPED),
        rows=state.rows + verdict.rows,
        replaced=state.replaced + (verdict.outcome == REPLACED),
        suspects=state.suspects + (verdict.outcome == SUSPECT),
        latest=verdict.sentence,
    )


# --- damaged files


def blame(shard: "Shard", copy: Copy, error: Exception) -> None:
    """Whose file is bad does not show in the error, so both are looked at."""
    if is_damage(error):
        for one in (copy, shard.primary):
            if one is not None:
                shard.suspect(one, error)


def find_any_problem(path: Path, stop: threading.Event) -> str:
    """What a check of every page and index finds, or "". It reads the whole file, so it is done on demand only."""
    with closing(connect(path)) as connection:
        connection.set_progress_handler(stop.is_set, 100_000)
        found: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    return "" if found == "ok" else f"its file is damaged: {found.splitlines()[-1]}"
