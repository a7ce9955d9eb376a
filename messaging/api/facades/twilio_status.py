"""The receipt address of the use-case document: whose receipt is it, and is it signed? Then it is kept.

204 once it is durable, whether or not its message is known; 403 for what no account with that SID signed.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from messaging import webhooks
from messaging.api import reading
from messaging.api.desk import desk_of
from messaging.api.reading import ForbiddenError

router = APIRouter()
_REFUSAL = "Request signature validation failed"
_MOST_FIELDS = 200
_SID = re.compile(r"[A-Za-z0-9]{1,64}")
_SHOWN = {"MessageSid": "SM1", "AccountSid": "AC1", "MessageStatus": "delivered"}
_FORM = {
    "application/x-www-form-urlencoded": {"schema": {"type": "object"}, "example": _SHOWN},
}


@router.post(
    "/v1/webhook/twilio/sms-status",
    status_code=204,
    response_class=Response,
    openapi_extra={"requestBody": {"required": True, "content": _FORM}, "security": []},
)
async def status_callback(request: Request) -> Response:
    """Take a delivery receipt from Twilio.

    It is believed with the signature of the account it names, and answered once it is durable.
    """
    body = await reading.body(request, reading.MIB)
    desk, scope = desk_of(request), request.scope
    query: bytes = scope["query_string"]
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    target = raw_path + b"?" + query if query else raw_path
    url = desk.rt.settings.public_url.rstrip("/") + target.decode("latin-1")
    sid = _account_sid(body)
    if sid is None:
        raise ForbiddenError(_REFUSAL)
    receipts = await run_in_threadpool(
        webhooks.verify_named, desk.rt, "twilio", sid, url, dict(request.headers), body
    )
    if receipts is None:
        raise ForbiddenError(_REFUSAL)
    if receipts:
        await desk.keep(receipts)
    return Response(status_code=204)


def _account_sid(body: bytes) -> str | None:
    """The account a form is of; None if it is not said, or said twice."""
    try:
        form = parse_qsl(body.decode("latin-1"), max_num_fields=_MOST_FIELDS)
    except ValueError:  # more fields than any receipt has
        return None
    found = [value for name, value in form if name == "AccountSid"]
    return found[0] if len(found) == 1 and _SID.fullmatch(found[0]) else None
