"""The domain: accounts, friends, posts, feeds, notifications.

One noun, one module, under the same name as in `web`, the templates and the tests. A module's public
methods are what people do (`publish`, `accept`, `like`); each reads through the cache, writes to one
shard, and leaves in the outbox what other shards or people must learn of it.
"""

from minisocial.social.social import Social

__all__ = ["Social"]
