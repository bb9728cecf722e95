"""A whole run: rounds in one world after the other, and what they came to."""

import logging
import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from minisocial.torture.faults import Faults, prepare
from minisocial.torture.rounds import Round
from minisocial.torture.tally import Result, Tally
from minisocial.torture.world import World

AUDIT_LOG = "audit.log"
SHOWN = 12  # sentences of one round; all of them are in the folder


def run(rounds: int, seed: int | None, durability: str, keep: Path | None) -> int:
    """As `minisocial.torture.run`."""
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    folder = Path(tempfile.mkdtemp(prefix="minisocial-torture-")) if keep is None else keep.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    faults = prepare(folder)
    click.echo(f"{rounds} rounds, durability {durability}, seed {seed}, in {folder}")
    if faults.reason:
        click.echo(f"Some kinds of damage are left out: {faults.reason}.")
    tally = Tally(durability, faults.reason)
    try:
        with logging_to(folder / AUDIT_LOG):
            return report(torture(folder, rounds, str(seed), durability, faults), tally)
    finally:
        if keep is None and not tally.failed:
            shutil.rmtree(folder)


def report(results: Iterable[Result], tally: Tally) -> int:
    """Prints each round as it ends, and the table; the exit status."""
    for result in results:
        tally.add(result)
        tell(result, click.echo)
    for line in tally.lines():
        click.echo(line)
    return 1 if tally.failed else 0


def torture(folder: Path, rounds: int, seed: str, durability: str, faults: Faults) -> Iterator[Result]:
    """One round after the other. A world in which something was found is left as it is, and a new one begins."""
    world: World | None = None
    for number in range(1, rounds + 1):
        if world is None:
            world = World(new_folder(folder, number))
        result = Round(world, number, f"{seed} {number}", durability, faults).run()
        if not result.is_well:
            result.evidence = str(world.folder)
            (world.folder / "found.txt").write_text("\n".join([result.line(), *result.audit.verdict.sentences(), ""]))
            world = None
        elif world.is_old:
            world.remove()
            world = None
        yield result
    if world:
        world.remove()


def new_folder(folder: Path, number: int) -> Path:
    """A name that nothing has yet: evidence of an earlier run is not touched."""
    names = (f"world-{number}" + (f"-{again}" if again else "") for again in range(1_000))
    return next(folder / name for name in names if not (folder / name).exists())


def tell(result: Result, say: Callable[[str], None]) -> None:
    """One line, and what was found."""
    say(result.line())
    found = result.audit.verdict.sentences()
    for sentence in found[:SHOWN]:
        say(f"    {sentence}")
    if len(found) > SHOWN:
        say(f"    and {len(found) - SHOWN} more, in {result.evidence}/found.txt")


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """What the database logs while it is audited would be in the way on the terminal."""
    logger = logging.getLogger("minisocial.database")
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname).1s %(threadName)s %(message)s"))
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.level, logger.propagate = before
        logger.removeHandler(handler)
        handler.close()
