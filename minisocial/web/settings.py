"""A person's own settings: profile, what they are told of, address and password."""

from minisocial import wsgi
from minisocial.errors import Invalid
from minisocial.web import preferences, session
from minisocial.web.pieces import mistakes
from minisocial.web.routes import Add
from minisocial.web.visit import Visit

# what was saved → what the page says about it
SAVED = {
    "profile": "Saved.",
    "password": "Your password is changed. Everywhere else you are logged out.",
    "letters": "Saved.",
    "email": "A letter with a link is on its way to the new address. Until you follow the link, all stays as it is.",
    "again": "A letter with the link is on its way.",
    "blocked": "Blocked. You do not see each other any more; they are not told.",
    "unblocked": "Unblocked. You see each other again; you are not friends by that.",
}


def routes(add: Add) -> None:
    add("GET", "/settings", show)
    add("POST", "/settings", save)
    add("POST", "/settings/password", change_password)


def show(visit: Visit) -> wsgi.Response:
    """The settings, as they are."""
    return page(visit)


def page(visit: Visit, error: Invalid | None = None) -> wsgi.Response:
    """The whole page; with an error, the form that failed comes back as it was filled in."""
    me = visit.member
    html = visit.site.templates.render(
        "settings",
        me=me,
        letters=preferences.card(visit),
        address=visit.social.addresses.of(me.id),
        has_server=visit.site.context.sends_mail,
        kept=_kept(visit, error),
        wrong=mistakes(error),
        blocked=visit.social.blocks.by(me.id),
        person=visit.site.fragments.person,
        saved=SAVED.get(visit.query.get("saved", ""), ""),
    )
    return visit.page("Settings", html, place="settings", status=error.status if error else 200)


def _kept(visit: Visit, error: Invalid | None) -> dict[str, str]:
    if error and visit.path == "/settings":
        return visit.form.kept
    return _as_saved(visit) | ({"email": visit.form.kept.get("email", "")} if error else {})


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
        return page(visit, error)
    return visit.redirect("/settings?saved=profile")


def change_password(visit: Visit) -> wsgi.Response:
    """Change the password; everywhere else this person is logged out."""
    me, form = visit.member.id, visit.form
    visit.limit("password")
    try:
        visit.social.credentials.change_password(me, form.get("old"), form.get("new"))
    except Invalid as error:
        return page(visit, error)
    return session.begin(visit, me, "/settings?saved=password")
