"""What does a request to send on Instagram ask for, and what do Meta's webhooks look like?

Times are in milliseconds. Meta escapes what is not ASCII, and every slash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from messaging.sandbox.addresses import is_web
from messaging.sandbox.connection import Reply
from messaging.sandbox.create import Create
from messaging.sandbox.dialect import Said
from messaging.sandbox.instagram_problems import NOBODY, Problem, parameter
from messaging.sandbox.ledger import Entry

MAX_TEXT = 1000
"""Bytes."""
_MAX_URL = 4096
_PERSON = re.compile(r"[0-9]{1,32}")
_FILES = ("image", "video", "audio", "file")
_TYPES = ("RESPONSE", "UPDATE", "MESSAGE_TAG")


class Wishes(NamedTuple):
    """What else a message has."""

    attachment: Mapping[str, Any] | None
    by_human: bool
    """Whether it says that a human answers, who has more time."""


def escaped(value: object) -> bytes:
    """JSON as Meta writes it."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def escaped_reply(status: int, value: object) -> Reply:
    """A reply with such JSON."""
    return Reply(status, escaped(value), content_type="application/json; charset=UTF-8")


def read_create(account: str, body: bytes) -> Create | Problem:
    """The checked request of an account, or what is wrong with it."""
    try:
        given = orjson.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return parameter("The body must be a JSON object")
    problem = _recipient_problem(given.get("recipient")) or _kind_problem(given)
    message = given.get("message")
    if problem is None:
        problem = _problem(message)
    if problem is not None or not isinstance(message, dict):
        return problem or NOBODY
    attachment = message.get("attachment")
    return Create(
        to=given["recipient"]["id"],
        sender=account,
        service=None,
        # Two pictures to one person are two messages.
        body=attachment["payload"]["url"] if attachment else message["text"],
        media=int(attachment is not None),
        callback="",
        m=None,
        e=None,
        kind="dm",
        extra=Wishes(attachment, given.get("tag") == "HUMAN_AGENT"),
    )


def _recipient_problem(given: object) -> Problem | None:
    if not isinstance(given, dict) or "id" not in given:
        return parameter("The parameter recipient is required")
    person = given["id"]
    return None if isinstance(person, str) and _PERSON.fullmatch(person) else NOBODY


def _kind_problem(given: dict[str, Any]) -> Problem | None:
    kind = given.get("messaging_type", "RESPONSE")
    if kind not in _TYPES:
        return parameter(f"Param messaging_type must be one of {{{', '.join(_TYPES)}}}")
    if kind == "MESSAGE_TAG" and given.get("tag") != "HUMAN_AGENT":
        return parameter("Param tag must be one of {HUMAN_AGENT}")
    return None


def _problem(message: object) -> Problem | None:
    if not isinstance(message, dict):
        return parameter("The parameter message is required")
    if {"text", "attachment"} <= message.keys():
        return parameter("Param message must have either text or attachment, not both")
    if "attachment" in message:
        return _attachment_problem(message["attachment"])
    return _text_problem(message.get("text", ""))


def _text_problem(text: object) -> Problem | None:
    if not isinstance(text, str):
        return parameter("Param message[text] must be a string.")
    if not text:
        return parameter("Message cannot be empty, must provide valid attachment or text")
    if len(text.encode()) > MAX_TEXT:
        return parameter(f"Length of param message[text] must be less than or equal to {MAX_TEXT}")
    return None


def _attachment_problem(given: object) -> Problem | None:
    if not isinstance(given, dict) or given.get("type") not in _FILES:
        return parameter(f"Param message[attachment][type] must be one of {{{', '.join(_FILES)}}}")
    payload = given.get("payload")
    url = payload.get("url") if isinstance(payload, dict) else None
    if not isinstance(url, str) or not is_web(url, _MAX_URL):
        return parameter("Param message[attachment][payload][url] should represent a valid URL")
    return None


def echo(entry: Entry) -> dict[str, Any]:
    """A message of the account, as the person sees it."""
    wishes: Wishes = entry.extra
    message: dict[str, Any] = {"mid": entry.sid, "is_echo": True}
    if wishes.attachment is None:
        message["text"] = entry.body
    else:
        message["attachments"] = [wishes.attachment]
    return _item(entry.account, entry.to, entry.sent_at, {"message": message})


def read_event(entry: Entry) -> dict[str, Any]:
    """That the person read it."""
    return _item(entry.to, entry.account, entry.done_at, {"read": {"mid": entry.sid}})


def written(said: Said, mid: str, at: float) -> dict[str, Any]:
    """What a person wrote to the account."""
    message: dict[str, Any] = {"mid": mid}
    if said.body:
        message["text"] = said.body
    if said.media:
        message["attachments"] = [{"type": "image", "payload": {"url": url}} for url in said.media]
    return _item(said.sender, said.account, at, {"message": message})


def _item(sender: str, recipient: str, at: float, what: dict[str, Any]) -> dict[str, Any]:
    return {
        "sender": {"id": sender},
        "recipient": {"id": recipient},
        "timestamp": int(at * 1000),
        **what,
    }
