"""Disks that fail, are full or are slow: a small library in C, loaded into the tortured process."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
COMPILE_SECONDS = 60
WORDS = {"I/O errors": "eio", "full disk": "full", "slow disk": "slow"}


@dataclass(frozen=True, slots=True)
class Faults:
    """What makes disks fail; or the reason why they can not."""

    library: Path | None
    flag: Path  # while it is there, there is a bad disk
    reason: str = ""

    def environment(self) -> dict[str, str]:
        """What a process needs to be hurt by them."""
        return {"LD_PRELOAD": str(self.library), "MINISOCIAL_FAULTS": str(self.flag)} if self.library else {}

    @contextmanager
    def on(self, kind: str, path: Path) -> Iterator[None]:
        """In the block, all files whose path begins like this lie on a bad disk."""
        temporary = self.flag.with_suffix(".new")
        temporary.write_text(f"{WORDS[kind]:<5}{path}")
        temporary.replace(self.flag)
        try:
            yield
        finally:
            self.flag.unlink()


def prepare(folder: Path) -> Faults:
    """Compiles the library into a folder, where there is a compiler and a system that loads it."""
    flag = folder / "bad-disk"
    compiler = shutil.which("cc")
    if not sys.platform.startswith("linux"):
        return Faults(None, flag, "only Linux can load the library that makes disks fail")
    if compiler is None:
        return Faults(None, flag, "there is no C compiler (cc) for the library that makes disks fail")
    library = folder / "faults.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False)  # noqa: S603
    if done.returncode:
        return Faults(None, flag, f"the library that makes disks fail does not compile: {done.stderr.strip()[:200]}")
    return Faults(library, flag)
