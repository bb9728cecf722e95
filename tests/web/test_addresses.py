"""The address for letters."""

from tests.web.conftest import World, make_world


def test_opening_the_link_confirms_nothing_and_the_button_does(world: World) -> None:
    """Mail programs open links by themselves."""
    client = world.client()
    assert "grace@example.org" in client.get("/confirm/confirm-grace").text
    assert not world.social.addresses.is_confirmed(world.grace.id)
    answer = client.submit("/confirm/confirm-grace", "/confirm/confirm-grace")
    assert answer.code == 200 and "Confirmed" in answer.text
    assert world.social.addresses.is_confirmed(world.grace.id)


def test_a_link_that_is_over_says_so(world: World) -> None:
    assert world.client().get("/confirm/used").code == 410


def test_whoever_has_not_confirmed_is_reminded_where_letters_are_sent() -> None:
    world = make_world(sends_mail=True)
    client = world.client("grace")
    assert "Please confirm your e-mail address" in client.get("/").text
    assert "not confirmed yet" in client.get("/settings").text
    assert client.submit("/", "/settings/email/again").header("Location") == "/settings?saved=again"
    assert world.social.addresses.asked == [world.grace.id]
    world.social.addresses.confirm("confirm-grace")
    assert "Please confirm" not in client.get("/").text


def test_nobody_is_reminded_of_what_no_letter_can_bring(world: World) -> None:
    client = world.client("grace")
    assert "Please confirm" not in client.get("/").text
    assert "lies with your host" in client.get("/settings").text


def test_a_new_address_waits_for_its_link(world: World) -> None:
    client = world.client("grace")
    fields = {"email": "admiral@example.org", "password": "minisocial"}
    assert client.submit("/settings", "/settings/email", fields).header("Location") == "/settings?saved=email"
    html = client.get("/settings").text
    assert "grace@example.org" in html and "admiral@example.org" in html


def test_a_mistake_comes_back_with_what_was_typed_but_the_password(world: World) -> None:
    fields = {"email": "admiral@example.org", "password": "wrong-guess"}
    answer = world.client("grace").submit("/settings", "/settings/email", fields)
    assert answer.code == 422
    assert 'value="admiral@example.org"' in answer.text
    assert 'id="password-mistake"' in answer.text
    assert "wrong-guess" not in answer.text
    assert 'value="Grace Hopper"' in answer.text  # the other forms are as they were


def test_nobody_can_have_letters_sent_without_end() -> None:
    world = make_world(limited=True)
    client = world.client("grace")
    codes = [client.submit("/settings", "/settings/email/again").code for _ in range(8)]
    assert codes == [303] * 6 + [429] * 2
