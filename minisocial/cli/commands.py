"""The commands."""

import platform
import sqlite3
import sys
from pathlib import Path
from typing import Any

import click

import minisocial
from minisocial.cli import database, live, logs, serving, tasks, testing
from minisocial.cli.flags import content_flags, log_level, setting_flags, settings_from
from minisocial.errors import Refused


class ServeByDefault(click.Group):
    """A group that takes `--port 80` without a command for `serve --port 80`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h", "--version")):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


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
    """Accounts, from the command line."""


@user.command("create")
@click.argument("name")
@click.option("--email", required=True, help="where letters go")
@click.option("--password", help="asked for if not given; read from standard input if that is no terminal")
@click.option("--admin", is_flag=True, help="may run the community")
@setting_flags("data")
def user_create(name: str, email: str, password: str | None, admin: bool, **flags: Any) -> None:
    """Make an account called NAME."""
    settings = settings_from(flags)
    role = "admin" if admin else "member"
    password = password or ask_password()
    database.perform(settings, "user-create", name=name, email=email, password=password, role=role)


@user.command("reset-password")
@click.argument("name")
@click.option("--password", help="asked for if not given; read from standard input if that is no terminal")
@setting_flags("data")
def user_reset_password(name: str, password: str | None, **flags: Any) -> None:
    """Give the account NAME a new password, and end its sessions."""
    settings = settings_from(flags)
    database.perform(settings, "user-reset-password", name=name, password=password or ask_password())


@user.command("reset-link")
@click.argument("name")
@setting_flags("data", "public_url")
def user_reset_link(name: str, **flags: Any) -> None:
    """Print a link with which NAME chooses a new password, once, within an hour."""
    database.perform(settings_from(flags), "user-reset-link", name=name)


@cli.group()
def mail() -> None:
    """Letters."""


@mail.command("test")
@click.argument("address")
@setting_flags("data", "smtp_url", "mail_from", "public_url")
def mail_test(address: str, **flags: Any) -> int:
    """Send a letter to ADDRESS, step by step, and say what is wrong if it does not go out."""
    from minisocial.cli import mail as mails

    return mails.test(settings_from(flags), address)


@user.command("suspend")
@click.argument("name")
@click.option("--reason", default="", help="for the audit log")
@setting_flags("data")
def user_suspend(name: str, reason: str, **flags: Any) -> None:
    """Log NAME out everywhere and hide the account, until it is lifted."""
    database.perform(settings_from(flags), "user-suspend", name=name, reason=reason)


@user.command("unsuspend")
@click.argument("name")
@setting_flags("data")
def user_unsuspend(name: str, **flags: Any) -> None:
    """Let NAME in again."""
    database.perform(settings_from(flags), "user-unsuspend", name=name)


@user.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(["member", "moderator", "admin"]))
@setting_flags("data")
def user_role(name: str, role: str, **flags: Any) -> None:
    """Make NAME a member, a moderator or an admin."""
    database.perform(settings_from(flags), "user-role", name=name, role=role)


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
@click.option(
    "--minutes", type=click.FloatRange(0.1), default=1.0, show_default=True, help="of load on the memory (edge)"
)
@log_level
def bench(name: str | None, quick: bool, minutes: float, log_level: str | None) -> int:
    """Measure this machine: all benchmarks, or the one called NAME."""
    from minisocial import benchmarks

    logs.set_up(log_level or "warning")
    return int(benchmarks.run(name, quick, minutes))


@cli.command()
@setting_flags("data", "host", "port")
def doctor(**flags: Any) -> int:
    """Check this machine and the data folder; exit status 1 if something needs you."""
    from minisocial.doctor import examine

    findings = examine(settings_from(flags))
    for finding in findings:
        click.echo(str(finding))
    return 0 if all(finding.is_well for finding in findings) else 1


@cli.command()
@click.argument("what", type=click.Choice(["database", "background"]), default="database")
@click.option("--rounds", type=click.IntRange(1), default=100, show_default=True, help="kills, each at another moment")
@click.option("--seed", type=int, help="of an earlier run, to have its plan again [by chance]")
@click.option("--durability", type=click.Choice(["commit", "replicated"]), default="replicated", show_default=True)
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="keep all databases in this folder")
@log_level
def torture(what: str, rounds: int, seed: int | None, durability: str, keep: Path | None, log_level: str | None) -> int:
    """Hurt and kill a database at work, or all of it at work in the background, and look for what is lost."""
    from minisocial.torture import run, run_background

    logs.set_up(log_level or "critical")
    return run(rounds, seed, durability, keep) if what == "database" else run_background(rounds, seed, keep)


@cli.command()
def version() -> None:
    """Print the versions that a report of a fault should name."""
    click.echo(f"minisocial {minisocial.__version__}")
    click.echo(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.platform(terse=True)}")


for command in (*database.COMMANDS, *live.COMMANDS, *tasks.COMMANDS):
    cli.add_command(command)
