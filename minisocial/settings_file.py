"""Where the settings come from: defaults, `minisocial.toml` in the data folder, the environment, flags.

Everything that is not understood is refused with a sentence: a misspelt setting that is silently
ignored is found out about on the worst day.
"""

import difflib
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from minisocial.errors import Refused
from minisocial.settings import Settings

tomllib: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

FILE = "minisocial.toml"
PREFIX = "MINISOCIAL_"
NOT_SETTINGS = frozenset({"MINISOCIAL_LOG"})  # read by `logs`: they are about the terminal, not about the system

MB = 1 << 20
RANGES: dict[str, tuple[int, int]] = {  # setting → least, most
    "port": (0, 65_535),
    "shards": (1, 64),  # there are 64 logical shards to lay on them
    "replicas": (0, 9),
    "read_nodes": (1, 64),
    "write_nodes": (1, 64),
    "workers": (1, 64),
    "read_slots": (1, 256),
    "write_slots": (1, 256),
    "wait_ms": (0, 60_000),
    "write_delay_ms": (0, 10_000),
    "page_cache_bytes": (0, 1 << 40),
    "local_cache_entries": (0, 10_000_000),
    "global_cache_bytes": (MB, 1 << 40),
    "queue_limit": (1, 10_000_000),
    "outbox_limit": (100, 100_000_000),
    "merge_above": (0, 10_000_000),
    "connections": (8, 10_000),
    "password_cost": (4, 20),
    "nightly_backups": (0, 1000),
    "body_bytes": (64 << 10, 64 * MB),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "durability": ("commit", "replicated"),
    "policy": ("least_busy", "round_robin", "random", "two_choices", "sticky"),
    "global_cache_form": ("cache-loads", "node-loads"),
    "services": ("separate", "merged"),
}
STARTS: dict[str, tuple[str, ...]] = {
    "public_url": ("http://", "https://"),
    "smtp_url": ("smtp://", "smtps://"),
}
WORDS = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}


def load(
    flags: Mapping[str, object], environ: Mapping[str, str], defaults: Mapping[str, object] = MappingProxyType({})
) -> Settings:
    """The settings in force. A flag that is `None` was not given; `defaults` come before all other sources.

    Refuses what it does not understand.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    outside = _from_environment(environ) | _checked(given, "{dashed}", ("--" + _dashed(name) for name in _TYPES))
    data = outside.get("data", default_data_folder())
    return Settings(**{**defaults, **_from_file(data / FILE), **outside, "data": data})


def read_value(name: str, text: str) -> Any:
    """What a text means as the value of a setting; refuses what it cannot be."""
    return _checked({name: text}, "{name}", _TYPES)[name]


def written(value: object) -> str:
    """A value as text that is read back as the same."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def allowed(name: str) -> str:
    """What a setting may be, for people."""
    if _TYPES[name] is bool:
        return "on or off"
    if name in CHOICES:
        return ", ".join(CHOICES[name])
    least, most = RANGES.get(name, (None, None))
    return "text" if least is None else f"{least} to {most}"


def default_data_folder() -> Path:
    """`data` beside run.py, from whatever folder it is called; where there is no run.py, here."""
    root = Path(__file__).resolve().parent.parent
    return root / "data" if os.path.isfile(root / "run.py") else Path("data")  # Path.is_file() may raise


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    known = [PREFIX + name.upper() for name in _TYPES]
    ours = {name: value for name, value in environ.items() if name.startswith(PREFIX) and name not in NOT_SETTINGS}
    for name in ours:
        if name not in known:
            raise Refused(_unknown(f"the environment variable {name}", name, known))
    return _checked({name[len(PREFIX) :].lower(): value for name, value in ours.items()}, PREFIX + "{upper}", known)


def _from_file(path: Path) -> dict[str, Any]:
    known = [name for name in _TYPES if name != "data"]
    given = _read(path)
    if "data" in given:
        raise Refused(f"{path}: data cannot be set here, since this file lies in it; use --data or {PREFIX}DATA.")
    for name in given:
        if name not in known:
            raise Refused(_unknown(f"{name} in {path}", name, known))
    return _checked(given, f"{path}: {{name}}", known)


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(tomllib.loads(path.read_text("utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError as error:
        raise Refused(f"{path} cannot be read: run this as the user to whom the data folder belongs.") from error
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{path} is not a text file in UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{path} is not valid TOML: {error}.") from error


def _checked(given: Mapping[str, object], label: str, known: Iterable[str]) -> dict[str, Any]:
    """The values of one source in the types of the fields; `label` is how that source calls a setting."""
    checked = {}
    for name, value in given.items():
        called = label.format(name=name, upper=name.upper(), dashed="--" + _dashed(name))
        if name not in _TYPES:
            raise Refused(_unknown(called, called, known))
        try:
            checked[name] = _in_range(name, _READERS[_TYPES[name]](value))
        except ValueError as wrong:
            raise Refused(f"{called} is {_shown(value)}, but {wrong}.") from None
    return checked


def _in_range(name: str, value: Any) -> Any:
    least, most = RANGES.get(name, (None, None))
    if least is not None and most is not None and not least <= value <= most:
        raise ValueError(f"it must be from {least} to {most}")
    if name in CHOICES and value not in CHOICES[name]:
        raise ValueError(f"it must be {' or '.join(CHOICES[name])}")
    if value and name in STARTS and not value.startswith(STARTS[name]):
        raise ValueError(f"it must begin with {' or '.join(STARTS[name])}")
    if isinstance(value, str) and not value.isprintable():
        raise ValueError("it must be one line of plain text")
    return value


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("it must be a whole number")
    try:
        return int(value)
    except ValueError:
        raise ValueError("it must be a whole number") from None


def _switch(value: object) -> bool:
    word = str(value).strip().lower()
    if word not in WORDS:
        raise ValueError("it must be on or off")
    return WORDS[word]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("it must be text in quotes")
    return value


def _folder(value: object) -> Path:
    if not str(value):
        raise ValueError("it must be a folder")
    return Path(str(value)).expanduser()


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"There is no setting for {what}." + (f" Did you mean {near[0]}?" if near else "")


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)


_TYPES: dict[str, object] = {field.name: field.type for field in fields(Settings)}
_READERS: dict[object, Callable[[object], Any]] = {int: _integer, bool: _switch, str: _text, Path: _folder}
