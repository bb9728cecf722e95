"""Posts: publishing, threads, likes, deleting, and what the mark-up says."""

import json
import re

import pytest

from minisocial.errors import InDoubt
from tests.web.conftest import World


def test_publishing_leads_back_home(world: World) -> None:
    client = world.client("ada")
    answer = client.submit("/", "/posts", {"text": "A note on note G.", "visibility": "everyone"})
    assert (answer.code, answer.header("Location")) == (303, "/")
    assert "A note on note G." in client.get("/").text


def test_text_is_shown_as_it_was_written(world: World) -> None:
    text = "<script>alert('x')</script> & \"quotes\"\nsecond line  {{csrf}} %s"
    view = world.social.posts.publish(world.ada.id, text, "everyone")
    html = world.client("grace").get(view.url).text
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;quotes&quot;\nsecond line  {{csrf}} %s" in html
    assert "<script>alert" not in html


def test_a_hole_in_stored_text_stays_empty(world: World) -> None:
    world.social.posts.publish(world.ada.id, "before\0csrf\0time\0after", "everyone")
    client = world.client("grace")
    token = client.get("/settings").text.partition('name="csrf" value="')[2].partition('"')[0]
    html = client.get("/explore").text
    content = re.search(r'e-content">(.*?)</div>', html, re.S)
    assert content is not None
    assert content[1] == "beforecsrftimeafter"
    assert token not in content[1]


def test_tags_mentions_and_links_can_be_followed(world: World) -> None:
    view = world.social.posts.publish(world.ada.id, "See https://example.org/a?b=1&c=2 #Über #engines", "everyone")
    html = world.client().get(view.url).text
    assert 'href="https://example.org/a?b=1&amp;c=2"' in html
    assert 'href="/tags/%C3%BCber">#Über</a>' in html
    assert 'href="/tags/engines">#engines</a>' in html


def test_a_post_is_an_h_entry(world: World) -> None:
    view = world.social.posts.publish(world.ada.id, "For machines too.", "everyone")
    html = world.client().get("/explore").text
    assert 'class="h-feed"' in html
    entry = html[html.index('<article class="card post h-entry"') : html.index("</article>")]
    for mark in ("p-author h-card", "e-content", "dt-published", "u-url"):
        assert mark in entry
    assert f'<a class="u-url" href="{view.url}">' in entry
    assert 'datetime="2027-01-15T08:00:00Z"' in entry


@pytest.mark.parametrize(("text", "said"), [("", "Please write something first."), ("x" * 501, "1 character too long")])
def test_a_text_that_does_not_fit_comes_back_in_the_form(world: World, text: str, said: str) -> None:
    answer = world.client("ada").submit("/", "/posts", {"text": text, "visibility": "friends"})
    assert answer.code == 422
    assert said in answer.text
    assert f">{text}</textarea>" in answer.text
    assert '<option value="friends" selected>' in answer.text
    assert not world.social.posts.by_id


def test_a_reply_that_failed_still_knows_what_it_replies_to(world: World) -> None:
    view = world.social.posts.publish(world.ada.id, "A question?", "everyone")
    fields = {"text": "y" * 600, "visibility": "everyone"}
    answer = world.client("grace").submit(view.url, "/posts", fields)
    assert f'name="in_reply_to" value="{view.post.id}"' in answer.text
    assert "A question?" in answer.text


def test_a_text_sent_without_a_session_is_given_back(world: World) -> None:
    client = world.client("ada")
    fields = {"text": "Long thought.", "visibility": "everyone"}
    world.social.sessions.open_ones.clear()
    answer = client.post("/posts", fields)
    assert answer.code in (401, 403)
    assert "Long thought.</textarea>" in answer.text
    assert 'href="/login"' in answer.text


