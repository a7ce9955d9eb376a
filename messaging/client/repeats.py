"""When is a request made again, and after how long? Only where that cannot do something twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from tenacity import RetryCallState
from tenacity.wait import wait_exponential_jitter

from messaging.client.calls import Call
from messaging.client.errors import ApiError

TRIES = 5
_LONGEST_WAIT = 30.0
_BACKOFF = wait_exponential_jitter(multiplier=0.2, max=5.0)
_UNTOUCHED = (httpx.ConnectError, httpx.ConnectTimeout)
_BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError)
_PASSING = frozenset({502, 503, 504})


def worthwhile(call: Call[Any]) -> Callable[[BaseException], bool]:
    """Which errors a repeat may mend, for this call.

    Always: no connection, 429, and 409 while a twin is running, for then nothing was done. For a call that may
    be repeated also 502, 503, 504 and a connection that broke. A DELETE that was done after all is then a
    `NotFoundError`.
    """

    def check(error: BaseException) -> bool:
        if isinstance(error, ApiError):
            if error.status == 429 or error.code == "idempotency_in_progress":
                return True
            return call.repeatable and error.status in _PASSING
        return isinstance(error, _UNTOUCHED) or (call.repeatable and isinstance(error, _BROKEN))

    return check


def pause(state: RetryCallState) -> float:
    """Seconds until the next try: longer each time, and at least what the server asked for."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, ApiError) else None
    return max(_BACKOFF(state), min(asked or 0.0, _LONGEST_WAIT))


def unreachable(error: httpx.TransportError) -> str:
    """What a person reads when no answer came; it names no address and no text."""
    return f"no answer from the server: {type(error).__name__}"
