"""Health of senders: one row per rule, and what no history may lead to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.sender_health import (
    Change,
    Grade,
    Level,
    Pause,
    Policy,
    SenderState,
    Situation,
    Tally,
    Thresholds,
    decide,
    grade,
    may_keep_conversations,
    template_verdict,
    wilson_lower,
    wilson_upper,
    without,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
LIMITS, POLICY = Thresholds(), Policy()
FRESH, WARMING, ACTIVE, AMBER, CORDONED, RETIRED = SenderState

UNKNOWN, GREEN = Grade(Level.UNKNOWN), Grade(Level.GREEN)
POOR = Grade(Level.AMBER, ("landline 6.0 % of 400 in 7 d",))
BAD = Grade(Level.RED, ("filtered 9.0 % of 200 in 24 h", "filtered 8.0 % of 300 in 7 d"))
WHY_BAD = "filtered 9.0 % of 200 in 24 h; filtered 8.0 % of 300 in 7 d"


def of(sent: int, undelivered: int = 0, filtered: int = 0, landline: int = 0, **more: int) -> Tally:
    delivered = sent - undelivered - filtered - landline
    return Tally(sent, delivered, undelivered, filtered, landline, **more)


GRADES = [
    # 24 h, 7 d, level, because
    # too few to say
    (of(0), of(0), Level.UNKNOWN, ()),
    (of(99), of(99), Level.UNKNOWN, ()),
    (of(20, 3), of(20, 3), Level.UNKNOWN, ()),
    (of(99, 99), of(99, 99), Level.UNKNOWN, ()),
    # many sent, few ended: nothing is known of delivery; and the other way round
    (Tally(sent=500), Tally(sent=500), Level.UNKNOWN, ()),
    (Tally(sent=5, delivered=500), Tally(sent=5, delivered=500), Level.UNKNOWN, ()),
    # enough in the week alone
    (of(10), of(100), Level.GREEN, ()),
    (of(100), of(100), Level.GREEN, ()),
    # above a threshold, but not surely
    (of(100, 12), of(100, 12), Level.GREEN, ()),
    (of(100, 0, 4), of(100, 0, 4), Level.AMBER, ("filtered 4.0 % of 100 in 24 h", "filtered 4.0 % of 100 in 7 d")),
    # amber: error, filtered, landline, opt-outs
    (of(0), of(1000, 110), Level.AMBER, ("not delivered 11.0 % of 1000 in 7 d",)),
    (of(0), of(1000, 0, 20), Level.AMBER, ("filtered 2.0 % of 1000 in 7 d",)),
    (of(0), of(1000, 0, 0, 45), Level.AMBER, ("landline 4.5 % of 1000 in 7 d",)),
    (of(0), of(1000, opted_out=32), Level.AMBER, ("opted out 3.2 % of 1000 in 7 d",)),
    # red: the same
    (of(320, 66), of(0), Level.RED, ("not delivered 20.6 % of 320 in 24 h",)),
    (of(0), of(1000, 0, 45), Level.RED, ("filtered 4.5 % of 1000 in 7 d",)),
    (of(0), of(1000, 0, 0, 70), Level.RED, ("landline 7.0 % of 1000 in 7 d",)),
    (of(0), of(1000, opted_out=45), Level.RED, ("opted out 4.5 % of 1000 in 7 d",)),
    # errors are all that was not delivered, though no part of them is too many
    (of(0), of(1000, 60, 8, 29), Level.AMBER, ("not delivered 9.7 % of 1000 in 7 d",)),
    # red in one window hides amber in the other; a good day does not hide a bad week
    (of(320, 66), of(1000, 110), Level.RED, ("not delivered 20.6 % of 320 in 24 h",)),
    (of(500), of(1000, 200), Level.RED, ("not delivered 20.0 % of 1000 in 7 d",)),
    # more opt-outs than messages: they answer older ones
    (of(100, opted_out=150), of(0), Level.RED, ("opted out 150.0 % of 100 in 24 h",)),
    # replies are no fault
    (of(100, replies=90), of(100, replies=90), Level.GREEN, ()),
]  # fmt: skip


@pytest.mark.parametrize(("day", "week", "level", "because"), GRADES)
def test_a_grade(day: Tally, week: Tally, level: Level, because: tuple[str, ...]) -> None:
    assert grade(day, week, LIMITS) == Grade(level, because)


def in_(state: SenderState, **more: object) -> Situation:
    return Situation(state, NOW - HOUR, **more)  # type: ignore[arg-type]


def cordoned(**more: object) -> Situation:
    return in_(CORDONED, cordoned_until=MIDNIGHT, **more)


CORDON = Change(CORDONED, WHY_BAD, MIDNIGHT, NOW)
OVER = Change(AMBER, "the cordon is over", None, NOW)
EARLY = Change(AMBER, "good results since the cordon", None, NOW)
WELL = Change(ACTIVE, "nothing against it")
RAMP = Change(WARMING, "on its ramp")
DOUBT = Change(AMBER, POOR.because[0])
OLD = NOW - 8 * DAY

DECISIONS = [
    # situation, grade, what follows
    # retired is final
    (in_(RETIRED), BAD, None),
    (in_(RETIRED, cordoned_until=OLD), GREEN, None),
    # what an operator cordoned stays, whatever was measured and however late it is
    (in_(CORDONED, by_operator=True), GREEN, None),
    (in_(CORDONED, by_operator=True, cordoned_until=OLD, measured_since=NOW), GREEN, None),
    # fresh: until it has sent anything
    (in_(FRESH, has_sent=False), UNKNOWN, None),
    (in_(FRESH, has_sent=False, on_ramp=True), UNKNOWN, None),
    (in_(FRESH), UNKNOWN, WELL),
    (in_(FRESH, on_ramp=True), UNKNOWN, RAMP),
    (in_(FRESH), POOR, DOUBT),
    (in_(FRESH), BAD, CORDON),
    # warming: stays until the ramp ends
    (in_(WARMING, on_ramp=True), UNKNOWN, None),
    (in_(WARMING, on_ramp=True), GREEN, None),
    (in_(WARMING, on_ramp=True), POOR, None),
    (in_(WARMING, on_ramp=True), BAD, CORDON),
    (in_(WARMING), GREEN, WELL),
    (in_(WARMING), UNKNOWN, WELL),
    (in_(WARMING), POOR, DOUBT),
    # active
    (in_(ACTIVE), UNKNOWN, None),
    (in_(ACTIVE), GREEN, None),
    (in_(ACTIVE), POOR, DOUBT),
    (in_(ACTIVE), BAD, CORDON),
    # its ramp began again: idle for a month; an operator's word excuses it while it does well
    (in_(ACTIVE, on_ramp=True), GREEN, RAMP),
    (in_(ACTIVE, on_ramp=True, by_operator=True), UNKNOWN, None),
    (in_(ACTIVE, on_ramp=True, by_operator=True), POOR, Change(WARMING, POOR.because[0])),
    (in_(ACTIVE, by_operator=True), BAD, CORDON),
    # amber: proves itself, or is given another chance after a week with too few results
    (in_(AMBER), POOR, None),
    (in_(AMBER), UNKNOWN, None),
    (in_(AMBER), GREEN, WELL),
    (in_(AMBER), BAD, CORDON),
    (in_(AMBER, on_ramp=True), GREEN, RAMP),
    (replace(in_(AMBER), state_since=NOW - 7 * DAY), UNKNOWN, WELL),
    (replace(in_(AMBER), state_since=OLD), POOR, None),
    # cordoned: until its time is over, red or not
    (cordoned(), UNKNOWN, None),
    (cordoned(), BAD, None),
    (in_(CORDONED, cordoned_until=NOW), UNKNOWN, OVER),
    (in_(CORDONED, cordoned_until=NOW), BAD, OVER),
    (in_(CORDONED, cordoned_until=NOW, on_ramp=True), UNKNOWN, replace(OVER, state=WARMING)),
    # without a time: as long as it would have been
    (in_(CORDONED), UNKNOWN, None),
    (replace(in_(CORDONED), state_since=NOW - DAY), UNKNOWN, OVER),
    # lifted early by good results, if they are from after it
    (cordoned(measured_since=NOW - HOUR), GREEN, EARLY),
    (cordoned(measured_since=NOW - HOUR), UNKNOWN, None),
    (cordoned(measured_since=NOW - HOUR), POOR, None),
    (cordoned(measured_since=NOW - 2 * HOUR), GREEN, None),
    (cordoned(), GREEN, None),
]


@pytest.mark.parametrize(("situation", "said", "change"), DECISIONS)
def test_what_follows(situation: Situation, said: Grade, change: Change | None) -> None:
    assert decide(situation, said, NOW, POLICY) == change


CORDONS = [
    # now, policy's cordon, until
    ("2026-03-01T00:00+00:00", None, "2026-03-02T00:00+00:00"),
    ("2026-03-01T23:59+00:00", None, "2026-03-02T00:00+00:00"),
    ("2026-02-28T20:00-05:00", None, "2026-03-02T00:00+00:00"),  # already March in UTC
    ("2026-03-01T23:59+00:00", DAY, "2026-03-02T23:59+00:00"),
    ("2026-03-01T12:00+00:00", HOUR / 2, "2026-03-01T12:30+00:00"),
]


@pytest.mark.parametrize(("now", "cordon", "until"), CORDONS)
def test_how_long_a_cordon_is(now: str, cordon: timedelta | None, until: str) -> None:
    change = decide(in_(ACTIVE), BAD, datetime.fromisoformat(now), Policy(cordon))
    assert change is not None
    assert change.cordoned_until == datetime.fromisoformat(until)


CONVERSATIONS = [
    # state, since, may it go on with them
    (FRESH, None, True),
    (AMBER, NOW - 30 * DAY, True),
    (CORDONED, NOW, True),
    (CORDONED, NOW - 3 * DAY + HOUR, True),
    (CORDONED, NOW - 3 * DAY, False),
    (CORDONED, None, False),
    (RETIRED, NOW, False),
]


@pytest.mark.parametrize(("state", "since", "may"), CONVERSATIONS)
def test_a_cordon_breaks_off_no_conversation_at_once(
    state: SenderState, since: datetime | None, may: bool
) -> None:
    assert may_keep_conversations(state, since, NOW) is may


A, B, C, D = (UUID(int=n) for n in range(1, 5))
ABC = frozenset({A, B, C})
EVERYWHERE = {A: of(50, 0, 8), B: of(40, 0, 5), C: of(30, 0, 4)}
UNDELIVERED = {A: of(50, 20), B: of(40, 20), C: of(30, 15)}
TEMPLATES = [
    # by sender, what follows
    (EVERYWHERE, Pause("filtered 14.2 % of 120 on 3 senders", ABC)),
    (EVERYWHERE | {D: of(80)}, Pause("filtered 8.5 % of 200 on 3 senders", ABC)),
    (UNDELIVERED, Pause("undelivered 45.8 % of 120 on 3 senders", ABC)),
    ({}, None),
    # too few in all; on too few senders
    ({A: of(20, 20), B: of(20, 20), C: of(20, 20)}, None),
    ({A: of(50, 0, 8), B: of(40, 0, 5), C: of(400)}, None),
    # one bad number beside two that have hardly begun
    ({A: of(100, 0, 80), B: of(1, 0, 1), C: of(1, 0, 1)}, None),
    # three bad numbers of many: it is the numbers
    (EVERYWHERE | {D: of(2000)}, None),
    # wrong numbers and opt-outs are nobody's text
    ({A: of(50, 0, 0, 40), B: of(50, 0, 0, 40), C: of(50, 0, 0, 40)}, None),
]


@pytest.mark.parametrize(("by_sender", "pause"), TEMPLATES)
def test_a_failing_text_is_paused(by_sender: dict[UUID, Tally], pause: Pause | None) -> None:
    assert template_verdict(by_sender, LIMITS) == pause


def test_a_number_does_not_pay_for_a_paused_text() -> None:
    text, rest = of(100, 0, 40, opted_out=9), of(200, 4, 1)
    assert grade(text + rest, Tally(), LIMITS).level is Level.RED
    assert without(text + rest, text) == rest
    assert without(rest, text + rest) == Tally(), "never below nothing"


def test_an_interval_worked_out_by_hand() -> None:
    cases = [(0, 0), (0, 10), (10, 10), (3, 20), (50, 100)]
    lower, upper = [0, 0, 0.7225, 0.0524, 0.4038], [1, 0.2775, 1, 0.3604, 0.5962]
    assert [wilson_lower(*case) for case in cases] == pytest.approx(lower, abs=5e-5)
    assert [wilson_upper(*case) for case in cases] == pytest.approx(upper, abs=5e-5)


@given(st.integers(1, 100_000), st.floats(0, 1), st.integers(2, 50))
def test_an_interval_holds_the_share_and_narrows(trials: int, part: float, times: int) -> None:
    bad = round(part * trials)
    lower, upper = wilson_lower(bad, trials), wilson_upper(bad, trials)
    assert 0 <= lower <= bad / trials <= upper + 1e-12 <= 1 + 1e-12
    again = wilson_lower(bad * times, trials * times), wilson_upper(bad * times, trials * times)
    assert again[1] - again[0] < upper - lower
    assert lower <= again[0] + 1e-12
    assert again[1] <= upper + 1e-12


TIMES = st.timedeltas(-9 * DAY, timedelta()).map(lambda ago: NOW + ago)
SITUATIONS = st.builds(
    Situation,
    state=st.sampled_from(SenderState),
    state_since=TIMES,
    cordoned_until=st.none() | st.timedeltas(-DAY, DAY).map(lambda ahead: NOW + ahead),
    by_operator=st.booleans(),
    measured_since=st.none() | TIMES,
    has_sent=st.booleans(),
    on_ramp=st.booleans(),
)
SAID = st.sampled_from([UNKNOWN, GREEN, POOR, BAD])
POLICIES = st.builds(
    Policy,
    cordon=st.none() | st.timedeltas(timedelta(minutes=1), 30 * DAY),
    probation=st.timedeltas(HOUR, 30 * DAY),
)


@given(SITUATIONS, SAID, POLICIES)
def test_no_tick_retires_contradicts_an_operator_or_decides_twice(
    situation: Situation, said: Grade, policy: Policy
) -> None:
    change = decide(situation, said, NOW, policy)
    if change is None:
        return
    assert situation.state is not RETIRED
    assert not (situation.state is CORDONED and situation.by_operator)
    assert change.state not in {RETIRED, FRESH, situation.state}
    assert (change.cordoned_until is not None) == (change.state is CORDONED)
    assert change.cordoned_until is None or change.cordoned_until > NOW
    after = replace(
        situation,
        state=change.state,
        state_since=NOW,
        cordoned_until=change.cordoned_until,
        by_operator=False,
        measured_since=change.measured_since or situation.measured_since,
    )
    # Where counting began anew, nothing is known yet.
    assert decide(after, UNKNOWN if change.measured_since else said, NOW, policy) is None
