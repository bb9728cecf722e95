"""A private social network, and the whole architecture of a large one, in one process.

The path of one request:

1.  `proxy.FrontDoor` takes it from Waitress, gives it an id and begins its trace.
2.  `proxy.Proxy` answers a visitor from the page cache, or lets equal requests share one answer.
3.  `balancer.Balancer` picks the service (reads or writes) and in it the least busy node.
4.  `nodes.Node` has a free slot and runs its Bottle application, `web`.
5.  `web` finds the session and calls the domain: `social`.
6.  `social` asks `cache`: the node's own memory, then the global cache, under a lease.
7.  On a miss `database` reads a replica that has all this person has seen.
8.  A write goes to the primary; its log empties the caches before the answer is sent.
9.  What need not happen before the answer lies in the outbox, in the same transaction.
10. The answer goes back, with `Server-Timing` saying which boxes it crossed.
11. `background` hands the outbox row to the queue; a worker takes it.
12. The worker fills feeds, writes notifications, sends mail, and then deletes the row.
"""

__version__ = "0.2.0"
