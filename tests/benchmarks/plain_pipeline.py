"""The second yardstick: the pipeline one writes first, in an afternoon and with good libraries.

One Celery task per message: read the row with the ORM, POST it with `httpx.Client` over a kept-alive
connection, update the row, commit. No consent check, no rate limit, no choice of a sender, no audit
trail, and a message is lost or sent twice when the worker dies at the wrong moment. It was written
for this comparison and sends to the same carrier.
"""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime
from functools import cache

import httpx
import sqlalchemy as sa
from celery import Celery
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

app = Celery("plain", broker=os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:1/0"))
app.conf.update(
    task_ignore_result=True, task_acks_late=False, broker_connection_retry_on_startup=True
)


class Base(DeclarativeBase):
    pass


class PlainMessage(Base):
    __tablename__ = "plain_messages"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    recipient: Mapped[str]
    sender: Mapped[str]
    body: Mapped[str]
    status: Mapped[str] = mapped_column(default="queued")
    provider_message_id: Mapped[str | None]
    sent_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


@cache
def _engine() -> sa.Engine:
    return sa.create_engine(os.environ["BENCH_DATABASE_URL"])


@cache
def _client() -> httpx.Client:
    account, token = os.environ["BENCH_ACCOUNT"].split(":")
    return httpx.Client(base_url=os.environ["BENCH_CARRIER_URL"], auth=(account, token))


@app.task(name="plain.send")  # type: ignore[untyped-decorator]  # Celery is untyped
def send(message_id: str) -> None:
    with Session(_engine()) as session:
        message = session.get_one(PlainMessage, uuid.UUID(message_id))
        account = os.environ["BENCH_ACCOUNT"].split(":")[0]
        reply = _client().post(
            f"/2010-04-01/Accounts/{account}/Messages.json",
            data={"To": message.recipient, "From": message.sender, "Body": message.body},
        )
        reply.raise_for_status()
        message.status = "sent"
        message.provider_message_id = reply.json()["sid"]
        message.sent_at = datetime.now(UTC)  # noqa: TID251 - as one writes it
        session.commit()
