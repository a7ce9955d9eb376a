"""What kind of line is a number nobody knows yet? Somebody who knows is asked, once, for money.

    dispatch defers a message and wants its number | run: take due -> ask -> learn, or ask again later

A number that three look-ups said nothing about counts as known to be unknown, so that no message waits
for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import httpx

from messaging import providers, suppression
from messaging.domain.compliance.facts import LineType
from messaging.domain.failures import Failure
from messaging.domain.message import Channel, ProviderAccount
from messaging.providers.base import Provider
from messaging.providers.transport import Transport
from messaging.queues import Task
from messaging.runtime import DatabaseError, Runtime
from messaging.store import number_facts
from messaging.store.number_facts import Learned, Pending
from messaging.telemetry import log, tally

_MOST_FAILURES = 3
_FIRST_WAIT = timedelta(seconds=5)
_GROWS = 4
_PHONE = frozenset({Channel.SMS, Channel.MMS})


def run(rt: Runtime, transport: Transport, *, limit: int = 50, rounds: int = 20) -> str:
    """Look up every number whose look-up is due; returns a one-line summary."""
    rt.hints.answered(Task.LOOKUPS)
    found: Counter[str] = Counter()
    hold = timedelta(seconds=2 * rt.settings.provider_timeout_seconds)
    for _ in range(rounds):
        with rt.engine.begin() as db:
            pending = number_facts.take(db, limit, hold)
        found.update(_ask_all(rt, transport, pending))
        if len(pending) < limit:
            break
    else:
        rt.hints.ring(Task.LOOKUPS)
    if found:
        results = [word for word, n in found.items() for _ in range(n)]
        rt.counters.add(tally("posthorn_line_lookups_total", result=results))
    return ", ".join(f"{n} {word}" for word, n in sorted(found.items())) or "nothing to look up"


@dataclass(frozen=True, slots=True)
class _Question:
    """One look-up: which number, and what it is asked of."""

    pending: Pending
    address: str
    channel: Channel
    adapter: Provider
    account: ProviderAccount


def _ask_all(rt: Runtime, transport: Transport, pending: Sequence[Pending]) -> Iterator[str]:
    """Ask about all of them at once, and learn each answer as it comes."""
    for number in pending:
        try:
            question = _question(rt, number)
            if question is None:
                yield _drop(rt, number)
                continue
            if question.adapter.line_lookup is not None:
                request = question.adapter.line_lookup(question.account, question.address)
                transport.submit(question, request)
                continue
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - one account's fault must not stop all others
            # Not the text of the error: it may quote the number.
            log().error("line_lookup.unsendable", error=type(error).__name__)
        yield _failed(rt, number)
    while transport.in_flight:
        for asked, reply in transport.poll(1.0):
            yield _answered(rt, cast("_Question", asked), reply)


def _question(rt: Runtime, number: Pending) -> _Question | None:
    """The look-up of a number; None if nobody waits for it any more, or nobody is to be asked."""
    known = rt.senders_of(number.tenant_id)
    wanted = known.policy.lookup.account
    account = next((a for a in known.accounts.values() if a.name == wanted), None)
    if account is None or number.address is None or number.channel not in _PHONE:
        return None
    adapter = providers.get(account.provider)
    return _Question(number, number.address, number.channel, adapter, account)


def _answered(rt: Runtime, question: _Question, reply: httpx.Response | Failure) -> str:
    read = question.adapter.line
    found = read(reply) if read is not None and isinstance(reply, httpx.Response) else None
    if found is None:
        return _failed(rt, question.pending)
    # A phone is one number under every channel it is written to on.
    keys = suppression.keys(rt.settings.pepper, question.channel, question.address)
    _learn(rt, question.pending, {*keys.values(), question.pending.recipient_key}, found)
    return found.value


def _failed(rt: Runtime, number: Pending) -> str:
    """Ask again after 5 and 20 seconds; then it is unknown, and messages go by what else is known."""
    if number.failures + 1 >= _MOST_FAILURES:
        log().warning("line_lookup.gave_up", tenant_id=str(number.tenant_id))
        _learn(rt, number, {number.recipient_key}, LineType.UNKNOWN)
        return "given up"
    with rt.engine.begin() as db:
        number_facts.put_off(db, number, _FIRST_WAIT * _GROWS**number.failures)
    return "failed"


def _learn(rt: Runtime, number: Pending, keys: set[bytes], found: LineType) -> None:
    with rt.engine.begin() as db:
        number_facts.learn(
            db, [Learned(number.tenant_id, key, found, "lookup") for key in sorted(keys)]
        )


def _drop(rt: Runtime, number: Pending) -> str:
    with rt.engine.begin() as db:
        number_facts.drop(db, number)
    return "dropped"
