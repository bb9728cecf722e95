"""Brings a folder of version 1 to version 2 and prints each word about it, until it is killed.

`steps`: only the steps, in very many batches; `start`: a whole start, until every copy is up to date.
"""

import logging
import os
import sys
from functools import partial
from pathlib import Path

from minisocial.database import Cluster
from minisocial.database.migrations import give_letters_an_owner, prepare
from minisocial.database.steps import LongMigration
from tests.database.old_folders import heirs, record

LETTERS = LongMigration(2, "letters_sent", partial(give_letters_an_owner, at_once=5))


class Said(logging.Handler):
    """Writes each record in one call, so that a kill leaves no half line."""

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


def say(words: str) -> None:
    os.write(1, f"{words}\n".encode())


def take_steps(database: Path) -> None:
    prepare(database.parent, heirs(database), record(database), migrations=(LETTERS,), tell=say)


def start(database: Path) -> None:
    logging.basicConfig(level=logging.INFO, handlers=[Said()])
    cluster = Cluster(database)
    cluster.start()
    cluster.settle()
    cluster.stop()


if __name__ == "__main__":
    {"steps": take_steps, "start": start}[sys.argv[1]](Path(sys.argv[2]))
