"""Who is a bulk request to, and what is each of them sent?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from messaging import batches
from messaging.api.facades.submitting import parsed
from messaging.api.facades.unified_request import (
    From,
    Unified,
    channel_of,
    channel_of_sender,
    shared,
    texts,
)
from messaging.batches import Order, Target
from messaging.domain import audience
from messaging.domain.addresses import region_of
from messaging.domain.compliance import places
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.message import Channel
from messaging.domain.request import MAX_LIST, SendRequest
from messaging.runtime import Runtime
from messaging.store.batches import Person
from messaging.store.tenants import Tenant

_TITLE = "bulk"
_MOST_BYTES = 64 << 20
_AT = "#/bulk_settings"


def submit(
    rt: Runtime, tenant: Tenant, wanted: Unified, sender: From, key: str | None
) -> dict[str, Any]:
    """Write to everybody a bulk request means; its counts as the ledger has them now.

    Raises:
        InvalidRequestError: what is wrong; of the message, with our names of the fields.
        PosthornError: as `batches.submit`.
    """
    meant = audience.parse(wanted.bulk_settings, at=_AT)
    if isinstance(meant, list):
        raise InvalidRequestError(meant)
    channel = channel_of(wanted, channel_of_sender(rt, tenant, sender))
    text = _text(wanted, channel)
    people, strangers = batches.people(rt, tenant, meant, channel, MAX_LIST + 1)
    only_named = meant.keyword is None and meant.assignees is None and meant.filters is None
    lost = strangers if only_named else []
    _check_size(len(people) + len(lost), wanted)
    fields = {**shared(wanted, channel, sender), **text}
    if wanted.message_data.metadata is not None:
        fields["metadata"] = wanted.message_data.metadata
    targets = [_target(person, fields, channel) for person in people]
    targets += [Target(ref, None, "unknown_lead") for ref in lost]
    if not targets:
        return _counts(0, 0, None)
    kept = {name: value for name, value in fields.items() if name != "metadata"}
    plain = wanted.model_dump(mode="json")
    order = Order(_TITLE, channel, kept, targets, "unified", key, batches.fingerprint(plain))
    taking = batches.submit(rt, tenant, order)
    return _counts(taking.accepted, taking.failed, taking.id)


def _text(wanted: Unified, channel: Channel) -> dict[str, Any]:
    first, *others = texts(wanted, channel)
    if others:
        detail = "Instagram takes a text or a picture, not both; send two bulk messages"
        raise InvalidRequestError([FieldProblem("#/media", "not_together", detail)])
    return dict(first)


def _check_size(count: int, wanted: Unified) -> None:
    if count > MAX_LIST:
        detail = f"means more than {MAX_LIST} contacts; narrow it down, or make a campaign of it"
        raise InvalidRequestError([FieldProblem(_AT, "too_many", detail)])
    data = wanted.message_data
    if count * (len(data.content) + len(data.html_content or "")) > _MOST_BYTES:
        detail = "is too long for so many; narrow them down, or shorten it"
        raise InvalidRequestError([FieldProblem("#/body", "too_long", detail)])


def _target(person: Person, fields: dict[str, Any], channel: Channel) -> Target:
    if person.address is None:
        return Target(str(person.id), None, "no_address", person.id)
    return Target(
        person.address, _request(person, person.address, fields, channel), None, person.id
    )


def _request(person: Person, address: str, fields: dict[str, Any], channel: Channel) -> SendRequest:
    lead = person.ref if person.ref is not None else str(person.id)
    about = {"lead": lead, "agent": person.agent, "source": person.source}
    if channel.by_phone:
        about["time_zone"] = person.time_zone
        code = person.postal_code
        if code is not None and places.postal_problem(region_of(address), code) is None:
            about["postal_code"] = code
    return parsed({**fields, **about, "to": address})


def _counts(sent: int, failed: int, campaign_id: UUID | None) -> dict[str, Any]:
    total = sent + failed
    return {
        "total_leads": total,
        "messages_sent": sent,
        "messages_failed": failed,
        "success_rate": round(100 * sent / total, 2) if total else 0.0,
        "campaign_id": str(campaign_id) if campaign_id is not None else None,
    }
