"""In which words does the Graph API refuse a request?"""

from __future__ import annotations

from typing import NamedTuple

from messaging.sandbox.connection import Reply, json_reply


class Problem(NamedTuple):
    """An error, and the status it comes with."""

    status: int
    code: int
    message: str
    type: str = "OAuthException"
    subcode: int | None = None
    transient: bool = False


def problem_reply(problem: Problem, *headers: tuple[str, str]) -> Reply:
    """The reply that says so."""
    error = {
        "message": problem.message,
        "type": problem.type,
        "code": problem.code,
        "error_subcode": problem.subcode,
        "is_transient": problem.transient or None,
        "fbtrace_id": "AbCdEfGhIjKlMnOpQrStUv0",
    }
    shown = {name: value for name, value in error.items() if value is not None}
    return json_reply(problem.status, {"error": shown}, *headers)


def parameter(message: str, subcode: int | None = None) -> Problem:
    """A parameter that is missing or wrong."""
    return Problem(400, 100, f"(#100) {message}", subcode=subcode)


def unknown(name: str) -> Problem:
    """Something that is not there, or not the caller's."""
    return Problem(
        400,
        100,
        f"Unsupported request. Object with ID '{name}' does not exist, cannot be loaded due to missing"
        " permissions, or does not support this operation.",
        "GraphMethodException",
        33,
    )


NO_TOKEN = Problem(400, 104, "An access token is required to request this resource.")
BAD_TOKEN = Problem(401, 190, "Invalid OAuth access token - Cannot parse access token")
NOBODY = parameter("No matching user found", 2018001)
OUTSIDE = Problem(
    403,
    10,
    "(#10) This message is sent outside of allowed window.",
    "IGApiException",
    2534022,
)
UNAVAILABLE = Problem(400, 551, "(#551) This person isn't available right now.", subcode=1545041)
TOO_MANY = Problem(403, 4, "(#4) Application request limit reached", transient=True)
INTERNAL = Problem(
    500,
    2,
    "An unexpected error has occurred. Please retry your request later.",
    transient=True,
)
BROKEN = Problem(500, 1, "Received invalid JSON reply", subcode=1357046)
"""Meta says it although the message was sent."""
