"""How is a use case registered as a task, under the name that is public?"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from messaging.queues import Task
from messaging.runtime import DatabaseError
from messaging.telemetry import log
from workers.app import app


def named(name: Task, **options: Any) -> Callable[[Callable[..., str]], Any]:
    """A task under its public name, for which a database that is away is a sentence, not a traceback.

    The work is in Postgres and is hinted again by the sweep, so there is nothing to retry here.
    """

    def register(function: Callable[..., str]) -> Any:
        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> str:
            try:
                return function(*args, **kwargs)
            except DatabaseError as error:
                log().warning("task.database_away", task=name.value, error=type(error).__name__)
                return "the database is away; the sweep will hint again"

        return app.task(run, name=name.value, **options)

    return register
