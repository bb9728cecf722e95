"""The host's page of tasks that were given up: why, and what to do with each."""

import json

from minisocial import wsgi
from minisocial.web.admin import check_admin
from minisocial.web.html import ago
from minisocial.web.routes import Add
from minisocial.web.visit import Visit

PAGE = "/admin/tasks"


def routes(add: Add) -> None:
    add("GET", PAGE, show)
    add("POST", f"{PAGE}/replay", replay)
    add("POST", f"{PAGE}/replay-all", replay_all)
    add("POST", f"{PAGE}/discard", discard)


def show(visit: Visit) -> wsgi.Response:
    """All dead letters, the newest first."""
    check_admin(visit)
    now = visit.site.context.clock.milliseconds()
    letters = [
        {
            "name": f"{each.shard}:{each.id}",
            "task": each.name,
            "args": json.dumps(each.shown_args, ensure_ascii=False),
            "attempts": each.attempts,
            "error": each.error,
            "reason": each.reason,
            "trace": each.request_id,
            "ago": ago(each.died_ms, now),
        }
        for each in visit.site.context.desk.dead()
    ]
    html = visit.site.templates.render("tasks", letters=letters, done=_DONE.get(visit.query.get("done", ""), ""))
    return visit.page("Tasks", html, place="admin")


_DONE = {
    "replay": "The task is done again, as if for the first time. If it fails, it will be back here.",
    "replay-all": "All of them are done again. Those that fail will be back here.",
    "discard": "The task is given up for good. The audit log says why.",
}


def replay(visit: Visit) -> wsgi.Response:
    """Have one done again."""
    check_admin(visit)
    visit.site.context.desk.replay(visit.form.word("letter"))
    return visit.redirect(f"{PAGE}?done=replay")


def replay_all(visit: Visit) -> wsgi.Response:
    """Have all done again."""
    check_admin(visit)
    visit.site.context.desk.replay_all()
    return visit.redirect(f"{PAGE}?done=replay-all")


def discard(visit: Visit) -> wsgi.Response:
    """Give one up for good, with a reason."""
    check_admin(visit)
    visit.site.context.desk.discard(visit.form.word("letter"), visit.form.word("reason"), visit.member.id)
    return visit.redirect(f"{PAGE}?done=discard")
