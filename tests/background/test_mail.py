import dataclasses
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minisocial.background.mail import Letter, MailDown, Mailer, Undeliverable, letter_name
from minisocial.trace import Tracer
from tests.fakes import ManualClock

LETTER = Letter("request:12:34", "ada@example.org", "Ada Lovelace", "Grace wants to be your friend", "Hello Ada.\n")


@pytest.fixture
def mailer(tmp_path: Path) -> Mailer:
    return Mailer(mail_from="minisocial <us@example.org>", folder=tmp_path / "mail", clock=ManualClock())


def sent(mailer: Mailer, letter: Letter):
    """The letter as a mail program would see it."""
    return message_from_bytes(mailer.compose(letter).as_bytes(), policy=policy.default)


def test_letter_without_a_server_lies_in_the_folder(mailer: Mailer) -> None:
    mailer.send(LETTER)
    (letter,) = mailer.letters()
    assert letter.to == "Ada Lovelace <ada@example.org>"
    assert letter.subject == "Grace wants to be your friend"
    assert letter.text.rstrip() == "Hello Ada."
    assert mailer.snapshot().sent == 1


def test_letter_sent_twice_leaves_one_file(mailer: Mailer) -> None:
    mailer.send(LETTER)
    mailer.send(LETTER)
    assert len(mailer.letters()) == 1


def test_letter_has_the_headers_that_machines_look_for(mailer: Mailer) -> None:
    with Tracer().begin("request-7", "task letter"):
        message = sent(mailer, LETTER)
    assert message["Message-ID"] == f"<{letter_name(LETTER.key)}@example.org>"
    assert message["Date"] == "Fri, 15 Jan 2027 08:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Request-Id"] == "request-7"
    assert message["From"] == "minisocial <us@example.org>"
    assert message["List-Unsubscribe"] is None


def test_letter_with_a_twin_has_both(mailer: Mailer) -> None:
    message = sent(mailer, dataclasses.replace(LETTER, html="<p>Hello <b>Ada</b></p>"))
    assert message.get_body(("plain",)).get_content() == "Hello Ada.\r\n"
    assert message.get_body(("html",)).get_content() == "<p>Hello <b>Ada</b></p>\r\n"


def test_unsubscribing_takes_one_click(mailer: Mailer) -> None:
    url = "https://example.org/settings/mail/off?token=" + "x" * 200
    message = mailer.compose(dataclasses.replace(LETTER, unsubscribe=url))
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in message.as_bytes()
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mailer.compose(dataclasses.replace(LETTER, unsubscribe="https://x>\r\nBcc: a@b"))["List-Unsubscribe"] is None


def test_letters_about_the_same_are_one_thread(mailer: Mailer) -> None:
    one, other, third = (
        mailer.compose(dataclasses.replace(LETTER, key=key, thread=thread))
        for key, thread in (("reply:1", "post:7"), ("like:2", "post:7"), ("reply:3", "post:8"))
    )
    assert one["References"] == one["In-Reply-To"] == other["References"] != third["References"]
    assert len({message["Message-ID"] for message in (one, other, third)}) == 3
    assert mailer.compose(LETTER)["References"] is None


def test_message_id_is_one_unbroken_word_however_long_the_key(mailer: Mailer) -> None:
    message = mailer.compose(dataclasses.replace(LETTER, key="schlüssel " * 50))
    (line,) = [line for line in message.as_bytes().split(b"\r\n") if line.startswith(b"Message-ID")]
    assert line == f"Message-ID: <{letter_name('schlüssel ' * 50)}@example.org>".encode()


def test_keys_that_look_alike_name_different_letters() -> None:
    names = {letter_name(key) for key in ("a:b", "a-b", "a.b", "A:b", "a:b ", "", "../../etc/passwd", "\0")}
    assert len(names) == 8
    assert all(name.replace("-", "").isalnum() and name.isascii() for name in names)


