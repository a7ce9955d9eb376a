"""How do tenants learn what happened? Their endpoints are told, in order, until they have it.

    a step + its notice | take -> sign | ask -> follow -> record        (the bars are commits)

No transaction is open while an endpoint is asked, and none waits for another: each has so many calls
under way at most, and one that fails a single one. What was taken and not recorded, because its worker
died, is due again when its lease is over: an endpoint may be told twice, under the same `webhook-id`.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
from cryptography.fernet import InvalidToken
from sqlalchemy.engine import Connection

from messaging import signing
from messaging.courier import Courier, Parcel
from messaging.domain import notices as decide
from messaging.domain.notices import Again, Answer, Delivered, State
from messaging.queues import Task
from messaging.runtime import Runtime
from messaging.store import endpoints, notice_turns
from messaging.store.endpoints import Streak
from messaging.store.notice_turns import Due, Told
from messaging.telemetry import log, tally

_EACH = 32
"""Calls an endpoint has under way at most, in one process."""
_EACH_WHEN_FULL = 4
"""The same once half of all calls are under way, so that a few slow endpoints leave room for the others."""
_TOTAL = 256
_LEASE = timedelta(seconds=60)
"""Longer than a slow look-up of a name and a whole call."""
_TURN = 0.2
"""Seconds between two looks for what has become due while calls are under way."""

_Ended = tuple[Due, Answer]


def notice_id(rt: Runtime, number: int) -> str:
    """How a notice is called outside: the same over all its tries.

    The numbers of all tenants are one sequence, and would tell each how much the others are told.
    """
    return f"ntc_{hmac.digest(rt.settings.pepper, b'notice %d' % number, 'sha256').hex()[:24]}"


def run(
    rt: Runtime,
    courier: Courier,
    *,
    seconds: float = 10.0,
    stopping: Callable[[], bool] = lambda: False,
) -> str:
    """Deliver what is due until nothing is, or time is over; returns a one-line summary.

    Calls that are under way when time is over go on in the next run, which is asked for at once.
    """
    rt.hints.answered(Task.NOTICES)
    ends = rt.now() + timedelta(seconds=seconds)
    found: Counter[str] = Counter()
    while True:
        looked_at = _send(rt, courier)
        ended = courier.poll(_TURN)
        found.update(_record(rt, ended))
        if rt.now() >= ends or stopping():
            break
        # What has ended has made room for more.
        if not (looked_at or ended or courier.under_way):
            return _said(found)
    if not stopping():
        rt.hints.hand_on(Task.NOTICES)
    return _said(found)


def finish(rt: Runtime, courier: Courier, seconds: float) -> int:
    """Wait for what is under way and write it down; how many calls are left behind."""
    ends = rt.now() + timedelta(seconds=seconds)
    while courier.under_way and rt.now() < ends:
        _record(rt, courier.poll(_TURN))
    left = len(courier.under_way)
    courier.close()
    return left


def _said(found: Counter[str]) -> str:
    return ", ".join(f"{n} {word}" for word, n in sorted(found.items())) or "nobody to tell"


def _send(rt: Runtime, courier: Courier) -> int:
    """Take what is due and put it on its way; of how many notices the place in line has changed."""
    calls: Counter[UUID] = Counter(due.endpoint_id for due in courier.under_way)
    room = _TOTAL - calls.total()
    if room <= 0:
        return 0
    free = room - _TOTAL // 2
    each, total = (_EACH, free) if free > 0 else (_EACH_WHEN_FULL, room)
    with rt.engine.begin() as db:
        taken = notice_turns.take(db, each=each, total=total, calls=calls, lease=_LEASE)
    unsendable: list[_Ended] = []
    for due in taken.due:
        try:
            courier.submit(_parcel(rt, due))
        except InvalidToken:
            log().error("notices.secret_unreadable", endpoint_id=str(due.endpoint_id))
            unsendable.append((due, Answer(error="secret_unreadable")))
    if unsendable:
        _record(rt, unsendable)
    return taken.looked_at


def _parcel(rt: Runtime, due: Due) -> Parcel:
    content = {"type": due.kind, "timestamp": due.at.astimezone(UTC), "data": due.data}
    body = orjson.dumps(content, option=orjson.OPT_UTC_Z)
    keys = [rt.sealer.decrypt(sealed).decode() for sealed in due.secrets_sealed]
    signed = signing.headers(keys, notice_id(rt, due.id), rt.now(), body.decode())
    headers = {"content-type": "application/json", **signed}
    return Parcel(due, due.url, headers, body, due.tries)


def _record(rt: Runtime, ended: Sequence[_Ended]) -> list[str]:
    """Write down what came of some calls, of the notices and of their endpoints; a word for each."""
    if not ended:
        return []
    now = rt.now()
    told = [_told(rt, due, answer, now) for due, answer in ended]
    with rt.engine.begin() as db:
        ours = notice_turns.record(db, told)
        _judge(db, ended, now)
    words = ["put off" if one.state is State.WAITING else one.state.value
             for one in told if one.id in ours]  # fmt: skip
    if words:
        results = [word.replace(" ", "_") for word in words]
        rt.counters.add(tally("posthorn_notices_total", result=results))
    return words


def _told(rt: Runtime, due: Due, answer: Answer, now: datetime) -> Told:
    step = decide.follow(answer, due.tries + 1, due.gives_up_at, now, rt.rng)
    if isinstance(step, Delivered):
        return Told(due.id, due.tries, State.DELIVERED, now, answer.status, None)
    if isinstance(step, Again):
        return Told(due.id, due.tries, State.WAITING, step.at, answer.status, step.error)
    return Told(due.id, due.tries, State.DEAD, now, answer.status, step.error)


def _judge(db: Connection, ended: Sequence[_Ended], now: datetime) -> None:
    """Note of each endpoint how it answered; one that is gone, or fails for days, is told no more."""
    answers: dict[UUID, list[Answer]] = {}
    for due, answer in ended:
        answers.setdefault(due.endpoint_id, []).append(answer)
    took = {id_ for id_, given in answers.items() if all(answer.taken for answer in given)}
    if took:
        endpoints.forgive(db, took)
    if answers.keys() == took:
        return
    for id_, streak in endpoints.streaks(db, answers.keys() - took).items():
        _blame(db, id_, streak, answers[id_], now)


def _blame(
    db: Connection, endpoint_id: UUID, noted: Streak, given: Sequence[Answer], now: datetime
) -> None:
    mixed = any(answer.taken for answer in given)
    since = decide.failing_since(noted.failing_since, noted.failed_at, now)
    pauses = [wait for answer in given if (wait := decide.pause(answer)) is not None]
    streak = Streak(None, None) if mixed else Streak(since, now)
    endpoints.blame(db, endpoint_id, streak, now + max(pauses) if pauses else None)
    failures = (answer for answer in given if not answer.taken)
    reasons = (decide.disables(answer, now if mixed else since, now) for answer in failures)
    reason = next(filter(None, reasons), None)
    if reason is not None:
        endpoints.disable(db, endpoint_id, reason, now)
        log().warning("endpoint.disabled", endpoint_id=str(endpoint_id), reason=reason.value)
