"""A forgotten password: asking for a link, and following it."""

from minisocial import wsgi
from minisocial.errors import Invalid
from minisocial.web.headers import UNTRACED
from minisocial.web.pieces import mistakes
from minisocial.web.routes import Add
from minisocial.web.visit import Visit


def routes(add: Add) -> None:
    add("GET", "/forgot", ask)
    add("POST", "/forgot", send)
    add("GET", "/reset/<token:re:[A-Za-z0-9_-]{1,64}>", choose)
    add("POST", "/reset/<token:re:[A-Za-z0-9_-]{1,64}>", reset)


def ask(visit: Visit) -> wsgi.Response:
    """The page that asks whose password it is."""
    return _forgot_page(visit)


def _forgot_page(visit: Visit, is_sent: bool = False) -> wsgi.Response:
    html = visit.site.templates.render("forgot", is_sent=is_sent, has_server=visit.site.context.sends_mail)
    return visit.page("Forgot your password?", html)


def send(visit: Visit) -> wsgi.Response:
    """Have a link sent, if this name or address is somebody's; the answer is the same in any case."""
    name = visit.form.word("username")
    visit.limit("forgot_address", visit.address)
    visit.limit("forgot_name", name.lower())
    visit.social.resets.ask(name)
    return _forgot_page(visit, is_sent=True)


def choose(visit: Visit, token: str) -> wsgi.Response:
    """The page behind the link."""
    return _reset_page(visit, token)


def _reset_page(visit: Visit, token: str, error: Invalid | None = None) -> wsgi.Response:
    account = visit.social.resets.find(token)
    html = visit.site.templates.render("reset", account=account, token=token, wrong=mistakes(error))
    status = error.status if error else 200
    return visit.page("Choose a new password", html, status=status, headers=[UNTRACED])


def reset(visit: Visit, token: str) -> wsgi.Response:
    """Set the password, and log in with it: also to see that one knows it."""
    try:
        visit.social.resets.use(token, visit.form.get("new"))
    except Invalid as error:
        return _reset_page(visit, token, error)
    return visit.redirect("/login?reset=1")
