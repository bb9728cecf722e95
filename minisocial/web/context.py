"""What the pages are handed from outside: addresses, switches, the limits all nodes share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from minisocial.clock import Clock
from minisocial.web.limits import Limits


class Letter(Protocol):
    """A letter as the admin pages show it, where no mail server is set."""

    @property
    def to(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...


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
    secure: bool = False  # people reach it by https even where the last step to us is plain http
    teach: bool = False
    check_setup_code: Callable[[str], bool] = lambda code: False
    letters: Callable[[], Sequence[Letter]] = tuple
    node: str = "web"
