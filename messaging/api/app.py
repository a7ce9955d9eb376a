"""The HTTP application: `uvicorn --factory messaging.api.app:from_environment`.

The busiest routes take a shortcut; FastAPI serves the rest, and the OpenAPI document describes all of
them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route

from messaging import __version__, embedded, telemetry
from messaging.api import (
    accounts,
    audit,
    billing,
    bindings,
    campaigns,
    consents,
    contacts,
    conversations,
    dnc,
    endpoints,
    erasures,
    explain,
    facades,
    health,
    inbound,
    keys,
    native,
    notices,
    numbers,
    openapi,
    policy,
    pools,
    preview,
    problems,
    reading,
    registration,
    rules,
    senders,
    statistics,
    suppressions,
    templates,
    unsubscribe,
    use_cases,
    webhooks,
)
from messaging.api.desk import Desk
from messaging.api.errors import HANDLERS
from messaging.api.request_ids import RequestIds
from messaging.api.sending import send
from messaging.api.shortcut import Application
from messaging.runtime import Runtime
from messaging.settings import Settings, SettingsError

_DESCRIPTION = "Messages for other software: scheduled, checked, sent once, and explained."
_PARTS = (
    explain,
    inbound,
    conversations,
    native,
    numbers,
    senders,
    pools,
    bindings,
    use_cases,
    accounts,
    keys,
    audit,
    billing,
    campaigns,
    registration,
    templates,
    statistics,
    preview,
    policy,
    suppressions,
    contacts,
    consents,
    dnc,
    erasures,
    endpoints,
    notices,
    health,
    problems,
    rules,
    unsubscribe,
)
"""What is below `/v1`, and what belongs to everybody."""


def create_app(rt: Runtime) -> FastAPI:
    """The application over one runtime, which its owner closes."""
    desk = Desk(rt)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        desk.open()
        rt.settle()
        yield
        desk.close()

    door = webhooks.Door(desk)
    app = Application(
        rt,
        door,
        [Route("/v1/messages", send, methods=["POST"]), *door.routes()],
        title="Posthorn",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would be built from the Host header, and have no body
        exception_handlers=HANDLERS,
    )
    app.state.desk = desk
    app.add_middleware(reading.Bounded, limit=reading.LIST_LIMIT)
    app.add_middleware(RequestIds, new_id=rt.new_id)
    app.router.routes.insert(0, Route("/livez", health.livez))
    for part in _PARTS:
        app.include_router(part.router)
    facades.mount(app, desk)
    openapi.describe(app, rt.now)
    return app


def from_environment() -> FastAPI:
    """The application as `POSTHORN_*` configures it.

    Where no URL is set, it uses the embedded servers that another process has running.

    Raises:
        SettingsError: the environment cannot be used; the text names each variable and the remedy.
    """
    settings = _located(Settings.read())
    telemetry.configure(settings.log_level, json=settings.environment == "production")
    _ = settings.key_pepper, settings.pepper  # a missing secret must stop us here, not a caller
    return create_app(Runtime.start(settings, name="api"))


def _located(settings: Settings) -> Settings:
    """The settings with the URLs of embedded servers where none are given."""
    if settings.database_url and settings.redis_url:
        return settings
    found = embedded.running(settings.home)
    if found is None:
        raise SettingsError(
            "set POSTHORN_DATABASE_URL and POSTHORN_REDIS_URL, or run 'posthorn up', which brings "
            "its own servers"
        )
    return settings.model_copy(
        update={
            "database_url": settings.database_url or found.database_url,
            "redis_url": settings.redis_url or found.redis_url,
        }
    )
