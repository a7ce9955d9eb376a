"""What other services hand in as tasks, by name: messages, lists of them, and what is to be done with some.

The only tasks that are no hints. Until its commit the broker's copy is the only one of a message, so they
are acknowledged after that, and a repetition finds the key that the first run left behind. Their arguments
hold personal data and a key, and are shown to nobody; what they return are ids, statuses and codes.

Each counts against its key's limit as a request does. One that is over it is put off by the broker, with a
countdown: it is the one copy there is, and no row of ours may be made of what was not let in.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from celery import Task as CeleryTask
from celery.exceptions import Reject, Retry
from celery.worker.request import Request

from messaging import access, audit, campaigns, intake
from messaging.access import Caller
from messaging.domain import lists, request
from messaging.domain.errors import (
    FieldProblem,
    IdempotencyBusyError,
    InvalidRequestError,
    NotFoundError,
    PosthornError,
    RateLimitedError,
    UnavailableError,
)
from messaging.domain.scopes import Scope
from messaging.queues import Task
from messaging.runtime import DatabaseError
from messaging.submission import Refused, Submission, Taken
from messaging.telemetry import log
from workers.naming import named
from workers.process import current

_POSTPONED_SECONDS = 1.0
_LONGEST_SECONDS = 120
"""For which one may be put off: well below the broker's visibility timeout, or it would come twice."""
_SHOWN = 20
"""Of a longer list the ids are left out of the log; the idempotency key finds them."""


