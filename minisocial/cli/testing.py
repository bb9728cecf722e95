"""Runs the tests that lie beside the program."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from minisocial.errors import Refused

ROOT = Path(__file__).resolve().parent.parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def run(arguments: Sequence[str]) -> int:
    """pytest over `tests/`, with these arguments; its exit status."""
    if not (ROOT / "tests").is_dir():
        raise Refused("The tests are not here: they come with the source, so run this in a clone of it.")
    if importlib.util.find_spec("pytest") is None:
        raise Refused("pytest is missing: `python3 run.py test` installs it, or run: pip install -e '.[test]'")
    return subprocess.call(command(arguments, can_browse()), cwd=ROOT, env=environment())  # noqa: S603


def command(arguments: Sequence[str], browse: bool) -> list[str]:
    """Leaves out the tests that drive a browser where there is none, unless the arguments choose for themselves."""
    chosen = ["-m", "not browser"] if not browse and "-m" not in arguments else []
    return [sys.executable, "-m", "pytest", *chosen, *arguments]


def can_browse() -> bool:
    """Whether there are a browser and what drives it."""
    return importlib.util.find_spec("playwright") is not None and any(map(shutil.which, BROWSERS))


def environment() -> dict[str, str]:
    """The tests set what they need: a person's own settings must not change what they find."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MINISOCIAL_")}
