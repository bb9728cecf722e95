"""The one command: `python3 run.py`.

1.  If this Python has the packages of setup.py, it starts minisocial at once.
2.  Else, if `.venv` beside this file has them, it hands over to the Python in there.
3.  Else it makes `.venv`, installs the project into it, and goes on with 2.

`.venv/minisocial.txt` says what lies in there: the digest of the setup.py it was installed from and
the extras, or "making" while an installation goes on. So one that was killed in the middle is
thrown away and made again, and a changed setup.py is installed anew.

Only the standard library, and only grammar that every Python 3 can read: an old one gets a sentence.
"""
# ruff: noqa: UP031, UP036, RUF005, S603, S606, SIM905 (grammar that every Python 3 reads; programs of our own)

import sys

if sys.version_info < (3, 10):
    sys.exit("minisocial needs Python 3.10 or newer; this is %s (%s)." % (sys.version.split()[0], sys.executable))

import ast
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
JUST_MADE = "_RUN_PY_JUST_MADE"  # handed to the Python in .venv, so that two never go round in a circle
PIP_OPTIONS = "--disable-pip-version-check --no-input --progress-bar off --use-pep517".split()
PIP_SETTINGS = {"PIP_RETRIES": "1", "PIP_DEFAULT_TIMEOUT": "20", "PIP_USER": "0"}  # for the pip that pip starts, too
NEEDS_NETWORK = (  # what pip says when there is none
    "NewConnectionError",
    "Failed to establish a new connection",
    "ConnectTimeout",
    "ReadTimeout",
    "name resolution",
    "Max retries exceeded",
    "ProxyError",
    "SSLError",
    "Connection aborted",
    "Connection broken",
)


class Stop(Exception):
    """The start cannot go on; `str()` of it is the one sentence that says why, and the remedy."""


def prepare(arguments: list) -> list:
    """Sees to it that all packages are there; gives the command to go on with, [] for this very process."""
    extras = ["test"] if arguments[:1] == ["test"] else []
    was_made = os.environ.pop(JUST_MADE, None)
    if importlib.util.find_spec("_sqlite3") is None:
        raise Stop("This Python was built without SQLite: install libsqlite3-dev and build it again, or use another.")
    lacking = missing(requirements(extras))
    if not lacking:
        return []
    venv = Venv(os.path.join(HERE, ".venv"))
    if was_made:
        raise Stop("%s was made, but lacks %s: delete it and run this again." % (venv.folder, ", ".join(lacking)))
    if not venv.has(extras) or venv.is_this_python():
        with Lock(os.path.abspath(__file__)):
            venv.make(extras)
        os.environ[JUST_MADE] = "1"
    return [venv.python, os.path.abspath(__file__)] + arguments


def start(arguments: list) -> int:
    """Runs minisocial from this folder, in this process."""
    sys.path.insert(0, HERE)
    from minisocial.cli import main

    return main(arguments)


def hand_over(command: list) -> int:
    """Goes on as another program."""
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], command)
    return subprocess.call(command)  # Windows has no exec: stay, and pass on what comes out


# What is needed


def requirements(extras: list) -> list:
    """The lines of setup.py's REQUIRES and of these EXTRAS."""
    return list(_literal("REQUIRES")) + [line for extra in extras for line in _literal("EXTRAS")[extra]]


def _literal(name: str) -> object:
    with open(os.path.join(HERE, "setup.py"), encoding="utf-8") as file:
        for node in ast.parse(file.read()).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
                return ast.literal_eval(node.value)
    raise Stop("setup.py has no %s: this copy of minisocial is damaged, get a fresh one." % name)


def missing(lines: list) -> list:
    """Those of the requirements that this Python cannot meet."""
    return [line for line in lines if not is_met(line)]


def is_met(line: str, python: tuple = sys.version_info[:2]) -> bool:
    """Whether `name>=1.2,<2; python_version < "3.11"` is installed here, or does not apply."""
    line, _, marker = line.partition(";")
    older = re.search(r'python_version < "(.+)"', marker)
    if older and python >= numbers(older.group(1)):
        return True
    name = re.match(r"[\w-]+", line).group()
    try:
        have = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return importlib.util.find_spec(name.replace("-", "_")) is not None and fits(have, line[len(name) :])


def fits(version: str, bounds: str) -> bool:
    """`fits("3.0.2", ">=3.0,<4")` is True."""
    return all(_within(numbers(version), bound.strip()) for bound in bounds.split(",") if bound.strip())


def _within(version: tuple, bound: str) -> bool:
    limit = numbers(bound.lstrip("<>="))
    return version >= limit if bound.startswith(">=") else version < limit


def numbers(version: str) -> tuple:
    """`numbers("3.10.0rc1")` is `(3, 10)`, as that of "3.10"."""
    parts = [int(part) for part in re.match(r"\d+(\.\d+)*", version.strip()).group().split(".")]
    while parts and not parts[-1]:
        parts.pop()
    return tuple(parts)


# Where it is installed


