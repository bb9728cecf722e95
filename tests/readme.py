"""The parts of README.md that are made from the program: `python3 -m tests.readme` writes them anew.

Each stands between `<!-- made: NAME -->` and `<!-- end -->`, which nobody sees on the page.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from minisocial.cli.commands import cli
from minisocial.diagram import draw
from minisocial.picture import caption
from minisocial.settings import Settings

README = Path(__file__).parent.parent / "README.md"

# in the order in which a request meets them, then what stands beside its way
FOLDERS = (
    "proxy", "balancer", "nodes", "web", "social", "cache", "database", "background",
    "console", "cli", "upkeep", "doctor", "torture", "seed", "benchmarks",
)  # fmt: skip
MODULES = (
    "system", "switchboard", "settings", "settings_file", "clock", "ids", "trace", "waiting", "wsgi", "errors",
    "process", "picture", "diagram",
)  # fmt: skip

MADE = re.compile(r"(<!-- made: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def written(text: str) -> str:
    """The README with its made parts as they should be now."""
    return MADE.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}\n{found[4]}", text)


def picture() -> str:
    return f"```\n{draw()}\n```"


def tree() -> str:
    """The folders and modules of `minisocial` with their captions."""
    lines = [(f"{name}/", caption(name)) for name in FOLDERS] + [(f"{name}.py", caption(name)) for name in MODULES]
    *others, last = [f"── {name:<17} {what}" for name, what in lines]
    return "\n".join(["```", "minisocial/", *(f"├{line}" for line in others), f"└{last}", "```"])


def commands() -> dict[str, str]:
    """Every command with the first sentence of its help."""
    return dict(_commands(cli, ""))


def _commands(group: click.Group, above: str) -> Iterator[tuple[str, str]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{above}{name} ")
        else:
            arguments = [p for p in command.params if isinstance(p, click.Argument)]
            words = [p.human_readable_name if p.required else f"[{p.human_readable_name}]" for p in arguments]
            yield " ".join([above + name, *words]), (command.help or "").partition("\n")[0]


def command_table() -> str:
    rows = [f"| `{command}` | {what} |" for command, what in commands().items()]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def setting_table() -> str:
    """Every setting with its default, its unit and the reason, below the heading it has in `settings.py`."""
    headings, rows = _headings(), []
    for each in fields(Settings):
        if each.name in headings:
            rows.append(f"| **{headings[each.name]}** | | | |")
        what = each.metadata
        rows.append(f"| `{each.name}` | {_shown(each.default)} | {what['unit']} | {what['reason']} |")
    return "\n".join(["| setting | default | unit | why |", "|---|---|---|---|", *rows])


def _headings() -> dict[str, str]:
    """The first setting of each group → the comment above it."""
    return {
        name: said for said, name in re.findall(r"^    # (.+)\n    (\w+):", inspect.getsource(Settings), re.MULTILINE)
    }


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int) and value >= 1024 and value % 1024 == 0:
        return f"{value >> 20} MiB" if value % (1 << 20) == 0 else f"{value >> 10} KiB"
    return f"{value:,}" if isinstance(value, int) and value > 9999 else str(value)


PARTS: dict[str, Callable[[], str]] = {
    "picture": picture,
    "tree": tree,
    "commands": command_table,
    "settings": setting_table,
}

if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), "utf-8")
