"""Which records does Vonage's Reports API show, of messages and of SMS?

The synchronous look-up alone: by ids, or by the day on which requests came in. The records carry the
caller's reference, but cannot be filtered by it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any

import orjson

from messaging.sandbox.addresses import instant, iso
from messaging.sandbox.config import Account
from messaging.sandbox.connection import Reply, Request, json_reply
from messaging.sandbox.dialect import Shared
from messaging.sandbox.forms import fields_of
from messaging.sandbox.ids import dashed
from messaging.sandbox.ledger import Entry
from messaging.sandbox.vonage_sms_wire import ENDS as SMS_ENDS
from messaging.sandbox.vonage_sms_wire import status_of as sms_status
from messaging.sandbox.vonage_wire import ENDS, status_of

PATH = "/v2/reports/records"

_DAY = 86_400.0
_HELD_BACK = 60.0
_PROVIDERS = {"SMS": "vonage_sms", "MESSAGES": "vonage"}
_Status = Callable[[Entry, str], str]


class Reports:
    """Answers for the accounts of both products."""

    def __init__(self, shared: Shared, accounts: Iterable[Account]) -> None:
        self._shared = shared
        self._credentials = {
            "Basic " + b64encode(f"{a.sid}:{a.token}".encode()).decode(): a.sid for a in accounts
        }

    def answer(self, request: Request) -> Reply:
        """The records a query asks for."""
        account = self._credentials.get(request.authorization)
        if account is None:
            return _problem(401, "Unauthorized", "You did not provide correct credentials.")
        fields = fields_of(request.query)
        if fields.get("account_id") != account:
            return _problem(403, "Forbidden", "User not authorized to query the requested data")
        if (wrong := _wrong(fields)) is not None:
            return wrong
        provider = _PROVIDERS[fields["product"]]
        found, missing = self._found(account, provider, fields)
        records = [
            _record(entry, sid, fields, self._shared.clock())
            for entry, sid in found
            if fields["direction"] == "outbound"
        ]
        return json_reply(200, self._page(fields, records, missing))

    def _found(
        self, account: str, provider: str, fields: Mapping[str, str]
    ) -> tuple[list[tuple[Entry, str]], list[str]]:
        """The parts that were asked for, each with its message; and the ids that are none."""
        ledger = self._shared.ledger
        if "id" in fields:
            asked = {sid: ledger.find(account, sid) for sid in fields["id"].split(",")}
            known = [(e, sid) for sid, e in asked.items() if e and e.provider == provider]
            return known, sorted(asked.keys() - {sid for _, sid in known})
        first, last = instant(fields["date_start"]), instant(fields["date_end"])
        # In the order of acceptance, which a request that was held back is late in.
        recent = takewhile(
            lambda entry: entry.at >= first - _HELD_BACK, ledger.newest_first(account, None, None)
        )
        return [
            (entry, sid)
            for entry in recent
            if entry.provider == provider and first <= entry.at < last
            for sid in entry.parts
        ], []

    def _page(
        self, fields: Mapping[str, str], records: Sequence[Mapping[str, Any]], missing: list[str]
    ) -> dict[str, Any]:
        shown = ("product", "account_id", "direction", "date_start", "date_end")
        page: dict[str, Any] = {
            "_links": {"self": {"href": f"https://api.nexmo.com{PATH}"}},
            "request_id": dashed(self._shared.new_id()),
            "request_status": "SUCCESS",
            "received_at": _date(self._shared.clock()),
            **{name: fields[name] for name in shown if name in fields},
            "items_count": len(records),
            "records": records,
        }
        if missing:
            page["ids_not_found"] = ",".join(missing)
        return page


def _record(entry: Entry, sid: str, fields: Mapping[str, str], now: float) -> dict[str, Any]:
    status = entry.status(now)
    final = status in ("delivered", "undelivered")
    sms = entry.provider == "vonage_sms"
    word: _Status = sms_status if sms else status_of
    code = str(entry.error_code) if status == "undelivered" else "0"
    found: dict[str, Any] = {
        "account_id": entry.account,
        "message_id": sid,
        "client_ref": entry.reference or None,
        "direction": "outbound",
        "from": (entry.sender or "").removeprefix("+"),
        "to": entry.to.removeprefix("+"),
        "country": "US",
        "country_name": "United States",
        "date_received": _date(entry.at),
        "date_finalized": _date(entry.done_at) if final else None,
        "latency": round((entry.done_at - entry.at) * 1000) if final else None,
        "status": word(entry, status),
        "error_code": code if sms or code != "0" else None,
        "currency": "EUR",
        "total_price": "0.03330000",
    }
    if sms:
        found |= {"network": "12345", "network_name": "Sandbox"}
        found["error_code_description"] = SMS_ENDS.get(code, "Delivered" if final else "")
    else:
        found["provider"] = entry.kind
        found["error_code_description"] = ENDS.get(code, "")
    if fields.get("include_message") == "true":
        found["message_body"] = entry.body
    return found


def _wrong(fields: Mapping[str, str]) -> Reply | None:
    """What is wrong with a query; None if nothing is."""
    if fields.get("product") not in _PROVIDERS:
        return _unprocessable("product", "Could not resolve product name.")
    if fields.get("direction") not in ("inbound", "outbound"):
        return _unprocessable("direction", "Missing required parameter")
    if "id" not in fields:
        return _wrong_window(fields)
    if "date_start" not in fields and "date_end" not in fields:
        return None
    detail = "When using message_id, dates are not supported"
    return _problem(422, "Invalid filter", detail)


def _wrong_window(fields: Mapping[str, str]) -> Reply | None:
    if "date_start" not in fields or "date_end" not in fields:
        return _unprocessable("date_end", "Missing required parameter")
    try:
        window = instant(fields["date_end"]) - instant(fields["date_start"])
    except ValueError:
        return _unprocessable("date_start", "Not a date")
    if not 0 <= window <= _DAY:
        return _unprocessable("date_end", "Must be no more than 24 hours later than date_start")
    return None


def _unprocessable(name: str, reason: str) -> Reply:
    invalid = [{"name": name, "reason": reason}]
    value = {"title": "Unprocessable entity", "invalid_parameters": invalid, "instance": "0" * 32}
    return Reply(422, orjson.dumps(value), content_type="application/problem+json")


def _problem(status: int, title: str, detail: str) -> Reply:
    value = {"title": title, "detail": detail, "instance": "0" * 32}
    return Reply(status, orjson.dumps(value), content_type="application/problem+json")


def _date(at: float) -> str:
    return iso(at, milliseconds=False).replace("Z", "+0000")
