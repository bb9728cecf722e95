"""Accounts: who is here, how one joins, and how one proves to be oneself."""

import re
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any

from minisocial.cache import Kind
from minisocial.database import DIRECTORY, Reader, Transaction
from minisocial.errors import Conflict, Invalid, NotFound
from minisocial.social import invites
from minisocial.social.cached import ACCOUNT_OF_NAME
from minisocial.social.community import Communities, Community, save
from minisocial.social.pages import Cursor, Page, newest_first, window
from minisocial.social.passwords import LONGEST, Hasher, check_password
from minisocial.social.store import Store, marks
from minisocial.social.text import clean

_USERNAME = re.compile(r"[a-z0-9_]{1,30}")
_EMAIL = re.compile(r"[^@\s<>\"(),:;\\]{1,64}@[^@\s<>\"(),:;\\]{1,190}")
SUSPENDED = "This account is suspended, so you cannot log in. Please talk to those who run this community."
NOBODY_HERE = "There is nobody here by that name."
# names that would look like a page or like somebody in charge
RESERVED = frozenset(
    ("admin", "administrator", "api", "console", "help", "minisocial", "moderator", "root", "static", "system")
)


@dataclass(frozen=True, slots=True)
class Account:
    """What everybody may know of a person."""

    id: int
    username: str
    display_name: str
    bio: str
    role: str  # member, moderator, admin
    approves_followers: bool
    created_at: int  # milliseconds since 1970
    suspended_at: int | None = None

    @property
    def url(self) -> str:
        return f"/@{self.username}"

    @property
    def initials(self) -> str:
        """One or two letters to stand in for a picture."""
        words = self.display_name.split() or [self.username]
        return (words[0][0] + words[-1][0] if len(words) > 1 else words[0][:2]).upper()

    @property
    def hue(self) -> int:
        """A colour for the picture, 0 to 359 degrees: always the same for a name."""
        return zlib.crc32(self.username.encode()) % 360

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"

    @property
    def is_in_charge(self) -> bool:
        """Whether they look after the others: as a moderator or an admin."""
        return self.role in ("moderator", "admin")

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None


COLUMNS = "id, username, display_name, bio, role, approves_followers, created_at, suspended_at"
_in_columns = attrgetter(*COLUMNS.split(", "))

ACCOUNT: Kind[Account] = Kind(
    "account",
    encode=lambda a: list(_in_columns(a)),
    decode=lambda row: from_row(row),
)


