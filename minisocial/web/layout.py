"""What stands around every page: places, badges, the column beside it, the headers.

The layout is rendered once for each place somebody can be, with holes; a request fills them and
joins the pieces. That, and not a template run, is what a page costs.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from minisocial import wsgi
from minisocial.errors import MinisocialError
from minisocial.social.pages import Cursor
from minisocial.web.context import WebContext
from minisocial.web.fragments import Fragments, avatar
from minisocial.web.headers import HTML, PRIVATE, PUBLIC, status_line
from minisocial.web.html import Templates, count, escape
from minisocial.web.visit import Visit

if TYPE_CHECKING:
    from minisocial.social.accounts import Account
    from minisocial.social.community import Community
    from minisocial.social.pages import Page

PLACES = ("home", "explore", "notifications", "friends", "profile", "settings", "admin", "")
EVERY_PAGE = ("community:all", "people:all")  # keys of what any page may show
ASIDE_FRIENDS = 8
ASIDE_TAGS = 6


class Layout:
    """Puts whole pages together for one node."""

    def __init__(self, templates: Templates, fragments: Fragments, context: WebContext) -> None:
        self._fragments = fragments
        icons, head = templates.render("icons"), templates.render("head")
        common = {"icons": icons, "head": head, "teach": context.teach}
        self._members = {
            (place, is_admin): templates.frame("layout", current=_current(place), is_admin=is_admin, **common)
            for place in PLACES
            for is_admin in (False, True)
        }
        self._visitor = templates.frame("visitor", **common)
        self._bare = templates.frame("bare", **common)

    def page(
        self,
        visit: Visit,
        title: str,
        main: str,
        *,
        place: str = "",
        status: int = 200,
        links: "Page[Any] | None" = None,
        keys: Iterable[str] | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> wsgi.Response:
        """A page around `main`. `links`: a page of a list, for its neighbours. `keys`: of what a visitor's
        page was made; with them it may be kept by the proxy, if the visitor has no session."""
        community = visit.community
        if visit.account:
            html = self._for_member(visit, visit.account, community, title, main, place, links)
        else:
            html = self._for_visitor(visit, community, title, main, links)
        return self._answer(visit, html, status, keys if status == 200 else None, headers)

    def bare(
        self, visit: Visit, title: str, main: str, *, status: int = 200, headers: Iterable[tuple[str, str]] = ()
    ) -> wsgi.Response:
        """A page with nothing around it, which asks no box anything: for when boxes fail."""
        html = self._bare.fill({"title": escape(title), "main": main, "community": "minisocial", "links": ""})
        return self._answer(visit, html, status, None, headers)

    def _for_member(
        self,
        visit: Visit,
        account: "Account",
        community: "Community",
        title: str,
        main: str,
        place: str,
        links: "Page[Any] | None",
    ) -> str:
        social, id = visit.social, account.id
        return self._members[place, account.is_admin].fill(
            {
                "title": escape(title),
                "community": escape(community.name),
                "links": _links(visit.path, links),
                "main": main,
                "aside": self._aside(visit, id),
                "notifications": badge(social.notifications.unread(id), "new"),
                "friends": badge(social.friends.request_count(id), "waiting"),
                "profile": escape(account.url),
                "avatar": avatar(account, "small"),
                "name": escape(account.display_name),
                "username": escape(account.username),
                "trouble": _trouble(visit.site.context.desk.trouble()) if account.is_admin else "",
            }
        )

    def _for_visitor(
        self, visit: Visit, community: "Community", title: str, main: str, links: "Page[Any] | None"
    ) -> str:
        name = escape(community.name)
        return self._visitor.fill(
            {
                "title": escape(title),
                "community": name or "minisocial",
                "community_name": f"<small>{name}</small>" if name else "",
                "nav": _visitor_nav(community) if community.is_set_up else "",
                "links": _links(visit.path, links),
                "main": main,
            }
        )

    def _aside(self, visit: Visit, viewer: int) -> str:
        """Friends and tags beside the page. Nice to have: a page comes without them rather than not at all."""
        try:
            friends = visit.social.friends.of(viewer, Cursor(limit=ASIDE_FRIENDS)).items
            tags = visit.social.feeds.talked_about(viewer)[:ASIDE_TAGS]
        except MinisocialError:
            return ""
        return _friends_card([self._fragments.face(friend) for friend in friends]) + _tags_card(tags)

    def _answer(
        self,
        visit: Visit,
        html: str,
        status: int,
        keys: Iterable[str] | None,
        headers: Iterable[tuple[str, str]],
    ) -> wsgi.Response:
        fixed = [HTML]
        if keys is None or "session" in visit.cookies:
            fixed.append(PRIVATE)
        else:
            fixed += [PUBLIC, ("Surrogate-Key", " ".join(dict.fromkeys([*EVERY_PAGE, *keys])))]
        return wsgi.Response(status_line(status), [*fixed, *headers], html.encode("utf-8", "replace"))


def _current(place: str) -> Callable[[str], str]:
    return lambda name: 'aria-current="page"' if name == place else ""


def _visitor_nav(community: "Community") -> str:
    """Where a stranger may go."""
    explore = "" if community.members_only else '<a href="/explore">Explore</a>'
    join = '<a href="/join">Join</a>' if community.join == "open" else ""
    return f'<nav aria-label="Main">{explore}{join}<a class="button primary" href="/login">Log in</a></nav>'


def badge(number: int, what: str) -> str:
    """A number beside a place, read out as "2 new"."""
    if not number:
        return '<span class="badge" hidden></span>'
    return f'<span class="badge">{number if number < 100 else "99+"}<span class="vh"> {what}</span></span>'


def _links(path: str, page: "Page[Any] | None") -> str:
    if page is None:
        return ""
    path = escape(path)
    older = f'<link rel="next" href="{path}?max_id={page.older}">' if page.older is not None else ""
    newer = f'<link rel="prev" href="{path}?min_id={page.newer}">' if page.newer is not None else ""
    return older + newer


def _trouble(what: str) -> str:
    """What the host should know on whatever page they are: tasks do not get done."""
    if not what:
        return ""
    what = escape(what)
    return f'<p class="card bad" role="alert"><b>Tasks are waiting.</b> {what} <a href="/console">More</a></p>'


def _friends_card(faces: list[str]) -> str:
    if not faces:
        return ""
    return f'<section><h2>Your friends</h2><ul class="card faces"><li>{"</li><li>".join(faces)}</li></ul></section>'


def _tags_card(tags: "list[tuple[str, int]]") -> str:
    if not tags:
        return ""
    lines = "".join(
        f'<li><a href="/tags/{quote(tag)}">#{escape(tag)}</a> <span class="muted">{count(number, "post")}</span></li>'
        for tag, number in tags
    )
    return f'<section><h2>Being talked about</h2><ul class="card tags">{lines}</ul></section>'
