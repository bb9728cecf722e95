"""Rounds of killing, and the judgement after some of them."""

import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import click

from minisocial.system import System
from minisocial.torture.background.child import HOSTS, READY, prepare, settings
from minisocial.torture.background.judging import Verdict, judge
from minisocial.torture.background.postbox import STEPS, Postbox
from minisocial.torture.background.promises import Promises
from minisocial.torture.running import new_folder

SECONDS = (0.05, 1.5)  # from the first act to the kill
IN_A_DIALOGUE = 0.6  # share of kills that come in the middle of a letter
EARLY = 0.1  # share that come while the system starts
PATIENCE = 20.0  # until a trap in a dialogue is sprung; then the kill comes anyway
START_SECONDS = 60.0
DRAIN_SECONDS = 120.0
IN_A_WORLD = 5  # rounds, until it is judged; the first ones start on what a kill has left
SHOWN = 12

ROOT = Path(__file__).resolve().parents[3]


@dataclass(slots=True)
class Sum:
    """All rounds."""

    rounds: int = 0
    acknowledged: int = 0
    letters: int = 0
    letters_twice: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    moments: dict[str, int] = field(default_factory=dict)

    def add(self, promises: Promises, verdict: Verdict) -> None:
        self.acknowledged += promises.acknowledged
        self.letters += verdict.letters
        self.letters_twice += verdict.letters_twice
        self.lost += len(verdict.lost)
        self.doubled += len(verdict.doubled)
        self.wrong += len(verdict.wrong)

    def lines(self) -> Iterator[str]:
        yield f"{self.rounds} rounds, {self.acknowledged:,} acknowledged, {self.lost} lost, {self.doubled} doubled."
        yield f"{self.letters:,} letters came; {self.letters_twice} of them twice, with the same Message-ID."
        if self.wrong:
            yield f"{self.wrong} other things were wrong."
        yield "Killed " + ", ".join(f"{moment} {times}" for moment, times in sorted(self.moments.items())) + "."


class Prisoner:
    """The child process. What it says is read to the end, also after its death."""

    def __init__(self, folder: Path, smtp_url: str, name: str, log: IO[bytes]) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "minisocial.torture.background.child", str(folder), smtp_url, name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # Ctrl-C is for the one who tortures
        )
        self.lines: list[str] = []
        self.is_ready, self.is_dead = threading.Event(), threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()
        self._process.wait()
        self.is_dead.set()
        self._reader.join(10)
        for end in (self._process.stdin, self._process.stdout):
            if end:
                end.close()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            if line == READY:
                self.is_ready.set()
            else:
                self.lines.append(line)
        self.is_ready.set()  # it has ended; whoever waits need not any more
        self.is_dead.set()


class World:
    """A data folder that is killed on a few times, and then judged."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self._folder = folder
        self._chance = chance
        self._postbox = Postbox()
        self._promises = Promises()
        folder.mkdir(parents=True)
        prepare(folder / "data", self._postbox.url)

    def round(self, name: str) -> str:
        """One life of the system; when it was killed."""
        with (self._folder / "child.log").open("ab") as log:
            prisoner = Prisoner(self._folder / "data", self._postbox.url, name, log)
            try:
                return self._wait_for_the_moment(prisoner)
            finally:
                prisoner.kill()
                self._promises.hear(prisoner.lines)

    def _wait_for_the_moment(self, prisoner: Prisoner) -> str:
        rest = threading.Event()
        if self._chance.random() < EARLY:
            rest.wait(self._chance.uniform(0.1, 1.0))
            return "at the start"
        if not prisoner.is_ready.wait(START_SECONDS) or prisoner.is_dead.is_set():
            raise RuntimeError(f"the system did not start; see {self._folder}/child.log")
        rest.wait(self._chance.uniform(*SECONDS))
        if self._chance.random() >= IN_A_DIALOGUE:
            return "at some moment"
        step = self._chance.choice(STEPS)
        is_there = threading.Event()

        def spring() -> None:
            is_there.set()
            prisoner.is_dead.wait(PATIENCE)  # the dialogue goes no further before the kill

        self._postbox.set_trap(step, spring)
        return f"at {step}" if is_there.wait(PATIENCE) else "at some moment"

    def judge(self) -> tuple[Promises, Verdict]:
        """Starts it once more, lets it do what is left, and looks."""
        self._postbox.set_trap("", lambda: None)
        system = System(settings(self._folder / "data", self._postbox.url))
        system.start(is_served=False)
        try:
            is_done = system.background.drain(DRAIN_SECONDS)
            system.cluster.settle(DRAIN_SECONDS)
            hosts = [system.social.accounts.named(name).id for name in HOSTS]
            verdict = judge(system, hosts, self._promises, self._postbox.received)
            if not is_done:
                verdict.wrong.append(f"it did not get everything done in {DRAIN_SECONDS:.0f} s")
            return self._promises, verdict
        finally:
            system.stop()
            self._postbox.close()


def run(rounds: int, seed: int | None, keep: Path | None) -> int:
    """So many kills; prints each and what they came to; 1 if anything was found."""
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    chance, total = random.Random(seed), Sum()  # noqa: S311
    folder = keep.absolute() if keep else Path(tempfile.mkdtemp(prefix="minisocial-torture-"))
    click.echo(f"{rounds} rounds, seed {seed}, in {folder}")
    for first in range(1, rounds + 1, IN_A_WORLD):
        _one_world(new_folder(folder, first), range(first, min(first + IN_A_WORLD, rounds + 1)), chance, total)
    for line in total.lines():
        click.echo(line)
    is_well = not (total.lost or total.doubled or total.wrong)
    if keep is None and is_well:
        shutil.rmtree(folder)
    return 0 if is_well else 1


def _one_world(folder: Path, numbers: range, chance: random.Random, total: Sum) -> None:
    world = World(folder, chance)
    for number in numbers:
        began = time.monotonic()
        moment = world.round(f"r{number}")
        total.rounds += 1
        total.moments[moment] = total.moments.get(moment, 0) + 1
        click.echo(f"round {number:3d}  killed {moment} {time.monotonic() - began:5.1f} s")
    promises, verdict = world.judge()
    total.add(promises, verdict)
    found = verdict.sentences
    click.echo(
        f"           {promises.acknowledged:,} acknowledged, {verdict.letters} letters, "
        f"{len(verdict.lost)} lost, {len(verdict.doubled)} doubled"
    )
    for sentence in found[:SHOWN]:
        click.echo(f"    {sentence}")
