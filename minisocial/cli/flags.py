"""The flags that commands share. A flag of a setting is made from `Settings`, so none can be forgotten."""

import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click

from minisocial import settings_file
from minisocial.cli import logs
from minisocial.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def setting_flags(*names: str) -> Callable[[F], F]:
    """One flag for each of these settings (without names, for all), and `--log-level`."""

    def decorate(command: F) -> F:
        command = log_level(command)
        for field in reversed(fields(Settings)):
            if not names or field.name in names:
                command = _flag(field.name, field.type, field.default, field.metadata)(command)
        return command

    return decorate


def _flag(name: str, kind: object, default: object, about: Mapping[str, str]) -> Callable[[F], F]:
    flag = "--" + name.replace("_", "-")
    words = f"{about['unit']}: {about['reason']}"
    if kind is bool:
        both = f"{flag}/--no-{flag[2:]}"
        return click.option(both, name, default=None, help=f"{words} [{'on' if default else 'off'}]")
    metavar = {int: "N", Path: "DIR"}.get(kind if isinstance(kind, type) else str, "TEXT")
    return click.option(flag, name, metavar=metavar, help=f"{words} [{default if str(default) else 'none'}]")


log_level = click.option(
    "--log-level",
    type=click.Choice(logs.LEVELS, case_sensitive=False),
    envvar="MINISOCIAL_LOG",
    help="what is logged to standard error; from info on, each request [warning]",
)


def content_flags(command: F) -> F:
    """What a data folder is filled with."""
    posts = click.option("--posts", type=click.IntRange(0, 10_000_000), help="spread over the people of --graph")
    graph = click.option("--graph", type=click.Path(path_type=Path), help="an edge list (plain or gzip), not the cast")
    return graph(posts(command))


def settings_from(flags: dict[str, Any], defaults: Mapping[str, object] | None = None) -> Settings:
    """The settings in force, after the logging is set up."""
    logs.set_up(flags.pop("log_level", None))
    return settings_file.load(flags, os.environ, defaults or {})
