"""LigueLead's own command, run in a shell against a running Posthorn and its workers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from messaging.sandbox import VONAGE_SMS_ACCOUNT
from tests.journeys.documents import LIGUELEAD, shell
from tests.journeys.household import Household, poll

pytestmark = pytest.mark.stack


@pytest.fixture
def here(posthorn: Household) -> str:
    """The document's command with a base URL, a key and a name of ours."""
    said = {
        "https://api.liguelead.com.br": f"{posthorn.address.url}/liguelead",
        "YOUR_API_TOKEN": posthorn.address.api_key or "",
        "YOUR_APP_ID": posthorn.address.tenant or "",
    }
    command = LIGUELEAD
    for theirs, ours in said.items():
        command = command.replace(theirs, ours)
    return command


def ended(posthorn: Household, campaign_id: str) -> Any:
    """What has become of a campaign's numbers, once none of them is under way."""
    headers = {
        "api-token": posthorn.address.api_key or "",
        "app-id": posthorn.address.tenant or "",
    }

    def there() -> Any:
        url = f"{posthorn.address.url}/liguelead/v1/sms/{campaign_id}"
        found = httpx.get(url, headers=headers, trust_env=False, timeout=30).json()["data"]
        return found if found["counts"].keys() <= {"delivered", "rejected"} else None

    return poll(there, "some are under way", 30.0)


def test_the_example_is_accepted_and_sent_to_who_has_a_number(
    posthorn: Household, here: str
) -> None:
    status, found = shell(here)
    assert (status, found["message"]) == (202, "SMS accepted successfully")
    assert found["data"].keys() == {"campaign_id", "accepted_at"}
    campaign = ended(posthorn, found["data"]["campaign_id"])
    assert (campaign["title"], campaign["group_id"]) == ("Welcome Campaign", "optional-group-id")
    assert {one["phone"]: (one["status"], one["reason"]) for one in campaign["phones"]} == {
        "+5511999999999": ("delivered", None),
        "11888888888": ("rejected", "invalid_phone_format"),
    }


def test_a_flash_message_goes_by_the_account_that_can_show_one(
    posthorn: Household, here: str
) -> None:
    flashed = here.replace('"group_id"', '"is_flash": true, "group_id"')
    status, found = shell(flashed)
    assert status == 202, found
    (sent, _) = ended(posthorn, found["data"]["campaign_id"])["phones"]
    assert posthorn.message(sent["message_id"])["flash"] is True
    assert carried(posthorn, sent["message_id"]) == VONAGE_SMS_ACCOUNT.sid


def carried(posthorn: Household, message_id: str) -> str:
    """The account at the carrier that took a message."""
    with httpx.Client(base_url=posthorn.address.sandbox_url or "", timeout=30) as sandbox:
        rows: list[Any] = []
        while page := sandbox.get(
            "/sandbox/ledger", params={"after": rows[-1]["index"] if rows else 0, "limit": 10_000}
        ).json():
            rows += page
    (mine,) = (row["account"] for row in rows if row["m"] == message_id)
    return str(mine)


def test_the_commands_own_credentials_are_refused_as_documented(
    posthorn: Household,
) -> None:
    theirs = LIGUELEAD.replace("https://api.liguelead.com.br", f"{posthorn.address.url}/liguelead")
    assert shell(theirs) == (
        401,
        {
            "message": "Authentication error",
            "error": {
                "code": "AUTHENTICATION_ERROR",
                "details": ["Verify api-token and app-id headers"],
            },
        },
    )
