"""Friends: the list, the requests, and every button between two people."""

from collections.abc import Callable

from minisocial import wsgi
from minisocial.errors import Unavailable
from minisocial.social.accounts import Account
from minisocial.social.friends import Friends
from minisocial.social.pages import Cursor
from minisocial.web.fragments import pager
from minisocial.web.routes import Add
from minisocial.web.visit import Visit

# what an address after a person's name does
ACTIONS: dict[str, Callable[[Friends, int, int], None]] = {
    "friend": lambda friends, me, other: friends.add(me, other),
    "accept": lambda friends, me, other: friends.accept(me, other),
    "decline": lambda friends, me, other: friends.decline(me, other),
    "cancel": lambda friends, me, other: friends.cancel(me, other),
    "unfriend": lambda friends, me, other: friends.unfriend(me, other),
    "follow": lambda friends, me, other: friends.follow(me, other),
    "unfollow": lambda friends, me, other: friends.unfollow(me, other),
}
BLOCKED, UNBLOCKED = "/settings?saved=blocked#blocks", "/settings?saved=unblocked#blocks"
OTHERS_SHOWN, OTHERS_OF = 12, 60  # newest members who are nothing to the viewer yet, and of how many
IN_COMMON_FOR = 20  # requests for which the friends in common are counted


def routes(add: Add) -> None:
    add("GET", "/friends", show)
    add("POST", f"/@<name>/<action:re:{'|'.join(ACTIONS)}>", relate)
    add("POST", "/@<name>/block", block)
    add("POST", "/@<name>/unblock", unblock)


def show(visit: Visit) -> wsgi.Response:
    """Requests to answer, requests that wait, all friends, and who else is here."""
    me, cursor, friends = visit.member.id, visit.cursor(), visit.social.friends
    page = friends.of(me, cursor)
    html = visit.site.templates.render(
        "friends",
        requests=_requests(visit) if cursor.is_first else [],
        requested=friends.requested(me) if cursor.is_first else [],
        friends=page.items,
        how_many=len(friends.circle(me).friends),
        others=_others(visit) if cursor.is_first else [],
        person=visit.site.fragments.person,
        request=lambda other, number: visit.site.templates.render("request", other=other, in_common=number),
        pager=pager("/friends", page, older="More friends", newer="Newer friends"),
    )
    return visit.page("Friends", html, place="friends", links=page)


def _requests(visit: Visit) -> list[tuple[Account, int]]:
    """Who asks, and how many friends each shares with the viewer."""
    me, friends = visit.member.id, visit.social.friends
    asking = friends.requests(me)
    in_common = friends.in_common(me, [other.id for other in asking[:IN_COMMON_FOR]])
    return [(other, in_common.get(other.id, 0)) for other in asking]


def _others(visit: Visit) -> list[Account]:
    """Newest members with whom the viewer has nothing to do yet; the page can do without."""
    me = visit.member.id
    circle = visit.social.friends.circle(me)
    known = {me, *circle.follows, *(id for _, id in circle.friends + circle.received + circle.requested)}
    try:
        newest = visit.social.accounts.all(Cursor(limit=OTHERS_OF)).items
    except Unavailable:
        return []
    there = visit.social.people.visible([account.id for account in newest if account.id not in known], me)
    return [account for account in newest if account.id in there][:OTHERS_SHOWN]


def relate(visit: Visit, name: str, action: str) -> wsgi.Response:
    """Press a button on somebody's page."""
    me = visit.member.id
    visit.limit("relate")
    other = visit.social.people.named(name, me)
    ACTIONS[action](visit.social.friends, me, other.id)
    return visit.redirect(visit.next(visit.came_from(other.url)))


def block(visit: Visit, name: str) -> wsgi.Response:
    """Part from somebody; their page is not there any more, so one finds oneself where it can be undone."""
    me = visit.member.id
    visit.limit("relate")
    visit.social.blocks.block(me, visit.social.people.named(name, me).id)
    return visit.redirect(BLOCKED)


def unblock(visit: Visit, name: str) -> wsgi.Response:
    """See each other again."""
    me = visit.member.id
    visit.limit("relate")
    visit.social.blocks.unblock(me, visit.social.accounts.named(name).id)
    return visit.redirect(UNBLOCKED)
