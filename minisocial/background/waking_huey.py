"""Huey by our clock, with messages that are JSON: it runs nobody's pickle."""

import json
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from huey.api import Huey
from huey.exceptions import HueyException
from huey.registry import Message
from huey.serializer import Serializer

from minisocial.background.waking_storage import WakingStorage
from minisocial.clock import Clock

FIELDS = ("id", "shard", "name", "args", "attempt", "request_id", "created_ms", "enqueued_ms")
TYPES = (int, str, str, dict, int, str, int, int)
UNREADABLE = (ValueError, TypeError, OverflowError, OSError, HueyException)  # what a message that is not ours raises


class JsonMessages(Serializer):  # type: ignore[misc]
    """Messages as JSON: what is read from the file cannot run code, and people can read it.

    Each is looked at twice in a row, for its place and to be run; so what a thread read last is remembered.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last = threading.local()  # .read: the bytes and what they say

    def _serialize(self, message: Message) -> bytes:
        due = message.eta.timestamp() if message.eta else None
        (task,) = message.args
        text = json.dumps({"message": message.id, "run": message.name, "due": due, "task": task})
        return text.encode()

    def _deserialize(self, data: bytes) -> Message:
        before, message = getattr(self._last, "read", (None, None))
        if before is not data:
            message = self._read(data)
            self._last.read = data, message
        return message

    def _read(self, data: bytes) -> Message:
        fields = json.loads(bytes(data))
        if not isinstance(fields, dict) or set(fields) != {"message", "run", "due", "task"}:
            raise ValueError("not a message of this queue")
        task = fields["task"]
        if not isinstance(task, dict) or tuple(task) != FIELDS:
            raise ValueError("not a task of this queue")
        if not all(type(value) is kind for value, kind in zip(task.values(), TYPES, strict=True)):
            raise ValueError("a task with fields of the wrong type")
        due = datetime.fromtimestamp(fields["due"], timezone.utc) if fields["due"] is not None else None
        return Message(str(fields["message"]), str(fields["run"]), due, args=(task,))


class TaskHuey(Huey):  # type: ignore[misc]
    """Huey by our clock. Times know their zone: Huey's own are naive and jump with daylight saving."""

    def __init__(self, storage: Callable[..., WakingStorage], messages: JsonMessages, clock: Clock) -> None:
        self.clock = clock
        self.refused = 0
        self.on_minute: Callable[[], object] = lambda: None
        super().__init__("minisocial", results=False, serializer=messages, storage_class=storage)

    def _get_timestamp(self) -> datetime:
        return datetime.fromtimestamp(self.clock.time(), timezone.utc)

    def read_periodic(self, timestamp: datetime | None) -> list[Any]:
        """Huey's scheduler asks once a minute what is due: it goes by way of the outbox, as everything does."""
        self.on_minute()
        return []

    def deserialize_task(self, data: bytes) -> Any:
        try:
            return super().deserialize_task(data)
        except UNREADABLE:
            self.refused += 1  # its outbox row brings it again
            raise
