"""A domain in memory, with the same nouns and values as the real one, for tests of the pages."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from minisocial import ids
from minisocial.errors import Conflict, Forbidden, Gone, Invalid, LoginRequired, NotFound
from minisocial.social.accounts import Account
from minisocial.social.addresses import Address
from minisocial.social.audit import Entry
from minisocial.social.circles import Circle, Pair
from minisocial.social.community import Community
from minisocial.social.edits import Version
from minisocial.social.invites import Invite
from minisocial.social.notifications import Notification
from minisocial.social.pages import Cursor, Page, collect
from minisocial.social.post import Post, PostView, Thread
from minisocial.social.preferences import Choices
from minisocial.social.sessions import Session
from minisocial.social.text import clean
from minisocial.social.unsubscribe import Subscription
from tests.fakes import ManualClock

PASSWORD = "minisocial"


class FakeSocial:
    """Everything people can do, in dictionaries. Each noun is its own small fake."""

    def __init__(self, clock: ManualClock, *, members_only: bool = False) -> None:
        self.clock = clock
        self.seen: dict[str, int] = {}
        self.maker = ids.IdMaker(1, clock)
        community = Community("The Engine Room", "For friends of engines.", "", "invite", members_only)
        self.community = FakeCommunity(community)
        self.accounts = FakeAccounts(self)
        self.credentials = FakeCredentials(self.accounts)
        self.preferences = FakePreferences()
        self.addresses = FakeAddresses(self.accounts)
        self.resets = FakeResets(self.accounts)
        self.unsubscribe = FakeUnsubscribe(self.preferences)
        self.links = FakeLinks()
        self.sessions = FakeSessions()
        self.invites = FakeInvites(clock)
        self.people = FakePeople(self.accounts)
        self.friends = FakeFriends(self.accounts)
        self.blocks = FakeBlocks(self.accounts, self.people)
        self.posts = FakePosts(self)
        self.edits = FakeEdits(self.posts)
        self.moderation = FakeModeration(self)
        self.audit = FakeAudit(self.moderation)
        self.feeds = FakeFeeds(self)
        self.notifications = FakeNotifications(self)

    @contextmanager
    def reading(self, seen: Mapping[str, int]) -> Iterator[dict[str, int]]:
        self.seen = dict(seen)
        yield self.seen

    def derive(self, key: object, make: Callable[[], Any], size: Callable[[Any], int]) -> Any:
        """Nothing is kept: what is shown is always what is there."""
        hash(key)
        return make()

    def set_up(self, *, name: str, username: str, display_name: str, email: str, password: str) -> Account:
        if not name:
            raise Invalid("name", "Please give the community a name.")
        account = self.accounts.open(username, display_name, role="admin")
        self.community.edit(name=name)
        return account


class FakeCommunity:
    def __init__(self, value: Community) -> None:
        self.value = value

    def get(self) -> Community:
        return self.value

    def edit(self, **changes: Any) -> None:
        if not changes.get("name"):
            raise Invalid("name", "Please give the community a name.")
        self.value = replace(self.value, **changes)


class FakeAccounts:
    def __init__(self, social: FakeSocial) -> None:
        self.social = social
        self.by_id: dict[int, Account] = {}
        self.passwords: dict[int, str] = {}

    def open(self, username: str, display_name: str = "", role: str = "member", bio: str = "") -> Account:
        id = self.social.maker.make()
        now = self.social.clock.milliseconds()
        account = Account(id, username, display_name or username.title(), bio, role, True, now)
        self.by_id[id], self.passwords[id] = account, PASSWORD
        return account

    def get(self, id: int) -> Account:
        return self.by_id[id]

    def many(self, wanted: Any) -> dict[int, Account]:
        return {id: self.by_id[id] for id in wanted if id in self.by_id}

    def named(self, username: str) -> Account:
        found = [each for each in self.by_id.values() if each.username == username.lower()]
        if not found:
            raise NotFound("There is nobody here by that name.")
        return found[0]

    def all(self, cursor: Cursor) -> Page[Account]:
        return Page(sorted(self.by_id.values(), key=lambda account: -account.id)[: cursor.limit])

    def email(self, viewer: int) -> str:
        return f"{self.by_id[viewer].username}@example.org"

    def log_in(self, name: str, password: str) -> Account:
        for account in self.by_id.values():
            if account.username == name and self.passwords[account.id] == password:
                return account
        raise Invalid("password", "That name and password do not belong together. Please try again.")

    def join(self, code: str, *, username: str, display_name: str, email: str, password: str) -> Account:
        if any(account.username == username for account in self.by_id.values()):
            raise Conflict("username", f"The name {username} is taken. Please choose another.")
        self.social.invites.use(code)
        return self.open(username, display_name)

    def edit(self, viewer: int, **changes: Any) -> Account:
        if not changes["display_name"]:
            raise Invalid("display_name", "Please say what to call you.")
        self.by_id[viewer] = replace(self.by_id[viewer], **changes)
        return self.by_id[viewer]


class FakePeople:
    """Pairs of those who block somebody, and whom."""

    def __init__(self, accounts: FakeAccounts) -> None:
        self.accounts = accounts
        self.blocks: list[tuple[int, int]] = []

    def apart(self, wanted: Any, viewer: int | None) -> set[int]:
        return {id for id in wanted if (id, viewer) in self.blocks or (viewer, id) in self.blocks}

    def visible(self, wanted: Any, viewer: int | None) -> dict[int, Account]:
        found = self.accounts.many(wanted)
        in_charge = viewer is not None and self.accounts.get(viewer).is_in_charge
        there = found.keys() - self.apart(found, viewer)
        return {id: found[id] for id in there if in_charge or not found[id].is_suspended}

    def named(self, username: str, viewer: int | None) -> Account:
        account = self.accounts.named(username)
        if account.id not in self.visible([account.id], viewer):
            raise NotFound("There is nobody here by that name.")
        return account


class FakeBlocks:
    def __init__(self, accounts: FakeAccounts, people: FakePeople) -> None:
        self.accounts, self.people = accounts, people

    def by(self, viewer: int) -> list[Account]:
        return [self.accounts.get(other) for account, other in self.people.blocks if account == viewer]

    def block(self, viewer: int, other: int) -> None:
        self.people.blocks.append((viewer, other))

    def unblock(self, viewer: int, other: int) -> None:
        if (viewer, other) in self.people.blocks:
            self.people.blocks.remove((viewer, other))
        elif self.people.apart([other], viewer):
            raise NotFound("There is nobody here by that name.")


class FakeCredentials:
    def __init__(self, accounts: FakeAccounts) -> None:
        self.accounts = accounts

    def change_password(self, viewer: int, old: str, new: str) -> None:
        if self.accounts.passwords[viewer] != old:
            raise Invalid("old", "This is not your password now.")
        self.accounts.passwords[viewer] = new


class FakePreferences:
    def __init__(self) -> None:
        self.chosen: dict[int, dict[str, str]] = {}

    def of(self, viewer: int) -> Choices:
        return Choices(self.chosen.get(viewer, {}))

    def choose(self, viewer: int, chosen: Mapping[str, str]) -> None:
        self.chosen[viewer] = {**self.chosen.get(viewer, {}), **chosen}


class FakeAddresses:
    """The token of somebody's link is "confirm-" and their name."""

    def __init__(self, accounts: FakeAccounts) -> None:
        self.accounts = accounts
        self.confirmed: set[int] = set()
        self.next: dict[int, str] = {}
        self.asked: list[int] = []

    def of(self, viewer: int) -> Address:
        return Address(self.accounts.email(viewer), viewer in self.confirmed, self.next.get(viewer, ""))

    def is_confirmed(self, viewer: int) -> bool:
        return viewer in self.confirmed

    def ask_again(self, viewer: int) -> str:
        self.asked.append(viewer)
        return self.accounts.email(viewer)

    def change(self, viewer: int, password: str, email: str) -> None:
        if self.accounts.passwords[viewer] != password:
            raise Invalid("password", "This is not your password now.")
        if "@" not in email:
            raise Invalid("email", "This does not look like an e-mail address.")
        self.next[viewer] = email

    def _whose(self, token: str) -> int:
        if not token.startswith("confirm-"):
            raise Gone("This link was used already, or its time is over. Please ask for a new one.")
        return self.accounts.named(token.removeprefix("confirm-")).id

    def find(self, token: str) -> str:
        return self.accounts.email(self._whose(token))

    def confirm(self, token: str) -> str:
        self.confirmed.add(self._whose(token))
        return self.find(token)


