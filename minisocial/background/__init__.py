"""What need not happen before the answer: outbox, queue, workers, mail.

    background       the box: all of the following, joined         start here
    outbox           what must still happen, in the transaction of its cause
    relay            from the outbox to the queue, at once and by sweeping
    task_queue       what is next, and what waits for its next attempt
    waking_storage   Huey's file of messages, made to wake at once, and to say who is next
    lanes            who must not overtake whom; `waking_huey` is Huey with JSON and our clock
    handlers         what runs the tasks of a name, in which order, how long and how often
    worker           one attempt at one task, and what becomes of failures; `deadline` is how it is told to stop
    settling         what is done leaves the outbox, many tasks in one commit
    workers          the threads: as many as wanted, replaced when they die or do not obey
    dead_letters     what was given up
    schedule         what is due again and again
    observer         what the box says of itself (`snapshots`), and why tasks wait for long (`trouble`)
    mail             letters: `header_text` keeps what people typed from being more than text
    letters          the folder where they lie while no mail server is set
    mail_server      one letter handed over, step by step; `smtp_url` names it, `mail_line` hears its answers
    mail_trouble     which step failed, why, and what to do about it

What is kept, and when:

- A task of a committed write is run at least once, killed or not, and only while its row is there.
- Its effect happens once if the handler bears repeating, or guards it with `task.finish(tx)`.
- Small tasks before batch work, and in each class the oldest first, also after a failure, a crash or the
  loss of the queue's file: the age is the outbox row's, and not the moment it came into the queue.
- Tasks of one order for one person are done one after the other, however many workers there are. One that
  failed twice is not waited for any longer; it loses its place, and holds nobody up.
- Numbers of attempts survive a restart. If the queue's file is lost, they begin again at one.
- With the queue full, tasks wait in the outbox; with the outbox full, the write that would add one is refused.
- A letter may arrive twice if we lose the connection, or our life, between the mail server's taking it
  and our noting so. Both copies have the same `Message-ID`.
"""

from minisocial.background.background import Background
from minisocial.background.dead_letters import DeadLetter
from minisocial.background.deadline import OutOfTime
from minisocial.background.handlers import Handler, HandlerSpec, Hopeless
from minisocial.background.mail import Letter, Mailer, MailSnapshot
from minisocial.background.mail_trouble import MailDown, Undeliverable
from minisocial.background.outbox import Outbox, Task
from minisocial.background.schedule import Job, PeriodicSnapshot
from minisocial.background.snapshots import BackgroundSnapshot, OutboxSnapshot, QueueSnapshot, WorkersSnapshot

__all__ = [
    "Background",
    "BackgroundSnapshot",
    "DeadLetter",
    "Handler",
    "HandlerSpec",
    "Hopeless",
    "Job",
    "Letter",
    "MailDown",
    "MailSnapshot",
    "Mailer",
    "OutOfTime",
    "Outbox",
    "OutboxSnapshot",
    "PeriodicSnapshot",
    "QueueSnapshot",
    "Task",
    "Undeliverable",
    "WorkersSnapshot",
]
