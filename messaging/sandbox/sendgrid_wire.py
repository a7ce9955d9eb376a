"""What does a request to send of SendGrid's API v3 ask for, or what is wrong with it?

One recipient a request: SendGrid itself takes a thousand, but then one answer stands for many messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from messaging.sandbox import sendgrid_problems as problems
from messaging.sandbox.connection import Reply
from messaging.sandbox.create import Create, referenced
from messaging.sandbox.sendgrid_problems import Problem, mistyped, wrong

REFERENCE = "posthorn_attempt"
"""The custom argument that names the caller's attempt."""
_ADDRESS = re.compile(r"[^@\s<>,;:\"()\[\]]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_MAX_ARGUMENTS = 10_000
_KNOWN = {
    "personalizations": list,
    "from": dict,
    "reply_to": dict,
    "reply_to_list": list,
    "subject": str,
    "content": list,
    "attachments": list,
    "template_id": str,
    "headers": dict,
    "categories": list,
    "custom_args": dict,
    "send_at": int,
    "batch_id": str,
    "asm": dict,
    "ip_pool_name": str,
    "mail_settings": dict,
    "tracking_settings": dict,
}
_NAMES = {list: "array", dict: "object", str: "string", int: "integer"}
_RESERVED = frozenset(
    {
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    }
)


class Wishes(NamedTuple):
    """What the events of a mail say again."""

    arguments: Mapping[str, str]
    categories: tuple[str, ...]


def read_create(body: bytes, senders: frozenset[str]) -> Create | Reply:
    """The checked request; or a refusal with everything that is wrong, or what a dry run is answered.

    `senders` are the verified ones; empty takes every address.
    """
    try:
        given = orjson.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return problems.reply(400, problems.BAD_REQUEST)
    if found := list(_mistyped(given)) or list(_problems(given)):
        return problems.reply(400, *found)
    sender: str = given["from"]["email"]
    if senders and sender not in senders:
        return problems.reply(403, problems.UNVERIFIED)
    settings = given.get("mail_settings", {}).get("sandbox_mode")
    if isinstance(settings, dict) and settings.get("enable") is True:
        return Reply(200, b"", content_type="text/plain")
    return _create(given, sender)


def _create(given: dict[str, Any], sender: str) -> Create:
    person = given["personalizations"][0]
    arguments = {**given.get("custom_args", {}), **person.get("custom_args", {})}
    reference = arguments.get(REFERENCE, "")
    m, e = referenced(reference)
    to: str = person["to"][0]["email"]
    contents = given.get("content", [])
    return Create(
        to=to,
        sender=sender,
        service=None,
        body=contents[0]["value"] if contents else given.get("template_id", ""),
        media=len(given.get("attachments", [])),
        callback="",
        m=m,
        e=e,
        kind="email",
        reference=reference,
        trigger=to.rpartition("@")[0][-4:],
        extra=Wishes(arguments, tuple(given.get("categories", []))),
    )


def _mistyped(given: dict[str, Any]) -> Iterator[Problem]:
    for name, value in given.items():
        kind = _KNOWN.get(name)
        if kind is None:
            yield Problem(f"Additional property {name} is not allowed", name)
        elif not isinstance(value, kind) or isinstance(value, bool):
            yield mistyped(name, _NAMES[kind], value)


def _problems(given: dict[str, Any]) -> Iterator[Problem]:
    """Everything that is wrong, in the order SendGrid says it."""
    yield from _sender(given.get("from"))
    yield from _personalizations(given.get("personalizations", []))
    yield from _content(given)
    yield from _headers(given.get("headers", {}))
    if not given.get("subject") and "template_id" not in given:
        people = given.get("personalizations", [])
        if not all(isinstance(person, dict) and person.get("subject") for person in people):
            yield problems.NO_SUBJECT
    yield from _arguments("custom_args", given.get("custom_args", {}))


def _sender(given: dict[str, Any] | None) -> Iterator[Problem]:
    if not given or not given.get("email"):
        yield problems.NO_SENDER
    elif not _is_address(given["email"]):
        yield wrong(problems.NO_ADDRESS, "from.email", "message.from")


def _personalizations(given: list[Any]) -> Iterator[Problem]:
    if not given:
        yield problems.NO_PERSONALIZATION
        return
    person = given[0]
    if not isinstance(person, dict):
        yield mistyped("personalizations.0", "object", person)
        return
    people = person.get("to")
    if not isinstance(people, list) or not people:
        yield problems.NO_RECIPIENT
        return
    if len(given) > 1 or len(people) > 1 or person.get("cc") or person.get("bcc"):
        yield Problem("The sandbox takes one recipient a request.", "personalizations")
    if not isinstance(people[0], dict) or not _is_address(people[0].get("email")):
        field = "personalizations.0.to.0.email"
        yield wrong(problems.NO_ADDRESS, field, "message.personalizations.to")
    yield from _arguments("personalizations.0.custom_args", person.get("custom_args", {}))


def _content(given: dict[str, Any]) -> Iterator[Problem]:
    contents = given.get("content", [])
    if not contents and "template_id" not in given:
        yield problems.NO_CONTENT
    kinds = []
    for index, each in enumerate(contents):
        kind, value = (each.get("type"), each.get("value")) if isinstance(each, dict) else (0, 0)
        if not isinstance(kind, str) or "/" not in kind:
            message = "The content type must be a string at least one character in length."
            yield wrong(message, f"content.{index}.type", "message.content.type")
        if not isinstance(value, str) or not value:
            yield wrong(problems.EMPTY, f"content.{index}.value", "message.content.value")
        kinds.append(kind)
    known = [kind for kind in kinds if kind in {"text/plain", "text/html"}]
    # `plain` sorts behind `html`, and must stand before it.
    if known != sorted(set(known), reverse=True) or kinds[: len(known)] != known:
        yield problems.ORDER


def _headers(given: dict[str, Any]) -> Iterator[Problem]:
    for name, value in given.items():
        if name.lower() in _RESERVED:
            yield Problem(f"The header {name} is reserved.", "headers")
        elif not isinstance(value, str):
            yield mistyped(f"headers.{name}", "string", value)


def _arguments(field: str, given: Any) -> Iterator[Problem]:
    if not isinstance(given, dict):
        yield mistyped(field, "object", given)
        return
    for name, value in given.items():
        if not isinstance(value, str):
            yield mistyped(f"{field}.{name}", "string", value)
    if len(orjson.dumps(given)) > _MAX_ARGUMENTS:
        yield Problem("The custom_args may not exceed 10000 bytes.", field)


def _is_address(value: object) -> bool:
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None
