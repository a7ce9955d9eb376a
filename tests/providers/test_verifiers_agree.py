"""Do the vendors' own libraries believe exactly the webhooks that we believe?

Ten thousand requests, as they were signed or with something changed. Where a library checks less than we
do, its entry says which requests we refuse beyond it.
"""

from __future__ import annotations

import base64
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from urllib.parse import parse_qsl

import jwt
import pytest
import vonage_jwt  # type: ignore[import-untyped]
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sendgrid.helpers.eventwebhook import EventWebhook  # type: ignore[import-untyped]
from telnyx.lib import webhook_verification
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging.providers import get
from messaging.providers.base import Webhook
from tests.providers.conformance import CALLBACK, NOON, Hooks, dialects

REQUESTS = 10_000
FIVE_MINUTES = 300


@dataclass(frozen=True)
class Library:
    """What a vendor's library says of a webhook, under the dialect's key 0."""

    believes: Callable[[Webhook], bool]
    beyond: Callable[[Webhook], bool] = lambda _hook: False
    """Whether we refuse it all the same."""


def _hooks(name: str) -> Hooks:
    hooks = dialects()[name].hooks
    assert hooks is not None
    return hooks


class _Form(dict[str, list[str]]):
    """A form as a web framework hands it to Twilio's library."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def _twilio(hook: Webhook) -> bool:
    form = _Form()
    for name, value in parse_qsl(hook.body.decode(errors="replace"), keep_blank_values=True):
        form.setdefault(name, []).append(value)
    library = RequestValidator(_hooks("twilio").secrets[0])
    return bool(library.validate(hook.url, form, hook.headers.get("x-twilio-signature", "")))


class _VerifyKey:
    """Stands for PyNaCl's, where that is not installed: the library's own code is what is asked."""

    def __init__(self, key: bytes) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(key)

    def verify(self, message: bytes, signature: bytes) -> None:
        self._key.verify(signature, message)


def _telnyx(hook: Webhook) -> bool:
    webhook_verification.verify_webhook_signature(
        hook.body, hook.headers, _hooks("telnyx").secrets[0]
    )
    return True


def _telnyx_spelling(hook: Webhook) -> bool:
    """The library takes a signature in any spelling of its base64."""
    text = hook.headers.get("telnyx-signature-ed25519", "")
    return base64.b64encode(base64.b64decode(text)).decode() != text


def _vonage(hook: Webhook) -> bool:
    token = hook.headers.get("authorization", "").removeprefix("Bearer ")
    return bool(vonage_jwt.verify_signature(token, _hooks("vonage").secrets[0]))


def _vonage_unchecked(hook: Webhook) -> bool:
    """The library looks neither at the body, nor at the age, nor at a signature's spelling."""
    token = hook.headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    age = abs(int((hook.at or NOON).timestamp()) - claims["iat"])
    mark = token.rpartition(".")[2]
    spelled = base64.urlsafe_b64encode(base64.urlsafe_b64decode(mark + "=")).decode().rstrip("=")
    other_body = claims["payload_hash"] != sha256(hook.body).hexdigest()
    return other_body or age > FIVE_MINUTES or spelled != mark


def _sendgrid(hook: Webhook) -> bool:
    library = EventWebhook(_hooks("sendgrid").secrets[0])
    mark = hook.headers["x-twilio-email-event-webhook-signature"]
    stamp = hook.headers["x-twilio-email-event-webhook-timestamp"]
    return bool(library.verify_signature(hook.body.decode(), mark, stamp))


def _sendgrid_unchecked(hook: Webhook) -> bool:
    """The library looks neither at the age nor at a signature's spelling."""
    mark = hook.headers["x-twilio-email-event-webhook-signature"]
    stamp = int(hook.headers["x-twilio-email-event-webhook-timestamp"])
    age = abs(int((hook.at or NOON).timestamp()) - stamp)
    return age > 25 * 3600 or base64.b64encode(base64.b64decode(mark)).decode() != mark


LIBRARIES = {
    # Twilio's library reads the scheme in letters of any size; ours is configured.
    "twilio": Library(_twilio, lambda hook: not hook.url.startswith("https://")),
    "telnyx": Library(_telnyx, _telnyx_spelling),
    "vonage": Library(_vonage, _vonage_unchecked),
    "sendgrid": Library(_sendgrid, _sendgrid_unchecked),
}


def _flipped(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def _made(rng: random.Random, hooks: Hooks) -> Webhook:
    """A request as it was signed, by somebody."""
    if hooks.inbound is not None and rng.random() < 0.3:
        body = hooks.inbound(rng.choice([None, *sorted(hooks.keywords)]))
    else:
        body = hooks.receipt(rng.choice([*hooks.statuses, "new", "é&=+ %"]), rng.randrange(3))
    key = rng.choice([0, 0, 0, 0, 0, 0, 0, 1, 2])
    return hooks.sign(key, CALLBACK, body, NOON + timedelta(seconds=rng.randrange(-200, 200)))


def _changed(rng: random.Random, hooks: Hooks, hook: Webhook) -> tuple[str, Webhook]:
    """The request as it arrives, and what happened to it."""
    way = rng.choice(["nothing", "nothing", "body", "header", "swapped", "dropped", "url", "age"])
    name = rng.choice(hooks.signed_headers)
    headers = dict(hook.headers)
    match way:
        case "body":
            return way, replace(hook, body=_flipped(rng, hook.body))
        case "header":
            headers[name] = _flipped(rng, headers[name].encode()).decode("latin-1")
        case "swapped":
            headers[name] = _made(rng, hooks).headers[name]
        case "dropped":
            del headers[name]
        case "url":
            return way, replace(hook, url=_flipped(rng, hook.url.encode()).decode("latin-1"))
        case "age":
            age = rng.choice([-301, -300, -299, 299, 300, 301, 10**6])
            return way, replace(hook, at=(hook.at or NOON) + timedelta(seconds=age))
    return way, replace(hook, headers=headers)


def _says(library: Library, hook: Webhook) -> bool:
    """What a library says; to raise is to refuse."""
    try:
        return library.believes(hook) and not library.beyond(hook)
    except Exception:  # noqa: BLE001 - each has errors of its own
        return False


@pytest.fixture
def _telnyx_primitives(monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec("nacl") is not None:
        return
    signing, errors = ModuleType("nacl.signing"), ModuleType("nacl.exceptions")
    vars(signing)["VerifyKey"] = _VerifyKey
    vars(errors)["BadSignatureError"] = InvalidSignature
    for module in (ModuleType("nacl"), signing, errors):
        monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("_telnyx_primitives")
@pytest.mark.parametrize("name", LIBRARIES)
def test_the_vendors_library_and_we_agree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider, dialect, library = get(name), dialects()[name], LIBRARIES[name]
    hooks, ours = _hooks(name), dialect.account(provider)
    rng, seen = random.Random(f"{name} 1"), Counter[tuple[str, bool]]()
    clock = SimpleNamespace(time=NOON.timestamp)
    monkeypatch.setattr(webhook_verification, "time", clock)
    for _ in range(REQUESTS // len(LIBRARIES)):
        way, hook = _changed(rng, hooks, _made(rng, hooks))
        clock.time = (hook.at or NOON).timestamp
        believed = provider.verify(ours, hook)
        assert believed is _says(library, hook), (way, hook)
        seen[way, believed] += 1
    ways = {"nothing", "body", "header", "swapped", "dropped", "url", "age"}
    assert {way for way, believed in seen if not believed} == ways
    assert seen["nothing", True] > 100