EVIL = [
    "Ada\r\nBcc: all@example.org",
    "Ada\nX-Evil: 1\n\nbody",
    "Ada\rBcc: a@b",
    "Ada\x85Bcc: a@b",
    "Ada\u2028Bcc: a@b",
    "Ada\0Bcc: a@b",
    "=?utf-8?q?Ada=0D=0ABcc:_a@b?=",
    '"Ada" <eve@example.org>, Bob',
    "Ada\u202egro.elpmaxe@eve",
    "\ud800",
    "é" * 300,
    "=?utf-8?q?a?==?utf-8?q?=0D=0ABcc:_a@b?=",
    "==??=?utf-8?b?DQpCY2M6IGE=?=",
    "👩‍💻 " * 60,
    "עדה לאבלייס",
    "a" * 500,
    "",
    "   ",
    "Ada, Countess; of: Lovelace (née Byron)",
]


@pytest.mark.parametrize("field", ["to_name", "subject", "key", "text", "html", "unsubscribe", "thread"])
@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_no_text_can_add_headers_or_recipients(mailer: Mailer, field: str, evil: str) -> None:
    evil = f"https://example.org/{evil}" if field == "unsubscribe" else evil
    check_headers(mailer, dataclasses.replace(LETTER, **{field: evil}))


NASTY = st.text(max_size=200) | st.lists(
    st.sampled_from(["=?utf-8?q?", "?=", "=0D=0A", "=?", "=", "?", "\r\n", "X: y", ","])
).map("".join)


@given(name=NASTY, subject=NASTY, text=st.text(max_size=300))
def test_no_text_at_all_can(tmp_path_factory, name: str, subject: str, text: str) -> None:
    mailer = Mailer(mail_from="us@example.org", folder=tmp_path_factory.getbasetemp(), clock=ManualClock())
    check_headers(mailer, dataclasses.replace(LETTER, to_name=name, subject=subject, text=text))


def check_headers(mailer: Mailer, letter: Letter) -> None:
    raw = mailer.compose(letter).as_bytes()
    head = raw.partition(b"\r\n\r\n")[0]
    assert all(len(line) < 998 for line in raw.split(b"\r\n"))
    assert b"\r" not in head.replace(b"\r\n", b"") and b"\n" not in head.replace(b"\r\n", b"")
    message = message_from_bytes(raw, policy=policy.default)
    allowed = {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "Content-Type",
        "Content-Transfer-Encoding",
        "MIME-Version",
        *(("In-Reply-To", "References") if letter.thread else ()),
    }
    assert set(message.keys()) <= allowed
    assert len(message.keys()) == len(set(message.keys()))
    assert [address.addr_spec for address in message["To"].addresses] == ["ada@example.org"]
    assert not set(message["Subject"] + message["To"].addresses[0].display_name) & set("\r\n\0\u202e\u2028\u2066")


@pytest.mark.parametrize("text", ["First\nFrom here\n.\n..\nLast", "ünï ✓ " * 300, "x" * 5000, "a\r\nb\rc"])
def test_body_arrives_as_written(mailer: Mailer, text: str) -> None:
    written = text.replace("\r\n", "\n").replace("\r", "\n")
    assert (
        sent(mailer, dataclasses.replace(LETTER, text=text)).get_content().replace("\r\n", "\n").rstrip("\n") == written
    )


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "a b@example.org",
        "a@b, c@d",
        "a@b\r\nBcc: c@d",
        "<a@b>",
        "=?utf-8?q?=0D=0ABcc:_a?=@b.c",
        "a@b@c",
        '"a b"@c',
        "a@" + "b" * 300,
        "a\0@b",
        "ada@exa\u202emple.org",
        "ada@ex..org",
    ],
)
def test_address_that_is_none_is_given_up(mailer: Mailer, address: str) -> None:
    with pytest.raises(Undeliverable):
        mailer.send(dataclasses.replace(LETTER, to=address))
    assert mailer.snapshot().failed == 1
    assert mailer.letters() == []


def test_domain_in_any_script_is_translated(mailer: Mailer) -> None:
    message = mailer.compose(dataclasses.replace(LETTER, to="ada@bücher.example"))
    assert message["To"].addresses[0].addr_spec == "ada@xn--bcher-kva.example"


def test_folder_that_cannot_be_written_is_tried_again_later(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file where the folder should be")
    mailer = Mailer(mail_from="us@example.org", folder=tmp_path / "mail", clock=ManualClock())
    with pytest.raises(MailDown):
        mailer.send(LETTER)


def test_sender_that_is_no_address_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        Mailer(mail_from="nobody", folder=tmp_path, clock=ManualClock())
