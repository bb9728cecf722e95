"""The commands and their flags. A flag of a setting is made from `Settings`, so none can be forgotten."""

import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click

import minisocial
from minisocial import settings_file
from minisocial.cli import doctor as checks
from minisocial.cli import logs, serving, testing
from minisocial.errors import Refused
from minisocial.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


class ServeByDefault(click.Group):
    """A group that takes `--port 80` without a command for `serve --port 80`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h", "--version")):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


def setting_flags(*names: str) -> Callable[[F], F]:
    """One flag for each of these settings (without names, for all), and `--log-level`."""

    def decorate(command: F) -> F:
        command = _LOG_LEVEL(command)
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


_LOG_LEVEL = click.option(
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


@click.group(cls=ServeByDefault, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(minisocial.__version__, message="minisocial %(version)s")
def cli() -> None:
    """A private social network, and the whole architecture of a large one, in one process.

    Without a command: serve. Every setting has a flag, and can be set in minisocial.toml in the
    data folder and in the environment, too: --read-nodes 3, read_nodes = 3, MINISOCIAL_READ_NODES=3.
    """


@cli.command()
@setting_flags()
def serve(**flags: Any) -> None:
    """Start everything, and serve until Ctrl-C (the default)."""
    serving.serve(settings_from(flags))


@cli.command()
@content_flags
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="keep the data in this folder")
@setting_flags()
def demo(graph: Path | None, posts: int | None, keep: Path | None, **flags: Any) -> None:
    """Start on a throw-away folder, with people and posts in it, open to visitors."""
    content = serving.Content.chosen(graph, posts)
    if flags["data"] is not None:
        raise click.UsageError("A demo has a folder of its own; to choose it, use --keep DIR.")
    serving.demo(content, keep, lambda folder: settings_from({**flags, "data": folder}, serving.DEMO))


@cli.command()
@content_flags
@setting_flags()
def seed(graph: Path | None, posts: int | None, **flags: Any) -> None:
    """Fill a data folder with the people and posts of the demo."""
    serving.seed(settings_from(flags), serving.Content.chosen(graph, posts))


@cli.group()
def user() -> None:
    """Accounts, from the command line, while the site is stopped."""


@user.command("create")
@click.argument("name")
@click.option("--email", required=True, help="where letters go")
@click.option("--password", help="asked for if not given; read from standard input if that is no terminal")
@click.option("--admin", is_flag=True, help="may run the community")
@setting_flags("data")
def user_create(name: str, email: str, password: str | None, admin: bool, **flags: Any) -> None:
    """Make an account called NAME."""
    settings = settings_from(flags)
    password = password or ask_password()
    with serving.opened(settings) as system:
        account = system.social.accounts.create(name, email, password, "admin" if admin else "member")
    click.echo(f"{account.username} can log in now.")


@user.command("reset-password")
@click.argument("name")
@click.option("--password", help="asked for if not given; read from standard input if that is no terminal")
@setting_flags("data")
def user_reset_password(name: str, password: str | None, **flags: Any) -> None:
    """Give the account NAME a new password, and end its sessions."""
    settings = settings_from(flags)
    password = password or ask_password()
    with serving.opened(settings) as system:
        account = system.social.accounts.named(name)
        system.social.accounts.set_password(account.id, password)
    click.echo(f"{account.username} can log in with the new password.")


def ask_password() -> str:
    """From the terminal, twice and unseen; or a line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Refused("There is no password: give one with --password, or on standard input.")
    return line


@cli.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> int:
    """Run the tests; ARGUMENTS are pytest's."""
    return testing.run(arguments)


@cli.command()
@click.argument("name", required=False)
@click.option("--quick", is_flag=True, help="takes seconds and says little: shows that it works")
@_LOG_LEVEL
def bench(name: str | None, quick: bool, log_level: str | None) -> int:
    """Measure this machine: all benchmarks, or the one called NAME."""
    from minisocial import benchmarks

    logs.set_up(log_level or "warning")
    return int(benchmarks.run(name, quick))


@cli.command()
@setting_flags("data", "host", "port")
def doctor(**flags: Any) -> int:
    """Check this machine and the data folder; exit status 1 if something needs you."""
    findings = checks.examine(settings_from(flags))
    for finding in findings:
        click.echo(str(finding))
    return 0 if all(finding.is_well for finding in findings) else 1


@cli.command()
def version() -> None:
    """Print the versions that a report of a fault should name."""
    click.echo(f"minisocial {minisocial.__version__}")
    click.echo(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.platform(terse=True)}")
