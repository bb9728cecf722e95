"""Sending a letter: to whom it may go, and once."""

from collections.abc import Callable
from dataclasses import dataclass

from minisocial.background import Letter, Task
from minisocial.social.letters import Sender
from minisocial.social.social import Social
from minisocial.social.tasks.effect import effect

Send = Callable[[Letter], None]


@dataclass(frozen=True, slots=True)
class Sending:
    """What every letter's task needs; `public_url` is how links begin, `has_server` whether letters leave here."""

    social: Social
    send: Send
    public_url: Callable[[], str]
    has_server: bool = False

    def once(self, task: Task, account: int, key: str, write: Callable[[], Letter | None]) -> None:
        """Write a letter to this person and send it, unless one with this key was sent before.

        What cannot be known is whether the mail server took a letter whose task was broken off at that very
        moment: then it goes out again, with the same `Message-ID`.
        """
        if self._was_sent(account, key) or (letter := write()) is None:
            return
        self.send(letter)
        store = self.social.store
        with effect(store, task, account) as tx:
            row = (account, key, store.clock.milliseconds())
            tx.execute("INSERT OR IGNORE INTO letters_sent (account, key, at) VALUES (?, ?, ?)", row)

    def _was_sent(self, account: int, key: str) -> bool:
        with self.social.store.fresh(account) as reader:
            return reader.row("SELECT 1 FROM letters_sent WHERE account = ? AND key = ?", (account, key)) is not None

    def for_news(self, account: int) -> str:
        """Where letters with news to this person go; "" if none are to be sent."""
        return self.social.addresses.for_news(account, self.has_server)

    def unsubscribe(self, account: int, kind: str) -> str:
        """The link that ends letters of this kind."""
        return f"{self.public_url()}/unsubscribe/{self.social.unsubscribe.token(account, kind)}"

    @property
    def sender(self) -> Sender:
        return Sender(self.social.community.get().name, self.public_url())
