"""Whatever people do, and in whatever order: a stranger is shown no more than the nodes would show them now."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from minisocial.errors import MinisocialError
from tests.client import Client
from tests.scenarios.people import join, log_in
from tests.scenarios.visitors import Visited, fresh, let_strangers_in, open_house, visit

PEOPLE = ("ada", "grace", "alan")
LISTS = ("/", "/explore", "/tags/word", *(f"/@{name}" for name in PEOPLE))
TOKEN = re.compile(rb"(?:everyone|friends|direct|name)[0-9]{6}x")

person = st.sampled_from(PEOPLE)
number = st.integers(0, 10**6)
ACTIONS = st.one_of(
    st.tuples(st.just("publish"), person, st.sampled_from(["everyone", "friends", "direct"])),
    st.tuples(st.just("reply"), person, st.sampled_from(["everyone", "friends"]), number),
    st.tuples(st.just("delete"), number),
    st.tuples(st.just("like"), person, number),
    st.tuples(st.just("edit"), number),
    st.tuples(st.just("rename"), person),
    st.tuples(st.just("suspend"), st.sampled_from(PEOPLE[1:])),
    st.tuples(st.just("let in again"), st.sampled_from(PEOPLE[1:])),
    st.tuples(st.just("block"), person, person, st.booleans()),
    st.tuples(st.just("close the doors")),
    st.tuples(st.just("open the doors")),
    st.tuples(st.just("log out"), person),
    st.tuples(st.just("look as a member"), person),
    st.tuples(st.just("time passes"), st.sampled_from([5, 61, 130])),
    st.tuples(st.just("the worker goes on")),
    st.tuples(st.just("a node is lost"), number),
)


class House:
    """A community, and what a model knows of it: who wrote what for whom, and what is gone."""

    def __init__(self, system: Visited, ada: Client) -> None:
        self.system = system
        self.browsers = {"ada": ada, **{name: join(system, ada, name) for name in PEOPLE[1:]}}
        self.ids = {name: system.social.accounts.named(name).id for name in PEOPLE}
        self.posts: dict[int, tuple[str, bytes, str]] = {}  # id → author, token, visibility
        self.before: dict[int, set[bytes]] = {}  # id → tokens of words that were edited away
        self.gone: set[bytes] = set()
        self.names: dict[str, bytes] = {}
        self.suspended: set[str] = set()
        self.is_open = True
        self._count = 0

    def act(self, action: tuple[object, ...]) -> None:
        what, *more = action
        getattr(self, "_" + str(what).replace(" ", "_"))(*more)

    def check(self) -> None:
        """Each page that strangers may ask for, twice: as it is made or kept, and as it is kept."""
        posts = [f"/@{author}/{id}" for id, (author, _, _) in list(self.posts.items())[-4:]]
        for path in (*LISTS, *posts):
            wanted = fresh(self.system, path)
            for answer in (visit(self.system, path), visit(self.system, path, cookie="theme=dark")):
                assert answer.code == wanted.code, path
                shown = set(TOKEN.findall(answer.body))
                assert shown == set(TOKEN.findall(wanted.body)), path
                assert not shown & self.gone
                assert not [token for token in shown if token.startswith((b"friends", b"direct"))]
                assert self.is_open or not shown
                assert not shown & self._hidden()

    def _token(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count:06}x"

    def _publish(self, author: str, visibility: str, in_reply_to: int | None = None) -> None:
        token = self._token(visibility)
        text = f"{token} #word @{'grace' if author == 'ada' else 'ada'}"
        view = self.system.social.posts.publish(self.ids[author], text, visibility, in_reply_to)
        self.posts[view.post.id] = author, token.encode(), visibility

    def _some_post(self, which: int) -> int | None:
        return list(self.posts)[which % len(self.posts)] if self.posts else None

    def _reply(self, author: str, visibility: str, which: int) -> None:
        parent = self._some_post(which)
        if parent is not None and self.posts[parent][2] == "everyone":
            self._publish(author, visibility, parent)

    def _delete(self, which: int) -> None:
        id = self._some_post(which)
        if id is not None:
            author, token, _ = self.posts[id]
            self.system.social.posts.delete(self.ids[author], id)
            del self.posts[id]
            self.gone |= {token} | self.before.pop(id, set())

    def _like(self, name: str, which: int) -> None:
        id = self._some_post(which)
        if id is not None and self.posts[id][2] == "everyone":
            self.system.social.posts.like(self.ids[name], id)

    def _edit(self, which: int) -> None:
        id = self._some_post(which)
        if id is not None:
            author, old, visibility = self.posts[id]
            token = self._token(visibility)
            based_on = self.system.social.posts.get(id, self.ids[author]).post.edited_at or 0
            self.system.social.edits.edit(self.ids[author], id, f"{token} #word", based_on)
            self.posts[id] = author, token.encode(), visibility
            self.before.setdefault(id, set()).add(old)  # its history shows them

    def _suspend(self, name: str) -> None:
        self.system.social.moderation.suspend(self.ids["ada"], self.ids[name])
        self.suspended.add(name)

    def _let_in_again(self, name: str) -> None:
        if name in self.suspended:
            self.system.social.moderation.unsuspend(self.ids["ada"], self.ids[name])
            self.suspended.discard(name)
            self.browsers[name] = log_in(self.system, name)

    def _block(self, name: str, other: str, is_on: bool) -> None:
        blocks = self.system.social.blocks
        (blocks.block if is_on else blocks.unblock)(self.ids[name], self.ids[other])

    def _hidden(self) -> set[bytes]:
        """What those who are suspended wrote."""
        hidden = {id: token for id, (author, token, _) in self.posts.items() if author in self.suspended}
        return {*hidden.values(), *(token for id in hidden for token in self.before.get(id, ()))}

    def _rename(self, name: str) -> None:
        self.gone.add(self.names.get(name, b""))
        token = self._token("name")
        self.system.social.accounts.edit(self.ids[name], display_name=token, bio="", approves_followers=True)
        self.names[name] = token.encode()

    def _close_the_doors(self) -> None:
        let_strangers_in(self.system, False)
        self.is_open = False

    def _open_the_doors(self) -> None:
        let_strangers_in(self.system)
        self.is_open = True

    def _log_out(self, name: str) -> None:
        """And what this very browser is shown afterwards is what strangers are shown."""
        if name in self.suspended:
            return
        browser = self.browsers[name]
        self._look_as_a_member(name)
        browser.get("/settings").submit("Log out")
        for path in ("/", f"/@{name}", "/explore"):
            shown = set(TOKEN.findall(browser.get(path).page.raw))
            assert not [token for token in shown if token.startswith((b"friends", b"direct"))], path
        self.browsers[name] = log_in(self.system, name)

    def _look_as_a_member(self, name: str) -> None:
        """Members' pages are never the kept ones, and show what is for this member."""
        if name in self.suspended:
            return
        browser = self.browsers[name]
        own = {token for author, token, _ in self.posts.values() if author == name}
        shown = set(TOKEN.findall(browser.get(f"/@{name}").page.raw))
        assert not shown & self.gone and len(own & shown) == min(20, len(own))
        for path in ("/", "/explore"):
            page = browser.get(path).page
            assert "minisocial; hit" not in page.headers["cache-status"]
            assert not set(TOKEN.findall(page.raw)) & self.gone

    def _time_passes(self, seconds: int) -> None:
        self.system.moved.ahead += seconds

    def _the_worker_goes_on(self) -> None:
        self.system.background.drain(20)

    def _a_node_is_lost(self, which: int) -> None:
        """Its place is taken by one that knows nothing."""
        node = self.system.nodes[which % len(self.system.nodes)]
        self.system.pool.restart(node.name)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(Path(tmp_path_factory.mktemp("strangers"))) as (system, ada):
        yield House(system, ada)


@settings(  # one house for all examples, so there is nothing to shrink
    max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None, phases=[Phase.generate]
)
@given(actions=st.lists(ACTIONS, min_size=3, max_size=14))
def test_stranger_is_shown_what_a_fresh_page_would_show_and_nothing_else(
    house: House, actions: list[tuple[object, ...]]
) -> None:
    house.act(("open the doors",))
    for action in actions:
        try:
            house.act(action)
        except MinisocialError as error:  # refused, as it may be: then nothing has changed
            assert error.status < 500, (action, error)
        house.check()
