"""Does the carrier speak the Graph API as Meta does: the send, its errors, the window, and signed webhooks?"""

from __future__ import annotations

import hmac
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from messaging.sandbox import INSTAGRAM_ACCOUNT
from messaging.sandbox.create import Create
from messaging.sandbox.instagram_problems import Problem
from messaging.sandbox.instagram_wire import read_create
from tests.sandbox import refusals
from tests.sandbox.carrier import Posted, Receiver, Sandbox, Start, accepted
from tests.sandbox.speaking import instagram, person, webhooks

IG = INSTAGRAM_ACCOUNT.sid
TO = person("0123")
PATH = f"/v25.0/{IG}/messages"
KEY = {"Authorization": f"Bearer {INSTAGRAM_ACCOUNT.token}"}
GOOD = {"recipient": {"id": TO}, "message": {"text": "hello"}}
PICTURE = {"type": "image", "payload": {"url": "https://example.com/a.png"}}
OUTSIDE = {
    "message": "(#10) This message is sent outside of allowed window.",
    "type": "IGApiException",
    "code": 10,
    "error_subcode": 2534022,
    "fbtrace_id": "AbCdEfGhIjKlMnOpQrStUv0",
}


@pytest.fixture
def window(carrier: Sandbox) -> Iterator[Sandbox]:
    """The carrier with the window of a day."""
    change = {"account": IG, "window": "86400"}
    carrier.http.post("/sandbox/accounts", json=change).raise_for_status()
    yield carrier
    carrier.http.post("/sandbox/accounts", json={**change, "window": ""})


def write(sandbox: Sandbox, url: str, sender: str = TO, **fields: Any) -> Any:
    said = {"account": IG, "from": sender, "to": IG, "body": "Hi", "url": url, **fields}
    return sandbox.http.post("/sandbox/inbound", json=said).raise_for_status().json()


def is_signed(posted: Posted) -> bool:
    made = hmac.digest(INSTAGRAM_ACCOUNT.signing.encode(), posted.body, "sha256").hex()
    return posted.headers["x-hub-signature-256"] == f"sha256={made}"


def items(posted: Posted) -> list[dict[str, Any]]:
    assert is_signed(posted)
    assert posted.json["object"] == "instagram"
    for entry in posted.json["entry"]:
        assert (entry["id"], len(entry["messaging"])) == (IG, 1)
        assert abs(entry["time"] / 1000 - posted.at) < 5
    return [entry["messaging"][0] for entry in posted.json["entry"]]


@pytest.mark.parametrize("name", ["me", IG])
@pytest.mark.parametrize("version", ["v19.0", "v25.0"])
def test_a_text_is_taken(carrier: Sandbox, version: str, name: str) -> None:
    reply = carrier.http.post(f"/{version}/{name}/messages", json=GOOD, headers=KEY)
    assert reply.headers["content-type"] == "application/json; charset=UTF-8"
    (row,) = carrier.get("/sandbox/ledger")
    assert reply.json() == {"recipient_id": TO, "message_id": row["sid"]}
    assert (row["account"], row["from"], row["kind"], row["m"]) == (IG, IG, "dm", None)


def test_a_token_in_the_query_is_one_too(carrier: Sandbox) -> None:
    token = {"access_token": INSTAGRAM_ACCOUNT.token}
    assert carrier.http.post(PATH, json=GOOD, params=token).status_code == 200


def test_receipts_are_an_echo_and_that_it_was_read(carrier: Sandbox, receiver: Receiver) -> None:
    message = {"text": "¡Listo! 👍 a/b"}
    mid = instagram(carrier, TO, receiver.url, message=message).json()["message_id"]
    echo, read = receiver.wait(2)
    (said,), (seen,) = items(echo), items(read)
    assert abs(said.pop("timestamp") / 1000 - time.time()) < 5
    assert abs(seen.pop("timestamp") / 1000 - time.time()) < 5
    assert said == {
        "sender": {"id": IG},
        "recipient": {"id": TO},
        "message": {"mid": mid, "is_echo": True, **message},
    }
    assert seen == {"sender": {"id": TO}, "recipient": {"id": IG}, "read": {"mid": mid}}
    # As Meta writes it: to write it otherwise breaks the signature.
    assert b'"text":"\\u00a1Listo! \\ud83d\\udc4d a\\/b"' in echo.body


def test_a_picture_is_echoed(carrier: Sandbox, receiver: Receiver) -> None:
    instagram(carrier, TO, receiver.url, message={"attachment": PICTURE})
    (echo,) = items(receiver.wait(1)[0])
    assert echo["message"]["attachments"] == [PICTURE]
    assert carrier.get("/sandbox/ledger")[0]["media"] == 1


def test_items_of_many_messages_come_together(start: Start, receiver: Receiver) -> None:
    sandbox = start("--receipt-delay", "100ms", "--receipt-jitter", "0")
    webhooks(sandbox, IG, receiver.url)
    with ThreadPoolExecutor(8) as pool:
        tries = [pool.submit(sandbox.http.post, PATH, json=GOOD, headers=KEY) for _ in range(40)]
        mids = {each.result().json()["message_id"] for each in tries}
    deadline = time.monotonic() + 10
    while len(told := [item for posted in receiver.posted for item in items(posted)]) < 80:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(receiver.posted) < 80
    assert {item["read"]["mid"] for item in told if "read" in item} == mids
    assert {item["message"]["mid"] for item in told if "message" in item} == mids


