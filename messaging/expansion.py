"""How do a campaign's recipients become messages? In chunks, each of them one commit.

    claim the campaign's row | its state says what: snapshot, chunk, take back | commit, ring | again

The row is locked while a chunk is made, and says with the same commit how far that went. So any number
of workers may do this at once, and one that dies leaves nothing half done. Nobody is judged here: the
claim judges every message anyway, and what a rule refuses ends there in its blocked status.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.engine import Connection

from messaging.campaign_ahead import Ahead
from messaging.campaign_texts import Said, Writer, writer
from messaging.domain import addresses, audience, campaign_pace
from messaging.domain.campaign import CampaignRequest, names, texts
from messaging.domain.campaign_pace import TICK
from messaging.domain.campaign_states import CampaignState, Step
from messaging.domain.errors import FieldProblem
from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import LANE_OF, Channel
from messaging.domain.new_message import NewMessage
from messaging.queues import DISPATCH, Task
from messaging.runtime import Runtime
from messaging.store import alike, campaign_recipients, campaigns, messages
from messaging.store import audience as audiences
from messaging.store import tenants as tenant_store
from messaging.store.alike import Each
from messaging.store.campaign_recipients import Chunk, Waiting
from messaging.store.campaigns import Campaign
from messaging.store.messages import Move, NewRow
from messaging.store.tenants import Tenant
from messaging.telemetry import log

CHUNK = 5_000
"""Recipients whose messages are one commit."""
STRETCH = 50_000
"""Contacts that are looked at in one commit, for whom a campaign is to."""
_SETTLING = timedelta(seconds=10)
"""For how long after it was resumed somebody may still put its messages off, knowing no better."""
_TAKEN_BACK = 1_000
_LATELY = 200
_GO_ON_SHARE = 0.1
"""With how many failures among the first a campaign goes on by itself, if it does not say."""
_FAILED = "too_many_failed"


@dataclass
class Turn:
    """What one run knows of the campaigns it works on, so that not every chunk asks again."""

    ahead: Ahead
    room: dict[UUID, int] = field(default_factory=dict)
    """How many more may be queued ahead."""
    writers: dict[UUID, Writer] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    rings: set[Task] = field(default_factory=set)


class _ChangedError(Exception):
    """Somebody was erased while their message was made: none of the chunk may stay."""


def run(rt: Runtime, *, seconds: float = 5.0, stopping: Callable[[], bool] = lambda: False) -> str:
    """Do for campaigns what is due until nothing is, or time is over; returns a one-line summary."""
    rt.hints.answered(Task.CAMPAIGNS)
    ends, more = time.monotonic() + seconds, True
    with Ahead.of(rt) as ahead:
        turn = Turn(ahead)
        while more and time.monotonic() < ends and not stopping():
            try:
                with rt.engine.begin() as db:
                    more = step(rt, db, turn)
            except _ChangedError:
                turn = Turn(ahead, writers=turn.writers, done=turn.done)
            for task in turn.rings:
                rt.hints.ring(task)
            turn.rings.clear()
    if more:
        rt.hints.ring(Task.CAMPAIGNS)
    return ", ".join(f"{n} {word}" for word, n in sorted(turn.done.items())) or "nothing due"


def step(rt: Runtime, db: Connection, turn: Turn | None = None) -> bool:
    """One step of one campaign; False if there is none to look at. Whoever calls it commits."""
    turn, now = turn or Turn(Ahead(rt)), rt.now()
    campaign = campaigns.claim(db, now)
    if campaign is None:
        return False
    match campaign.state:
        case CampaignState.SCHEDULED:
            campaigns.move(db, campaign, Step.START, now)
        case CampaignState.SNAPSHOT:
            _snapshot(db, campaign, turn, now)
        case CampaignState.RUNNING:
            _advance(rt, db, campaign, turn, now)
        case _:
            _take_back(db, campaign, turn, now)
    return True


def _snapshot(db: Connection, campaign: Campaign, turn: Turn, now: datetime) -> None:
    """Write down whom it is to, as they are now; a stretch of the contacts at a time."""
    request = CampaignRequest.model_validate(campaign.request)
    targets = campaign.targets
    if request.audience is not None:
        meant, found = audience.parse(request.audience), texts(request)
        if isinstance(meant, list) or isinstance(found, list):
            raise AssertionError("it was checked when the campaign was made")
        among = campaign_recipients.stretch(
            db, campaign.tenant_id, campaign.snapshot_to, targets, STRETCH
        )
        if among is not None:
            where = audiences.where(campaign.tenant_id, meant)
            added = campaign_recipients.snapshot(
                db, campaign.id, request.channel, names(found), where, among
            )
            turn.done["written down"] += added
            campaigns.note(
                db, campaign.id, targets=targets + added, snapshot_to=among.reached, next_at=now
            )
            return
    campaigns.move(db, campaign, Step.TAKEN, now, snapshot_at=now, started_at=now, paced_at=now)


def _advance(rt: Runtime, db: Connection, campaign: Campaign, turn: Turn, now: datetime) -> None:
    """Make the next chunk of messages, or see why there is none to be made."""
    if campaign.id not in turn.room:
        if now - campaign.state_since < _SETTLING:
            campaigns.promote(db, campaign)
        ahead = campaigns.unfinished(db, campaign)
        turn.room[campaign.id] = rt.settings.campaign_ahead - ahead
        if _stopped_by_failures(rt, db, campaign, now):
            return
    limit = min(CHUNK, turn.room[campaign.id])
    if campaign.canary is not None:
        left = campaign.canary - campaign.expanded_to
        if left <= 0:
            _after_canary(rt, db, campaign, turn, now)
            return
        limit = min(limit, left)
    pace = campaign_pace.allowance(limit, campaign.per_minute, campaign.paced_at, now)
    if pace.count <= 0:
        turn.room.pop(campaign.id)
        campaigns.note(db, campaign.id, next_at=now + TICK)
        return
    found = _writer(rt, db, campaign, turn)
    if isinstance(found, list):
        why = f"{found[0].pointer.removeprefix('#/')}: {found[0].code}"
        campaigns.move(db, campaign, Step.PAUSE, now, reason=why)
        return
    read, reached = _expand(rt, db, campaign, found, pace.count, turn)
    if not read:
        _at_the_end(db, campaign, turn, now)
        return
    turn.room[campaign.id] -= read
    paced_at = pace.spent(read, campaign.per_minute)
    next_at = campaign_pace.next_look(campaign.per_minute, paced_at, now, TICK)
    campaigns.note(db, campaign.id, expanded_to=reached, paced_at=paced_at, next_at=next_at)


def _writer(
    rt: Runtime, db: Connection, campaign: Campaign, turn: Turn
) -> Writer | list[FieldProblem]:
    if campaign.id not in turn.writers:
        try:
            request = CampaignRequest.model_validate(campaign.request)
        except ValidationError:  # an older version allowed what this one does not
            return [FieldProblem("#/request", "not_valid", "is not valid any more")]
        region = tenant_store.region(db, campaign.tenant_id)
        found = writer(rt, Tenant(campaign.tenant_id, campaign.name, region), request)
        if isinstance(found, list):
            return found
        turn.writers[campaign.id] = found
    return turn.writers[campaign.id]


def _expand(
    rt: Runtime, db: Connection, campaign: Campaign, found: Writer, count: int, turn: Turn
) -> tuple[int, int]:
    """Messages for the next `count` who wait; how many these were, and the place of the last."""
    after = campaign.expanded_to
    people = turn.ahead.take(db, campaign, found, count)
    if not people:
        return 0, after
    chunk, reached = Chunk(rt.new_id()), people[-1].who.n
    skipped: dict[int, str] = {}

    def each() -> Iterator[Each]:
        for one in people:
            if isinstance(one.said, str):
                skipped[one.who.n] = one.said
            else:
                yield _message(rt, chunk.message_id(one.who.n), one.who, one.said, found.base)
        if len(people) == CHUNK:
            turn.ahead.ask(campaign, found, reached, CHUNK)

    like = NewRow(campaign.id, campaign.tenant_id, b"", Status.QUEUED, found.base, rt.now())
    made = alike.insert(db, like, each())
    if campaign_recipients.mark(db, campaign.id, chunk, after, reached, skipped) != made:
        raise _ChangedError
    if made:
        turn.rings.add(DISPATCH[LANE_OF[found.base.priority]])
    turn.done["queued"] += made
    turn.done["skipped"] += len(skipped)
    return len(people), reached


def _message(rt: Runtime, message_id: str, who: Waiting, said: Said, base: NewMessage) -> Each:
    key, about = who.recipient_key, who.about
    if base.channel is Channel.MMS:  # contacts keep their numbers as those of texts
        key = addresses.key(rt.settings.pepper, base.channel.value, who.address)
    return Each(
        message_id,
        key,
        who.address,
        said.body,
        said.segments,
        said.encoding,
        about.get("lead"),
        base.source or about.get("source"),
        base.agent or about.get("agent"),
        about.get("time_zone"),
        about.get("postal_code"),
        said.parts,
    )


def _stopped_by_failures(rt: Runtime, db: Connection, campaign: Campaign, now: datetime) -> bool:
    share = campaign.pause_on_error_share
    if share is None or not campaign.expanded_to:
        return False
    reach = rt.settings.campaign_ahead + 10 * _LATELY
    if not campaign_pace.too_many_failed(*campaigns.lately(db, campaign, reach, _LATELY), share):
        return False
    log().warning("campaign.paused", campaign_id=str(campaign.id), reason=_FAILED)
    campaigns.move(db, campaign, Step.PAUSE, now, reason=_FAILED)
    rt.forget(campaign.tenant_id)
    return True


def _after_canary(
    rt: Runtime, db: Connection, campaign: Campaign, turn: Turn, now: datetime
) -> None:
    """The first ones are queued: wait until they are over, then pause or go on."""
    if campaigns.unfinished(db, campaign):
        turn.room.pop(campaign.id)
        campaigns.note(db, campaign.id, next_at=now + TICK)
        return
    if campaign.expanded_to >= campaign.targets:
        campaigns.note(db, campaign.id, canary=None)
        return
    if campaign.request["canary"].get("then", "wait") == "wait":
        campaigns.move(db, campaign, Step.PAUSE, now, reason="canary")
        return
    share = campaign.pause_on_error_share or _GO_ON_SHARE
    ended = campaigns.lately(db, campaign, campaign.expanded_to, campaign.expanded_to)
    if campaign_pace.too_many_failed(*ended, share, least=1):
        campaigns.move(db, campaign, Step.PAUSE, now, reason=_FAILED)
        rt.forget(campaign.tenant_id)
    else:
        campaigns.note(db, campaign.id, canary=None)


def _at_the_end(db: Connection, campaign: Campaign, turn: Turn, now: datetime) -> None:
    """Everybody has a message or a reason; it is finished once none of these is under way."""
    turn.room.pop(campaign.id, None)
    if campaigns.unfinished(db, campaign):
        campaigns.note(db, campaign.id, next_at=now + TICK)
    else:
        campaigns.move(db, campaign, Step.FINISH, now, finished_at=now)
        turn.done["finished"] += 1


def _take_back(db: Connection, campaign: Campaign, turn: Turn, now: datetime) -> None:
    """Cancel a chunk of what waits; what is on its way ends by itself, and is waited for."""
    steps = [
        Move(
            id_, epoch, Status(status), Event.CANCELED, Status.CANCELED, reason="campaign_canceled"
        )
        for id_, epoch, status in campaigns.cancelable(db, campaign, _TAKEN_BACK)
    ]
    turn.done["taken back"] += len(messages.move(db, steps))
    if steps:
        campaigns.note(db, campaign.id, next_at=now)
    elif campaigns.unfinished(db, campaign):
        campaigns.note(db, campaign.id, next_at=now + TICK)
    else:
        campaigns.move(
            db, campaign, Step.CALLED_OFF, now, reason=campaign.state_reason, finished_at=now
        )
