"""Logging in and out."""

from minisocial import wsgi
from minisocial.errors import Invalid
from minisocial.web.guard import PRE
from minisocial.web.routes import Add
from minisocial.web.visit import Visit

LASTS = 30 * 24 * 3600  # seconds, as long as the domain keeps a session


def routes(add: Add) -> None:
    add("GET", "/login", ask)
    add("POST", "/login", log_in)
    add("POST", "/logout", log_out)


def ask(visit: Visit) -> wsgi.Response:
    """The log-in page."""
    if visit.account:
        return visit.redirect(visit.next("/"))
    return _page(visit)


def _page(visit: Visit, error: Invalid | None = None) -> wsgi.Response:
    html = visit.site.templates.render(
        "login",
        kept=visit.form.kept,
        next=visit.next(""),
        error=str(error) if error else "",
        is_reset="reset" in visit.query and not error,
        is_open=visit.community.join == "open",
    )
    return visit.page("Log in", html, status=error.status if error else 200)


def log_in(visit: Visit) -> wsgi.Response:
    """Check name and password; every refusal says the same, so that nobody learns who is here."""
    form = visit.form
    try:
        name = form.word("username")
        _limit(visit, name)
        account = visit.social.accounts.log_in(name, form.get("password"))
    except Invalid as error:
        return _page(visit, error)
    _forgive(visit, name)
    return begin(visit, account.id, visit.next("/"))


def _limit(visit: Visit, name: str) -> None:
    visit.limit("login_address", visit.address)
    visit.limit("login_name", name.lower())


def _forgive(visit: Visit, name: str) -> None:
    visit.site.context.limits.give_back("login_address", visit.address)
    visit.site.context.limits.give_back("login_name", name.lower())


def begin(visit: Visit, account: int, next: str) -> wsgi.Response:
    """Open a session in this browser and go on; one it had before ends."""
    if visit.session:
        visit.social.sessions.close(visit.session.token)
    session = visit.social.sessions.open(account)
    return visit.redirect(next, visit.cookie("session", session.token, LASTS), visit.cookie(PRE, "", 0))


def log_out(visit: Visit) -> wsgi.Response:
    """End the session, here and for every node."""
    if visit.session:
        visit.social.sessions.close(visit.session.token)
    return visit.redirect("/", visit.cookie("session", "", 0))
