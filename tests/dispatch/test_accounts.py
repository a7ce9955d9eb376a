"""Accounts that change while everything runs: what requests carry, what webhooks are believed."""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging import account_views, accounts, inbound, maintenance, webhooks
from messaging.accounts import AccountPatch, NewAccount
from messaging.domain.errors import InvalidRequestError, NotFoundError
from messaging.domain.message import ProviderAccount
from messaging.providers.base import Webhook
from messaging.runtime import Runtime
from messaging.store import accounts as store
from tests.remains import remains
from tests.world import PUBLIC_URL, ClockedRuntime, World, at_once, poll, runtime

OLD, NEW, NEWEST = "an-auth-token", "the-next-token-canary", "the-token-after-that"


@pytest.fixture
def second(world: World) -> Iterator[ClockedRuntime]:
    """Another process on the same database."""
    with runtime(world.rt.settings, seed=2) as rt:
        yield rt


def rotate(world: World, secret: str = NEW, **changes: Any) -> None:
    patch = AccountPatch(secret=secret, **changes)
    accounts.change(world.rt, world.tenant, world.account.name, patch)


def believed(rt: Runtime, account: ProviderAccount, token: str) -> bool:
    """Whether a webhook signed with this token is the account's, as the database has it now."""
    form = {"MessageSid": "SM" + "0" * 32, "Body": "STOP"}
    url = f"{PUBLIC_URL}/webhooks/twilio/{account.id}/inbound"
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": str(RequestValidator(token).compute_signature(url, form)),
    }
    found = webhooks.account(rt, "twilio", account.id)
    assert found is not None
    return inbound.verify(found, Webhook(url, headers, urlencode(form).encode()))


def token_sent(world: World) -> str:
    _, _, basic = world.carrier.requests[-1].headers["authorization"].partition(" ")
    return b64decode(basic).decode().partition(":")[2]


def test_every_process_sends_with_the_new_secret_within_two_seconds(
    world: World, second: ClockedRuntime
) -> None:
    def secret_there() -> str:
        return second.senders_of(world.tenant.id).accounts[world.account.id].secret

    assert secret_there() == OLD
    rotate(world)
    world.put_one()
    world.send()
    assert token_sent(world) == NEW
    began = time.monotonic()
    poll(lambda: secret_there() == NEW, "the other process goes by the old secret")
    assert time.monotonic() - began < 2.5


def test_webhooks_signed_as_before_are_believed_while_they_may(
    world: World, second: ClockedRuntime
) -> None:
    assert [believed(second, world.account, token) for token in (OLD, NEW)] == [True, False]
    rotate(world, keep_old_for=timedelta(hours=1))
    assert [believed(second, world.account, token) for token in (OLD, NEW)] == [True, True]
    (view,) = account_views.views(world.rt, world.tenant)
    assert view.old_until is not None
    assert timedelta(minutes=59) < view.old_until - world.rt.now() <= timedelta(hours=1, seconds=5)
    world.run("UPDATE provider_accounts SET previous_until = now()")
    assert [believed(second, world.account, token) for token in (OLD, NEW)] == [False, True]
    (view,) = account_views.views(world.rt, world.tenant)
    assert view.old_until is None
    maintenance.prune(world.rt)
    assert world.rows("SELECT previous_sealed AS p FROM provider_accounts")[0]["p"] is None


def test_what_was_replaced_is_forgotten_when_told_to(world: World) -> None:
    rotate(world)
    assert believed(world.rt, world.account, OLD)
    assert accounts.forget_old(world.rt, world.tenant, world.account.name)
    assert not believed(world.rt, world.account, OLD)
    assert believed(world.rt, world.account, NEW)
    assert not accounts.forget_old(world.rt, world.tenant, world.account.name)


def test_a_leaked_secret_is_believed_no_moment_longer(world: World) -> None:
    rotate(world)
    rotate(world, NEWEST, keep_old_for=timedelta())
    found = [believed(world.rt, world.account, token) for token in (OLD, NEW, NEWEST)]
    assert found == [False, False, True]


def test_two_rotations_in_a_row_believe_all_three(world: World) -> None:
    rotate(world)
    rotate(world, NEWEST)
    assert all(believed(world.rt, world.account, token) for token in (OLD, NEW, NEWEST))
    rotate(world, NEW)
    assert all(believed(world.rt, world.account, token) for token in (OLD, NEW, NEWEST))
    accounts.forget_old(world.rt, world.tenant, world.account.name)
    found = [believed(world.rt, world.account, token) for token in (OLD, NEW, NEWEST)]
    assert found == [False, True, False]


def test_rotations_that_race_leave_one_secret_and_believe_the_others(world: World) -> None:
    tokens = [f"token-{n}" for n in range(6)]
    at_once(*[lambda token=token: rotate(world, token) for token in tokens])
    assert all(believed(world.rt, world.account, token) for token in [OLD, *tokens])
    accounts.forget_old(world.rt, world.tenant, world.account.name)
    assert sum(believed(world.rt, world.account, token) for token in [OLD, *tokens]) == 1