class FakeResets:
    """The token of somebody's link is "reset-" and their name."""

    def __init__(self, accounts: FakeAccounts) -> None:
        self.accounts = accounts
        self.asked: list[str] = []

    def ask(self, name: str) -> None:
        self.asked.append(name)

    def find(self, token: str) -> Account:
        if not token.startswith("reset-"):
            raise Gone("This link was used already, or its time is over. Please ask for a new one.")
        return self.accounts.named(token.removeprefix("reset-"))

    def use(self, token: str, password: str) -> Account:
        if len(password) < 8:
            raise Invalid("new", "A password has 8 to 200 characters; a few words are a good one.")
        account = self.find(token)
        self.accounts.passwords[account.id] = password
        return account


class FakeUnsubscribe:
    """A token is an account's id, a dot and a kind."""

    def __init__(self, preferences: FakePreferences) -> None:
        self.preferences = preferences

    def find(self, token: str) -> Subscription:
        account, _, kind = token.partition(".")
        if not account.isdigit():
            raise NotFound("This link is damaged, or the account it was for is not there any more.")
        return Subscription(int(account), kind)

    def end(self, token: str) -> Subscription:
        found = self.find(token)
        self.preferences.choose(found.account, {f"mail:{found.kind}": "off"})
        return found


class FakeLinks:
    def __init__(self) -> None:
        self.made: list[tuple[int, str, str]] = []

    def make(self, actor: int, account: Account, purpose: str) -> str:
        self.made.append((actor, account.username, purpose))
        return f"{purpose}-{account.username}"


