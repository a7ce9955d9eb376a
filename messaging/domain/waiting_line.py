"""How long is a line of which one sees only who joins it?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class WaitingLine:
    """Those who were told to wait, less those whose turn must have come since."""

    length: float = 0.0
    at: float = 0.0

    def join(self, now: float, pace: float) -> float:
        """Seconds until the turn of one more, when `pace` of them have theirs in a second.

        `now` is in seconds of any clock. The pace is that of now, for those before, too: when what all
        wait for is fast again, the line is short again.
        """
        self.length = max(0.0, self.length - (now - self.at) * pace) + 1.0
        self.at = now
        return self.length / pace
