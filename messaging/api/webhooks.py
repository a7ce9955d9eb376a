"""`POST /webhooks/{provider}/{account}/...`: what a provider reports, kept before it is answered.

`status` takes delivery receipts, `inbound` what people write to us.

The signature is checked against our configured public address, never against the `Host` header.
"""

from __future__ import annotations

from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from messaging import inbound, webhooks
from messaging.api import reading
from messaging.api.desk import Desk, desk_of
from messaging.api.reading import ForbiddenError
from messaging.domain.errors import UnavailableError
from messaging.domain.message import ProviderAccount
from messaging.providers.base import Webhook
from messaging.runtime import DatabaseError
from messaging.settings import Settings

PATH = "/webhooks/{provider}/{account}/status"
INBOUND_PATH = "/webhooks/{provider}/{account}/inbound"
_LIMIT = 256 * 1024
_AWAY = "the message could not be kept; post it again"
_REFUSAL = "this is not signed by an account of ours; check its secret and POSTHORN_PUBLIC_URL"


async def status(request: Request) -> Response:
    """Keep a delivery receipt; 204 once it is durable, 403 if it is not the account's."""
    desk = desk_of(request)
    account, webhook = await _webhook(desk, request)
    receipts = webhooks.verify(desk.rt, account, webhook) if account is not None else None
    if receipts is None:
        raise ForbiddenError(_REFUSAL)
    if receipts:
        await desk.keep(receipts)
    return Response(status_code=204)


async def message(request: Request) -> Response:
    """Keep and obey what somebody wrote to us; 204 once it is done, 403 if it is not the account's.

    Twilio takes 204 for "no reply": ours is a message of its own.
    """
    desk = desk_of(request)
    account, webhook = await _webhook(desk, request)
    if account is None or not inbound.verify(account, webhook):
        raise ForbiddenError(_REFUSAL)
    try:
        await run_in_threadpool(inbound.receive, desk.rt, account, webhook)
    except DatabaseError:
        raise UnavailableError(_AWAY) from None
    return Response(status_code=204)


async def _webhook(desk: Desk, request: Request) -> tuple[ProviderAccount | None, Webhook]:
    """The request as it was signed, and the account its address names, if there is one."""
    content = await reading.body(request, _LIMIT)
    try:
        account_id = UUID(request.path_params["account"])
    except ValueError:
        raise ForbiddenError(_REFUSAL) from None
    account = await desk.account(request.path_params["provider"], account_id)
    headers = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]
    }
    url = _public_url(desk.rt.settings, request.scope)
    return account, Webhook(url, headers, content, desk.rt.now())


def _public_url(settings: Settings, scope: Scope) -> str:
    """The address the provider requested, as it knows us."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    target = path.partition(b"?")[0] + (b"?" + query if query else b"")
    return settings.public_url.rstrip("/") + target.decode("latin-1")
