"""A post: publishing it, its thread, liking, deleting."""

import json
from collections import defaultdict

from minisocial import wsgi
from minisocial.errors import Invalid, MinisocialError
from minisocial.ids import MAX_ID
from minisocial.social.post import PostView, Thread
from minisocial.web.headers import JSON, PRIVATE
from minisocial.web.routes import Add, Kept
from minisocial.web.visit import Visit

DEEPEST = 3
ONE = "/@<name>/<id:re:[0-9]{1,19}>"


def routes(add: Add) -> None:
    add("POST", "/posts", publish)
    add("GET", "/posts/<id:re:[0-9]{1,19}>", find)
    add("GET", ONE, Kept(show))
    add("POST", ONE + "/like", like)
    add("POST", ONE + "/unlike", unlike)
    add("POST", ONE + "/delete", delete)
    add("GET", ONE + "/edit", ask_edit)
    add("POST", ONE + "/edit", edit)


# --- seeing ------------------------------------------------------------------------------------


def find(visit: Visit, id: str) -> wsgi.Response:
    """Where a post stands, for links that know its number only."""
    return visit.redirect(visit.social.posts.get(_number(id), visit.viewer).url)


def show(visit: Visit, name: str, id: str) -> wsgi.Response:
    """A post with what it replies to and what was replied to it."""
    thread = visit.social.posts.thread(_number(id), visit.viewer)
    if visit.path != thread.post.url:  # another's name before the number, or another case
        return visit.redirect(thread.post.url)
    author, text = thread.post.author, thread.post.post.text
    html = visit.site.templates.render("thread", **_thread(visit, thread))
    return visit.page(f"{author.display_name}: {_beginning(text)}", html, keys=_keys(thread))


def _thread(visit: Visit, thread: Thread) -> dict[str, object]:
    fragments, viewer = visit.site.fragments, visit.viewer
    return {
        "ancestors": fragments.posts(thread.ancestors, viewer),
        "post": fragments.post(thread.post, viewer),
        "replies": [(depth, fragments.post(view, viewer)) for depth, view in _as_tree(thread)],
        "how_many": len(thread.replies),
        "view": thread.post,
        "me": visit.account,
        "history": [(version, fragments.age(version.until)) for version in visit.social.edits.history(thread.post)],
    }


def _as_tree(thread: Thread) -> list[tuple[int, PostView]]:
    """The replies, each right below what it replies to, with how deep it stands (0 to 3)."""
    answers: defaultdict[int | None, list[PostView]] = defaultdict(list)
    for view in reversed(thread.replies):
        answers[view.post.in_reply_to].append(view)
    tree, rest = [], [(0, view) for view in answers[thread.post.post.id]]
    while rest:
        depth, view = rest.pop()
        tree.append((depth, view))
        rest += [(min(depth + 1, DEEPEST), answer) for answer in answers.pop(view.post.id, ())]
    return tree


def _keys(thread: Thread) -> list[str]:
    views = [*thread.ancestors, thread.post, *thread.replies]
    keys = [f"thread:{thread.post.post.root}"]
    for view in views:
        keys += [f"post:{view.post.id}", f"account:{view.post.author}"]
    return keys


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"


def _number(id: str) -> int:
    """The number in an address; one too large for an identifier is 0, which no post has."""
    number = int(id)
    return number if number <= MAX_ID else 0


# --- doing -------------------------------------------------------------------------------------


def publish(visit: Visit) -> wsgi.Response:
    """Publish a post, or come back with the form as it was."""
    me, form = visit.member, visit.form
    try:
        visit.limit("post")
        in_reply_to = form.id("in_reply_to")
        view = visit.social.posts.publish(me.id, form.get("text"), form.word("visibility") or "friends", in_reply_to)
    except Invalid as error:
        return _again(visit, error)
    return visit.redirect(f"{visit.next('/')}#p{view.post.id}" if in_reply_to else visit.next("/"))


def _again(visit: Visit, error: Invalid) -> wsgi.Response:
    if visit.wants_json:
        raise error
    values = {"kept": visit.form.kept, "field": error.field, "message": str(error), "parent": _parent(visit)}
    html = visit.site.templates.render("again", **values)
    return visit.page("Not posted yet", html, place="home", status=error.status)


def _parent(visit: Visit) -> str:
    """What is being replied to, to have it in view; nothing if it is gone."""
    try:
        in_reply_to = visit.form.id("in_reply_to")
        if in_reply_to is None:
            return ""
        return visit.site.fragments.post(visit.social.posts.get(in_reply_to, visit.viewer), visit.viewer)
    except MinisocialError:
        return ""


def like(visit: Visit, name: str, id: str) -> wsgi.Response:
    """Like a post; doing it twice is doing it once."""
    me = visit.member.id
    visit.limit("like")
    visit.social.posts.like(me, _number(id))
    return _liked(visit, _number(id))


def unlike(visit: Visit, name: str, id: str) -> wsgi.Response:
    """Take a like back."""
    me = visit.member.id
    visit.limit("like")
    visit.social.posts.unlike(me, _number(id))
    return _liked(visit, _number(id))


def _liked(visit: Visit, id: int) -> wsgi.Response:
    """Back to where the button was; a script only wants to know how it stands now."""
    view = visit.social.posts.get(id, visit.viewer)
    if visit.wants_json:
        return as_json({"liked": view.liked, "likes": view.post.likes})
    return visit.redirect(f"{visit.came_from(view.url)}#p{id}")


def delete(visit: Visit, name: str, id: str) -> wsgi.Response:
    """Delete one's own post for ever."""
    me = visit.member
    visit.social.posts.delete(me.id, _number(id))
    back = visit.came_from("/")
    return visit.redirect("/" if back.partition("?")[0].endswith(f"/{id}") else back)


def ask_edit(visit: Visit, name: str, id: str) -> wsgi.Response:
    """The form to edit one's own post."""
    view = visit.social.edits.own(visit.member.id, _number(id))
    return _edit_page(visit, view, view.post.text)


def _edit_page(visit: Visit, view: PostView, text: str, error: Invalid | None = None) -> wsgi.Response:
    html = visit.site.templates.render(
        "edit",
        view=view,
        text=text,
        based_on=view.post.edited_at or "",
        message=str(error) if error else "",
        post=visit.site.fragments.post(view, visit.viewer) if error and error.status == 409 else "",
    )
    return visit.page("Edit post", html, place="home", status=error.status if error else 200)


def edit(visit: Visit, name: str, id: str) -> wsgi.Response:
    """Give one's own post other words, or come back with the form as it was."""
    me, form = visit.member.id, visit.form
    try:
        visit.limit("post")
        visit.social.edits.edit(me, _number(id), form.get("text"), form.id("based_on") or 0)
    except Invalid as error:
        if visit.wants_json:
            raise
        text = form.kept.get("text", "")
        return _edit_page(visit, visit.social.edits.own(me, _number(id)), text, error)
    return visit.redirect(visit.social.posts.get(_number(id), me).url)


def as_json(value: object) -> wsgi.Response:
    """A small answer for a script on one of our pages."""
    body = json.dumps(value).encode()
    return wsgi.Response("200 OK", [JSON, PRIVATE], body)
