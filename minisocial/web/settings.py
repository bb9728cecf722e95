"""A person's own settings: profile and password."""

from minisocial import wsgi
from minisocial.errors import Invalid
from minisocial.web import session
from minisocial.web.pieces import mistakes
from minisocial.web.routes import Add
from minisocial.web.visit import Visit

# what was saved → what the page says about it
SAVED = {
    "profile": "Saved.",
    "password": "Your password is changed. Everywhere else you are logged out.",
    "blocked": "Blocked. You do not see each other any more; they are not told.",
    "unblocked": "Unblocked. You see each other again; you are not friends by that.",
}


def routes(add: Add) -> None:
    add("GET", "/settings", show)
    add("POST", "/settings", save)
    add("POST", "/settings/password", change_password)


def show(visit: Visit) -> wsgi.Response:
    """The settings, as they are."""
    return _page(visit)


def _page(visit: Visit, error: Invalid | None = None) -> wsgi.Response:
    me = visit.member
    html = visit.site.templates.render(
        "settings",
        me=me,
        email=visit.social.accounts.email(me.id),
        kept=visit.form.kept if error and visit.path == "/settings" else _as_saved(visit),
        wrong=mistakes(error),
        blocked=visit.social.blocks.by(me.id),
        person=visit.site.fragments.person,
        saved=SAVED.get(visit.query.get("saved", ""), ""),
    )
    return visit.page("Settings", html, place="settings", status=error.status if error else 200)


def _as_saved(visit: Visit) -> dict[str, str]:
    me = visit.member
    approves = "1" if me.approves_followers else ""
    return {"display_name": me.display_name, "bio": me.bio, "approves_followers": approves}


def save(visit: Visit) -> wsgi.Response:
    """Change the profile."""
    me, form = visit.member.id, visit.form
    visit.limit("profile")
    try:
        visit.social.accounts.edit(
            me,
            display_name=form.word("display_name"),
            bio=form.get("bio"),
            approves_followers=form.checked("approves_followers"),
        )
    except Invalid as error:
        return _page(visit, error)
    return visit.redirect("/settings?saved=profile")


def change_password(visit: Visit) -> wsgi.Response:
    """Change the password; everywhere else this person is logged out."""
    me, form = visit.member.id, visit.form
    visit.limit("password")
    try:
        visit.social.credentials.change_password(me, form.get("old"), form.get("new"))
    except Invalid as error:
        return _page(visit, error)
    return session.begin(visit, me, "/settings?saved=password")
