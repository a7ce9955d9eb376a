"""How is each provider spoken to, in the tests that are the same for all of them?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from messaging.sandbox import (
    INSTAGRAM_ACCOUNT,
    SENDGRID_ACCOUNT,
    TELNYX_ACCOUNT,
    VONAGE_ACCOUNT,
    VONAGE_SMS_ACCOUNT,
)
from tests.sandbox.carrier import SENDER, Posted, Sandbox, number

PLAIN = SENDER.removeprefix("+")
REFERENCE = "0192f0c17a4e7b3e8a53000000000001.1"
M = "0192f0c1-7a4e-7b3e-8a53-000000000001"


@dataclass(frozen=True)
class Speech:
    """One provider's words."""

    provider: str
    account: str
    send: Callable[..., httpx.Response]
    """`(sandbox, to, callback)`."""
    sid: Callable[[httpx.Response], str | None]
    """The id of an accepted message; None if it was refused."""
    limited: Callable[[httpx.Response], bool]
    broken: Callable[[httpx.Response], bool]
    """Whether a reply says that nothing was sent, and the provider is at fault."""
    status: Callable[[Posted], str]
    code: Callable[[Posted], str | None]
    statuses: tuple[str, str, str]
    """Its words for sent, delivered and undelivered."""
    unreachable: str
    opted_out: str
    refuses_opted_out: bool
    opted_out_status: str = ""
    address: Callable[[str], str] = number
    """Somebody to write to, by the last four digits."""
    kind: str = "sms"
    owns_senders: bool = True
    """Whether a sender can be somebody else's."""


def telnyx(sandbox: Sandbox, to: str, callback: str = "", **fields: Any) -> httpx.Response:
    message = {"to": to, "from": SENDER, "text": "hello", **fields}
    if callback:
        message["webhook_url"] = callback
    headers = {"Authorization": f"Bearer {TELNYX_ACCOUNT.token}"}
    return sandbox.http.post("/v2/messages", json=message, headers=headers)


def vonage(sandbox: Sandbox, to: str, callback: str = "", **fields: Any) -> httpx.Response:
    message = {
        "channel": "sms",
        "message_type": "text",
        "to": to.removeprefix("+"),
        "from": PLAIN,
        "text": "hello",
        **fields,
    }
    if callback:
        message["webhook_url"] = callback
    auth = (VONAGE_ACCOUNT.sid, VONAGE_ACCOUNT.token)
    return sandbox.http.post("/v1/messages", json=message, auth=auth)


def vonage_sms(sandbox: Sandbox, to: str, callback: str = "", **fields: str) -> httpx.Response:
    form = {
        "api_key": VONAGE_SMS_ACCOUNT.sid,
        "api_secret": VONAGE_SMS_ACCOUNT.token,
        "to": to.removeprefix("+"),
        "from": PLAIN,
        "text": "hello",
        **fields,
    }
    if callback:
        form["callback"] = callback
    return sandbox.http.post("/sms/json", data=form)


def webhooks(sandbox: Sandbox, account: str, url: str) -> None:
    """Where an account's receipts go from now on, as no request of it can say."""
    change = {"account": account, "webhook_url": url}
    sandbox.http.post("/sandbox/accounts", json=change).raise_for_status()


def mailbox(digits: str) -> str:
    return f"person{digits}@example.com"


def mail(to: str, **fields: Any) -> dict[str, Any]:
    """A request to send of SendGrid's."""
    return {
        "personalizations": [{"to": [{"email": to}]}],
        "from": {"email": "news@example.com"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "hello"}],
        **fields,
    }


def sendgrid(sandbox: Sandbox, to: str, callback: str = "", **fields: Any) -> httpx.Response:
    webhooks(sandbox, SENDGRID_ACCOUNT.sid, callback)
    headers = {"Authorization": f"Bearer {SENDGRID_ACCOUNT.token}"}
    return sandbox.http.post("/v3/mail/send", json=mail(to, **fields), headers=headers)


def person(digits: str) -> str:
    """Somebody on Instagram."""
    return f"178414000000{digits}"


def instagram(sandbox: Sandbox, to: str, callback: str = "", **fields: Any) -> httpx.Response:
    webhooks(sandbox, INSTAGRAM_ACCOUNT.sid, callback)
    headers = {"Authorization": f"Bearer {INSTAGRAM_ACCOUNT.token}"}
    body = {"recipient": {"id": to}, "message": {"text": "hello"}, **fields}
    path = f"/v25.0/{INSTAGRAM_ACCOUNT.sid}/messages"
    return sandbox.http.post(path, json=body, headers=headers)


def _error(reply: httpx.Response) -> tuple[int, int | None]:
    """The status and the code of a refusal of Meta's."""
    return reply.status_code, reply.json().get("error", {}).get("code")


def _item(posted: Posted) -> str:
    """What the one item of a webhook of Meta's is."""
    (entry,) = posted.json["entry"]
    (item,) = entry["messaging"]
    return "read" if "read" in item else "echo" if item["message"].get("is_echo") else "message"


