"""How tasks are treated: which are batch work, and which must not overtake each other."""

from collections.abc import Callable, Mapping

from minisocial.background import HandlerSpec, Task

BATCH = frozenset({"fan_out", "retract", "readdress", "store_broadcasts"})  # for all the readers of somebody
# What changes one person's side of things is done in the order in which it was caused ...
PERSON = frozenset(
    {
        "fill_feed",
        "clear_feed",
        "rebuild_feed",
        "mirror_friendship",
        "mirror_follow",
        "cut_follow",
        "mirror_block",
        "notify",
    }
)
# ... and so are letters, by themselves: a mail server may keep them waiting
LETTERS = frozenset({"letter", "digest", "confirm_letter", "reset_letter", "address_letter"})
# A post may be told to many, so all posts are told of one after the other: of two that mention the same person the
# older one is told first. None is waited for when it fails, for that would keep everybody waiting.
TELLING = frozenset({"tell_of_post"})
LETTER_SECONDS = 120.0  # a mail server that looks for viruses takes its time


def treated(handlers: Mapping[str, Callable[[Task], object]]) -> Mapping[str, HandlerSpec]:
    """The same handlers, each with its class, its order and its deadline."""
    return {name: _treated(name, run) for name, run in handlers.items()}


def _treated(name: str, run: Callable[[Task], object]) -> HandlerSpec:
    if name in LETTERS:
        return HandlerSpec(run, order="letters", deadline_seconds=LETTER_SECONDS)
    if name in TELLING:
        return HandlerSpec(run, order="telling", holds=0)
    return HandlerSpec(run, is_batch=name in BATCH, order="person" if name in PERSON else "")
