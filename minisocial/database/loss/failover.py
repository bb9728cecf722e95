"""Who leads a shard: at start, and when the primary's file fails.

A new leader begins a new term, recorded by a majority of the places before its first write; a copy
that knows only older terms is never asked to lead again while acknowledged writes could be missing
from it (fencing). How it goes:

1. A commit, a reader or the watch meets an error at the primary's file.
2. Nobody leads; the open group is refused; commits in doubt are reported as such.
3. Each replica that still has the file open reads what it can, even if the file lost its name.
4. The most advanced sound copy leads a new term.
5. The old file is set aside, and its place takes a snapshot of the new primary.
6. Whoever keeps what was read (the caches) is told: it may come from commits that only the old file had.
"""

import logging
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from minisocial.database import log, migrations
from minisocial.database.connection import (
    Damaged,
    Replaced,
    connect,
    find_problem,
    head,
    identity_of,
    is_small,
    new_path,
    numbered,
    remove,
    set_aside,
    version_of,
)
from minisocial.database.copies import Copy
from minisocial.errors import CannotStart

if TYPE_CHECKING:
    from minisocial.database.shard import Shard

logger = logging.getLogger(__name__)

FIRST_TERM = 1
MAX_IDENTITY = 2**31 - 1


Bad = tuple[Path, str]


def open_copies(shard: "Shard") -> list[Bad]:
    """Takes the newest sound file of each place into use; creates the first file of a new database.

    Returns the files that are not sound, with what is wrong. They stay until another leads: they may be all there is.
    """
    bad = [found for copy in shard.copies for found in open_copy(shard, copy)]
    refuse_full(shard)
    if not any(copy.path for copy in shard.copies) and not shard.control.leader(shard.name)[0]:
        create(shard, shard.copies[0])
    return bad


def open_copy(shard: "Shard", copy: Copy) -> Iterator[Bad]:
    """Takes the newest sound file of a place into use, removes leftovers, and tells the bad ones."""
    if problem := copy.place.problem() or ("its disk is full" if copy.place.is_full() else ""):
        logger.error("place %s is lost for now: %s", copy.name, problem)
        return
    for leftover in copy.place.folder.glob(f"shard-{copy.shard}-*.tmp*"):
        leftover.unlink()
    for _, path in numbered(copy.place.folder, copy.shard):
        if copy.path:
            remove(path)  # the copy before, left by a crash between the two steps of replacing it
        elif problem := find_problem(path, is_small(path), shard.control.identity(shard.name)):
            yield path, problem
        else:
            migrations.refuse_newer(path)
            copy.use(path)


def refuse_full(shard: "Shard") -> None:
    """Raises CannotStart if the file that led can not be opened for want of room: only it may have the last changes."""
    full = [copy for copy in shard.copies if copy.path is None and copy.place.is_full()]
    has_led = shard.control.leader(shard.name)[1]
    needed = [copy for copy in full if copy.name == has_led and not shard.acks]
    if needed or (full and not any(copy.path for copy in shard.copies)):
        folder = (needed or full)[0].place.folder
        raise CannotStart(f"The disk of {folder} is full. Make room, a few MiB at least, and start again.")


def clear_away(shard: "Shard", bad: Iterable[Bad]) -> None:
    """Sets bad files aside, once another leads."""
    for path, problem in bad:
        shard.report(f"{path} is set aside: {problem}", logging.ERROR)
        set_aside(path, shard.name)


def create(shard: "Shard", copy: Copy) -> None:
    """The first file, in one transaction: until it commits, the file counts as damaged."""
    path = new_path(copy.place.folder, shard.name, shard.clock.milliseconds())
    with closing(connect(path, "rwc", "FULL")) as connection:
        connection.executescript(f"BEGIN IMMEDIATE;\n{shard.tables}\n{log.CREATE};")
        identity = give_identity(connection, 0)
        migrations.mark_current(connection)
        log.start_term(connection, FIRST_TERM)
        connection.execute("COMMIT")
    shard.control.record_leader(shard.name, FIRST_TERM, copy.name)
    shard.control.record_identity(shard.name, identity)
    copy.use(path)


def elect(shard: "Shard", but: Copy | None = None) -> None:
    """Lets the first of the successors lead that can. The caller holds the right to write."""
    any(try_to_lead(shard, copy) for copy in successors(shard, but))


def successors(shard: "Shard", but: Copy | None = None) -> Iterator[Copy]:
    """The sound copies that may lead, the most advanced first; of equals, the one on record.

    Whoever asks for the next one says that the one before is lost.
    """
    term, place = shard.control.leader(shard.name)
    candidates = [copy for copy in shard.copies if copy.path and copy is not but]
    lost = len(shard.copies) - len(candidates)
    for copy in sorted(candidates, key=lambda copy: (copy.position, copy.name == place), reverse=True):
        # With acks, what is acknowledged is in more copies than one; so one that missed the term may still have it all.
        if log.term_of(copy.position) >= term or lost <= shard.acks:
            yield copy
        lost += 1


def heir(shard: "Shard") -> Copy:
    """The copy that will lead unless it fails; raises CannotStart."""
    for copy in successors(shard):
        return copy
    raise cannot_lead(shard)


def try_to_lead(shard: "Shard", copy: Copy, anew: bool = False) -> bool:
    try:
        lead(shard, copy, anew)
    except (sqlite3.Error, OSError, Damaged) as error:
        logger.error("shard %s copy %s can not lead: %s", shard.name, copy.name, error)
        return False
    return True


