"""What in a text is a link, a public shortener or a phone number, and what only looks like one."""

# ruff: noqa: RUF001 - characters that are drawn alike are what these tables are about

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.compliance.content import SHORTENERS, links, phone_numbers, shortener

HOSTS = [
    ("bit.ly/x", ["bit.ly"]),
    ("BIT.LY/x", ["bit.ly"]),
    ("https://bit.ly.evil.com", ["bit.ly.evil.com"]),
    ("example.com.", ["example.com"]),
    ("See example.com, or example.org!", ["example.com", "example.org"]),
    ("(example.com/x) “example.com/y” *example.com*", ["example.com"]),
    ("veja:acme.com.br/oferta?x=1", ["acme.com.br"]),
    ("Example.Com", ["example.com"]),
    ("www.acme.shopping", ["www.acme.shopping"]),
    ("a.b-c.example.co.uk:8080/x", ["a.b-c.example.co.uk"]),
    # A scheme makes anything a host, and the host is what stands before the path.
    ("http://localhost/x", ["localhost"]),
    ("http://192.0.2.1:80/x", ["192.0.2.1"]),
    ("192.0.2.1/x", ["192.0.2.1"]),
    ("http://[2001:db8::1]/x", ["[2001:db8::1]"]),
    ("HTTPS://Intranet/x", ["intranet"]),
    ("whatsapp://send?text=x", ["send"]),
    ("https://bit.ly@example.com/x", ["example.com"]),
    ("https://user:pass@bit.ly:443/x", ["bit.ly"]),
    ("https://example.com\\@bit.ly", ["example.com"]),
    ("https://example.com?u=bit.ly", ["example.com"]),
    ("https://example.com#bit.ly", ["example.com"]),
    # Other scripts, other widths, no width.
    ("bıt.ly", ["bıt.ly"]),
    ("ｂｉｔ．ｌｙ", ["bit.ly"]),
    ("bit。ly/x", ["bit.ly"]),
    ("b\u200bi\u2060t.\u00adly/x", ["bit.ly"]),
    ("münchen.de", ["münchen.de"]),
    ("пример.рф", ["пример.рф"]),
    ("xn--mnchen-3ya.de", ["xn--mnchen-3ya.de"]),
    ("example.xn--p1ai", ["example.xn--p1ai"]),
    # Broken into lines it is read as it stands and put together.
    ("https://\nexample.com/x", ["example.com"]),
    ("https://exam\nple.com/x", ["exam", "ple.com", "example.com"]),
    ("bit.\nly/x", ["bit.ly"]),
    ("bit\r\n.ly/x", ["bit.ly"]),
    ("https://example.com\nObrigado", ["example.com"]),
    # Links beside addresses of e-mail.
    ("write to a@b.com or see b.com", ["b.com"]),
]


@pytest.mark.parametrize(("text", "hosts"), HOSTS, ids=[ascii(text) for text, _ in HOSTS])
def test_links(text: str, hosts: list[str]) -> None:
    assert links(text) == hosts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "3.50",
        "R$ 1.234,56",
        "$3.50/day",
        "e.g.",
        "i.e. p.m. U.S.",
        "a@b.com",
        "joao.me+promo@acme.com.br",
        "mailto:a@b.com",
        "12:30",
        "12.30",
        "v1.2.3",
        "10.20.30.40",
        "24/7",
        "and/or",
        "fim.Obrigado",
        "Chega hoje.Com amor",
        "Chega hoje.\nCom amor",
        "tudo por 5.no site",
        "at 10.am",
        "wait...what",
        "bit..ly",
        "bit. ly",
        ".com",
        "Dr.Silva",
        "1//2",
        "http://",
        "fim。",
    ],
)
def test_no_links(text: str) -> None:
    assert links(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bit.ly/x", "bit.ly"),
        ("BIT.LY/x", "bit.ly"),
        ("Bit.Ly", "bit.ly"),
        ("http://bit.ly", "bit.ly"),
        ("www.bit.ly/x", "bit.ly"),
        ("bit.ly./x", "bit.ly"),
        ("acme.short.io/x", "short.io"),
        ("bıt.ly/x", "bit.ly"),
        ("bіt.lу/x", "bit.ly"),
        ("ВІТ.LY/x", "bit.ly"),
        ("bi\u0307t.ly/x", "bit.ly"),
        ("bít.ly/x", "bit.ly"),
        ("xn--bt-hpa.ly/x", "bit.ly"),
        ("b\u200bit.ly/x", "bit.ly"),
        ("https://bi\nt.ly/x", "bit.ly"),
        ("https://example.com@t.co/x", "t.co"),
        ("see example.com or tinyurl.com/x", "tinyurl.com"),
        ("https://bit.ly.evil.com", None),
        ("https://bit.ly@example.com", None),
        ("notbit.ly", None),
        ("at.co", None),
        ("example.com/bit.ly", None),
        ("example.com:80/bit.ly", None),
        ("example.com:bit.ly", "bit.ly"),
        ("xn--\u00e9.ly", None),
        ("me@bit.ly", None),
        ("bit ly", None),
    ],
)
def test_shortener(text: str, found: str | None) -> None:
    assert shortener(text) == found


@pytest.mark.parametrize("domain", sorted(SHORTENERS))
def test_each_shortener_is_seen(domain: str) -> None:
    assert shortener(f"Veja {domain}/abc") == domain
    assert shortener(f"Veja https://{domain.upper()}/abc") == domain
    assert shortener(f"Veja {domain}.example.com/abc") is None


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    hosts = links(text)
    assert len(set(hosts)) == len(hosts)
    assert all(host and host == host.lower() for host in hosts)
    assert (shortener(text) is None) or hosts


@given(st.text(st.characters(exclude_characters="./", codec="ascii")))
def test_without_a_dot_there_is_no_link(text: str) -> None:
    assert links(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "+12025550123",
        "tel:+1 202 555 0123",
        "(202) 555-0123",
        "202-555-0123",
        "Call 202.555.0123.",
        "1-202-555-0123",
        "call 2025550123",
        "Ligue 11 95555-0123",
        "(11) 5555-0123",
        "(11)955550123",
        "ligue para 5555-0123",
        "WhatsApp: 11955550123",
        "+55 (11) 95555-0123",
        "07700 900123",
        "+447700900123",
    ],
)
def test_a_phone_number_is_seen(text: str) -> None:
    assert phone_numbers(text)


@pytest.mark.parametrize(
    "text",
    [
        "no digits at all",
        "Your code is 123456",
        "code 12345678",
        "2025-12-31",
        "31/12/2025 10:00",
        "call by 2025-12-31",
        "call 2025-12-31 at 10",
        "R$ 1.234.567,89",
        "1,234,567.00",
        "Order 2025550123",
        "#2025550123",
        "CPF 123.456.789-09",
        "CNPJ 12.345.678/0001-95",
        "CEP 01310-100",
        "4111 1111 1111 1111",
        "23790.12345 60000.123456 78000.123456",
        "IP 192.168.100.200",
        "text STOP to 12345",
        "100 200 300",
    ],
)
def test_other_numbers_are_none(text: str) -> None:
    assert not phone_numbers(text)
