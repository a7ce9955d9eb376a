"""What is a list of messages, entry by entry, and when are two lists the same?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from messaging.domain import request
from messaging.domain.errors import FieldProblem
from messaging.domain.request import MAX_LIST, SendRequest

Asked = SendRequest | list[FieldProblem]
"""An entry, or what is wrong with its form."""


def length_problem(values: Sequence[Any]) -> FieldProblem | None:
    """What is wrong with the length of a list; None if nothing is."""
    if not values:
        return FieldProblem("#", "too_short", "the list is empty; send at least one message")
    if len(values) > MAX_LIST:
        detail = f"a list takes at most {MAX_LIST} messages; split it"
        return FieldProblem("#", "too_long", detail)
    return None


def entry(value: Any) -> Asked:
    """One entry of a list; it has no idempotency key of its own."""
    asked = request.parse(value)
    if isinstance(asked, SendRequest) and asked.idempotency_key is not None:
        return [
            FieldProblem(
                "#/idempotency_key",
                "not_in_a_list",
                "a list has one key for all of it; leave it out here",
            )
        ]
    return asked


def fingerprint(values: Sequence[Any], asked: Sequence[Asked]) -> bytes:
    """As for one message; entries of a wrong form count as they were written."""
    whole = request.fingerprint(a for a in asked if isinstance(a, SendRequest))
    odd = [[i, values[i]] for i, a in enumerate(asked) if isinstance(a, list)]
    if not odd:
        return whole
    return hashlib.sha256(whole + json.dumps(odd, sort_keys=True).encode()).digest()
