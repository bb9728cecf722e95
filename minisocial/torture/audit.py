"""The audit after a kill: everything the database holds, against everything that was noted."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from minisocial.database import DIRECTORY
from minisocial.errors import MinisocialError
from minisocial.torture import comparing
from minisocial.torture.judging import Entry, Person, Verdict, in_no_log, judge, judge_sight, judge_stream, told
from minisocial.torture.notes import (
    DOUBT,
    LOST,
    REFUSED,
    SAVED,
    UNDONE,
    History,
    Notes,
    Operation,
    notes_path,
    read_notes,
)
from minisocial.torture.opening import NOTHING, Expected, Files, Settled, open_and_settle
from minisocial.torture.watching import SEEN, STREAM
from minisocial.upkeep import restore

BACKUPS = "backups"  # a folder in the world
WRITERS = 8


@dataclass(slots=True)
class Audit:
    """What one round came to."""

    verdict: Verdict = field(default_factory=Verdict)
    is_open: bool = True  # False if the database could not be opened
    acknowledged: int = 0  # in this round
    in_doubt: int = 0
    refused: int = 0
    changes_lost: int = 0  # entries of the log that a consumer was told of, and that are gone


def audit(folder: Path, durability: str, expected: Expected = NOTHING) -> Audit:
    """Everything there is to check after a kill."""
    result = Audit()
    histories = [read_notes(folder, writer) for writer in range(WRITERS)]
    accounts = [history.account for history in histories if history.account]
    try:
        settled = open_and_settle(folder, durability, accounts, expected)
    except MinisocialError as error:
        result.verdict.other.append(f"the database can not be opened: {error}")
        result.is_open = False
        return result
    result.verdict.other += settled.problems
    compare(settled.files, result.verdict)
    check_backups(folder, result.verdict)
    if not result.verdict.differing:
        examine(folder, settled, histories, expected, result)
    return result


def check_backups(folder: Path, verdict: Verdict) -> None:
    """A backup that has its name is whole and sound, whatever was killed or lost while it was made."""
    for file in sorted((folder / BACKUPS).glob("*.zip")):
        report = restore.check(file, within=folder)
        verdict.other += [f"the backup {file.name}: {fault}" for fault in report.faults]
        file.unlink()


def compare(files: Files, verdict: Verdict) -> None:
    """All copies are sound, and hold the same."""
    for shard, copies in files.items():
        bad = {name: problem for name, path in copies.items() if (problem := comparing.soundness(path))}
        verdict.differing += [f"shard {shard}: the copy in {name} is not sound: {bad[name]}" for name in bad]
        if not bad:
            verdict.differing += comparing.differences(
                shard, {name: comparing.content(path) for name, path in copies.items()}
            )


def examine(folder: Path, settled: Settled, histories: list[History], expected: Expected, result: Audit) -> None:
    """The rows against the notes."""
    primaries = {shard: first(copies) for shard, copies in settled.files.items() if shard != DIRECTORY}
    people = comparing.people(primaries, settled.homes)
    logs = {shard: comparing.log_of(path) for shard, path in primaries.items()}
    count(histories, result)
    for history in histories:
        examine_one(folder, history, people[history.account], logs, expected.may_lose, result)
    if strays := [name for name in ("posts", "liked", "feed", "tags", "counters") if getattr(people[0], name)]:
        result.verdict.doubled.append(f"there are rows ({', '.join(strays)}) on a shard that is not their home")
    judge_sight(lines(folder / SEEN), histories, result.verdict)
    heard = stream(folder)
    for shard, log in logs.items():
        result.changes_lost += judge_stream(shard, heard.get(shard, []), log, result.verdict)
    missing = expected.outside - comparing.keys_from_outside(list(primaries.values()))
    result.verdict.lost += [f"the row {key} of another program is not there" for key in sorted(missing)]


def examine_one(
    folder: Path,
    history: History,
    person: Person,
    logs: Mapping[str, Mapping[int, Entry]],
    may_lose: Collection[str],
    result: Audit,
) -> None:
    """The rows of one writer. What is lost with a primary may be there all the same, if it had moved away before."""
    verdict, doubtful = result.verdict, [o for o in history.operations.values() if o.state == DOUBT]
    lost = in_no_log(history, logs)
    verdict.lost += [f"writer {history.writer}: {told(o)}, and is in no log" for o in lost if o.shard not in may_lose]
    found = judged(history, person, LOST, lost, doubtful)
    if lost and found.sentences():
        if judged(history, person, SAVED, lost, doubtful).sentences():
            judged(history, person, LOST, lost, doubtful)
        else:
            found, lost = Verdict(), []
    for kind in ("lost", "doubled", "torn", "other"):
        getattr(verdict, kind).extend(getattr(found, kind))
    verdict.tail += sum(o.shard in may_lose for o in lost)
    decide(folder, history, lost, doubtful)


def judged(history: History, person: Person, state: str, lost: list[Operation], doubtful: list[Operation]) -> Verdict:
    """What there is to say if the operations in no log are in this state."""
    for operation in lost:
        operation.state = state
    for operation in doubtful:
        operation.state = DOUBT
    verdict = Verdict()
    judge(history, person, verdict)
    return verdict


def first(copies: Mapping[str, Path]) -> Path:
    """The file of the primary."""
    return next(iter(copies.values()))


def count(histories: Sequence[History], result: Audit) -> None:
    """How the operations of this round ended, as far as their writers knew."""
    operations = [o for history in histories for o in history.operations.values() if not o.is_decided]
    result.acknowledged = sum(o.state == SAVED for o in operations)
    result.in_doubt = sum(o.state == DOUBT for o in operations)
    result.refused = sum(o.state == REFUSED and o.kind != UNDONE for o in operations)


def decide(folder: Path, history: History, lost: list[Operation], doubtful: list[Operation]) -> None:
    """Notes how each operation ended, so that the next audit asks for exactly that."""
    notes = Notes(notes_path(folder, history.writer))
    for operation in lost:
        notes.ended(operation.number, "L")
    for operation in doubtful:
        notes.ended(operation.number, "Y" if operation.state == SAVED else "X")
    notes.decided()
    notes.close()


def lines(path: Path) -> list[str]:
    """The whole lines of a file; the last one may be torn."""
    return path.read_text().split("\n")[:-1] if path.exists() else []


def stream(folder: Path) -> dict[str, list[Entry]]:
    """What the consumer was told of each shard."""
    told: dict[str, list[Entry]] = {}
    for shard, position, op, table, key in (line.split(" ", 4) for line in lines(folder / STREAM)):
        told.setdefault(shard, []).append((int(position), op, table, key))
    return told
