"""Did Vonage sign this webhook? A token beside it (Messages API), or a parameter in it (SMS API).

The token is a JWT under the account's signature secret, with a hash of the body that no Vonage library
compares. The parameter `sig` is a hash over all others in the order of their names, by the method the
account is set to. Source: Vonage's pages on signed webhooks and on signing messages.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import md5, sha256
from typing import Any
from urllib.parse import parse_qsl

from messaging.domain.message import ProviderAccount
from messaging.providers import replies, signatures
from messaging.providers.base import Webhook

METHOD = "signature_method"
METHODS = ("md5hash", "md5", "sha1", "sha256", "sha512")
_SCHEME = "Bearer "


def messages(account: ProviderAccount, webhook: Webhook) -> bool:
    """Whether a token signed with one of the account's secrets vouches for this body, now.

    Only HS256 is believed: a token cannot choose how it is checked.
    """
    authorization = webhook.headers.get("authorization", "")
    token = authorization.removeprefix(_SCHEME)
    if token == authorization:
        return False
    read = [claims(token, secret) for secret in account.webhook_secrets]
    said = next((each for each in read if each is not None), {})
    body = hmac.compare_digest(
        sha256(webhook.body).hexdigest().encode(),
        replies.word(said.get("payload_hash"), 65).encode(errors="replace"),
    )
    return body and signatures.recent(_seconds(said.get("iat")), webhook.at)


def claims(token: str, secret: str) -> Mapping[str, Any] | None:
    """What a token says; None if it is none, or not signed with this secret."""
    header, said, signature = _pieces(token)
    if not secret or replies.json_fields(header).get("alg") != "HS256":
        return None
    signed, key = token.rpartition(".")[0].encode(), secret.encode(errors="replace")
    genuine = hmac.compare_digest(hmac.digest(key, signed, "sha256"), signature)
    return replies.json_fields(said) if genuine else None


def _pieces(token: str) -> tuple[bytes, bytes, bytes]:
    """A token's header, claims and signature; empty if it is none, or oddly written."""
    pieces = token.split(".")
    if len(pieces) != 3 or not token.isascii():
        return b"", b"", b""
    header, said, signature = (_base64url(piece) for piece in pieces)
    return header, said, signature


def _base64url(text: str) -> bytes:
    """What a text without padding encodes; empty unless it is the one way of writing that."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
    return data if urlsafe_b64encode(data).rstrip(b"=").decode() == text else b""


def _seconds(value: object) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def sms(account: ProviderAccount, webhook: Webhook) -> bool:
    """Whether the parameters are signed with one of the account's secrets, now."""
    given = parameters(webhook.body)
    method = account.options.get(METHOD, METHODS[0])
    if method not in METHODS or not signatures.recent(given.get("timestamp", ""), webhook.at):
        return False
    signature = given.get("sig", "").lower().encode(errors="replace")
    matches = [
        hmac.compare_digest(sign(given, secret, method).encode(), signature)
        for secret in account.webhook_secrets
        if secret
    ]
    return any(matches)


def sign(given: Mapping[str, str], secret: str, method: str) -> str:
    """The signature of some parameters, in small hexadecimal letters."""
    pairs = (
        f"&{name}={value.replace('&', '_').replace('=', '_')}"
        for name, value in sorted(given.items())
        if name != "sig"
    )
    text, key = "".join(pairs).encode(errors="replace"), secret.encode(errors="replace")
    if method == "md5hash":
        return md5(text + key).hexdigest()  # noqa: S324 - it is what Vonage signs with by default
    return hmac.digest(key, text, method).hex()


def parameters(body: bytes) -> dict[str, str]:
    """What a webhook of the SMS API says: a form, the query of a GET, or an object of JSON."""
    if body.lstrip().startswith(b"{"):
        return {name: _text(value) for name, value in replies.json_fields(body).items()}
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
