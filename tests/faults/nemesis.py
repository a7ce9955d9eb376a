"""What goes wrong, when? Faults in an order that a number decides."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults.rig import WORKERS, Rig


@dataclass
class Nemesis:
    """Strikes a rig; remembers what it did."""

    rig: Rig
    rng: random.Random
    began: float = field(default_factory=time.monotonic)
    struck: list[str] = field(default_factory=list)

    def strike(self, name: str, fault: Callable[[], object]) -> None:
        """Do it and write it down; a fault that returns None found nothing to strike."""
        at = time.monotonic() - self.began
        done = fault()
        self.struck.append(f"{at:.1f}s {name}" + ("" if done is not None else " (nothing there)"))

    def child(self) -> int | None:
        """`kill -9` of one child of one worker."""
        return self.rig.kill_child(self.rng.choice(WORKERS), self.rng.choice)

    def parent(self) -> str | None:
        """`kill -9` of the main process of one worker."""
        return self.main(self.rng.choice(WORKERS))

    def main(self, name: str) -> str | None:
        """`kill -9` of the main process of `name`."""
        there = bool(self.rig.pids(name))
        self.rig.kill(name)
        return name if there else None

    def flush(self) -> bool:
        """Everything in Redis is gone."""
        with self.rig.bell() as client:
            return bool(client.flushall())

    def crash_postgres(self) -> str:
        """`kill -9` of Postgres, and its recovery."""
        self.rig.postgres.kill()
        self.rig.postgres.start()
        return "recovered"

    def act(self, plan: Sequence[str], *, pause: tuple[float, float]) -> None:
        """Strike by the plan, with a random pause after each."""
        faults: dict[str, Callable[[], object]] = {
            "child": self.child,
            "parent": self.parent,
            "beat": lambda: self.main("beat"),
            "api": lambda: self.main("api"),
            "flushall": self.flush,
            "postgres": self.crash_postgres,
        }
        for name in plan:
            self.strike(name, faults[name])
            time.sleep(self.rng.uniform(*pause))

    @property
    def kills(self) -> int:
        """How many processes it killed."""
        return sum(
            any(word in entry for word in ("child", "parent", "beat", "api", "postgres"))
            and "nothing" not in entry
            for entry in self.struck
        )
