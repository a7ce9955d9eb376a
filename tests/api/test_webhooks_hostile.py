"""Whatever is posted to the door of webhooks: it breaks nothing, and what is not signed leaves nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from messaging import receipts
from messaging.providers.base import Webhook
from messaging.runtime import Runtime
from tests.api.posting import EACH, Poster, a_poster, each_provider, exchange
from tests.providers.conformance import BODY

REFUSED = {400, 403}
"""400 is the server's word for what is no HTTP."""
HOSTILE = [
    b"", b"\x00", b"\x00" * 1000, b"\xff\xfe\xfd", b"\xed\xa0\x80", b"[", b"[" * 50_000, b"[]", b"{}",
    b"null", b"[null]", b"[{}]", b"1e999", b"NaN", b'{"a":' * 10_000, b'{"data":"\\ud800"}',
    b'{"data":{"id":"\\u0000","payload":{"id":"\\ud800"}}}', b"a=%00&b=%ED%A0%80&c=%FF", b"&&&=&=",
    b'[{"sg_event_id":"\\u0000\\ud800","event":"delivered","sg_message_id":"\\u0000"}]',
    b'{"message_uuid":"\\u0000","status":"delivered","timestamp":"\\ud800"}',
    b'{"messageId":"\\u0000","status":"delivered"}', b"MessageSid=SM%00&MessageStatus=delivered",
    b'{"object":"instagram","entry":[{"id":"\\u0000","messaging":[{"message":{"mid":"\\u0000"}}]}]}',
    b'{"a":1' + b"0" * 5000 + b"}", "é".encode("latin-1"), b"x" * 100_000,
]  # fmt: skip
TYPES = (
    "", "text/plain", "application/json", "application/json; charset=utf-16", "multipart/form-data",
    "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=\xff",
)  # fmt: skip


@pytest.fixture
def poster(rt: Runtime, address: str, caller: Any, name: str) -> Poster:
    return a_poster(rt, address, caller, name)


def flipped(data: bytes) -> Iterator[bytes]:
    """The data with one bit of each byte changed, another one in every place."""
    for at in range(len(data)):
        yield data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]


@each_provider
def test_not_one_bit_of_a_webhook_may_change(poster: Poster) -> None:
    hook, hooks = poster.receipt(), poster.hooks
    changed = [
        replace(hook, body=body) for body in flipped(hook.body) if not hooks.same(body, hook.body)
    ]
    for name in hooks.signed_headers:
        for value in flipped(hook.headers[name].encode()):
            headers = {**hook.headers, name: value.decode("latin-1")}
            changed.append(replace(hook, headers=headers))
    answers = {poster.post(each) for each in changed}
    if hooks.signs_url:
        targets = flipped(poster.path().encode())
        answers |= {poster.post(hook, one.decode("latin-1")) for one in targets} - {404}
        answers.add(poster.post(hook, poster.path() + "?e=2"))
    assert answers <= REFUSED
    assert poster.kept() == []
    assert poster.post(hook) == 204


@each_provider
def test_an_event_posted_again_is_counted_and_applied_once(poster: Poster) -> None:
    events = len(poster.provider.events(poster.receipt()))
    for posted in (1, 2, 3):
        assert poster.post(poster.receipt(posted=posted)) == 204
    assert [row.repeats for row in poster.kept()] == [2] * events
    assert poster.waiting() == events
    receipts.apply(poster.rt)
    results = [row.result for row in poster.kept()]
    assert None not in results
    assert poster.post(poster.receipt(posted=4)) == 204
    assert poster.waiting() == sum(result == "parked" for result in results)
    assert [(row.repeats, row.result) for row in poster.kept()] == [(3, r) for r in results]


@each_provider
def test_what_belongs_elsewhere_is_refused(
    rt: Runtime, address: str, caller: Any, stranger: Any, name: str
) -> None:
    ours, theirs = a_poster(rt, address, caller, name), a_poster(rt, address, stranger, name, (1,))
    hook = ours.receipt()
    other = theirs.receipt("teleported", key=1)
    assert ours.post(hook, theirs.path()) == 403
    assert ours.post(ours.receipt(key=1)) == ours.post(ours.receipt(key=2)) == 403
    for provider in {*EACH, "unknown", "TWILIO"} - {name}:
        assert ours.post(hook, ours.path().replace(name, provider, 1)) == 403
    for id_ in (rt.new_id(), str(ours.account.id).upper(), ours.account.id.hex, "0", "%00"):
        assert ours.post(hook, f"/webhooks/{name}/{id_}/status") == 403
    if ours.hooks.signed_headers:  # others sign within the body
        for headers in (other.headers, {"content-type": hook.headers.get("content-type", "")}):
            assert ours.post(replace(hook, headers=headers)) == 403
    assert ours.kept() == theirs.kept() == []


