import threading

from minisocial.cache import Entry, Leases
from tests.fakes import ManualClock

ENTRY = Entry("0", 1, 1e9, "value")


def test_a_key_has_one_lease():
    leases = Leases(2.0, ManualClock())
    first, others = leases.take(["a", "b"])
    assert not others and first.holds("a") and first.holds("b")
    second, others = leases.take(["b", "c"])
    assert others == {"b": first}
    assert second.holds("c") and not second.holds("b")


def test_finishing_frees_the_keys_and_hands_over_the_entries():
    leases = Leases(2.0, ManualClock())
    lease, _ = leases.take(["a"])
    leases.finish(lease, {"a": ENTRY})
    lease.wait(0)
    assert lease.entries == {"a": ENTRY}
    assert not lease.holds("a") and len(leases) == 0


def test_a_voided_key_may_not_be_filled_nor_handed_over_and_is_free_at_once():
    leases = Leases(2.0, ManualClock())
    lease, _ = leases.take(["a", "b"])
    leases.void(["a", "unknown"])
    assert not lease.holds("a") and lease.holds("b")
    newer, others = leases.take(["a"])
    assert newer.holds("a") and not others
    leases.finish(lease, {"a": ENTRY, "b": ENTRY})
    assert lease.entries == {"b": ENTRY}
    assert newer.holds("a")
    assert leases.voided == 1


def test_everything_can_be_voided():
    leases = Leases(2.0, ManualClock())
    lease, _ = leases.take(["a", "b"])
    leases.void_all()
    leases.finish(lease, {"a": ENTRY})
    assert not lease.entries and len(leases) == 0 and leases.voided == 2


def test_the_lease_of_a_dead_loader_expires_and_cannot_come_back():
    clock = ManualClock()
    leases = Leases(2.0, clock)
    dead, _ = leases.take(["a"])
    clock.advance(1.9)
    assert leases.take(["a"])[1] == {"a": dead}
    assert 0 < leases.remaining(dead) < 0.2
    clock.advance(0.2)
    heir, others = leases.take(["a"])
    assert not others and heir.holds("a") and not dead.holds("a")
    leases.finish(dead, {"a": ENTRY})
    assert not dead.entries and heir.holds("a")
    assert leases.expired == 1 and leases.remaining(dead) == 0


def test_those_who_wait_wake_up():
    leases = Leases(60.0, ManualClock())
    lease, _ = leases.take(["a"])
    woken = threading.Event()
    waiter = threading.Thread(target=lambda: (lease.wait(30), woken.set()))
    waiter.start()
    leases.finish(lease, {})
    assert woken.wait(10)
    waiter.join()