class MaskedRequest(Request):  # type: ignore[misc]  # Celery is untyped
    """A request whose arguments no event, log line or Flower page ever shows.

    The sender's own client writes them into the message's headers in clear; they are replaced before
    the worker says anything about the task.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._argsrepr = "<masked>"
        self._kwargsrepr = "<masked>"
        self._request_dict["argsrepr"] = "<masked>"
        self._request_dict["kwargsrepr"] = "<masked>"

    def info(self, safe: bool = False) -> dict[str, Any]:
        """What remote control says of a running task: never the arguments, whatever is asked."""
        del safe
        found: dict[str, Any] = super().info(safe=True)
        return found


def _door(name: Task) -> Callable[[Callable[..., str]], Any]:
    """A task that something is handed in with; what cannot be kept now is handed out again."""

    def register(function: Callable[..., str]) -> Any:
        @wraps(function)
        def run(task: CeleryTask, *args: Any, **kwargs: Any) -> str:
            try:
                return function(task, *args, **kwargs)
            except RateLimitedError as error:
                raise _put_off(task, error) from None
            except (DatabaseError, UnavailableError, IdempotencyBusyError) as error:
                log().warning(
                    "intake.postponed", source="celery", task=name.value, error=type(error).__name__
                )
                time.sleep(_POSTPONED_SECONDS)
                raise Reject(requeue=True) from None
            except InvalidRequestError as error:
                return _refused([p.code for p in error.problems])
            except PosthornError as error:
                return _refused([error.code])

        return named(
            name,
            bind=True,
            acks_late=True,
            reject_on_worker_lost=True,
            max_retries=None,
            Request="workers.doors:MaskedRequest",
        )(run)

    return register


def _put_off(task: CeleryTask, error: RateLimitedError) -> Retry | Reject:
    """Have it come again: later each time, and not all of a crowd at once."""
    longest = min(error.wait << min(task.request.retries + 1, 16), _LONGEST_SECONDS)
    seconds = error.wait + (longest - error.wait) * current().rt.rng.random()
    log().info("intake.put_off", source="celery", task=task.name, seconds=round(seconds, 1))
    shown = {"argsrepr": "<masked>", "kwargsrepr": "<masked>"}
    try:
        again: Retry = task.retry(countdown=seconds, throw=False, **shown)
    except Reject:  # the broker did not take it, and Celery would forget it
        time.sleep(_POSTPONED_SECONDS)
        return Reject(requeue=True)
    return again


def _let_in(api_key: Any, scope: Scope) -> Caller:
    """Who hands something in, counted, if they may.

    Raises:
        PosthornError: as `Desk.caller`.
    """
    process = current()
    presented = api_key.encode(errors="replace") if isinstance(api_key, str) else None
    caller = process.keys.identify(presented)
    process.requests.take(caller.key_id, caller.per_minute)
    caller.may(scope)
    if caller.note_use:
        access.note_use(process.rt, caller.key_id)
    return caller


@_door(Task.SEND)
def send(task: CeleryTask, *, api_key: str | None = None, **fields: Any) -> str:
    """Take one message from another service: `api_key` and the fields of `POST /v1/messages`.

    Whoever needs the message's id later gives an `idempotency_key` and asks the API with it; without
    one the task's id is the key.

    Raises:
        Reject, Retry: it could not be kept now; the broker hands it out again.
    """
    rt, tenant = current().rt, _let_in(api_key, Scope.MESSAGES_SEND).tenant
    asked = request.parse(fields)
    if isinstance(asked, list):
        raise InvalidRequestError(asked)
    key = asked.idempotency_key or _own_key(task)
    receipt = intake.submit(rt, Submission(tenant, [asked], key, asked.fingerprint(), "celery"))
    (entry,) = receipt.entries
    if isinstance(entry, Refused):
        return _refused([p.code for p in entry.problems])
    return f"{entry.status} {entry.id}" + (" (replayed)" if receipt.replayed else "")


@_door(Task.SEND_MANY)
def send_many(
    task: CeleryTask,
    *,
    api_key: str | None = None,
    messages: Any = None,
    idempotency_key: Any = None,
) -> str:
    """Take up to 10,000 messages from another service: `messages` is the list of `POST /v1/messages`.

    What is wrong with one entry refuses that one only; of what a rule refuses, a row is kept in its blocked
    status. The `idempotency_key`, the task's id without one, is for the whole list.

    Raises:
        Reject, Retry: it could not be kept now; the broker hands it out again.
    """
    rt, tenant = current().rt, _let_in(api_key, Scope.MESSAGES_SEND).tenant
    if not isinstance(messages, list):
        return _refused(["not_a_list"])
    problem = lists.length_problem(messages)
    if problem is not None:
        raise InvalidRequestError([problem])
    asked = [lists.entry(value) for value in messages]
    key = _key(task, idempotency_key)
    print_ = lists.fingerprint(messages, asked)
    receipt = intake.submit(rt, Submission(tenant, asked, key, print_, "celery", bulk=True))
    kept = [entry for entry in receipt.entries if isinstance(entry, Taken)]
    refused = [entry for entry in receipt.entries if isinstance(entry, Refused)]
    codes = Counter(entry.problems[0].code for entry in refused)
    if refused:
        log().warning("intake.refused", source="celery", codes=dict(codes))
    said = [f"kept {len(kept)}", *(f"refused {n} {code}" for code, n in sorted(codes.items()))]
    ids = f": {' '.join(str(entry.id) for entry in kept)}" if 0 < len(kept) <= _SHOWN else ""
    return ", ".join(said) + ids + (" (replayed)" if receipt.replayed else "")


@_door(Task.CANCEL)
def cancel(task: CeleryTask, *, api_key: str | None = None, id: Any = None) -> str:  # noqa: A002 - its public name
    """Call off the message of this `id`, as long as no attempt to send it was made.

    Raises:
        Reject, Retry: it could not be done now; the broker hands it out again.
    """
    del task  # a repetition finds the message canceled, or on its way
    rt, tenant = current().rt, _let_in(api_key, Scope.MESSAGES_SEND).tenant
    try:
        message_id = UUID(str(id))
    except ValueError:
        raise NotFoundError("no message of yours has this id") from None
    intake.cancel(rt, tenant, message_id)
    return f"canceled {message_id}"


@_door(Task.CAMPAIGN)
def campaign(task: CeleryTask, *, api_key: str | None = None, name: Any = None) -> str:
    """Start the campaign of this `name`, now or at its time.

    Raises:
        Reject, Retry: it could not be done now; the broker hands it out again.
    """
    del task  # a repetition finds it started
    rt, caller = current().rt, _let_in(api_key, Scope.CAMPAIGNS)
    if not isinstance(name, str) or not request.storable(name):
        raise NotFoundError("no campaign of yours has this name")
    audit.by(caller.key_id, None)
    try:
        started = campaigns.start_named(rt, caller.tenant, name)
    finally:
        audit.nobody()
    return f"{started.state} {started.id}"


def _own_key(task: CeleryTask) -> str:
    return f"celery task {task.request.id}"


def _key(task: CeleryTask, given: Any) -> str:
    if given is None:
        return _own_key(task)
    if isinstance(given, str) and 0 < len(given) <= request.MAX_KEY and request.storable(given):
        return given
    problem = FieldProblem("#/idempotency_key", "not_valid", "must be a short text")
    raise InvalidRequestError([problem])


def _refused(codes: list[str]) -> str:
    log().warning("intake.refused", source="celery", codes=codes)
    return f"refused: {', '.join(codes)}"
