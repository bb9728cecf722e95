"""What need not happen before the answer: outbox, queue, workers, mail."""

from minisocial.background.background import Background, BackgroundSnapshot, OutboxSnapshot, QueueSnapshot
from minisocial.background.mail import Letter, Mailer, MailSnapshot
from minisocial.background.outbox import Outbox, Task
from minisocial.background.worker import Handler, HandlerSpec, Hopeless

__all__ = [
    "Background",
    "BackgroundSnapshot",
    "Handler",
    "HandlerSpec",
    "Hopeless",
    "Letter",
    "MailSnapshot",
    "Mailer",
    "Outbox",
    "OutboxSnapshot",
    "QueueSnapshot",
    "Task",
]
