"""The verdict: the rows of the database against the notes of those who wrote them. No file is opened here."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from minisocial.torture.notes import (
    DELETE,
    DOUBT,
    INSERT,
    LIKE,
    MISSING,
    REFUSED,
    SAVED,
    UNDONE,
    UPDATE,
    History,
    Operation,
)
from minisocial.torture.writing import digest

EXPECTED_REFUSALS = ("Undone", "NoPrimary", "Unavailable", "ReplicaBehind", "Overloaded")


@dataclass(slots=True)
class Person:
    """What the database holds of one writer, gathered from the one shard that is their home."""

    posts: dict[int, str] = field(default_factory=dict)  # id → text
    likes: dict[int, int] = field(default_factory=dict)  # post → what its counter says
    liked: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))  # post → who
    feed: Counter[int] = field(default_factory=Counter)
    tags: Counter[int] = field(default_factory=Counter)
    counters: Mapping[str, int] = field(default_factory=dict)  # made, gone, done, last


@dataclass(slots=True)
class Verdict:
    """What an audit found. A sentence for each thing that must not be, and what may be, in numbers."""

    lost: list[str] = field(default_factory=list)  # acknowledged, and not there
    doubled: list[str] = field(default_factory=list)  # there twice, or there although it must not be
    torn: list[str] = field(default_factory=list)  # there in part
    stale: list[str] = field(default_factory=list)  # somebody was shown an older state
    differing: list[str] = field(default_factory=list)  # copies that are not equal or not sound
    other: list[str] = field(default_factory=list)
    tail: int = 0  # acknowledged writes lost where the durability level says that they may be

    def sentences(self) -> list[str]:
        """All that must not be."""
        return [*self.lost, *self.doubled, *self.torn, *self.stale, *self.differing, *self.other]


def in_no_log(history: History, logs: Mapping[str, Collection[int]]) -> list[Operation]:
    """The acknowledged operations, of those not decided yet, whose commit is in no log any more.

    `logs`: of each shard, all positions since before the oldest of them.
    """
    return [
        operation
        for operation in history.operations.values()
        if operation.state == SAVED
        and not operation.is_decided
        and operation.position not in logs.get(operation.shard, ())
    ]


def judge(history: History, person: Person, verdict: Verdict) -> None:
    """Decides what was in doubt, then compares what must be there with what is."""
    by_post: dict[int, list[Operation]] = defaultdict(list)
    for operation in history.operations.values():
        by_post[operation.post].append(operation)
    who = f"writer {history.writer}"
    for post, operations in by_post.items():
        for operation in operations:
            if operation.state == DOUBT and not operation.is_decided:
                operation.state = SAVED if is_there(operation, person) else REFUSED
        _judge_post(f"{who}, post {post}", post, operations, person, verdict)
    verdict.doubled += [f"{who}: post {post} is there, and nobody wrote it" for post in person.posts.keys() - by_post]
    _judge_counters(who, history, person, verdict)
    verdict.other += _surprises(who, history)


def is_there(operation: Operation, person: Person) -> bool:
    """Whether an operation in doubt counts; nothing happened to its post after it."""
    if operation.kind == INSERT:
        return operation.post in person.posts
    if operation.kind == UPDATE:
        return number_of(person.posts.get(operation.post, "")) == operation.number
    if operation.kind == DELETE:
        return operation.post not in person.posts
    return operation.kind == LIKE and operation.number in person.liked[operation.post]


def number_of(text: str) -> int:
    """The operation that wrote a text; 0 if it is empty, -1 if it is damaged."""
    if not text:
        return 0
    number, _, rest = text.partition(" ")
    check, _, body = rest.partition(" ")
    return int(number) if number.isdigit() and digest(body) == check else -1


def _judge_post(what: str, post: int, operations: Sequence[Operation], person: Person, verdict: Verdict) -> None:
    exists, writer, likes = False, None, set[int]()
    for operation in operations:
        if operation.state == MISSING and exists:
            verdict.lost.append(f"{what} was not there for operation {operation.number}")
        if operation.state != SAVED:
            continue
        if operation.kind in (INSERT, UPDATE):
            exists, writer = True, operation
        elif operation.kind == DELETE:
            exists, writer, likes = False, None, set()
        elif operation.kind == LIKE:
            likes.add(operation.number)
    if exists != (post in person.posts):
        _judge_existence(what, exists, operations, verdict)
        return
    if exists and writer:
        _judge_text(what, person.posts[post], writer, operations, verdict)
    _judge_likes(what, post, likes, person, verdict)
    rows = (person.feed[post], person.tags[post])
    if rows != (exists, exists):
        verdict.torn.append(f"{what}: {rows[0]} rows in the feed and {rows[1]} tags, not {int(exists)}")


def _judge_existence(what: str, exists: bool, operations: Sequence[Operation], verdict: Verdict) -> None:
    last = [operation for operation in operations if operation.state == SAVED][-1:]
    if exists:
        verdict.lost.append(f"{what} is not there; {told(last[0])}")
    elif last:
        verdict.lost.append(f"{what} is there although it was deleted; {told(last[0])}")
    else:
        verdict.doubled.append(f"{what} is there although it was {operations[-1].state}")


def _judge_text(what: str, text: str, writer: Operation, operations: Sequence[Operation], verdict: Verdict) -> None:
    found = number_of(text)
    if found == writer.number and text.split(" ", 2)[1] == writer.digest:
        return
    states = {operation.number: operation.state for operation in operations}
    if states.get(found) == SAVED:
        verdict.lost.append(f"{what} has the text of operation {found}; {told(writer)}")
    else:
        verdict.doubled.append(f"{what} has the text of operation {found}, which is {states.get(found, 'not noted')}")


def _judge_likes(what: str, post: int, expected: set[int], person: Person, verdict: Verdict) -> None:
    found = person.liked[post]
    verdict.lost += [f"{what}: like {number} is not there" for number in sorted(expected - found)]
    verdict.doubled += [f"{what}: like {number} is there and must not be" for number in sorted(found - expected)]
    if person.likes.get(post, 0) != len(found):
        verdict.torn.append(f"{what} counts {person.likes[post]} likes, and {len(found)} are there")


def told(operation: Operation) -> str:
    """Which operation it is, for the evidence."""
    what = f"operation {operation.number} ({operation.kind})"
    if not operation.shard:
        return f"{what} was found by an audit"
    return f"{what} was acknowledged at {operation.position} of shard {operation.shard}"


def _judge_counters(who: str, history: History, person: Person, verdict: Verdict) -> None:
    done = [operation for operation in history.operations.values() if operation.state == SAVED]
    expected = {
        "made": sum(operation.kind == INSERT for operation in done),
        "gone": sum(operation.kind == DELETE for operation in done),
        "done": len(done),
        "last": done[-1].number if done else 0,
    }
    for name, value in expected.items():
        found = person.counters.get(name, 0)
        if found > value:
            verdict.doubled.append(f"{who}: the counter “{name}” says {found}, the notes {value}")
        elif found < value:
            verdict.lost.append(f"{who}: the counter “{name}” says {found}, the notes {value}")


def _surprises(who: str, history: History) -> Iterator[str]:
    """Refusals that nobody promised, and a block that was taken back but acknowledged."""
    for operation in history.operations.values():
        if operation.is_decided:
            continue
        if operation.state == REFUSED and operation.why and not operation.why.startswith(EXPECTED_REFUSALS):
            yield f"{who}: operation {operation.number} was refused in a way nobody promised: {operation.why}"
        if operation.kind == UNDONE and operation.position:
            yield f"{who}: operation {operation.number} was taken back, and acknowledged"


def judge_sight(lines: Sequence[str], histories: Sequence[History], verdict: Verdict) -> None:
    """What the readers noted. A step back is wrong unless what was seen before is lost or never counted."""
    by_account = {history.account: history for history in histories}
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind == "torn":
            verdict.torn.append(f"a reader saw a transaction in part: {rest}")
        elif kind == "back":
            account, expected, found = map(int, rest.split())
            seen = by_account[account].operations.get(expected)
            if seen is None or seen.state == SAVED:
                verdict.stale.append(f"a reader saw operation {expected} of account {account}, then only {found}")


Entry = tuple[int, str, str, str]  # position, operation, table, first column of the key


def judge_stream(shard: str, told: Sequence[Entry], log: Mapping[int, Entry], verdict: Verdict) -> int:
    """What a consumer was told while one process ran, against the log; how much of it was lost afterwards.

    Changes beyond the end of a term may be lost with its primary, and the consumer is told so; all
    others must be in the log, and all that the log has in between it must have been told, once, in order.
    """
    if not told:
        return 0
    ends: dict[int, int] = {}
    for position in log:
        ends[position >> 40] = max(position, ends.get(position >> 40, 0))
    lost = {entry[0] for entry in told if entry[0] not in log and entry[0] > ends.get(entry[0] >> 40, 0)}
    positions = [entry[0] for entry in told]
    verdict.other += [
        f"the consumer of shard {shard} was told {after} after {before}"
        for before, after in pairwise(positions)
        if after <= before
    ][:3]
    oldest = min(log)  # what is older was trimmed
    since = max(positions[0], oldest)
    expected = {entry for entry in log.values() if since <= entry[0] <= positions[-1] and entry[2]}
    heard = {entry for entry in told if entry[0] not in lost and entry[0] >= oldest}
    who = f"the consumer of shard {shard}"
    verdict.other += [f"{who} was not told {entry}" for entry in sorted(expected - heard)[:3]]
    verdict.other += [f"{who} was told {entry}, which is not in the log" for entry in sorted(heard - expected)[:3]]
    return len(lost)
