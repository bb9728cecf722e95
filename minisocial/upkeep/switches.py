"""Switches: settings that act while the system runs, read and changed by name."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from minisocial import settings_file
from minisocial.errors import Refused
from minisocial.settings import Settings


@dataclass(frozen=True, slots=True)
class Switch:
    """One setting, with the way to its value in a running system."""

    name: str  # of the setting; its type and its range are those of the switch
    read: Callable[[], Any]
    write: Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class SwitchSnapshot:
    """A switch as it is now, for people."""

    name: str
    value: str
    at_start: str  # what the setting said
    allowed: str
    about: str


def attribute(name: str, owner: object, attribute: str = "") -> Switch:
    """A switch that is an attribute of a box; of the same name, if none is given."""
    attribute = attribute or name
    return Switch(name, lambda: getattr(owner, attribute), lambda value: setattr(owner, attribute, value))


class Switches:
    """All switches of a system. What is switched lasts until it stops; then the settings count again."""

    def __init__(self, settings: Settings, *switches: Switch) -> None:
        self._settings = settings
        self._switches = {switch.name: switch for switch in switches}
        self._about = {each.name: each.metadata["reason"] for each in fields(Settings)}

    def change(self, name: str, text: str) -> SwitchSnapshot:
        """Switches; refuses an unknown name, and what the setting of that name could not be."""
        switch = self._switches.get(name)
        if switch is None:
            raise Refused(f"There is no switch {name[:40]!r}. There are: {', '.join(self._switches)}.")
        switch.write(settings_file.read_value(name, text))
        return self._told(switch)

    def snapshot(self) -> tuple[SwitchSnapshot, ...]:
        return tuple(map(self._told, self._switches.values()))

    def _told(self, switch: Switch) -> SwitchSnapshot:
        name, written = switch.name, settings_file.written
        at_start = written(getattr(self._settings, name))
        return SwitchSnapshot(name, written(switch.read()), at_start, settings_file.allowed(name), self._about[name])
