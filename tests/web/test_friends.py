"""The friends page and the buttons between two people."""

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
