"""How do carriers and people take what a sender sends, and what follows for the sender?

Results are counted in a `Tally`, judged by `grade`, and `decide` says which state follows. A share
counts as above a threshold only when it surely is, by the lower end of Wilson's 95 % interval, so
that three bad results of twenty take no number out of use. A text that fails on many numbers is the
text's fault: `template_verdict` pauses it, and `without` takes its results off the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from math import sqrt
from uuid import UUID


class SenderState(StrEnum):
    """Where a sender stands. An operator may move it out of any state but the last."""

    FRESH = "fresh"
    """Has sent nothing yet. Moved on by the health tick after its first message."""
    WARMING = "warming"
    """Has a ramp that is not at its end. Moved on by the tick when it is, or on red."""
    ACTIVE = "active"
    """In full use. Moved on by the tick on amber or red, or when its ramp begins again."""
    AMBER = "amber"
    """Chosen after all others: it does badly, or must prove itself. Moved on by the tick."""
    CORDONED = "cordoned"
    """Not chosen unasked. Moved on by the tick; after an operator's cordon only by an operator."""
    RETIRED = "retired"
    """Out of use. Final."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of messages, counted. A provider's 5xx and our own cancels have not ended here."""

    sent: int = 0
    delivered: int = 0
    undelivered: int = 0
    """Final failures caused by the recipient's side or the carrier, less the two that follow."""
    filtered: int = 0
    """Taken for spam by a carrier (Twilio 30007, Telnyx 40002 and 40003)."""
    landline: int = 0
    """Sent to a line that takes no texts, or that nobody knows (Twilio 30006 and 30005)."""
    opted_out: int = 0
    replies: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def ended(self) -> int:
        """The denominator of all shares but those of opt-outs and replies, which are of `sent`."""
        return self.delivered + self.undelivered + self.filtered + self.landline


def without(number: Tally, template: Tally) -> Tally:
    """A number's tally less what a paused template did on it in the same window.

    The caller takes that off before it grades the number: an innocent number is not cordoned for a
    guilty text. Successes are taken off with the failures, so that the rest is judged by itself.
    """
    pairs = zip(astuple(number), astuple(template), strict=True)
    return Tally(*(max(whole - part, 0) for whole, part in pairs))


def wilson_lower(successes: int, trials: int, z: float = 1.96) -> float:
    """The least share (0 to 1) that is plausible after so many successes; 0 if nothing was tried.

    Wilson's score interval (E. B. Wilson, JASA 22, 1927); `z` 1.96 makes it one of 95 %.
    """
    if trials <= 0:
        return 0.0
    share = successes / trials
    centre = share + z * z / (2 * trials)
    half = z * sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    return max(0.0, min(share, (centre - half) / (1 + z * z / trials)))


def wilson_upper(successes: int, trials: int, z: float = 1.96) -> float:
    """The greatest plausible share; 1 if nothing was tried."""
    return 1 - wilson_lower(trials - successes, trials, z)


@dataclass(frozen=True, slots=True)
class Bound:
    """Shares (0 to 1) above which something is a warning, and a reason to stop."""

    amber: float
    red: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What is too much. Carriers publish no figures.

    Those for errors and opt-outs are of platforms of the HighLevel family (relentless-digital,
    flowfusion and pestai, read 2026-11-20); for the others none were found, so they are our own.
    """

    error: Bound = Bound(0.08, 0.125)
    """Of what has ended, all that was not delivered."""
    filtered: Bound = Bound(0.01, 0.03)
    landline: Bound = Bound(0.03, 0.05)
    opted_out: Bound = Bound(0.02, 0.03)
    minimum: int = 100
    """Trials before a share says anything."""


class Level(StrEnum):
    """How a sender does; unknown: too few results, and nothing that speaks against it."""

    UNKNOWN = "unknown"
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Grade:
    """How a sender does, and the shares that say so; none unless it is amber or red."""

    level: Level
    because: tuple[str, ...] = ()


def grade(day: Tally, week: Tally, thresholds: Thresholds) -> Grade:
    """How a sender does by its last 24 hours and 7 days, neither from before `measured_since`."""
    found: dict[Level, list[str]] = {Level.RED: [], Level.AMBER: []}
    for tally, window in ((day, "24 h"), (week, "7 d")):
        for name, bad, trials, bound in _shares(tally, thresholds):
            # There may be more opt-outs than messages: they answer what was sent before the window.
            surely = wilson_lower(min(bad, trials), trials)
            if trials >= thresholds.minimum and surely > bound.amber:
                level = Level.RED if surely > bound.red else Level.AMBER
                found[level].append(f"{_words(name, bad, trials)} in {window}")
    for level, because in found.items():
        if because:
            return Grade(level, tuple(because))
    enough = any(min(tally.sent, tally.ended) >= thresholds.minimum for tally in (day, week))
    return Grade(Level.GREEN if enough else Level.UNKNOWN)


def _shares(tally: Tally, limits: Thresholds) -> tuple[tuple[str, int, int, Bound], ...]:
    ended = tally.ended
    return (
        ("not delivered", ended - tally.delivered, ended, limits.error),
        ("filtered", tally.filtered, ended, limits.filtered),
        ("landline", tally.landline, ended, limits.landline),
        ("opted out", tally.opted_out, tally.sent, limits.opted_out),
    )


def _words(name: str, bad: int, trials: int) -> str:
    return f"{name} {100 * bad / trials:.1f} % of {trials}"


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a sender is out of use, and how long under suspicion."""

    cordon: timedelta | None = None
    """None: until the next 00:00 UTC, as platforms of the HighLevel family do."""
    probation: timedelta = timedelta(days=7)
    """An amber one with too few results is active after that: chosen last, it may never have more."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All of a sender that a decision depends on."""

    state: SenderState
    state_since: datetime
    cordoned_until: datetime | None = None
    by_operator: bool = False
    """Whether the state it is in was an operator's decision."""
    measured_since: datetime | None = None
    """Results before then were left out of the grade."""
    has_sent: bool = True
    on_ramp: bool = False
    """Whether it has a ramp that is not at its end."""


