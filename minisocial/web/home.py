"""Home: what one's friends say; for a stranger, the front page."""

from minisocial import wsgi
from minisocial.web.fragments import pager
from minisocial.web.html import escape
from minisocial.web.routes import Add, Kept
from minisocial.web.visit import Visit

REQUESTS_SHOWN = 3


def routes(add: Add) -> None:
    add("GET", "/", Kept(show))


def show(visit: Visit) -> wsgi.Response:
    """The home feed, or the front page for who is not logged in."""
    if visit.account is None:
        return _front_page(visit)
    cursor = visit.cursor()
    page = visit.social.feeds.home(visit.account.id, cursor)
    html = visit.site.home[cursor.is_first, not page.items, page.complete].fill(
        {
            "name": escape((visit.account.display_name.split() or [visit.account.username])[0]),
            "requests": _reminder(visit) + _requests(visit) if cursor.is_first else "",
            "posts": visit.site.fragments.posts(page.items, visit.account.id),
            "pager": pager("/", page),
        }
    )
    return visit.page("Home", html, place="home", links=page)


def _reminder(visit: Visit) -> str:
    """Whoever has not confirmed the address is asked to, where letters can arrive."""
    if not visit.site.context.sends_mail or visit.social.addresses.is_confirmed(visit.member.id):
        return ""
    return visit.site.templates.render("reminder")


def _requests(visit: Visit) -> str:
    """The newest friend requests, to be answered right here."""
    me, friends = visit.member.id, visit.social.friends
    if not friends.request_count(me):
        return ""
    shown = friends.requests(me)[:REQUESTS_SHOWN]
    in_common = friends.in_common(me, [other.id for other in shown])
    render = visit.site.templates.render
    return "".join(render("request", other=other, in_common=in_common[other.id]) for other in shown)


def _front_page(visit: Visit) -> wsgi.Response:
    community = visit.community
    html = visit.site.templates.render("front", community=community)
    return visit.page("Welcome", html, keys=None if community.members_only else ())
