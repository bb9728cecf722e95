"""The commands for what is kept: copies and where they lie, shards, backups. They work on a running system, too."""

from pathlib import Path
from typing import Any

import click

from minisocial.cli.flags import setting_flags, settings_from
from minisocial.cli.serving import shown
from minisocial.settings import Settings


@click.command()
@click.argument("shard")
@click.argument("place")
@setting_flags("data")
def promote(shard: str, place: str, **flags: Any) -> None:
    """Let the copy of SHARD in PLACE lead; nothing is lost."""
    perform(settings_from(flags), "promote", shard=shard, place=place)


@click.group()
def replicas() -> None:
    """Places: each holds one copy of everything."""


@replicas.command("add")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@setting_flags("data")
def replicas_add(folder: Path | None, **flags: Any) -> None:
    """Keep one more copy, in FOLDER (on another disk, say) or beside the others."""
    perform(settings_from(flags), "replicas-add", **({"folder": str(folder.expanduser().absolute())} if folder else {}))


@replicas.command("remove")
@click.argument("place")
@setting_flags("data")
def replicas_remove(place: str, **flags: Any) -> None:
    """Keep one copy less: give PLACE up, and remove its files."""
    perform(settings_from(flags), "replicas-remove", place=place)


@click.group()
def shards() -> None:
    """Shards: each holds a part of the people, in every place."""


@shards.command("list")
@setting_flags("data")
def shards_list(**flags: Any) -> None:
    """Show every copy of every shard, the places, and what lies where."""
    perform(settings_from(flags), "shards-list")


@shards.command("add")
@setting_flags("data")
def shards_add(**flags: Any) -> None:
    """Make one more shard, empty."""
    perform(settings_from(flags), "shards-add")


@shards.command("spread")
@setting_flags("data")
def shards_spread(**flags: Any) -> None:
    """Move people until each shard holds its share."""
    perform(settings_from(flags), "shards-spread")


@shards.command("move")
@click.argument("logical")
@click.argument("shard")
@setting_flags("data")
def shards_move(logical: str, shard: str, **flags: Any) -> None:
    """Move the logical shard LOGICAL (0 to 63) to SHARD."""
    perform(settings_from(flags), "shards-move", logical=logical, shard=shard)


@shards.command("call-off")
@click.argument("logical")
@setting_flags("data")
def shards_call_off(logical: str, **flags: Any) -> None:
    """Let the logical shard LOGICAL, which is on its way, stay where it is."""
    perform(settings_from(flags), "shards-call-off", logical=logical)


@click.command()
@click.argument("shard", required=False)
@click.argument("place", required=False)
@setting_flags("data")
def verify(shard: str | None, place: str | None, **flags: Any) -> None:
    """Compare copies row by row: all, or those of SHARD, or its one in PLACE."""
    perform(
        settings_from(flags), "verify", **{name: each for name, each in (("shard", shard), ("place", place)) if each}
    )


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@setting_flags("data")
def backup(file: Path, **flags: Any) -> None:
    """Write everything into FILE, as it is at one moment."""
    perform(settings_from(flags), "backup", file=str(file.expanduser().absolute()))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--check", "only_check", is_flag=True, help="only see whether FILE is whole and can be restored")
@setting_flags("data")
def restore(file: Path, only_check: bool, **flags: Any) -> int:
    """Make a data folder of the backup FILE, while the site is stopped."""
    from minisocial.upkeep.restore import check
    from minisocial.upkeep.restore import restore as make_folder

    settings, file = settings_from(flags), file.expanduser()
    report = check(file, to_stderr) if only_check else make_folder(file, settings.data, to_stderr)
    click.echo(report if only_check else f"{shown(settings.data)} is made of it. {report}")
    return 0 if report.is_sound else 1


@click.group()
def feeds() -> None:
    """Home feeds."""


@feeds.command("check")
@setting_flags("data")
def feeds_check(**flags: Any) -> None:
    """Compare all home feeds with what belongs into them; exit status 1 if one is wrong."""
    perform(settings_from(flags), "feeds-check")


@feeds.command("rebuild")
@click.argument("name", required=False)
@click.option("--all", "is_all", is_flag=True, help="everybody's")
@setting_flags("data")
def feeds_rebuild(name: str | None, is_all: bool, **flags: Any) -> None:
    """Make the home feed of NAME anew, or with --all everybody's."""
    if bool(name) == is_all:
        raise click.UsageError("Say whose: a name, or --all.")
    perform(settings_from(flags), "feeds-rebuild", **({"name": name} if name else {}))


def to_stderr(line: str) -> None:
    """Progress, beside what is printed for good; "" says nothing."""
    if line:
        click.echo(line, err=True)


def perform(settings: Settings, operation: str, /, **args: str) -> None:
    """Has an operation done and prints the sentence at the end."""
    from minisocial.cli import remote  # only here, so that the small commands start at once

    click.echo(remote.perform(settings, operation, args, to_stderr))


COMMANDS = (promote, replicas, shards, verify, feeds, backup, restore)
