"""How often a page asks the database does not depend on how much it shows."""

import pytest

from minisocial.system import System
from tests.client import Client
from tests.scenarios.conftest import StartSystem
from tests.scenarios.people import PASSWORD, log_in, set_up, settle

FEW, MANY = 2, 12


MOST = {True: 30, False: 70}  # queries of a page with empty caches, and with none: then who looks is looked up often


@pytest.mark.parametrize("has_caches", [True, False])
def test_the_number_of_queries_of_a_page_does_not_grow_with_what_it_shows(
    start_system: StartSystem, has_caches: bool
) -> None:
    """On one shard, so that no page is lucky with whose rows lie where. A member's: an admin's look after tasks too."""
    system = start_system(shards=1, local_cache=has_caches, global_cache=has_caches, page_cache=False)
    set_up(system)
    grace = system.social.accounts.create("grace", "grace@example.org", PASSWORD)
    root = system.social.posts.publish(grace.id, "The engine weaves #patterns", "everyone").post.id
    addresses = ["/", "/explore", "/@grace", f"/@grace/{root}", "/tags/patterns", "/notifications", "/friends"]
    befriend(system, grace.id, root, range(FEW))
    client = log_in(system, "grace")
    few = {address: queries(system, client, address) for address in addresses}
    befriend(system, grace.id, root, range(FEW, MANY))
    many = {address: queries(system, client, address) for address in addresses}
    assert few == many or has_caches  # with caches it depends on what was looked up before, and is never more
    assert max(many.values()) < MOST[has_caches], many


def befriend(system: System, grace: int, root: int, numbers: range) -> None:
    """More friends, each of whom replies, publishes, likes and mentions; and one more who only asks."""
    social = system.social
    for number in numbers:
        friend, stranger = (
            social.accounts.create(f"{kind}{number}", f"{kind}{number}@example.org", PASSWORD).id
            for kind in ("friend", "asks")
        )
        social.friends.add(friend, grace)
        social.friends.add(stranger, grace)
        settle(system)
        social.friends.add(grace, friend)
        social.posts.publish(friend, f"Reply {number} of #patterns", "everyone", root)
        social.posts.publish(friend, f"@grace, see number {number} of #patterns", "friends")
        social.posts.like(friend, root)
    settle(system)


def queries(system: System, client: Client, address: str) -> int:
    """How often the database was asked for a page, with empty caches."""
    system.caches.invalidation.forget_everything()
    client.get(address)
    assert client.page.status == 200
    traces = system.tracer.find(client.page.headers["x-request-id"])
    return sum(span.box == "database" for trace in traces for span in trace.spans)
