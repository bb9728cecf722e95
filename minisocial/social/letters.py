"""The letters people get: what each says, as plain text and as a simple HTML twin."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from minisocial.background import Letter
from minisocial.social.accounts import Account
from minisocial.social.text import one_line

EXCERPT = 300  # characters of a post


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What somebody wrote: one line, however they wrote it."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """Where to go, and what for."""

    words: str
    url: str


Part = Line | Quote | Link


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes, and how links begin."""

    community: str
    public_url: str

    def url(self, path: str) -> str:
        return self.public_url + path


@dataclass(frozen=True, slots=True)
class Wording:
    subject: str
    line: str
    link: str


NEWS = {
    "request": Wording(
        "{name} wants to be your friend",
        "{name} (@{username}) wants to be your friend on {community}.",
        "Accept or decline here:",
    ),
    "accepted": Wording(
        "{name} is your friend now",
        "{name} (@{username}) accepted your friend request on {community}.",
        "Say hello:",
    ),
    "follow": Wording(
        "{name} follows you",
        "{name} (@{username}) follows you on {community} now, and sees what you post for friends.",
        "See who it is:",
    ),
    "mention": Wording("{name} mentioned you", "{name} (@{username}) mentioned you on {community}:", "Answer here:"),
    "reply": Wording("{name} replied to you", "{name} (@{username}) replied to you on {community}:", "Answer here:"),
    "like": Wording("{name} likes your post", "{name} (@{username}) likes your post on {community}:", "See it here:"),
}


def news(
    kind: str,
    sender: Sender,
    *,
    key: str,
    to: str,
    reader: Account,
    actor: Account,
    unsubscribe: str,
    path: str,
    said: str = "",
    thread: str = "",
) -> Letter:
    """A letter of this kind to `reader` about what `actor` did; `path` leads to it, `said` is the post it is about."""
    wording = NEWS[kind]
    words = {"name": one_line(actor.display_name), "username": actor.username, "community": sender.community}
    parts: list[Part] = [Line(wording.line.format(**words)), Link(wording.link, sender.url(path))]
    if said:
        parts.insert(1, Quote(said))
    subject = wording.subject.format(**words)
    return written(sender, subject, parts, key=key, to=to, reader=reader, unsubscribe=unsubscribe, thread=thread)


def confirm(sender: Sender, *, key: str, to: str, username: str, token: str) -> Letter:
    """The letter that asks whether an address is somebody's. It may go to a stranger, so nobody's words are in it."""
    parts = (
        Line(f"Somebody gave this address for @{username} on {sender.community}. If that was you, confirm it here:"),
        Link("Confirm this address", sender.url(f"/confirm/{token}")),
        Line("The link is good for two days, once. If it was not you, do nothing, and you hear no more of it."),
    )
    return written(sender, f"Please confirm your address for {sender.community}", parts, key=key, to=to)


def reset(sender: Sender, *, key: str, to: str, reader: Account, token: str) -> Letter:
    """The letter with which a forgotten password is set anew."""
    parts = (
        Line(f"Somebody asked for a new password for @{reader.username} on {sender.community}. Choose one here:"),
        Link("Choose a new password", sender.url(f"/reset/{token}")),
        Line("The link is good for an hour, once. If it was not you, do nothing: your password is as it was."),
    )
    return written(sender, "Choose a new password", parts, key=key, to=to, reader=reader)


def address(sender: Sender, *, key: str, to: str, reader: Account, email: str) -> Letter:
    """Word to an address that another one is to replace."""
    parts = (
        Line(
            f"Letters for @{reader.username} on {sender.community} are to go to {one_line(email)} from now on,"
            " as soon as the link in a letter there is followed."
        ),
        Line("If it was not you, somebody knows your password: change it now, and that link is void."),
        Link("Your settings", sender.url("/settings")),
    )
    return written(sender, "Your address is about to change", parts, key=key, to=to, reader=reader)


def written(
    sender: Sender,
    subject: str,
    parts: Sequence[Part],
    *,
    key: str,
    to: str,
    reader: Account | None = None,
    unsubscribe: str = "",
    thread: str = "",
) -> Letter:
    """A letter of these parts. `unsubscribe`: the link that ends letters of this kind."""
    name = one_line(reader.display_name) if reader else ""
    parts = [Line(f"Hello {name}," if name else "Hello,"), *parts]
    foot = [Line(sender.community)]
    last: list[Part] = [Link("No more letters of this kind:", unsubscribe)] if unsubscribe else []
    text = "\n".join(_as_text(part) for part in [*parts, *foot]) + "".join(f"\n-- \n{_as_text(part)}" for part in last)
    html = "".join(_as_html(part) for part in [*parts, *foot])
    small = "".join(f'<div style="color:#666;font-size:13px">{_as_html(part)}</div>' for part in last)
    return Letter(
        key=key,
        to=to,
        to_name=name,
        subject=subject,
        text=text,
        html=_HTML.format(body=html + small),
        unsubscribe=unsubscribe,
        thread=thread,
    )


_QUOTED = "border-left:3px solid #bbb;margin:1em 0;padding:0 1em"
_HTML = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"></head>'
    '<body style="font:16px/1.5 sans-serif;max-width:34em;margin:1em auto;padding:0 1em">\n{body}\n</body></html>\n'
)


def _as_text(part: Part) -> str:
    match part:
        case Line(text):
            return f"{text}\n"
        case Quote(text):
            return f"> {excerpt(text)}\n"
        case Link(words, url):
            return f"{words}\n\n{url}\n"


def _as_html(part: Part) -> str:
    match part:
        case Line(text):
            return f"<p>{escape(text)}</p>\n"
        case Quote(text):
            return f'<blockquote style="{_QUOTED}">{escape(excerpt(text))}</blockquote>\n'
        case Link(words, url):
            return f'<p><a href="{escape(url)}">{escape(words.rstrip(":"))}</a></p>\n'


def excerpt(text: str) -> str:
    """The beginning of a post, on one line, with no sign that turns the direction of what follows."""
    text = one_line(text)
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"
