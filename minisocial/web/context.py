"""What the pages are handed from outside: addresses, switches, the limits all nodes share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from minisocial.clock import Clock
from minisocial.errors import NotFound
from minisocial.web.limits import Limits


class Letter(Protocol):
    """A letter as the admin pages show it, where no mail server is set."""

    @property
    def to(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...


class DeadLetter(Protocol):
    """A task that was given up, as the admin pages show it."""

    @property
    def shard(self) -> str: ...
    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def shown_args(self) -> dict[str, Any]: ...
    @property
    def attempts(self) -> int: ...
    @property
    def error(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def request_id(self) -> str: ...
    @property
    def died_ms(self) -> int: ...


class Desk(Protocol):
    """What a host can do about tasks; a dead letter is named "<shard>:<id>"."""

    def trouble(self) -> str: ...
    def dead(self) -> Sequence[DeadLetter]: ...
    def replay(self, name: str) -> None: ...
    def replay_all(self) -> int: ...
    def discard(self, name: str, reason: str, actor: int | None = None) -> object: ...


class EmptyDesk:
    """Where there are no tasks."""

    def trouble(self) -> str:
        return ""

    def dead(self) -> Sequence[DeadLetter]:
        return ()

    def replay(self, name: str) -> None:
        raise NotFound("There is no such dead letter any more.")

    def replay_all(self) -> int:
        return 0

    def discard(self, name: str, reason: str, actor: int | None = None) -> object:
        raise NotFound("There is no such dead letter any more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebContext:
    """Everything the pages need beside the domain; the same for all nodes but for `node`.

    `static` gives the address of a static file; `check_setup_code` tells whether this is the
    one-time code printed at start; `letters` lists the newest letters that lie in the data folder.
    """

    static: Callable[[str], str]
    limits: Limits
    clock: Clock = field(default_factory=Clock)
    public_url: str = ""
    sends_mail: bool = False  # a mail server is set, so that letters reach people
    secure: bool = False  # people reach it by https even where the last step to us is plain http
    teach: bool = False
    check_setup_code: Callable[[str], bool] = lambda code: False
    letters: Callable[[], Sequence[Letter]] = tuple
    desk: Desk = field(default_factory=EmptyDesk)
    node: str = "web"