class FakeSessions:
    def __init__(self) -> None:
        self.open_ones: dict[str, Session] = {}
        self.opened = 0

    def open(self, account: int) -> Session:
        self.opened += 1
        session = Session(f"token-{self.opened}-of-{account}", account, f"csrf-of-{account}")
        self.open_ones[session.token] = session
        return session

    def find(self, token: str) -> Session | None:
        return self.open_ones.get(token)

    def close(self, token: str) -> None:
        self.open_ones.pop(token, None)


class FakeInvites:
    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.made: dict[str, Invite] = {}

    def make(self, viewer: int, uses: int = 1, days: int = 14) -> Invite:
        now = self.clock.milliseconds()
        code = f"code{len(self.made)}"
        self.made[code] = Invite(code, viewer, now, now + days * 86_400_000, uses, 0)
        return self.made[code]

    def find(self, code: str) -> Invite:
        if code not in self.made:
            raise NotFound("There is no such invite. Please check the link, or ask for a new one.")
        if self.made[code].left <= 0:
            raise Gone("This invite was used already, or its time is over. Please ask for a new one.")
        return self.made[code]

    def use(self, code: str) -> None:
        invite = self.find(code)
        self.made[code] = replace(invite, used=invite.used + 1)

    def by(self, viewer: int) -> list[Invite]:
        return [invite for invite in self.made.values() if invite.created_by == viewer]

    def revoke(self, viewer: int, code: str) -> None:
        if code not in self.made or self.made[code].created_by != viewer:
            raise NotFound("There is no such invite of yours.")
        del self.made[code]


class FakeFriends:
    """Pairs of accounts by state: ("requested", a, b) when a asked b, ("friends", a, b) both ways."""

    def __init__(self, accounts: FakeAccounts) -> None:
        self.accounts = accounts
        self.states: dict[tuple[int, int], str] = {}
        self.following: set[tuple[int, int]] = set()

    def _set(self, mine: str, viewer: int, other: int, theirs: str) -> None:
        self.states[viewer, other], self.states[other, viewer] = mine, theirs

    def add(self, viewer: int, other: int) -> None:
        if viewer == other:
            raise Forbidden("You are your own best friend already.")
        if self.states.get((viewer, other)) == "received":
            return self.accept(viewer, other)
        return self._set("requested", viewer, other, "received")

    def accept(self, viewer: int, other: int) -> None:
        if self.states.get((viewer, other)) != "received":
            raise NotFound("There is no friend request from this person any more.")
        self._set("friends", viewer, other, "friends")

    def decline(self, viewer: int, other: int) -> None:
        self._set("", viewer, other, "requested")

    def cancel(self, viewer: int, other: int) -> None:
        self._set("", viewer, other, "")

    unfriend = cancel

    def follow(self, viewer: int, other: int) -> None:
        self.following.add((viewer, other))

    def unfollow(self, viewer: int, other: int) -> None:
        self.following.discard((viewer, other))

    def pair(self, viewer: int, other: int) -> Pair:
        state = self.states.get((viewer, other), "")
        return Pair(viewer, other, state, state == "friends" or (viewer, other) in self.following, state == "friends")

    def _with(self, viewer: int, state: str) -> list[Account]:
        return [self.accounts.get(b) for (a, b), each in self.states.items() if a == viewer and each == state]

    def of(self, account: int, cursor: Cursor = Cursor()) -> Page[Account]:  # noqa: B008
        return Page(self._with(account, "friends")[: cursor.limit])

    def requests(self, viewer: int) -> list[Account]:
        return self._with(viewer, "received")

    def requested(self, viewer: int) -> list[Account]:
        return self._with(viewer, "requested")

    def request_count(self, viewer: int) -> int:
        return len(self.requests(viewer))

    def in_common(self, viewer: int, others: Iterable[int]) -> dict[int, int]:
        friends = {id: {each.id for each in self._with(id, "friends")} for id in (viewer, *others)}
        return {other: len(friends[viewer] & friends[other]) for other in others}

    def circle(self, account: int) -> Circle:
        friends, received, requested = (
            tuple((0, each.id) for each in self._with(account, state)) for state in ("friends", "received", "requested")
        )
        return Circle(friends, received, requested, frozenset())


