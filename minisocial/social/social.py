"""The whole domain of one node: every noun, bound to the node's cache."""

from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from typing import TypeVar

from minisocial.cache import ReadThrough
from minisocial.clock import Clock
from minisocial.database import DIRECTORY, Cluster
from minisocial.errors import Forbidden
from minisocial.social.accounts import Account, Accounts
from minisocial.social.addresses import Addresses
from minisocial.social.audit import Audit
from minisocial.social.blocks import Blocks
from minisocial.social.broadcasters import Broadcasters
from minisocial.social.community import Communities, checked, save
from minisocial.social.credentials import Credentials
from minisocial.social.edits import Edits
from minisocial.social.feeds import Feeds
from minisocial.social.friends import Friends
from minisocial.social.invites import Invites
from minisocial.social.links import Links
from minisocial.social.moderation import Moderation
from minisocial.social.notifications import Notifications
from minisocial.social.passwords import Hasher
from minisocial.social.people import People
from minisocial.social.posts import Posts
from minisocial.social.preferences import Preferences
from minisocial.social.resets import Resets
from minisocial.social.sessions import Sessions
from minisocial.social.store import Outbox, Store
from minisocial.social.tickets import Tickets
from minisocial.social.unsubscribe import Unsubscribe

T = TypeVar("T")


class Social:
    """Everything people can do here.

    Reads go through the node's cache to replicas, writes to one shard's primary; what concerns another
    shard or another person is left in the outbox. Holds no state of its own: nodes are disposable.
    When a shard is away, what lives there raises `Unavailable` and lists over all shards say they are
    not complete.
    """

    def __init__(self, cluster: Cluster, cache: ReadThrough, outbox: Outbox, hasher: Hasher, clock: Clock) -> None:
        self.store = store = Store(cluster, cache, outbox, clock)
        self.community = Communities(store)
        self.accounts = Accounts(store, hasher, self.community)
        self.audit = Audit(store, self.accounts)
        self.sessions = Sessions(store)
        self.invites = Invites(store)
        self.people = People(store, self.accounts)
        self.moderation = Moderation(store, self.accounts)
        self.friends = Friends(store, self.accounts, self.people)
        self.blocks = Blocks(store, self.accounts, self.people, self.friends)
        self.posts = Posts(store, self.accounts, self.people, self.friends, self.community)
        self.edits = Edits(store, self.posts)
        self.broadcasters = Broadcasters(store)
        self.feeds = Feeds(store, self.people, self.posts, self.friends, self.broadcasters)
        self.notifications = Notifications(store, self.people, self.posts)
        self.preferences = Preferences(store)
        self.unsubscribe = Unsubscribe(store, self.preferences)
        self.credentials = Credentials(store, hasher)
        self.tickets = Tickets(store)
        self.resets = Resets(store, self.accounts, self.credentials, self.tickets, hasher)
        self.addresses = Addresses(store, self.credentials, self.tickets)
        self.links = Links(self.audit, self.resets, self.addresses)

    def reading(self, seen: Mapping[str, int]) -> AbstractContextManager[dict[str, int]]:
        """For the block, reads are at least as fresh as these positions by shard, and keep them up to date."""
        return self.store.cluster.session(seen)

    def derive(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """What `make` makes of the domain, kept in this node until something it was made of changes."""
        return self.store.cache.derive(key, make, size)

    def set_up(
        self, *, name: str, username: str, display_name: str, email: str, password: str, members_only: bool = True
    ) -> Account:
        """The first visit: name the community and open its admin's account."""
        if self.community.get().is_set_up:
            raise Forbidden("This community is set up already.")
        community = checked(name, "", "", "invite", members_only)
        admin = self.accounts.apply(username, display_name, email, password, role="admin")
        with self.store.cluster.write(DIRECTORY) as tx:
            if tx.row("SELECT 1 FROM community"):  # two at once: the first one is the host
                raise Forbidden("This community is set up already.")
            save(tx, community)
            self.accounts.reserve(tx, admin)
        return self.accounts.open(admin)
