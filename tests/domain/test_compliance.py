"""How verdicts are weighed against each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from messaging.domain import compliance
from messaging.domain.compliance import ALLOW, Allow, Block, Defer, Facts, Reason, weigh
from messaging.domain.compliance.rules import Rule
from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Category, Channel, Message, Priority

NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CLEAR = Facts()
MESSAGE = Message(
    id=UUID(int=0),
    tenant_id=UUID(int=2),
    channel=Channel.SMS,
    recipient="+12025550123",
    recipient_key=b"k" * 16,
    body="Hello",
    segments=1,
    category=Category.TRANSACTIONAL,
    priority=Priority.NORMAL,
    status=Status.QUEUED,
    epoch=1,
    attempts=0,
    created_at=NOW,
)


VERDICTS = st.one_of(
    st.just(ALLOW),
    st.just(Allow()),
    st.builds(Allow, st.timedeltas(timedelta(0), DAY).map(lambda wait: NOW + wait)),
    st.builds(
        Defer,
        until=st.timedeltas(timedelta(0), 2 * DAY).map(lambda wait: NOW + wait),
        reason=st.sampled_from(Reason),
        rule=st.sampled_from(["one", "two"]),
    ),
    st.builds(
        Block,
        event=st.sampled_from([Event.REFUSED, Event.BLOCKED_COMPLIANCE]),
        reason=st.sampled_from(Reason),
        rule=st.sampled_from(["three", "four"]),
    ),
)


def answering(verdict: compliance.Verdict) -> Rule:
    return Rule("test", "?", "here", lambda _message, _facts, _now: verdict)


@given(st.lists(VERDICTS, max_size=8))
def test_the_first_block_wins_then_the_latest_deferral(verdicts: list[compliance.Verdict]) -> None:
    got = weigh(tuple(map(answering, verdicts)), MESSAGE, CLEAR, NOW)
    blocks = [v for v in verdicts if isinstance(v, Block)]
    defers = [v for v in verdicts if isinstance(v, Defer)]
    ends = [v.until for v in verdicts if isinstance(v, Allow) and v.until is not None]
    if blocks:
        assert got is blocks[0]
    elif defers:
        assert got is next(d for d in defers if d.until == max(d.until for d in defers))
    else:
        assert got == Allow(min(ends, default=None))
