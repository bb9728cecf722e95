"""Shards of SQLite files: a primary that takes the writes, replicas that follow its log.

The way of a write, of a read, and of a copy that follows:

    cluster       all shards together: reads, writes, sessions           start here
    shard         one shard: who leads, whom to read, what to watch
    group_commit  many write blocks, one transaction
    confirming    when a commit is safe in a second copy
    log           triggers and positions; `trimming` keeps it short
    stream        who is told of the changes, in which order
    replication   how a replica follows
    reading       which copy a reader gets; `session`: what one person has seen
    transaction   what write and read blocks are given

When something is lost, or is to change:

    failover      who leads, at start and when a file fails
    promotion     another copy leads because it is asked to, or has room
    control       the record of terms, places and the map
    places        the folders; `growing`: places and shards come and go
    routing       which shard holds what; `moving` and `transfer` change it
    verification  do all copies hold the same? `comparison` looks
    migrations    from one version of the tables to the next: `steps`, `old_state`, `schema`
    operating     what an operator may ask for; `watch` looks after all

And below them: `copies` (one copy: its file, its position, its readers), `connection` (opening,
checking and naming files), `snapshot` (what is told of it all).

What is kept, and when:

- A write block that returned is on the primary's disk (`synchronous=FULL`) and survives `kill -9` and
  a power cut. With durability "replicated" it is on the disk of a second copy instead, and survives
  the loss of the primary's file or place.
- With durability "commit", the loss of the primary's *file* loses what no replica had read yet: some
  milliseconds of writes. While the process lives, replicas still read a file that was only deleted.
- A write block that raised `InDoubt` may be there or not. One that raised anything else is not.
- A person's reads (`Cluster.session`) never go back in time and always include their own writes.
- Changes by other programs (the `sqlite3` shell on the primary's file) count like ours, 0.3 s later.
"""

from minisocial.database.cluster import DIRECTORY, Cluster
from minisocial.database.control import replicas_on_record
from minisocial.database.log import Change
from minisocial.database.snapshot import DatabaseSnapshot
from minisocial.database.transaction import Reader, Transaction

__all__ = ["DIRECTORY", "Change", "Cluster", "DatabaseSnapshot", "Reader", "Transaction", "replicas_on_record"]
