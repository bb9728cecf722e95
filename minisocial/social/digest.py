"""What a digest says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from minisocial.background import Letter
from minisocial.social.accounts import Account
from minisocial.social.letters import Line, Link, Part, Sender, excerpt, written
from minisocial.social.post import PostView
from minisocial.social.text import one_line

UNREAD_SHOWN = 99


@dataclass(frozen=True, slots=True)
class News:
    """What somebody may have missed."""

    posts: Sequence[PostView]
    requests: int  # friend requests that wait for an answer
    unread: int  # notifications

    @property
    def is_nothing(self) -> bool:
        return not (self.posts or self.requests or self.unread)


def write(news: News, sender: Sender, *, key: str, to: str, reader: Account, unsubscribe: str) -> Letter:
    """The letter, with a link for each thing, and one that ends such letters."""
    parts: list[Part] = [
        Line(f"This is new on {sender.community}:"),
        *_links(news, sender),
        Link("How often this letter comes, if at all, is in your settings:", sender.url("/settings")),
    ]
    subject = f"New on {sender.community}"
    return written(sender, subject, parts, key=key, to=to, reader=reader, unsubscribe=unsubscribe)


def _links(news: News, sender: Sender) -> Iterator[Link]:
    if news.requests:
        what = "One friend request waits" if news.requests == 1 else f"{news.requests} friend requests wait"
        yield Link(f"{what} for your answer.", sender.url("/friends"))
    if news.unread:
        count = f"more than {UNREAD_SHOWN}" if news.unread > UNREAD_SHOWN else str(news.unread)
        yield Link(f"Notifications you have not read: {count}.", sender.url("/notifications"))
    for view in news.posts:
        yield Link(f"{one_line(view.author.display_name)}: {excerpt(view.post.text)}", sender.url(view.url))
