"""Notifications: what others did that concerns one."""

from minisocial import wsgi
from minisocial.ids import milliseconds
from minisocial.social.notifications import Notification
from minisocial.social.post import PostView
from minisocial.web.fragments import avatar, pager
from minisocial.web.posts import as_json
from minisocial.web.routes import Add
from minisocial.web.visit import Visit

# kind → (what one person did, what several did, a symbol)
KINDS = {
    "request": ("wants to be your friend", "want to be your friends", "friends"),
    "accepted": ("is now your friend", "are now your friends", "friends"),
    "follow": ("follows you now", "follow you now", "profile"),
    "mention": ("mentioned you", "mentioned you", "at"),
    "reply": ("replied to you", "replied to you", "reply"),
    "like": ("likes your post", "like your post", "heart"),
}
OTHER = ("did something", "did something", "bell")


def routes(add: Add) -> None:
    add("GET", "/notifications", show)
    add("GET", "/notifications/unread.json", count)
    add("POST", "/notifications/seen", mark_seen)


def show(visit: Visit) -> wsgi.Response:
    """The newest notifications."""
    me, cursor = visit.member.id, visit.cursor()
    page = visit.social.notifications.page(me, cursor)
    waiting = {account.id for account in visit.social.friends.requests(me)}
    html = visit.site.templates.render(
        "notifications",
        lines=[_line(visit, notification, waiting) for notification in page.items],
        newest=page.items[0].id if page.items and cursor.is_first else 0,
        has_new=any(notification.is_new for notification in page.items),
        pager=pager("/notifications", page, older="Older", newer="Newer"),
    )
    return visit.page("Notifications", html, place="notifications", links=page)


def _line(visit: Visit, notification: Notification, waiting: set[int]) -> dict[str, object]:
    one, many, symbol = KINDS.get(notification.kind, OTHER)
    return {
        "id": notification.id,
        "is_new": notification.is_new,
        "actor": notification.actor,
        "avatar": avatar(notification.actor),
        "did": many if notification.others else one,
        "symbol": symbol,
        "others": notification.others,
        "post": notification.post,
        "excerpt": _excerpt(notification.post),
        "can_answer": notification.kind == "request" and notification.actor.id in waiting,
        "age": visit.site.fragments.age(milliseconds(notification.id)),
    }


def _excerpt(view: PostView | None) -> str:
    """The beginning of a post, on one line."""
    text = " ".join(view.post.text.split()) if view else ""
    return text if len(text) <= 140 else text[:139] + "…"


def count(visit: Visit) -> wsgi.Response:
    """The numbers on the badges, for a page that stays open."""
    me = visit.member.id
    unread, requests = visit.social.notifications.unread(me), visit.social.friends.request_count(me)
    return as_json({"notifications": unread, "requests": requests})


def mark_seen(visit: Visit) -> wsgi.Response:
    """All up to a notification were looked at."""
    me, up_to = visit.member.id, visit.form.id("up_to")
    if up_to is not None:
        visit.social.notifications.mark_seen(me, up_to)
    return as_json({"ok": True}) if visit.wants_json else visit.redirect("/notifications")
