"""The host's pages: the community's settings, its members, letters that were not sent by mail."""

import re

from minisocial import wsgi
from minisocial.errors import Invalid, NotFound
from minisocial.web.fragments import pager
from minisocial.web.html import escape
from minisocial.web.pieces import mistakes
from minisocial.web.routes import Add
from minisocial.web.visit import Visit

LETTERS_SHOWN = 50
_LINK = re.compile(r"https?://[^\s<>\"']+")


def routes(add: Add) -> None:
    add("GET", "/admin", show)
    add("POST", "/admin", save)
    add("GET", "/admin/letters", show_letters)


def check_admin(visit: Visit) -> None:
    """For everybody else these pages are not there."""
    if not visit.member.is_admin:
        raise NotFound("There is no page at this address.")


def show(visit: Visit) -> wsgi.Response:
    """Settings and members."""
    check_admin(visit)
    return _page(visit)


def _page(visit: Visit, error: Invalid | None = None) -> wsgi.Response:
    page = visit.social.accounts.all(visit.cursor(limit=50))
    html = visit.site.templates.render(
        "admin",
        kept=visit.form.kept if error else _as_saved(visit),
        wrong=mistakes(error),
        is_saved="saved" in visit.query,
        members=page.items,
        person=visit.site.fragments.person,
        pager=pager("/admin", page, older="Earlier members", newer="Newer members"),
    )
    return visit.page("Admin", html, place="admin", links=page, status=error.status if error else 200)


def _as_saved(visit: Visit) -> dict[str, str]:
    community = visit.community
    return {
        "name": community.name,
        "description": community.description,
        "code_of_conduct": community.code_of_conduct,
        "join": community.join,
        "members_only": "1" if community.members_only else "",
    }


def save(visit: Visit) -> wsgi.Response:
    """Change the community's settings."""
    check_admin(visit)
    form = visit.form
    try:
        visit.social.community.edit(
            name=form.word("name"),
            description=form.get("description"),
            code_of_conduct=form.get("code_of_conduct"),
            join=form.word("join"),
            members_only=form.checked("members_only"),
        )
    except Invalid as error:
        return _page(visit, error)
    return visit.redirect("/admin?saved=1")


def show_letters(visit: Visit) -> wsgi.Response:
    """Letters that lie in the data folder, since no mail server is set."""
    check_admin(visit)
    letters = list(visit.site.context.letters())[:LETTERS_SHOWN]
    html = visit.site.templates.render("letters", letters=letters, linked=_linked)
    return visit.page("Letters", html, place="admin")


def _linked(text: str) -> str:
    """A letter's text as HTML, with links that can be followed."""
    return _LINK.sub(lambda link: f'<a href="{link[0]}">{link[0]}</a>', escape(text))
