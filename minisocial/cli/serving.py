"""Runs a whole system until somebody asks it to stop: `serve`, `demo`, and `seed`."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from minisocial.cli.progress import Progress
from minisocial.cli.stopping import Stopped, StopSignals
from minisocial.database import replicas_on_record
from minisocial.errors import Refused
from minisocial.settings import Settings

if TYPE_CHECKING:
    from minisocial.system import System

DEMO = {"teach": True}  # the defaults of a demo
SEEDED = "demo-run-by"  # a file with a username, which only a demo that was completed has
PASSWORD = "minisocial"  # noqa: S105  everybody's, in a demo


@dataclass(frozen=True, slots=True)
class Content:
    """What a data folder is filled with: the cast, or the people of an edge list."""

    graph: Path | None
    posts: int

    @classmethod
    def chosen(cls, graph: Path | None, posts: int | None) -> "Content":
        """From the flags; refuses a file that cannot be read before anything is made."""
        if graph is None and posts is not None:
            raise click.UsageError("--posts spreads posts over the people of --graph; the cast has its own.")
        if graph is not None:
            with graph.open("rb"):  # a missing one is told now
                pass
        return cls(graph, 4000 if posts is None else posts)

    def fill(self, system: "System", progress: Progress) -> str:
        """Puts it into a running system; gives the username of the one who runs the community."""
        from minisocial import seed

        if self.graph is None:
            community = seed.seed_cast(system, progress)
        else:
            community = seed.seed_graph(system, self.graph, self.posts, progress)
        return next(person.username for person in community.people if person.is_admin)


def serve(settings: Settings) -> None:
    """Serves until somebody asks to stop."""
    with StopSignals() as stop:
        run(settings, stop)


def demo(content: Content, keep: Path | None, settings_in: Callable[[Path], Settings]) -> None:
    """Serves a folder with this content, which is removed at the end unless it is to be kept."""
    with StopSignals() as stop, demo_folder(keep, stop) as folder:
        note = folder / SEEDED

        def prepare(system: "System") -> None:
            if not note.exists():
                note.write_text(content.fill(system, Progress(stop.check)))
            click.echo(f"Log in as {note.read_text()}, say; the password of everybody is {PASSWORD}.")

        run(settings_in(folder), stop, prepare)


def seed(settings: Settings, content: Content) -> None:
    """Fills a data folder and stops."""
    with StopSignals() as stop, opened(settings) as system:
        try:
            name = content.fill(system, Progress(stop.check))
        except Stopped:
            raise Refused(f"Broken off: {shown(settings.data)} is filled in part; delete it and try again.") from None
    click.echo(f"{shown(settings.data)} is filled. Log in as {name}, say; the password of everybody is {PASSWORD}.")


def build_system(settings: Settings) -> "System":
    """Imported only here, so that the small commands start at once."""
    from minisocial.system import System

    return System(settings)


def run(
    settings: Settings,
    stop: StopSignals,
    prepare: Callable[["System"], None] = lambda system: None,
    build: Callable[[Settings], "System"] = build_system,
) -> None:
    """Starts a system, prepares it, says where it is, waits, and stops it."""
    make_folder(settings.data)
    system = build(settings)
    try:
        system.start(prepare)
        stop.check()
        greet(system, settings)
        stop.wait()
    except Stopped:
        pass
    finally:
        guard = stop.guard()
        system.stop()
        guard.cancel()


@contextmanager
def opened(settings: Settings) -> Iterator["System"]:
    """A system for one command, with the front door shut; no command changes the number of places in passing."""
    make_folder(settings.data)
    replicas = replicas_on_record(settings.data / "database")
    system = build_system(settings if replicas is None else replace(settings, replicas=replicas))
    system.start(is_served=False)
    try:
        yield system
    finally:
        system.stop()


def greet(system: "System", settings: Settings) -> None:
    """What the host should know, and last the one line with the address."""
    if system.setup_code:
        click.echo("This data folder is new: the first page sets the community up.")
        click.echo(f"From another machine it asks for this code: {system.setup_code}")
    if not settings.rate_limits:
        click.echo("Rate limits are off, which is for tests and benchmarks only.")
    click.echo(f"minisocial is at {system.url}  (Ctrl-C stops it)")


def make_folder(folder: Path) -> None:
    """Makes the data folder, and sees whether it can be written to."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / "database").exists():  # the folder of a fresh clone can be read by all
            with suppress(PermissionError):
                folder.chmod(0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except FileExistsError:
        raise Refused(f"{shown(folder)} is a file; the data needs a folder: choose another with --data.") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        remedy = "make room there, give its owner the right to write, or choose another with --data"
        raise Refused(f"The data folder {shown(folder)} cannot be written to ({why}): {remedy}.") from error


@contextmanager
def demo_folder(keep: Path | None, stop: StopSignals) -> Iterator[Path]:
    """An empty folder that is removed at the end; or the one to keep, empty or with a finished demo."""
    if keep is not None:
        if keep.is_dir() and any(keep.iterdir()) and not (keep / SEEDED).exists():
            raise Refused(f"{keep} holds something else than a finished demo: choose an empty folder for this one.")
        yield keep
        return
    folder = Path(tempfile.mkdtemp(prefix="minisocial-demo-"))
    stop.last_act = lambda: shutil.rmtree(folder, ignore_errors=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def shown(folder: Path) -> str:
    """Relative to where one is, if it lies there."""
    relative = os.path.relpath(folder)
    return str(folder) if relative.startswith("..") else relative
