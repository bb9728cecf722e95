"""The commands for a running system: its switches and its request nodes."""

from typing import Any

import click

from minisocial.cli.database import perform
from minisocial.cli.flags import setting_flags, settings_from


@click.command()
@click.argument("name", required=False)
@click.argument("value", required=False)
@setting_flags("data")
def switch(name: str | None, value: str | None, **flags: Any) -> None:
    """Show all switches of the running system, or set the one called NAME to VALUE."""
    perform(settings_from(flags), "switch", name=name or "", value=value or "")


@click.group()
def nodes() -> None:
    """Request nodes of the running system."""


@nodes.command("list")
@setting_flags("data")
def nodes_list(**flags: Any) -> None:
    """Show every request node, and what it does."""
    perform(settings_from(flags), "nodes-list")


@nodes.command("add")
@click.argument("service", type=click.Choice(["read", "write"]))
@setting_flags("data")
def nodes_add(service: str, **flags: Any) -> None:
    """Start one more node, for SERVICE: read or write."""
    perform(settings_from(flags), "nodes-add", service=service)


@nodes.command("drain")
@click.argument("node")
@setting_flags("data")
def nodes_drain(node: str, **flags: Any) -> None:
    """Give NODE no new requests, and let it end those it has."""
    perform(settings_from(flags), "nodes-drain", node=node)


@nodes.command("kill")
@click.argument("node")
@setting_flags("data")
def nodes_kill(node: str, **flags: Any) -> None:
    """Kill NODE in the middle of its work."""
    perform(settings_from(flags), "nodes-kill", node=node)


@nodes.command("restart")
@click.argument("node")
@setting_flags("data")
def nodes_restart(node: str, **flags: Any) -> None:
    """Put a new node in the place of NODE, whatever state that is in."""
    perform(settings_from(flags), "nodes-restart", node=node)


@nodes.command("remove")
@click.argument("node")
@setting_flags("data")
def nodes_remove(node: str, **flags: Any) -> None:
    """Drain NODE and do without it."""
    perform(settings_from(flags), "nodes-remove", node=node)


@nodes.command("slots")
@click.argument("node")
@click.argument("slots")
@setting_flags("data")
def nodes_slots(node: str, slots: str, **flags: Any) -> None:
    """Let NODE work on up to SLOTS requests at a time."""
    perform(settings_from(flags), "nodes-slots", node=node, slots=slots)


COMMANDS = (switch, nodes)
