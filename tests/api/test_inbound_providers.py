"""Every provider's inbound webhooks over HTTP: genuine, forged, repeated, and from other tenants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging.domain import recipients
from messaging.domain.message import Capability, ProviderAccount, Sender
from messaging.domain.registration import kind_of
from messaging.providers import PROVIDERS
from messaging.providers.base import Webhook
from messaging.runtime import Runtime
from messaging.store import accounts as account_store
from messaging.store import senders as sender_store
from messaging.store import tables as t
from tests.api.conftest import Caller
from tests.providers.conformance import BODY, Dialect, Hooks, dialects
from tests.providers.dialects import vonage_sms

SPEAKING = sorted(
    name
    for name, dialect in dialects().items()
    if name in PROVIDERS and dialect.hooks is not None and dialect.hooks.inbound is not None
)


class Line:
    """An account of a tenant's at one provider, and the provider that posts to it."""

    def __init__(self, rt: Runtime, anonymous: httpx.Client, caller: Caller, name: str) -> None:
        self.rt, self.anonymous, self.caller = rt, anonymous, caller
        self.dialect: Dialect = dialects()[name]
        assert self.dialect.hooks is not None
        self.hooks: Hooks = self.dialect.hooks
        self.account: ProviderAccount = replace(
            self.dialect.account(PROVIDERS[name]),
            id=rt.new_id(),
            tenant_id=caller.tenant.id,
            name=name,
        )
        ours = recipients.address_of(self.dialect.channel, self.hooks.to, None)
        address = ours if isinstance(ours, str) else self.dialect.sender
        self.sender = Sender(
            id=rt.new_id(),
            tenant_id=caller.tenant.id,
            account_id=self.account.id,
            channel=self.dialect.channel,
            address=address,
            mps=10.0,
            is_default=True,
            pool_ids=frozenset(),
            kind=kind_of(address, self.dialect.channel),
            capabilities=frozenset({Capability(self.dialect.channel.value)}),
        )
        with rt.engine.begin() as db:
            account_store.add_account(db, self.account, (), rt.sealer)
            sender_store.add_senders(db, [self.sender])
        rt.forget(caller.tenant.id)

    def posts(self, body: bytes, key: int = 0, path: str | None = None) -> int:
        """The status that is answered to a webhook signed with this key."""
        where = path or f"/webhooks/{self.account.provider}/{self.account.id}/inbound"
        url = self.rt.settings.public_url + where
        webhook: Webhook = self.hooks.sign(key, url, body, self.rt.now())
        answer = self.anonymous.post(where, content=webhook.body, headers=dict(webhook.headers))
        return answer.status_code

    def body(self) -> bytes:
        assert self.hooks.inbound is not None
        return self.hooks.inbound(None)

    def kept(self, tenant_id: Any = None) -> list[Any]:
        query = sa.select(t.inbound_messages).where(
            t.inbound_messages.c.tenant_id == (tenant_id or self.caller.tenant.id)
        )
        with self.rt.engine.connect() as db:
            return list(db.execute(query))


@pytest.fixture(params=SPEAKING)
def line(
    rt: Runtime, anonymous: httpx.Client, caller: Caller, request: pytest.FixtureRequest
) -> Line:
    return Line(rt, anonymous, caller, request.param)


def test_a_message_is_kept_once_threaded_and_shown(line: Line, http: httpx.Client) -> None:
    for _ in range(3):
        assert line.posts(line.body()) in {200, 204}
    (row,) = line.kept()
    (shown,) = http.get("/v1/inbound").json()["data"]
    assert (shown["body"], shown["to"]) == (BODY, line.sender.address)
    assert shown["from"] == line.dialect.to
    assert shown["channel"] == line.dialect.channel.value
    thread = http.get(f"/v1/conversations/{row.conversation_id}").json()
    assert [x["id"] for x in thread["data"]] == [str(row.id)]
    assert thread["sender_id"] == str(line.sender.id)


def test_what_the_provider_did_not_sign_is_not_kept(line: Line) -> None:
    assert line.posts(line.body(), key=2) == 403
    assert line.posts(line.body(), key=1) == 403
    assert line.kept() == []


def test_an_account_is_no_other_tenants(line: Line, rt: Runtime, anonymous: httpx.Client, stranger: Caller) -> None:  # fmt: skip
    theirs = Line(rt, anonymous, stranger, line.account.provider)
    path = f"/webhooks/{theirs.account.provider}/{theirs.account.id}/inbound"
    line.posts(line.body())
    assert theirs.kept() == []
    assert line.posts(line.body(), path=path) in {200, 204}  # both believe the same test key
    assert [len(line.kept()), len(theirs.kept())] == [1, 1]


@pytest.mark.parametrize(
    "body",
    [b"", b"\0", b"{}", b"[]", b"null", b'{"data": ' * 500, b"a=\x00&b=%00%ED%A0%80",
     b'{"entry": [{"messaging": [null, 1e999]}]}', b"9" * 5000],
)  # fmt: skip
def test_signed_rubbish_is_answered_and_not_kept(line: Line, body: bytes) -> None:
    assert line.posts(body) in {200, 204, 403}
    assert line.kept() == []


def test_a_long_text_is_joined_from_its_pieces(
    rt: Runtime, anonymous: httpx.Client, caller: Caller, http: httpx.Client
) -> None:
    line = Line(rt, anonymous, caller, "vonage_sms")
    pieces = [
        vonage_sms.inbound(
            text=text,
            messageId=f"0A00000001{n}",
            concat="true",
            concat_ref="17",
            concat_part=str(n),
            concat_total="3",
        )
        for n, text in enumerate(("ST", "O", "P"), 1)
    ]
    for body in (pieces[2], pieces[0], pieces[2]):
        assert line.posts(body) in {200, 204}
    assert line.kept() == []
    for body in (pieces[1], *pieces):
        assert line.posts(body) in {200, 204}
    (shown,) = http.get("/v1/inbound").json()["data"]
    assert (shown["body"], shown["keyword"]) == ("STOP", "STOP")
    assert http.post("/v1/suppressions/check", json={"to": line.dialect.to}).json()["suppressed"]