def test_what_somebody_wrote_is_posted(carrier: Sandbox, receiver: Receiver) -> None:
    media = ["https://example.com/a.png", "https://example.com/b.png"]
    first = write(carrier, receiver.url, body="¿Sí?", media=media)
    assert first == {"sid": first["sid"], "opt_out_type": None, "answered": 204}
    again = write(carrier, receiver.url, sid=first["sid"])
    assert again["sid"] == first["sid"]
    (item,) = items(receiver.posted[0])
    assert abs(item.pop("timestamp") / 1000 - time.time()) < 5
    assert item == {
        "sender": {"id": TO},
        "recipient": {"id": IG},
        "message": {
            "mid": first["sid"],
            "text": "¿Sí?",
            "attachments": [{"type": "image", "payload": {"url": url}} for url in media],
        },
    }


def test_only_who_wrote_may_be_written_to(window: Sandbox, receiver: Receiver) -> None:
    stranger = person("0456")
    reply = instagram(window, stranger)
    assert (reply.status_code, reply.json()) == (403, {"error": OUTSIDE})
    write(window, receiver.url, stranger)
    assert instagram(window, stranger).status_code == 200
    assert instagram(window, person("0457")).status_code == 403
    assert accepted(window) == 1


def test_the_window_closes(window: Sandbox, receiver: Receiver) -> None:
    one = person("0458")
    window.http.post("/sandbox/accounts", json={"account": IG, "window": "0.0001"})
    write(window, receiver.url, one)
    assert instagram(window, one).json() == {"error": OUTSIDE}
    # A human has seven times as long: with a window of 100 s that is still so.
    window.http.post("/sandbox/accounts", json={"account": IG, "window": "100"})
    human = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    assert instagram(window, one, **human).status_code == 200


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        (PATH, {}, 400, 104),
        (PATH, {"Authorization": "Bearer stranger"}, 401, 190),
        ("/v25.0/17841400000000999/messages", KEY, 400, 100),
        ("/v25.0/me/media", KEY, 400, 100),
        ("/v25.0/me", {}, 400, 104),
    ],
)
def test_whose_token_it_is_not(
    carrier: Sandbox, path: str, headers: dict[str, str], status: int, code: int
) -> None:
    reply = carrier.http.post(path, json=GOOD, headers=headers)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (status, code)
    assert set(error) <= {"message", "type", "code", "error_subcode", "fbtrace_id"}


def test_faults_have_metas_codes(carrier: Sandbox) -> None:
    limited = instagram(carrier, person("0191"))
    assert json.loads(limited.headers["x-app-usage"])["call_count"] == 100
    assert limited.json()["error"] == {
        "message": "(#4) Application request limit reached",
        "type": "OAuthException",
        "code": 4,
        "is_transient": True,
        "fbtrace_id": "AbCdEfGhIjKlMnOpQrStUv0",
    }
    gone = instagram(carrier, person("0199"))
    assert (gone.status_code, gone.json()["error"]["code"]) == (400, 551)


def test_what_was_sent_all_the_same_is_said_in_metas_way(start: Start) -> None:
    sandbox = start("--rate-500-accepted", "1")
    error = instagram(sandbox, TO).json()["error"]
    assert (error["code"], error["error_subcode"]) == (1, 1357046)


@pytest.mark.parametrize(("change", "subcode", "message"), refusals.INSTAGRAM)
def test_what_is_wrong_is_refused(
    change: dict[str, Any], subcode: int | None, message: str
) -> None:
    found = read_create(IG, json.dumps({**GOOD, **change}).encode())
    assert isinstance(found, Problem)
    assert (found.status, found.code, found.subcode) == (400, 100, subcode)
    assert found.message.startswith(f"(#100) {message}")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"'])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    assert isinstance(read_create(IG, body), Problem)


@pytest.mark.parametrize(
    "change",
    [
        {"messaging_type": "UPDATE"},
        {"message": {"text": "é" * 500}},
        {"message": {"attachment": {**PICTURE, "type": "video"}}},
    ],
)
def test_good_messages_pass(change: dict[str, Any]) -> None:
    assert isinstance(read_create(IG, json.dumps({**GOOD, **change}).encode()), Create)


@pytest.fixture
def owner() -> Iterator[str]:
    """Who answers Meta's question, if it knows the word."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            known = asked["hub.verify_token"] == ["a word"] and asked["hub.mode"] == ["subscribe"]
            self.send_response(200 if known else 403)
            self.end_headers()
            self.wfile.write(asked["hub.challenge"][0].encode() if known else b"no")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook?of=ig"
    server.shutdown()
    server.server_close()
    thread.join(5)


def ask(sandbox: Sandbox, body: Any) -> httpx.Response:
    return sandbox.http.post("/sandbox/challenge", json=body)


def test_the_challenge_says_what_was_answered(carrier: Sandbox, owner: str) -> None:
    good = ask(carrier, {"url": owner, "token": "a word"}).json()
    assert good["challenge"].isdecimal()
    assert (good["answered"], good["body"], good["verified"]) == (200, good["challenge"], True)
    bad = ask(carrier, {"url": owner, "token": "another"}).json()
    assert (bad["answered"], bad["body"], bad["verified"]) == (403, "no", False)
    change = {"account": IG, "verify_token": "a word"}
    carrier.http.post("/sandbox/accounts", json=change).raise_for_status()
    assert ask(carrier, {"url": owner}).json()["verified"] is True


def test_a_challenge_that_cannot_be_put(carrier: Sandbox) -> None:
    assert ask(carrier, {"url": "http://127.0.0.1:9/"}).status_code == 502
    assert ask(carrier, {"url": "http://127.0.0.1/", "account": "nobody"}).status_code == 404
    bodies: list[Any] = [[], {}, {"url": "nowhere"}]
    for body in bodies:
        assert ask(carrier, body).status_code == 400
