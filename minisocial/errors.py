"""Everything that can go wrong by name, and the HTTP status each means.

    MinisocialError                 500
    ├── Refused                     400   what was asked cannot be done; the message says why, for people
    │   ├── Invalid                 422   a field of a form is not acceptable
    │   │   └── Conflict            409   ... because somebody else has it already
    │   ├── LoginRequired           401
    │   ├── Forbidden               403
    │   ├── NotFound                404   not there, or not for this person: the same answer
    │   ├── Gone                    410   it was there once (a used invite)
    │   ├── MethodNotAllowed        405
    │   ├── TooLarge                413
    │   └── TooMany                 429   a rate limit
    ├── CannotStart                 500   the program can not run like this; the message says the remedy
    │   ├── DataInUse                     another running process owns the data folder
    │   └── DataTooNew                    a newer minisocial wrote the data folder
    └── Unavailable                 503   not now; nothing was changed
        ├── NoPrimary                     a shard has no copy that may take writes
        ├── ReplicaBehind                 no copy has reached the position asked for
        ├── NodeDown                      a request node does not answer
        │   └── NodeKilled                    ... any more: it was killed while it worked on the request
        ├── Overloaded                    all slots are taken and the bounded wait is over
        ├── QueueFull                     the task queue is at its limit
        └── InDoubt                       a commit was not confirmed: it may survive or not

Boxes raise these; `web` and `api` translate them, each in one place.
"""


class MinisocialError(Exception):
    """Anything this program raises on purpose; `str()` of it is a sentence for people."""

    status = 500
    retry_after: int | None = None  # seconds


class Refused(MinisocialError):
    status = 400


class Invalid(Refused):
    """`field` names the form field that is not acceptable ("" for the form as a whole)."""

    status = 422

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Conflict(Invalid):
    status = 409


class LoginRequired(Refused):
    status = 401


class Forbidden(Refused):
    status = 403


class NotFound(Refused):
    status = 404


class Gone(Refused):
    status = 410


class MethodNotAllowed(Refused):
    status = 405


class TooLarge(Refused):
    status = 413


class TooMany(Refused):
    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CannotStart(MinisocialError):
    pass


class DataInUse(CannotStart):
    pass


class DataTooNew(CannotStart):
    pass


class Unavailable(MinisocialError):
    status = 503
    retry_after = 2


class NoPrimary(Unavailable):
    pass


class ReplicaBehind(Unavailable):
    pass


class NodeDown(Unavailable):
    pass


class NodeKilled(NodeDown):
    pass


class Overloaded(Unavailable):
    pass


class QueueFull(Unavailable):
    pass


class InDoubt(Unavailable):
    pass
