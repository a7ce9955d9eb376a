"""What other services hand in as tasks: with a key, by its scopes, and never lost to a bad word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from celery.canvas import Signature
from celery.exceptions import Reject, Retry

from messaging import access, audit
from messaging.access import Asked, KnownKeys
from messaging.domain.scopes import KeyKind, Scope
from messaging.request_rates import RequestRates
from tests.dispatch.campaigning import asked, made
from tests.world import World
from workers import doors

TO = "+12025550123"


@pytest.fixture(autouse=True)
def _process(world: World) -> Iterator[None]:
    rt = world.rt
    process = SimpleNamespace(rt=rt, keys=KnownKeys(rt), requests=RequestRates(rt.redis))
    with patch.object(doors, "current", lambda: process):
        yield


def a_key(
    world: World,
    *scopes: Scope,
    kind: KeyKind = KeyKind.LIVE,
    per_minute: int | None = None,
) -> str:
    asked = Asked("door", kind, scopes or None, requests_per_minute=per_minute)
    return access.create(world.rt, world.tenant, asked)[0]


def test_a_campaign_is_started_by_name_once(world: World) -> None:
    id_ = made(world, 2)
    key = a_key(world, Scope.CAMPAIGNS)
    assert doors.campaign(api_key=key, name=asked().name) == f"snapshot {id_}"
    assert doors.campaign(api_key=key, name=asked().name) == "refused: conflict"
    entry = audit.page(world.rt, world.tenant, action="campaign.started")[0]
    assert (entry.key_id, entry.target) == (access.key_id_of(key), asked().name)


@pytest.mark.parametrize("name", ["none", "", None, 7, "\0", ["spring"]])
def test_a_campaign_that_is_not_there(world: World, name: Any) -> None:
    assert doors.campaign(api_key=a_key(world), name=name) == "refused: not_found"


@pytest.mark.parametrize("id_", ["none", None, 7, "\0", "0192f0c1-7a53-7000-8000-00000000dead"])
def test_a_message_that_is_not_there(world: World, id_: Any) -> None:
    assert doors.cancel(api_key=a_key(world), id=id_) == "refused: not_found"


LISTS: list[tuple[Any, str]] = [
    (None, "refused: not_a_list"),
    ("x", "refused: not_a_list"),
    ([], "refused: too_short"),
    ([{}] * 10_001, "refused: too_long"),
    ([7, "\0", None, {"to": "\0", "body": 1}], "kept 0, refused 4"),
    ([{"to": TO, "body": "Hi", "idempotency_key": "x"}], "kept 0, refused 1 not_in_a_list"),
]


@pytest.mark.parametrize(("messages", "said"), LISTS)
def test_a_list_that_is_none(world: World, messages: Any, said: str) -> None:
    kept = doors.send_many(api_key=a_key(world), messages=messages, idempotency_key="x")
    if said.startswith("kept 0, refused 4"):
        assert kept.startswith("kept 0")
    else:
        assert kept == said
    assert world.rows("SELECT id FROM messages") == []


@pytest.mark.parametrize("key", ["", "\0", 7, "x" * 256])
def test_a_key_for_a_list_that_is_none(world: World, key: Any) -> None:
    messages = [{"to": TO, "body": "Hi"}]
    said = doors.send_many(api_key=a_key(world), messages=messages, idempotency_key=key)
    assert said == "refused: not_valid"


def test_a_list_is_kept_once_under_its_key(world: World) -> None:
    key, messages = a_key(world), [{"to": TO, "body": "Hi"}, {"to": "x", "body": "Hi"}]
    given = {"api_key": key, "messages": messages, "idempotency_key": "list-1"}
    first = doors.send_many(**given)
    assert first.startswith("kept 1, refused 1 ")
    assert doors.send_many(**given) == f"{first} (replayed)"
    other = given | {"messages": messages[:1]}
    assert doors.send_many(**other) == "refused: idempotency_key_reused"
    assert len(world.rows("SELECT id FROM messages")) == 1


def test_each_door_asks_for_its_scope(world: World) -> None:
    readers, nobody = a_key(world, Scope.MESSAGES_READ), None
    for key, code in ((readers, "missing_scope"), (nobody, "unauthorized")):
        said = [
            doors.send(api_key=key, to=TO, body="Hi"),
            doors.send_many(api_key=key, messages=[{"to": TO, "body": "Hi"}]),
            doors.cancel(api_key=key, id="x"),
            doors.campaign(api_key=key, name="x"),
        ]
        assert said == [f"refused: {code}"] * 4


def one_of_each(key: str) -> list[Callable[[], Any]]:
    messages = [{"to": TO, "body": "Hi"}]
    return [
        lambda: doors.send(api_key=key, to=TO, body="Hi"),
        lambda: doors.send_many(api_key=key, messages=messages),
        lambda: doors.cancel(api_key=key, id="x"),
        lambda: doors.campaign(api_key=key, name="x"),
    ]


def test_everything_handed_in_counts_against_its_keys_limit(world: World) -> None:
    key = a_key(world, per_minute=1)
    assert doors.send(api_key=key, to=TO, body="Hi", idempotency_key="x").startswith("queued ")
    for hand_in in one_of_each(key):
        with pytest.raises(Retry):
            hand_in()
    assert len(world.rows("SELECT id FROM messages")) == 1
    # Another key does not feel it, nor does one without a limit.
    for other in (a_key(world), a_key(world, per_minute=access.UNLIMITED)):
        assert [hand_in() for hand_in in one_of_each(other)][2:] == ["refused: not_found"] * 2


def test_a_key_that_may_not_is_refused_and_not_put_off(world: World) -> None:
    key = a_key(world, Scope.MESSAGES_READ, per_minute=60)
    assert doors.send(api_key=key, to=TO, body="Hi") == "refused: missing_scope"
    assert doors.send(api_key=7, to=TO, body="Hi") == "refused: unauthorized"


@pytest.fixture
def published() -> Iterator[list[dict[str, Any]]]:
    """What the doors hand back to the broker."""
    kept: list[dict[str, Any]] = []

    def publish(self: object, *_args: Any, **options: Any) -> None:
        kept.append({**self.options, **options})  # type: ignore[attr-defined]

    with patch.object(Signature, "apply_async", publish):
        yield kept


def run(task: Any, retries: int, **fields: Any) -> Any:
    """A door's task as a worker runs it."""
    task.push_request(id="a-task", retries=retries, called_directly=False, kwargs=fields, args=[])
    try:
        return task.run(**fields)
    finally:
        task.pop_request()


