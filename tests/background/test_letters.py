import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minisocial.background.letters import Letters

HEAD = b"From: us@example.org\r\nTo: Ada <ada@example.org>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: today\r\n"
PLAIN = HEAD + b"\r\nHi.\r\n"


@pytest.fixture
def letters(tmp_path: Path) -> Letters:
    return Letters(tmp_path / "mail")


def test_stored_letter_can_be_read(letters: Letters) -> None:
    letters.put("one", PLAIN)
    (letter,) = letters.newest()
    assert (letter.name, letter.to, letter.subject) == ("one.eml", "Ada <ada@example.org>", "Grüße")
    assert letter.text.split() == ["Hi."]


def test_letter_put_twice_is_there_once(letters: Letters, tmp_path: Path) -> None:
    letters.put("one", PLAIN)
    letters.put("one", PLAIN + b"again")
    assert [file.read_bytes() for file in (tmp_path / "mail").iterdir()] == [PLAIN]


def test_half_written_letter_is_not_seen_and_is_replaced(letters: Letters, tmp_path: Path) -> None:
    letters.put("zero", PLAIN)
    (tmp_path / "mail" / f".one.{os.getpid()}.part").write_bytes(b"Subje")  # the power went here
    assert len(letters.newest()) == 1
    letters.put("one", PLAIN)
    assert len(letters.newest()) == 2
    assert list((tmp_path / "mail").glob(".*")) == []


def test_newest_first_and_no_more_than_asked_for(letters: Letters, tmp_path: Path) -> None:
    for n in range(5):
        letters.put(str(n), PLAIN)
        os.utime(tmp_path / "mail" / f"{n}.eml", (n, n))
    assert [letter.name for letter in letters.newest(2)] == ["4.eml", "3.eml"]


def test_no_folder_means_no_letters(letters: Letters) -> None:
    assert letters.newest() == []


def test_links_and_other_files_are_not_followed(letters: Letters, tmp_path: Path) -> None:
    letters.put("one", PLAIN)
    (tmp_path / "secret").write_bytes(b"Subject: secret\r\n\r\n")
    (tmp_path / "mail" / "link.eml").symlink_to(tmp_path / "secret")
    (tmp_path / "mail" / "notes.txt").write_text("notes")
    (tmp_path / "mail" / "folder.eml").mkdir()
    assert [letter.name for letter in letters.newest()] == ["one.eml"]


def test_letters_are_private(letters: Letters, tmp_path: Path) -> None:
    letters.put("one", PLAIN)
    assert (tmp_path / "mail").stat().st_mode & 0o077 == 0
    assert (tmp_path / "mail" / "one.eml").stat().st_mode & 0o077 == 0


def test_what_is_shown_is_bounded(letters: Letters) -> None:
    letters.put("one", b"Subject: " + b"s" * 5000 + b"\r\n\r\n" + b"text " * 500_000)
    (letter,) = letters.newest()
    assert len(letter.subject) <= 300
    assert len(letter.text) <= 20_000


HEADERS = [b"To: ", b"Subject: ", b"Date: ", b"Content-Type: ", b"Content-Transfer-Encoding: ", b"MIME-Version: 1.0"]
VALUES = [b"multipart/mixed; boundary=x", b"text/plain; charset=no-such", b"base64", b"=?utf-8?b?=?=", b"<,;@", b"--x"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(HEADERS), st.sampled_from(VALUES) | st.binary(max_size=20))), st.binary())
def test_garbage_in_the_folder_harms_nobody(tmp_path_factory, headers, body) -> None:
    letters = Letters(tmp_path_factory.mktemp("mail"))
    letters.put("garbage", b"\r\n".join(key + value for key, value in headers) + b"\r\n\r\n" + body)
    letters.put("good", PLAIN)
    assert "good.eml" in [letter.name for letter in letters.newest()]


def test_letters_go_when_they_are_older_and_the_oldest_first(letters: Letters, tmp_path: Path) -> None:
    for at, name in ((1, "first"), (2, "second"), (3, "third"), (4, "fourth")):
        letters.put(name, PLAIN)
        os.utime(tmp_path / "mail" / f"{name}.eml", ns=(at * 10**9, at * 10**9))
    (tmp_path / "mail" / "notes.txt").write_text("not a letter")
    assert letters.remove_older(than_ms=3000, limit=1) == 1
    assert [letter.name for letter in letters.newest()] == ["fourth.eml", "third.eml", "second.eml"]
    assert letters.remove_older(than_ms=3000, limit=9) == 1
    assert letters.remove_older(than_ms=3000, limit=9) == 0  # that of this very moment stays
    assert (tmp_path / "mail" / "notes.txt").exists()
