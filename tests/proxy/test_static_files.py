"""Static files: addresses, encodings, and what cannot be reached."""

import gzip
from pathlib import Path

import pytest

from minisocial.proxy import StaticFiles
from minisocial.wsgi import Headers, Response, plain
from tests.fakes import environ_of

CSS = "body { color: black }\n" * 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "icons").mkdir(parents=True)
    (folder / "app.css").write_text(CSS)
    (folder / "icons" / "star.svg").write_text("<svg/>")
    (folder / ".hidden").write_text("secret")
    (tmp_path / "outside.txt").write_text("secret")
    return folder


def refuse(status: int, message: str, headers: Headers) -> Response:
    return plain(f"{status} No", message, *headers)


def get(files: StaticFiles, path: str, method: str = "GET", **headers: str) -> Response:
    return files.answer(environ_of(path, method, **headers), refuse)


def test_file_is_served_for_ever_under_its_address(folder: Path) -> None:
    files = StaticFiles(folder)
    answer = get(files, files.url("app.css"))
    assert answer.body.decode() == CSS
    assert "immutable" in answer.header("Cache-Control") and answer.header("Content-Type").startswith("text/css")
    assert answer.header("X-Content-Type-Options") == "nosniff"


def test_file_in_a_folder_has_an_address_too(folder: Path) -> None:
    files = StaticFiles(folder)
    assert get(files, files.url("icons/star.svg")).header("Content-Type") == "image/svg+xml"


def test_address_changes_when_any_file_does(folder: Path) -> None:
    before = StaticFiles(folder)
    assert before.url("app.css") == StaticFiles(folder).url("app.css")
    (folder / "icons" / "star.svg").write_text("<svg></svg>")
    assert before.url("app.css") != StaticFiles(folder).url("app.css")


def test_page_from_before_an_update_gets_todays_file_but_may_not_keep_it(folder: Path) -> None:
    answer = get(StaticFiles(folder), "/static/0123456789ab/app.css")
    assert answer.code == 200 and answer.header("Cache-Control") == "no-cache"


def test_file_is_gzipped_for_those_who_take_it(folder: Path) -> None:
    files = StaticFiles(folder)
    answer = get(files, files.url("app.css"), accept_encoding="gzip")
    assert gzip.decompress(answer.body).decode() == CSS
    assert answer.header("Vary") == "Accept-Encoding" and answer.header("Content-Length") == str(len(answer.body))


def test_whoever_has_it_gets_304(folder: Path) -> None:
    files = StaticFiles(folder)
    etag = get(files, files.url("app.css")).header("ETag")
    assert get(files, files.url("app.css"), if_none_match=etag).code == 304


@pytest.mark.parametrize(
    "name",
    ["nothing.css", "", "../outside.txt", "..", "icons", "icons/", "icons/../app.css", ".hidden", "/etc/passwd",
     "app.css/", "app.css\0", "%2e%2e/outside.txt", "ICONS/star.svg", "./app.css"],
)  # fmt: skip
def test_nothing_else_is_reachable(folder: Path, name: str) -> None:
    files = StaticFiles(folder)
    for hash in (files.url("app.css").split("/")[2], "x", ""):
        assert get(files, f"/static/{hash}/{name}").code == 404


def test_files_cannot_be_written(folder: Path) -> None:
    files = StaticFiles(folder)
    answer = get(files, files.url("app.css"), "POST")
    assert answer.code == 405 and answer.header("Allow") == "GET, HEAD"


def test_asking_for_the_address_of_a_missing_file_is_a_mistake(folder: Path) -> None:
    with pytest.raises(KeyError, match=r"nothing\.css"):
        StaticFiles(folder).url("nothing.css")
