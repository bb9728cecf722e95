"""Shards of SQLite files: a primary that takes the writes, replicas that follow its log.

What to read first, for it is the way of a write, of a read, and of a copy that follows:

    cluster       all shards together: reads, writes, sessions           start here
    shard         one shard: who leads, whom to read, what to watch
    group_commit  many write blocks, one transaction; `confirming`: when a second copy has it
    log           triggers and positions; `trimming` keeps it short
    stream        who is told of the changes, in which order
    replication   how a replica follows; `pacing`: how it makes room for writers
    transaction   what a write block is given
    reading       what a read block is given, and which copy that is; `session`: what one person has seen

What they stand on:

    copies        one copy: its file, its position, its readers
    connection    opening, checking and naming files
    schema        the tables; `migrations` leads from one version of them to the next, by `steps`, and
                  `old_state` keeps how all was before
    snapshot      what is told of it all

And two folders for the rest:

    loss/         when something is lost: fail-over, promotion, the record, verification
    growth/       places and shards come and go, and people move between shards

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
from minisocial.database.log import Change
from minisocial.database.loss.control import replicas_on_record
from minisocial.database.reading import Reader
from minisocial.database.snapshot import DatabaseSnapshot
from minisocial.database.transaction import Transaction

__all__ = ["DIRECTORY", "Change", "Cluster", "DatabaseSnapshot", "Reader", "Transaction", "replicas_on_record"]
