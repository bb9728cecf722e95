"""Where a request comes from: who may say so, and who is surely at this machine."""

from typing import Any

import pytest

from minisocial.proxy.origin import FORWARDING, REWRITING, Origin
from tests.fakes import environ_of


def settled(trusted_proxy: str = "", **more: Any) -> dict[str, Any]:
    environ = environ_of(**{"host": "localhost:8000", **more})
    Origin(trusted_proxy).settle(environ)
    return environ


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "127.1.2.3", "[::1]", "[::1]:8000"])
def test_browser_on_this_machine_is_local(address: str, host: str) -> None:
    assert settled(REMOTE_ADDR=address, host=host)["minisocial.is_local"] is True


@pytest.mark.parametrize("address", ["10.0.0.1", "128.0.0.1", "::2", "::ffff:10.0.0.1", "fe80::1%eth0", ""])
def test_another_machine_is_not_local_whatever_host_it_says(address: str) -> None:
    assert settled(REMOTE_ADDR=address)["minisocial.is_local"] is False


@pytest.mark.parametrize(
    "host",
    ["", "example.org", "localhost.example.org", "127.0.0.1.example.org", "127.example.org", "[::1].example.org",
     "localhost:x", "evil:localhost", "0.0.0.0", "[::2]", "127.1", "2130706433", "localhost."],
)  # fmt: skip
def test_name_that_could_be_rebound_is_not_local(host: str) -> None:
    assert settled(host=host)["minisocial.is_local"] is False


@pytest.mark.parametrize("name", sorted(FORWARDING))
def test_forwarded_request_is_not_local_and_the_header_goes_no_further(name: str) -> None:
    environ = settled(**{name: "127.0.0.1"})
    assert environ["minisocial.is_local"] is False
    assert name not in environ
    assert environ["minisocial.client"] == "127.0.0.1"


def test_strangers_cannot_choose_their_address_scheme_or_host() -> None:
    environ = settled(
        "10.0.0.9", REMOTE_ADDR="10.0.0.1",
        x_forwarded_for="1.2.3.4", x_forwarded_proto="https", x_forwarded_host="evil.example",
    )  # fmt: skip
    assert environ["minisocial.client"] == "10.0.0.1"
    assert environ["wsgi.url_scheme"] == "http" and environ["HTTP_HOST"] == "localhost:8000"


def test_trusted_proxy_is_believed_about_its_own_client_only() -> None:
    environ = settled(
        "10.0.0.9", REMOTE_ADDR="10.0.0.9",
        x_forwarded_for="6.6.6.6, 1.2.3.4", x_forwarded_proto="HTTPS", x_forwarded_host="club.example",
    )  # fmt: skip
    assert environ["minisocial.client"] == environ["REMOTE_ADDR"] == "1.2.3.4"
    assert environ["wsgi.url_scheme"] == "https" and environ["HTTP_HOST"] == "club.example"
    assert not FORWARDING & environ.keys()


@pytest.mark.parametrize("address", ["", "unknown", "1.2.3.4:80", "1.2.3.4\r\nX: y", "1.2.3.4,"])
def test_nonsense_from_the_trusted_proxy_is_left_aside(address: str) -> None:
    environ = settled("127.0.0.1", x_forwarded_for=address, x_forwarded_proto="ftp", x_forwarded_host="a b")
    assert environ["minisocial.client"] == "127.0.0.1"
    assert environ["wsgi.url_scheme"] == "http" and environ["HTTP_HOST"] == "localhost:8000"


def test_client_behind_the_trusted_proxy_is_not_local_even_if_it_says_loopback() -> None:
    environ = settled("127.0.0.1", x_forwarded_for="127.0.0.1", x_forwarded_host="localhost")
    assert environ["minisocial.is_local"] is False


@pytest.mark.parametrize("name", sorted(REWRITING))
def test_headers_that_mean_another_request_are_removed(name: str) -> None:
    environ = settled(**{name: "DELETE"})
    assert name not in environ and environ["minisocial.is_local"] is True
