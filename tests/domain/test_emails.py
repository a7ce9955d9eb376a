"""One spelling for every e-mail address, and one key for every person."""

from __future__ import annotations

import pytest

from messaging.domain import addresses
from messaging.domain.addresses import AddressProblem, mask
from messaging.domain.emails import normalise
from messaging.domain.message import Channel
from messaging.domain.recipients import address_of


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("ana@example.com", "ana@example.com"),
        (" ana@example.com\t", "ana@example.com"),
        ("Ana.Silva+spring@EXAMPLE.Com", "Ana.Silva+spring@example.com"),
        ("ana@bücher.example.com", "ana@xn--bcher-kva.example.com"),
        ("ana@xn--bcher-kva.example.com", "ana@xn--bcher-kva.example.com"),
        ("ana@\uff45xample.com", "ana@example.com"),
        ("o'hara!#$%&*/=?^_`{|}~-@example.com", "o'hara!#$%&*/=?^_`{|}~-@example.com"),
    ],
)
def test_an_address_has_one_spelling(raw: str, address: str) -> None:
    assert normalise(raw) == address
    assert normalise(address) == address


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "not_an_email"),
        ("ana", "not_an_email"),
        ("ana@", "not_an_email"),
        ("@example.com", "not_an_email"),
        ("ana@localhost", "not_an_email"),
        ("ana@example", "not_an_email"),
        ("ana@[127.0.0.1]", "not_an_email"),
        ("ana@example.com.", "not_an_email"),
        ("ana@example..com", "not_an_email"),
        ("a..b@example.com", "not_an_email"),
        (".ana@example.com", "not_an_email"),
        ("Ana <ana@example.com>", "not_an_email"),
        ('"a b"@example.com', "not_an_email"),
        ("ana silva@example.com", "not_an_email"),
        ("ana@example.com\n", "not_an_email"),
        ("ana@example.com\r\nBcc: all@example.net", "several_addresses"),
        ("ana@example.com, bo@example.com", "several_addresses"),
        ("a@b@example.com", "several_addresses"),
        ("ana@exam\u200bple.com", "not_an_email"),
        ("a\0na@example.com", "not_an_email"),
        ("josé@example.com", "not_ascii"),
        ("a" * 65 + "@example.com", "not_an_email"),
        ("ana@" + "a." * 150 + "com", "too_long"),
        ("\ud800@example.com", "not_ascii"),
        ("ana@\ud800.com", "not_an_email"),
    ],
)
def test_what_is_no_address(raw: str, code: str) -> None:
    found = normalise(raw)
    assert isinstance(found, AddressProblem)
    assert found.code == code


def test_case_makes_no_other_person() -> None:
    one, other = (
        addresses.key(b"pepper", "email", f"{name}@example.com") for name in ("Ana", "ana")
    )
    assert one == other
    assert one != addresses.key(b"pepper", "instagram_dm", "ana@example.com")


@pytest.mark.parametrize(
    ("channel", "raw", "address"),
    [
        (Channel.SMS, "(202) 555-0123", "+12025550123"),
        (Channel.MMS, "2025550123", "+12025550123"),
        (Channel.EMAIL, "Ana@Example.com", "Ana@example.com"),
        (Channel.INSTAGRAM_DM, " 17841400000000001 ", "17841400000000001"),
    ],
)
def test_each_channel_reads_its_own(channel: Channel, raw: str, address: str) -> None:
    assert address_of(channel, raw, "US") == address
    others = [c for c in Channel if c.by_phone != channel.by_phone]
    assert all(
        address_of(other, address, "US") != address for other in others if other is not channel
    )


def test_an_address_is_shown_masked() -> None:
    assert mask("ana@example.com") == "a•••"
