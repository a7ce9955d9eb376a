"""Where we post and where we do not: readings of a URL, addresses of every kind, ports."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.callback_url import Refusal, Target, is_public, read, refusal

PLAIN = [
    ("https://hooks.example.com", ("https", "hooks.example.com", 443, "/")),
    ("https://Hooks.Example.COM/a/b?c=d&e=%20", ("https", "hooks.example.com", 443, "/a/b?c=d&e=%20")),
    ("https://example.com?x=1", ("https", "example.com", 443, "/?x=1")),
    ("https://example.com:8443/", ("https", "example.com", 8443, "/")),
    ("http://127.0.0.1:4000/x", ("http", "127.0.0.1", 4000, "/x")),
    ("https://[2606:4700::1111]/x", ("https", "2606:4700::1111", 443, "/x")),
    ("https://xn--bcher-kva.example/", ("https", "xn--bcher-kva.example", 443, "/")),
    ("https://localhost/", ("https", "localhost", 443, "/")),
    ("https://example.com/@user:x", ("https", "example.com", 443, "/@user:x")),
]  # fmt: skip


@pytest.mark.parametrize(("url", "parts"), PLAIN)
def test_a_plain_url_is_read(url: str, parts: tuple[str, str, int, str]) -> None:
    target = read(url)
    assert target == Target(*parts)
    assert read(target.url) == target


ODD = [
    ("", "not_a_url"),
    ("example.com", "not_a_url"),
    ("ftp://example.com/", "not_a_url"),
    ("file:///etc/passwd", "not_a_url"),
    ("gopher://example.com/", "not_a_url"),
    ("HTTPS://example.com/", "not_a_url"),
    ("https:///path", "not_a_url"),
    ("https://", "not_a_url"),
    ("//example.com/", "not_a_url"),
    ("https://user@example.com/", "user_in_url"),
    ("https://user:pass@example.com/", "user_in_url"),
    ("https://example.com@10.0.0.1/", "user_in_url"),
    ("https://example.com\\@10.0.0.1/", "user_in_url"),
    ("https://example.com\\.evil.example/", "not_a_url"),
    ("https://example.com#@10.0.0.1/", "user_in_url"),
    ("https://example.com/#fragment", "not_a_url"),
    ("https://example.com/a b", "not_a_url"),
    ("https://example.com/\r\nX: y", "not_a_url"),
    ("https://example.com/\t", "not_a_url"),
    ("https://example.com/\x00", "not_a_url"),
    (" https://example.com/", "not_a_url"),
    ("https://example.com/\n", "not_a_url"),
    ("https://example.com:0/", "not_a_url"),
    ("https://example.com:65536/", "not_a_url"),
    ("https://example.com:/", "not_a_url"),
    ("https://example.com:+443/", "not_a_url"),
    ("https://bücher.example/", "not_a_url"),
    ("https://example。com/", "not_a_url"),
    ("https://127。0。0。1/", "not_a_url"),
    ("https://①②⑦.0.0.1/", "not_a_url"),
    ("https://2130706433/", "not_a_url"),
    ("https://0x7f000001/", "not_a_url"),
    ("https://0x7f.0.0.1/", "not_a_url"),
    ("https://0177.0.0.1/", "not_a_url"),
    ("https://127.1/", "not_a_url"),
    ("https://127.0.0.1./", "not_a_url"),
    ("https://1.2.3.4.5/", "not_a_url"),
    ("https://example.0x7f/", "not_a_url"),
    ("https://a..b/", "not_a_url"),
    ("https://example.com./", "not_a_url"),
    ("https://-a.example/", "not_a_url"),
    ("https://[127.0.0.1]/", "not_a_url"),
    ("https://[::1/", "not_a_url"),
    ("https://[fe80::1%25eth0]/", "not_a_url"),
    ("https://[v1.x]/", "not_a_url"),
    ("https://" + "a" * 64 + ".example/", "not_a_url"),
    ("https://" + "a." * 130 + "example/", "not_a_url"),
    ("https://example.com/" + "a" * 2048, "too_long"),
]


@pytest.mark.parametrize(("url", "code"), ODD)
def test_what_could_be_read_in_another_way_is_refused(url: str, code: str) -> None:
    found = read(url)
    assert isinstance(found, Refusal)
    assert found.code == code


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading(text: str) -> None:
    found = read(text)
    assert isinstance(found, Refusal) or read(found.url) == found


NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255",
    "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::8.8.8.8",
    "64:ff9b:1::10.0.0.1", "64:ff9b:1:ffff::1", "100::1", "2001::1", "2001:0:4136:e378::1",
    "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1",
    "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1",
    "128.0.0.1", "168.63.129.15", "172.15.255.255", "172.32.0.1", "192.0.3.1", "192.167.1.1",
    "198.17.255.255", "198.20.0.1", "223.255.255.255", "2001:200::1", "2001:4860:4860::8888",
    "2606:4700::1111", "2a00:1450:4001::1", "2003::1",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_address_of_a_network_of_its_own_is_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses())
def test_the_list_refuses_whatever_the_standard_library_calls_not_global(
    address: IPv4Address | IPv6Address,
) -> None:
    assert not is_public(address) or (address.is_global and not address.is_multicast)


LOOPBACK = (ip_network("127.0.0.0/8"),)
GOOD, BAD, OURS = "8.8.8.8", "10.0.0.1", "127.0.0.1"
VERDICTS = [
    # URL, addresses, networks of ours, what is wrong
    ("https://a.example/", [GOOD], (), None),
    ("https://a.example:8443/", [GOOD, "2606:4700::1111"], (), None),
    ("https://a.example/", [], (), "unknown_host"),
    ("https://a.example/", [BAD], (), "not_public"),
    ("https://a.example/", [GOOD, BAD], (), "not_public"),
    ("https://a.example/", [GOOD, "64:ff9b::a00:1"], (), "not_public"),
    ("https://a.example/", [BAD], LOOPBACK, "not_public"),
    ("https://a.example/", ["::ffff:127.0.0.1"], LOOPBACK, "not_public"),
    ("http://a.example/", [GOOD], (), "not_https"),
    ("http://a.example/", [GOOD], LOOPBACK, "not_https"),
    ("https://a.example:22/", [GOOD], (), "port_not_allowed"),
    ("https://a.example:6379/", [GOOD], (), "port_not_allowed"),
    ("http://a.example:6379/", [OURS], (), "not_public"),
    ("http://a.example:6379/", [OURS], LOOPBACK, None),
    ("https://a.example/", [OURS, GOOD], LOOPBACK, None),
    # One address elsewhere, and it is the Internet's rules again.
    ("http://a.example/", [OURS, GOOD], LOOPBACK, "not_https"),
    ("https://a.example:22/", [OURS, GOOD], LOOPBACK, "port_not_allowed"),
]


@pytest.mark.parametrize(("url", "addresses", "networks", "code"), VERDICTS)
def test_every_address_behind_a_name_counts(
    url: str, addresses: list[str], networks: tuple[object, ...], code: str | None
) -> None:
    target = read(url)
    assert isinstance(target, Target)
    found = refusal(target, [ip_address(a) for a in addresses], networks)  # type: ignore[arg-type]
    assert (found.code if found else None) == code
