"""A person's page: who they are, what they say, and what they are to the one who looks."""

from minisocial import wsgi
from minisocial.social.accounts import Account
from minisocial.social.circles import Pair
from minisocial.web.fragments import avatar, pager
from minisocial.web.routes import Add, Kept
from minisocial.web.visit import Visit


def routes(add: Add) -> None:
    add("GET", "/@<name>", Kept(show))


def show(visit: Visit, name: str) -> wsgi.Response:
    """A person's page."""
    visit.social.posts.refuse_strangers(visit.viewer)
    account = visit.social.people.named(name, visit.viewer)
    if name != account.username:
        return visit.redirect(account.url)
    page = visit.social.feeds.profile(account.id, visit.viewer, visit.cursor())
    html = visit.site.templates.render(
        "profile",
        account=account,
        avatar=avatar(account, "large"),
        is_me=account.id == visit.viewer,
        posts=visit.site.fragments.posts(page.items, visit.viewer),
        is_empty=not page.items,
        pager=pager(account.url, page),
        in_charge=visit.account.role if visit.account and visit.account.is_in_charge else "",
        **_relation(visit, account),
    )
    place = "profile" if account.id == visit.viewer else ""
    return visit.page(account.display_name, html, place=place, links=page, keys=[*page.keys, f"account:{account.id}"])


def _relation(visit: Visit, account: Account) -> dict[str, object]:
    """What the two are to each other; a visitor is told nothing about friends."""
    friends, viewer = visit.social.friends, visit.viewer
    if viewer is None or viewer == account.id:
        mine = len(friends.circle(account.id).friends) if viewer else None
        alone = {"pair": Pair(0, account.id), "in_common": 0, "is_apart": False}
        return {**alone, "friends": mine, "is_member": viewer is not None}
    return {
        "pair": friends.pair(viewer, account.id),
        "in_common": friends.in_common(viewer, [account.id])[account.id],
        "friends": len(friends.circle(account.id).friends),
        "is_member": True,
        "is_apart": bool(visit.social.people.apart([account.id], viewer)),
    }
