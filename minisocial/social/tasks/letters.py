"""Letters that somebody asked for: to confirm an address, to set a password anew, and word of a change.

A ticket is made only when its letter is written, so no token ever lies in an outbox, a queue or among the
dead letters. All but the token is in the task; see `tickets` for what becomes of a task that is repeated.
"""

from minisocial.background import Letter, Task
from minisocial.social import letters
from minisocial.social.tasks.effect import is_suspended
from minisocial.social.tasks.sending import Sending
from minisocial.social.tickets import CONFIRM, RESET


class LetterTasks:
    """The tasks that write such letters. None goes to somebody who is suspended."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._social = sending.social
        self._store = sending.social.store

    def confirm(self, task: Task) -> None:
        """Ask at an address whether it is this person's."""
        account, email, version = task.args["account"], task.args["email"], task.args["version"]
        mark = task.args.get("mark")  # none where somebody has just joined
        key = f"confirm-{version}-{account}"

        def write() -> Letter | None:
            if self._is_suspended(account):
                return None
            token = self._social.tickets.issue(CONFIRM, account, email, about=version)
            # after the ticket: a password that is changed from now on voids it, and one that was changed ends it here
            if mark is not None and mark != self._social.credentials.mark(account):
                return None
            username = self._social.accounts.get(account).username
            return letters.confirm(self._sending.sender, key=key, to=email, username=username, token=token)

        self._sending.once(task, account, key, write)

    def reset(self, task: Task) -> None:
        """Send a link for a new password to whom the name or address belongs, if to anybody."""
        account = self._social.accounts.id_of_name_or_email(task.args["name"].strip())
        if account is None or self._is_suspended(account):
            return
        version = task.args["version"]
        key = f"reset-{version}-{account}"

        def write() -> Letter:
            to = self._email(account)
            token = self._social.tickets.issue(RESET, account, to, about=version)
            reader = self._social.accounts.get(account)
            return letters.reset(self._sending.sender, key=key, to=to, reader=reader, token=token)

        self._sending.once(task, account, key, write)

    def address(self, task: Task) -> None:
        """Tell the old address that a new one is to replace it."""
        account, args = task.args["account"], task.args
        key = f"address-{args['version']}-{account}"

        def write() -> Letter | None:
            if self._is_suspended(account):
                return None
            reader = self._social.accounts.get(account)
            return letters.address(self._sending.sender, key=key, to=args["to"], reader=reader, email=args["email"])

        self._sending.once(task, account, key, write)

    def settle_address(self, task: Task) -> None:
        """Finish a change of address that died between the directory and the person's shard."""
        self._social.addresses.settle(task.args["account"])

    def _is_suspended(self, account: int) -> bool:
        with self._store.fresh(account) as reader:
            return is_suspended(reader, account)

    def _email(self, account: int) -> str:
        with self._store.fresh(account) as reader:
            row = reader.row("SELECT email FROM credentials WHERE account = ?", (account,))
        return str(row[0]) if row else ""
