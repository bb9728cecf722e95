"""Joining: the first person sets the community up, the others come by invite."""

from minisocial import wsgi
from minisocial.errors import Forbidden, Gone, Invalid, NotFound
from minisocial.social.invites import Invite
from minisocial.web import session
from minisocial.web.pieces import mistakes
from minisocial.web.routes import Add
from minisocial.web.visit import Visit

ONLY_HERE = (
    "This community is not set up yet. Open this page on the machine it runs on,"
    " or use the link with the one-time code that it printed when it started."
)


def routes(add: Add) -> None:
    add("GET", "/setup", ask_set_up)
    add("POST", "/setup", set_up)
    add("GET", "/join", ask)
    add("POST", "/join", join)
    add("GET", "/join/<code:re:[A-Za-z0-9_-]{1,64}>", ask)
    add("POST", "/join/<code:re:[A-Za-z0-9_-]{1,64}>", join)


# --- the first visit ---------------------------------------------------------------------------


def ask_set_up(visit: Visit) -> wsgi.Response:
    """The set-up page, for the host only."""
    _check_host(visit)
    return _set_up_page(visit)


def _check_host(visit: Visit) -> None:
    if visit.community.is_set_up:
        raise NotFound("There is no page at this address.")
    if not visit.environ.get("minisocial.is_local") and not visit.site.context.check_setup_code(_code(visit)):
        raise Forbidden(ONLY_HERE)


def _code(visit: Visit) -> str:
    return visit.query.get("code", "") or visit.form.values.get("code", "")


def _set_up_page(visit: Visit, error: Invalid | None = None) -> wsgi.Response:
    html = visit.site.templates.render("setup", code=_code(visit), **_filled(visit, error))
    return visit.page("Welcome", html, status=error.status if error else 200)


def set_up(visit: Visit) -> wsgi.Response:
    """Make the community and its first admin, who is logged in at once."""
    _check_host(visit)
    form = visit.form
    try:
        account = visit.social.set_up(
            name=form.word("name"),
            username=form.word("username"),
            display_name=form.word("display_name"),
            email=form.word("email"),
            password=form.get("password"),
        )
    except Invalid as error:
        return _set_up_page(visit, error)
    return session.begin(visit, account.id, "/")


# --- everybody after ---------------------------------------------------------------------------


def ask(visit: Visit, code: str = "") -> wsgi.Response:
    """The page behind an invite."""
    if visit.account:
        return visit.redirect("/")
    return _join_page(visit, code, _invite(visit, code))


def _invite(visit: Visit, code: str) -> Invite | None:
    """The invite, if it can be used; None where everybody may join without."""
    try:
        return visit.social.invites.find(code)
    except (NotFound, Gone):
        if visit.community.join == "open":
            return None
        if not code:
            raise Forbidden("You need an invite to join. Please ask a member for a link.") from None
        raise


def _join_page(visit: Visit, code: str, invite: Invite | None, error: Invalid | None = None) -> wsgi.Response:
    inviter = visit.social.accounts.many([invite.created_by]).get(invite.created_by) if invite else None
    community = visit.community
    values = _filled(visit, error) | {"community": community, "inviter": inviter, "code": code}
    html = visit.site.templates.render("join", **values)
    return visit.page(f"Join {community.name}", html, status=error.status if error else 200)


def join(visit: Visit, code: str = "") -> wsgi.Response:
    """Open the account, and log in at once."""
    visit.limit("join", visit.address)
    form, invite = visit.form, _invite(visit, code)
    try:
        account = visit.social.accounts.join(
            code if invite else "",
            username=form.word("username"),
            display_name=form.word("display_name"),
            email=form.word("email"),
            password=form.get("password"),
        )
    except Invalid as error:
        return _join_page(visit, code, invite, error)
    return session.begin(visit, account.id, "/")


def _filled(visit: Visit, error: Invalid | None) -> dict[str, object]:
    """What was typed, and what is wrong with it, for the form to show again."""
    return {"kept": visit.form.kept, "wrong": mistakes(error)}
