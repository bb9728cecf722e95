"""The system that is killed: all of it, with people who post, reply, like and make friends, and never rest.

Each line of standard output is an acknowledgement, written after the domain has answered. As a module:

    python -m minisocial.torture.background.child FOLDER SMTP_URL NAME
"""

import itertools
import os
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minisocial.errors import MinisocialError
from minisocial.settings import Settings
from minisocial.system import System
from minisocial.torture.background.promises import line

HOSTS = ("ada", "grace", "alan", "edsger", "barbara", "radia")  # friends of each other from the beginning
PASSWORD = "minisocial"  # noqa: S105
CROWD = 4  # threads
READY = "ready\n"


def settings(folder: Path, smtp_url: str) -> Settings:
    """As a host has them, but for a quick password and a mail server on this machine."""
    return Settings(
        data=folder, port=0, rate_limits=False, password_cost=4, smtp_url=smtp_url, mail_from="us@example.org"
    )


def say(text: str) -> None:
    """In one piece, whatever other threads write."""
    os.write(1, text.encode())


class Person:
    """One thread: newcomers of its own who want to be friends of a host, and hosts who post."""

    def __init__(self, system: System, name: str, number: int) -> None:
        self._social: Any = system.social
        self._cluster = system.cluster
        self._name = f"{name}x{number}"
        self._chance = random.Random(f"{name} {number}")  # noqa: S311
        self._hosts = {each: self._social.accounts.named(each).id for each in HOSTS}
        self._count = itertools.count()
        self._asked: list[tuple[int, str, int]] = []  # newcomer, address, host
        self._posts: list[tuple[int, int]] = []

    def run(self) -> None:
        acts: list[Callable[[], None]] = [self._post, self._post, self._reply, self._like, self._ask, self._accept]
        while True:
            try:
                with self._cluster.session({}):
                    self._chance.choice(acts)()
            except MinisocialError:  # not possible yet, or refused: nothing was promised
                continue

    def _post(self) -> None:
        author, told = self._chance.sample(sorted(self._hosts), 2)
        text = f"{self._name} {next(self._count)} for @{told}"
        post = self._social.posts.publish(self._hosts[author], text, "everyone").post.id
        say(line("post", post, self._hosts[author], self._hosts[told]))
        self._posts.append((post, self._hosts[author]))

    def _reply(self) -> None:
        if self._posts:
            post, author = self._chance.choice(self._posts)
            other = self._chance.choice([id for id in self._hosts.values() if id != author])
            text = f"{self._name} {next(self._count)}"
            reply = self._social.posts.publish(other, text, "everyone", in_reply_to=post).post.id
            say(line("reply", reply, other, author))

    def _like(self) -> None:
        if self._posts:
            post, author = self._chance.choice(self._posts)
            other = self._chance.choice([id for id in self._hosts.values() if id != author])
            self._social.posts.like(other, post)
            say(line("like", post, other, author))

    def _ask(self) -> None:
        name = f"{self._name}n{next(self._count)}"
        newcomer = self._social.accounts.create(name, f"{name}@example.org", PASSWORD).id
        host = self._chance.choice(sorted(self._hosts))
        self._social.friends.add(newcomer, self._hosts[host])
        say(line("request", newcomer, self._hosts[host], name, f"{host}@example.org"))
        self._asked.append((newcomer, f"{name}@example.org", self._hosts[host]))

    def _accept(self) -> None:
        if self._asked:
            newcomer, address, host = self._asked[0]
            self._social.friends.accept(host, newcomer)  # refused until the request has come over
            self._asked.pop(0)
            name = next(each for each, id in self._hosts.items() if id == host)
            say(line("accept", host, newcomer, name, address))


def prepare(folder: Path, smtp_url: str) -> None:
    """A folder with the hosts in it, all friends."""
    system = System(settings(folder, smtp_url))
    system.start(is_served=False)
    social = system.social
    social.set_up(name="Torture", username=HOSTS[0], display_name=HOSTS[0], email="ada@example.org", password=PASSWORD)
    for name in HOSTS[1:]:
        social.accounts.create(name, f"{name}@example.org", PASSWORD)
    ids = [social.accounts.named(name).id for name in HOSTS]
    with system.cluster.session({}):
        for one, other in itertools.combinations(ids, 2):
            social.friends.add(one, other)
        system.background.drain(30)
        for one, other in itertools.combinations(ids, 2):
            social.friends.accept(other, one)
        system.background.drain(30)
    system.stop()


def main(folder: str, smtp_url: str, name: str) -> None:
    """Until somebody kills it."""
    system = System(settings(Path(folder), smtp_url))
    system.start(is_served=False)
    crowd = [threading.Thread(target=Person(system, name, number).run, daemon=True) for number in range(CROWD)]
    say(READY)
    for person in crowd:
        person.start()
    sys.stdin.read()  # ends with the one who tortures
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
