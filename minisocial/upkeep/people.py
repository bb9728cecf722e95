"""People, as a host at the command line deals with them: each answer is a sentence for the host."""

from collections.abc import Mapping
from typing import Protocol

from minisocial.errors import Refused
from minisocial.social import Social

Arguments = Mapping[str, str]


class Peopled(Protocol):
    """As much of a system as this needs."""

    social: Social

    def public_url(self) -> str: ...


def user_reset_link(system: Peopled, args: Arguments, progress: object) -> str:
    """A link with which somebody chooses a new password."""
    account = system.social.accounts.named(args["name"])
    token = system.social.links.make(None, account, "reset")
    return f"{system.public_url()}/reset/{token}\nsets a new password for {account.username}: once, within an hour."


def user_create(system: Peopled, args: Arguments, progress: object) -> str:
    """An account without an invite."""
    role = args.get("role", "member")
    if role not in ("member", "admin"):
        raise Refused("An account made here is a member or an admin.")
    account = system.social.accounts.create(args["name"], args["email"], args["password"], role)
    return f"{account.username} can log in now."


def user_reset_password(system: Peopled, args: Arguments, progress: object) -> str:
    """Another password, and an end to all sessions."""
    account = system.social.accounts.named(args["name"])
    system.social.credentials.set_password(account.id, args["password"])
    return f"{account.username} can log in with the new password."


def user_suspend(system: Peopled, args: Arguments, progress: object) -> str:
    """Nobody sees them, and they cannot log in."""
    account = system.social.accounts.named(args["name"])
    system.social.moderation.suspend(None, account.id, args.get("reason", ""))
    return f"{account.username} is logged out everywhere, hidden, and cannot log in."


def user_unsuspend(system: Peopled, args: Arguments, progress: object) -> str:
    """The end of that."""
    account = system.social.accounts.named(args["name"])
    system.social.moderation.unsuspend(None, account.id)
    return f"{account.username} can log in again."


def user_role(system: Peopled, args: Arguments, progress: object) -> str:
    """What they may do here from now on."""
    account = system.social.accounts.named(args["name"])
    system.social.moderation.set_role(None, account.id, args["role"])
    return f"{account.username} is {args['role']} now."
