"""What providers post, over a socket that sends whatever it is told to."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa

from messaging.domain.message import ProviderAccount
from messaging.providers import PROVIDERS
from messaging.providers.base import Provider, Webhook
from messaging.runtime import Runtime
from messaging.store import accounts as account_store
from messaging.store import tables as t
from tests.providers.conformance import Dialect, Hooks, dialects

EACH = [name for name, d in dialects().items() if name in PROVIDERS and d.hooks is not None]
each_provider = pytest.mark.parametrize("name", EACH)


@dataclass(frozen=True)
class Poster:
    """A provider that posts to one of our accounts, at a real server."""

    rt: Runtime
    address: str
    """Where the server listens: `http://host:port`."""
    account: ProviderAccount
    dialect: Dialect
    hooks: Hooks

    @property
    def provider(self) -> Provider:
        return PROVIDERS[self.account.provider]

    def path(self, kind: str = "status") -> str:
        return f"/webhooks/{self.account.provider}/{self.account.id}/{kind}"

    def signed(self, body: bytes, kind: str = "status", key: int = 0, query: str = "") -> Webhook:
        url = f"{self.rt.settings.public_url}{self.path(kind)}{query}"
        return self.hooks.sign(key, url, body, self.rt.now())

    def receipt(self, status: str = "", posted: int = 1, key: int = 0) -> Webhook:
        return self.signed(self.hooks.receipt(status or self.hooks.delivered, posted), key=key)

    def post(self, hook: Webhook, target: str = "", method: str = "POST") -> int:
        """Post it to where it is addressed, or to another path; the status of the answer."""
        to = target or hook.url.removeprefix(self.rt.settings.public_url)
        return exchange(self.address, method, to, hook.headers, hook.body)

    def kept(self) -> list[Any]:
        """What is stored of the account's events."""
        r = t.raw_receipts.c
        query = sa.select(r.id, r.body, r.event_key, r.repeats, r.result).order_by(r.id)
        with self.rt.engine.connect() as db:
            return list(db.execute(query.where(r.account_id == self.account.id)))

    def waiting(self) -> int:
        """How many of them wait to be applied."""
        query = sa.text("""SELECT count(*) FROM pending_receipts p
            JOIN raw_receipts r ON r.id = p.receipt_id WHERE r.account_id = :account""")
        with self.rt.engine.connect() as db:
            return int(db.execute(query, {"account": self.account.id}).scalar_one())


def a_poster(
    rt: Runtime, address: str, caller: Any, name: str, keys: tuple[int, ...] = (0,)
) -> Poster:
    """A provider with a new account of the caller's, which believes these keys."""
    dialect, provider = dialects()[name], PROVIDERS[name]
    hooks = dialect.hooks
    assert hooks is not None
    secrets = tuple(hooks.secrets[key] for key in keys)
    made = dialect.account(provider, webhook_secrets=secrets)
    id_ = rt.new_id()
    made = replace(made, id=id_, tenant_id=caller.tenant.id, name=f"{name}-{id_}")
    hidden = [option.name for option in provider.options if option.secret]
    with rt.engine.begin() as db:
        account_store.add_account(db, made, hidden, rt.sealer)
    return Poster(rt, address, made, dialect, hooks)


def exchange(
    address: str, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> int:
    """One request, sent as it is; the status of its answer, 0 if the server hung up on it."""
    host, _, port = address.removeprefix("http://").partition(":")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}"
    length = f"Content-Length: {len(body)}\r\n" if method != "GET" else ""
    raw = (head + length + "\r\n").encode("latin-1", "replace")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(raw + (body if method != "GET" else b""))
        said = line.makefile("rb").readline()
    return int(said.split()[1]) if said else 0
