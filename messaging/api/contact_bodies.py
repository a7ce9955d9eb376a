"""What do contacts look like in answers and questions of `/v1/contacts`?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from messaging.api import schema
from messaging.domain.audience_shape import AudienceJson
from messaging.domain.contact import WORDS, Contact, Scalar
from messaging.domain.message import Channel


class ContactBody(BaseModel):
    """Somebody you know; times are UTC."""

    id: UUID
    ref: Annotated[str | None, Field(description="your own id for it")]
    lead: Annotated[str, Field(description="what its messages carry: ref, or else id")]
    name: Annotated[str | None, Field(description="first and last name")]
    first_name: str | None
    last_name: str | None
    company: str | None
    phones: list[str]
    emails: list[str]
    instagram_ids: list[str]
    assignee: str | None
    campaign: str | None
    agent: str | None
    source: str | None
    time_zone: str | None
    postal_code: str | None
    tags: list[str]
    attributes: dict[str, Scalar]
    created_at: datetime
    modified_at: Annotated[datetime | None, Field(description="null: never")]


class KeptContact(BaseModel):
    """An entry that is kept."""

    id: UUID
    ref: str | None
    new: Annotated[bool, Field(description="false: it changed one that was there")]


class ContactsKept(BaseModel):
    """The answer to a list, one entry each, in order."""

    data: list[KeptContact | schema.RefusedEntry]
    accepted: int
    refused: int


class ContactPage(BaseModel):
    """Contacts, newest first, and where to go on."""

    data: list[ContactBody]
    next_cursor: str | None


class FoundContacts(ContactPage):
    """How many people an audience is, and the newest of them."""

    contacts: int
    recipients: Annotated[int, Field(description="different people on the channel")]
    without_address: Annotated[int, Field(description="contacts with no address on the channel")]


class ThreadBody(BaseModel):
    """A conversation with a contact."""

    id: UUID
    channel: Channel
    sender_id: Annotated[UUID | None, Field(description="who goes on with it")]
    created_at: datetime


class Threads(BaseModel):
    """All conversations with a contact, newest first."""

    data: list[ThreadBody]


class ImportedContacts(BaseModel):
    """What a file came to."""

    rows: int
    new: int
    changed: int
    skipped: Annotated[int, Field(description="rows that were wrong, with skip_invalid")]
    errors: Annotated[list[schema.ErrorItem], Field(description="the first hundred of those")]


class ContactQuery(BaseModel):
    """Which contacts to list."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            description="somewhere in name, company, e-mail addresses or phones; to keep addresses"
            " out of URLs, POST them to /v1/contacts/search",
        ),
    ] = None
    tag: Annotated[str | None, Field(min_length=1, max_length=128)] = None
    assignee: Annotated[str | None, Field(min_length=1, max_length=128)] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None


class AudienceSearch(BaseModel):
    """Whom to find."""

    model_config = ConfigDict(extra="forbid")

    audience: AudienceJson
    channel: Annotated[Channel, Field(description="where their addresses are counted")] = (
        Channel.SMS
    )
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None


class ImportQuery(BaseModel):
    """How a file is taken."""

    model_config = ConfigDict(extra="forbid")

    skip_invalid: Annotated[
        bool, Field(description="keep the good rows; else a wrong row keeps all of it out")
    ] = False


def shown(contact: Contact) -> dict[str, Any]:
    """A contact as `ContactBody` says."""
    words = {name: getattr(contact, name) for name in WORDS}
    created, modified = contact.created_at, contact.modified_at
    return words | {
        "id": contact.id,
        "ref": contact.ref,
        "lead": contact.lead,
        "name": contact.name,
        "phones": list(contact.addresses.get(Channel.SMS, ())),
        "emails": list(contact.addresses.get(Channel.EMAIL, ())),
        "instagram_ids": list(contact.addresses.get(Channel.INSTAGRAM_DM, ())),
        "tags": list(contact.tags),
        "attributes": dict(contact.attributes),
        "created_at": created.astimezone(UTC) if created else None,
        "modified_at": modified.astimezone(UTC) if modified else None,
    }
