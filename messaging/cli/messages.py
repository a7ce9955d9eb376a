"""`posthorn send`, `status` and `cancel`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer

from messaging.cli.door import TenantName, door
from messaging.cli.output import Form, Output, Reveal, mask, note, show, write_json
from messaging.domain.message import DEVELOPMENT, Category, Priority

_AHEAD = re.compile(r"\+(\d{1,9})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

MessageId = Annotated[UUID, typer.Argument(help="As `send` showed it.")]


def moment(text: str) -> datetime:
    """A time from `2030-01-31T09:00:00-05:00` or `+90s`, `+5m`, `+2h`, `+1d`."""
    ahead = _AHEAD.fullmatch(text)
    if ahead is not None:
        now = datetime.now(UTC)  # noqa: TID251 - the person's "from now", as they press enter
        return now + timedelta(**{_UNITS[ahead.group(2)]: int(ahead.group(1))})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("must be as 2030-01-31T09:00:00-05:00, +90s or +5m") from None
    if found.tzinfo is None:
        raise typer.BadParameter("must carry a UTC offset, as in 2030-01-31T09:00:00-05:00")
    return found


def send(
    to: Annotated[str, typer.Argument(help="The recipient, as +12025550123.")],
    text: Annotated[str, typer.Argument(help="What to say.")],
    *,
    from_: Annotated[
        str | None, typer.Option("--from", help="A sender of yours: its number or its id.")
    ] = None,
    pool: Annotated[str | None, typer.Option(help="A pool of senders of yours.")] = None,
    at: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="When: 2030-01-31T09:00:00-05:00 or +5m."),
    ] = None,
    priority: Annotated[Priority, typer.Option(case_sensitive=False)] = Priority.NORMAL,
    category: Annotated[Category, typer.Option(case_sensitive=False)] = Category.TRANSACTIONAL,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Repeating it with the same message sends nothing new.")
    ] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Keep it, send it later.")] = False,
    lead: Annotated[str | None, typer.Option(help="Whom it is to, as you name them.")] = None,
    campaign: Annotated[str | None, typer.Option(help="Yours; may decide the sender.")] = None,
    source: Annotated[str | None, typer.Option(help="Where the lead came from.")] = None,
    use_case: Annotated[str | None, typer.Option(help="One bound to a pool.")] = None,
    agent: Annotated[str | None, typer.Option(help="Who writes; their numbers come first.")] = None,
    template: Annotated[str | None, typer.Option(help="Which text it is.")] = None,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Hand a message in, and show its id.

    posthorn send +12025550123 "Your table is ready." --at +10m
    """
    fields: dict[str, Any] = {
        "to": to,
        "body": text,
        "from": from_,
        "pool": pool,
        "scheduled_for": at.isoformat() if at else None,
        "priority": priority.value,
        "category": category.value,
        "draft": draft,
        "lead": lead,
        "campaign": campaign,
        "source": source,
        "use_case": use_case,
        "agent": agent,
        "template": template,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    with door(tenant) as way:
        show(way.send(given, idempotency_key), output)


def status(
    message_id: MessageId,
    *,
    reveal: Reveal = False,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Show where a message is, and every step that led it there."""
    with door(tenant) as way:
        found = way.message(message_id)
    if not reveal:
        hidden = f"*** ({len(found['body'])} characters)"
        found |= {"to": mask(found["to"]), "body": hidden, "metadata": None}
    if output is Form.JSON:
        write_json(found)
        return
    events, attempts = found.pop("events"), found.pop("attempts")
    show(found, output)
    note("")
    for event in events:
        why = f" ({event['reason']})" if event["reason"] else ""
        note(f"{event['at']}  {event['event'] or 'created'} -> {event['status']}{why}")
    for attempt in attempts:
        known = f", known by {attempt['settled_by']}" if attempt["settled_by"] else ""
        note(f"{attempt['started_at']}  attempt {attempt['epoch']}: {attempt['outcome']}{known}")


def cancel(message_id: MessageId, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Call a message off, as long as no attempt to send it was made."""
    with door(tenant) as way:
        way.cancel(message_id)
    note("canceled")
