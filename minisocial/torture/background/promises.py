"""What was acknowledged: lines of the killed process, and what each of them promises."""

from collections.abc import Iterable
from dataclasses import dataclass, field

ACTS = ("post", "reply", "like", "request", "accept")


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification that must be there, once: what `actor` did, told to `account`."""

    account: int
    kind: str
    actor: int
    post: int | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """A letter that must have come: to whom, and the name that its subject begins with."""

    to: str
    name: str


@dataclass(slots=True)
class Promises:
    """The sum of all that was acknowledged."""

    acknowledged: int = 0
    posts: list[tuple[int, int]] = field(default_factory=list)  # post, author
    notices: list[Notice] = field(default_factory=list)
    letters: list[Expected] = field(default_factory=list)

    def hear(self, lines: Iterable[str]) -> None:
        """Lines as the child writes them; the last one may be torn by the kill, and then promises nothing."""
        for line in lines:
            words = line.split()
            if line.endswith("\n") and words and words[0] in ACTS:
                self.acknowledged += 1
                self._promise(words[0], words[1:])

    def _promise(self, act: str, words: list[str]) -> None:
        if act in ("request", "accept"):
            actor, account, name, to = int(words[0]), int(words[1]), words[2], words[3]
            self.notices.append(Notice(account, {"request": "request", "accept": "accepted"}[act], actor))
            self.letters.append(Expected(to, name))
            return
        post, author, *told = map(int, words)
        if act != "like":
            self.posts.append((post, author))
        self.notices += [Notice(account, _KINDS[act], author, post) for account in told]


_KINDS = {"post": "mention", "reply": "reply", "like": "like"}


def line(act: str, *words: object) -> str:
    """One acknowledgement; the child writes it after the answer, and in one piece."""
    return " ".join([act, *map(str, words)]) + "\n"
