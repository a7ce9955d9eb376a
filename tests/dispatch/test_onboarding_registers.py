"""Development's numbers are registered when it starts, and what was changed since stays changed."""

from __future__ import annotations

from messaging import fleet, onboarding, registration, sender_changes
from messaging.accounts import NewAccount
from messaging.domain.registration import BrandStatus
from messaging.domain.sender_request import SenderPatch, SenderRequest
from messaging.store.registrations import Brand
from messaging.store.tenants import Tenant
from tests.world import ClockedRuntime

ACCOUNT = NewAccount("twilio", "sandbox", "AC1", "secret", "http://127.0.0.1:9")
NUMBERS = [
    SenderRequest(address="+12025550100"),
    SenderRequest(address="+13035550100"),
    SenderRequest(address="+5511955550100"),
]


def start(rt: ClockedRuntime) -> Tenant:
    return onboarding.development(rt, ACCOUNT, NUMBERS, pool="default", name="development")


def standings(rt: ClockedRuntime, tenant: Tenant) -> dict[str, tuple[str, str | None]]:
    rt.forget(tenant.id)
    senders = rt.senders_of(tenant.id).candidates.by_id.values()
    return {s.address: (s.standing, s.campaign.name if s.campaign else None) for s in senders}


def test_every_start_leaves_registered_numbers(rt: ClockedRuntime) -> None:
    tenant = start(rt)
    in_order = {
        "+12025550100": ("clear", "development"),
        "+13035550100": ("clear", "development"),
        "+5511955550100": ("clear", None),
    }
    assert standings(rt, tenant) == in_order
    assert start(rt) == tenant
    assert standings(rt, tenant) == in_order


def test_a_start_mends_what_is_missing_and_keeps_what_was_decided(rt: ClockedRuntime) -> None:
    tenant = start(rt)
    fleet.add(rt, tenant, [SenderRequest(address="+12125550100")])
    first = rt.senders_of(tenant.id).names["+12025550100"]
    sender_changes.change(rt, tenant, first, SenderPatch(campaign=None))
    registration.put_brand(rt, tenant, Brand("development", BrandStatus.SUSPENDED))
    start(rt)
    assert standings(rt, tenant) == {
        "+12025550100": ("brand_suspended", "development"),
        "+13035550100": ("brand_suspended", "development"),
        "+5511955550100": ("clear", None),
        "+12125550100": ("campaign_not_verified", None),  # added by hand, so registered by hand
    }
