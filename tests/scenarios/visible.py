"""What somebody may see, said once more and as plainly as can be: sets, and no database, cache or page.

Nothing here comes from the program. It is what the tests of visibility measure the pages by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

EVERYONE, FRIENDS, DIRECT = "everyone", "friends", "direct"


@dataclass(frozen=True)
class Said:
    """A post: who wrote it, which mark its text carries, and what that mark was before."""

    id: int
    author: str
    mark: str
    visibility: str
    mentions: frozenset[str] = frozenset()
    tag: str = ""
    parent: int | None = None
    earlier: tuple[str, ...] = ()


@dataclass
class Model:
    """The people by name, and all they said and are to each other. `None` looks as a visitor."""

    people: list[str]
    roles: dict[str, str]
    members_only: bool = False
    said: dict[int, Said] = field(default_factory=dict)
    friends: set[frozenset[str]] = field(default_factory=set)
    asked: set[tuple[str, str]] = field(default_factory=set)  # (who asks, whom)
    blocks: set[tuple[str, str]] = field(default_factory=set)  # (who blocks, whom)
    suspended: set[str] = field(default_factory=set)
    likes: set[tuple[int, str]] = field(default_factory=set)
    told: list[tuple[str, str, str, int | None]] = field(default_factory=list)  # whom, of what, by whom, which post
    delivered: set[tuple[str, int]] = field(default_factory=set)  # direct posts that lie in somebody's home feed

    # --- who sees whom, and what

    def apart(self, one: str, other: str) -> bool:
        return (one, other) in self.blocks or (other, one) in self.blocks

    def knows(self, viewer: str | None, other: str) -> bool:
        """Whether the other exists for the viewer."""
        if viewer is None:
            return other not in self.suspended
        return not self.apart(viewer, other) and (other not in self.suspended or self.in_charge(viewer))

    def in_charge(self, viewer: str) -> bool:
        return self.roles[viewer] != "member"

    def are_friends(self, one: str | None, other: str) -> bool:
        return frozenset((one, other)) in self.friends

    def sees(self, viewer: str | None, said: Said) -> bool:
        if viewer is None and (self.members_only or said.visibility != EVERYONE):
            return False
        if not self.knows(viewer, said.author):
            return False
        return (
            said.visibility == EVERYONE
            or said.author == viewer
            or (said.visibility == FRIENDS and self.are_friends(viewer, said.author))
            or (said.visibility == DIRECT and viewer in said.mentions)
        )

    def seen(self, viewer: str | None) -> list[Said]:
        return [said for said in self.said.values() if self.sees(viewer, said)]

    # --- the pages: the marks on each

    def home(self, viewer: str | None) -> set[str]:
        if viewer is None:
            return set()
        return {
            said.mark
            for said in self.seen(viewer)
            if said.author == viewer
            or (
                self.are_friends(viewer, said.author)
                and (said.visibility != DIRECT or (viewer, said.id) in self.delivered)
            )
        }

    def explore(self, viewer: str | None) -> set[str]:
        seen = self.seen(viewer)
        return {said.mark for said in seen if said.visibility == EVERYONE and said.author not in self.suspended}

    def profile(self, viewer: str | None, author: str) -> set[str]:
        return {said.mark for said in self.seen(viewer) if said.author == author}

    def has_profile(self, viewer: str | None, other: str) -> bool:
        return self.knows(viewer, other) or (viewer is not None and self.in_charge(viewer))

    def tagged(self, viewer: str | None, tag: str) -> set[str]:
        return {said.mark for said in self.seen(viewer) if said.tag == tag}

    def thread(self, viewer: str | None, id: int) -> set[str] | None:
        """The post, all it answers as far up as the viewer sees, all below it; None where there is no such page."""
        said = self.said[id]
        if not self.sees(viewer, said):
            return None
        marks, above = {said.mark, *said.earlier}, said.parent
        while above in self.said and self.sees(viewer, self.said[above]):
            marks.add(self.said[above].mark)
            above = self.said[above].parent
        return marks | {reply.mark for reply in self._below(viewer, id)}

    def _below(self, viewer: str | None, id: int) -> Iterator[Said]:
        for reply in self.said.values():
            if reply.parent == id and self.sees(viewer, reply):
                yield reply
                yield from self._below(viewer, reply.id)

    def news(self, viewer: str) -> list[tuple[str, str, str, int | None]]:
        """The notifications that are shown."""
        return [
            each
            for each in self.told
            if each[0] == viewer
            and self.knows(viewer, each[2])
            and (each[3] is None or (each[3] in self.said and self.sees(viewer, self.said[each[3]])))
        ]

    def numbers(self, viewer: str | None, id: int) -> tuple[int, int]:
        """(replies, likes) of a post: no number tells of a reply by somebody who does not exist for the viewer."""
        replies = [
            each
            for each in self.said.values()
            if each.parent == id and each.visibility == EVERYONE and each.author not in self.suspended
        ]
        known = [each for each in replies if viewer is None or not self.apart(viewer, each.author)]
        return len(known), sum(post == id for post, _ in self.likes)

    def talked_about(self, viewer: str) -> Counter[str]:
        return Counter(
            said.tag
            for said in self.said.values()
            if said.tag
            and said.visibility == EVERYONE
            and said.author not in self.suspended
            and not self.apart(viewer, said.author)
        )

    # --- what people do

    def publish(self, said: Said) -> None:
        self.said[said.id] = said
        self._deliver(said)
        parent = self.said.get(said.parent) if said.parent is not None else None
        for person in said.mentions:
            if not (parent and parent.author == person):
                self._tell(person, "mention", said.author, said.id)
        if parent:
            self._tell(parent.author, "reply", said.author, said.id)

    def edit(self, id: int, mark: str, mentions: frozenset[str], tag: str) -> None:
        before = self.said[id]
        self.said[id] = said = replace(
            before, mark=mark, mentions=mentions, tag=tag, earlier=(*before.earlier, before.mark)
        )
        if said.visibility == DIRECT and before.mentions != mentions:
            self.delivered = {(who, post) for who, post in self.delivered if post != id or who in mentions}
            self._deliver(said)
        parent = self.said.get(said.parent) if said.parent is not None else None
        for person in mentions - before.mentions:
            self._tell(person, "reply" if parent and parent.author == person else "mention", said.author, id)

    def _deliver(self, said: Said) -> None:
        if said.visibility == DIRECT:
            self.delivered |= {(who, said.id) for who in said.mentions if self.are_friends(who, said.author)}

    def _tell(self, whom: str, what: str, by: str, post: int | None) -> None:
        """Once for each post, and only who may see it."""
        news = (whom, what, by, post)
        if whom != by and not (post is not None and (news in self.told or not self.sees(whom, self.said[post]))):
            self.told.append(news)

    def delete(self, id: int) -> None:
        del self.said[id]
        self.likes = {like for like in self.likes if like[0] != id}

    def like(self, viewer: str, id: int) -> None:
        if (id, viewer) not in self.likes:
            self.likes.add((id, viewer))
            self._tell(self.said[id].author, "like", viewer, id)

    def ask(self, one: str, other: str) -> None:
        if self.are_friends(one, other) or (one, other) in self.asked:
            return
        if (other, one) in self.asked:
            self.asked.discard((other, one))
            self.told = [each for each in self.told if each[:3] != (one, "request", other)]
            self.friends.add(frozenset((one, other)))
            self._tell(other, "accepted", one, None)
        else:
            self.asked.add((one, other))
            self._tell(other, "request", one, None)

    def part(self, one: str, other: str) -> None:
        """The end of a friendship; direct posts leave the feed with all others, and do not come back."""
        self.friends.discard(frozenset((one, other)))
        pair = {one, other}
        self.delivered = {
            (who, post)
            for who, post in self.delivered
            if not (who in pair and post in self.said and self.said[post].author in pair - {who})
        }

    def block(self, one: str, other: str) -> None:
        if (one, other) in self.blocks:
            return
        self.blocks.add((one, other))
        self.part(one, other)
        pair = {one, other}
        self.asked = {each for each in self.asked if set(each) != pair}
        self.told = [each for each in self.told if {each[0], each[2]} != pair]
        self.likes = {(post, who) for post, who in self.likes if {who, self.said[post].author} != pair}
