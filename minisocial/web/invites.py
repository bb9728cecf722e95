"""Invites: making links for others, and taking them back."""

from minisocial import wsgi
from minisocial.errors import Invalid
from minisocial.web.pieces import mistakes
from minisocial.web.routes import Add
from minisocial.web.visit import Visit


def routes(add: Add) -> None:
    add("GET", "/invites", show)
    add("POST", "/invites", make)
    add("POST", "/invites/<code:re:[A-Za-z0-9_-]{1,64}>/revoke", revoke)


def show(visit: Visit) -> wsgi.Response:
    """One's own invites."""
    return _page(visit)


def _page(visit: Visit, error: Invalid | None = None) -> wsgi.Response:
    now = visit.site.context.clock.milliseconds()
    invites = visit.social.invites.by(visit.member.id)
    html = visit.site.templates.render(
        "invites",
        usable=[invite for invite in invites if invite.left > 0 and invite.expires_at > now],
        over=[invite for invite in invites if invite.left <= 0 or invite.expires_at <= now],
        now=now,
        base=visit.base,
        kept=visit.form.kept,
        wrong=mistakes(error),
    )
    return visit.page("Invites", html, place="friends", status=error.status if error else 200)


def make(visit: Visit) -> wsgi.Response:
    """A new invite."""
    me, form = visit.member.id, visit.form
    visit.limit("invite")
    try:
        visit.social.invites.make(me, form.number("uses", 1, 100, 1), form.number("days", 1, 90, 14))
    except Invalid as error:
        return _page(visit, error)
    return visit.redirect("/invites")


def revoke(visit: Visit, code: str) -> wsgi.Response:
    """End an invite of one's own."""
    visit.social.invites.revoke(visit.member.id, code)
    return visit.redirect("/invites")
