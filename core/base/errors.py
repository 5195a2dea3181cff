"""Errors that FadeBench raises on purpose; each message says what to do next.

FadeBenchError
├── NotFound            what was asked for does not exist, or belongs to somebody else
├── InvalidInput        a value cannot be used as given
│   └── BadFile         an uploaded file cannot be used as it is
├── Conflict            the thing is in use, or in a state that forbids the request
├── NotAllowed          the user may not do this
├── DamagedData         what the database holds cannot be read
├── LoginRefused        wrong e-mail or password, or too many attempts
└── TaskFailed          background work ended without a result
"""


class FadeBenchError(Exception):
    """Base of the tree; `str(error)` is fit to be shown to the user."""


class NotFound(FadeBenchError):
    """The object does not exist, or is not the user's: the message is the same for both."""

    def __init__(self, noun: str) -> None:
        super().__init__(f"No such {noun}. It may have been deleted; pick one from the list.")


class InvalidInput(FadeBenchError):
    """A value cannot be used as given."""


class BadFile(InvalidInput):
    """An uploaded file cannot be used as it is."""


class Conflict(FadeBenchError):
    """The thing is in use, or in a state that forbids the request."""


class NotAllowed(FadeBenchError):
    """The user may not do this."""


class LoginRefused(FadeBenchError):
    """Wrong e-mail or password, or too many attempts."""


class TaskFailed(FadeBenchError):
    """Background work ended without a result."""


class DamagedData(FadeBenchError):
    """What the database holds of something cannot be read."""

    def __init__(self, noun: str, problem: str) -> None:
        super().__init__(
            f"The stored {noun} cannot be read ({problem}). Ask whoever runs FadeBench to restore "
            "a backup, or delete it and make it again."
        )
