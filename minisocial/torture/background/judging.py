"""Whether all that was promised is there, once."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from minisocial.social.home_feeds import KEPT
from minisocial.system import System
from minisocial.torture.background.postbox import Received
from minisocial.torture.background.promises import Notice, Promises


@dataclass(slots=True)
class Verdict:
    """What was found. Letters that came twice are told and no fault: SMTP can not do better (see the README)."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    letters: int = 0
    letters_twice: int = 0

    @property
    def sentences(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.wrong]


def judge(system: System, hosts: Sequence[int], promises: Promises, received: Sequence[Received]) -> Verdict:
    """Of a system in which nothing is left to do."""
    verdict = Verdict()
    _judge_notices(system, promises, verdict)
    _judge_feeds(system, hosts, promises, verdict)
    _judge_letters(promises, received, verdict)
    verdict.wrong += [f"dead letter: {each.name} {each.error[-200:]}" for each in system.background.dead()]
    return verdict


def _judge_notices(system: System, promises: Promises, verdict: Verdict) -> None:
    found = Counter(Notice(*row) for row in _all(system, "SELECT account, kind, actor, post FROM notifications"))
    friends = set(_all(system, "SELECT account, other FROM friendships WHERE state = 'friends'"))
    for notice in set(promises.notices):
        is_answered = notice.kind == "request" and (notice.account, notice.actor) in friends  # by then it is taken away
        if found[notice] < 1 and not is_answered:
            verdict.lost.append(f"there is no notification {notice}")
    for notice, times in found.items():
        if times > 1:
            verdict.doubled.append(f"{times} times there is the notification {notice}")


def _judge_feeds(system: System, hosts: Sequence[int], promises: Promises, verdict: Verdict) -> None:
    """Each host follows all others, and nobody else posts: their feeds are the newest posts of all."""
    posts = sorted((id for (id,) in _all(system, "SELECT id FROM posts")), reverse=True)
    there = set(posts)
    verdict.lost += [f"there is no post {post} of {author}" for post, author in promises.posts if post not in there]
    feeds: defaultdict[int, list[int]] = defaultdict(list)
    for account, post in _all(system, "SELECT account, post FROM home_feed"):
        feeds[account].append(post)
    for host in hosts:
        feed, right = set(feeds[host]), set(posts[:KEPT])
        verdict.lost += [f"post {post} is missing in the feed of {host}" for post in right - feed]
        verdict.wrong += [f"post {post} is in the feed of {host} and should not be" for post in feed - right]


def _judge_letters(promises: Promises, received: Sequence[Received], verdict: Verdict) -> None:
    ids: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for letter in received:
        ids[_address(letter.to), letter.subject.partition(" ")[0]].add(letter.message_id)
    for expected in promises.letters:
        came = ids.get((expected.to, expected.name), set())
        if not came:
            verdict.lost.append(f"there is no letter to {expected.to} about {expected.name}")
        elif len(came) > 1:
            verdict.doubled.append(f"letters to {expected.to} about {expected.name} have {len(came)} Message-IDs")
    verdict.letters = len(received)
    verdict.letters_twice = len(received) - len({letter.message_id for letter in received})


def _address(to: str) -> str:
    return to.rpartition("<")[2].rstrip(">")


def _all(system: System, sql: str) -> Iterator[tuple[Any, ...]]:
    """The rows of all shards."""
    for shard in system.cluster.shards:
        with system.cluster.read(shard, system.cluster.position(shard)) as reader:
            yield from reader.rows(sql)