def from_row(row: Any) -> Account:
    """An account from the columns of its table, in their order."""
    return Account(row[0], row[1], row[2], row[3], row[4], bool(row[5]), row[6], row[7])


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A checked application: everything that makes an account, the password already hashed."""

    id: int
    username: str
    display_name: str
    email: str
    password: str
    role: str
    created_at: int


class Accounts:
    """Finding, opening and changing accounts."""

    def __init__(self, store: Store, hasher: Hasher, communities: Communities) -> None:
        self._store = store
        self._hasher = hasher
        self._communities = communities
        self._invites = invites.Invites(store)

    # --- finding -------------------------------------------------------------------------------

    def get(self, id: int) -> Account:
        """The account with this id, or NotFound."""
        if id not in (found := self.many([id])):
            raise NotFound(NOBODY_HERE)
        return found[id]

    def many(self, ids: Iterable[int]) -> dict[int, Account]:
        """Accounts by id; unknown ones are left out."""
        return self._store.cached_many(ACCOUNT, ids, _load, lambda id: id)

    def named(self, username: str) -> Account:
        """The account of a username, whatever the case, or NotFound."""
        name = username.lower()
        found = self.ids_of([name]) if _USERNAME.fullmatch(name) else {}  # what is no name takes no room in a cache
        if not found:
            raise NotFound(NOBODY_HERE)
        return self.get(next(iter(found.values())))

    def ids_of(self, names: list[str]) -> dict[str, int]:
        """Account ids by username in lower case; unknown names are left out."""
        return self._store.cached(ACCOUNT_OF_NAME, DIRECTORY, names, _load_names) if names else {}

    def all(self, cursor: Cursor) -> Page[Account]:
        """Everybody, newest first."""
        where, params = window("account", cursor)
        self._store.cache.depends_on_more()
        with self._store.cluster.read(DIRECTORY) as reader:
            # LIMIT comes last among the parameters: one more row tells whether there is another page
            rows = reader.rows(f"SELECT account FROM joins WHERE {where}", [*params[:-1], cursor.limit + 1])
        ids = newest_first([row[0] for row in rows[: cursor.limit]], cursor)
        found = self.many(ids)
        more = len(rows) > cursor.limit or cursor.min_id is not None
        newer = ids[0] if ids and not cursor.is_first else None
        return Page([found[id] for id in ids if id in found], older=ids[-1] if ids and more else None, newer=newer)

    def email(self, viewer: int) -> str:
        """A person's own e-mail address."""
        with self._store.read(viewer) as reader:
            row = reader.row("SELECT email FROM credentials WHERE account = ?", (viewer,))
        return str(row[0]) if row else ""

    # --- joining -------------------------------------------------------------------------------

    def join(self, code: str, *, username: str, display_name: str, email: str, password: str) -> Account:
        """Open an account with an invite; `code` may be "" where the community is open to all."""
        needs_invite = bool(code) or self._communities.get().join != "open"
        if needs_invite:
            self._invites.find(code)  # before the costly hash; the write decides
        new = self.apply(username, display_name, email, password)
        with self._store.cluster.write(DIRECTORY) as tx:
            invited_by = invites.use(tx, code, new.created_at) if needs_invite else None
            self.reserve(tx, new, invited_by, code)
        return self.open(new)

    def create(self, username: str, email: str, password: str, role: str = "member") -> Account:
        """Open an account without an invite: for the host's command line. A fresh community gets a plain name."""
        new = self.apply(username, "", email, password, role)
        with self._store.cluster.write(DIRECTORY) as tx:
            if not tx.row("SELECT 1 FROM community"):
                save(tx, Community("minisocial"))
            self.reserve(tx, new)
        return self.open(new)

    def apply(self, username: str, display_name: str, email: str, password: str, role: str = "member") -> NewAccount:
        """Check an application and hash its password; nothing is written yet."""
        username, email = username.strip().lower(), email.strip()
        display_name = clean("display_name", display_name, 50) or username
        self._check_names(username, email)
        check_password(password)
        id = self._store.cluster.new_account_id()
        hashed = self._hasher.hash(password)
        return NewAccount(id, username, display_name, email, hashed, role, self._store.clock.milliseconds())

    def _check_names(self, username: str, email: str) -> None:
        if not _USERNAME.fullmatch(username) or username in RESERVED:
            raise Invalid("username", "A username is 1 to 30 of a to z, 0 to 9 and _. Please choose another.")
        check_email(email)
        with self._store.fresh_directory() as reader:  # before the costly hash; the write decides
            _refuse_taken(reader, username, email)

    def reserve(self, tx: Transaction, new: NewAccount, invited_by: int | None = None, code: str = "") -> None:
        """Take the names in the directory's open transaction; the outbox opens the account if we die before."""
        _refuse_taken(tx, new.username, new.email)
        tx.execute("INSERT INTO usernames (username, account) VALUES (?, ?)", (new.username, new.id))
        tx.execute("INSERT INTO emails (email, account) VALUES (?, ?)", (new.email, new.id))
        tx.execute(
            "INSERT INTO joins (account, invited_by, code, at) VALUES (?, ?, ?, ?)",
            (new.id, invited_by, code, new.created_at),
        )
        self._store.outbox.add(tx, DIRECTORY, "open_account", asdict(new))

    def open(self, new: NewAccount) -> Account:
        """Write the account to its own shard; doing it again changes nothing."""
        with self._store.write(new.id) as tx:
            tx.execute(
                "INSERT OR IGNORE INTO accounts (id, username, display_name, role, created_at) VALUES (?, ?, ?, ?, ?)",
                (new.id, new.username, new.display_name, new.role, new.created_at),
            )
            done = tx.execute(
                "INSERT OR IGNORE INTO credentials (account, email, password) VALUES (?, ?, ?)",
                (new.id, new.email, new.password),
            )
            if done.rowcount:
                self._store.later(tx, "confirm_letter", account=new.id, email=new.email, version="own-joined")
        return self.get(new.id)

    # --- being oneself -------------------------------------------------------------------------

    def log_in(self, name: str, password: str) -> Account:
        """The account of a username or e-mail address and its password.

        Every refusal says the same and takes the same time, so nobody learns who is here.
        """
        id = self.id_of_name_or_email(name.strip())
        stored = None
        if id is not None:
            with self._store.fresh(id) as reader:
                row = reader.row("SELECT password FROM credentials WHERE account = ?", (id,))
            stored = row[0] if row else None
        if not self._hasher.check(password[:LONGEST], stored) or id is None:
            raise Invalid("password", "That name and password do not belong together. Please try again.")
        account = self.get(id)
        if account.is_suspended:  # only who knows the password learns it
            raise Invalid("password", SUSPENDED)
        return account

    def id_of_name_or_email(self, name: str) -> int | None:
        """Whose username or e-mail address this is, if anybody's."""
        table, column = ("emails", "email") if "@" in name else ("usernames", "username")
        with self._store.fresh_directory() as reader:
            row = reader.row(f"SELECT account FROM {table} WHERE {column} = ?", (name,))
        return row[0] if row else None

    def edit(self, viewer: int, *, display_name: str, bio: str, approves_followers: bool) -> Account:
        """Change one's own profile."""
        display_name = clean("display_name", display_name, 50, empty="Please say what to call you.")
        bio = clean("bio", bio, 500, lines=True)
        with self._store.write(viewer) as tx:
            tx.execute(
                "UPDATE accounts SET display_name = ?, bio = ?, approves_followers = ? WHERE id = ?",
                (display_name, bio, int(approves_followers), viewer),
            )
        return self.get(viewer)


def check_email(email: str) -> None:
    """Refuse what no letter could be sent to."""
    if not (_EMAIL.fullmatch(email) and email.isprintable()):
        raise Invalid("email", "This does not look like an e-mail address.")


def _refuse_taken(reader: Reader | Transaction, username: str, email: str) -> None:
    if reader.row("SELECT 1 FROM usernames WHERE username = ?", (username,)):
        raise Conflict("username", f"The name {username} is taken. Please choose another.")
    if reader.row("SELECT 1 FROM emails WHERE email = ?", (email,)):
        raise Conflict("email", "This e-mail address cannot be used here. If it is yours, log in instead.")


def _load(reader: Reader, ids: list[int]) -> dict[int, Account]:
    found = reader.rows(f"SELECT {COLUMNS} FROM accounts WHERE id IN ({marks(ids)})", ids)
    return {row[0]: from_row(row) for row in found}


def _load_names(reader: Reader, names: list[str]) -> dict[str, int]:
    found = reader.rows(f"SELECT username, account FROM usernames WHERE username IN ({marks(names)})", names)
    return {name.lower(): account for name, account in found}