def test_keys_of_webhooks_are_added_replaced_and_kept_for_a_while(world: World) -> None:
    made = accounts.add(
        world.rt, world.tenant, NewAccount("telnyx", "t", "", "key", webhook_secrets=("a",))
    )

    def secrets() -> tuple[str, ...]:
        found = webhooks.account(world.rt, "telnyx", made.id)
        assert found is not None
        return found.webhook_secrets

    def change(**changes: Any) -> None:
        accounts.change(world.rt, world.tenant, "t", AccountPatch(**changes))

    change(more_webhook_secrets=("b", "a"))
    assert secrets() == ("a", "b")
    change(secret="another-key")
    assert secrets() == ("a", "b")
    change(webhook_secrets=("c",))
    assert secrets() == ("c", "a", "b")
    change(webhook_secrets=("d",), keep_old_for=timedelta())
    assert secrets() == ("d",)


VONAGE = NewAccount(
    "vonage",
    "v",
    "abcd1234",
    "secret-canary",
    options={"application_id": "an-application", "private_key": "pem-canary"},
    webhook_secrets=("hook-canary",),
)


def of_vonage(world: World) -> ProviderAccount:
    return next(
        each
        for each in world.rt.senders_of(world.tenant.id).accounts.values()
        if each.name == VONAGE.name
    )


def test_nothing_secret_is_in_the_database_or_shown(world: World) -> None:
    accounts.add(world.rt, world.tenant, VONAGE)
    change = AccountPatch(secret="next-canary", options={"private_key": "another-canary"})
    accounts.change(world.rt, world.tenant, "v", change)
    assert of_vonage(world).options["private_key"] == "another-canary"
    view = account_views.views(world.rt, world.tenant)[-1]
    assert remains(world.rt.engine, "canary") == set()
    assert "canary" not in repr((view, of_vonage(world), VONAGE, change))
    assert view.options == {"application_id": "an-application"}
    assert (view.secret_options, view.webhook_secrets) == (["private_key"], 1)
    assert view.rotated_at is not None


def test_an_option_is_set_and_taken_away(world: World) -> None:
    accounts.add(world.rt, world.tenant, VONAGE)
    named = {"application_id": "another"}
    accounts.change(world.rt, world.tenant, "v", AccountPatch(options=named))
    assert of_vonage(world).options == {**VONAGE.options, **named}
    gone = AccountPatch(options={"application_id": "", "private_key": ""})
    accounts.change(world.rt, world.tenant, "v", gone)
    assert of_vonage(world).options == {}


def test_what_is_not_named_stays(world: World) -> None:
    before = world.rt.senders_of(world.tenant.id).accounts[world.account.id]
    change = AccountPatch(max_in_flight=7, segments_per_second=5, base_url="https://x.example")
    assert accounts.change(world.rt, world.tenant, world.account.name, change) is None
    after = world.rt.senders_of(world.tenant.id).accounts[world.account.id]
    assert (after.max_in_flight, after.segments_per_second) == (7, 5)
    assert after.base_url == "https://x.example"
    assert (after.secret, after.absence_proof) == (before.secret, before.absence_proof)
    back = AccountPatch(segments_per_second=0, base_url="", absence_proof=timedelta())
    accounts.change(world.rt, world.tenant, world.account.name, back)
    after = world.rt.senders_of(world.tenant.id).accounts[world.account.id]
    assert (after.segments_per_second, after.absence_proof) == (None, None)
    assert after.base_url == "https://api.twilio.com"
    assert account_views.views(world.rt, world.tenant)[0].rotated_at is None


@pytest.mark.parametrize(
    ("change", "pointer", "said"),
    [
        ({"options": {"x": "y"}}, "#/options", "it has none"),
        ({"options": {"x": ""}}, "#/options", "it has none"),
        ({"username": ""}, "#/username", "account SID"),
        ({"base_url": "nowhere"}, "#/base_url", "https://host"),
        ({"base_url": "https://me:pw-canary@host"}, "#/base_url", "without a user name"),
        ({"base_url": "https://["}, "#/base_url", "https://host"),
        ({"keep_old_for": timedelta(days=31)}, "#/keep_old_for", "30 days"),
        ({"keep_old_for": timedelta(seconds=-1)}, "#/keep_old_for", "30 days"),
    ],
)
def test_what_its_provider_cannot_use_is_refused(
    world: World, change: dict[str, Any], pointer: str, said: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        accounts.change(world.rt, world.tenant, world.account.name, AccountPatch(**change))
    (problem,) = caught.value.problems
    assert problem.pointer == pointer
    assert said in problem.detail
    assert "canary" not in str(caught.value)


def test_other_tenants_accounts_are_not_there(world: World) -> None:
    other = World(world.rt)
    for act in (
        lambda: accounts.change(world.rt, world.tenant, other.account.name, AccountPatch()),
        lambda: accounts.forget_old(world.rt, world.tenant, other.account.name),
    ):
        with pytest.raises(NotFoundError):
            act()
    assert [view.id for view in account_views.views(world.rt, world.tenant)] == [world.account.id]


def test_a_provider_that_posts_nothing_keeps_nothing_of_a_replaced_secret(world: World) -> None:
    new = NewAccount("smtp", "relay", "me", "a-password", "smtp://127.0.0.1:2525")
    accounts.add(world.rt, world.tenant, new)
    change = AccountPatch(secret="another")
    assert accounts.change(world.rt, world.tenant, "relay", change) is None
    with world.rt.engine.connect() as db:
        found = store.of_tenant(db, world.tenant.id, world.rt.sealer)
    assert [each.previous for each in found if each.account.name == "relay"] == [()]
