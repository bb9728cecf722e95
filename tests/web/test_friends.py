"""The friends page and the buttons between two people."""

from tests.web.client import hidden
from tests.web.conftest import World


def test_a_request_is_sent_seen_and_accepted(world: World) -> None:
    grace, ada = world.client("grace"), world.client("ada")
    assert grace.submit("/@ada", "/@ada/friend").header("Location") == "/@ada"
    assert "Request sent" in grace.get("/@ada").text
    assert "Waiting for an answer" in grace.get("/friends").text
    assert ada.submit("/friends", "/@grace/accept").code == 303
    assert "1 friend" in ada.get("/friends").text
    assert "Unfriend" in grace.get("/@ada").text


def test_the_link_in_the_letter_leads_through_log_in_to_the_buttons(world: World) -> None:
    world.client("grace").submit("/@ada", "/@ada/friend")
    ada = world.client()
    page = ada.submit("/login?next=/@grace", "/login", {"username": "ada", "password": "minisocial"})
    html = ada.get(page.header("Location")).text
    assert "/@grace/accept" in html
    assert "/@grace/decline" in html


def test_declining_and_cancelling(world: World) -> None:
    grace, ada = world.client("grace"), world.client("ada")
    grace.submit("/@ada", "/@ada/friend")
    assert ada.submit("/friends", "/@grace/decline").code == 303
    assert "wants to be your friend" not in ada.get("/friends").text
    assert "Request sent" in grace.get("/@ada").text  # a decline tells nobody
    grace.submit("/@ada", "/@ada/cancel")
    assert "Add friend" in grace.get("/@ada").text


def test_unfriending_ends_it(world: World) -> None:
    world.social.friends._set("friends", world.ada.id, world.grace.id, "friends")
    client = world.client("ada")
    client.submit("/@grace", "/@grace/unfriend")
    assert "Add friend" in client.get("/@grace").text


def test_answering_a_request_that_is_gone_is_not_found(world: World) -> None:
    client = world.client("ada")
    token = client.get("/settings").text.partition('name="csrf" value="')[2].partition('"')[0]
    answer = client.post("/@grace/accept", {"csrf": token})
    assert answer.code == 404
    assert "no friend request from this person" in answer.text


def test_a_button_leads_back_to_the_page_it_was_on(world: World) -> None:
    world.social.friends.add(world.grace.id, world.ada.id)
    answer = world.client("ada").submit("/", "/@grace/accept", HTTP_REFERER="http://social.test/notifications")
    assert answer.header("Location") == "/notifications"


def test_without_friends_the_page_says_how_to_find_some(world: World) -> None:
    html = world.client("ada").get("/friends").text
    assert "No friends here yet" in html
    assert 'href="/invites"' in html


def test_the_page_names_members_with_whom_one_has_nothing_to_do_yet(world: World) -> None:
    client = world.client("ada")
    assert "Grace Hopper" in client.get("/friends").text.partition("Also here")[2].partition("</section>")[0]
    world.social.friends.add(world.grace.id, world.ada.id)
    assert "Grace Hopper" not in client.get("/friends").text.partition("Also here")[2]


def test_a_blocked_person_is_gone_and_can_be_unblocked_in_the_settings(world: World) -> None:
    client, other = world.client("ada"), world.client("grace")
    answer = client.submit("/@grace", "/@grace/block")
    assert answer.header("Location").startswith("/settings?saved=blocked")
    assert client.get("/@grace").code == other.get("/@ada").code == 404
    page = client.get("/settings?saved=blocked").text
    assert "You do not see each other any more" in page and "/@grace/unblock" in page
    client.submit("/settings", "/@grace/unblock")
    assert client.get("/@grace").code == other.get("/@ada").code == 200
    assert "/@grace/unblock" not in client.get("/settings").text


def test_a_person_s_page_offers_to_block_others_only(world: World) -> None:
    client = world.client("ada")
    assert 'action="/@grace/block"' in client.get("/@grace").text
    assert "/block" not in client.get("/@ada").text


def test_who_is_hidden_and_who_never_was_are_the_same_page(world: World) -> None:
    world.client("ada").submit("/@grace", "/@grace/block")
    client = world.client("grace")
    for address in ("/@ada", "/@nobody"):
        answer = client.get(address)
        assert answer.code == 404
        page = answer.text
        assert "There is nobody here by that name." in page
    for action in ("friend", "block", "unblock", "follow"):
        token = hidden(client.get("/").text, "/logout")
        there, missing = client.post(f"/@ada/{action}", token), client.post(f"/@nobody/{action}", token)
        assert (there.code, there.text) == (404, missing.text)
