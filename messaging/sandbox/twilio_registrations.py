"""Where do registrations with the US carriers stand, as the sandbox's Messaging API (v1) says?

Where somebody put them: `POST /sandbox/registrations` makes a brand, a 10DLC campaign or a toll-free
verification of an account, or changes its status. The status may be any word of Twilio's form, so that
a test can say one nobody knows yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from messaging.sandbox.connection import Reply, Request, json_reply
from messaging.sandbox.twilio_problems import METHOD_NOT_ALLOWED
from messaging.sandbox.twilio_wire import not_found, problem_reply

PATHS = ("/v1/a2p/", "/v1/Services/", "/v1/Tollfree/")
CONTROL = "/sandbox/registrations"

_COLLECTIONS = {"BN": "/v1/a2p/BrandRegistrations/", "HH": "/v1/Tollfree/Verifications/"}
_SID = re.compile(r"(?:BN|QE|HH)[0-9a-fA-F]{32}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_STATUS = re.compile(r"[A-Z][A-Z_]{0,39}")
_FIELDS = frozenset({"sid", "status", "service", "account"})


@dataclass(slots=True)
class _Entry:
    account: str
    sid: str
    service: str | None
    status: str
    created_at: float
    updated_at: float

    @property
    def path(self) -> str:
        if self.service is not None:
            return f"/v1/Services/{self.service}/Compliance/Usa2p/{self.sid}"
        return _COLLECTIONS[self.sid[:2]] + self.sid

    def resource(self) -> dict[str, Any]:
        """What the API shows of it."""
        own = {"status": self.status}
        if self.service is not None:
            own = {"campaign_status": self.status, "messaging_service_sid": self.service}
        return {
            "sid": self.sid,
            "account_sid": self.account,
            **own,
            "date_created": _date(self.created_at),
            "date_updated": _date(self.updated_at),
            "url": f"https://messaging.twilio.com{self.path}",
        }


class Registrations:
    """Every account's registrations, in memory."""

    def __init__(self, accounts: Sequence[str], clock: Callable[[], float]) -> None:
        self._accounts = accounts
        self._clock = clock
        self._entries: dict[str, _Entry] = {}

    def resource(self, account: str, request: Request) -> Reply:
        """The answer to an account that gave its credentials."""
        entry = self._entries.get(request.path.rpartition("/")[2])
        if entry is None or entry.account != account or entry.path != request.path:
            return not_found(request.path)
        if request.method != "GET":
            return problem_reply(METHOD_NOT_ALLOWED)
        return json_reply(200, entry.resource())

    def change(self, request: Request) -> Reply:
        """Makes a registration or gives it another status; answers with the resource.

        The JSON body holds `sid` (BN..., QE... or HH...) and `status`; `service` (MG...) with a
        campaign; and `account` (the first, unless given).
        """
        try:
            asked = _read(request.body)
        except ValueError as error:
            return _refusal(400, str(error))
        account = asked.get("account", self._accounts[0])
        if account not in self._accounts:
            return _refusal(404, "no such account")
        now = self._clock()
        before = self._entries.get(asked["sid"])
        entry = _Entry(
            account,
            asked["sid"],
            asked.get("service"),
            asked["status"],
            before.created_at if before else now,
            now,
        )
        self._entries[entry.sid] = entry
        return json_reply(200, entry.resource())

    def show(self, _: Request) -> Reply:
        """Every registration, as the API shows it."""
        return json_reply(200, [entry.resource() for entry in self._entries.values()])

    def clear(self, _: Request) -> Reply:
        """Forgets them all."""
        self._entries.clear()
        return Reply(204)


def _read(body: bytes) -> dict[str, str]:
    """The request; ValueError says what is wrong with it."""
    asked = orjson.loads(body)
    if not isinstance(asked, dict) or not all(isinstance(v, str) for v in asked.values()):
        raise ValueError("the body must be a JSON object of strings")
    if unknown := asked.keys() - _FIELDS:
        raise ValueError(f"no such field: {', '.join(sorted(unknown))}")
    if not _SID.fullmatch(asked.get("sid", "")):
        raise ValueError("sid must be BN, QE or HH and 32 hex digits")
    if not _STATUS.fullmatch(asked.get("status", "")):
        raise ValueError("status must be a word of capital letters, as IN_REVIEW")
    campaign = asked["sid"].startswith("QE")
    if campaign != ("service" in asked) or not _SERVICE.fullmatch(asked.get("service", _ANY)):
        raise ValueError("a campaign, and nothing else, has a service: MG and 32 hex digits")
    return asked


_ANY = "MG" + "0" * 32


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _refusal(status: int, detail: str) -> Reply:
    return json_reply(status, {"status": status, "detail": detail})
