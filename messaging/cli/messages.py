"""`posthorn send`, `status` and `cancel`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer

from messaging.cli.door import TenantName, door
from messaging.cli.output import Form, Output, Reveal, mask, note, show, write_json
from messaging.domain.message import DEVELOPMENT, Category, Channel, Priority

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


From = Annotated[
    str | None, typer.Option("--from", help="A sender of yours: its address or its id.")
]
Pool = Annotated[str | None, typer.Option(help="A pool of senders of yours.")]
At = Annotated[
    datetime | None,
    typer.Option(parser=moment, metavar="TIME", help="When: 2030-01-31T09:00:00-05:00 or +5m."),
]
Key = Annotated[
    str | None, typer.Option(help="Repeating it with the same message sends nothing new.")
]
Draft = Annotated[bool, typer.Option("--draft", help="Keep it, send it later.")]
Lead = Annotated[str | None, typer.Option(help="Whom it is to, as you name them.")]
CampaignRef = Annotated[str | None, typer.Option(help="Yours; may decide the sender.")]
Source = Annotated[str | None, typer.Option(help="Where the lead came from.")]
UseCase = Annotated[str | None, typer.Option(help="One bound to a pool.")]
Agent = Annotated[str | None, typer.Option(help="Who writes; their numbers come first.")]
Template = Annotated[str | None, typer.Option(help="Which text it is.")]
Subject = Annotated[
    str | None, typer.Option(help="Of an e-mail, or of the one that is the fallback.")
]
HtmlFile = Annotated[
    typer.FileText | None, typer.Option(help="An e-mail's HTML; - reads what is piped in.")
]
Media = Annotated[
    list[str] | None, typer.Option(help="The https address of a file; may be repeated.")
]
FromName = Annotated[str | None, typer.Option(help="Who an e-mail is from.")]
ReplyTo = Annotated[str | None, typer.Option(help="Where answers to an e-mail go.")]
FallbackEmail = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Send an e-mail there, should it fail.")
]


def send(
    to: Annotated[str, typer.Argument(help="The recipient, as +12025550123.")],
    text: Annotated[str, typer.Argument(help="What to say; may be empty beside media.")],
    *,
    channel: Annotated[Channel, typer.Option(case_sensitive=False)] = Channel.SMS,
    from_: From = None,
    pool: Pool = None,
    at: At = None,
    priority: Annotated[Priority, typer.Option(case_sensitive=False)] = Priority.NORMAL,
    category: Annotated[Category, typer.Option(case_sensitive=False)] = Category.TRANSACTIONAL,
    idempotency_key: Key = None,
    draft: Draft = False,
    subject: Subject = None,
    html_file: HtmlFile = None,
    media: Media = None,
    from_name: FromName = None,
    reply_to: ReplyTo = None,
    fallback_email: FallbackEmail = None,
    lead: Lead = None,
    campaign: CampaignRef = None,
    source: Source = None,
    use_case: UseCase = None,
    agent: Agent = None,
    template: Template = None,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Hand a message in, and show its id.

    posthorn send +12025550123 "Your table is ready." --at +10m
    """
    own = subject if fallback_email is None or channel is Channel.EMAIL else None
    fields: dict[str, Any] = {
        "to": to, "body": text, "channel": channel.value, "from": from_, "pool": pool,
        "scheduled_for": at.isoformat() if at else None, "priority": priority.value,
        "category": category.value, "draft": draft, "subject": own, "media": media or None,
        "html": html_file.read() if html_file else None, "from_name": from_name,
        "reply_to": reply_to, "lead": lead, "campaign": campaign, "source": source,
        "use_case": use_case, "agent": agent, "template": template,
    }  # fmt: skip
    if fallback_email is not None:
        fields["fallback"] = {"channel": "email", "to": fallback_email, "subject": subject}
    given = {name: value for name, value in fields.items() if value is not None}
    with door(tenant) as way:
        show(way.send(given, idempotency_key), output)


_PERSONAL = ("subject", "html", "media", "reply_to")
"""What a message has beside its text that may say whom it is to."""


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
        found |= dict.fromkeys(name for name in _PERSONAL if found[name])
    if output is Form.JSON:
        write_json(found)
        return
    events, attempts, receipts = (found.pop(name) for name in ("events", "attempts", "receipts"))
    show(found, output)
    note("")
    for event in events:
        why = f" ({event['reason']})" if event["reason"] else ""
        note(f"{event['at']}  {event['event'] or 'created'} -> {event['status']}{why}")
    for attempt in attempts:
        known = f", known by {attempt['settled_by']}" if attempt["settled_by"] else ""
        note(f"{attempt['started_at']}  attempt {attempt['epoch']}: {attempt['outcome']}{known}")
    for receipt in receipts:
        code = f" ({receipt['error_code']})" if receipt["error_code"] else ""
        said = f"{receipt['provider_status']}{code}: {receipt['result']}"
        note(f"{receipt['occurred_at'] or receipt['received_at']}  receipt {said}")


def cancel(message_id: MessageId, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Call a message off, as long as no attempt to send it was made."""
    with door(tenant) as way:
        way.cancel(message_id)
    note("canceled")
