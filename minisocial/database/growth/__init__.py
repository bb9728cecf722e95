"""Places and shards come and go, and people move between shards, while the site runs.

Each change is on record before it is used, so it may be killed at any step, and goes on after the start.

    routing    which shard holds what                                                start here
    moving     a logical shard moves to another shard; `transfer` brings its rows
    growing    places and shards come and go
    operating  what an operator may ask for
"""
