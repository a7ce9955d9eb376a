"""How does the command line work beside the Posthorn of this machine? On its database, by the use cases."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson

from messaging import explaining, intake, onboarding
from messaging.api import schema
from messaging.discovery import located
from messaging.domain import request
from messaging.domain.errors import InvalidRequestError, NotFoundError
from messaging.embedded import check_reachable
from messaging.runtime import Runtime
from messaging.settings import Settings
from messaging.store import receipt_views, views
from messaging.store.tenants import Tenant
from messaging.submission import Refused, Submission

Json = dict[str, Any]


class Direct:
    """The database of this machine's Posthorn."""

    def __init__(self, rt: Runtime, tenant: Tenant) -> None:
        self._rt = rt
        self._tenant = tenant

    def send(self, fields: Json, key: str | None) -> Json:
        """Hand one message in."""
        asked = request.parse(fields)
        if isinstance(asked, list):
            raise InvalidRequestError(asked)
        handed_in = Submission(self._tenant, [asked], key, asked.fingerprint(), "cli")
        (entry,) = intake.submit(self._rt, handed_in).entries
        if isinstance(entry, Refused):
            raise entry.error()
        return {"id": str(entry.id), "status": entry.status.value}

    def message(self, message_id: UUID) -> Json:
        """A message and everything that happened to it."""
        with self._rt.engine.connect() as db:
            found = views.message(db, self._tenant.id, message_id)
            if found is None:
                raise NotFoundError("no message of yours has this id")
            shown = {
                **schema.message_body(found),
                "events": [schema.event_body(e) for e in views.events(db, message_id)],
                "attempts": [schema.attempt_body(a) for a in views.attempts(db, message_id)],
                "receipts": [
                    schema.receipt_body(r) for r in receipt_views.receipts(db, message_id)
                ],
            }
        # Over HTTP the same things come as text.
        plain: Json = orjson.loads(orjson.dumps(shown, option=orjson.OPT_UTC_Z))
        return plain

    def explain(self, message_id: UUID) -> Json:
        """Why a message is where it is."""
        found = explaining.explain(self._rt, self._tenant, message_id)
        plain: Json = orjson.loads(orjson.dumps(found, option=orjson.OPT_UTC_Z))
        return plain

    def cancel(self, message_id: UUID) -> None:
        """Call a message off."""
        intake.cancel(self._rt, self._tenant, message_id)


@contextlib.contextmanager
def opened(tenant: str) -> Iterator[Direct]:
    """The database, for the tenant of this name."""
    with runtime() as rt:
        yield Direct(rt, onboarding.find_tenant(rt, tenant))


@contextlib.contextmanager
def runtime() -> Iterator[Runtime]:
    """A runtime beside the Posthorn of this machine.

    Raises:
        SettingsError: nothing says where it is.
        EmbeddedError: its servers do not answer.
    """
    settings = located(Settings.read())
    check_reachable(settings.database_url, settings.redis_url)
    rt = Runtime.start(settings, name="cli")
    try:
        yield rt
    finally:
        rt.close()
