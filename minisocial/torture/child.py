"""The tortured process: a database, eight writers, readers, a consumer; it does as it is told until it is killed.

Each line of its standard input is an action of the operator (see `operating`), or "pulse": from here on,
pauses count anew. Each line of its standard output is its status. Run as a module:

    python -m minisocial.torture.child FOLDER DURABILITY SEED
"""

import logging
import os
import random
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from minisocial.errors import MinisocialError
from minisocial.torture.audit import WRITERS
from minisocial.torture.opening import database
from minisocial.torture.operating import ACTIONS, Scene
from minisocial.torture.status import Pulse, Status, look, to_line
from minisocial.torture.watching import FileReader, SessionReader, Sight, Stranger, Stream
from minisocial.torture.writing import Writer

LOG = "child.log"
STATUS_SECONDS = 0.02
SESSION_READERS = 2
GRACE = 0.3  # seconds after a move, so that its end comes before the kill
SWITCH_SECONDS = 0.0005  # as the program itself sets it


class Child:
    """Everything in the process."""

    def __init__(self, folder: Path, durability: str, seed: str) -> None:
        self._cluster = cluster = database(folder, durability)
        cluster.subscribe(Stream(folder))
        cluster.start()
        cluster.mover.grace = GRACE
        self._pulse = Pulse(range(WRITERS))
        sight = Sight(folder)
        self._writers = [
            Writer(number, cluster, folder, seed, self._pulse.beat, sight.saw) for number in range(WRITERS)
        ]
        accounts = [writer.account for writer in self._writers]
        self._readers = [SessionReader(cluster, accounts, sight) for _ in range(SESSION_READERS)]
        self._stranger = Stranger(cluster, accounts, sight)
        self._files = FileReader(cluster, accounts, sight, seed)
        self._scene = Scene(cluster, folder, accounts, random.Random(f"{seed} operator"), [])  # noqa: S311
        self._doing: list[str] = []
        self._done: Counter[str] = Counter()
        self._refused: dict[str, str] = {}
        self._errors: list[str] = []
        threading.excepthook = self._thread_died

    def run(self, commands: Iterable[str], out: TextIO) -> None:
        """Begins everything, obeys in a thread of its own, and tells how it is."""
        work = [one.run for one in self._writers] + [one.run for one in self._readers]
        for run in [*work, self._stranger.run, self._files.run]:
            threading.Thread(target=run, daemon=True).start()
        threading.Thread(target=self._obey, args=(commands,), daemon=True).start()
        rest = threading.Event()
        while True:
            out.write(to_line(self._status()) + "\n")
            out.flush()
            rest.wait(STATUS_SECONDS)

    def _obey(self, commands: Iterable[str]) -> None:
        for command in commands:
            word = command.strip()
            if word == "pulse":
                self._pulse.begin()
            else:
                threading.Thread(target=self._act, args=(word,), daemon=True).start()
        os._exit(0)  # the one who tortures is gone

    def _act(self, word: str) -> None:
        self._doing.append(word)
        try:
            ACTIONS[word](self._scene)
            self._done[word] += 1
        except MinisocialError as error:
            self._refused[word] = f"{type(error).__name__} {error}"
        except Exception:
            logging.exception("%s failed", word)
            self._errors.append(f"{word}: {traceback.format_exc()}")
        finally:
            self._doing.remove(word)

    def _thread_died(self, what: threading.ExceptHookArgs) -> None:
        text = "".join(traceback.format_exception(what.exc_type, what.exc_value, what.exc_traceback))
        logging.error("a thread died: %s", text)
        self._errors.append(f"a thread died: {text}")

    def _status(self) -> Status:
        return Status(
            **look(self._cluster),
            doing=list(self._doing),
            done=dict(self._done),
            refused=dict(self._refused),
            errors=list(self._errors),
            alarms=list(self._scene.alarms),
            acknowledged=self._pulse.count,
            pauses=self._pulse.longest(),
        )


def main(folder: str, durability: str, seed: str) -> None:
    """Until somebody kills it."""
    sys.setswitchinterval(SWITCH_SECONDS)
    logging.basicConfig(
        filename=Path(folder) / LOG,
        level=logging.INFO,
        format="%(asctime)s.%(msecs)03d %(levelname).1s %(threadName)s %(message)s",
        datefmt="%H:%M:%S",
    )
    logging.info("=== begins, %s", seed)
    Child(Path(folder), durability, seed).run(sys.stdin, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
