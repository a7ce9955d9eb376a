"""What does a person read when something went wrong for a known reason? One line, and a status.

Loaded only then: to know the errors of everything is to import everything.
"""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from messaging.client.errors import InvalidError, PosthornClientError
from messaging.domain.errors import InvalidRequestError, PosthornError
from messaging.settings import SettingsError


def explained(error: Exception) -> tuple[list[str], int] | None:
    """The lines to show and the status to end with; None for what is a bug of ours."""
    match error:
        case InvalidRequestError():
            return [f"{p.pointer.removeprefix('#/')}: {p.detail}" for p in error.problems], 2
        case SettingsError():
            return [str(error)], 2
        case PosthornError():
            return [error.detail], 1
        case PosthornClientError():
            return [str(error)], 2 if isinstance(error, InvalidError) else 1
        case DBAPIError():
            reason = (str(error.orig).strip().splitlines() or [type(error).__name__])[0]
            return [f"the database cannot be used: {reason}"], 1
        case _:
            return None