class FakePosts:
    def __init__(self, social: FakeSocial) -> None:
        self.social = social
        self.by_id: dict[int, Post] = {}
        self.likes: set[tuple[int, int]] = set()

    def refuse_strangers(self, viewer: int | None) -> None:
        if viewer is None and self.social.community.get().members_only:
            raise LoginRequired("Only members can see this. Please log in.")

    def may_see(self, post: Post, viewer: int | None) -> bool:
        friends = self.social.friends.states.get((post.author, viewer or 0)) == "friends"
        return post.visibility == "everyone" or post.author == viewer or (post.visibility == "friends" and friends)

    def view(self, post: Post, viewer: int | None) -> PostView:
        return PostView(post, self.social.accounts.get(post.author), (post.id, viewer or 0) in self.likes)

    def publish(self, viewer: int, text: str, visibility: str, in_reply_to: int | None = None) -> PostView:
        if "\0" not in text:  # one test plants what no form lets in
            text = clean("text", text, 500, lines=True, empty="Please write something first.")
        if visibility not in ("everyone", "friends", "direct"):
            raise Invalid("visibility", "A post is for everyone, for friends, or for the people it mentions.")
        id = self.social.maker.make()
        root = self.get(in_reply_to, viewer).post.root if in_reply_to is not None else id
        self.by_id[id] = Post(id, viewer, text, visibility, in_reply_to, root, (), 0, 0)
        return self.view(self.by_id[id], viewer)

    def get(self, id: int, viewer: int | None) -> PostView:
        self.refuse_strangers(viewer)
        post = self.by_id.get(id)
        if post is None or not self.may_see(post, viewer):
            raise NotFound("There is no such post, or it is not for you.")
        return self.view(post, viewer)

    def thread(self, id: int, viewer: int | None) -> Thread:
        view = self.get(id, viewer)
        below = [each for each in self.by_id.values() if each.in_reply_to == id]
        above = [self.by_id[view.post.in_reply_to]] if view.post.in_reply_to in self.by_id else []
        return Thread([self.view(each, viewer) for each in above], view, [self.view(each, viewer) for each in below])

    def like(self, viewer: int, id: int) -> None:
        self.get(id, viewer)
        self.likes.add((id, viewer))
        self._count(id)

    def unlike(self, viewer: int, id: int) -> None:
        self.likes.discard((id, viewer))
        self._count(id)

    def _count(self, id: int) -> None:
        self.by_id[id] = replace(self.by_id[id], likes=sum(post == id for post, _ in self.likes))

    def delete(self, viewer: int, id: int) -> None:
        if self.get(id, viewer).post.author != viewer:
            raise Forbidden("Only who wrote a post can delete it.")
        del self.by_id[id]


class FakeEdits:
    def __init__(self, posts: FakePosts) -> None:
        self.posts = posts
        self.versions: list[tuple[int, Version]] = []

    def own(self, viewer: int, id: int) -> PostView:
        view = self.posts.get(id, viewer)
        if view.post.author != viewer:
            raise Forbidden("Only who wrote a post can edit it.")
        return view

    def edit(self, viewer: int, id: int, text: str, based_on: int) -> None:
        post = self.own(viewer, id).post
        if not text:
            raise Invalid("text", "Please write something first.")
        if based_on != (post.edited_at or 0):
            raise Conflict("text", "You changed this post somewhere else meanwhile.")
        at = (post.edited_at or self.posts.social.clock.milliseconds()) + 1
        self.versions.append((id, Version(at, post.text)))
        self.posts.by_id[id] = replace(post, text=text, edited_at=at)

    def history(self, view: PostView) -> list[Version]:
        return [version for id, version in reversed(self.versions) if id == view.post.id]


