"""What programs do with the Python client, in both flavours, against a real server."""

from __future__ import annotations

import asyncio
import inspect
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from messaging import expansion
from messaging.client import (
    Accepted,
    AsyncPosthorn,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    Posthorn,
    Refused,
    WaitTimeoutError,
)
from messaging.runtime import Runtime

TO, OTHER = "+12025550123", "+12025550124"
PEOPLE = [{"to": f"+12025550{n}", "fields": {"first_name": f"P{n}"}} for n in range(100, 105)]
Journey = Callable[..., Awaitable[None]]


def in_both_flavours(journey: Journey) -> Callable[..., None]:
    """Make a test of a journey: once with a client that waits, once with one that is awaited."""

    @pytest.mark.parametrize("flavour", [Posthorn, AsyncPosthorn])
    def test(flavour: type[Any], address: str, caller: Any, rt: Runtime) -> None:
        async def travel() -> None:
            ph = flavour(address, caller.key, timeout=60)
            try:
                await (
                    journey(ph, rt)
                    if "rt" in inspect.signature(journey).parameters
                    else journey(ph)
                )
            finally:
                await got(ph.close())

        asyncio.run(travel())

    test.__name__ = journey.__name__
    made: Callable[..., None] = test
    return made


async def got(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


async def each(items: Any) -> AsyncIterator[Any]:
    if isinstance(items, AsyncIterator):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


async def all_of(items: Any) -> list[Any]:
    return [item async for item in each(items)]


@in_both_flavours
async def test_a_message_from_its_preview_to_its_end(ph: Any) -> None:
    preview = await got(ph.messages.preview(body="Your code is 123456"))
    assert (preview.encoding, preview.segments) == ("GSM-7", 1)
    sent = await got(ph.messages.send(to=TO, body="Hello", idempotency_key="k"))
    again = await got(ph.messages.send(to=TO, body="Hello", idempotency_key="k"))
    assert again == Accepted(sent.id, sent.status, replayed=True)
    kept, refused = await got(
        ph.messages.send_many([{"to": OTHER, "body": "A"}, {"to": "12", "body": "B"}])
    )
    assert isinstance(kept, Accepted)
    assert isinstance(refused, Refused)
    assert {m.id for m in await all_of(ph.messages.list(limit=1))} == {sent.id, kept.id}
    assert [m.id for m in await all_of(ph.messages.search(to=OTHER))] == [kept.id]
    with pytest.raises(WaitTimeoutError, match="still queued"):
        await got(ph.messages.wait(sent.id, timeout=0.1))
    assert (await got(ph.messages.cancel(sent.id))).status == "canceled"
    found = await got(ph.messages.wait(sent.id, timeout=5))
    assert (found.status, found.channel, found.metadata) == ("canceled", "sms", None)
    assert found.canceled_at.tzinfo is not None
    history = await got(ph.messages.events(sent.id))
    assert [e.event for e in history.events] == ["submitted", "canceled"]
    told = await got(ph.messages.explain(sent.id))
    assert told.status == "canceled"
    assert told.sentences
    draft = await got(ph.messages.send(to=TO, body="Soon", draft=True))
    assert (await got(ph.messages.submit(draft.id))).status == "queued"
    assert "normal" in (await got(ph.lanes.get())).lanes


@in_both_flavours
async def test_contacts_are_kept_found_filed_and_forgotten(ph: Any) -> None:
    ana = await got(
        ph.contacts.keep(ref="l 1?#", name="Ana", phones=[TO], attributes={"plan": "pro"})
    )
    assert await got(ph.contacts.get("l 1?#")) == ana
    changed = await got(ph.contacts.change(ana.id, company="Acme", attributes={"plan": None}))
    assert (changed.name, changed.company, changed.attributes) == ("Ana", "Acme", {})
    bo, nobody = await got(ph.contacts.keep_many([{"ref": "l2", "phones": [OTHER]}, {"ref": 1}]))
    assert (bo.ref, bo.new) == ("l2", True)
    assert nobody.errors[0].pointer.startswith("#/1")
    rows = "ref,first_name,phones\nl3,Cy,+12025550125\nl4,Di,nothing\n"
    with pytest.raises(InvalidError, match="#/3"):
        await got(ph.contacts.import_file(io.StringIO(rows)))
    done = await got(ph.contacts.import_file(io.BytesIO(rows.encode()), skip_invalid=True))
    assert (done.rows, done.new, done.skipped) == (2, 1, 1)
    assert [c.ref for c in await all_of(ph.contacts.list(limit=1))] == ["l3", "l2", "l 1?#"]
    reach = await got(ph.contacts.count({"search_keyword": "Ana"}))
    assert (reach.contacts, reach.recipients) == (1, 1)
    found = await all_of(ph.contacts.search({"search_keyword": "Ana"}))
    assert [c.id for c in found] == [ana.id]
    exported = b"".join(await all_of(ph.contacts.export()))
    assert b"Acme" in exported
    assert await all_of(ph.contacts.conversations(ana.id)) == []
    assert await got(ph.contacts.delete(ana.id)) is None
    with pytest.raises(NotFoundError):
        await got(ph.contacts.get(ana.id))


@in_both_flavours
async def test_a_campaign_is_planned_followed_and_counted(ph: Any, rt: Runtime) -> None:
    made = await got(
        ph.campaigns.create(
            name="spring", body="Hi {{first_name}}", category="NOTIFICATION", recipients=PEOPLE
        )
    )
    added = await got(ph.campaigns.add_recipients(made.id, [{"to": TO}]))
    assert (made.state, added.added, added.targets) == ("draft", 1, 6)
    assert [c.state async for c in each(ph.campaigns.follow(made.id))] == ["draft"]
    plan = await got(ph.campaigns.plan(made.id))
    assert (plan.recipients, plan.skipped) == (6, {"no_first_name": 1})
    await got(ph.campaigns.start(made.id))
    expansion.run(rt)
    seen = []
    async for found in each(ph.campaigns.follow(made.id)):
        seen.append(found.state)
        if found.state == "running":
            await got(ph.campaigns.pause(made.id))
    assert (seen[0], seen[-1]) == ("running", "paused")
    people = await all_of(ph.campaigns.recipients(made.id, limit=2))
    assert [p.n for p in people] == [1, 2, 3, 4, 5, 6]
    assert [p.state for p in people][-1] == "skipped"
    with pytest.raises(ConflictError):
        await got(ph.campaigns.retry(made.id))
    assert (await got(ph.campaigns.resume(made.id))).state == "running"
    assert (await got(ph.campaigns.wait(made.id, until="running"))).state == "running"
    with pytest.raises(WaitTimeoutError, match="still running"):
        await got(ph.campaigns.wait(made.id, timeout=0.0))
    await got(ph.campaigns.cancel(made.id))
    expansion.run(rt)
    assert (await got(ph.campaigns.wait(made.id))).state == "canceled"
    assert made.id in {c.id for c in await all_of(ph.campaigns.list())}
    assert (await got(ph.campaigns.statistics("spring"))).campaign == "spring"


@in_both_flavours
async def test_what_messages_leave_from_is_arranged(ph: Any) -> None:
    added = await got(ph.senders.add(address="+12025550150", mps=2, pools=["north"]))
    assert (added.mps, added.pools) == (2, ("north",))
    filed = await got(ph.senders.import_file(io.StringIO("address\n+12025550151\n")))
    assert filed.added == 1
    changed = await got(ph.senders.change(added.id, owner="ann"))
    assert changed.owner == "ann"
    pool = await got(ph.pools.create("south", regions=["US"]))
    assert (await got(ph.pools.change("south", regions=None))).regions != pool.regions
    await got(ph.pools.join("south", added.id))
    assert (await got(ph.senders.get(added.id))).pools == ("north", "south")
    await got(ph.pools.leave("south", added.id))
    bound = await got(ph.bindings.bind("campaign", "spring", pool="north"))
    assert [(b.kind, b.ref, b.pool) for b in bound] == [("campaign", "spring", "north")]
    assert await all_of(ph.bindings.list(kind="campaign")) == list(bound)
    assert (await got(ph.bindings.unbind("campaign", "spring"))).removed == 1
    case = await got(ph.use_cases.create(name="reminders", pool="south"))
    assert not (await got(ph.use_cases.change(case.id, active=False))).active
    assert [u.id for u in await all_of(ph.use_cases.list())] == [case.id]
    await got(ph.use_cases.remove(case.id))
    await got(ph.pools.delete("south"))
    assert "south" not in {p.name for p in await all_of(ph.pools.list())}
    await got(ph.senders.retire(added.id))
    assert (await got(ph.senders.get(added.id))).history[0].state == "retired"
    assert [a.provider for a in await all_of(ph.accounts.list())] == ["twilio"]
    brand = await got(ph.brands.put("acme", status="active", segments_per_day=2000))
    assert brand in await all_of(ph.brands.list())
    carried = await got(ph.tendlc_campaigns.put("sales", brand="acme", status="pending"))
    assert carried in await all_of(ph.tendlc_campaigns.list())


@in_both_flavours
async def test_who_may_be_written_to_is_told_and_asked(ph: Any) -> None:
    stopped = await got(ph.suppressions.stop(TO, evidence="ticket 4711"))
    assert (stopped.suppressed, stopped.suppressions[0].source) == (True, "api")
    done = await got(ph.suppressions.import_file(io.StringIO(f"to\n{OTHER}\n")))
    assert done.rows == 1
    assert {s.channel for s in await all_of(ph.suppressions.list(limit=1))} >= {"sms"}
    assert b"4711" in b"".join(await all_of(ph.suppressions.export())) or done.new
    assert await got(ph.suppressions.lift(TO)) is None
    assert not (await got(ph.suppressions.check(TO))).suppressed
    assert [e.action for e in await all_of(ph.suppressions.history(TO))] == ["suppress", "lift"]
    with pytest.raises(NotFoundError):
        await got(ph.suppressions.lift(TO))
    grant = {"action": "grant", "basis": "express_written", "source": "form"}
    assert (await got(ph.consents.record(TO, **grant))).recorded == 1
    state = await got(ph.consents.check(TO))
    assert (state.consent.basis, state.lacking) == ("express_written", None)
    assert [e.source for e in await all_of(ph.consents.history(TO))] == ["form"]
    scrub = await got(
        ph.dnc.replace("US", io.StringIO(f"{TO}\n"), scrubbed_at=datetime(2026, 1, 2, tzinfo=UTC))
    )
    assert (scrub.listed, scrub.scrubbed_at) == (1, datetime(2026, 1, 2, tzinfo=UTC))
    assert [r.registry for r in await all_of(ph.dnc.list())] == ["US"]
    lines = io.StringIO(f"to,line_type\n{TO},landline\n")
    assert (await got(ph.numbers.import_file(lines))).learned == 1
    assert (await got(ph.numbers.check(TO))).line.type == "landline"
    erasure = await got(ph.erasures.request(OTHER))
    assert (await got(ph.erasures.get(erasure.id))).channel == "sms"


@in_both_flavours
async def test_what_a_tenant_decides_and_who_may_ask(ph: Any) -> None:
    key = await got(ph.keys.create("reader", scopes=["messages:read"]))
    assert key.key.startswith("ph_live_")
    assert (await got(ph.keys.get(key.id))).scopes == ("messages:read",)
    reader = type(ph)(str(ph._http.base_url), key.key)
    with pytest.raises(ForbiddenError) as refused:
        await got(reader.messages.send(to=TO, body="x"))
    assert refused.value.code == "missing_scope"
    await got(reader.close())
    await got(ph.keys.revoke(key.id))
    assert len([k async for k in each(ph.keys.list()) if k.revoked_at]) == 1
    assert "key.created" in {e.action for e in await all_of(ph.audit.list(limit=1))}
    assert (await got(ph.policy.change({"brand": "Acme"}))).brand == "Acme"
    assert (await got(ph.policy.change({"brand": None}))).brand == ""
    assert (await got(ph.policy.get())).quiet_hours
    assert {"brand": "Acme"} in [p.decisions async for p in each(ph.policy.history())]
    assert (await got(ph.rules.get())).law
    assert await all_of(ph.templates.paused()) == []
    with pytest.raises(NotFoundError):
        await got(ph.templates.resume("a/b"))
    assert not (await got(ph.billing.get())).billed
    assert all(isinstance(p.per_segment, Decimal) for p in await all_of(ph.billing.prices()))
    assert await all_of(ph.inbound.list(inferred=True)) == []
    with pytest.raises(NotFoundError):
        await got(ph.conversations.get("00000000-0000-7000-8000-000000000000"))


@in_both_flavours
async def test_an_endpoint_is_added_tried_and_removed(ph: Any, rt: Runtime) -> None:
    made = await got(ph.endpoints.add("https://93.184.215.14/hook", events=["message.failed"]))
    assert made.secret.startswith("whsec_")
    assert (await got(ph.endpoints.rotate(made.id))).secret != made.secret
    assert not (await got(ph.endpoints.change(made.id, enabled=False))).enabled
    assert (await got(ph.endpoints.change(made.id, enabled=True))).events == ("message.failed",)
    tried = await got(ph.endpoints.test(made.id, type="message.failed"))
    assert [n.id for n in await all_of(ph.endpoints.notices(made.id))] == [tried.id]
    again = await got(ph.endpoints.replay(made.id, since=rt.now()))
    assert (again.replayed, again.more) == (0, False)
    assert [e.id for e in await all_of(ph.endpoints.list())] == [made.id]
    await got(ph.endpoints.remove(made.id))
    with pytest.raises(NotFoundError):
        await got(ph.endpoints.get(made.id))
