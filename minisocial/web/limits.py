"""How often somebody may do something: token buckets, shared by all nodes of a system.

A bucket holds `burst` tokens and gains one every `every` seconds; an action takes one. A person or
a class that starts with a rush is let through, a machine that goes on is not.
"""

import ipaddress
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass

from minisocial.clock import Clock
from minisocial.errors import TooMany

MAX_BUCKETS = 20_000  # the ones used longest ago are forgotten: by then they are full again


@dataclass(frozen=True, slots=True)
class Rate:
    burst: int
    every: float  # seconds
    message: str


RATES = {
    "login_address": Rate(60, 3, "There were very many attempts to log in from your network."),
    "login_name": Rate(10, 30, "There were very many attempts to log in with this name."),
    "join": Rate(30, 20, "Many people joined from your network just now."),
    "post": Rate(30, 4, "You are writing faster than anybody can read."),
    "profile": Rate(20, 10, "You changed your profile very often in a short time."),
    "like": Rate(80, 1, "That was a great many likes in a short time."),
    "relate": Rate(40, 15, "You are sending requests faster than people can answer."),
    "invite": Rate(20, 60, "Those were many invites in a short time."),
    "forgot_address": Rate(20, 60, "Many people asked for a new password from your network."),
    "forgot_name": Rate(3, 600, "A link was asked for with this name several times: it may take a while to arrive."),
    "letter": Rate(6, 300, "Those were many letters in a short time."),
    "password": Rate(10, 30, "There were very many attempts to change this password."),
}


class Limits:
    """Counts what people do, by kind and by who they are; refuses with `TooMany`."""

    def __init__(self, clock: Clock, *, enabled: bool = True) -> None:
        self.enabled = enabled
        self._clock = clock
        self._lock = threading.Lock()  # guards _buckets
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()  # (tokens, at)

    def take(self, kind: str, who: str) -> None:
        """One action; raises `TooMany` when the bucket is empty."""
        if not self.enabled:
            return
        rate = RATES[kind]
        tokens = self._change(kind, who, -1)
        if tokens < 0:
            wait = math.ceil(-tokens * rate.every)
            raise TooMany(f"{rate.message} Please try again in {_in_words(wait)}.", wait)

    def give_back(self, kind: str, who: str) -> None:
        """The action was a rightful one: it does not count."""
        if self.enabled:
            self._change(kind, who, +1)

    def _change(self, kind: str, who: str, by: int) -> float:
        """The tokens left, or, below 0, how many are missing (nothing is taken then)."""
        rate, now, key = RATES[kind], self._clock.monotonic(), (kind, who[:100])
        with self._lock:
            tokens, at = self._buckets.pop(key, (float(rate.burst), now))
            tokens = min(rate.burst, tokens + (now - at) / rate.every)
            left = tokens + by
            self._buckets[key] = (min(rate.burst, left) if left >= 0 else tokens, now)
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)
        return left


def place(address: str) -> str:
    """What counts as one place: an IPv4 address, or all that share the first 64 bits of an IPv6 one.

    A household, and any rented machine, is given that many at once, and could be somebody else with each request.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((int(ip), 64), strict=False))


def _in_words(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} second" + ("s" if seconds != 1 else "")
    return f"{math.ceil(seconds / 60)} minutes"
