"""The commands for tasks: the workers of a running system, and what they gave up."""

from typing import Any

import click

from minisocial.cli.database import perform
from minisocial.cli.flags import setting_flags, settings_from


@click.group()
def workers() -> None:
    """Workers of the running system: they do what need not happen before the answer."""


@workers.command("list")
@setting_flags("data")
def workers_list(**flags: Any) -> None:
    """Show how many workers there are, and what each is at."""
    perform(settings_from(flags), "workers-list")


@workers.command("set")
@click.argument("number")
@setting_flags("data")
def workers_set(number: str, **flags: Any) -> None:
    """Have NUMBER workers; those that are too many finish their task first."""
    perform(settings_from(flags), "workers-set", number=number)


@workers.command("pause")
@setting_flags("data")
def workers_pause(**flags: Any) -> None:
    """Let the workers take nothing more; tasks wait, and nothing is lost."""
    perform(settings_from(flags), "workers-pause")


@workers.command("resume")
@setting_flags("data")
def workers_resume(**flags: Any) -> None:
    """Let them go on."""
    perform(settings_from(flags), "workers-resume")


@workers.command("step")
@setting_flags("data")
def workers_step(**flags: Any) -> None:
    """Do the next task alone, also while they are paused."""
    perform(settings_from(flags), "workers-step")


@workers.command("restart")
@setting_flags("data")
def workers_restart(**flags: Any) -> None:
    """Replace each worker by a new one, after its task."""
    perform(settings_from(flags), "workers-restart")


@click.group()
def dead() -> None:
    """Dead letters: tasks that were given up."""


@dead.command("list")
@setting_flags("data")
def dead_list(**flags: Any) -> None:
    """Show the newest dead letters."""
    perform(settings_from(flags), "dead-list")


@dead.command("show")
@click.argument("letter")
@setting_flags("data")
def dead_show(letter: str, **flags: Any) -> None:
    """Show all there is to know of LETTER."""
    perform(settings_from(flags), "dead-show", letter=letter)


@dead.command("replay")
@click.argument("letter", required=False)
@click.option("--all", "is_all", is_flag=True, help="every dead letter, the oldest first")
@setting_flags("data")
def dead_replay(letter: str | None, is_all: bool, **flags: Any) -> None:
    """Have the task of LETTER done as if for the first time; with --all, every one."""
    if is_all == bool(letter):
        raise click.UsageError("Name one dead letter, or give --all.")
    perform(
        settings_from(flags), "dead-replay-all" if is_all else "dead-replay", **({"letter": letter} if letter else {})
    )


@dead.command("discard")
@click.argument("letter")
@click.argument("reason")
@setting_flags("data")
def dead_discard(letter: str, reason: str, **flags: Any) -> None:
    """Give LETTER up for good; REASON goes into the audit log."""
    perform(settings_from(flags), "dead-discard", letter=letter, reason=reason)


@click.group()
def jobs() -> None:
    """Jobs: what is due again and again."""


@jobs.command("list")
@setting_flags("data")
def jobs_list(**flags: Any) -> None:
    """Show every job, when it was and will be due, and what came of it."""
    perform(settings_from(flags), "jobs-list")


@jobs.command("run")
@click.argument("name")
@setting_flags("data")
def jobs_run(name: str, **flags: Any) -> None:
    """Do the job NAME now."""
    perform(settings_from(flags), "jobs-run", name=name)


COMMANDS = (workers, dead, jobs)
