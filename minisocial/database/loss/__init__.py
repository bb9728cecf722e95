"""When something is lost: who leads then, on whose record, and whether all copies still hold the same.

What leads a term is on record before it does, so nothing that comes back from the past leads again.

    control       the record of places, terms and the map, believed by majority      start here
    places        the folders that each hold one copy of every shard
    failover      who leads, at start and when a file fails
    promotion     another copy leads because it is asked to, or has room
    watch         a thread that looks after all shards
    verification  do all copies hold the same? `comparison` looks, row by row
"""
