"""LigueLead's document, word for word, against the application."""

from __future__ import annotations

import httpx
import pytest
import sqlalchemy as sa

from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.facades.liguelead_calls import ACCEPTED_AT, EXAMPLE, TEXT, UUID4ISH, lead, looked_up

__all__ = ["lead"]

_LINK = "message: SMS Flash messages do not allow sending links (URLs); leave them out"


def test_the_documented_example_gets_the_documented_answer(lead: httpx.Client) -> None:
    answer = lead.post("/v1/sms", content=EXAMPLE)
    assert answer.status_code == 202, answer.text
    body = answer.json()
    data = body["data"]
    assert body == {"message": "SMS accepted successfully", "data": data}
    assert list(data) == ["campaign_id", "accepted_at"]
    assert UUID4ISH.fullmatch(data["campaign_id"])
    assert ACCEPTED_AT.fullmatch(data["accepted_at"])
    found = looked_up(lead, answer)
    message_id = found["phones"][0]["message_id"]
    assert found == {
        "campaign_id": data["campaign_id"],
        "title": "Welcome Campaign",
        "group_id": "optional-group-id",
        "accepted_at": data["accepted_at"],
        "total": 2,
        "counts": {"queued": 1, "rejected": 1},
        "phones": [
            {
                "phone": "+5511999999999",
                "status": "queued",
                "reason": None,
                "message_id": message_id,
            },
            {
                "phone": "11888888888",
                "status": "rejected",
                "reason": "invalid_phone_format",
                "message_id": None,
            },
        ],
    }


def test_its_messages_are_messages_like_others(http: httpx.Client, lead: httpx.Client) -> None:
    answer = lead.post("/v1/sms", content=EXAMPLE)
    (message,) = http.get("/v1/messages").json()["data"]
    campaign_id = answer.json()["data"]["campaign_id"]
    expected = {
        "to": "+5511999999999",
        "body": "Welcome to LigueLead! Thank you for joining us.",
        "campaign": f"Welcome Campaign {campaign_id}",
        "source": "optional-group-id",
        "metadata": {"title": "Welcome Campaign", "group_id": "optional-group-id"},
        "flash": False,
    }
    assert expected.items() <= message.items()


FORMATS = [
    ("11999999999", "+5511999999999"),
    ("21999999999", "+5521999999999"),
    ("61999999999", "+5561999999999"),
    ("31999999999", "+5531999999999"),
    ("+5511999999999", "+5511999999999"),
    ("+5521999999999", "+5521999999999"),
    ("+5561999999999", "+5561999999999"),
    ("5511999999999", "+5511999999999"),
    ("5521999999999", "+5521999999999"),
    ("5561999999999", "+5561999999999"),
    (11999999999, "+5511999999999"),
    ("(11) 99999-9999", "+5511999999999"),
    # Area code 55 (Santa Maria): eleven digits are national, thirteen have the country before them.
    ("55999999999", "+5555999999999"),
    ("5555999999999", "+5555999999999"),
]


@pytest.mark.parametrize(("written", "number"), FORMATS)
def test_every_documented_format_is_read(
    lead: httpx.Client, written: str | int, number: str
) -> None:
    found = looked_up(lead, lead.post("/v1/sms", json=TEXT | {"phones": [written]}))
    assert [one["phone"] for one in found["phones"]] == [number]


def test_a_number_in_several_formats_gets_one_message(
    http: httpx.Client, lead: httpx.Client
) -> None:
    phones = ["11999999999", "+5511999999999", "5511999999999", "bad", "bad", "11999999999"]
    found = looked_up(lead, lead.post("/v1/sms", json=TEXT | {"phones": phones}))
    assert (found["total"], found["counts"]) == (2, {"queued": 1, "rejected": 1})
    assert len(http.get("/v1/messages").json()["data"]) == 1


def test_160_characters_fit(lead: httpx.Client) -> None:
    for message in ("a" * 160, "ã" * 160):
        assert lead.post("/v1/sms", json=TEXT | {"message": message}).status_code == 202


def test_flash_goes_where_it_is_offered_and_takes_no_link(
    http: httpx.Client, lead: httpx.Client, rt: Runtime, caller: Caller
) -> None:
    with rt.engine.begin() as db:
        values = {"id": caller.account.id}
        db.execute(
            sa.text("UPDATE provider_accounts SET provider = 'vonage_sms' WHERE id = :id"), values
        )
    rt._directory.clear()
    answer = lead.post("/v1/sms", json=TEXT | {"is_flash": True})
    assert answer.status_code == 202, answer.text
    (message,) = http.get("/v1/messages").json()["data"]
    assert message["flash"] is True
    kept = f"/v1/campaigns/{answer.json()['data']['campaign_id']}"
    assert http.get(kept).json()["flash"] is True
    linked = TEXT | {"is_flash": True, "message": "Veja https://example.com/oferta"}
    refused = lead.post("/v1/sms", json=linked)
    assert refused.status_code == 422
    assert refused.json()["error"]["details"] == [_LINK]
    assert lead.post("/v1/sms", json=linked | {"is_flash": False}).status_code == 202


def test_any_content_type_will_do(lead: httpx.Client) -> None:
    answer = lead.post("/v1/sms", content=EXAMPLE, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 202


def test_nobody_sees_the_campaign_of_another(
    lead: httpx.Client, anonymous: httpx.Client, stranger: Caller
) -> None:
    campaign_id = lead.post("/v1/sms", json=TEXT).json()["data"]["campaign_id"]
    headers = {"api-token": stranger.key, "app-id": stranger.tenant.name}
    theirs = anonymous.get(f"/liguelead/v1/sms/{campaign_id}", headers=headers)
    nobodys = anonymous.get(
        "/liguelead/v1/sms/3b4f7c5e-7e2d-4157-b542-5eb2155455c5", headers=headers
    )
    assert (theirs.status_code, theirs.content) == (404, nobodys.content)


def test_who_opted_out_is_counted_and_not_written_to(
    http: httpx.Client, lead: httpx.Client
) -> None:
    assert http.post("/v1/suppressions", json={"to": "+5521999999999"}).is_success
    phones = ["11999999999", "21999999999"]
    found = looked_up(lead, lead.post("/v1/sms", json=TEXT | {"phones": phones}))
    assert found["counts"] == {"opted_out": 1, "queued": 1}
    assert [one["reason"] for one in found["phones"]] == [None, "opted_out"]


def test_a_repeated_key_answers_with_the_same_campaign(
    http: httpx.Client, lead: httpx.Client
) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = lead.post("/v1/sms", content=EXAMPLE, headers=key)
    again = lead.post("/v1/sms", content=EXAMPLE, headers=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(http.get("/v1/messages").json()["data"]) == 1
    other = lead.post("/v1/sms", json=TEXT, headers=key)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_the_same_title_is_another_campaign(lead: httpx.Client) -> None:
    ids = {lead.post("/v1/sms", json=TEXT).json()["data"]["campaign_id"] for _ in range(2)}
    assert len(ids) == 2


def test_a_list_of_ten_thousand_is_one_request(lead: httpx.Client) -> None:
    phones = [f"119{n:08d}" for n in range(99_000_000, 99_010_000)]
    found = looked_up(lead, lead.post("/v1/sms", json=TEXT | {"phones": phones}))
    assert (found["total"], found["counts"]) == (10_000, {"queued": 10_000})
    more = lead.post("/v1/sms", json=TEXT | {"phones": [*phones, "11999999999"]})
    assert more.status_code == 422
    assert more.json()["error"]["details"] == [
        "phones: a campaign takes at most 10000 numbers here; split it"
    ]
