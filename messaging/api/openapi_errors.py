"""Which errors may an operation answer with, and what does each look like?

What an operation takes says most of it: a key, a body, a name in its address. The rest is in the
tables here. The codes of a status are all there are: the tests hold every answer to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from messaging.api.errors import MEDIA_TYPE, PROBLEMS, problem
from messaging.domain.compliance.verdicts import Reason
from messaging.domain.compliance.wording import WORDS
from messaging.domain.errors import FieldProblem

OPEN = ("/livez", "/readyz", "/problems/", "/webhooks/")
"""Where nobody needs a key."""
NEVER_REFUSED = frozenset(
    {
        Reason.AWAITING_LOOKUP,
        Reason.TEMPLATE_PAUSED,
        Reason.CAMPAIGN_PAUSED,
        Reason.QUIET_HOURS,
        Reason.DESTINATION_VELOCITY,
    }
)
"""Reasons that only say "later"."""
REFUSALS = tuple(reason.value for reason in Reason if reason not in NEVER_REFUSED)
"""What a rule may say to a message that is handed in."""
RULES = frozenset(reason.value for reason in WORDS)
"""Codes that are the reason of a rule."""
SHOWN_RULES = frozenset({Reason.OPTED_OUT.value, Reason.NO_CONSENT.value})
"""Those of which each document shows an example."""
_REQUEST_ID = "0197e2a4-6e1c-7d52-9c5b-0d6f0a7c1e11"

_CONFLICTS = {
    "cancel_message": "an attempt to send it was made, or it is over",
    "submit_message": "it is not a draft",
    "add_sender": "you have a sender with this address",
    "import_senders": "one of these addresses was added just now",
    "make_pool": "you have a pool of this name",
    "delete_pool": "it has senders, is bound, or messages that name it wait",
    "bind": "what it is to be bound to was deleted just now",
    "make_use_case": "you have a use case of this name",
    "create_campaign": "you have a campaign of this name",
    "add_recipients": "it is no draft, or it is to an audience",
    "start_campaign": "it was started before, or it is to nobody",
    "pause_campaign": "it does not run",
    "resume_campaign": "it is not paused",
    "cancel_campaign": "it is over",
    "retry_campaign": "it is not finished",
    "add_endpoint": "you have an endpoint with this URL, or as many as there may be",
    "change_endpoint": "another endpoint of yours has this URL",
    "send_example": "it is disabled",
    "replay_notices": "it is disabled",
    "replace_dnc_list": "a newer scrub is on record",
}
"""When 409 is the answer."""
_NOT_THERE = {
    "lift_suppression": "they are not suppressed in this way",
    "unbind": "there is no such binding",
    "put_cap": "nobody counts what your messages cost",
}
"""When 404 is, of what is not named in the address."""
_SENDING = (
    "idempotency_in_progress",
    "idempotency_key_reused",
    *REFUSALS,
    "intake_unavailable",
)
_MORE: dict[str, Sequence[str]] = {
    "send_messages": (*_SENDING, "payload_too_large"),
    "plan_campaign": ("validation_failed",),
    "create_key": ("missing_scope",),
    "status_callback": ("forbidden", "payload_too_large"),
}
"""What else, by operation."""


def why(operation_id: str, code: str) -> str:
    """What an error means here."""
    told = {"conflict": _CONFLICTS, "not_found": _NOT_THERE}.get(code, {})
    return told.get(operation_id) or PROBLEMS[code].title


def codes(path: str, operation: dict[str, Any]) -> list[str]:
    """Every code of `PROBLEMS` that an operation may answer with."""
    id_, found = operation["operationId"], list[str]()
    if not path.startswith(OPEN) and operation.get("security") != []:
        found += ["unauthorized", "missing_scope", "too_many_requests"]
    if path.startswith("/webhooks/"):
        found += ["forbidden", "payload_too_large"] if "requestBody" in operation else ["forbidden"]
    if "{" in path or id_ in _NOT_THERE:
        found.append("not_found")
    if id_ in _CONFLICTS:
        found.append("conflict")
    if not path.startswith("/webhooks/"):
        found += _of_what_is_sent(operation)
    found += _MORE.get(id_, ())
    if path != "/livez":
        found += ["internal_error"]
        found += [] if path.startswith("/problems/") else ["unavailable"]
    return sorted(set(found), key=lambda code: (PROBLEMS[code].status, list(PROBLEMS).index(code)))


def _of_what_is_sent(operation: dict[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        return ["malformed_json", "payload_too_large", "validation_failed"]
    if "text/csv" in content:
        return ["payload_too_large", "validation_failed"]
    return ["validation_failed"] if any(map(_checked, operation.get("parameters", ()))) else []


def _checked(parameter: dict[str, Any]) -> bool:
    """Whether what stands in a parameter can be wrong; a path that names nothing is a 404."""
    if parameter["in"] != "path":
        return parameter["name"] not in {"Prefer", "X-Request-ID"}
    return bool({"pattern", "maxLength", "minLength"} & parameter["schema"].keys())


def examples() -> dict[str, Any]:
    """One problem document of each code, by code."""
    return {
        code: {"summary": kind.title, "value": orjson.loads(example(code).body)}
        for code, kind in PROBLEMS.items()
    }


def example(code: str, told: FieldProblem | None = None) -> Response:
    """What `problem` itself writes; `told` is what is wrong with a field, if not what comes first to mind."""
    detail = PROBLEMS[code].remedy
    if code in RULES:
        words = WORDS[Reason(code)]
        detail = f"{words.title}; {words.remedy}"
        told = FieldProblem(words.field, code, detail)
    elif code == "validation_failed" and told is None:
        told = FieldProblem("#/to", "required", "is required")
    return problem(_REQUEST_ID, code, detail, [told] if told else [])


def responses(operation_id: str, found: Iterable[str]) -> dict[str, Any]:
    """The answers to these codes, by status."""
    by_status: dict[int, list[str]] = {}
    for code in found:
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {
        str(status): _response(operation_id, status, same)
        for status, same in sorted(by_status.items())
    }


def _response(operation_id: str, status: int, found: list[str]) -> dict[str, Any]:
    shown = [code for code in found if code not in RULES or code in SHOWN_RULES]
    meaning = "; ".join(f"{why(operation_id, code)} (`{code}`)" for code in shown)
    others = [f"`{code}`" for code in found if code not in shown]
    if others:
        meaning += "; or a rule says no: " + ", ".join(others)
    schema = {
        "$ref": "#/components/schemas/ProblemBody",
        "properties": {"status": {"const": status}, "code": {"enum": found}},
    }
    given = {code: {"$ref": f"#/components/examples/{code}"} for code in shown}
    return {
        "description": meaning,
        "headers": headers(found),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": given}},
    }


def headers(found: Iterable[str]) -> dict[str, Any]:
    """What comes with answers of these codes."""
    names = {"X-Request-ID"}
    for code in found:
        if PROBLEMS[code].retry_after is not None or PROBLEMS[code].status == 429:
            names.add("Retry-After")
        if PROBLEMS[code].status == 401:
            names.add("WWW-Authenticate")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in sorted(names)}
