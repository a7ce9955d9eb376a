"""In which words does Vonage refuse a request?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from messaging.sandbox.connection import Reply
from messaging.sandbox.ids import derived

DOCUMENTED = "https://developer.vonage.com/api-errors/messages"
MAX_REFERENCE = 40


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal in Vonage's words."""

    type: str
    title: str
    detail: str
    status: int = 422
    invalid: tuple[tuple[str, str], ...] = ()
    """Parameters and what is wrong with each."""


UNAUTHORIZED = Problem(
    "https://developer.vonage.com/api-errors/#unathorized",
    "You did not provide correct credentials.",
    "Check that you're using the correct credentials, and that your account has this feature enabled",
    401,
)
TOO_MANY = Problem(
    f"{DOCUMENTED}#1000", "Rate Limit Hit", "Please wait, then retry your request", 429
)
INTERNAL = Problem(
    f"{DOCUMENTED}#1000",
    "Internal error",
    "There was an error processing your request in the Platform.",
    500,
)
NOT_FOUND = Problem(f"{DOCUMENTED}#not-found", "Not found", "No such resource.", 404)
INVALID_JSON = Problem(
    "https://developer.vonage.com/api-errors#invalid-json",
    "The request body did not contain valid JSON",
    "The body could not be read.",
)
CHANNEL = Problem(
    f"{DOCUMENTED}#1100", "Unsupported channel", "The specified channel is not supported."
)
SENDER = Problem(
    f"{DOCUMENTED}#1120",
    "Invalid sender",
    "The `from` parameter is invalid for the given channel.",
)
RECIPIENT = Problem(
    f"{DOCUMENTED}#110",
    "Invalid recipient",
    "The `to` parameter is invalid for the given channel.",
)
MESSAGE_TYPE = Problem(
    f"{DOCUMENTED}#1140",
    "Invalid message type",
    "The `message_type` parameter is invalid for the given channel.",
)
PARAMETERS = Problem(
    f"{DOCUMENTED}#1150", "Invalid params", "The value of one or more parameters is invalid."
)
REFERENCE = Problem(
    f"{DOCUMENTED}#1060",
    "Invalid client reference",
    f"The client reference can be a string of up to {MAX_REFERENCE} characters.",
)


def wrong(name: str, reason: str) -> Problem:
    """A parameter that is invalid, and why."""
    return replace(PARAMETERS, invalid=((name, reason),))


def problem_reply(problem: Problem) -> Reply:
    """A refusal (RFC 9457); `details` is what the description of 401 demands, `detail` what it shows."""
    value: dict[str, Any] = {
        "type": problem.type,
        "title": problem.title,
        "detail": problem.detail,
        "instance": derived(problem.type, problem.detail).replace("-", ""),
    }
    if problem.status == 401:
        value["details"] = problem.detail
    if problem.invalid:
        value["invalid_parameters"] = [{"name": n, "reason": r} for n, r in problem.invalid]
    return Reply(problem.status, orjson.dumps(value), content_type="application/problem+json")
