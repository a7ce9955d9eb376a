"""Do our tables of error codes say what the providers' dictionaries say, code by code?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from messaging.domain.failures import Failover, Failure, Kind
from messaging.domain.lifecycle import Status
from messaging.providers import (
    PROVIDERS,
    telnyx_errors,
    twilio_errors,
    vonage_errors,
    vonage_sms_errors,
)

TABLES: Mapping[tuple[str, str], Mapping[str, Failure]] = {
    ("twilio", "sync"): twilio_errors.SYNC,
    ("twilio", "async"): twilio_errors.ASYNC,
    ("telnyx", "sync"): telnyx_errors.SYNC,
    ("telnyx", "async"): telnyx_errors.ASYNC,
    ("vonage_messages", "sync"): vonage_errors.SYNC,
    ("vonage_messages", "async"): vonage_errors.ASYNC,
    ("vonage_sms", "sync"): vonage_sms_errors.SYNC,
    ("vonage_sms", "async"): vonage_sms_errors.ASYNC,
}


def _vonage_reply(code: str) -> str:
    """`422 #1100` is looked up as `#1100`, and what is decided by its status as `http_429`."""
    status, _, rest = code.partition(" ")
    if status != "422":
        return f"http_{status}"
    return {"'Invalid recipient'": "#recipient", "invalid-json": "#invalid-json"}.get(rest, rest)


NAMES: Mapping[tuple[str, str], Callable[[str], str]] = {
    ("vonage_messages", "sync"): _vonage_reply,
    ("vonage_sms", "async"): lambda code: f"dlr-{code}",
}
CLASSES = next(Path(__file__).parents[3].glob("*/vectors/error_classes.json"), None)
_ROWS: list[dict[str, Any]] = json.loads(CLASSES.read_text())["rows"] if CLASSES else []
ROWS = [
    pytest.param(row, id=f"{row['provider']} {row['phase']} {row['code']}")
    for row in _ROWS
    if (row["provider"], row["phase"]) in TABLES and row["cls"] in set(Kind)
]


@pytest.mark.skipif(CLASSES is None, reason="the classes are not beside the repository")
@pytest.mark.parametrize("row", ROWS)
def test_every_row_of_the_dictionaries(row: dict[str, Any]) -> None:
    where = (row["provider"], row["phase"])
    code = NAMES.get(where, str)(row["code"])
    failure = TABLES[where].get(code)
    assert failure is not None
    assert failure.code == code
    assert (failure.kind, failure.status) == (Kind(row["cls"]), Status(row["lifecycle"]))
    assert failure.failover is Failover(row["failover"])
    assert failure.suppress is (row["suppress"] == "opt_out")


@pytest.mark.skipif(CLASSES is None, reason="the classes are not beside the repository")
def test_no_table_has_a_row_of_its_own() -> None:
    listed: dict[tuple[str, str], set[str]] = {where: set() for where in TABLES}
    for row in _ROWS:
        where = (row["provider"], row["phase"])
        if where in TABLES:
            listed[where].add(NAMES.get(where, str)(row["code"]))
    ours = {where: set(table) - listed[where] for where, table in TABLES.items()}
    assert {where: codes for where, codes in ours.items() if codes} == {
        # In a note beside 20014; and codes that may come in the other phase, too.
        ("telnyx", "sync"): {"20016", "20017"},
        ("twilio", "sync"): {"30032", "30033", "30034", "30035"},
        ("twilio", "async"): {"21610"},
    }


# provider, phase, code, kind, status, failover: what must never change by accident
IMPORTANT = """
telnyx sync 10002 permanent_recipient undeliverable none
telnyx sync 10007 ambiguous failed none
telnyx sync 10008 ambiguous failed none
telnyx sync 10009 permanent_config failed none
telnyx sync 10011 rate_limited failed other_provider
telnyx sync 10037 transient_retry failed other_provider
telnyx sync 20012 permanent_config blocked_billing other_provider
telnyx sync 20100 permanent_config blocked_billing other_provider
telnyx sync 40300 opted_out opted_out none
telnyx sync 40309 permanent_config failed other_provider
telnyx sync 40310 permanent_recipient undeliverable none
telnyx sync 40318 rate_limited failed other_sender
telnyx sync 40321 permanent_sender failed other_provider
telnyx sync 40322 permanent_sender blocked_compliance none
telnyx sync 40333 permanent_config blocked_billing other_provider
telnyx async 40001 permanent_recipient undeliverable none
telnyx async 40002 permanent_sender undeliverable none
telnyx async 40008 transient_retry undeliverable other_provider
telnyx async 40010 permanent_sender blocked_missing_campaign other_sender
telnyx async 40015 permanent_sender undeliverable none
telnyx async 40016 rate_limited failed none
telnyx async 40017 permanent_sender undeliverable none
telnyx async 40019 permanent_sender blocked_missing_campaign other_sender
telnyx async 40300 opted_out opted_out none
telnyx async 40329 permanent_sender blocked_missing_campaign other_sender
telnyx async 40330 permanent_sender blocked_missing_campaign other_sender
vonage_messages sync http_402 permanent_config blocked_billing other_provider
vonage_messages sync http_429 rate_limited failed other_provider
vonage_messages sync http_500 ambiguous failed none
vonage_messages sync #1060 permanent_config failed none
vonage_messages sync #1120 permanent_sender failed other_sender
vonage_messages sync #recipient permanent_recipient undeliverable none
vonage_messages async 1060 permanent_config failed other_provider
vonage_messages async 1070 permanent_config blocked_billing other_provider
vonage_messages async 1170 permanent_recipient undeliverable none
vonage_messages async 1210 permanent_sender undeliverable none
vonage_messages async 1240 opted_out opted_out none
vonage_messages async 1320 ambiguous failed none
vonage_sms sync 1 rate_limited failed other_sender
vonage_sms sync 4 permanent_config failed none
vonage_sms sync 5 transient_retry failed other_provider
vonage_sms sync 9 permanent_config blocked_billing other_provider
vonage_sms sync 15 permanent_sender failed other_sender
vonage_sms sync 33 permanent_recipient undeliverable none
vonage_sms async dlr-6 permanent_sender undeliverable none
vonage_sms async dlr-9 opted_out opted_out none
vonage_sms async dlr-53 opted_out blocked_compliance none
"""


@pytest.mark.parametrize("row", IMPORTANT.strip().splitlines())
def test_what_must_never_change_by_accident(row: str) -> None:
    provider, phase, code, kind, status, failover = row.split()
    failure = TABLES[provider, phase][code]
    assert (failure.kind, failure.status) == (Kind(kind), Status(status))
    assert failure.failover is Failover(failover)


def test_every_row_speaks_in_a_sentence_and_what_may_have_been_taken_never_fails_over() -> None:
    for table in TABLES.values():
        for failure in table.values():
            assert failure.detail[0].isupper()
            assert failure.detail.endswith(".")
            assert failure.kind is not Kind.AMBIGUOUS or failure.failover is Failover.NONE
            assert failure.suppress is (failure.status is Status.OPTED_OUT)


@pytest.mark.parametrize("name", ["telnyx", "twilio", "vonage", "vonage_sms"])
def test_no_code_means_two_things_to_a_provider(name: str) -> None:
    """Its sets of codes do not say whether a reply or a receipt is meant, so no code may differ."""
    tables = [table for (of, _), table in TABLES.items() if of.removesuffix("_messages") == name]
    for code in tables[0].keys() & tables[1].keys():
        assert tables[0][code].kind is tables[1][code].kind
    provider = PROVIDERS[name]
    codes = tables[0].keys() | tables[1].keys()
    assert provider.dead_numbers | provider.filtered | provider.daily_caps <= codes
    assert provider.lapses.keys() <= codes
