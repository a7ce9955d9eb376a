"""What may not stand in a text, and what a first marketing message must say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.compliance import content
from messaging.domain.compliance.content import (
    REGULATED,
    content_problem,
    first_marketing,
    flash_problem,
    has_opt_out,
    identified,
)
from messaging.domain.compliance.regulated import Rule
from messaging.domain.compliance.verdicts import Reason

EVERYTHING = frozenset(REGULATED)


@pytest.mark.parametrize(
    ("kind", "country", "expected"),
    [
        ("alcohol", "US", Rule.AGE_GATED),
        ("alcohol", "BR", Rule.DECLARED),
        ("tobacco", "US", Rule.AGE_GATED),
        ("tobacco", "BR", Rule.PROHIBITED),
        ("tobacco", "GB", Rule.PROHIBITED),
        ("firearms", "BR", Rule.PROHIBITED),
        ("sex", "US", Rule.PROHIBITED),
        ("hate", "NZ", Rule.PROHIBITED),
        ("cannabis", "US", Rule.PROHIBITED),
        ("gambling", "US", Rule.PROHIBITED),
        ("gambling", "BR", Rule.DECLARED),
        ("payday_loans", "CA", Rule.PROHIBITED),
        ("crypto", "BR", Rule.DECLARED),
    ],
)
def test_regulated_content_needs_what_its_country_says(
    kind: str, country: str, expected: Rule
) -> None:
    declared = frozenset({kind})
    permitted = {
        Rule.PROHIBITED: set(),
        Rule.AGE_GATED: {(True, True)},
        Rule.DECLARED: {(True, True), (True, False)},
    }[expected]
    found = {
        (told, gated)
        for told in (True, False)
        for gated in (True, False)
        if content_problem(kind, country, declared if told else frozenset(), age_gated=gated)
        is None
    }
    assert found == permitted


def test_cannabis_never_goes_to_the_us() -> None:
    assert content_problem("cannabis", "US", EVERYTHING, age_gated=True) == (
        "Messages about cannabis and CBD may not be sent to US."
    )


def test_what_is_missing_is_said() -> None:
    said = content_problem("alcohol", "US", frozenset(), age_gated=True) or ""
    assert "declare alcohol" in said
    said = content_problem("alcohol", "US", EVERYTHING, age_gated=False) or ""
    assert "age-gated" in said


def test_ordinary_content_is_no_problem_and_unknown_content_is() -> None:
    assert content_problem(None, "US", frozenset(), age_gated=False) is None
    said = content_problem("alchohol", "US", EVERYTHING, age_gated=True) or ""
    assert "alcohol" in said
    assert "alchohol" not in said


@pytest.mark.parametrize(
    ("body", "brand", "expected"),
    [
        ("Acme: 20% off", "Acme", True),
        ("ACME: 20% off", "Acme", True),
        ("20% off at Acme today", "Acme", True),
        ("Promoção da Padaria Pão Doce", "padaria pao doce", True),
        ("Padaria\u00a0Pa\u0303o\nDoce hoje", "Padaria Pão Doce", True),
        ("[Yahoo!] hello", "Yahoo!", True),
        ("Acmeology is not it", "Acme", False),
        ("x" * 36 + "Acme", "Acme", False),
        ("x" * 35 + " Acme", "Acme", True),
        ("x" * 36 + " Acme", "Acme", False),
        ("20% off everything", "Acme", False),
        ("20% off everything", "", True),
    ],
)
def test_identified(body: str, brand: str, expected: bool) -> None:
    assert identified(body, brand) is expected


@pytest.mark.parametrize(
    "body",
    [
        "Reply STOP to cancel",
        "reply stop to opt out",
        "Reply “STOP” to end",
        "Txt STOP to end",
        "HELP for help, STOP to cancel",
        "STOP=end",
        "Opt out: STOP",
        "Responda SAIR para sair",
        "Responda com SAIR",
        "Envie PARAR",
        "SAIR p/ sair",
        "Para sair: SAIR",
        "Envie SAIR para 27000",
        "STOP au 36180",
        "Répondez ARRÊT pour vous désabonner",
        "Responde BAJA para cancelar",
    ],
)
def test_opt_out_wording(body: str) -> None:
    assert has_opt_out(f"Acme: 20% off. {body}")


@pytest.mark.parametrize(
    "body",
    [
        "stop2quit",
        "Stop by our store",
        "Don't STOP now",
        "NONSTOP to Paris",
        "Can't stop to smell the roses",
        "BAJA de precios",
        "Sair de casa ficou caro",
        "Cancel anytime",
        "Text us to end your day well",
        "",
    ],
)
def test_no_opt_out_wording(body: str) -> None:
    assert not has_opt_out(body)


NOTICE = "Reply STOP to opt out"


@pytest.mark.parametrize(
    ("body", "brand", "notice", "expected"),
    [
        ("20% off", "Acme", NOTICE, "Acme: 20% off Reply STOP to opt out"),
        ("20% off\n", "Acme", NOTICE, "Acme: 20% off Reply STOP to opt out"),
        ("Acme 20% off", "Acme", NOTICE, "Acme 20% off Reply STOP to opt out"),
        ("20% off. SAIR p/ sair", "Acme", NOTICE, "Acme: 20% off. SAIR p/ sair"),
        ("Acme: SAIR p/ sair", "Acme", NOTICE, "Acme: SAIR p/ sair"),
        ("20% off", "", NOTICE, "20% off Reply STOP to opt out"),
        ("20% off", "Acme", "", "Acme: 20% off"),
        ("20% off", "Acme", "Só até hoje", "Acme: 20% off Só até hoje"),
    ],
)
def test_first_marketing(body: str, brand: str, notice: str, expected: str) -> None:
    assert first_marketing(body, brand, notice) == expected
    assert first_marketing(expected, brand, notice) == expected


@given(st.text(), st.text(max_size=content.BRAND_WITHIN), st.text(max_size=160))
def test_a_first_marketing_text_is_completed_once(body: str, brand: str, notice: str) -> None:
    once = first_marketing(body, brand, notice)
    assert first_marketing(once, brand, notice) == once
    assert identified(once, brand)


@pytest.mark.parametrize(
    ("body", "segments", "expected"),
    [
        ("Doors open at six", 1, None),
        ("It costs 3.50, e.g. now", 1, None),
        ("see example.com", 1, Reason.FLASH_URL_FORBIDDEN),
        ("see example.com", 2, Reason.FLASH_URL_FORBIDDEN),
        ("Doors open at six", 2, Reason.FLASH_TOO_LONG),
    ],
)
def test_flash(body: str, segments: int, expected: Reason | None) -> None:
    assert flash_problem(body, segments) is expected
