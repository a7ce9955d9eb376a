"""Who is behind a lead or a conversation, and which conversation is it with them?"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from messaging.domain import addresses
from messaging.domain.addresses import AddressProblem
from messaging.domain.compliance import places
from messaging.domain.contact import Contact
from messaging.domain.errors import FieldProblem, InvalidRequestError, NotFoundError
from messaging.domain.message import Channel
from messaging.domain.recipients import address_of
from messaging.runtime import Runtime
from messaging.store import contacts, conversations
from messaging.store.tenants import Tenant

_NO_LEAD = "no lead of yours has this id"
_NO_THREAD = "no conversation of yours has this id"


def lead(rt: Runtime, tenant: Tenant, name: str) -> Contact:
    """The contact of this `ref` or id.

    Raises:
        NotFoundError: the tenant has none such.
    """
    with rt.engine.connect() as db:
        found = contacts.find(db, tenant.id, name)
    if found is None:
        raise NotFoundError(_NO_LEAD)
    return found


def about(of: Contact, to: str) -> dict[str, str]:
    """What a message to a contact carries of it: fields of a `SendRequest`.

    Where it is said to be holds only for its own number, and only as far as that number's country has
    such postal codes.
    """
    known = {"lead": of.lead, "campaign": of.campaign, "agent": of.agent, "source": of.source}
    if to in of.addresses.get(Channel.SMS, ()):
        known["time_zone"] = of.time_zone
        region = addresses.region_of(to)
        if of.postal_code and places.postal_problem(region, of.postal_code) is None:
            known["postal_code"] = of.postal_code
    return {name: value for name, value in known.items() if value is not None}


def read_number(tenant: Tenant, raw: str, pointer: str) -> str:
    """A number in E.164.

    Raises:
        InvalidRequestError: it is none; `pointer` is where it was said.
    """
    found = address_of(Channel.SMS, raw, tenant.default_region)
    if isinstance(found, AddressProblem):
        raise InvalidRequestError([FieldProblem(pointer, found.code, found.detail)])
    return found


def joined(rt: Runtime, tenant: Tenant, to: str, thread: str | None = None) -> UUID:
    """The conversation with a number: the one that is named, else the one there is, else a new one.

    Raises:
        NotFoundError: the one that is named is not the tenant's with this number.
    """
    key = addresses.key(rt.settings.pepper, Channel.SMS.value, to)
    if thread is None:
        with rt.engine.begin() as db:
            return conversations.join(db, rt.new_id(), tenant.id, Channel.SMS, key, None)
    with rt.engine.connect() as db:
        found = conversations.find(db, tenant.id, thread_id(thread))
    if found is None or found.recipient_key != key:
        raise NotFoundError(_NO_THREAD)
    return found.id


@dataclass(frozen=True, slots=True)
class Behind:
    """Whom a conversation is with."""

    conversation_id: UUID
    to: str
    contact: Contact | None
    """What the tenant knows of them."""


def behind(rt: Runtime, tenant: Tenant, thread: str) -> Behind:
    """Whom a conversation by phone is with.

    Raises:
        NotFoundError: the tenant has no such conversation by phone.
        InvalidRequestError: nothing and nobody has the number any more.
    """
    with rt.engine.connect() as db:
        found = conversations.find(db, tenant.id, thread_id(thread))
        if found is None or not found.channel.by_phone:
            raise NotFoundError(_NO_THREAD)
        to = conversations.address(db, tenant.id, found.recipient_key)
        known = conversations.contact_of(db, tenant.id, found.recipient_key)
        contact = contacts.find(db, tenant.id, str(known)) if known is not None else None
    if to is None:
        detail = "nobody's number is known in this conversation any more; begin a new one"
        raise InvalidRequestError([FieldProblem("#/conversation_id", "no_address", detail)])
    return Behind(found.id, to, contact)


def thread_id(text: str) -> UUID:
    """A conversation's id.

    Raises:
        NotFoundError: it is no id at all.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NotFoundError(_NO_THREAD) from None


def lead_of(rt: Runtime, tenant: Tenant, to: str) -> str | None:
    """What the tenant calls the contact with this number; None if there is none."""
    key = addresses.key(rt.settings.pepper, Channel.SMS.value, to)
    with rt.engine.connect() as db:
        known = conversations.contact_of(db, tenant.id, key)
        found = contacts.find(db, tenant.id, str(known)) if known is not None else None
    return found.lead if found is not None else None
