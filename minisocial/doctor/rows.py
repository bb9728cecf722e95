"""The rows of all shards together: whether they keep the rules, as far as nothing is under way."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from minisocial.database import DIRECTORY
from minisocial.database.schema import OWNERS, VERSION
from minisocial.doctor.copies import Copies
from minisocial.doctor.finding import Finding, counted, listed, note, shown
from minisocial.doctor.pending import Pending, pending_tasks
from minisocial.doctor.reading import open_file
from minisocial.doctor.rules import COUNT_ANEW, COUNTS, RULES, Count, Rule
from minisocial.doctor.survey import Survey
from minisocial.ids import logical_shard, logical_shard_sql

CHUNK = 5000  # rows asked about at once
MOST_REPAIRED = 50  # values in one statement of a remedy

Row = tuple[Any, ...]
Wrong = dict[tuple[str, Row], None]  # (shard of the source, row), in the order they were found
EVERY: tuple[Rule | Count, ...] = (*RULES, *COUNTS)


def check_rows(survey: Survey, copies: Sequence[Copies]) -> Iterator[Finding]:
    """Whether what rows name is there; while the site runs, only what is wrong twice in a row is a fault."""
    files = {each.shard: each.best for each in copies}
    if lacking := [shard for shard in survey.shards if shard not in files]:
        yield note(f"what rows name was not looked up, since nothing of shard {listed(lacking)} can be read")
        return
    if any(best.version != VERSION for best in files.values()) or not (survey.record and survey.record.map):
        yield note("what rows name was not looked up, since it depends on the faults and notes above")
        return
    with opened(survey, copies) as shards:
        found = {rule: wrong for rule in EVERY if (wrong := shards.wrong(rule))}
        misplaced = list(shards.misplaced())
        people, posts = shards.count("accounts"), shards.count("posts")
    if found and survey.is_running:
        found = still(survey, copies, found)
    yield from misplaced
    for rule, wrong in found.items():
        yield _finding(rule, wrong, {shard: shown(best.file.path) for shard, best in files.items()})
    if not found and not misplaced:
        about = f"{counted(people, 'person', 'people')} and {counted(posts, 'post')}"
        yield Finding(f"the rows of {about} keep all {len(EVERY)} rules")


def still(survey: Survey, copies: Sequence[Copies], found: dict[Rule | Count, Wrong]) -> dict[Rule | Count, Wrong]:
    """What is still so a moment later: shards are not read at one and the same moment."""
    with opened(survey, copies) as shards:
        again = {rule: shards.wrong(rule) for rule in found}
    both = {rule: {key: None for key in wrong if key in again[rule]} for rule, wrong in found.items()}
    return {rule: wrong for rule, wrong in both.items() if wrong}


def _finding(rule: Rule | Count, wrong: Wrong, files: Mapping[str, str]) -> Finding:
    examples = [" ".join(map(str, row)) for _, row in wrong]
    remedy = rule.remedy if isinstance(rule, Rule) else COUNT_ANEW
    if rule.repair:
        remedy += f", stop the site and run {_repair(rule.repair, wrong, files)}"
    return Finding(f"{rule.says} ({len(wrong):,}: {listed(examples)})", remedy)


def _repair(sql: str, wrong: Wrong, files: Mapping[str, str]) -> str:
    """The commands, one for each file, with as many of the wrong values as fit a line."""
    values: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for shard, row in wrong:
        values[shard][str(row[0]) if isinstance(row[0], int) else f"'{row[0]}'"] = None
    lines = [
        f'sqlite3 {files[shard]} "{sql.format(", ".join([*each][:MOST_REPAIRED]))}"' for shard, each in values.items()
    ]
    more = any(len(each) > MOST_REPAIRED for each in values.values())
    return " and ".join(lines) + (", then the doctor again" if more else "")


@contextmanager
def opened(survey: Survey, copies: Sequence[Copies]) -> Iterator["Shards"]:
    """The best copy of each shard, open for reading; each at one moment of its own."""
    with ExitStack() as stack:
        connections = {}
        for each in copies:
            connection = stack.enter_context(closing(open_file(each.best.file.path, survey.is_running)))
            connection.execute("BEGIN")
            connections[each.shard] = connection
        yield Shards(survey, connections)


class Shards:
    """One connection to each shard, and what is looked up there."""

    def __init__(self, survey: Survey, connections: Mapping[str, sqlite3.Connection]) -> None:
        record = survey.record
        if record is None:
            raise ValueError("without a record nobody knows which shard holds what")
        self._map, self._moving = record.map, record.moving
        self._connections = connections
        self._people = [name for name in connections if name != DIRECTORY]
        self._pending = Pending(task for connection in connections.values() for task in pending_tasks(connection))
        self._astray = {
            (shard, table, owner): strays
            for shard in self._people
            for table, owner in OWNERS.items()
            if (strays := self._strays(shard, table, owner))
        }
        self._hide_strays()
        self._said: set[object] = set()  # identifiers that need not be told of again

    def count(self, table: str) -> int:
        """How many rows a table has on all shards."""
        sql = f"SELECT count(*) FROM {table}"
        return sum(self._connections[name].execute(sql).fetchone()[0] for name in self._people)

    # --- rows on a shard where nobody looks for them

    def _strays(self, shard: str, table: str, owner: str) -> dict[int, tuple[int, int]]:
        """The logical shards whose rows a table has though they lie elsewhere: how many, and one of their owners."""
        at_home = [logical for logical, name in enumerate(self._map) if name == shard]
        rows = self._connections[shard].execute(
            f"SELECT {logical_shard_sql(owner)} AS logical, count(*), min({owner}) FROM {table} "
            f"WHERE logical NOT IN ({', '.join(map(str, at_home))}) GROUP BY logical"
        )
        return {logical: (count, first) for logical, count, first in rows}

    def _hide_strays(self) -> None:
        """Nobody else sees these rows either: a view of the same name comes first, and shows the others only."""
        for (shard, table, owner), strays in self._astray.items():
            self._connections[shard].execute(
                f"CREATE TEMP VIEW {table} AS SELECT * FROM main.{table} "
                f"WHERE {logical_shard_sql(owner)} NOT IN ({', '.join(map(str, strays))})"
            )

    def misplaced(self) -> Iterator[Finding]:
        """Rows that lie on another shard than the map says, unless they are being moved."""
        for (shard, table, _), strays in self._astray.items():
            left = {logical: found for logical, found in strays.items() if logical not in self._moving}
            if left:
                first = min(left)
                yield Finding(
                    f"{counted(sum(count for count, _ in left.values()), 'row')} of {table} on shard {shard}, where "
                    f"nobody looks for them (the first is of {left[first][1]}, who lives on shard {self._map[first]})",
                    "was a file or control.json put back from another time? Then put the right one back, or restore "
                    "a backup",
                )

    # --- rules

    def wrong(self, rule: Rule | Count) -> Wrong:
        """What breaks a rule and is not about to be mended by a task."""
        found: Wrong = {}
        for shard in [DIRECTORY] if isinstance(rule, Rule) and rule.on == DIRECTORY else self._people:
            for row in self._wrong_on(shard, rule):
                if row[0] not in self._said:
                    found[shard, row] = None
        if isinstance(rule, Rule) and rule.says_all:
            self._said |= {row[0] for _, row in found}
        return found

    def _wrong_on(self, shard: str, rule: Rule | Count) -> Iterator[Row]:
        if isinstance(rule, Count):
            yield from self._connections[shard].execute(rule.wrong)
            return
        for home, rows in self._by_home(rule, self._connections[shard].execute(rule.source)):
            for row in self._probe(rule, home, rows) if home else rows:
                if not any(self._pending.explains([row[column] for column in group]) for group in rule.told_by):
                    yield row

    def _by_home(self, rule: Rule, cursor: sqlite3.Cursor) -> Iterator[tuple[str, list[Row]]]:
        """The rows of a source in portions, each with the shard to ask; "" for rows whose identifier is none."""
        while rows := cursor.fetchmany(CHUNK):
            portions: defaultdict[str, list[Row]] = defaultdict(list)
            for row in rows:
                portions[self._home(rule, row[0])].append(row)
            yield from portions.items()

    def _home(self, rule: Rule, id: object) -> str:
        if rule.asks == DIRECTORY:
            return DIRECTORY
        return self._map[logical_shard(id)] if isinstance(id, int) else ""

    def _probe(self, rule: Rule, shard: str, rows: list[Row]) -> list[Row]:
        columns = range(len(rows[0]))
        names = ", ".join(f"c{n}" for n in columns)
        values = ", ".join(f"json_extract(value, '$[{n}]')" for n in columns)
        sql = f"WITH asked({names}) AS MATERIALIZED (SELECT {values} FROM json_each(?)) {rule.probe}"
        return self._connections[shard].execute(sql, (json.dumps(rows, default=str),)).fetchall()
