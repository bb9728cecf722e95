"""How much the benchmark of the background does, and for how long."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """What fits a run of two minutes."""

    rounds: int = 3  # of each pair; its median is shown
    tasks: int = 600  # enqueued and completed in each half of a round
    writers: int = 4  # threads that enqueue
    likes: int = 200  # whose notification is waited for
    followers: int = 10_000
    posts: int = 3  # by somebody with so many followers
    mail_seconds: float = 1.5  # of each half of a round
    mail_rounds: int = 3
    strangers: int = 200  # who ask for a friendship in each half of a round, at most
    mail_delay: float = 0.2  # seconds that the mail server takes for a letter


QUICK = Size(
    rounds=1,
    tasks=100,
    likes=20,
    followers=500,
    posts=1,
    mail_seconds=0.5,
    mail_rounds=1,
    strangers=60,
    mail_delay=0.02,
)
