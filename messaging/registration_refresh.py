"""Where do registrations stand at the provider now? It is asked hourly, and its word is taken over.

    a registration with the provider's id for it falls due | run: take due -> ask -> follow

A number's verification is asked of the account the number belongs to; a brand and its campaigns of the
account the brand names, or else of the tenant's only account whose provider can be asked. With
several and none named, nobody is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import UUID

import httpx

from messaging import providers, registration
from messaging.domain.failures import Failure
from messaging.domain.message import ProviderAccount
from messaging.domain.registration import RegistrationKind
from messaging.providers.base import Provider, Registration
from messaging.providers.transport import Transport
from messaging.queues import Task
from messaging.registration import Followed
from messaging.runtime import DatabaseError, Runtime
from messaging.store import registration_refreshes
from messaging.store.registration_refreshes import Due
from messaging.store.tenants import Tenant
from messaging.telemetry import log, tally

EVERY = timedelta(hours=1)
_FIRST_WAIT = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=6)
_UNASKED = "unasked"
_UNKNOWN = "unknown"
_FAILED = "failed"


def run(
    rt: Runtime,
    transport: Transport,
    tenant_id: UUID | None = None,
    *,
    limit: int = 20,
    rounds: int = 20,
) -> str:
    """Ask about every registration that is due, of one tenant or all; returns a one-line summary."""
    rt.hints.answered(Task.REGISTRATIONS)
    results: Counter[str] = Counter()
    hold = timedelta(seconds=2 * rt.settings.provider_timeout_seconds)
    for _ in range(rounds):
        with rt.engine.begin() as db:
            due = registration_refreshes.take(db, limit, hold, tenant_id)
        results.update(_ask_all(rt, transport, due))
        if len(due) < limit:
            break
    else:
        rt.hints.ring(Task.REGISTRATIONS)
    if results:
        rt.counters.add(
            tally("posthorn_registration_refreshes_total", result=[*results.elements()])
        )
    said = (f"{n} {word.replace('_', ' ')}" for word, n in sorted(results.items()))
    return ", ".join(said) or "nothing to ask about"


def run_now(rt: Runtime, transport: Transport, tenant: Tenant) -> str:
    """Ask about everything a tenant registered, due or not; returns a one-line summary."""
    for kind in RegistrationKind:
        with rt.engine.begin() as db:
            registration_refreshes.hasten(db, kind, tenant.id)
    return run(rt, transport, tenant.id)


@dataclass(frozen=True, slots=True)
class _Question:
    """One registration that a provider is asked about."""

    due: Due
    adapter: Provider


def _ask_all(rt: Runtime, transport: Transport, due: Sequence[Due]) -> Iterator[str]:
    """Ask about all of them at once, and take each answer over as it comes."""
    for each in due:
        try:
            asked = _asked(rt, each)
            if asked is not None:
                transport.submit(*asked)
                continue
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - one account's fault must not stop all others
            log().error("registration.unaskable", error=type(error).__name__, **_named(each))
            yield _put_off(rt, each)
        else:
            yield _leave(rt, each)
    while transport.in_flight:
        for question, reply in transport.poll(1.0):
            yield _answered(rt, cast("_Question", question), reply)


def _asked(rt: Runtime, due: Due) -> tuple[_Question, httpx.Request] | None:
    """The question and its request; None if there is nobody to ask, or nothing by this name there."""
    account = _account(rt, due)
    adapter = providers.find(account.provider) if account else None
    if account is None or adapter is None or adapter.registration_lookup is None:
        return None
    request = adapter.registration_lookup(
        account, Registration(due.kind, due.reference, due.service)
    )
    return None if request is None else (_Question(due, adapter), request)


def _account(rt: Runtime, due: Due) -> ProviderAccount | None:
    accounts = rt.senders_of(due.tenant_id).accounts
    if due.account_id is not None:
        return accounts.get(due.account_id)
    able = [account for account in accounts.values() if _able(account)]
    return able[0] if len(able) == 1 else None


def _able(account: ProviderAccount) -> bool:
    adapter = providers.find(account.provider)
    return adapter is not None and adapter.registration_lookup is not None


def _answered(rt: Runtime, question: _Question, reply: httpx.Response | Failure) -> str:
    due, read = question.due, question.adapter.registration
    report = read(reply, due.kind) if read and isinstance(reply, httpx.Response) else None
    if report is None:
        code = str(reply.status_code) if isinstance(reply, httpx.Response) else reply.code
        log().warning("registration.no_answer", code=code, **_named(due))
        return _put_off(rt, due)
    if report.state is None:
        # Not the word itself: nobody knows what it may hold.
        log().warning("registration.unknown_state", provider=question.adapter.name, **_named(due))
        with rt.engine.begin() as db:
            registration_refreshes.answered(db, due, EVERY)
        return _UNKNOWN
    as_of = report.since or due.asked_at
    result = registration.follow(rt, due, report.state, as_of, again=EVERY)
    if result in {Followed.CHANGED, Followed.STAYS_SUSPENDED}:
        log().info(f"registration.{result}", state=report.state.value, **_named(due))
    return result.value


def _put_off(rt: Runtime, due: Due) -> str:
    """Ask again after 5 minutes, then twice as long each time, up to 6 hours."""
    wait = min(_FIRST_WAIT * 2 ** min(due.failures, 10), _LONGEST_WAIT)
    with rt.engine.begin() as db:
        registration_refreshes.put_off(db, due, wait, failed=True)
    return _FAILED


def _leave(rt: Runtime, due: Due) -> str:
    with rt.engine.begin() as db:
        registration_refreshes.put_off(db, due, EVERY, failed=False)
    return _UNASKED


def _named(due: Due) -> dict[str, str]:
    """What a log line may say of it."""
    return {"kind": due.kind.value, "id": str(due.id), "tenant_id": str(due.tenant_id)}
