"""The clock: whether anything kept here is from the future."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timezone

from minisocial.database import DIRECTORY
from minisocial.doctor.copies import Copies
from minisocial.doctor.finding import Finding, age, shown
from minisocial.doctor.reading import open_file
from minisocial.doctor.survey import Survey
from minisocial.ids import milliseconds

TOLERATED = 5 * 60 * 1000  # milliseconds that two clocks may differ
SET_THE_CLOCK = "set this machine's clock, by hand or by NTP; if it is right, it was wrong then"


def check_clock(survey: Survey, copies: Iterable[Copies]) -> Iterator[Finding]:
    """Whether the newest change, identifier and backup are in the past."""
    now = survey.clock.milliseconds()
    found = [*_of_shards(survey, copies), *_of_backups(survey)]
    late = sorted((at, what) for at, what in found if at > now + TOLERATED)
    if late:
        at, what = late[-1]
        more = f", and so {'is' if len(late) == 2 else 'are'} {len(late) - 1} more" if len(late) > 1 else ""
        ahead = f"{age(at - now)} after what this machine's clock says ({date(now)})"
        yield Finding(f"{what} is from {date(at)}, {ahead}{more}", SET_THE_CLOCK)
    elif found:
        yield Finding(f"the clock says {date(now)}, and nothing here is newer")


def _of_shards(survey: Survey, copies: Iterable[Copies]) -> Iterator[tuple[int, str]]:
    for each in copies:
        with closing(open_file(each.best.file.path, survey.is_running)) as connection:
            row = connection.execute("SELECT at FROM _log ORDER BY seq DESC LIMIT 1").fetchone()
            if row and isinstance(row[0], int):
                yield row[0], f"the newest change of shard {each.shard}"
            for table in () if each.shard == DIRECTORY else ("accounts", "posts"):
                (id,) = connection.execute(f"SELECT max(id) FROM {table}").fetchone()
                if id:
                    yield milliseconds(id), f"the newest of the {table} on shard {each.shard}"


def _of_backups(survey: Survey) -> Iterator[tuple[int, str]]:
    """Backups made each night, and those made before the tables were changed."""
    for path in (*survey.data.glob("backups/*"), *survey.data.glob("before-version-*")):
        yield int(path.stat().st_mtime * 1000), f"the backup {shown(path)}"


def date(milliseconds: int) -> str:
    """A moment for people, in UTC."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return f"a year that no calendar has ({milliseconds})"