def _event(posted: Posted) -> dict[str, Any]:
    """The one event of a webhook of SendGrid's."""
    (event,) = posted.json
    found: dict[str, Any] = event
    return found


def _twilio(sandbox: Sandbox, to: str, callback: str = "") -> httpx.Response:
    return sandbox.send(to, **({"StatusCallback": callback + "#rc=2&rp=all"} if callback else {}))


def _first_error(posted: Posted) -> str | None:
    errors = posted.json["data"]["payload"]["errors"]
    return errors[0]["code"] if errors else None


def _title(posted: Posted) -> str | None:
    found: str | None = posted.json.get("error", {}).get("title")
    return found


def _entry(reply: httpx.Response) -> dict[str, str]:
    found: dict[str, str] = reply.json()["messages"][0]
    return found


SPEECHES = (
    Speech(
        provider="twilio",
        account="AC" + "0" * 31 + "1",
        send=_twilio,
        sid=lambda reply: reply.json().get("sid"),
        limited=lambda reply: (reply.status_code, reply.json()["code"]) == (429, 20429),
        broken=lambda reply: (reply.status_code, reply.json()["code"]) == (500, 20500),
        status=lambda posted: posted.status,
        code=lambda posted: posted.form.get("ErrorCode"),
        statuses=("sent", "delivered", "undelivered"),
        unreachable="30003",
        opted_out="21610",
        refuses_opted_out=True,
    ),
    Speech(
        provider="telnyx",
        account=TELNYX_ACCOUNT.sid,
        send=telnyx,
        sid=lambda reply: reply.json().get("data", {}).get("id"),
        limited=lambda reply: (
            (reply.status_code, reply.headers["x-ratelimit-reset"]) == (429, "1")
            and reply.json()["errors"][0]["code"] == "10011"
        ),
        broken=lambda reply: (
            (reply.status_code, reply.json()["errors"][0]["code"]) == (500, "10007")
        ),
        status=lambda posted: posted.json["data"]["payload"]["to"][0]["status"],
        code=_first_error,
        statuses=("sent", "delivered", "delivery_failed"),
        unreachable="40008",
        opted_out="40300",
        refuses_opted_out=True,
    ),
    Speech(
        provider="vonage",
        account=VONAGE_ACCOUNT.sid,
        send=vonage,
        sid=lambda reply: reply.json().get("message_uuid"),
        limited=lambda reply: (
            reply.status_code == 429 and reply.json()["type"].endswith("messages#1000")
        ),
        broken=lambda reply: (
            reply.status_code == 500 and reply.json()["type"].endswith("messages#1000")
        ),
        status=lambda posted: posted.json["status"],
        code=_title,
        statuses=("submitted", "delivered", "undeliverable"),
        unreachable="1180",
        opted_out="1240",
        refuses_opted_out=False,
        opted_out_status="rejected",
    ),
    Speech(
        provider="vonage_sms",
        account=VONAGE_SMS_ACCOUNT.sid,
        send=vonage_sms,
        sid=lambda reply: _entry(reply).get("message-id"),
        limited=lambda reply: (reply.status_code, _entry(reply)["status"]) == (200, "1"),
        broken=lambda reply: (reply.status_code, _entry(reply)["status"]) == (200, "5"),
        status=lambda posted: posted.json["status"],
        code=lambda posted: posted.json["err-code"].strip("0") or None,
        statuses=("accepted", "delivered", "failed"),
        unreachable="2",
        opted_out="9",
        refuses_opted_out=False,
        opted_out_status="rejected",
    ),
    Speech(
        provider="sendgrid",
        account=SENDGRID_ACCOUNT.sid,
        send=sendgrid,
        sid=lambda reply: reply.headers.get("x-message-id"),
        limited=lambda reply: (
            (reply.status_code, reply.headers["x-ratelimit-remaining"]) == (429, "0")
        ),
        broken=lambda reply: (
            (reply.status_code, reply.json()["errors"][0]["message"])
            == (500, "internal server error")
        ),
        status=lambda posted: _event(posted)["event"],
        code=lambda posted: _event(posted).get("type") or _event(posted).get("reason"),
        statuses=("processed", "delivered", "bounce"),
        unreachable="blocked",
        opted_out="Unsubscribed Address",
        refuses_opted_out=False,
        opted_out_status="dropped",
        address=mailbox,
        kind="email",
    ),
    Speech(
        provider="instagram",
        account=INSTAGRAM_ACCOUNT.sid,
        send=instagram,
        sid=lambda reply: reply.json().get("message_id"),
        limited=lambda reply: _error(reply) == (403, 4),
        broken=lambda reply: _error(reply) == (500, 2),
        status=_item,
        code=lambda _: None,
        statuses=("echo", "read", ""),
        unreachable="",
        opted_out="551",
        refuses_opted_out=True,
        address=person,
        kind="dm",
        owns_senders=False,
    ),
)
