"""How does a facade hand in one message, and see what has become of it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from messaging.api.desk import desk_of
from messaging.api.facades import waiting
from messaging.api.facades.facade import watch_of
from messaging.domain import request as asking
from messaging.domain.errors import InvalidRequestError, NotFoundError
from messaging.domain.request import SendRequest
from messaging.store import views
from messaging.store.tenants import Tenant
from messaging.store.views import MessageView
from messaging.submission import Receipt, Refused, Submission, Taken


def parsed(fields: Mapping[str, Any]) -> SendRequest:
    """A request of ours; what is None is left out.

    Raises:
        InvalidRequestError: everything that is wrong with it.
    """
    asked = asking.parse({name: value for name, value in fields.items() if value is not None})
    if isinstance(asked, list):
        raise InvalidRequestError(asked)
    return asked


async def submitted(
    request: Request, tenant: Tenant, asked: SendRequest, source: str, key: str | None = None
) -> tuple[Taken, Receipt]:
    """Keep one message; `source` is the facade, `key` makes a repetition of it the same message.

    Raises:
        PosthornError: as `Desk.submit`; a refusal with the fields and reasons of ours.
    """
    fingerprint = asked.fingerprint() if key is not None else b""
    receipt = await desk_of(request).submit(Submission(tenant, [asked], key, fingerprint, source))
    (entry,) = receipt.entries
    if isinstance(entry, Refused):
        raise entry.error()
    return entry, receipt


async def seen(request: Request, tenant: Tenant, message_id: UUID) -> MessageView:
    """A message as it is, once it is over or the caller has waited as long as it prefers.

    Raises:
        NotFoundError: the tenant has no such message.
    """
    await watch_of(request).settled([message_id], waiting.wanted(request))
    rt = desk_of(request).rt

    def look() -> MessageView | None:
        with rt.engine.connect() as db:
            return views.message(db, tenant.id, message_id)

    found = await run_in_threadpool(look)
    if found is None:
        raise NotFoundError("no message of yours has this id")
    return found