@each_provider
@pytest.mark.parametrize("kind", ["status", "inbound"])
def test_nothing_unsigned_breaks_the_door(poster: Poster, kind: str) -> None:
    genuine = poster.signed(b"{}", kind).headers
    names = poster.hooks.signed_headers or ("x-signature",)
    for body in HOSTILE:
        for signature in ("", "\xff\x00"[:1], "A" * 5000, "=", "Bearer x.y.z"):
            headers = dict.fromkeys(names, signature)
            headers["content-type"] = genuine.get("content-type", "")
            assert poster.post(Webhook("", headers, body), poster.path(kind)) in REFUSED
    for content_type in TYPES:
        headers = {**dict.fromkeys(names, "x"), "content-type": content_type}
        assert poster.post(Webhook("", headers, b"a=b"), poster.path(kind)) in REFUSED
    large = Webhook("", dict(genuine), b"a" * (1024 * 1024 + 1))
    assert poster.post(large, poster.path(kind)) == 413
    for method in ("PUT", "DELETE", "PATCH", "HEAD"):
        assert poster.post(Webhook("", {}, b""), poster.path(kind), method) == 405
    assert poster.post(Webhook("", {}, b""), poster.path(kind) + "?a=%00&b=%ff&m=1", "GET") == 403
    assert poster.kept() == []


@each_provider
@pytest.mark.parametrize("kind", ["status", "inbound"])
def test_nothing_signed_breaks_the_door_or_the_worker(poster: Poster, kind: str) -> None:
    """Whoever has the secret may still send nonsense: it is kept as it came, or dropped."""
    bodies = [*HOSTILE, *_broken(poster, kind)]
    for body in bodies:
        try:
            hook = poster.signed(body, kind)
        except ValueError:
            continue  # its signature is made of what it says
        assert poster.post(hook) in {204, 403}, body[:100]
    receipts.apply(poster.rt)
    assert None not in [row.result for row in poster.kept()]
    assert poster.post(poster.receipt()) == 204


def _broken(poster: Poster, kind: str) -> Iterator[bytes]:
    """Genuine webhooks with something else where a text of theirs stood."""
    hooks = poster.hooks
    if kind == "inbound" and hooks.inbound is not None:
        body, words = hooks.inbound(None), [BODY, poster.dialect.message_id, hooks.to]
    else:
        body = hooks.receipt(hooks.delivered, 1)
        words = [poster.dialect.message_id, hooks.delivered, poster.dialect.to]
    for word in words:
        for evil in ("\\u0000", "\\ud800", "%00", "%ED%A0%80", "%FF", "x" * 5000, ""):
            yield body.replace(word.encode(), evil.encode()).replace(
                quote(word, safe="").encode(), evil.encode()
            )


def test_no_address_breaks_the_door(address: str) -> None:
    dice = random.Random(1)
    targets = [
        "/webhooks", "/webhooks/", "/webhooks//status", "/webhooks///status", "/webhooks/a/b/c/status",
        "/webhooks/twilio/x/status/", "/webhooks/twilio/%2F/status", "/webhooks/%00/%00/inbound",
        "/webhooks/%ED%A0%80/%FF/status", "/webhooks/" + "a" * 10_000 + "/b/status",
        "/webhooks/twilio/x/other", "//webhooks/twilio/x/status", "/webhooks/../../status",
    ]  # fmt: skip
    targets += [
        "/webhooks/" + "".join(chr(dice.randrange(33, 256)) for _ in range(20)) + "/x/status"
        for _ in range(50)
    ]
    for target in targets:
        for method in ("POST", "GET"):
            assert exchange(address, method, target, {}, b"a") in {0, 307, 400, 403, 404, 405}, (
                target
            )
