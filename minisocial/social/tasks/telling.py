"""Telling people: notifications and letters."""

from collections.abc import Callable

from minisocial.background import Letter, Task
from minisocial.social import letters
from minisocial.social.notifications import notify
from minisocial.social.registers import is_apart
from minisocial.social.social import Social
from minisocial.social.tasks.effect import effect

Send = Callable[[Letter], None]


class TellingTasks:
    """The tasks that tell somebody of what others did; `public_url` is how links in letters begin."""

    def __init__(self, social: Social, send: Send, public_url: Callable[[], str]) -> None:
        self._social = social
        self._store = social.store
        self._send = send
        self._public_url = public_url

    def notify(self, task: Task) -> None:
        """Write one notification."""
        args = task.args
        account, id = args["account"], self._store.cluster.new_id(args["account"])
        with effect(self._store, task, account) as tx:
            if account != args["actor"] and not is_apart(tx, account, args["actor"]):
                notify(tx, id, account, args["key"], args["kind"], args["actor"], args["post"])

    def letter(self, task: Task) -> None:
        """Send one letter about a friendship, unless it was sent before."""
        account, kind = task.args["account"], task.args["kind"]
        if not self._social.people.visible([task.args["other"]], account):
            return  # they have parted
        key = f"{kind}-{task.args['version']}-{account}"
        with self._store.fresh(account) as reader:
            if reader.row("SELECT 1 FROM letters_sent WHERE account = ? AND key = ?", (account, key)):
                return
        self._send(self._written(key, kind, account, task.args["other"]))
        with effect(self._store, task, account) as tx:
            now = self._store.clock.milliseconds()
            tx.execute("INSERT OR IGNORE INTO letters_sent (account, key, at) VALUES (?, ?, ?)", (account, key, now))

    def _written(self, key: str, kind: str, account: int, other: int) -> Letter:
        social = self._social
        return letters.write(
            kind,
            key=key,
            to=social.accounts.email(account),
            reader=social.accounts.get(account),
            actor=social.accounts.get(other),
            community=social.community.get().name,
            public_url=self._public_url(),
        )
