"""What strangers get is kept by the proxy; the database's log takes it away in the moment it is not true any more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from minisocial.social.posts import PostView
from tests.client import Client
from tests.scenarios.people import join, settle
from tests.scenarios.visitors import Visited, connect, fresh, let_strangers_in, open_house, read, status, visit


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Visited, Client]]:
    with open_house(tmp_path) as opened:
        yield opened


def only_post(system: Visited) -> PostView:
    (view,) = system.social.feeds.explore(None).items
    return view


def warm(system: Visited, *paths: str) -> None:
    """Strangers have these pages kept."""
    for path in paths:
        assert visit(system, path).code == 200
        assert status(visit(system, path)) == "minisocial; hit"


def test_deleted_post_is_gone_from_the_very_next_page(house: tuple[Visited, Client]) -> None:
    system, ada = house
    post = only_post(system)
    pages = ("/explore", "/tags/tag", "/@ada")
    warm(system, *pages, post.url)
    ada.get(post.url).submit("Delete")
    assert ada.answers[0].status == 303  # and nothing was waited for since
    for path in pages:
        answer = visit(system, path)
        assert answer.code == 200 and b"Hello strangers" not in answer.body
    assert visit(system, post.url).code == 404


def test_new_post_like_and_reply_are_on_the_very_next_page(house: tuple[Visited, Client]) -> None:
    system, ada = house
    post = only_post(system)
    warm(system, "/explore", "/@ada", post.url)
    ada.get("/").submit("Post", text="Second thoughts", visibility="everyone")
    assert b"Second thoughts" in visit(system, "/explore").body and b"Second thoughts" in visit(system, "/@ada").body
    warm(system, "/explore", post.url)
    ada.get(post.url).submit("Like")
    assert visit(system, "/explore").body == fresh(system, "/explore").body
    warm(system, post.url)
    ada.get(post.url).submit("Reply", text="I agree with myself", visibility="everyone")
    settle(system)  # a reply reaches its thread through the queue
    assert b"I agree with myself" in visit(system, post.url).body


def test_new_name_is_on_the_very_next_page_wherever_it_stands(house: tuple[Visited, Client]) -> None:
    system, ada = house
    pages = ("/explore", "/@ada", "/tags/tag", only_post(system).url)
    warm(system, *pages)
    ada.get("/settings").submit("Save", display_name="Countess Lovelace")
    for path in pages:
        assert b"Countess Lovelace" in visit(system, path).body


def test_community_that_closes_its_doors_shows_nothing_more(house: tuple[Visited, Client]) -> None:
    system, _ = house
    pages = ("/explore", "/@ada", "/tags/tag", only_post(system).url)
    warm(system, "/", *pages)
    let_strangers_in(system, False)
    for path in pages:
        assert visit(system, path).code == 303  # to the log-in page
    assert visit(system, "/").code == 200 and b"/explore" not in visit(system, "/").body
    let_strangers_in(system)
    assert b"Hello strangers" in visit(system).body


def test_post_for_friends_reaches_no_page_of_strangers(house: tuple[Visited, Client]) -> None:
    system, ada = house
    grace = join(system, ada, "grace")
    warm(system, "/explore", "/@ada")
    ada.get("/").submit("Post", text="Only among us", visibility="friends")
    settle(system)
    for client in (ada, grace):
        client.get("/@ada"), client.get("/explore")
    assert not any(b"Only among us" in visit(system, path).body for path in ("/explore", "/@ada", "/"))


def test_emptied_caches_empty_this_one_too(house: tuple[Visited, Client]) -> None:
    system, _ = house
    warm(system, "/explore")
    system.caches.invalidation.forget_everything()
    assert status(visit(system)) == "minisocial; fwd=uri-miss; stored"


def test_page_is_revalidated_by_its_etag_and_sent_gzipped(house: tuple[Visited, Client]) -> None:
    system, ada = house
    first = visit(system, accept_encoding="gzip")
    assert first.header("Content-Encoding") == "gzip"
    again = visit(system, accept_encoding="gzip", if_none_match=first.header("ETag"))
    assert (again.code, again.body) == (304, b"")
    ada.get("/").submit("Post", text="News", visibility="everyone")
    assert visit(system, accept_encoding="gzip", if_none_match=first.header("ETag")).code == 200


# with no node left


@pytest.mark.parametrize("seconds", [10, 70, 500])
def test_strangers_still_read_when_all_nodes_are_down_and_are_told_how_old_it_is(
    house: tuple[Visited, Client], seconds: int
) -> None:
    system, _ = house
    warm(system, "/explore")
    for node in system.nodes:
        node.take_down()
    system.moved.ahead += seconds
    answer = visit(system)
    assert answer.code == 200 and b"Hello strangers" in answer.body
    assert seconds <= int(answer.header("Age")) <= seconds + 5
    if seconds == 10:
        assert status(answer) == "minisocial; hit"
    elif seconds == 70:
        assert status(answer).startswith("minisocial; hit; ttl=-1")
        assert status(answer).endswith("; detail=stale-while-revalidate")
    else:
        assert status(answer) == "minisocial; fwd=stale; fwd-status=503; detail=stale-if-error"
    assert visit(system, "/@ada").code == 503  # never seen
    system.moved.ahead += 700
    assert visit(system).code == 503  # too old by now
    for node in system.nodes:
        node.bring_up()
    assert status(visit(system)).endswith("stored")


def test_all_connections_at_once_read_the_stale_page_when_all_nodes_are_down(house: tuple[Visited, Client]) -> None:
    system, _ = house
    warm(system, "/explore")
    for node in system.nodes:
        node.take_down()
    system.moved.ahead += 300
    clients = [connect(system) for _ in range(100)]
    for client in clients:
        client.sendall(b"GET /explore HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    for client in clients:
        answer = read(client)
        assert b" 200 OK" in answer[:20] and b"Hello strangers" in answer and b"detail=stale-if-error" in answer
        client.close()


def test_deleted_post_is_not_shown_even_if_no_node_can_make_the_page_anew(house: tuple[Visited, Client]) -> None:
    system, ada = house
    warm(system, "/explore")
    ada.get(only_post(system).url).submit("Delete")
    for node in system.nodes:
        node.take_down()
    assert visit(system).code == 503


# what is said about it


def test_cache_status_names_each_cache_that_was_asked_the_nearest_to_the_client_last(tmp_path: Path) -> None:
    with open_house(tmp_path, read_nodes=1) as (system, ada):
        system.caches.invalidation.forget_everything()
        told = [ada.get("/explore").page.headers["cache-status"] for _ in range(2)]
        assert told == ["read-1; fwd=uri-miss, minisocial; fwd=bypass", "read-1; hit, minisocial; fwd=bypass"]
        told = [Client(system.url).get("/explore").page.headers["cache-status"] for _ in range(2)]
        assert told == ["minisocial; fwd=uri-miss; stored", "minisocial; hit"]
