"""What can go wrong for a program that uses `messaging.client`, as one tree of exceptions.

PosthornClientError
├── UnreachableError    no answer came
├── UnreadableError     what answered is no Posthorn, or a newer one
├── WaitTimeoutError    what was waited for did not get there in time
└── ApiError            the server said no: .code, .problem, .request_id
    ├── InvalidError        422
    ├── UnauthorizedError   401
    ├── ForbiddenError      403
    ├── NotFoundError       404
    ├── ConflictError       409
    ├── RateLimitedError    429: .retry_after
    └── ServerError         5xx
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class PosthornClientError(Exception):
    """Base of everything this client raises."""


class UnreachableError(PosthornClientError):
    """No answer came. What was asked may have been done; repeat it with the same key to find out."""


class UnreadableError(PosthornClientError):
    """An answer is not what the API's document says. What was asked was probably done."""


class WaitTimeoutError(PosthornClientError):
    """What was waited for did not get there in time; it goes on without us."""


class ApiError(PosthornClientError):
    """The server said no. `code` is stable; `problem` is the whole RFC 9457 document.

    `retry_after` is in seconds: when to ask again, where the server says so.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], headers: httpx.Headers) -> None:
        errors = "; ".join(f"{e['pointer']} {e['detail']}" for e in problem.get("errors", []))
        text = errors or problem.get("detail") or problem.get("title") or f"HTTP {status}"
        super().__init__(str(text))
        self.status = status
        self.problem = problem
        self.code = str(problem.get("code", ""))
        self.request_id = headers.get("x-request-id", "")
        self.retry_after = _seconds(headers.get("retry-after"))


class InvalidError(ApiError):
    """Some fields are not valid, or an idempotency key was used for something else."""


class UnauthorizedError(ApiError):
    """The API key is missing, unknown or revoked."""


class ForbiddenError(ApiError):
    """The API key lacks the scope for this."""


class NotFoundError(ApiError):
    """There is no such thing, or it is not yours."""


class ConflictError(ApiError):
    """The present state does not allow it, or a twin of this request is still running."""


class RateLimitedError(ApiError):
    """The API key has made too many requests, also after the repeats; nothing was done."""


class ServerError(ApiError):
    """The server could not do it now."""


CLASSES: dict[int, type[ApiError]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    422: InvalidError,
    429: RateLimitedError,
}
"""The class of each status that has its own."""


def refusal(response: httpx.Response) -> ApiError:
    """The error that a response which has been read stands for."""
    kind = ServerError if response.status_code >= 500 else ApiError
    found = CLASSES.get(response.status_code, kind)
    return found(response.status_code, _problem(response), response.headers)


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    """The problem document; empty if something between us and the server answered instead."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; None for none, or for a date."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None