@dataclass(frozen=True, slots=True)
class Change:
    """The state to enter, and why; `measured_since` None leaves that as it is."""

    state: SenderState
    reason: str
    cordoned_until: datetime | None = None
    measured_since: datetime | None = None


def decide(situation: Situation, grade: Grade, now: datetime, policy: Policy) -> Change | None:
    """The change that follows from a grade; None if all stays as it is."""
    if situation.state is SenderState.RETIRED:
        return None
    if situation.state is SenderState.CORDONED:
        return _lift(situation, grade, now, policy)
    if grade.level is Level.RED:
        until = _cordon_end(now, policy)
        return Change(SenderState.CORDONED, "; ".join(grade.because), until, now)
    state = _in_use(situation, grade.level, now - situation.state_since >= policy.probation)
    if state is situation.state:
        return None
    return Change(state, "; ".join(grade.because) or _REASONS[state])


_REASONS = {SenderState.WARMING: "on its ramp", SenderState.ACTIVE: "nothing against it"}


def _in_use(situation: Situation, level: Level, probation_over: bool) -> SenderState:
    """Where a sender belongs that is neither retired nor cordoned nor red."""
    state = situation.state
    if state is SenderState.FRESH and not situation.has_sent:
        return state
    # An operator's `active` skips the ramp for as long as nothing speaks against it.
    excused = state is SenderState.ACTIVE and situation.by_operator and level is not Level.AMBER
    if situation.on_ramp and not excused:
        return SenderState.WARMING
    unproven = state is SenderState.AMBER and level is Level.UNKNOWN and not probation_over
    return SenderState.AMBER if level is Level.AMBER or unproven else SenderState.ACTIVE


def _lift(situation: Situation, grade: Grade, now: datetime, policy: Policy) -> Change | None:
    """Out of a cordon as amber, or back on the ramp, which is slower still; results start at zero."""
    since, measured = situation.state_since, situation.measured_since
    # Results are counted by the minute: two times within one are the same to them.
    proven = measured is not None and measured + timedelta(minutes=1) > since
    over = now >= (situation.cordoned_until or _cordon_end(since, policy))
    if situation.by_operator or not (over or (proven and grade.level is Level.GREEN)):
        return None
    state = SenderState.WARMING if situation.on_ramp else SenderState.AMBER
    reason = "the cordon is over" if over else "good results since the cordon"
    return Change(state, reason, measured_since=now)


def refused(code: str, times: int, now: datetime, policy: Policy) -> Change:
    """A sender whose provider refuses it, whatever the message, is out of use like one with bad results."""
    reason = f"refused {times} times in a row, last with {code}"
    return Change(SenderState.CORDONED, reason, _cordon_end(now, policy), now)


def _cordon_end(begin: datetime, policy: Policy) -> datetime:
    if policy.cordon is not None:
        return begin + policy.cordon
    tomorrow = begin.astimezone(UTC).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), tzinfo=UTC)


GRACE = timedelta(hours=72)
"""Politics Rewired's Switchboard keeps conversations on a cordoned number for three days."""


def may_keep_conversations(
    state: SenderState, state_since: datetime | None, now: datetime, grace: timedelta = GRACE
) -> bool:
    """Whether a sender may go on with conversations it is in: a cordon breaks none off at once."""
    if state is SenderState.CORDONED:
        return state_since is not None and now < state_since + grace
    return state is not SenderState.RETIRED


@dataclass(frozen=True, slots=True)
class Pause:
    """A template is to be paused: why, and the senders it surely fails on."""

    reason: str
    senders: frozenset[UUID]


def template_verdict(
    by_sender: Mapping[UUID, Tally], thresholds: Thresholds, senders: int = 3
) -> Pause | None:
    """Whether a template is to blame, by its results on each sender.

    It is when its filtered or undelivered share is red over all, and red on each of so many senders
    with a tenth of `minimum` trials or more: one bad number must not look like a bad text.
    """
    total = sum(by_sender.values(), Tally())
    if total.ended < thresholds.minimum:
        return None
    everybody = list(by_sender.items())
    for name, red in (("filtered", thresholds.filtered.red), ("undelivered", thresholds.error.red)):
        bad: int = getattr(total, name)
        tried = [(s, t) for s, t in everybody if 10 * t.ended >= thresholds.minimum]
        failing = {s for s, t in tried if wilson_lower(getattr(t, name), t.ended) > red}
        if len(failing) >= senders and wilson_lower(bad, total.ended) > red:
            reason = f"{_words(name, bad, total.ended)} on {len(failing)} senders"
            return Pause(reason, frozenset(failing))
    return None
