"""What kind of line is a number, as the sandbox's Lookup (v2) says?

The last four digits decide: 0196 is a landline, 0197 is VoIP, 0198 is not known to the look-up, and for
0199 it fails. Every other number is a mobile.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from messaging.sandbox.connection import Reply, Request, json_reply
from messaging.sandbox.forms import fields_of
from messaging.sandbox.twilio_problems import METHOD_NOT_ALLOWED, Problem
from messaging.sandbox.twilio_wire import not_found, problem_reply

PATH = "/v2/PhoneNumbers/"

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_PACKAGE = "line_type_intelligence"
_TYPES = {"0196": "landline", "0197": "fixedVoip", "0198": None}
_FAILS = "0199"
_UNAVAILABLE = Problem(20503, "Service Unavailable", 503)


def lookup(request: Request) -> Reply:
    """The answer to a look-up by an account that gave its credentials."""
    number = unquote(request.path.removeprefix(PATH))
    if request.method != "GET":
        return problem_reply(METHOD_NOT_ALLOWED)
    if "/" in number:
        return not_found(request.path)
    valid = _E164.fullmatch(number) is not None
    if valid and number.endswith(_FAILS):
        return problem_reply(_UNAVAILABLE)
    asked = _PACKAGE in fields_of(request.query).get("Fields", "").split(",")
    return json_reply(200, _resource(number, valid=valid, line=asked and valid))


def _resource(number: str, *, valid: bool, line: bool) -> dict[str, Any]:
    return {
        "phone_number": number,
        "valid": valid,
        "validation_errors": [] if valid else ["NOT_A_NUMBER"],
        "calling_country_code": None,
        "country_code": None,
        "national_format": None,
        _PACKAGE: _line(number) if line else None,
        "url": f"https://lookups.twilio.com{PATH}{number}",
    }


def _line(number: str) -> dict[str, Any]:
    return {
        "type": _TYPES.get(number[-4:], "mobile"),
        "carrier_name": "Sandbox",
        "mobile_country_code": None,
        "mobile_network_code": None,
        "error_code": None,
    }