def test_a_commit_in_doubt_keeps_the_text_and_says_so(world: World) -> None:
    def publish(*_: object) -> None:
        raise InDoubt("We could not make sure that this was saved. Please look whether it is there.")

    client = world.client("ada")
    world.social.posts.publish = publish
    answer = client.submit("/", "/posts", {"text": "Maybe.", "visibility": "everyone"})
    assert answer.code == 503
    assert "look whether it is there" in answer.text
    assert "Maybe.</textarea>" in answer.text
    assert answer.header("Retry-After") == "2"


def test_a_reply_stands_in_the_thread_and_leads_back_there(world: World) -> None:
    view = world.social.posts.publish(world.ada.id, "A question?", "everyone")
    client = world.client("grace")
    answer = client.submit(view.url, "/posts", {"text": "An answer!", "visibility": "everyone"})
    reply = max(world.social.posts.by_id)
    assert answer.header("Location") == f"{view.url}#p{reply}"
    html = client.get(view.url).text
    assert "1 reply" in html
    assert html.index("A question?") < html.index("An answer!")
    assert "A question?" in client.get(f"/@grace/{reply}").text


def test_like_and_unlike(world: World) -> None:
    view = world.social.posts.publish(world.ada.id, "Likeable.", "everyone")
    client = world.client("grace")
    client.submit("/explore", f"{view.url}/like")
    assert '<span class="vh">Unlike</span></button><span class="n">1</span>' in client.get("/explore").text
    client.submit("/explore", f"{view.url}/unlike")
    assert '<span class="vh">Like</span></button><span class="n"></span>' in client.get("/explore").text


def test_a_like_leads_back_to_the_post_in_the_list(world: World) -> None:
    view = world.social.posts.publish(world.ada.id, "Likeable.", "everyone")
    client = world.client("grace")
    here = {"HTTP_REFERER": "http://social.test/explore?max_id=9"}
    assert (
        client.submit("/explore", f"{view.url}/like", **here).header("Location") == f"/explore?max_id=9#p{view.post.id}"
    )
    away = {"HTTP_REFERER": "http://evil.test/explore"}
    assert client.submit("/explore", f"{view.url}/unlike", **away).header("Location") == f"{view.url}#p{view.post.id}"


def test_a_script_that_likes_gets_the_numbers(world: World) -> None:
    view = world.social.posts.publish(world.ada.id, "Likeable.", "everyone")
    answer = world.client("grace").submit("/explore", f"{view.url}/like", HTTP_ACCEPT="application/json")
    assert json.loads(answer.body) == {"liked": True, "likes": 1}


def test_who_wrote_a_post_can_delete_it_and_nobody_else(world: World) -> None:
    view = world.social.posts.publish(world.ada.id, "Regrettable.", "everyone")
    grace = world.client("grace")
    assert f"{view.url}/delete" not in grace.get("/explore").text
    token = grace.get("/settings").text.partition('name="csrf" value="')[2].partition('"')[0]
    assert grace.post(f"{view.url}/delete", {"csrf": token}).code == 403
    ada = world.client("ada")
    assert ada.submit(view.url, f"{view.url}/delete").header("Location") == "/"
    assert ada.get(view.url).code == 404


def test_a_post_for_friends_does_not_exist_for_others(world: World) -> None:
    view = world.social.posts.publish(world.ada.id, "Only for friends.", "friends")
    for client in (world.client("grace"), world.client()):
        for path in (view.url, f"/posts/{view.post.id}", "/explore", "/@ada"):
            assert "Only for friends." not in client.get(path).text
    there, nowhere = world.client("grace").get(view.url), world.client("grace").get("/@ada/12345")
    assert there.code == nowhere.code == 404
    assert there.text == nowhere.text


def test_a_post_is_found_under_its_own_address_only(world: World) -> None:
    view = world.social.posts.publish(world.ada.id, "Here.", "everyone")
    client = world.client()
    assert client.get(f"/@grace/{view.post.id}").header("Location") == view.url
    assert client.get(f"/posts/{view.post.id}").header("Location") == view.url
