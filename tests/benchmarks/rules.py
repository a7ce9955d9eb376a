"""W10: what do the rules cost when each of them has something to look up?

Marketing, for which most is asked: consent, do-not-call lists, caps, quiet hours, besides what every
message is asked. Once with nothing else on record, once beside a large ledger.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from messaging.domain import addresses
from messaging.domain.compliance import jurisdictions, quiet_hours
from messaging.domain.compliance.places import locate
from messaging.domain.compliance.policy import DEFAULT
from messaging.domain.compliance.quiet_hours import Open
from messaging.domain.message import Category, Channel
from messaging.domain.request import SendRequest
from tests.benchmarks.drain import INSTANT, Round, drain
from tests.benchmarks.machine import Machine, recipients
from tests.benchmarks.witness import VoidRunError

_CONSENT = sa.text("""
INSERT INTO consent_events
  (tenant_id, channel, recipient_key, category, action, basis, source, at)
SELECT :tenant, 'sms', key, 'MARKETING', 'grant', 'express_written', 'form', now() - interval '1 day'
FROM unnest(CAST(:keys AS bytea[])) AS v(key)
""")
# Strangers: their keys begin like nobody's.
_STRANGERS = """
SELECT substr(sha256(('{kind}' || n)::bytea), 1, 16) AS key FROM generate_series(1, {count}) AS v(n)
"""
_STRANGERS_CONSENT = """
INSERT INTO consent_events
  (tenant_id, channel, recipient_key, category, action, basis, source, at)
SELECT '{tenant}', 'sms', key, 'MARKETING', 'grant', 'express_written', 'form',
       now() - interval '1 day' FROM ({strangers}) AS v
"""
_STRANGERS_STOP = """
INSERT INTO suppressions (tenant_id, channel, recipient_key, kind, scope, source, since)
SELECT '{tenant}', 'sms', key, 'opt_out', 'all', 'import', now() FROM ({strangers}) AS v
"""


def bare(m: Machine, count: int) -> Round:
    """Marketing to people whose consent is all there is on record."""
    _clear(m)
    return _marketing(m, count)


def beside_a_ledger(m: Machine, count: int, suppressions: int, consents: int) -> Round:
    """The same beside the opt-outs and consents of many others."""
    _clear(m)
    with m.rt.engine.begin() as db:
        db.execute(sa.text("SET LOCAL statement_timeout = 0"))
        for template, kind, rows in (
            (_STRANGERS_CONSENT, "consent", consents),
            (_STRANGERS_STOP, "stop", suppressions),
        ):
            strangers = _STRANGERS.format(kind=kind, count=rows)
            db.execute(sa.text(template.format(tenant=m.tenant.id, strangers=strangers)))
    return _marketing(m, count)


def _clear(m: Machine) -> None:
    with m.rt.engine.begin() as db:
        db.execute(sa.text("TRUNCATE consent_events, suppressions, suppression_events"))


def _marketing(m: Machine, count: int) -> Round:
    pepper = m.rt.settings.pepper
    keys = [addresses.key(pepper, Channel.SMS.value, to) for to in recipients()]
    with m.rt.engine.begin() as db:
        db.execute(_CONSENT, {"tenant": m.tenant.id, "keys": keys})
    zone = _decent_zone(m)
    people = [to for to in recipients() if _is_open(m, to, zone)]

    def requests(count: int) -> list[SendRequest]:
        return [
            request.model_copy(
                update={
                    "to": people[n % len(people)],
                    "category": Category.MARKETING,
                    "time_zone": zone,
                }
            )
            for n, request in enumerate(m.requests(count))
        ]

    return drain(m, count, INSTANT, requests)


def _decent_zone(m: Machine) -> str:
    """A zone where it is early afternoon now, so that hours are looked up and found open."""
    for west in range(-12, 13):
        local = m.rt.now() - timedelta(hours=west)
        if 13 <= local.hour < 14:
            return f"Etc/GMT{west:+d}" if west else "Etc/GMT"
    raise VoidRunError("no zone of the Earth has early afternoon")


def _is_open(m: Machine, to: str, zone: str) -> bool:
    hours = jurisdictions.hours_for(locate(to, zone), DEFAULT.quiet_hours, m.rt.now().date())
    return isinstance(quiet_hours.consult(hours, m.rt.now(), timedelta(hours=1)), Open)
