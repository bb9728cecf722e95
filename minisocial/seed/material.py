"""All that the rows are made of: the numbered community, and what follows from it."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from minisocial.seed.feeds import HomeFeeds
from minisocial.seed.numbering import Numbered


@dataclass(frozen=True, slots=True)
class Material:
    """What each shard takes its rows from."""

    numbered: Numbered
    followed: Mapping[int, Set[int]]  # whose posts each person reads: friends', of those they follow, their own
    feeds: HomeFeeds
    password: str  # the hash that all people share: making one takes as long as a thousand posts

    def may_see(self, account: int, place: int) -> bool:
        """Whether a post exists for this person."""
        post, author = self.numbered.community.posts[place], self.numbered.authors[place]
        if post.visibility == "direct":
            return account == author or any(account == reader for reader, _ in self.numbered.mentions[place])
        return post.visibility == "everyone" or author in self.followed[account]


def gathered(numbered: Numbered, password: str) -> Material:
    """The material of a community, with this password hash for everybody."""
    followed = _followed(numbered)
    return Material(numbered, followed, HomeFeeds(numbered, followed), password)


def _followed(numbered: Numbered) -> dict[int, set[int]]:
    accounts, community = numbered.accounts, numbered.community
    followed = {account: {account} for account in accounts.values()}
    for friendship in community.friendships:
        if friendship.is_accepted:
            asked, other = accounts[friendship.asked], accounts[friendship.other]
            followed[asked].add(other)
            followed[other].add(asked)
    for follow in community.follows:
        followed[accounts[follow.follower]].add(accounts[follow.followed])
    return followed
