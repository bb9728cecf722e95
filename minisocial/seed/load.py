"""Writes a described community into an empty system, shard after shard."""

from collections.abc import Iterable
from typing import Protocol

from minisocial import errors
from minisocial.database import DIRECTORY, Cluster, Transaction
from minisocial.seed.description import Community
from minisocial.seed.here import Here, Progress
from minisocial.seed.material import Material, gathered
from minisocial.seed.numbering import Numbered, number
from minisocial.seed.rows import TABLES, Row, email
from minisocial.social import community as settings

PASSWORD = "minisocial"  # noqa: S105 - everybody's, in a demo
SNAPSHOT_SECONDS = 300  # how long the replicas may take to copy what was loaded


class Hasher(Protocol):
    def hash(self, password: str) -> str: ...


class Seedable(Protocol):
    """What of a system a seeding needs; started, and not yet serving."""

    @property
    def cluster(self) -> Cluster: ...

    @property
    def hasher(self) -> Hasher: ...


def load(system: Seedable, community: Community, progress: Progress) -> None:
    """Write everything a community consists of.

    The directory comes last: until it is written nobody can log in, and a folder whose seeding was cut
    short is recognised by it.
    """
    cluster = system.cluster
    refuse_unless_empty(cluster)
    numbered = number(community)
    material = gathered(numbered, system.hasher.hash(PASSWORD))
    work = sum(table.work(community) for table in TABLES)
    for shard in cluster.shards:
        with cluster.load(shard) as tx:
            _fill(tx, material, Here(shard, cluster.shard_of, progress, work))
    with cluster.write(DIRECTORY) as tx:  # logged: a cache may have kept that nobody is here
        _fill_directory(tx, numbered)
    cluster.settle(SNAPSHOT_SECONDS)


def refuse_unless_empty(cluster: Cluster) -> None:
    """Raise `errors.Refused` where somebody lives already, or a seeding was cut short."""
    if _has_rows(cluster, DIRECTORY, "usernames"):
        raise errors.Refused("There are people in this data folder already. Choose an empty folder to seed.")
    if any(_has_rows(cluster, shard, "accounts") for shard in cluster.shards):
        raise errors.Refused("An earlier seeding of this data folder was cut short. Delete the folder and seed again.")


def _has_rows(cluster: Cluster, shard: str, table: str) -> bool:
    with cluster.read(shard, cluster.position(shard)) as reader:
        return reader.row(f"SELECT 1 FROM {table} LIMIT 1") is not None


def _fill(tx: Transaction, material: Material, here: Here) -> None:
    for table in TABLES:
        here.weight = table.weight
        _insert(tx, table.name, table.columns, table.rows(material, here))
    here.report()


def _fill_directory(tx: Transaction, numbered: Numbered) -> None:
    people = [(numbered.accounts[person.username], person) for person in numbered.community.people]
    _insert(tx, "usernames", "username, account", ((person.username, id) for id, person in people))
    _insert(tx, "emails", "email, account", ((email(person), id) for id, person in people))
    invited_by = numbered.accounts.get
    joins = ((id, invited_by(person.invited_by or ""), "", person.joined_at) for id, person in people)
    _insert(tx, "joins", "account, invited_by, code, at", joins)
    described = numbered.community
    settings.save(
        tx,
        settings.checked(
            described.name, described.description, described.code_of_conduct, join="invite", members_only=False
        ),
    )


def _insert(tx: Transaction, table: str, columns: str, rows: Iterable[Row]) -> None:
    marks = ", ".join("?" for _ in columns.split(","))
    tx.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