def lead(shard: "Shard", copy: Copy, anew: bool = False) -> None:
    """Makes a copy the primary: in the term on record if that is its own and not to begin anew, else in a new one."""
    with copy.busy:
        shard.follower_of(copy).detach()
        connection = copy.open_writer(shard.sync)
        try:
            before = head(connection)
            is_new = begin_to_lead(shard, copy, connection, before, anew)
        except BaseException:
            connection.close()
            raise
        with shard.changed:
            if is_new:
                shard.survived[log.term_of(before)] = before
            shard.commits.open(connection)
            shard.primary, copy.position, copy.version = copy, head(connection), version_of(connection)
            for other in shard.copies:  # one with a tail that is lost now, or older tables, must find its way first
                other.has_joined &= other.position <= before and other.version == copy.version
            copy.has_joined = True
            shard.changed.notify_all()
    shard.wake_followers()


def begin_to_lead(shard: "Shard", copy: Copy, connection: sqlite3.Connection, before: int, anew: bool) -> bool:
    """Migrates, installs the triggers and begins the term; False if the old one goes on."""
    term, place = shard.control.leader(shard.name)
    goes_on = not anew and (term, place) == (log.term_of(before), copy.name)
    migrations.migrate(connection, copy.place.folder, shard.name)
    connection.execute("BEGIN IMMEDIATE")
    identity = give_identity(connection, shard.control.identity(shard.name))
    is_changed = log.install(connection, log.triggers(connection))
    if goes_on:
        if is_changed:
            log.mark_gap(connection)
        connection.execute("COMMIT")
        shard.control.record_identity(shard.name, identity)
        return False
    new = shard.control.new_term(shard.name, max(term, log.term_of(before)))
    log.start_term(connection, new)
    connection.execute("COMMIT")
    shard.control.record_leader(shard.name, new, copy.name)
    shard.control.record_identity(shard.name, identity)
    logger.info("shard %s: %s leads term %d after position %d", shard.name, copy.name, new, before)
    return True


def give_identity(connection: sqlite3.Connection, recorded: int) -> int:
    """The number that all copies of one shard share, and no other database: by it a file put here by mistake is known.

    Two databases can have the same positions, so these alone would let one follow the other.
    """
    present = identity_of(connection)
    identity = recorded or present or secrets.randbelow(MAX_IDENTITY) + 1
    if present != identity:
        connection.execute(f"PRAGMA application_id = {identity:d}")
    return identity


def fail_over(shard: "Shard", error: BaseException) -> None:
    """Replaces the primary, whose file failed. The caller holds the right to write."""
    old = shard.primary
    if old is None:
        return
    shard.report(f"the primary's file in {old.name} failed: {error}", logging.ERROR)
    shard.failovers += 1
    had = old.position
    with shard.changed:
        shard.primary, old.position = None, 0  # what it alone has counts no more
        shard.changed.notify_all()
    shard.commits.close(error)
    salvage(shard, old)
    elect(shard, but=old)
    if shard.primary is None and old.path and not find_problem(old.path):
        lead_after_all(shard, old)
    else:
        discard(shard, old, old.path)
    shard.stream.tell_lost()  # last: from here on nobody reads the old file
    report_outcome(shard, had)
    shard.alarm.set()


def report_outcome(shard: "Shard", had: int) -> None:
    """Who leads now, and how much is lost: positions of a term are consecutive, one for each changed row."""
    if shard.primary is None:
        return shard.report("no copy may lead; it can be read, not written", logging.CRITICAL)
    lost = max(0, had - shard.survived.get(log.term_of(had), had))
    shard.lost += lost
    loss = f"{lost} changes that no other copy had are lost" if lost else "nothing is lost"
    shard.report(f"{shard.primary.name} leads term {log.term_of(shard.head())}; {loss}", logging.ERROR)


def salvage(shard: "Shard", old: Copy) -> None:
    """The replicas read what they can of a primary that is no more."""
    for follower in shard.followers:
        with follower.copy.busy, suppress(sqlite3.Error, Damaged, OSError):
            if follower.copy is not old and follower.is_attached_to(old):
                follower.follow(old)


def lead_after_all(shard: "Shard", old: Copy) -> None:
    """No other copy can, and the file is sound: the error passed, or it was not the file's."""
    with old.busy:
        old.use(old.path)
    try_to_lead(shard, old, anew=True)


def examine(shard: "Shard", copy: Copy) -> None:
    """Somebody met an error at this copy: its file decides what becomes of it."""
    path, error = copy.path, copy.error
    if path is None or error is None:
        return
    problem = verdict(copy, path, error)
    if not problem:
        copy.error = None
        return
    with shard.commits.lock:
        if copy.path == path and copy is shard.primary:
            return fail_over(shard, Damaged(problem))
    discard(shard, copy, path)


def verdict(copy: Copy, path: Path, error: Exception) -> str:
    """What is wrong with the file, or ""."""
    if isinstance(error, sqlite3.IntegrityError):
        return f"its rows contradict the primary's: {error}"
    try:
        copy.check_identity()
    except Replaced as replaced:
        return str(replaced)
    return find_problem(path)


def discard(shard: "Shard", copy: Copy, path: Path | None) -> None:
    """Stops using a bad file; its follower will make a new one."""
    with copy.busy:
        if path and copy.path == path and copy is not shard.primary:
            shard.report(f"{path.name} of {copy.name} is set aside: {copy.error or 'it failed'}", logging.ERROR)
            copy.use(None)
            shard.follower_of(copy).detach()
            set_aside(path, shard.name)
    copy.wake.set()


def cannot_lead(shard: "Shard") -> CannotStart:
    """The sentence for a start without a leader."""
    term, place = shard.control.leader(shard.name)
    return CannotStart(
        f"Shard {shard.name} has no file that may lead: the newest was in place {place or 'a'} (term {term}) and is "
        "missing or damaged, and the others lack saved changes. Put that file back, or restore a backup."
    )
