"""`posthorn explain`: what a person at a terminal is told about one message."""

from __future__ import annotations

import pytest

from tests.journeys.household import Household

TO, TEXT = "+12125550187", "A text that nobody else reads."

pytestmark = pytest.mark.stack


@pytest.fixture
def delivered(posthorn: Household) -> str:
    sent = posthorn.json("send", TO, TEXT)
    return str(posthorn.until(sent["id"], "delivered")["id"])


@pytest.mark.parametrize("door", ["environment", "over_http"])
def test_one_sentence_says_why(posthorn: Household, delivered: str, door: str) -> None:
    env: dict[str, str] = getattr(posthorn, door)
    done = posthorn.run("explain", delivered, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    (sentence,) = done.stdout.splitlines()
    assert sentence.startswith("It was sent from +1")
    assert " and delivered at 20" in sentence
    assert sentence.endswith(" UTC.")


@pytest.mark.parametrize("door", ["environment", "over_http"])
def test_the_chain_is_told_oldest_first(posthorn: Household, delivered: str, door: str) -> None:
    env: dict[str, str] = getattr(posthorn, door)
    done = posthorn.run("explain", delivered, "--chain", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    taken, judged, choice, tried, *receipts, last = done.stdout.splitlines()
    assert taken.startswith("Taken in 20")
    assert judged.startswith("Before dispatch, 20")
    assert "had no objection" in judged
    assert "•••" in choice
    assert " was chosen" in choice
    assert tried.startswith("Attempt 1, 20")
    assert tried.endswith("the provider took it, known by reply.")
    assert receipts
    assert all(told.startswith("The provider reported, 20") for told in receipts), receipts
    assert last == posthorn.run("explain", delivered, env=env).stdout.strip()


def test_json_is_what_the_api_answers_and_names_nobody(posthorn: Household, delivered: str) -> None:
    found = posthorn.json("explain", delivered)
    assert found == posthorn.json("explain", delivered, env=posthorn.over_http)
    assert (found["id"], found["status"]) == (delivered, "delivered")
    assert [v["outcome"] for v in found["verdicts"]] == ["allow"]
    assert [a["outcome"] for a in found["attempts"]] == ["accepted"]
    assert found["sentences"][-1] == found["summary"]
    for words in ((), ("--chain",), ("--output", "json")):
        shown = posthorn.run("explain", delivered, *words).stdout
        assert TO[2:] not in shown
        assert TEXT not in shown


def test_a_message_that_waits_says_until_when(posthorn: Household) -> None:
    later = posthorn.json("send", TO, TEXT, "--at", "+2h")
    done = posthorn.run("explain", later["id"])
    assert done.stdout.startswith("It waits for 20")
    assert done.stdout.endswith(", the time its sender asked for.\n")
    posthorn.run("cancel", later["id"])
    assert "called off by its sender" in posthorn.run("explain", later["id"]).stdout
    draft = posthorn.json("send", TO, TEXT, "--draft")
    assert posthorn.run("explain", draft["id"]).stdout.startswith("It is a draft: ")


@pytest.mark.parametrize("door", ["environment", "over_http"])
@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("01a1f9e3-4346-75aa-bfeb-9203c57ca19b", 1, "no message of yours has this id"),
        ("not-an-id", 2, "valid UUID"),
    ],
)
def test_an_id_of_nothing_is_a_sentence(
    posthorn: Household, door: str, name: str, status: int, said: str
) -> None:
    done = posthorn.run("explain", name, env=getattr(posthorn, door))
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
