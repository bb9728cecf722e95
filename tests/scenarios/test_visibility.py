"""What a person may not see is on no page of theirs, and what they may see is on all that show it.

People do things to each other at random, on a whole system with every cache warm: those of the nodes, the
finished pages kept there, the global one, the proxy's. After each step every page of everybody is held
against a small model of its own (`visible`). Every post carries a mark of its own, so that looking for it
is looking for a word. `MINISOCIAL_STRESS=full` takes more of it.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from minisocial.doctor import examine
from minisocial.system import System
from tests.scenarios.conftest import settings as scenario_settings
from tests.scenarios.people import PASSWORD
from tests.scenarios.visible import DIRECT, EVERYONE, FRIENDS, Model, Said
from tests.web.client import Client

IS_FULL = os.environ.get("MINISOCIAL_STRESS") == "full"
EXAMPLES, STEPS = (60, 30) if IS_FULL else (6, 14)
MOST_POSTS = 12  # of an example: they fit on one page of any list
PEOPLE, TAGS = 4, ("oak", "elm", "")
WHO = st.integers(0, PEOPLE - 1)
WHICH = st.integers(0, 50)
VISIBILITY = st.sampled_from((EVERYONE, EVERYONE, FRIENDS, FRIENDS, DIRECT))
ACTS = (
    *("publish", "edit", "block", "like", "become_friends") * 3,
    *("delete", "unfriend", "unblock", "suspend", "unsuspend", "log_in", "open_or_close") * 2,
    *("ask", "log_out", "change_role"),
)
# author, visibility, whom it mentions, odd: which of the posts they see it answers
BEGINNING = (
    (0, EVERYONE, 1, 0),
    (1, FRIENDS, 2, 0),
    (2, EVERYONE, 0, 1),
    (1, DIRECT, 0, 0),
    (3, EVERYONE, 2, 1),
)
NUMBERS = count(1)
NAME = re.compile(r"Name\d+x")
POST = re.compile(r'id="p(\d+)">.*?#reply">.*?<span class="n">(\d*)</span>.*?<span class="n">(\d*)</span>', re.DOTALL)
CSRF = re.compile(r'name="csrf" value="[^"]*"')
AGE = re.compile(r"(<time[^>]*>)[^<]*(</time>)")
TAG_LINE = re.compile(r'<a href="/tags/(\w+)">#\w+</a> <span class="muted">(\d+) post')


class Machine(RuleBasedStateMachine):
    """A few new people of a community that goes on, and what becomes of them."""

    system: System  # the running one; set by the test

    @initialize()
    def begin(self) -> None:
        social = self.system.social
        run = next(NUMBERS)
        self.mark = f"mark{run}n"  # how the marks of this example begin: those of earlier ones are somebody else's
        self.marks = re.compile(rf"{self.mark}\d+x")
        self.names = [f"p{run}n{number}" for number in range(PEOPLE)]
        self.tags = [tag and f"{tag}{run}" for tag in TAGS]
        self.ids: dict[str, int] = {}
        for name in self.names:
            account = social.accounts.create(name, f"{name}@example.org", PASSWORD)
            social.accounts.edit(account.id, display_name=f"Name{next(NUMBERS)}x", bio="", approves_followers=True)
            self.ids[name] = account.id
        self.shown = {name: social.accounts.get(id).display_name for name, id in self.ids.items()}
        self.model = Model(self.names, dict.fromkeys(self.names, "member"))
        self.browsers = {name: Client(self.system.proxy) for name in self.names}
        self.stranger = Client(self.system.proxy)
        self.inside: set[str] = set()
        self.gone: set[str] = set()  # marks that must never be seen again
        for name in self.names:
            self._log_in(name)
        self._members_only(False)
        self._begin_with_friends_and_posts()

    def _begin_with_friends_and_posts(self) -> None:
        for one, other in ((0, 1), (1, 2)):
            self.become_friends(one, other)
        for author, visibility, mentioned, parent in BEGINNING:
            self.publish(author, visibility, mentioned, True, author, parent)
            self._settle()

    @rule(act=st.sampled_from(ACTS), one=WHO, other=WHO, which=WHICH, visibility=VISIBILITY, chance=st.booleans())
    def act(self, act: str, one: int, other: int, which: int, visibility: str, chance: bool) -> None:
        """Somebody does something; what they can not do just now is not done."""
        inside = sorted(self.inside) or [self.names[one]]
        me = self.names.index(inside[one % len(inside)])
        takes: dict[str, tuple[Any, ...]] = {
            "publish": (me, visibility, other, chance, which, which),
            "edit": (me, which, other, which),
            "delete": (me, which),
            "like": (me, which, chance and other == me),
            "log_out": (me,),
            "log_in": (other,),
            "suspend": (other,),
            "unsuspend": (other,),
            "change_role": (other, ("moderator", "member", "admin")[which % 3]),
            "open_or_close": (chance,),
        }
        getattr(self, act)(*takes.get(act, (me, other)))

    # --- what people do

    def publish(self, author: int, visibility: str, mentioned: int, mentions: bool, tag: int, parent: int) -> None:
        name = self._active(author)
        if name is None or len(self.model.said) >= MOST_POSTS:
            return
        answered = self._one(parent // 2, self.model.seen(name)) if parent % 2 else None
        text, mark, who, tagged = self._text(
            name, self.names[mentioned] if mentions or visibility == DIRECT else "", tag
        )
        if visibility == DIRECT and answered:
            who |= {answered.author}
        if visibility == DIRECT and not who:
            return
        id = self._social.posts.publish(self.ids[name], text, visibility, answered and answered.id).post.id
        self.model.publish(Said(id, name, mark, visibility, who, tagged, answered and answered.id))

    def _text(self, author: str, other: str, tag: int) -> tuple[str, str, frozenset[str], str]:
        mark, tagged = f"{self.mark}{next(NUMBERS)}x", self.tags[tag % len(self.tags)]
        text = mark + (f" @{other}" if other else "") + (f" #{tagged}" if tagged else "")
        known = other and (other == author or self.model.knows(author, other))
        return text, mark, frozenset([other] if known else []), tagged

    def edit(self, who: int, which: int, mentioned: int, tag: int) -> None:
        name = self._active(who)
        post = self._one(which, [each for each in self.model.said.values() if each.author == name])
        if name is None or post is None:
            return
        text, mark, mentions, tagged = self._text(name, self.names[mentioned], tag)
        if post.visibility == DIRECT:
            mentions |= self._implied(post)
            if not mentions:
                return
        view = self._social.posts.get(post.id, self.ids[name])
        self._social.edits.edit(self.ids[name], post.id, text, view.post.edited_at or 0)
        self.model.edit(post.id, mark, mentions, tagged)

    def _implied(self, post: Said) -> frozenset[str]:
        """Whom a direct reply answers is not in its words, and stays addressed."""
        text = self._social.posts.get(post.id, self.ids[post.author]).post.text
        return frozenset(name for name in post.mentions if f"@{name}" not in text)

    def delete(self, who: int, which: int) -> None:
        name = self._active(who)
        post = self._one(which, [each for each in self.model.said.values() if each.author == name])
        if name and post:
            self._social.posts.delete(self.ids[name], post.id)
            self.model.delete(post.id)
            self.gone |= {post.mark, *post.earlier}

    def like(self, who: int, which: int, takes_back: bool) -> None:
        name = self._active(who)
        post = self._one(which, self.model.seen(name)) if name else None
        if name and post and takes_back:
            self._social.posts.unlike(self.ids[name], post.id)
            self.model.likes.discard((post.id, name))
        elif name and post:
            self._social.posts.like(self.ids[name], post.id)
            self.model.like(name, post.id)

    def ask(self, one: int, other: int) -> None:
        if pair := self._pair(one, other):
            self._social.friends.add(*(self.ids[name] for name in pair))
            self.model.ask(*pair)

    def become_friends(self, one: int, other: int) -> None:
        self.ask(one, other)
        self._settle()
        self.ask(other, one)

    def unfriend(self, one: int, other: int) -> None:
        if (pair := self._pair(one, other)) and self.model.are_friends(*pair):
            self._social.friends.unfriend(*(self.ids[name] for name in pair))
            self.model.part(*pair)

    def block(self, one: int, other: int) -> None:
        if pair := self._pair(one, other):
            self._press(pair[0], f"/@{pair[1]}/block")
            self.model.block(*pair)

    def unblock(self, one: int, other: int) -> None:
        name, whom = self._active(one), self.names[other]
        if name and (name, whom) in self.model.blocks:
            self._press(name, f"/@{whom}/unblock")
            self.model.blocks.discard((name, whom))

    def log_out(self, who: int) -> None:
        if name := self._active(who):
            self._press(name, "/logout")
            self.inside.discard(name)

    def log_in(self, who: int) -> None:
        if self.names[who] not in self.inside:
            self._log_in(self.names[who])

    def suspend(self, who: int) -> None:
        name = self.names[who]
        if len(self.model.suspended) < 2 and name not in self.model.suspended:
            self._social.moderation.suspend(None, self.ids[name])
            self.model.suspended.add(name)
            self.inside.discard(name)

    def unsuspend(self, who: int) -> None:
        self._social.moderation.unsuspend(None, self.ids[self.names[who]])
        self.model.suspended.discard(self.names[who])

    def change_role(self, who: int, role: str) -> None:
        self._social.moderation.set_role(None, self.ids[self.names[who]], role)
        self.model.roles[self.names[who]] = role

    def open_or_close(self, members_only: bool) -> None:
        self._members_only(members_only)

    # --- what they see

    @invariant()
    def every_page_shows_what_it_may_and_must(self) -> None:
        if not hasattr(self, "model"):
            return
        self._check_nothing_forbidden_before_the_worker_has_run()
        self._settle()
        for viewer, browser in self._viewers():
            for path, marks in self._pages(viewer):
                self._check(viewer, browser, path, marks)
            if viewer:
                self._check_numbers(viewer, browser)

    def _viewers(self) -> Iterator[tuple[str | None, Client]]:
        """Everybody with their own browser, cookies of earlier days and all; who is logged out is a stranger."""
        for name, browser in self.browsers.items():
            yield (name if name in self.inside else None), browser
        yield None, self.stranger

    def _pages(self, viewer: str | None) -> Iterator[tuple[str, set[str] | None]]:
        """Every page that could show a post, and the marks that must be on it; None: it is not there."""
        model = self.model
        yield "/", model.home(viewer)
        yield "/explore", model.explore(viewer)
        for tag in filter(None, self.tags):
            yield f"/tags/{tag}", model.tagged(viewer, tag)
        for name in self.names:
            there = model.has_profile(viewer, name)
            yield f"/@{name}", model.profile(viewer, name) if there else None
        for said in model.said.values():
            yield f"/@{said.author}/{said.id}", model.thread(viewer, said.id)
        if viewer:
            yield "/notifications", {model.said[each[3]].mark for each in model.news(viewer) if each[3] is not None}
            yield "/friends", set()

    def _check(self, viewer: str | None, browser: Client, path: str, expected: set[str] | None) -> None:
        answer = browser.get(path)
        where = f"{path} for {viewer}: {answer.status}"
        if viewer is None and self.model.members_only and path != "/":
            assert answer.code == 303, where
            return
        assert answer.code == (404 if expected is None else 200), where
        assert set(self.marks.findall(answer.text)) == (expected or set()), where
        assert not set(NAME.findall(answer.text)) & self._strangers_of(viewer), where
        for id, replies, likes in POST.findall(answer.text):
            if int(id) in self.model.said:  # else of an earlier example
                assert (int(replies or 0), int(likes or 0)) == self.model.numbers(viewer, int(id)), f"{where}, {id}"

    def _strangers_of(self, viewer: str | None) -> set[str]:
        """The names of those who do not exist for the viewer; those in charge see whom they look after."""
        if viewer and self.model.in_charge(viewer):
            return set()
        return {self.shown[name] for name in self.names if not self.model.knows(viewer, name) and name != viewer}

    def _check_numbers(self, viewer: str, browser: Client) -> None:
        badges = json.loads(browser.get("/notifications/unread.json").text)
        assert badges["notifications"] == len(self.model.news(viewer)), viewer
        waiting = [one for one, other in self.model.asked if other == viewer and self.model.knows(viewer, one)]
        assert badges["requests"] == len(waiting), viewer
        listed = {tag: int(posts) for tag, posts in TAG_LINE.findall(browser.get("/friends").text)}
        mine = self.model.talked_about(viewer)
        assert all(mine[tag] == posts for tag, posts in listed.items() if tag in self.tags), viewer

    def _check_nothing_forbidden_before_the_worker_has_run(self) -> None:
        """What hides acts at once; only the end of a friendship is first known to the side that ended it."""
        for viewer, browser in self._viewers():
            text = browser.get("/").text + browser.get("/explore").text
            forbidden = self.gone | {
                said.mark
                for said in self.model.said.values()
                if not self.model.sees(viewer, said) and not self._is_lagging(viewer, said)
            }
            assert not forbidden & set(self.marks.findall(text)), viewer

    def _is_lagging(self, viewer: str | None, said: Said) -> bool:
        return viewer is not None and said.visibility == FRIENDS and self.model.knows(viewer, said.author)

    def teardown(self) -> None:
        """Without any cache it is the very same pages."""
        if not hasattr(self, "model"):
            return
        pages = self._everything()
        self._switch(False)
        try:
            assert self._everything() == pages
        finally:
            self._switch(True)
        for name in self.model.suspended:
            self._social.moderation.unsuspend(None, self.ids[name])
        self._settle()

    def _everything(self) -> dict[tuple[int, str], tuple[str, str]]:
        found = {}
        for number, (viewer, browser) in enumerate(self._viewers()):
            for path, _ in self._pages(viewer):
                answer = browser.get(path)
                found[number, path] = answer.status, AGE.sub(r"\1\2", CSRF.sub("", answer.text))
        return found

    def _switch(self, on: bool) -> None:
        self.system.caches.local_enabled = on
        self.system.caches.shared.enabled = on
        self.system.proxy.page_cache.enabled = on

    # --- how it is done

    @property
    def _social(self) -> Any:
        """Another node than those that answer: what it does must reach them."""
        return self.system.social

    def _active(self, who: int) -> str | None:
        name = self.names[who]
        return name if name in self.inside else None

    def _pair(self, one: int, other: int) -> tuple[str, str] | None:
        name, whom = self._active(one), self.names[other]
        return (name, whom) if name and name != whom and self.model.knows(name, whom) else None

    def _one(self, which: int, those: list[Said]) -> Said | None:
        return those[which % len(those)] if those else None

    def _press(self, name: str, action: str) -> None:
        browser = self.browsers[name]
        session = self._social.sessions.find(browser.cookies["session"])
        assert browser.post(action, {"csrf": session.csrf}).code == 303

    def _log_in(self, name: str) -> None:
        answer = self.browsers[name].log_in(name, PASSWORD)
        assert answer.code == (422 if name in self.model.suspended else 303)
        if answer.code == 303:
            self.inside.add(name)

    def _members_only(self, on: bool) -> None:
        self._social.community.edit(name="Oaks", description="", code_of_conduct="", members_only=on)
        self.model.members_only = on

    def _settle(self) -> None:
        assert self.system.background.drain(20)


@pytest.fixture(scope="module")
def quiet_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Without a front door and a thread that works by itself; its pages are asked for at the proxy.

    What people did to each other leaves rows in which the doctor finds nothing: both sides of each block say
    the same, and all counters are right.
    """
    folder: Path = tmp_path_factory.mktemp("visibility") / "data"
    folder.mkdir(mode=0o700)
    system = System(scenario_settings(folder, workers=0, policy="round_robin"))
    system.start(is_served=False)
    system.social.accounts.create("host", "host@example.org", PASSWORD, "admin")
    yield system
    system.stop()
    assert [str(finding) for finding in examine(system.settings) if not finding.is_well] == []


def test_pages_show_what_their_viewer_may_see_and_nothing_else(quiet_system: System) -> None:
    machine: Callable[[], Machine] = type("Here", (Machine,), {"system": quiet_system})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    boxes = quiet_system.snapshot()
    assert boxes.proxy.hits and boxes.global_cache.hits and all(node.hits for node in boxes.local_caches[1:])
