"""What one is told of, and how: a switch for each kind of news, in the app and by e-mail."""

from collections.abc import Iterator

from minisocial import wsgi
from minisocial.social.preferences import DIGEST, DIGESTS, KINDS, WAYS
from minisocial.web.routes import Add
from minisocial.web.visit import Visit

OFTEN = {"off": "Never", "daily": "Once a day", "weekly": "Once a week"}


def routes(add: Add) -> None:
    add("POST", "/settings/letters", save)


def card(visit: Visit) -> str:
    """The part of the settings page with the switches."""
    choices = visit.social.preferences.of(visit.member.id)
    kinds = [(kind, told.what, [(way, choices.wants(way, kind)) for way in WAYS]) for kind, told in KINDS.items()]
    often = [(value, OFTEN[value], value == choices.digest) for value in DIGESTS]
    return visit.site.templates.render("preferences", kinds=kinds, often=often)


def save(visit: Visit) -> wsgi.Response:
    """All switches as the form has them: one that is not sent is off."""
    me = visit.member.id
    visit.limit("profile")
    visit.social.preferences.choose(me, dict(_chosen(visit)))
    return visit.redirect("/settings?saved=letters")


def _chosen(visit: Visit) -> Iterator[tuple[str, str]]:
    for kind in KINDS:
        for way in WAYS:
            yield f"{way}:{kind}", "on" if visit.form.checked(f"{way}:{kind}") else "off"
    if digest := visit.form.word(DIGEST):
        yield DIGEST, digest
