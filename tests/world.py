"""A tenant with senders over real servers, a scripted carrier and a clock to move."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import httpx
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from messaging import callbacks, dispatch, outcomes, receipts, webhooks
from messaging.dispatch import Summary
from messaging.domain import addresses
from messaging.domain.lifecycle import Status
from messaging.domain.message import (
    Campaign,
    Channel,
    ProviderAccount,
    Queue,
    Sender,
)
from messaging.domain.new_message import NewMessage
from messaging.domain.registration import SenderKind, answers_unless_said, kind_of
from messaging.providers.base import Webhook
from messaging.runtime import Runtime
from messaging.settings import Settings
from messaging.store import accounts as account_store
from messaging.store import messages, tables, tenants
from messaging.store import senders as sender_store
from messaging.store.messages import NewRow
from messaging.store.raw_receipts import RawReceipt
from messaging.store.tenants import Tenant
from messaging.window import Result, Window
from tests import registered
from tests.carrier import Carrier
from tests.looking import Looking

SECRET = "a-secret-of-at-least-32-characters"
PUBLIC_URL = "https://posthorn.example"
RECIPIENT = "+12025550123"
DEADLINE = 20.0


def poll(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


@dataclass
class ClockedRuntime(Runtime):
    """A runtime whose clock can be put forward."""

    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return super().now() + self.ahead


def settings_for(database_url: str, redis_url: str, **overrides: object) -> Settings:
    return Settings.read(
        database_url=database_url,
        redis_url=redis_url,
        secret_key=SECRET,
        public_url=PUBLIC_URL,
        **overrides,
    )


def empty(engine: Engine) -> None:
    """Delete every row; cheaper than TRUNCATE, which makes new files."""
    with engine.begin() as db:
        for table in reversed(tables.metadata.sorted_tables):
            db.execute(sa.delete(table))


def sms(**changes: Any) -> NewMessage:
    fields: dict[str, Any] = {"recipient": RECIPIENT, "body": "Hello", "segments": 1}
    return NewMessage(**(fields | changes))


class World(Looking):
    """Everything one test needs to send, receive and look."""

    def __init__(self, rt: ClockedRuntime) -> None:
        super().__init__(rt.engine)
        self.rt = rt
        self.tenant = Tenant(rt.new_id(), f"tenant-{secrets.token_hex(4)}", "US")
        self.carrier = Carrier()
        self.window = self.a_window()
        with rt.engine.begin() as db:
            tenants.add(db, self.tenant)
        self.pool_id = rt.new_id()
        with rt.engine.begin() as db:
            sender_store.add_pool(db, self.tenant.id, self.pool_id, "main")
        self.campaign = self.add_campaign("main")
        self.account = self.add_account()
        self.sender = self.add_sender("+12025550199")

    def a_window(self, rt: Runtime | None = None, size: int = 500) -> Window:
        using = rt or self.rt

        def record(results: Sequence[Result]) -> None:
            outcomes.record(using, results)

        return Window(self.carrier, size, record)

    def add_account(self, **changes: Any) -> ProviderAccount:
        account = ProviderAccount(
            id=self.rt.new_id(),
            tenant_id=self.tenant.id,
            provider="twilio",
            name=secrets.token_hex(4),
            base_url="http://127.0.0.1:9",
            username="AC" + "0" * 32,
            secret="an-auth-token",
            max_in_flight=1000,
            absence_proof=timedelta(minutes=10),
        )
        account = replace(account, **changes)
        with self.rt.engine.begin() as db:
            account_store.add_account(db, account, (), self.rt.sealer)
        self.forget_senders()
        return account

    def add_campaign(self, name: str, **changes: Any) -> Campaign:
        with self.rt.engine.begin() as db:
            made = registered.campaign(self.rt, db, self.tenant.id, name, **changes)
        self.forget_senders()
        return made

    def add_sender(self, address: str, **changes: Any) -> Sender:
        """A sender; a long code is on a verified campaign unless `campaign` says otherwise."""
        kind = kind_of(address)
        sender = Sender(
            id=self.rt.new_id(),
            tenant_id=self.tenant.id,
            account_id=self.account.id,
            channel=Channel.SMS,
            address=address,
            mps=10_000.0,
            is_default=True,
            pool_ids=frozenset({self.pool_id}),
            kind=kind,
            campaign=self.campaign if kind is SenderKind.LONG_CODE else None,
            reply_owner=answers_unless_said(kind),
        )
        sender = replace(sender, **changes)
        with self.rt.engine.begin() as db:
            sender_store.add_senders(db, [sender])
        self.forget_senders()
        return sender

    def change(self, table: str, row_id: UUID, **values: object) -> None:
        found = tables.metadata.tables[table]
        with self.rt.engine.begin() as db:
            db.execute(sa.update(found).where(found.c.id == row_id).values(**values))
        self.forget_senders()

    def forget_senders(self) -> None:
        self.rt._directory.clear()

    def key(self, recipient: str = RECIPIENT) -> bytes:
        return addresses.key(self.rt.settings.pepper, "sms", recipient)

    def put(self, count: int = 1, status: Status = Status.QUEUED, **fields: Any) -> list[UUID]:
        """Store messages as intake would; `created_at` may be given."""
        created_at = fields.pop("created_at", self.rt.now())
        new = sms(**fields)
        rows = [
            NewRow(
                self.rt.new_id(), self.tenant.id, self.key(new.recipient), status, new, created_at
            )
            for _ in range(count)
        ]
        with self.rt.engine.begin() as db:
            messages.insert(db, rows)
        return [row.id for row in rows]

    def put_one(self, status: Status = Status.QUEUED, **fields: Any) -> UUID:
        (message_id,) = self.put(1, status, **fields)
        return message_id

    def take(self, queue: Queue = Queue.NORMAL, limit: int = 250) -> Summary:
        """One claim, its decisions, and its sends put in line, where tests may look at them."""
        summary = Summary()
        with patch.object(self.window, "start"):
            dispatch.take(self.rt, self.window, queue, limit, summary)
        return summary

    def settle(self) -> None:
        """Let every call that does not hang end and be recorded."""
        self.window.step(0)
        poll(self._quiet, "calls did not end")

    def _quiet(self) -> bool:
        self.window.step(0.001)
        return self.window.held == len(self.carrier._hanging)

    def send(self, queue: Queue = Queue.NORMAL) -> Summary:
        """Take what is due and see it through."""
        summary = self.take(queue)
        self.settle()
        return summary

    def report(
        self, sid: str, status: str, url: str | None = None, code: int | None = None
    ) -> None:
        """A status callback arrives and is kept; `url` is the attempt's own, if it is used."""
        form = {"MessageSid": sid, "MessageStatus": status}
        if code is not None:
            form["ErrorCode"] = str(code)
        self.post(str(httpx.QueryParams(form)).encode(), url)

    def post(self, body: bytes, url: str | None = None) -> None:
        address = url or f"{PUBLIC_URL}/webhooks/twilio/{self.account.id}/status"
        named = callbacks.named(self.rt.settings, address)
        message_id, epoch = named or (None, None)
        webhook = Webhook(address, {}, body)
        with self.rt.engine.begin() as db:
            webhooks.keep(db, [RawReceipt(self.account.id, webhook.url, body, message_id, epoch)])

    def callback(self, message_id: UUID, epoch: int) -> str:
        return callbacks.address(self.rt.settings, self.account, message_id, epoch)

    def applied(self) -> str:
        return receipts.apply(self.rt)

    def receipt_results(self) -> list[str | None]:
        return [row["result"] for row in self.rows("SELECT result FROM raw_receipts ORDER BY id")]


def kill_backends(engine: Engine, but: Sequence[int] = ()) -> int:
    """End every other connection to this database, as a restart would."""
    query = sa.text("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL(:but)
    """)
    apart = sa.create_engine(engine.url, poolclass=sa.NullPool)
    with apart.begin() as db:
        return len(db.execute(query, {"but": list(but)}).all())


def at_once(*jobs: Callable[[], object]) -> list[object]:
    """Run the jobs in threads that start together; their results in order."""
    barrier = threading.Barrier(len(jobs))
    results: list[object] = [None] * len(jobs)

    def run(i: int) -> None:
        barrier.wait()
        try:
            results[i] = jobs[i]()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


@contextmanager
def runtime(settings: Settings, seed: int = 1) -> Iterator[ClockedRuntime]:
    started = ClockedRuntime.start(settings, name="test", seed=seed)
    assert isinstance(started, ClockedRuntime)
    yield started
    started.close()
