"""Home feeds as publishing one post after the other would have filled them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import chain

from minisocial.seed.numbering import Numbered
from minisocial.social.home_feeds import KEPT

Lists = defaultdict[int, list[int]]


class HomeFeeds:
    """Works out one person's feed at a time, so that memory holds posts once and feeds never."""

    def __init__(self, numbered: Numbered, followed: Mapping[int, Set[int]]) -> None:
        self._followed = followed
        self._for_followers: Lists = defaultdict(list)  # by author: every follower has them
        self._for_some: Lists = defaultdict(list)  # by reader: direct posts, and one's own
        self._author = dict(zip(numbered.posts, numbered.authors, strict=True))
        for place, post in enumerate(numbered.community.posts):
            self._sort_in(numbered, place, post.visibility == "direct")

    def _sort_in(self, numbered: Numbered, place: int, is_direct: bool) -> None:
        id, author = numbered.posts[place], numbered.authors[place]
        if not is_direct:
            self._for_followers[author].append(id)
            return
        for reader in {author, *(account for account, _ in numbered.mentions[place])}:
            if author in self._followed[reader]:
                self._for_some[reader].append(id)

    def of(self, account: int) -> Iterator[tuple[int, int]]:
        """(post, author) of everything in this person's home feed, oldest first."""
        lists: Iterable[list[int]] = (self._for_followers[author] for author in self._followed[account])
        newest = sorted(chain(self._for_some[account], *lists))[-KEPT:]
        return ((post, self._author[post]) for post in newest)