@pytest.mark.parametrize("retries", [0, 1, 50, 10**6])
def test_what_is_over_comes_again_after_a_while_however_often(
    world: World, published: list[dict[str, Any]], retries: int
) -> None:
    fields = {"api_key": a_key(world, per_minute=1), "to": TO, "body": "Hi"}
    assert run(doors.send, 0, **fields).startswith("queued ")
    with pytest.raises(Retry) as again:
        run(doors.send, retries, **fields)
    (options,) = published
    assert again.value.when == options["countdown"]
    assert 1 <= options["countdown"] <= 120
    assert (options["task_id"], options["retries"]) == ("a-task", retries + 1)
    assert TO not in options["kwargsrepr"]


def test_what_the_broker_does_not_take_back_is_not_forgotten(world: World) -> None:
    fields = {"api_key": a_key(world, per_minute=1), "to": TO, "body": "Hi"}
    run(doors.send, 0, **fields)
    gone = patch.object(Signature, "apply_async", side_effect=ConnectionError)
    with gone, patch.object(doors, "_POSTPONED_SECONDS", 0), pytest.raises(Reject) as rejected:
        run(doors.send, 0, **fields)
    assert rejected.value.requeue


def test_a_test_key_hands_in_tests(world: World) -> None:
    key = a_key(world, kind=KeyKind.TEST)
    assert doors.send(api_key=key, to=TO, body="Hi", idempotency_key="x").startswith("queued ")
    (row,) = world.rows("SELECT sandboxed, traffic FROM messages")
    assert (row["sandboxed"], row["traffic"]) == (True, "Test")
    assert doors.campaign(api_key=key, name="x") == "refused: missing_scope"
