"""Posts for everyone: all of them, and those with a tag."""

from collections.abc import Sequence
from urllib.parse import quote

from minisocial import wsgi
from minisocial.errors import NotFound, Unavailable
from minisocial.social.pages import Page
from minisocial.social.post import PostView
from minisocial.web.fragments import pager
from minisocial.web.routes import Add, Kept
from minisocial.web.visit import Visit


def routes(add: Add) -> None:
    add("GET", "/explore", Kept(show))
    add("GET", "/tags/<tag>", Kept(show_tag))


def show(visit: Visit) -> wsgi.Response:
    """Everybody's posts for everyone."""
    page = visit.social.feeds.explore(visit.viewer, visit.cursor())
    html = _feed(visit, "/explore", page, "Explore", tags=_tags(visit) if visit.account else [])
    return visit.page("Explore", html, place="explore", links=page, keys=_keys(page))


def _tags(visit: Visit) -> list[tuple[str, int]]:
    """What is talked about; the page can do without."""
    try:
        return visit.social.feeds.talked_about(visit.member.id)
    except Unavailable:
        return []


def show_tag(visit: Visit, tag: str) -> wsgi.Response:
    """Posts for everyone with a tag."""
    if len(tag) > 50 or not tag.isprintable():
        raise NotFound("There is no such tag.")
    if tag != tag.lower():
        return visit.redirect(f"/tags/{tag.lower()}")
    page = visit.social.feeds.tag(tag, visit.viewer, visit.cursor())
    html = _feed(visit, f"/tags/{quote(tag)}", page, f"#{tag}", tag=tag)
    return visit.page(f"#{tag}", html, place="explore", links=page, keys=_keys(page))


def _keys(page: Page[PostView]) -> tuple[str, ...] | None:
    """What the page was made of; a page with a shard missing is not to be kept."""
    return page.keys if page.complete else None


def _feed(
    visit: Visit,
    path: str,
    page: Page[PostView],
    heading: str,
    *,
    tag: str = "",
    tags: Sequence[tuple[str, int]] = (),
) -> str:
    return visit.site.templates.render(
        "explore",
        heading=heading,
        tag=tag,
        tags=tags,
        posts=visit.site.fragments.posts(page.items, visit.viewer),
        is_empty=not page.items,
        is_complete=page.complete,
        is_member=visit.account is not None,
        pager=pager(path, page),
    )
