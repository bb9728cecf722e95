"""The address for letters: confirming it with a link, having the link sent again, changing it."""

from minisocial import wsgi
from minisocial.errors import Invalid
from minisocial.web import settings
from minisocial.web.headers import UNTRACED
from minisocial.web.routes import Add
from minisocial.web.visit import Visit


def routes(add: Add) -> None:
    add("GET", "/confirm/<token:re:[A-Za-z0-9_-]{1,64}>", ask)
    add("POST", "/confirm/<token:re:[A-Za-z0-9_-]{1,64}>", confirm)
    add("POST", "/settings/email", change)
    add("POST", "/settings/email/again", send_again)


def ask(visit: Visit, token: str) -> wsgi.Response:
    """The page behind the link, with a button: mail programs open links by themselves, and must not confirm."""
    html = visit.site.templates.render("confirm", email=visit.social.addresses.find(token), token=token, is_done=False)
    return visit.page("Confirm your address", html, headers=[UNTRACED])


def confirm(visit: Visit, token: str) -> wsgi.Response:
    """The address is confirmed, for whoever holds the link: they need not be logged in here."""
    email = visit.social.addresses.confirm(token)
    html = visit.site.templates.render("confirm", email=email, token="", is_done=True)
    return visit.page("Confirmed", html, headers=[UNTRACED])


def change(visit: Visit) -> wsgi.Response:
    """Have a link sent to a new address."""
    me, form = visit.member.id, visit.form
    visit.limit("password")
    visit.limit("letter")
    try:
        visit.social.addresses.change(me, form.get("password"), form.word("email"))
    except Invalid as error:
        return settings.page(visit, error)
    return visit.redirect("/settings?saved=email")


def send_again(visit: Visit) -> wsgi.Response:
    """Have the link sent once more."""
    me = visit.member.id
    visit.limit("letter")
    visit.social.addresses.ask_again(me)
    return visit.redirect("/settings?saved=again")
