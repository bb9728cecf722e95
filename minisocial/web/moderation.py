"""What those in charge do: suspend somebody, give them a role, look at what was done."""

from minisocial import wsgi
from minisocial.errors import NotFound
from minisocial.social.accounts import Account
from minisocial.social.moderation import NO_PAGE
from minisocial.web.fragments import pager
from minisocial.web.routes import Add
from minisocial.web.visit import Visit

# action → what it did to whom
DID = {
    "suspend": "suspended",
    "unsuspend": "lifted the suspension of",
    "role": "changed the role of",
    "link": "made a link for",
    "discard": "gave up the",
}


def routes(add: Add) -> None:
    add("GET", "/admin/audit", show_log)
    add("POST", "/@<name>/suspend", suspend)
    add("POST", "/@<name>/unsuspend", unsuspend)
    add("POST", "/@<name>/role", set_role)


def _in_charge(visit: Visit) -> Account:
    """For everybody else nothing of this is there."""
    if not visit.member.is_in_charge:
        raise NotFound(NO_PAGE)
    return visit.member


def suspend(visit: Visit, name: str) -> wsgi.Response:
    """Suspend somebody, until it is lifted."""
    me, other = _in_charge(visit), visit.social.accounts.named(name)
    visit.social.moderation.suspend(me.id, other.id, visit.form.word("reason"))
    return visit.redirect(other.url)


def unsuspend(visit: Visit, name: str) -> wsgi.Response:
    """Lift it."""
    me, other = _in_charge(visit), visit.social.accounts.named(name)
    visit.social.moderation.unsuspend(me.id, other.id)
    return visit.redirect(other.url)


def set_role(visit: Visit, name: str) -> wsgi.Response:
    """Make somebody a member, a moderator or an admin."""
    me, other = _in_charge(visit), visit.social.accounts.named(name)
    visit.social.moderation.set_role(me.id, other.id, visit.form.word("role"))
    return visit.redirect(other.url)


def show_log(visit: Visit) -> wsgi.Response:
    """What those in charge did; nobody can change it."""
    _in_charge(visit)
    page = visit.social.audit.page(visit.cursor(limit=50))
    html = visit.site.templates.render(
        "audit",
        entries=page.items,
        did=lambda action: DID.get(action, action),
        age=visit.site.fragments.age,
        pager=pager("/admin/audit", page, older="Earlier", newer="Later"),
    )
    return visit.page("Audit log", html, place="admin", links=page)
