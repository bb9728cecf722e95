"""The command line: `python3 run.py COMMAND` and `minisocial COMMAND` are the same."""

import errno
import sys
from collections.abc import Sequence

import click

from minisocial.errors import MinisocialError

REMEDIES = {
    errno.ENOSPC: "make room and start again",
    errno.EDQUOT: "make room and start again",
    errno.EACCES: "see who owns it",
    errno.EROFS: "choose another folder with --data",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit status; what can be expected to go wrong is one sentence."""
    try:
        from minisocial.cli.commands import cli

        status = cli.main(arguments, prog_name="minisocial", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except (MinisocialError, OSError) as error:
        print(sentence(error), file=sys.stderr)  # noqa: T201
        return 1


def sentence(error: Exception) -> str:
    """What went wrong, for people."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error) or type(error).__name__
    where = f"{error.filename}: " if error.filename else ""
    remedy = REMEDIES.get(error.errno or 0)
    return f"{where}{error.strerror}" + (f"; {remedy}." if remedy else ".")
