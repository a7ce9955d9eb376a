"""In which words does Twilio refuse a request?

Codes, statuses and texts are those of Twilio's error dictionary; the test numbers are those it
publishes for its test credentials.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal in Twilio's words."""

    code: int
    message: str
    status: int = 400


UNAUTHORIZED = Problem(20003, "Authenticate", 401)
UNKNOWN_PARAMETER = Problem(20001, "Unknown or malformed parameter")
METHOD_NOT_ALLOWED = Problem(20004, "Method not allowed", 405)
NOT_COMPLETE = Problem(
    20009, "Cannot delete this resource before it is complete. Please try again later.", 409
)
TOO_MANY = Problem(20429, "Too Many Requests", 429)
INTERNAL = Problem(20500, "An internal server error has occurred", 500)
TO_MISSING = Problem(21604, "A 'To' phone number is required.")
TO_INVALID = Problem(21211, "Invalid 'To' Phone Number")
FROM_MISSING = Problem(21603, "A 'From' phone number is required.")
FROM_INVALID = Problem(21212, "Invalid 'From' Phone Number")
FROM_NOT_OWNED = Problem(
    21606,
    "The 'From' phone number provided is not a valid message-capable number for this destination.",
)
FROM_QUEUE_FULL = Problem(
    21611, "This 'From' number has exceeded the maximum number of queued messages", 429
)
SERVICE_INVALID = Problem(21705, "The Messaging Service Sid is invalid.")
BODY_MISSING = Problem(21602, "Message body is required.")
BODY_TOO_LONG = Problem(21617, "The concatenated message body exceeds the 1600 character limit")
TOO_MANY_MEDIA = Problem(21623, "Number of media files exceeds allowed limit")
CALLBACK_INVALID = Problem(21609, "The 'StatusCallback' URL is not a valid URL.")
VALIDITY_INVALID = Problem(21624, "Invalid 'ValidityPeriod': must be 1 to 36000 seconds.")
UNSUBSCRIBED = Problem(21610, "Attempt to send to unsubscribed recipient")
NOT_CANCELABLE = Problem(30409, "Message is in a final state and cannot be canceled.", 409)
REDACTION_ONLY = Problem(20422, "A message body can only be replaced by an empty one.")
STATUS_INVALID = Problem(20422, "The only status a message can be given is 'canceled'.")

# Twilio's published test numbers: what happens to a message from or to them.
MAGIC_SENDERS = {
    "+15005550001": FROM_INVALID,
    "+15005550007": FROM_NOT_OWNED,
    "+15005550008": FROM_QUEUE_FULL,
}
MAGIC_VALID_SENDER = "+15005550006"
MAGIC_RECIPIENTS = {
    "+15005550001": TO_INVALID,
    "+15005550002": Problem(21612, "The 'To' number is not currently reachable via SMS."),
    "+15005550003": Problem(
        21408,
        "Permission to send an SMS has not been enabled for the region indicated by the 'To' number.",
    ),
    "+15005550004": UNSUBSCRIBED,
    "+15005550009": Problem(21614, "'To' number is not a valid mobile number"),
}
