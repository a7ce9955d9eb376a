"""Exceptions a caller can act on.

    PosthornError
    ├── InvalidRequestError     422  one or more fields, each with a code and a remedy
    │   └── RefusedError        422  well-formed, but a rule says no; the code is its reason
    ├── UnauthorizedError       401
    ├── MissingScopeError       403  the API key may not do that
    ├── RateLimitedError        429  the API key has asked too often
    ├── NotFoundError           404  also for what belongs to another tenant
    ├── ConflictError           409  not possible in the message's present state
    ├── IdempotencyReusedError  422  same key, another body
    ├── IdempotencyBusyError    409  a twin of this request is still running
    └── UnavailableError        503  we could not keep it; try again

Failures to *send* are not here: they are values (`messaging.domain.failures`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field of a request.

    `pointer` is a JSON pointer into the request ("#/to", "#/3/body"); `code` is stable; `detail` says
    what is wrong and what to do, and never repeats the value.
    """

    pointer: str
    code: str
    detail: str


class PosthornError(Exception):
    """Base of everything a caller can act on; `code` is stable, the text is for a person."""

    code = "error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidRequestError(PosthornError):
    """The request has one or more bad fields."""

    code = "validation_failed"

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("; ".join(f"{p.pointer}: {p.detail}" for p in problems))
        self.problems = problems


class RefusedError(InvalidRequestError):
    """The request is well-formed, but a compliance rule says no; `code` is the rule's reason."""

    def __init__(self, code: str, problem: FieldProblem) -> None:
        super().__init__([problem])
        self.code = code
        self.detail = problem.detail


class UnauthorizedError(PosthornError):
    """No API key, or one that is unknown or revoked."""

    code = "unauthorized"


class MissingScopeError(PosthornError):
    """The API key may not do that."""

    code = "missing_scope"


class RateLimitedError(PosthornError):
    """The API key has made as many requests as it may."""

    code = "too_many_requests"

    def __init__(self, per_minute: int, wait: float) -> None:
        """`wait` is in seconds."""
        super().__init__(
            f"this API key may make {per_minute} requests a minute; wait as long as Retry-After says"
        )
        self.per_minute = per_minute
        self.wait = max(math.ceil(wait), 1)


class NotFoundError(PosthornError):
    """No such thing, or it belongs to another tenant."""

    code = "not_found"


class ConflictError(PosthornError):
    """The message's state does not allow it."""

    code = "conflict"


class IdempotencyReusedError(PosthornError):
    """The idempotency key was used before with a different request."""

    code = "idempotency_key_reused"


class IdempotencyBusyError(PosthornError):
    """A request with this idempotency key is still running."""

    code = "idempotency_in_progress"


class UnavailableError(PosthornError):
    """The request could not be kept; it is safe to try again with the same idempotency key."""

    code = "intake_unavailable"
