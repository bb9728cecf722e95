"""The letters people get: what each kind says."""

from dataclasses import dataclass
from html import escape

from minisocial.background import Letter
from minisocial.social.accounts import Account


@dataclass(frozen=True, slots=True)
class Wording:
    subject: str
    line: str
    invitation: str


WORDINGS = {
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
}


def write(kind: str, *, key: str, to: str, reader: Account, actor: Account, community: str, public_url: str) -> Letter:
    """A letter of this kind to `reader` about what `actor` did."""
    wording = WORDINGS[kind]
    words = {"name": actor.display_name, "username": actor.username, "community": community}
    line, link = wording.line.format(**words), f"{public_url}{actor.url}"
    text = f"Hello {reader.display_name},\n\n{line}\n{wording.invitation}\n\n{link}\n\n{community}\n"
    html = (
        f"<p>Hello {escape(reader.display_name)},</p><p>{escape(line)}<br>{escape(wording.invitation)}</p>"
        f'<p><a href="{escape(link)}">{escape(link)}</a></p><p>{escape(community)}</p>'
    )
    return Letter(
        key=key,
        to=to,
        to_name=reader.display_name,
        subject=wording.subject.format(**words),
        text=text,
        html=html,
    )
