"""What need not happen before the answer: outbox, queue, workers, mail.

    background    the box: all of the following, joined         start here
    outbox        what must still happen, in the transaction of its cause
    relay         from the outbox to the queue, at once and by sweeping
    task_queue    what is next, and what waits for its next attempt
    waking_huey   Huey, made to wake at once and to read JSON only
    worker        one attempt at one task, and what becomes of failures
    dead_letters  what was given up
    mail          letters: `header_text` keeps what people typed from being more than text
    letters       the folder where they lie while no mail server is set
    mail_server   one letter handed over, step by step; `smtp_url` names it, `mail_line` hears its answers
    mail_trouble  which step failed, why, and what to do about it

What is kept, and when:

- A task of a committed write is run at least once, killed or not, and only while its row is there.
- Its effect happens once if the handler bears repeating, or guards it with `task.finish(tx)`.
- Oldest first within a shard; a failed task waits for its next attempt and holds nobody up.
- Numbers of attempts survive a restart. If the queue's file is lost, they begin again at one.
- A letter may arrive twice if we lose the connection, or our life, in the moment between the mail
  server's taking it and our hearing so. Both copies have the same `Message-ID`.
"""

from minisocial.background.background import Background, BackgroundSnapshot, OutboxSnapshot, QueueSnapshot
from minisocial.background.mail import Letter, Mailer, MailSnapshot
from minisocial.background.mail_trouble import MailDown, Undeliverable
from minisocial.background.outbox import Outbox, Task
from minisocial.background.schedule import Job
from minisocial.background.worker import Handler, HandlerSpec, Hopeless

__all__ = [
    "Background",
    "BackgroundSnapshot",
    "Handler",
    "HandlerSpec",
    "Hopeless",
    "Job",
    "Letter",
    "MailDown",
    "MailSnapshot",
    "Mailer",
    "Outbox",
    "OutboxSnapshot",
    "QueueSnapshot",
    "Task",
    "Undeliverable",
]
