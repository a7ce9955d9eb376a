"""Where is a campaign in its life, and which step may take it where?"""

from __future__ import annotations

from enum import StrEnum


class CampaignState(StrEnum):
    """Where a campaign is."""

    DRAFT = "draft"
    """Kept; recipients may be added."""
    SCHEDULED = "scheduled"
    """Starts by itself at its time."""
    SNAPSHOT = "snapshot"
    """Started; whom it is to is about to be written down."""
    RUNNING = "running"
    PAUSED = "paused"
    """Nothing more leaves until somebody resumes it; its reason says who paused it."""
    CANCELING = "canceling"
    """Called off; what was queued is being taken back."""
    CANCELED = "canceled"
    FINISHED = "finished"
    """There is nothing left to do for any recipient."""


class Step(StrEnum):
    """What can happen to a campaign."""

    START = "start"
    SCHEDULE = "schedule"
    TAKEN = "taken"
    """The snapshot is there."""
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    CALLED_OFF = "called_off"
    """Nothing of a canceled one is under way any more."""
    FINISH = "finish"
    RETRY = "retry"


S = CampaignState
MOVES: dict[CampaignState, dict[Step, CampaignState]] = {
    S.DRAFT: {Step.START: S.SNAPSHOT, Step.SCHEDULE: S.SCHEDULED, Step.CANCEL: S.CANCELING},
    S.SCHEDULED: {Step.START: S.SNAPSHOT, Step.CANCEL: S.CANCELING},
    S.SNAPSHOT: {Step.TAKEN: S.RUNNING, Step.CANCEL: S.CANCELING},
    S.RUNNING: {Step.PAUSE: S.PAUSED, Step.CANCEL: S.CANCELING, Step.FINISH: S.FINISHED},
    S.PAUSED: {Step.RESUME: S.RUNNING, Step.CANCEL: S.CANCELING},
    S.CANCELING: {Step.CALLED_OFF: S.CANCELED},
    S.FINISHED: {Step.RETRY: S.RUNNING},
}
"""The only place that knows."""

WORKING = (S.SCHEDULED, S.SNAPSHOT, S.RUNNING, S.CANCELING)
"""The states in which the clock has something to do for a campaign."""


def step(state: CampaignState, what: Step) -> CampaignState | None:
    """Where a step leads; None if it cannot happen there."""
    return MOVES.get(state, {}).get(what)


def sources(what: Step) -> tuple[CampaignState, ...]:
    """Every state in which a step can happen."""
    return tuple(state for state, moves in MOVES.items() if what in moves)
