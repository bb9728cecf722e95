"""Ending letters of one kind, from a letter."""

from tests.web.conftest import World


def link(world: World, kind: str = "reply") -> str:
    return f"/unsubscribe/{world.grace.id}.{kind}"


def wants(world: World, kind: str = "reply") -> bool:
    return world.social.preferences.of(world.grace.id).wants("mail", kind)


def test_looking_at_the_link_changes_nothing(world: World) -> None:
    page = world.client().get(link(world))
    assert page.code == 200
    assert "Somebody replies to you" in page.text
    assert wants(world)


def test_the_button_on_the_page_ends_them_without_a_log_in(world: World) -> None:
    client = world.client()
    answer = client.submit(link(world), link(world))
    assert answer.code == 200 and "You get no more letters of this kind" in answer.text
    assert not wants(world) and wants(world, "mention")


def test_one_click_in_the_mail_program_is_enough(world: World) -> None:
    """As RFC 8058 has it: a POST without a cookie, from another site or none, with one field."""
    answer = world.client().post(
        link(world), {"List-Unsubscribe": "One-Click"}, HTTP_ORIGIN="null", HTTP_SEC_FETCH_SITE="cross-site"
    )
    assert answer.code == 200
    assert not wants(world)
    assert "session" not in answer.cookies


def test_a_multipart_body_is_as_good(world: World) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    assert world.client().send("POST", link(world), body, "multipart/form-data; boundary=x").code == 200
    assert not wants(world)


def test_a_damaged_link_changes_nothing(world: World) -> None:
    assert world.client().get("/unsubscribe/nonsense").code == 404
    assert world.client().post("/unsubscribe/nonsense").code == 404


def test_no_other_address_takes_a_form_without_its_token(world: World) -> None:
    for path in ("/settings/letters", "/settings/email", "/confirm/confirm-grace", "/logout"):
        assert world.client("grace").post(path, {"x": "y"}).code == 403
