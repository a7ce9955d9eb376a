"""`Posthorn.contacts`, `conversations` and `inbound`: who is known, and what they wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import IO, Any, TypedDict, Unpack

import httpx

from messaging.client.calls import (
    Call,
    Pages,
    Stream,
    ask,
    at,
    delete,
    download,
    get,
    given,
    pages,
    patch,
    post,
    search,
    upload,
)
from messaging.client.flavours import F, Resource, many, once
from messaging.client.message_results import FieldError, Refused
from messaging.client.reading import FROM, Result, document, listed, read


class ContactFields(TypedDict, total=False):
    """What may be known of a contact."""

    phones: Sequence[str]
    emails: Sequence[str]
    instagram_ids: Sequence[str]
    first_name: str | None
    last_name: str | None
    name: str | None
    company: str | None
    tags: Sequence[str]
    attributes: Mapping[str, str | bool | float | None]
    assignee: str | None
    campaign: str | None
    agent: str | None
    source: str | None
    time_zone: str | None
    postal_code: str | None


@dataclass(frozen=True, slots=True)
class Contact(Result):
    """Somebody a tenant knows."""

    id: str
    ref: str | None
    lead: str
    name: str | None
    first_name: str | None
    last_name: str | None
    company: str | None
    phones: tuple[str, ...]
    emails: tuple[str, ...]
    instagram_ids: tuple[str, ...]
    assignee: str | None
    campaign: str | None
    agent: str | None
    source: str | None
    time_zone: str | None
    postal_code: str | None
    tags: tuple[str, ...]
    attributes: Mapping[str, str | bool | float]
    created_at: datetime
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeptContact(Result):
    """An entry of a list of contacts that is kept."""

    id: str
    ref: str | None
    new: bool


@dataclass(frozen=True, slots=True)
class Reach(Result):
    """How many people an audience is."""

    contacts: int
    recipients: int
    """How many of them have an address for the channel, each address once."""
    without_address: int


@dataclass(frozen=True, slots=True)
class ImportedContacts(Result):
    """What a file of contacts came to."""

    rows: int
    new: int
    changed: int
    skipped: int
    errors: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True)
class Thread(Result):
    """A conversation with somebody, without what was said."""

    id: str
    channel: str
    sender_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Line(Result):
    """Something that was said in a conversation; `direction` is in or out."""

    id: str
    direction: str
    channel: str
    from_: str | None = field(metadata=FROM)
    to: str
    body: str
    media: tuple[str, ...]
    status: str
    keyword: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class InboundMessage(Result):
    """What somebody wrote, and what was read in it."""

    id: str
    channel: str
    from_: str = field(metadata=FROM)
    to: str
    body: str
    media: tuple[str, ...]
    keyword: str
    inferred: bool
    language: str | None
    provider_keyword: str | None
    conversation_id: str | None
    reply_id: str | None
    account_id: str
    provider_message_id: str
    at: datetime
    received_at: datetime


class Contacts(Resource[F]):
    """`Posthorn.contacts`; a contact is named by its ref or its id."""

    @once
    def keep(self, *, ref: str | None = None, **fields: Unpack[ContactFields]) -> Call[Contact]:
        """Keep a contact; one with a `ref` that is there is changed, and what is left out stays."""
        if ref is None:
            return post(Contact, "contacts", body=fields)
        return ask(Contact, "contacts", body={"ref": ref, **fields})

    @once
    def keep_many(
        self, contacts: Sequence[Mapping[str, Any]]
    ) -> Call[tuple[KeptContact | Refused, ...]]:
        """Keep up to 1,000 contacts; each is answered on its own, in order."""
        return Call(
            "POST",
            at("contacts"),
            _each_kept,
            json=[given(contact) for contact in contacts],
            harmless=all(contact.get("ref") for contact in contacts),
        )

    @many
    def list(
        self,
        *,
        q: str | None = None,
        tag: str | None = None,
        assignee: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[Contact]:
        """Contacts, newest first; `q` is somewhere in a name, a company or an address."""
        query = {"q": q, "tag": tag, "assignee": assignee, "limit": limit, "cursor": cursor}
        return pages(Contact, "contacts", **query)

    @many
    def search(
        self,
        audience: Mapping[str, Any],
        *,
        channel: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[Contact]:
        """The contacts an audience means."""
        body = {"audience": audience, "channel": channel, "limit": limit, "cursor": cursor}
        return search(Contact, "contacts", "search", body=body)

    @once
    def count(self, audience: Mapping[str, Any], *, channel: str | None = None) -> Call[Reach]:
        """How many people an audience is, and how many of them can be written to on a channel."""
        body = {"audience": audience, "channel": channel, "limit": 1}
        return ask(Reach, "contacts", "search", body=body)

    @once
    def get(self, contact: str) -> Call[Contact]:
        """A contact."""
        return get(Contact, "contacts", contact)

    @once
    def change(self, contact: str, **fields: Unpack[ContactFields]) -> Call[Contact]:
        """Change what is named; None empties it. Lists are all there is from then on."""
        return patch(Contact, "contacts", contact, body=fields)

    @once
    def delete(self, contact: str) -> Call[None]:
        """Forget a contact; what was sent to it stays (`erasures.request` empties that, too)."""
        return delete("contacts", contact)

    @many
    def conversations(self, contact: str) -> Pages[Thread]:
        """The conversations with a contact, on any of its addresses."""
        return pages(Thread, "contacts", contact, "conversations")

    @once
    def import_file(
        self, file: IO[bytes] | IO[str], *, skip_invalid: bool = False
    ) -> Call[ImportedContacts]:
        """Keep every contact of a CSV file: all, or none if a line is wrong and none may be skipped."""
        return upload(ImportedContacts, "contacts", "import", file=file, skip_invalid=skip_invalid)

    @many
    def export(self) -> Stream[bytes]:
        """All contacts as a CSV file, piece by piece; it can be imported again."""
        return download("contacts", "export")


class Conversations(Resource[F]):
    """`Posthorn.conversations`."""

    @once
    def get(self, conversation_id: str) -> Call[Thread]:
        """With whom and from which sender it is; `lines` has what was said."""
        return replace(get(Thread, "conversations", conversation_id), query={"limit": 1})

    @many
    def lines(
        self, conversation_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Pages[Line]:
        """What was said with one person, newest first."""
        return pages(Line, "conversations", conversation_id, limit=limit, cursor=cursor)


class Inbound(Resource[F]):
    """`Posthorn.inbound`."""

    @many
    def list(
        self,
        *,
        keyword: str | None = None,
        inferred: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[InboundMessage]:
        """What people wrote, newest first; `inferred`: only what was concluded from other words."""
        query = {"keyword": keyword, "inferred": inferred, "limit": limit, "cursor": cursor}
        return pages(InboundMessage, "inbound", **query)


def _each_kept(response: httpx.Response) -> tuple[KeptContact | Refused, ...]:
    return tuple(
        read(Refused, item) if "errors" in item else read(KeptContact, item)
        for item in listed(document(response))
    )