class Venv:
    """The folder `.venv` with a Python of its own, and the packages."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.note = os.path.join(folder, "minisocial.txt")
        self.python = os.path.join(folder, "Scripts\\python.exe" if os.name == "nt" else "bin/python")

    def has(self, extras: list) -> bool:
        """Whether everything for these extras was installed, from today's setup.py."""
        digest, installed = self.contents()
        return digest == digest_of_setup() and set(extras) <= set(installed) and os.path.exists(self.python)

    def contents(self) -> tuple:
        """The digest and the extras of what was installed; ("making", []) if that was cut off."""
        try:
            with open(self.note, encoding="utf-8") as file:
                words = file.read().split()
        except OSError:
            return "", []
        return (words[0], words[1:]) if words else ("making", [])

    def is_this_python(self) -> bool:
        return os.path.realpath(sys.prefix) == os.path.realpath(self.folder)

    def make(self, extras: list) -> None:
        """Makes the folder unless a sound one is there, and installs the project into it."""
        if self.has(extras) and not self.is_this_python():
            return  # it was made while this waited for its turn
        installed = self.contents()[1]
        if not self._is_sound():
            self._make_folder()
            installed = []
        wanted = sorted(set(extras) | set(installed))
        self._write("making")
        self._install(".[%s]" % ",".join(wanted) if wanted else ".")
        self._write(" ".join([digest_of_setup()] + wanted))

    def _is_sound(self) -> bool:
        if self.contents()[0] == "making" or not os.path.exists(self.python):
            return False
        status, _ = run([self.python, "-m", "pip", "--version"])
        return status == 0

    def _make_folder(self) -> None:
        check_venv()
        say("Making %s with Python %s ..." % (shown(self.folder), sys.version.split()[0]))
        if os.path.islink(self.folder) or os.path.isfile(self.folder):
            os.unlink(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder, exist_ok=True)
        self._write("making")
        status, lines = run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", self.folder])
        if status:
            raise Stop("Making %s failed: %s" % (shown(self.folder), last(lines)))

    def _install(self, project: str) -> None:
        say("Installing minisocial and what it needs into %s ..." % shown(self.folder))
        command = [self.python, "-m", "pip", "install"] + PIP_OPTIONS + ["-e", project]
        status, lines = run(command, show=("Collecting", "Successfully installed"))
        if status:
            raise Stop(why_pip_failed(lines))

    def _write(self, text: str) -> None:
        with open(self.note + ".new", "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.replace(self.note + ".new", self.note)


def digest_of_setup() -> str:
    with open(os.path.join(HERE, "setup.py"), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def check_venv() -> None:
    """Debian leaves out what `venv` needs; say so before it fails at length."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Stop(
            "This Python cannot make a virtual environment, since its venv or ensurepip is missing; "
            "on Debian and Ubuntu run: apt install python3-venv"
        )


def why_pip_failed(lines: list) -> str:
    """One sentence for pip's many."""
    text = "\n".join(lines)
    if "No space left" in text:
        return "The packages could not be installed: the disk is full. Make room and run this again."
    if any(sign in text for sign in NEEDS_NETWORK):
        return (
            "The packages could not be fetched, since the package index does not answer; "
            "check the network, which only the first start needs, and run this again."
        )
    return "pip could not install minisocial: %s" % last([line for line in lines if line.startswith("ERROR")] or lines)


def run(command: list, show: tuple = ()) -> tuple:
    """Runs a program to its end; gives its status and its lines, and shows those that begin with `show`."""
    environ = dict(os.environ, PYTHONUNBUFFERED="1", PYTHONUTF8="1", **PIP_SETTINGS)
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONHOME", "__PYVENV_LAUNCHER__"):
        environ.pop(name, None)
    lines = []
    child = subprocess.Popen(
        command,
        cwd=HERE,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=Lock.held,
        encoding="utf-8",
        errors="replace",
    )
    for line in child.stdout:
        lines.append(line.strip())
        if line.strip().startswith(show):
            say("  " + lines[-1].split(" (from")[0])
    return child.wait(), lines


class Lock:
    """One installer at a time. It is held on this file, so nothing is left behind.

    The programs started meanwhile hold it too: when this process is killed, its pip may still
    be writing, and the next run.py waits for that one to end.
    """

    held = ()

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> "Lock":
        self.file = open(self.path, "rb")
        if not self._take(wait=False):
            say("Waiting for another run.py that is installing ...")
            self._take(wait=True)
        Lock.held = () if os.name == "nt" else (self.file.fileno(),)
        return self

    def __exit__(self, *error: object) -> None:
        Lock.held = ()
        self.file.close()

    def _take(self, wait: bool) -> bool:
        return _lock_windows(self.file, wait) if os.name == "nt" else _lock_posix(self.file, wait)


def _lock_posix(file: object, wait: bool) -> bool:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_windows(file: object, wait: bool) -> bool:
    import msvcrt

    while True:
        file.seek(1 << 30)  # beyond the end: a lock on a byte there keeps nobody from reading the file
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            return True
        except OSError:
            if not wait:
                return False


def last(lines: list) -> str:
    return next((line for line in reversed(lines) if line), "it did not say why.")


def shown(path: str) -> str:
    return os.path.basename(path) if os.path.dirname(path) == os.getcwd() else path


def say(text: str) -> None:
    print(text, flush=True)


def main(arguments: list) -> int:
    """Sets minisocial up where needed, and starts it."""
    try:
        command = prepare(arguments)
    except Stop as stop:
        sys.exit(str(stop))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        sys.exit("minisocial cannot be set up in %s (%s): put it where you can write, with room left." % (HERE, why))
    return hand_over(command) if command else start(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
