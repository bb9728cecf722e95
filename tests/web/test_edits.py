"""Editing a post: the form, what was said before, and two edits at once."""

from tests.web.client import hidden
from tests.web.conftest import World


def publish(world: World, text: str = "hallo") -> str:
    return world.social.posts.publish(world.ada.id, text, "everyone").url


def test_a_post_gets_other_words_and_its_page_tells_the_earlier_ones(world: World) -> None:
    url, ada, grace = publish(world), world.client("ada"), world.client("grace")
    assert f"{url}/edit" in ada.get(url).text
    assert ada.submit(f"{url}/edit", f"{url}/edit", {"text": "hello"}).header("Location") == url
    page = grace.get(url).text
    assert "1 earlier version" in page and "hallo" in page
    assert "dt-updated" in grace.get("/explore").text and "hallo" not in grace.get("/explore").text


def test_only_who_wrote_it_is_offered_the_form(world: World) -> None:
    url, grace = publish(world), world.client("grace")
    assert f"{url}/edit" not in grace.get(url).text
    assert grace.get(f"{url}/edit").code == 403
    assert grace.post(f"{url}/edit", hidden(grace.get("/").text, "/logout") | {"text": "hers"}).code == 403
    assert world.client().get(f"{url}/edit").header("Location").startswith("/login")


def test_an_edit_on_older_words_comes_back_with_its_text_and_the_words_as_they_are_now(world: World) -> None:
    url, ada = publish(world), world.client("ada")
    form = hidden(ada.get(f"{url}/edit").text, f"{url}/edit")
    ada.post(f"{url}/edit", form | {"text": "hello"})
    answer = ada.post(f"{url}/edit", form | {"text": "good day"})
    assert answer.code == 409
    assert "somewhere else" in answer.text and "good day" in answer.text and "hello" in answer.text
    again = hidden(answer.text, f"{url}/edit") | {"text": "good day"}
    assert ada.post(f"{url}/edit", again).code == 303
    assert "good day" in ada.get(url).text


def test_a_form_that_failed_comes_back_as_it_was(world: World) -> None:
    url, ada = publish(world), world.client("ada")
    answer = ada.submit(f"{url}/edit", f"{url}/edit", {"text": ""})
    assert answer.code == 422 and "Please write something first." in answer.text
