"""The database files of every place: missing, damaged, doubled, left over."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from minisocial.database.connection import head
from minisocial.database.loss.places import Place
from minisocial.doctor.finding import Finding, age, counted, listed, note, shown, size
from minisocial.doctor.reading import UNREADABLE, open_file
from minisocial.doctor.survey import ShardFile, Shelf, Survey

THREADS = 4  # that look through files at once; SQLite does so without the interpreter's lock


def check_places(survey: Survey) -> Iterator[Finding]:
    """Places that are away, and what lies in the others that should not."""
    for shelf in survey.shelves:
        if shelf.problem:
            yield Finding(f"place {shelf.place.name}: {shelf.problem}", _bring_back(shelf.place))
            continue
        yield from _missing(shelf, survey)
        yield from _doubled(shelf, survey)
        yield from _left_over(shelf, survey)


def _bring_back(place: Place) -> str:
    if place.folder.exists() and not place.is_separate:
        return "give its owner the right to read and write it"
    if place.is_separate or place.folder.parent != place.root:
        return f"mount its disk; if it is lost for good, “replicas remove {place.name}” and “replicas add FOLDER”"
    return "put it back if you moved it; else start the site, which makes it and its files anew"


def _missing(shelf: Shelf, survey: Survey) -> Iterator[Finding]:
    for shard in survey.shards:
        if shelf.of(shard):
            continue
        if any(other.of(shard) for other in survey.shelves):
            remedy = "start the site, which makes it anew from another copy; put it back first if you moved it"
            if survey.is_running:
                remedy = "if it is not there in a minute, look into the log: the running site makes it anew"
            yield Finding(f"place {shelf.place.name} has no file of shard {shard}", remedy)


def check_shards(survey: Survey) -> Iterator[Finding]:
    """Shards of which nothing is left."""
    for shard in survey.shards:
        if not any(shelf.of(shard) for shelf in survey.shelves):
            yield Finding(f"there is no file of shard {shard} in any place", "put it back, or restore a backup")


def _doubled(shelf: Shelf, survey: Survey) -> Iterator[Finding]:
    for shard in survey.shards:
        names = [shown(file.path) for file in shelf.of(shard)]
        if len(names) > 1:
            yield Finding(
                f"place {shelf.place.name} has {len(names)} files of shard {shard}",
                f"the next start uses {names[0]} and deletes {listed(names[1:])}: move that away if you need it",
            )


def _left_over(shelf: Shelf, survey: Survey) -> Iterator[Finding]:
    now = survey.clock.milliseconds()
    for path in shelf.set_aside:
        about = f"{size(path.stat().st_size)}, {age(now - path.stat().st_mtime * 1000)} old"
        yield note(f"{shown(path)} failed and was set aside ({about}); delete it when you have looked at it")
    if shelf.unfinished and not survey.is_running:
        names = listed(path.name for path in shelf.unfinished)
        yield note(f"{names} in place {shelf.place.name}: from a copy that was not finished; the next start deletes it")
    for path in shelf.lone:
        yield Finding(
            f"{shown(path)} belongs to a database that is not there",
            "put that database back if you moved it, else delete this file",
        )


def check_soundness(survey: Survey, files: Iterable[ShardFile]) -> tuple[list[ShardFile], list[Finding]]:
    """Reads every file through; those that are sound, and what is wrong with the others."""
    files = list(files)
    with ThreadPoolExecutor(THREADS) as pool:
        problems = list(pool.map(lambda file: find_problem(file, survey), files))
    sound = [file for file, problem in zip(files, problems, strict=True) if not problem]
    findings = [_damaged(file, problem, sound) for file, problem in zip(files, problems, strict=True) if problem]
    if not findings and files:
        total = sum(file.path.stat().st_size for file in files)
        findings.append(Finding(f"{counted(len(files), 'database file')} ({size(total)}), all sound"))
    return sound, findings


def _damaged(file: ShardFile, problem: str, sound: list[ShardFile]) -> Finding:
    what = f"{shown(file.path)} is damaged ({problem})"
    if any(other.shard == file.shard for other in sound):
        return Finding(what, "stop the site, move this file away, and start it: it is made anew from another copy")
    return Finding(what, "no sound copy is left: restore a backup")


def find_problem(file: ShardFile, survey: Survey) -> str:
    """What is wrong inside a file, or ""."""
    leads = survey.record is not None and survey.record.leaders.get(file.shard, (0, ""))[1] == file.place
    # only in the leader's are the indexes compared with the tables: the rows of the others are compared with its own
    check = "integrity_check" if leads else "quick_check"
    try:
        with closing(open_file(file.path, survey.is_running)) as connection:
            found: str = connection.execute(f"PRAGMA {check}(1)").fetchone()[0]
            if found != "ok":
                return " ".join(found.split())
            position = head(connection)
            return "" if isinstance(position, int) and position > 0 else "its log is empty, or makes no sense"
    except UNREADABLE as error:
        return str(error)
