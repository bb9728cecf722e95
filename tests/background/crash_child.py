"""A process to be killed: adds tasks as fast as it can, and says which were committed."""

import itertools
import os
import sys
from pathlib import Path

from minisocial.background.background import Background
from minisocial.background.handlers import HandlerSpec
from minisocial.background.mail import Letter, Mailer
from minisocial.clock import Clock
from minisocial.trace import Tracer
from tests.background.fake_store import FakeStore
from tests.background.tasks_with_effects import Effects

KINDS = ("mark", "count", "flaky", "doomed", "letter")


def build(folder: Path, smtp_url: str) -> tuple[FakeStore, Background]:
    store = FakeStore(folder)
    mailer = Mailer(smtp_url=smtp_url, mail_from="us@example.org", folder=folder / "mail", clock=Clock())

    def send(task):
        mailer.send(Letter(task.args["key"], "ada@example.org", "Ada", "Hello", "A letter.\n"))

    handlers = {**Effects(store).handlers, "letter": HandlerSpec(send, base_seconds=0, order="letters")}
    return store, Background(store, folder / "background", handlers, workers=2, tracer=Tracer(), clock=Clock())


def main(folder: str, smtp_url: str, name: str) -> None:
    store, background = build(Path(folder), smtp_url)
    background.start()
    for n, kind in zip(itertools.count(), itertools.cycle(KINDS), strict=False):
        key = f"{kind}:{name}:{n}"
        shard = store.names[n % 2]
        with store.write(shard) as tx:
            background.add(tx, shard, kind, {"key": key, "account": n % 7})
        os.write(1, f"{key}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
