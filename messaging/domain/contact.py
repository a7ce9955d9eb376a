"""Who is a contact, and what may be said of one?

Every door (HTTP, files, the command line) reads contacts with `ContactRequest` and changes with
`ContactPatch`. What is left out stays as it is, of a new contact empty; null and an empty list take
something away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from messaging.domain.addresses import AddressProblem
from messaging.domain.compliance import places
from messaging.domain.errors import FieldProblem
from messaging.domain.folding import folded
from messaging.domain.message import Channel
from messaging.domain.recipients import address_of
from messaging.domain.request import Ref, storable

MAX_LIST = 1000
"""Contacts that one request takes; files take more."""
MAX_ADDRESSES = 10
MAX_TAGS = 100
MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE = 1000
"""Characters of an attribute that is text."""
_BEYOND_64_BITS = 2**63
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}", re.ASCII)
_LINE = r"^[^\x00-\x1f\x7f]*$"

Scalar = str | bool | int | float
"""What an attribute may be."""
ADDRESSED: Mapping[str, tuple[Channel, ...]] = {
    "phones": (Channel.SMS, Channel.MMS),
    "emails": (Channel.EMAIL,),
    "instagram_ids": (Channel.INSTAGRAM_DM,),
}
"""The fields that hold addresses, and the channels each is good for."""
WORDS = (
    "first_name",
    "last_name",
    "company",
    "assignee",
    "campaign",
    "agent",
    "source",
    "time_zone",
    "postal_code",
)
"""What a contact has of plain text."""

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=_LINE)]
_Address = Annotated[str, Field(min_length=1, max_length=254)]
_Addresses = Annotated[list[_Address], Field(max_length=MAX_ADDRESSES)]


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody a tenant knows, and where they can be reached."""

    id: UUID
    ref: str | None = None
    """The tenant's own id for them."""
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    assignee: str | None = None
    """Whose contact it is, as the tenant names its people."""
    campaign: str | None = None
    """What its messages belong to when they do not say."""
    agent: str | None = None
    source: str | None = None
    time_zone: str | None = None
    postal_code: str | None = None
    """As the tenant wrote it; whether its phone's country has such a code, nobody has asked."""
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    addresses: Mapping[Channel, tuple[str, ...]] = field(default_factory=dict)
    """By channel, normalised, the first of each being the one that is written to. A phone is there
    for texts and for pictures."""
    created_at: datetime | None = None
    modified_at: datetime | None = None

    @property
    def lead(self) -> str:
        """What its messages carry as `lead`."""
        return self.ref if self.ref is not None else str(self.id)

    @property
    def name(self) -> str | None:
        """First and last name, as far as they are known."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or None

    def address(self, channel: Channel) -> str | None:
        """Where it is written to on a channel; None if it cannot be."""
        known = self.addresses.get(channel)
        return known[0] if known else None

    @property
    def search(self) -> str:
        """What a keyword is looked for in: names, company and addresses, folded, a line each."""
        known = [one for channel in Channel for one in self.addresses.get(channel, ())]
        lines = dict.fromkeys(part for part in (self.name, self.company, *known) if part)
        return folded("\n".join(lines))


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")

    phones: Annotated[
        _Addresses,
        Field(description="in E.164, or national in your default region; the first is written to"),
    ] = []
    emails: _Addresses = []
    instagram_ids: Annotated[
        _Addresses, Field(description="the numeric ids their own messages came with")
    ] = []
    first_name: Name | None = None
    last_name: Name | None = None
    name: Annotated[
        Name | None, Field(description="instead of the two: its first word is the first name")
    ] = None
    company: Name | None = None
    tags: Annotated[list[Ref], Field(max_length=MAX_TAGS)] = []
    attributes: Annotated[
        dict[str, JsonValue],
        Field(
            description="what else you know: texts, numbers, true or false, by names of letters,"
            " digits, _ and -; a PATCH changes those it names, null takes one away",
            examples=[{"plan": "pro", "seats": 12, "vip": True}],
        ),
    ] = {}
    assignee: Annotated[
        Ref | None, Field(description="whose contact it is, as you name your people")
    ] = None
    campaign: Annotated[
        Ref | None, Field(description="what its messages belong to when they do not say")
    ] = None
    agent: Annotated[Ref | None, Field(description="who writes to it when nobody is named")] = None
    source: Annotated[Ref | None, Field(description="where it came from")] = None
    time_zone: Annotated[
        str | None, Field(min_length=1, max_length=64, description="an IANA name")
    ] = None
    postal_code: Annotated[str | None, Field(min_length=1, max_length=12, pattern=_LINE)] = None


class ContactRequest(_Said):
    """A contact to keep; one with the `ref` of another changes that one."""

    ref: Annotated[
        Ref | None, Field(description="your own id for it: what messages carry as `lead`")
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _names_somebody(cls, given: Any) -> Any:
        if isinstance(given, dict) and not any(given.get(name) for name in _NAMING):
            raise ValueError("name somebody")
        return given


_NAMING = ("ref", *ADDRESSED, "first_name", "last_name", "name", "company")


class ContactPatch(_Said):
    """What to change of a contact; what is left out stays as it is."""

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, given: Any) -> Any:
        if given == {}:
            raise ValueError("name at least one thing to change")
        return given


@dataclass(frozen=True, slots=True)
class Change:
    """What a contact is to become, where anything was said."""

    fields: Mapping[str, Any]
    """By the names of `Contact`; of `attributes` only those that change, None takes one away."""
    addresses: Mapping[Channel, tuple[str, ...]]
    whole: bool = False
    """Whether attributes that are not named go."""


def read(
    said: ContactRequest | ContactPatch, region: str, at: str = "#"
) -> Change | list[FieldProblem]:
    """What was said of a contact, or everything that is wrong with it; pointers begin with `at`.

    `region` (ISO 3166) is where a number without a country code is taken to be.
    """
    given = said.model_fields_set
    problems: list[FieldProblem] = []
    fields: dict[str, Any] = {name: getattr(said, name) for name in WORDS if name in given}
    if "name" in given:
        fields |= _split(said, given, at, problems)
    if "tags" in given:
        fields["tags"] = tuple(dict.fromkeys(said.tags))
    if "attributes" in given:
        fields["attributes"] = said.attributes
        problems += _attribute_problems(said.attributes, f"{at}/attributes")
    if said.time_zone is not None:
        problem = places.zone_problem(said.time_zone)
        if problem is not None:
            problems.append(FieldProblem(f"{at}/time_zone", "unknown_time_zone", problem))
    addresses = {
        channel: found
        for name, channels in ADDRESSED.items()
        if name in given
        for found in (_addresses(channels[0], getattr(said, name), region, f"{at}/{name}", problems),)
        for channel in channels
    }  # fmt: skip
    if problems:
        return problems
    return Change(fields, addresses, whole=isinstance(said, ContactRequest))


def _split(
    said: _Said, given: set[str], at: str, problems: list[FieldProblem]
) -> dict[str, str | None]:
    if {"first_name", "last_name"} & given:
        detail = "is first and last name in one; leave it out, or the two"
        problems.append(FieldProblem(f"{at}/name", "not_together", detail))
    first, _, last = (said.name or "").strip().partition(" ")
    return {"first_name": first or None, "last_name": last.strip() or None}


def _addresses(
    channel: Channel,
    given: Sequence[str],
    region: str,
    at: str,
    problems: list[FieldProblem],
) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for i, raw in enumerate(given):
        address = address_of(channel, raw, region)
        if isinstance(address, AddressProblem):
            problems.append(FieldProblem(f"{at}/{i}", address.code, address.detail))
        else:
            found[address] = None
    return tuple(found)


def _attribute_problems(given: Mapping[str, Any], at: str) -> list[FieldProblem]:
    found = []
    if len(given) > MAX_ATTRIBUTES:
        detail = f"has more than {MAX_ATTRIBUTES} attributes; leave some out"
        found.append(FieldProblem(at, "too_long", detail))
    for name, value in given.items():
        if not _ATTRIBUTE.fullmatch(name):
            detail = (
                "an attribute's name has 1-63 letters, digits, _ and -, and begins with no digit"
            )
            found.append(FieldProblem(at, "not_a_name", detail))
        elif not _plain(value):
            detail = (
                f"must be a text of up to {MAX_ATTRIBUTE} characters, a number of up to 64 bits, "
                "true or false"
            )
            found.append(FieldProblem(f"{at}/{name}", "not_plain", detail))
    return found


def is_attribute(name: str) -> bool:
    """Whether an attribute can be called so."""
    return _ATTRIBUTE.fullmatch(name) is not None


def _plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_ATTRIBUTE and storable(value)
    if isinstance(value, int | float):  # true and false are among them
        return abs(value) < _BEYOND_64_BITS
    return value is None


def applied(contact: Contact, change: Change) -> Contact:
    """A contact as it is after a change."""
    fields = dict(change.fields)
    if "attributes" in fields:
        kept = {} if change.whole else contact.attributes
        merged = {**kept, **fields["attributes"]}
        fields["attributes"] = {k: v for k, v in merged.items() if v is not None}
    addresses = {**contact.addresses, **change.addresses}
    return replace(
        contact, **fields, addresses={at: known for at, known in addresses.items() if known}
    )
