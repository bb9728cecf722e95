"""Pieces of HTML that many pages share: a post, a person's picture and name, a list of posts.

A post is rendered once for each way it can look (for a visitor, for a member, for who wrote it;
liked or not) and kept, with holes for what differs from request to request: its age and the form's
token. A kept one is used only while the post and its author are still equal to what they were, so it
cannot be stale. The kept ones are bounded in number: those not shown for longest are dropped.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from minisocial.clock import Clock
from minisocial.web.html import Templates, ago, escape, iso

if TYPE_CHECKING:
    from minisocial.social.accounts import Account
    from minisocial.social.pages import Page
    from minisocial.social.post import Post, PostView

KEPT = 3000  # posts a node keeps rendered, 2 to 3 KB each; as many faces
VISITOR, MEMBER, MINE = "visitor", "member", "mine"
VISIBILITY = {"everyone": "Everyone", "friends": "Friends", "direct": "Only those mentioned"}
_Key = tuple[int, str, bool]
_Kept = tuple["Post", "Account", str, str]  # what it was made of; the HTML before and after its age


class Fragments:
    """Renders posts and people for one node."""

    def __init__(self, templates: Templates, clock: Clock, keep: int = KEPT) -> None:
        self._clock = clock
        self._keep = keep
        self._lock = threading.Lock()  # guards _kept
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._faces: dict[int, tuple[Account, str]] = {}  # only ever replaced item by item, or emptied
        self._frames = {
            (who, liked): templates.frame("post", who=who, is_liked=liked)
            for who in (VISITOR, MEMBER, MINE)
            for liked in (False, True)
        }
        self._person = templates.frame("person")

    # --- posts ---------------------------------------------------------------------------------

    def post(self, view: "PostView", viewer: int | None) -> str:
        """One post as an h-entry."""
        return "".join(self._pieces(view, viewer, self._clock.milliseconds()))

    def posts(self, views: "Iterable[PostView]", viewer: int | None) -> str:
        """Posts one after the other."""
        now = self._clock.milliseconds()
        return "".join([piece for view in views for piece in self._pieces(view, viewer, now)])

    def _pieces(self, view: "PostView", viewer: int | None, now: int) -> tuple[str, str, str]:
        post, author = view.post, view.author
        who = VISITOR if viewer is None else MINE if post.author == viewer else MEMBER
        key = (post.id, who, view.liked)
        with self._lock:
            kept = self._kept.get(key)
            if kept:
                self._kept.move_to_end(key)
        if not kept or not (kept[0] is post or kept[0] == post) or not (kept[1] is author or kept[1] == author):
            kept = self._render(view, who)
            self._remember(key, kept)
        return kept[2], ago(post.created_at, now), kept[3]

    def _remember(self, key: _Key, kept: _Kept) -> None:
        with self._lock:
            self._kept[key] = kept
            if len(self._kept) > self._keep:
                self._kept.popitem(last=False)

    def _render(self, view: "PostView", who: str) -> _Kept:
        post, author = view.post, view.author
        html = self._frames[who, view.liked].fill(
            {
                "id": str(post.id),
                "url": escape(view.url),
                "author_url": escape(author.url),
                "avatar": avatar(author),
                "name": escape(author.display_name),
                "username": escape(author.username),
                "datetime": iso(post.created_at),
                "time": "\0time\0",
                "visibility": VISIBILITY.get(post.visibility, ""),
                "edited": _edited(post.edited_at, escape(view.url)),
                "visibility_class": escape(post.visibility),
                "reply_to": _reply_to(post.in_reply_to),
                "text": "".join([_part(kind, value) for kind, value in view.parts]),
                "likes": str(post.likes) if post.likes else "",
                "replies": str(post.replies) if post.replies else "",
            }
        )
        before, _, after = html.partition("\0time\0")
        return post, author, before, after

    # --- people --------------------------------------------------------------------------------

    def person(self, account: "Account", note: str = "", actions: str = "") -> str:
        """A row with a person's picture and names; `note` and `actions` are HTML."""
        return self._person.fill(
            {
                "url": escape(account.url),
                "avatar": avatar(account),
                "name": escape(account.display_name),
                "username": escape(account.username),
                "note": note,
                "actions": actions,
            }
        )

    def face(self, account: "Account") -> str:
        """A small picture and a name, linked; kept as posts are."""
        kept = self._faces.get(account.id)
        if kept is None or not (kept[0] is account or kept[0] == account):
            name, url = escape(account.display_name), escape(account.url)
            kept = (account, f'<a href="{url}">{avatar(account, "small")}<span>{name}</span></a>')
            if len(self._faces) >= self._keep:
                self._faces.clear()
            self._faces[account.id] = kept
        return kept[1]

    def age(self, then: int) -> str:
        """A moment in words, which a script keeps up to date."""
        return f'<time datetime="{iso(then)}">{ago(then, self._clock.milliseconds())}</time>'


def avatar(account: "Account", size: str = "") -> str:
    """A person's picture: their initials on a colour of their own. Decoration: the name stands beside it."""
    classes = f"avatar hue-{account.hue // 15}" + (f" {size}" if size else "")
    return f'<span class="{classes}" aria-hidden="true">{escape(account.initials)}</span>'


def pager(path: str, page: "Page[Any]", *, older: str = "Older posts", newer: str = "Newer posts") -> str:
    """Links to the pages before and after this one."""
    links = []
    if page.newer is not None:
        links.append(f'<a class="button" rel="prev" href="{escape(path)}?min_id={page.newer}">← {newer}</a>')
    if page.older is not None:
        links.append(f'<a class="button push" rel="next" href="{escape(path)}?max_id={page.older}">{older} →</a>')
    return f'<nav class="pager" aria-label="Pages">{"".join(links)}</nav>' if links else ""


def _edited(at: int | None, url: str) -> str:
    """That a post was edited, where it can be seen how; no `time`, whose words a script would keep up to date."""
    if at is None:
        return ""
    return f' · <a class="edited" href="{url}"><data class="dt-updated" value="{iso(at)}">edited</data></a>'


def _reply_to(id: int | None) -> str:
    if id is None:
        return ""
    return f'<p class="reply-to">In reply to <a class="u-in-reply-to" href="/posts/{id}">an earlier post</a></p>'


def _part(kind: str, value: str) -> str:
    if kind == "text":
        return escape(value)
    if kind == "mention":
        return f'<a class="mention" href="/@{escape(value.lower())}">@{escape(value)}</a>'
    if kind == "tag":
        return f'<a class="p-category" rel="tag" href="/tags/{quote(value.lower())}">#{escape(value)}</a>'
    return f'<a rel="nofollow noopener ugc" href="{escape(value)}">{escape(_short(value))}</a>'


def _short(link: str) -> str:
    """A link without its scheme, cut where it gets long."""
    shown = link.split("://", 1)[-1].removeprefix("www.")
    return shown if len(shown) <= 42 else shown[:41] + "…"
