"""Links by hand: an admin makes one for somebody whom no letter reaches, and gives it to them."""

from minisocial import wsgi
from minisocial.errors import Invalid, NotFound
from minisocial.web.admin import check_admin
from minisocial.web.headers import UNTRACED
from minisocial.web.pieces import mistakes
from minisocial.web.routes import Add
from minisocial.web.visit import Visit

# what the link is for → how it begins, and what to say of it
PURPOSES = {
    "reset": ("/reset/", "sets a new password. It is good for an hour, once."),
    "confirm": ("/confirm/", "confirms the e-mail address. It is good for two days, once."),
}


def routes(add: Add) -> None:
    add("GET", "/admin/links", show)
    add("POST", "/admin/links", make)


def show(visit: Visit) -> wsgi.Response:
    """The page to make one."""
    check_admin(visit)
    return _page(visit)


def _page(visit: Visit, link: str = "", about: str = "", error: Invalid | None = None) -> wsgi.Response:
    values = {"kept": visit.form.kept, "wrong": mistakes(error), "link": link, "about": about}
    html = visit.site.templates.render("links", **values)
    return visit.page("Links", html, place="admin", status=error.status if error else 200, headers=[UNTRACED])


def make(visit: Visit) -> wsgi.Response:
    """A new link, shown this once: only its hash is kept."""
    check_admin(visit)
    visit.limit("letter")
    purpose = visit.form.word("purpose")
    try:
        if purpose not in PURPOSES:
            raise Invalid("purpose", "Please choose what the link is for.")
        account = visit.social.accounts.named(visit.form.word("username").removeprefix("@"))
    except NotFound as error:
        return _page(visit, error=Invalid("username", str(error)))
    except Invalid as error:
        return _page(visit, error=error)
    begin, words = PURPOSES[purpose]
    token = visit.social.links.make(visit.member.id, account, purpose)
    return _page(visit, f"{visit.base}{begin}{token}", f"For @{account.username}: it {words}")
