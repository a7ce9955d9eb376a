"""What a person does at a terminal beside a running Posthorn."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.journeys.household import FREE_PORTS, Household, poll, program

pytestmark = pytest.mark.stack

TO = "+12125550123"


@pytest.mark.parametrize("door", ["environment", "over_http"])
def test_a_message_is_sent_delivered_and_explained(posthorn: Household, door: str) -> None:
    env: dict[str, str] = getattr(posthorn, door)
    done = program("send", TO, f"By {door}.", "--priority=high", "-o", "json", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    sent = json.loads(done.stdout)
    assert sent["status"] == "queued"
    found = posthorn.until(sent["id"], "delivered")
    assert found["to"] == TO
    assert found["body"] == f"By {door}."
    assert found["priority"] == "HIGH"
    assert [e["status"] for e in found["events"]] == ["queued", "sending", "sent", "delivered"]
    assert [a["outcome"] for a in found["attempts"]] == ["accepted"]
    assert posthorn.json("status", sent["id"], "--reveal", env=posthorn.over_http) == found


def test_a_status_hides_who_and_what_unless_asked(posthorn: Household) -> None:
    sent = posthorn.json("send", TO, "A secret between us.")
    shown = posthorn.run("status", sent["id"])
    assert shown.returncode == 0
    assert "+1212***0123" in shown.stdout
    assert TO not in shown.stdout + shown.stderr
    assert "secret" not in shown.stdout + shown.stderr
    assert "A secret between us." in posthorn.run("status", sent["id"], "--reveal").stdout


def test_a_scheduled_message_waits_for_its_time(posthorn: Household) -> None:
    sent = posthorn.json("send", TO, "Later.", "--at", "+2s")
    assert sent["status"] == "scheduled"
    found = posthorn.until(sent["id"], "delivered")
    assert found["sending_started_at"] >= found["scheduled_for"]


def test_a_message_is_called_off_once(posthorn: Household) -> None:
    sent = posthorn.json("send", TO, "Never.", "--at", "+1h")
    assert posthorn.run("cancel", sent["id"]).returncode == 0
    assert posthorn.message(sent["id"])["status"] == "canceled"
    again = posthorn.run("cancel", sent["id"])
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1


def test_a_draft_goes_nowhere(posthorn: Household) -> None:
    draft = posthorn.json("send", TO, "Not yet.", "--draft")
    after = posthorn.json("send", TO, "Now.")
    posthorn.until(after["id"], "delivered")
    assert posthorn.message(draft["id"])["status"] == "draft"


def test_a_repeated_key_is_one_message(posthorn: Household) -> None:
    words = ("send", TO, "Once.", "--idempotency-key", "journey-once")
    assert posthorn.json(*words)["id"] == posthorn.json(*words)["id"]
    other = posthorn.run("send", TO, "Another.", "--idempotency-key", "journey-once")
    assert other.returncode == 1
    assert "key" in other.stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("send", TO, "x", "--from", "+12125559999"), 2, "from: no active sender"),
        (("send", TO, "x", "--pool", "nowhere"), 2, "pool: no sender pool"),
        (("send", "12", "x"), 2, "to: "),
        (("send", TO, ""), 2, "body: "),
        (("send", TO, "x", "--tenant", "nobody"), 1, "no tenant"),
        (("status", "01a1f9e3-4346-75aa-bfeb-9203c57ca19b"), 1, "no message of yours"),
    ],
)
def test_a_mistake_is_a_sentence(
    posthorn: Household, words: tuple[str, ...], status: int, said: str
) -> None:
    done = posthorn.run(*words)
    assert done.returncode == status
    assert said in done.stderr
    assert done.stdout == ""


def test_doctor_finds_nothing_wrong(posthorn: Household) -> None:
    findings = posthorn.json("doctor")
    assert {f["check"]: f["detail"] for f in findings if f["health"] != "ok"} == {}
    checks = {f["check"] for f in findings}
    assert {"database", "schema", "redis", "eviction", "sweep", "clocks", "flower"} <= checks


def test_top_shows_every_lane(posthorn: Household) -> None:
    shown = posthorn.run("top", "--once")
    assert shown.returncode == 0
    assert all(lane in shown.stdout for lane in ("high", "normal", "low", "in doubt"))


def test_a_key_works_until_it_is_revoked(posthorn: Household) -> None:
    made = posthorn.run("keys", "create", "--name", "journey")
    assert made.returncode == 0
    key = made.stdout.strip()

    def answer() -> int:
        headers = {"Authorization": f"Bearer {key}"}
        url = f"{posthorn.address.url}/v1/senders"
        return httpx.get(url, headers=headers, trust_env=False).status_code

    assert answer() == 200
    assert posthorn.run("keys", "revoke", key).returncode == 0
    poll(lambda: answer() == 401, "the key still works")
    assert posthorn.run("keys", "revoke", key).returncode == 1


def test_an_account_and_senders_of_another_tenant(posthorn: Household) -> None:
    own = ("--tenant", "another")
    words = ("accounts", "add", "--name=main", "--username=AC1", "--secret-file=-")
    assert posthorn.run(*words, *own, stdin="s3cret-canary\n").returncode == 0
    assert posthorn.run(*words, *own, stdin="s3cret-canary\n").returncode == 1
    add = ("senders", "add", "+13035550111", "--account=main", "--pool=west", "--mps=5", *own)
    assert posthorn.run(*add).returncode == 0
    assert posthorn.run(*add).returncode == 2
    (sender,) = posthorn.json("senders", "list", *own)
    assert sender["address"] == "+13035550111"
    assert sender["pools"] == ["west"]
    assert sender["mps"] == 5.0


def test_a_second_posthorn_in_one_home_is_refused(posthorn: Household) -> None:
    second = program("up", *FREE_PORTS, env=posthorn.environment)
    assert second.returncode == 1
    assert "is running in" in second.stderr
    assert "Traceback" not in second.stderr


def test_what_runs_keeps_its_secrets_to_its_owner(posthorn: Household) -> None:
    for name in ("up.json", "secret", "api-key"):
        assert (posthorn.home / name).stat().st_mode & 0o077 == 0, name


def test_a_server_that_refuses_the_key_is_a_sentence(posthorn: Household) -> None:
    refused = posthorn.run("send", TO, "x", env={**posthorn.over_http, "POSTHORN_API_KEY": "x"})
    assert refused.returncode == 1
    assert "API key" in refused.stderr
