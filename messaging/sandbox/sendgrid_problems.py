"""In which words does SendGrid refuse a request? It has no codes: a sentence, the field, a link."""

from __future__ import annotations

from typing import NamedTuple

from messaging.sandbox.connection import Reply, json_reply

_HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#"
_MAILBOX = (
    'e.g. {"email" : "example@example.com"}  or '
    '{"email" : "example@example.com", "name" : "Example Recipient"}.'
)


class Problem(NamedTuple):
    """One entry of `errors`."""

    message: str
    field: str | None = None
    help: str | None = None


def reply(status: int, *problems: Problem) -> Reply:
    """A refusal for one or several reasons."""
    return json_reply(status, {"errors": [problem._asdict() for problem in problems]})


def wrong(message: str, field: str, topic: str) -> Problem:
    """A refusal of one field, which the page of errors explains under a topic."""
    return Problem(message, field, f"{_HELP}{topic}")


def mistyped(field: str, expected: str, given: object) -> Problem:
    """A field that holds something else than it must."""
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    kind = kinds.get(type(given), "number")
    message = f"Invalid type. Expected: {expected}, given: {kind}."
    return wrong(message, field, f"message.{field.partition('.')[0]}")


UNAUTHORIZED = Problem("The provided authorization grant is invalid, expired, or revoked")
TOO_MANY = Problem("too many requests")
INTERNAL = Problem("internal server error")
NOT_FOUND = Problem("not found")
METHOD = Problem("method not allowed")
BAD_REQUEST = Problem("Bad Request")
UNVERIFIED = Problem(
    "The from address does not match a verified Sender Identity. Mail cannot be sent until this error"
    " is resolved. Visit"
    " https://sendgrid.com/docs/for-developers/sending-email/sender-identity/ to see the Sender"
    " Identity requirements",
    "from",
)
NO_SENDER = wrong(
    "The from object must be provided for every email send. It is an object that requires the email"
    f" parameter, but may also contain a name parameter.  {_MAILBOX}",
    "from.email",
    "message.from",
)
NO_PERSONALIZATION = wrong(
    "The personalizations field is required and must have at least one personalization.",
    "personalizations",
    "-Personalizations-Errors",
)
NO_RECIPIENT = wrong(
    "The to array is required for all personalization objects, and must have at least one email"
    " object with a valid email address.",
    "personalizations.0.to",
    "message.personalizations.to",
)
NO_CONTENT = wrong(
    "Unless a valid template_id is provided, the content parameter is required. There must be at"
    " least one defined content block. We typically suggest both text/plain and text/html blocks are"
    " included, but only one block is required.",
    "content",
    "message.content",
)
NO_SUBJECT = wrong(
    "The subject is required. You can get around this requirement if you use a template with a"
    " subject defined or if every personalization has a subject defined.",
    "subject",
    "message.subject",
)
EMPTY = "The content value must be a string at least one character in length."
NO_ADDRESS = "Does not contain a valid address."
ORDER = wrong(
    "If present, text/plain must be first, followed by text/html, followed by any other content.",
    "content",
    "message.content",
)
TOO_LARGE = Reply(
    413,
    b"<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n"
    b"<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n"
    b"</body>\r\n</html>\r\n",
    content_type="text/html",
)
"""Of the server in front, so not in JSON."""
