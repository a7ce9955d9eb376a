"""What every provider must do with a webhook: believe it or not, know it again, and read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.lifecycle import Event
from messaging.providers import PROVIDERS
from messaging.providers.base import Provider, Webhook
from tests.providers.conformance import (
    BODY,
    CALLBACK,
    NOON,
    Dialect,
    Hooks,
    dialects,
    read,
)

CASES = [
    pytest.param(PROVIDERS[name], dialect, dialect.hooks, id=name)
    for name, dialect in dialects().items()
    if name in PROVIDERS and dialect.hooks is not None
]
each_provider = pytest.mark.parametrize(("provider", "dialect", "hooks"), CASES)


def receipt(hooks: Hooks, status: str = "", key: int = 0, url: str = CALLBACK) -> Webhook:
    return hooks.sign(key, url, hooks.receipt(status or hooks.delivered, 1), NOON)


def flips(data: bytes) -> Iterator[bytes]:
    """The data with each of its bits changed, one at a time."""
    for at in range(len(data)):
        for bit in range(8):
            yield data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def test_who_has_no_webhooks_says_so() -> None:
    for name, provider in PROVIDERS.items():
        dialect = dialects()[name]
        assert provider.has_receipts is (dialect.hooks is not None)
        if dialect.hooks is None:
            hook = Webhook(CALLBACK, {}, b"x", NOON)
            assert not provider.verify(dialect.account(provider), hook)
            assert provider.report(hook) is None
            assert provider.inbound(hook) == []


@each_provider
def test_a_genuine_receipt_is_believed_and_read(
    provider: Provider, dialect: Dialect, hooks: Hooks
) -> None:
    hook = receipt(hooks)
    assert provider.verify(dialect.account(provider), hook)
    (report,) = read(provider, hook)
    assert (report.provider_message_id, report.event) == (dialect.message_id, Event.DELIVERED)


@each_provider
def test_every_status_is_read(provider: Provider, dialect: Dialect, hooks: Hooks) -> None:
    assert hooks.statuses[hooks.delivered] is Event.DELIVERED
    for status, event in hooks.statuses.items():
        (report,) = read(provider, receipt(hooks, status))
        assert (report.event, report.provider_status) == (event, status)
        assert report.provider_message_id == dialect.message_id


@each_provider
def test_an_unknown_status_changes_nothing(
    provider: Provider, dialect: Dialect, hooks: Hooks
) -> None:
    hook = receipt(hooks, "teleported")
    assert provider.verify(dialect.account(provider), hook)
    assert [report.event for report in read(provider, hook)] == [None]


@each_provider
def test_an_event_is_known_again_and_never_taken_for_another(
    provider: Provider, dialect: Dialect, hooks: Hooks
) -> None:
    seen: dict[str, str] = {}
    for status in hooks.statuses:
        for posted, seconds in ((1, 0), (2, 40)):
            body = hooks.receipt(status, posted)
            hook = hooks.sign(0, CALLBACK, body, NOON + timedelta(seconds=seconds))
            assert provider.verify(dialect.account(provider), hook)
            (event,) = provider.events(hook)
            assert 0 < len(event.key) <= 200
            assert event.key.isprintable()
            assert seen.setdefault(event.key, status) == status
    assert len(seen) == len(hooks.statuses)


@each_provider
def test_not_one_bit_may_change(provider: Provider, dialect: Dialect, hooks: Hooks) -> None:
    hook, ours = receipt(hooks), dialect.account(provider)
    for body in flips(hook.body):
        if not hooks.same(body, hook.body):
            assert not provider.verify(ours, replace(hook, body=body)), body
    for name in hooks.signed_headers:
        for value in flips(hook.headers[name].encode()):
            changed = {**hook.headers, name: value.decode("latin-1")}
            assert not provider.verify(ours, replace(hook, headers=changed)), value
    if hooks.signs_url:
        for url in flips(hook.url.encode()):
            assert not provider.verify(ours, replace(hook, url=url.decode("latin-1"))), url


@each_provider
def test_a_forged_webhook_is_refused(provider: Provider, dialect: Dialect, hooks: Hooks) -> None:
    hook, ours = receipt(hooks), dialect.account(provider)
    forged = [
        replace(hook, body=hook.body + b"&x=1"),
        replace(hook, body=hook.body[:-1]),
        replace(hook, body=b""),
        receipt(hooks, key=2),
    ]
    if hooks.signs_url:
        forged.append(replace(hook, url=CALLBACK.replace("e=3", "e=4")))
    if hooks.signed_headers:
        forged += [
            replace(hook, headers={}),
            replace(hook, headers=dict.fromkeys(hook.headers, "é�")),
            replace(hook, headers=dict.fromkeys(hook.headers, "")),
            replace(hook, headers=dict.fromkeys(hook.headers, "\ud800")),
        ]
    assert [provider.verify(ours, bad) for bad in forged] == [False] * len(forged)


@each_provider
def test_signatures_of_two_webhooks_cannot_be_swapped(
    provider: Provider, dialect: Dialect, hooks: Hooks
) -> None:
    one, other = receipt(hooks), receipt(hooks, "teleported")
    ours = dialect.account(provider)
    assert provider.verify(ours, one)
    assert provider.verify(ours, other)
    if hooks.signed_headers:
        assert not provider.verify(ours, replace(one, headers=other.headers))
        assert not provider.verify(ours, replace(other, headers=one.headers))
    for name in hooks.signed_headers:
        if one.headers[name] != other.headers[name]:
            mixed = {**one.headers, name: other.headers[name]}
            assert not provider.verify(ours, replace(one, headers=mixed))
    later = hooks.sign(0, CALLBACK, hooks.receipt(hooks.delivered, 1), NOON + timedelta(seconds=9))
    for name in hooks.signed_headers[1:]:
        mixed = {**one.headers, name: later.headers[name]}
        assert mixed == one.headers or not provider.verify(ours, replace(one, headers=mixed))


@each_provider
def test_an_account_believes_its_own_secrets_and_no_others(
    provider: Provider, dialect: Dialect, hooks: Hooks
) -> None:
    """While a secret is being replaced, the old one and the new one are both good."""
    believes = {
        hooks.secrets[:1]: [True, False, False],
        hooks.secrets[1:]: [False, True, False],
        hooks.secrets: [True, True, False],
        hooks.secrets[::-1]: [True, True, False],
        ("", hooks.secrets[1]): [False, True, False],
        ("not a key", "\ud800"): [False, False, False],
    }
    for secrets, expected in believes.items():
        ours = dialect.account(provider, webhook_secrets=secrets)
        hook = [receipt(hooks, key=key) for key in (0, 1, 2)]
        assert [provider.verify(ours, each) for each in hook] == expected
    nothing = dialect.account(provider, webhook_secrets=(), secret="")
    assert not provider.verify(nothing, receipt(hooks))


@each_provider
def test_an_old_signature_is_refused(provider: Provider, dialect: Dialect, hooks: Hooks) -> None:
    if hooks.signs_time is None:
        pytest.skip("its signature holds no time")
    hook, ours = receipt(hooks), dialect.account(provider)
    second, most = timedelta(seconds=1), hooks.signs_time
    for age, believed in (
        (most, True),
        (most + second, False),
        (-most, True),
        (-most - second, False),
        (timedelta(days=400), False),
    ):
        assert provider.verify(ours, replace(hook, at=NOON + age)) is believed, age
    assert not provider.verify(ours, replace(hook, at=None))


@each_provider
@given(body=st.binary(max_size=300), header=st.text(max_size=40), url=st.text(max_size=80))
def test_a_garbage_webhook_never_raises(
    provider: Provider, dialect: Dialect, hooks: Hooks, body: bytes, header: str, url: str
) -> None:
    headers = dict.fromkeys((*hooks.signed_headers, "content-type"), header)
    hook = Webhook(url, headers, body, NOON)
    assert provider.verify(dialect.account(provider), hook) is False
    assert read(provider, hook) == []
    assert provider.inbound(hook) == []


@each_provider
def test_any_half_of_a_webhook_is_read_without_raising(
    provider: Provider, dialect: Dialect, hooks: Hooks
) -> None:
    bodies = [receipt(hooks).body]
    if hooks.inbound is not None:
        bodies.append(hooks.inbound(None))
    for body in bodies:
        for end in range(0, len(body), 3):
            hook = Webhook(CALLBACK, {}, body[:end], NOON)
            assert isinstance(read(provider, hook), list)
            assert isinstance(provider.inbound(hook), list)
    assert dialect.hooks is hooks


@each_provider
def test_an_inbound_message_is_read_and_is_no_receipt(
    provider: Provider, dialect: Dialect, hooks: Hooks
) -> None:
    if hooks.inbound is None:
        pytest.skip("it hands on no inbound messages")
    for keyword in (None, *sorted(hooks.keywords)):
        hook = hooks.sign(0, CALLBACK, hooks.inbound(keyword), NOON)
        assert provider.verify(dialect.account(provider), hook)
        (message,) = provider.inbound(hook)
        assert message.provider_message_id == dialect.message_id
        assert (message.from_, message.to) == (hooks.from_, hooks.to)
        assert (message.body, message.channel) == (BODY, dialect.channel)
        assert message.provider_keyword == keyword
        assert read(provider, hook) == []


@each_provider
def test_a_receipt_is_no_inbound_message(
    provider: Provider, dialect: Dialect, hooks: Hooks
) -> None:
    assert dialect.hooks is hooks
    for status in (*hooks.statuses, "teleported"):
        assert provider.inbound(receipt(hooks, status)) == []


@each_provider
def test_only_who_asks_gets_an_answer_to_its_challenge(
    provider: Provider, dialect: Dialect, hooks: Hooks
) -> None:
    assert (provider.challenge is None) is (hooks.challenge is None)
    if provider.challenge is None or hooks.challenge is None:
        return
    asked, answer = hooks.challenge
    ours = dialect.account(provider)
    assert provider.challenge(ours, asked) == answer
    for name in asked:
        assert provider.challenge(ours, {k: v for k, v in asked.items() if k != name}) is None
    assert provider.challenge(ours, {}) is None
    assert provider.challenge(ours, dict.fromkeys(asked, "é�")) is None
