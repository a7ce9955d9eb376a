"""The tenant of `posthorn up` is given what is missing at every start, and nothing twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from messaging import billing, bindings, development, onboarding
from messaging.bindings import Target
from messaging.development import EVERYTHING, Outfit, texts
from messaging.domain.bindings import BindingKind
from messaging.domain.message import Channel
from messaging.domain.sender_request import SenderRequest
from messaging.store.tenants import Tenant
from tests.world import ClockedRuntime

CARRIER, MOVED = "http://127.0.0.1:9", "http://127.0.0.1:10"


def start(rt: ClockedRuntime, carrier: str = CARRIER, outfit: Outfit = EVERYTHING) -> Tenant:
    tenant = development.equip(rt, outfit, carrier)
    rt.forget(tenant.id)
    return tenant


def has(rt: ClockedRuntime, tenant: Tenant) -> dict[str, Any]:
    known = onboarding.list_senders(rt, tenant)
    return {
        "senders": {(s.channel, s.address, s.is_default) for s in known.senders},
        "accounts": {(a.provider, a.name, a.base_url) for a in known.accounts.values()},
        "first": [b.account for b in bindings.page(rt, tenant, BindingKind.TENANT)],
        "balance": billing.show(rt, tenant).balance,
        "prices": len(billing.listed(rt, tenant)),
    }


def test_a_second_start_changes_nothing(rt: ClockedRuntime) -> None:
    tenant = start(rt)
    found = has(rt, tenant)
    assert {channel for channel, _, _ in found["senders"]} == {
        Channel.SMS,
        Channel.EMAIL,
        Channel.INSTAGRAM_DM,
    }
    assert {provider for provider, _, _ in found["accounts"]} == {
        "twilio",
        "vonage_sms",
        "sendgrid",
        "instagram",
    }
    assert start(rt) == tenant
    assert has(rt, tenant) == found


def test_every_account_follows_the_carrier(rt: ClockedRuntime) -> None:
    tenant = start(rt)
    start(rt, MOVED)
    assert {url for _, _, url in has(rt, tenant)["accounts"]} == {MOVED}


def test_what_was_decided_since_stays(rt: ClockedRuntime) -> None:
    tenant = start(rt)
    bindings.unbind(rt, tenant, BindingKind.TENANT, "")
    bindings.bind(rt, tenant, BindingKind.TENANT, "", Target(account="reserve"))
    billing.top_up(rt, tenant, Decimal(-999_999))
    decided = has(rt, tenant)
    start(rt)
    assert has(rt, tenant) == decided


def test_a_tenant_of_before_is_given_the_rest(rt: ClockedRuntime) -> None:
    outfit = Outfit((texts([SenderRequest(address="+12025550100", is_default=True)]),))
    tenant = start(rt, outfit=outfit)
    assert development.shown(rt, tenant) == {"sms": "+12025550100 (twilio)"}
    assert start(rt) == tenant
    assert development.shown(rt, tenant) == {
        "sms": "+12025550100 and 4 more (twilio), +18085550100 (vonage_sms)",
        "email": "hello@example.com (sendgrid)",
        "instagram_dm": "17841400000000001 (instagram)",
    }
    defaults = {channel for channel, _, is_default in has(rt, tenant)["senders"] if is_default}
    assert defaults == {Channel.SMS, Channel.EMAIL, Channel.INSTAGRAM_DM}


def test_the_carrier_is_told_where_each_account_has_its_webhooks(rt: ClockedRuntime) -> None:
    tenant = start(rt)
    options = development.carrier_options(rt, tenant, EVERYTHING)
    ids = {a.username: a for a in onboarding.list_senders(rt, tenant).accounts.values()}
    assert len(options) == 2 * len(ids)
    for sid, account in ids.items():
        at = f"{rt.settings.public_url}/webhooks/{account.provider}/{account.id}"
        assert {f"--webhook={sid}={at}/status", f"--inbound={sid}={at}/inbound"} <= {*options}
