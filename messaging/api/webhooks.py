"""`/webhooks/{provider}/{account}/...`: what a provider reports, kept before it is answered.

`status` takes delivery receipts, `inbound` what people write to us; where a provider posts both to
one address, either takes both. By GET a provider asks whether the address is ours, or reports in the
query. The signature is checked against our configured public address, never against the `Host` header;
what has none is refused, also where a provider tells of an error of its own without signing it.

The busiest door there is, so it reads the request itself: no framework stands before it.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from messaging import inbound, webhooks
from messaging.api import reading
from messaging.api.desk import Desk
from messaging.api.errors import of_database
from messaging.api.reading import ForbiddenError
from messaging.api.shortcut import answer_to
from messaging.domain.message import ProviderAccount
from messaging.providers.base import Webhook
from messaging.runtime import DatabaseError

PATH = "/webhooks/{provider}/{account}/status"
INBOUND_PATH = "/webhooks/{provider}/{account}/inbound"
METHODS = ["GET", "POST"]
_LIMIT = 1024 * 1024
"""SendGrid posts events when it has 768 KB of them."""
_REFUSAL = "this is not signed by an account of ours; check its secret and POSTHORN_PUBLIC_URL"
_KEPT = {"type": "http.response.body", "body": b""}


class Door:
    """Answers every webhook; an ASGI application."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._base = desk.rt.settings.public_url.rstrip("/")

    def routes(self) -> list[Route]:
        """Where it stands, for whoever lists addresses and methods."""
        found = [Route(path, self, methods=METHODS) for path in (PATH, INBOUND_PATH)]
        for route in found:
            route.methods = set(METHODS)  # without the HEAD that comes with every GET
        return found

    @staticmethod
    def leads(scope: Scope) -> bool:
        """Whether a request is for this door: its path ends in our two words, its method is taken."""
        path: str = scope["path"]
        return (
            path.startswith("/webhooks/")
            and path.endswith(("/status", "/inbound"))
            and path.count("/") == 4
            and scope["method"] in METHODS
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One webhook: 204 once what is in it is durable, 403 if it is not the account's.

        503 if it cannot be kept, whatever the reason: the provider must post it again.
        """
        try:
            response = await self._answer(scope, receive)
        except DatabaseError as error:
            response = await of_database(Request(scope, receive), error)
        except Exception as error:  # noqa: BLE001 - every error has its answer
            response = await answer_to(Request(scope, receive), error)
        if response is not None:
            await response(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send(_KEPT)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        """What is answered; None is 204."""
        desk = self._desk
        path: str = scope["path"]
        _, _, provider, id_, kind = path.split("/")
        query: bytes = scope["query_string"]
        asked = scope["method"] == "GET"
        body = query if asked else await _body(scope, receive)
        name = f"{provider}/{id_}"
        of = desk.accounts.recall(name) or await desk.accounts.find(name)
        if of is None:
            raise ForbiddenError(_REFUSAL)
        if asked and webhooks.asks(of):
            return _challenged(of, query)
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        raw_path: bytes = scope.get("raw_path") or path.encode()
        target = raw_path + b"?" + query if query else raw_path
        webhook = Webhook(self._base + target.decode("latin-1"), headers, body, desk.rt.now())
        receipts = webhooks.verify(desk.rt, of, webhook)
        if receipts is None:
            raise ForbiddenError(_REFUSAL)
        # Each half knows what it has already done, if the other fails and all of it comes again.
        mixed = webhooks.mixed(of)
        if receipts and (mixed or kind == "status"):
            await desk.keep(receipts)
        if webhooks.holds_message(of, webhook) if mixed else kind == "inbound":
            await run_in_threadpool(inbound.receive, desk.rt, of, webhook)
        return None


def _challenged(of: ProviderAccount, query: bytes) -> Response:
    found = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    answer = webhooks.challenge(of, found)
    if answer is None:
        raise ForbiddenError(_REFUSAL)
    return PlainTextResponse(answer, headers={"X-Content-Type-Options": "nosniff"})


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The whole body; most come in one piece.

    Raises:
        TooLargeError: it is larger than any provider's.
    """
    first = await receive()
    if first["type"] == "http.request" and not first.get("more_body"):
        whole: bytes = first.get("body", b"")
        if len(whole) <= _LIMIT:
            return whole
    pieces = [first]

    async def again() -> Message:
        return pieces.pop() if pieces else await receive()

    return await reading.body(Request(scope, again), _LIMIT)
