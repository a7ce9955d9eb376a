"""`POST /v1/messages`: the busiest route, so it does without FastAPI's machinery.

One message goes through the group commit; a list is kept in a transaction of its own, in a thread.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from messaging import intake
from messaging.api import reading
from messaging.api.desk import Desk, desk_of
from messaging.domain import lists
from messaging.domain import request as asking
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.store.tenants import Tenant
from messaging.submission import Entry, Receipt, Refused, Submission, Taken

JSON = "application/json"
_REPLAYED = {"Idempotent-Replayed": "true"}


async def send(request: Request) -> Response:
    """Keep one message or a list of them; 202 once they are durable."""
    desk = desk_of(request)
    tenant = await desk.tenant(request)
    value = reading.decode(await reading.body(request, reading.LIST_LIMIT))
    header = request.headers.get("idempotency-key")
    if isinstance(value, list):
        return await _send_list(desk, tenant, value, reading.idempotency_key(header, None))
    return await _send_one(desk, tenant, value, header)


async def _send_one(desk: Desk, tenant: Tenant, value: Any, header: str | None) -> Response:
    asked = asking.parse(value)
    if isinstance(asked, list):
        raise InvalidRequestError(asked)
    key = reading.idempotency_key(header, asked.idempotency_key)
    fingerprint = asked.fingerprint() if key is not None else b""
    receipt = await desk.submit(Submission(tenant, [asked], key, fingerprint, "api"))
    (entry,) = receipt.entries
    if isinstance(entry, Refused):
        raise entry.error()
    headers = {"Location": f"/v1/messages/{entry.id}"}
    if receipt.replayed:
        headers |= _REPLAYED
    return Response(_taken(entry), 202, headers, JSON)


def _taken(entry: Taken) -> bytes:
    # Neither can hold a character that JSON escapes.
    return f'{{"id":"{entry.id}","status":"{entry.status.value}"}}'.encode()


async def _send_list(desk: Desk, tenant: Tenant, values: list[Any], key: str | None) -> Response:
    problem = lists.length_problem(values)
    if problem is not None:
        raise InvalidRequestError([problem])
    return await run_in_threadpool(_keep_list, desk, tenant, values, key)


def _keep_list(desk: Desk, tenant: Tenant, values: list[Any], key: str | None) -> Response:
    asked = [lists.entry(value) for value in values]
    fingerprint = lists.fingerprint(values, asked) if key is not None else b""
    receipt = intake.submit(desk.rt, Submission(tenant, asked, key, fingerprint, "api", bulk=True))
    if not any(isinstance(entry, Taken) for entry in receipt.entries):
        raise InvalidRequestError(
            [p for i, e in enumerate(receipt.entries) for p in _problems(i, e)]
        )
    headers = _REPLAYED if receipt.replayed else None
    return Response(orjson.dumps(_answer(receipt)), 202, headers, JSON)


def _answer(receipt: Receipt) -> dict[str, Any]:
    data = [_shown(i, entry) for i, entry in enumerate(receipt.entries)]
    refused = sum(isinstance(entry, Refused) for entry in receipt.entries)
    return {"data": data, "accepted": len(data) - refused, "refused": refused}


def _shown(index: int, entry: Entry) -> dict[str, Any]:
    if isinstance(entry, Taken):
        return {"id": str(entry.id), "status": entry.status.value}
    return {"errors": _problems(index, entry)}


def _problems(index: int, entry: Entry) -> list[FieldProblem]:
    """An entry's problems, pointing into the whole list."""
    if isinstance(entry, Taken):
        return []
    return [FieldProblem(f"#/{index}{p.pointer[1:]}", p.code, p.detail) for p in entry.problems]
