"""Who is a bulk request to, and what is each of them sent?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from messaging import batches, crowds
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
from messaging.crowds import Crowd
from messaging.domain import audience
from messaging.domain.addresses import region_of
from messaging.domain.compliance import places
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.message import Channel
from messaging.domain.recipients import address_of
from messaging.domain.request import SendRequest
from messaging.runtime import Runtime
from messaging.store.batches import Person
from messaging.store.tenants import Tenant

_TITLE = "bulk"
_MOST_BYTES = 64 << 20
"""Of the texts that one transaction keeps."""
_AT = "#/bulk_settings"


def submit(
    rt: Runtime, tenant: Tenant, wanted: Unified, sender: From, key: str | None
) -> dict[str, Any]:
    """Write to everybody a bulk request means; its counts as the ledger has them now.

    Raises:
        InvalidRequestError: what is wrong; of the message, with our names of the fields.
        PosthornError: as `batches.submit` and `crowds.submit`.
    """
    criteria = wanted.bulk_settings or {}
    meant = audience.parse(criteria, at=_AT)
    if isinstance(meant, list):
        raise InvalidRequestError(meant)
    same = batches.fingerprint(wanted.model_dump(mode="json"))
    taking = crowds.earlier(rt, tenant, key, same)
    if taking is None:
        channel = channel_of(wanted, channel_of_sender(rt, tenant, sender))
        fields = {**shared(wanted, channel, sender), **_text(wanted, channel)}
        people, strangers = batches.people(rt, tenant, meant, channel)
        only_named = meant.keyword is None and meant.assignees is None and meant.filters is None
        lost = strangers if only_named else []
        spared = _placeholder(tenant, wanted, channel)
        if people is None or len(people) * _size(wanted) > _MOST_BYTES:
            crowd = Crowd(
                _TITLE, channel, fields, criteria, meant, lost, spared, "unified", key, same
            )
            taking = crowds.submit(rt, tenant, crowd)
        else:
            targets = [_target(person, fields, channel, spared) for person in people]
            targets += [Target(ref, None, "unknown_lead") for ref in lost]
            if not targets:
                return _counts(0, 0, None)
            order = Order(_TITLE, channel, fields, targets, "unified", key, same)
            taking = batches.submit(rt, tenant, order)
    return _counts(taking.accepted, taking.failed, taking.id)


def _size(wanted: Unified) -> int:
    data = wanted.message_data
    return len(data.content) + len(data.html_content or "")


def _placeholder(tenant: Tenant, wanted: Unified, channel: Channel) -> str | None:
    """The address that stands for nobody in this request, if it is one."""
    found = address_of(channel, wanted.message_data.recipient or "", tenant.default_region)
    return found if isinstance(found, str) else None


def _text(wanted: Unified, channel: Channel) -> dict[str, Any]:
    first, *others = texts(wanted, channel)
    if others:
        detail = "Instagram takes a text or a picture, not both; send two bulk messages"
        raise InvalidRequestError([FieldProblem("#/media", "not_together", detail)])
    return dict(first)


def _target(person: Person, fields: dict[str, Any], channel: Channel, spared: str | None) -> Target:
    address = person.address
    if address is None:
        return Target(str(person.id), None, "no_address", person.id)
    if spared is not None and address.lower() == spared.lower():
        return Target(address, None, "placeholder", person.id)
    return Target(address, _request(person, address, fields, channel), None, person.id)


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