class FakeModeration:
    def __init__(self, social: FakeSocial) -> None:
        self.social = social
        self.entries: list[Entry] = []

    def _note(self, actor: int, action: str, id: int, detail: str = "") -> Account:
        accounts = self.social.accounts
        at = self.social.clock.milliseconds()
        subject = accounts.get(id).username
        self.entries.insert(0, Entry(len(self.entries), at, accounts.get(actor), action, subject, detail))
        return accounts.by_id[id]

    def suspend(self, actor: int, id: int, reason: str = "") -> None:
        account = self._note(actor, "suspend", id, reason)
        self.social.accounts.by_id[id] = replace(account, suspended_at=1)

    def unsuspend(self, actor: int, id: int) -> None:
        account = self._note(actor, "unsuspend", id)
        self.social.accounts.by_id[id] = replace(account, suspended_at=None)

    def set_role(self, actor: int, id: int, role: str) -> None:
        self.social.accounts.by_id[id] = replace(self._note(actor, "role", id, role), role=role)


class FakeAudit:
    def __init__(self, moderation: FakeModeration) -> None:
        self.moderation = moderation

    def page(self, cursor: Cursor) -> Page[Entry]:
        return Page(self.moderation.entries[: cursor.limit])


class FakeFeeds:
    def __init__(self, social: FakeSocial) -> None:
        self.social = social

    def _page(self, viewer: int | None, cursor: Cursor, wanted: Callable[[Post], bool]) -> Page[PostView]:
        posts = self.social.posts
        posts.refuse_strangers(viewer)
        found = {id: post for id, post in posts.by_id.items() if wanted(post) and posts.may_see(post, viewer)}

        def source(asked: Cursor) -> list[int]:
            low, high = asked.min_id or 0, asked.max_id or ids.MAX_ID
            listed = sorted((id for id in found if low < id < high), reverse=True)
            return listed[-asked.limit :] if asked.min_id is not None else listed[: asked.limit]

        page = collect(source, cursor, lambda some: {id: posts.view(found[id], viewer) for id in some})
        return replace(page, keys=tuple(f"post:{view.post.id}" for view in page.items))

    def home(self, viewer: int, cursor: Cursor) -> Page[PostView]:
        friends = {each.id for each in self.social.friends.of(viewer).items} | {viewer}
        return self._page(viewer, cursor, lambda post: post.author in friends)

    def explore(self, viewer: int | None, cursor: Cursor) -> Page[PostView]:
        return self._page(viewer, cursor, lambda post: post.visibility == "everyone")

    def profile(self, account: int, viewer: int | None, cursor: Cursor) -> Page[PostView]:
        return self._page(viewer, cursor, lambda post: post.author == account)

    def tag(self, tag: str, viewer: int | None, cursor: Cursor) -> Page[PostView]:
        return self._page(viewer, cursor, lambda post: f"#{tag}" in post.text.lower())

    def talked_about(self, viewer: int) -> list[tuple[str, int]]:
        return [("engines", 3), ("chess", 1)]


class FakeNotifications:
    def __init__(self, social: FakeSocial) -> None:
        self.social = social
        self.of: dict[int, list[Notification]] = {}

    def add(self, account: int, kind: str, actor: Account, post: PostView | None = None) -> None:
        self.of.setdefault(account, []).insert(0, Notification(self.social.maker.make(), kind, actor, post, True))

    def page(self, viewer: int, cursor: Cursor) -> Page[Notification]:
        return Page(self.of.get(viewer, []))

    def unread(self, viewer: int) -> int:
        return sum(each.is_new for each in self.of.get(viewer, []))

    def mark_seen(self, viewer: int, up_to: int) -> None:
        self.of[viewer] = [replace(each, is_new=each.id > up_to) for each in self.of.get(viewer, [])]


@dataclass
class FakeLetter:
    to: str
    subject: str
    text: str


@dataclass
class Answer:
    """What a page answered."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> int:
        return int(self.status[:3])

    @property
    def text(self) -> str:
        return self.body.decode()

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")
