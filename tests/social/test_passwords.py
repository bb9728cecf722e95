import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from minisocial.errors import Overloaded
from minisocial.social.passwords import Hasher


def test_a_password_fits_its_own_hash_only():
    hasher = Hasher(cost=4)
    stored = hasher.hash("correct horse")
    assert hasher.check("correct horse", stored)
    assert not hasher.check("correct house", stored)
    assert "correct" not in stored


def test_the_same_password_is_stored_differently_each_time():
    hasher = Hasher(cost=4)
    assert hasher.hash("correct horse") != hasher.hash("correct horse")


def test_nobody_has_no_password():
    assert not Hasher(cost=4).check("", None)


def test_an_old_cost_still_checks():
    assert Hasher(cost=6).check("correct horse", Hasher(cost=4).hash("correct horse"))


class Counting(Hasher):
    """Counts how many hash at once."""

    def __init__(self):
        super().__init__(cost=4, at_once=2)
        self.lock, self.now, self.most = threading.Lock(), 0, 0
        self.two = threading.Barrier(2)

    def _scrypt(self, password, salt, cost):
        with self._slot():
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            self.two.wait(5)  # two of them are in here together
            with self.lock:
                self.now -= 1
        return b"x"


def test_at_most_two_hash_at_a_time():
    hasher = Counting()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hasher.hash, ["password"] * 8))
    assert hasher.most == 2


def test_waiting_for_a_hash_is_bounded():
    hasher = Hasher(cost=4, at_once=1, wait_seconds=0.01)
    with hasher._slot(), pytest.raises(Overloaded):
        hasher.hash("correct horse")
