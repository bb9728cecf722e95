"""What a digest says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from minisocial.background import Letter
from minisocial.social.accounts import Account
from minisocial.social.post import PostView
from minisocial.social.text import one_line

LONGEST = 200  # characters of a post
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


def write(
    news: News, *, key: str, to: str, reader: Account, community: str, public_url: str, unsubscribe: str
) -> Letter:
    """The letter, with a link that ends such letters; lines are (what, link), and become paragraphs of both twins."""
    lines = list(_lines(news, public_url))
    hello, why = f"Hello {reader.display_name},", f"This is new on {community}:"
    footer = f"How often this letter comes, if at all, is in your settings: {public_url}/settings"
    text = "\n\n".join([hello, why, *(f"{what}\n{link}" for what, link in lines), footer]) + "\n"
    html = "".join(
        [
            f"<p>{escape(hello)}</p><p>{escape(why)}</p>",
            *(f'<p>{escape(what)}<br><a href="{escape(link)}">{escape(link)}</a></p>' for what, link in lines),
            f"<p>{escape(footer)}</p>",
        ]
    )
    subject = f"New on {community}"
    return Letter(
        key=key, to=to, to_name=reader.display_name, subject=subject, text=text, html=html, unsubscribe=unsubscribe
    )


def _lines(news: News, public_url: str) -> Iterator[tuple[str, str]]:
    if news.requests:
        what = "One friend request waits" if news.requests == 1 else f"{news.requests} friend requests wait"
        yield f"{what} for your answer.", f"{public_url}/friends"
    if news.unread:
        count = "more than 99" if news.unread > UNREAD_SHOWN else str(news.unread)
        yield f"Notifications you have not read: {count}.", f"{public_url}/notifications"
    for view in news.posts:
        yield f"{view.author.display_name}: {_shortened(view.post.text)}", f"{public_url}{view.url}"


def _shortened(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
