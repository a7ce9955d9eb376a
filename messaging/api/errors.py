"""What does a caller get when something goes wrong? One envelope, for every error there is.

RFC 9457 problem+json. `PROBLEMS` is the one table of codes; `/problems/{code}` serves it. Nothing a
caller sent is ever repeated back.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match

from messaging.domain.compliance.wording import WORDS
from messaging.domain.errors import (
    FieldProblem,
    InvalidRequestError,
    PosthornError,
    RateLimitedError,
    RefusedError,
)
from messaging.domain.request import problems_from
from messaging.telemetry import log

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "posthorn.request_id"
"""Where the request's id is kept in the ASGI scope."""
LIMITS = "posthorn.limits"
"""Where the headers that tell of the key's limit are kept in it: a list that is sent with the answer."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of error: its HTTP status, its name, and what to do about it."""

    status: int
    title: str
    remedy: str
    retry_after: int | None = None
    """Seconds after which to try again, where that helps."""


PROBLEMS: dict[str, Problem] = {
    "malformed_json": Problem(
        400,
        "The body is not JSON",
        "send one JSON object or list, in UTF-8, with each name at most once per object",
    ),
    "unauthorized": Problem(
        401,
        "No valid API key",
        "send your API key as 'Authorization: Bearer <key>'; make one with 'posthorn keys create'",
    ),
    "forbidden": Problem(
        403,
        "The webhook is not from this account",
        "check the account's secret and POSTHORN_PUBLIC_URL: the signature covers both",
    ),
    "missing_scope": Problem(
        403,
        "This API key may not do that",
        "use a key that has the scope, or make one with 'posthorn keys create --scope'",
    ),
    "not_found": Problem(
        404,
        "There is no such thing",
        "check the address and the id; what belongs to another tenant is not shown",
    ),
    "method_not_allowed": Problem(
        405, "This address does not take this method", "use one of the methods in the Allow header"
    ),
    "conflict": Problem(
        409,
        "Not possible in the present state",
        "look at the message's status; only some states can be left this way",
    ),
    "idempotency_in_progress": Problem(
        409,
        "A twin of this request is still running",
        "wait as long as Retry-After says and send the same request with the same key",
        retry_after=1,
    ),
    "payload_too_large": Problem(
        413,
        "The body is too large",
        "send at most 1 MiB for one message, 16 MiB for a list, 1 MiB for a webhook",
    ),
    "validation_failed": Problem(
        422,
        "Some fields are not valid",
        "each entry of errors points at a field and says what to change",
    ),
    "idempotency_key_reused": Problem(
        422,
        "This idempotency key was used for a different request",
        "use a new key for a new message; repeat a request unchanged to get its first answer",
    ),
    "too_many_requests": Problem(
        429,
        "This API key has made too many requests",
        "wait as long as Retry-After says; send many messages as a list, which is one request",
    ),
    "internal_error": Problem(
        500,
        "Something went wrong here",
        "try again with the same idempotency key; if it stays, report the request id",
    ),
    "intake_unavailable": Problem(
        503,
        "The request could not be kept",
        "nothing was accepted; try again with the same idempotency key",
        retry_after=2,
    ),
    "unavailable": Problem(
        503, "The database cannot be reached", "try again in a moment", retry_after=2
    ),
} | {reason.value: Problem(422, words.title, words.remedy) for reason, words in WORDS.items()}
"""Every error code of the HTTP API; those after `unavailable` are the reasons of compliance."""


def problem(
    request_id: str,
    code: str,
    detail: str | None = None,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response for one error."""
    kind = PROBLEMS[code]
    content: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail or kind.remedy,
        "instance": f"/v1/requests/{request_id}",
        "code": code,
        "errors": [{"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in errors],
    }
    more = dict(headers or {})
    if kind.retry_after is not None:
        more["Retry-After"] = str(kind.retry_after)
    if kind.status == 401:
        more["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(content), kind.status, more, media_type=MEDIA_TYPE)


def request_id_of(request: Request) -> str:
    """The id of this request, as its caller is told."""
    return str(request.scope.get(REQUEST_ID, ""))


async def of_ours(request: Request, error: Exception) -> Response:
    """A use case said no."""
    assert isinstance(error, PosthornError)  # noqa: S101 - registered for this class only
    rid = request_id_of(request)
    if isinstance(error, RefusedError):
        return problem(rid, error.code, error.detail, error.problems)
    if isinstance(error, InvalidRequestError):
        return problem(rid, error.code, errors=error.problems)
    if isinstance(error, RateLimitedError):
        return problem(rid, error.code, error.detail, headers={"Retry-After": str(error.wait)})
    return problem(rid, error.code, error.detail)


async def of_parameters(request: Request, error: Exception) -> Response:
    """A path, query or body does not have the declared form."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return problem(request_id_of(request), "malformed_json")
    # The first part of a location says "query" or "body", which a pointer does not.
    items = [{**item, "loc": tuple(item["loc"])[1:]} for item in found]
    return problem(request_id_of(request), "validation_failed", errors=problems_from(items))


_CODES = {
    400: "malformed_json",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
}


async def of_http(request: Request, error: Exception) -> Response:
    """The framework said no: no such route, wrong method, body too large."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    rid = request_id_of(request)
    headers = {"Allow": ", ".join(_allowed(request))} if error.status_code == 405 else None
    return problem(rid, _CODES.get(error.status_code, "internal_error"), headers=headers)


def _allowed(request: Request) -> list[str]:
    """Every method some route takes at this address."""
    app: Starlette = request.app
    path = {k: v for k, v in request.scope.items() if k not in {"path_params", "endpoint", "route"}}
    return [
        method
        for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
        if any(r.matches({**path, "method": method})[0] is Match.FULL for r in app.router.routes)
    ]


async def of_database(request: Request, error: Exception) -> Response:
    """The database is away, or has no connection to spare."""
    log().error(
        "database_unavailable", request_id=request_id_of(request), kind=type(error).__name__
    )
    return problem(request_id_of(request), "unavailable")


async def of_disconnect(_request: Request, _error: Exception) -> Response:
    """The caller went away while it was still sending; nobody reads this."""
    return Response(status_code=499)


async def of_bug(request: Request, error: Exception) -> Response:
    """Nobody expected this. The text of the exception stays here: it may hold what was sent."""
    rid = request_id_of(request)
    log().error("request_failed", request_id=rid, kind=type(error).__name__)
    return problem(rid, "internal_error", headers={"X-Request-ID": rid})


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    PosthornError: of_ours,
    RequestValidationError: of_parameters,
    HTTPException: of_http,
    OperationalError: of_database,
    InterfaceError: of_database,
    PoolTimeoutError: of_database,
    ClientDisconnect: of_disconnect,
    Exception: of_bug,
}
"""Which function answers which exception."""
