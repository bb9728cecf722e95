"""The copies of each shard: who should lead, who is behind, and whether copies at one position hold the same rows."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from minisocial.database import log
from minisocial.database.connection import head, version_of
from minisocial.database.schema import VERSION
from minisocial.doctor.comparison import difference
from minisocial.doctor.finding import Finding, counted, note, shown
from minisocial.doctor.reading import UNREADABLE, open_file
from minisocial.doctor.survey import ShardFile, Survey

THREADS = 2  # comparisons at once


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one copy is."""

    file: ShardFile
    position: int
    version: int  # of the tables

    @property
    def place(self) -> str:
        return self.file.place


@dataclass(frozen=True, slots=True)
class Copies:
    """The sound copies of one shard, and the one that all others are measured by."""

    shard: str
    standings: tuple[Standing, ...]
    best: Standing  # the recorded leader's, unless another knows more

    @property
    def others(self) -> list[Standing]:
        return [standing for standing in self.standings if standing is not self.best]


def measure(survey: Survey, sound: Sequence[ShardFile]) -> list[Copies]:
    """The positions of all sound copies, shard by shard."""
    return [
        _measure(survey, shard, files)
        for shard in survey.shards
        if (files := [file for file in sound if file.shard == shard])
    ]


def _measure(survey: Survey, shard: str, files: list[ShardFile]) -> Copies:
    """The leader is looked at last: while the site runs it has all that the others had a moment before."""
    leader = _leader(survey, shard)[1]
    standings = [_standing(file, survey.is_running) for file in sorted(files, key=lambda file: file.place == leader)]
    return Copies(shard, tuple(standings), max(standings, key=lambda each: (each.position, each.place == leader)))


def _standing(file: ShardFile, is_running: bool) -> Standing:
    with closing(open_file(file.path, is_running)) as connection:
        return Standing(file, head(connection), version_of(connection))


def _leader(survey: Survey, shard: str) -> tuple[int, str]:
    return survey.record.leaders.get(shard, (0, "")) if survey.record else (0, "")


def check_versions(copies: Iterable[Copies]) -> Iterator[Finding]:
    """Whether this program can use the tables."""
    for each in copies:
        version = max(standing.version for standing in each.standings)
        if version > VERSION:
            yield Finding(
                f"shard {each.shard} has version {version} of the tables, and this minisocial knows version {VERSION}",
                "start the newer minisocial again, or restore the backup from before its first start",
            )
        elif version < VERSION:
            yield note(
                f"shard {each.shard} has version {version} of the tables; the next start brings it to {VERSION}, "
                "after a backup"
            )


def check_roles(survey: Survey, copies: Iterable[Copies]) -> Iterator[Finding]:
    """Whether the copy on record as the leader may lead, and is the most advanced."""
    for each in copies:
        term, place = _leader(survey, each.shard)
        leader = next((standing for standing in each.standings if standing.place == place), None)
        if leader is None:
            yield from _without_leader(survey, each, term, place)
        elif leader.position < each.best.position:
            yield _overtaken(survey, each, leader)


def _without_leader(survey: Survey, copies: Copies, term: int, place: str) -> Iterator[Finding]:
    away = len(survey.shelves) - len(copies.standings)
    is_safe = survey.settings.durability == "replicated" and away <= 1  # each commit was in two copies
    if log.term_of(copies.best.position) < term and not is_safe:
        yield Finding(
            f"no file of shard {copies.shard} may lead: the newest was in place {place} (term {term}), and the others "
            "lack saved changes",
            "put that file back, or restore a backup",
        )
    elif term:
        yield note(f"shard {copies.shard} was led from place {place}; the next start lets {copies.best.place} lead")


def _overtaken(survey: Survey, copies: Copies, leader: Standing) -> Finding:
    best = copies.best
    what = f"shard {copies.shard}: the copy in place {best.place} has changes that the leader in {leader.place} lacks"
    lacks_nothing = _knows(survey, best, leader.position)
    if survey.settings.durability == "replicated" and lacks_nothing:
        return note(f"{what}; the next start lets {best.place} lead, and nothing is lost")
    end = "nothing is lost" if lacks_nothing else f"what only {leader.place} has is lost"
    return Finding(
        what,
        f"if {shown(leader.file.path)} was put back from an older time, put the right file there; else start the site: "
        f"{best.place} will lead, and {end}",
    )


def check_histories(survey: Survey, copies: Iterable[Copies]) -> Iterator[Finding]:
    """Whether each copy has what the best one has, or an earlier state of it."""
    for each in copies:
        for other in each.others:
            if other.position != each.best.position:
                yield from _history(survey, each.best, other)


def _history(survey: Survey, best: Standing, other: Standing) -> Iterator[Finding]:
    name = f"the copy of shard {other.file.shard} in place {other.place}"
    with closing(open_file(best.file.path, survey.is_running)) as connection:
        behind = connection.execute("SELECT count(*) FROM _log WHERE seq > ?", (other.position,)).fetchone()[0]
        oldest = connection.execute("SELECT min(seq) FROM _log").fetchone()[0]
        if log.contains(connection, other.position) or other.position < oldest:
            if not survey.is_running:  # while it runs it is on its way
                yield note(f"{name} is {counted(behind, 'change')} behind; it catches up at the next start")
            return
    yield Finding(
        f"{name} has another history than the one in {best.place}: changes that are nowhere else",
        f"keep a copy of {shown(other.file.path)} if you miss something; the next start replaces it by a copy of "
        f"{best.place}",
    )


def _knows(survey: Survey, standing: Standing, position: int) -> bool:
    with closing(open_file(standing.file.path, survey.is_running)) as connection:
        return log.contains(connection, position)


def check_rows_of_copies(survey: Survey, copies: Sequence[Copies]) -> Iterator[Finding]:
    """Compares, row by row, copies that are at one position; while the site runs, for a moment."""
    pairs = [
        (each.best, other)
        for each in copies
        for other in each.others
        if survey.is_running or other.position == each.best.position
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(lambda pair: _compared(survey, *pair), pairs))
    equal = sum(result == "" for result in results)
    for (best, other), result in zip(pairs, results, strict=True):
        if result is None:
            yield note(
                f"the copies of shard {best.file.shard} in {best.place} and {other.place} were never at one position "
                "while the site was at work; “verify” compares them"
            )
        elif result:
            yield _different(survey, best, other, result)
    if equal:
        yield Finding(f"{counted(equal, 'copy', 'copies')} equal to the leader's, row by row")


def _different(survey: Survey, best: Standing, other: Standing, result: str) -> Finding:
    if survey.is_running:
        remedy = "“verify” compares them again and makes the replica anew"
    else:
        remedy = f"move {shown(other.file.path)} away and start the site: it is made anew from {best.place}"
    what = f"shard {best.file.shard}: the copy in place {other.place} differs from that in {best.place} {result}"
    return Finding(what, remedy)


def _compared(survey: Survey, best: Standing, other: Standing) -> str | None:
    """What differs, "" if nothing, None if they were not at one position."""
    try:
        return difference(best.file.path, other.file.path, survey.is_running)
    except UNREADABLE as error:
        return f"which can not be compared ({error})"
