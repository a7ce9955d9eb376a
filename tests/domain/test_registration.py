"""Registrations: what kind of sender an address is, what its registrations come to, and where."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    RegistrationState,
    ReplyOwner,
    SenderKind,
    Standing,
    Verification,
    answers_unless_said,
    kind_of,
    overtakes,
    standing,
    standing_in,
)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("+12025550100", SenderKind.LONG_CODE),
        ("+16045550100", SenderKind.LONG_CODE),
        ("+18085550100", SenderKind.LONG_CODE),
        ("+18005550100", SenderKind.TOLL_FREE),
        ("+18335550100", SenderKind.TOLL_FREE),
        ("+18885550100", SenderKind.TOLL_FREE),
        ("+18225550100", SenderKind.LONG_CODE),
        ("+447700900100", SenderKind.INTERNATIONAL),
        ("+551195555010", SenderKind.INTERNATIONAL),
        ("+8005550100", SenderKind.INTERNATIONAL),
        ("50100", SenderKind.SHORT_CODE),
        ("501000", SenderKind.SHORT_CODE),
        ("Acme", SenderKind.ALPHANUMERIC),
        ("2Acme", SenderKind.ALPHANUMERIC),
    ],
)
def test_the_address_says_what_kind_a_sender_is(address: str, kind: SenderKind) -> None:
    assert kind_of(address) is kind


CLEAR_LONG_CODE = {
    (verification, BrandStatus.ACTIVE, CampaignStatus.VERIFIED)
    for verification in Verification
    if verification not in {Verification.SUSPENDED, Verification.REJECTED}
}


@pytest.mark.parametrize(
    ("verification", "brand", "campaign"),
    list(product(Verification, [None, *BrandStatus], [None, *CampaignStatus])),
)
def test_a_long_code_needs_a_verified_campaign_of_an_active_brand_and_its_own_place_on_it(
    verification: Verification, brand: BrandStatus | None, campaign: CampaignStatus | None
) -> None:
    got = standing(SenderKind.LONG_CODE, verification, brand, campaign)
    if brand is BrandStatus.SUSPENDED:
        assert got is Standing.BRAND_SUSPENDED
    elif (verification, brand, campaign) in CLEAR_LONG_CODE:
        assert got is Standing.CLEAR
    else:
        assert got is Standing.CAMPAIGN_NOT_VERIFIED


@pytest.mark.parametrize(
    ("verification", "brand"), list(product(Verification, [None, *BrandStatus]))
)
def test_a_toll_free_number_needs_a_verification_and_nothing_else(
    verification: Verification, brand: BrandStatus | None
) -> None:
    got = standing(SenderKind.TOLL_FREE, verification, brand, None)
    assert got is (
        Standing.CLEAR if verification is Verification.VERIFIED else Standing.TOLL_FREE_NOT_VERIFIED
    )


@pytest.mark.parametrize(
    "kind", [SenderKind.INTERNATIONAL, SenderKind.SHORT_CODE, SenderKind.ALPHANUMERIC]
)
@pytest.mark.parametrize("verification", Verification)
def test_every_other_kind_needs_nothing_of_us(kind: SenderKind, verification: Verification) -> None:
    assert standing(kind, verification, None, None) is Standing.CLEAR


ASKS = {
    "US": {SenderKind.LONG_CODE, SenderKind.TOLL_FREE},
    "PR": {SenderKind.LONG_CODE, SenderKind.TOLL_FREE},
    "VI": {SenderKind.LONG_CODE, SenderKind.TOLL_FREE},
    "GU": {SenderKind.LONG_CODE, SenderKind.TOLL_FREE},
    "AS": {SenderKind.LONG_CODE, SenderKind.TOLL_FREE},
    "CA": {SenderKind.TOLL_FREE},
    "MX": set[SenderKind](),
    "GB": set[SenderKind](),
    "JM": set[SenderKind](),
    "DO": set[SenderKind](),
}


@pytest.mark.parametrize(("country", "kind", "own"), list(product(ASKS, SenderKind, Standing)))
def test_a_country_asks_some_kinds_for_a_registration(
    country: str, kind: SenderKind, own: Standing
) -> None:
    expected = own if kind in ASKS[country] else Standing.CLEAR
    assert standing_in(country, kind, own) is expected


@pytest.mark.parametrize("kind", SenderKind)
def test_only_on_toll_free_numbers_the_network_answers_stop(kind: SenderKind) -> None:
    network = answers_unless_said(kind) is ReplyOwner.NETWORK
    assert network is (kind is SenderKind.TOLL_FREE)


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "minutes", "known", "overtaken"),
    [
        (CampaignStatus.VERIFIED, -60, CampaignStatus.PENDING, True),
        (CampaignStatus.PENDING, -60, CampaignStatus.VERIFIED, True),
        (CampaignStatus.SUSPENDED, -60, CampaignStatus.VERIFIED, True),
        (CampaignStatus.VERIFIED, 60, CampaignStatus.VERIFIED, False),
        (CampaignStatus.VERIFIED, -60, CampaignStatus.SUSPENDED, False),
        (CampaignStatus.VERIFIED, 0, CampaignStatus.SUSPENDED, False),
        (CampaignStatus.VERIFIED, 1, CampaignStatus.SUSPENDED, True),
        (CampaignStatus.FAILED, -60, CampaignStatus.SUSPENDED, False),
        (BrandStatus.ACTIVE, -60, BrandStatus.SUSPENDED, False),
        (BrandStatus.ACTIVE, -60, BrandStatus.FAILED, True),
        (Verification.VERIFIED, -60, Verification.SUSPENDED, False),
        (Verification.VERIFIED, 1, Verification.SUSPENDED, True),
        (Verification.REJECTED, -60, Verification.VERIFIED, True),
    ],
)
def test_a_providers_word_is_taken_over_but_an_older_one_lifts_no_suspension(
    said: RegistrationState, minutes: int, known: RegistrationState, overtaken: bool
) -> None:
    as_of = NOON + timedelta(minutes=minutes)
    assert overtakes(said, as_of, known, NOON) is overtaken
