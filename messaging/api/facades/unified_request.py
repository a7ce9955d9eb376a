"""What does a request to the unified endpoint ask for: on which channel, to whom, and as which of ours?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.message import Category, Channel, Priority
from messaging.runtime import Runtime
from messaging.store.tenants import Tenant

_PRIORITIES = {"1": "HIGH", "2": "NORMAL", "3": "LOW"}
_TYPES = {
    "sms": Channel.SMS,
    "mms": Channel.MMS,
    "email": Channel.EMAIL,
    "instagram_dm": Channel.INSTAGRAM_DM,
    "instagram": Channel.INSTAGRAM_DM,
}
AMBIGUOUS = "may be a phone number or an Instagram id; name the sender_type, or write + first"
_LONGEST_NUMBER = 15
"""Digits of a phone number in E.164; the ids of people on Instagram have more."""
DATA = "message_data"
FIELDS = {
    "to": f"{DATA}/recipient",
    "body": f"{DATA}/content",
    "subject": f"{DATA}/subject",
    "html": f"{DATA}/html_content",
    "media": f"{DATA}/media_urls",
    "from_name": f"{DATA}/sender_name",
    "metadata": f"{DATA}/metadata",
    "lead": f"{DATA}/contact_id",
    "category": "message_type",
    "audience": "bulk_settings",
}
"""What our fields are called there; `from` depends on which of three names was used."""


def _priority(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return value
    word = str(value).strip().upper()
    return _PRIORITIES.get(word, word)


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _known_type(value: str) -> str:
    if value.strip().lower() not in _TYPES:
        raise PydanticCustomError("enum", "unknown", {"expected": "'sms', 'email', 'instagram_dm'"})
    return value.strip().lower()


class MessageData(BaseModel):
    """The message: of an e-mail, a text message or a direct message on Instagram."""

    recipient: Annotated[
        str | None, Field(description="an e-mail address, a number in E.164, or an Instagram id")
    ] = None
    content: Annotated[str, Field(description="the text; 1 to 1600 characters of a text message")]
    subject: Annotated[str | None, Field(description="of an e-mail, which needs one")] = None
    html_content: Annotated[
        str | None, Field(description="of an e-mail: the same, for those who see HTML")
    ] = None
    sender: Annotated[str | None, Field(description="a sender of yours: its address or id")] = None
    sender_name: Annotated[
        str | None, Field(description="who an e-mail is from, beside the address")
    ] = None
    media_urls: Annotated[
        list[str] | None, Field(description="files that make a text message an MMS")
    ] = None
    image_url: Annotated[str | None, Field(description="a picture, on Instagram")] = None
    contact_id: Annotated[str | None, Field(description="whom it is to: a contact's id")] = None
    metadata: Annotated[
        dict[str, JsonValue] | None, Field(description="yours; kept and returned as it was")
    ] = None

    @property
    def files(self) -> list[str]:
        """Everything to be sent along."""
        return [*(self.media_urls or ()), *([self.image_url] if self.image_url else ())]


class Unified(BaseModel):
    """A message to one person, or with `bulk_settings` to many."""

    message_data: Annotated[MessageData, Field(description="what is sent, and to whom")]
    bulk_settings: Annotated[
        dict[str, JsonValue] | None,
        Field(description="lead_ids, search_keyword, filters, assignees: whoever fits all of them"),
    ] = None
    sender_type: Annotated[
        Annotated[str, AfterValidator(_known_type)] | None,
        Field(description="sms, email or instagram_dm; else the recipient's form decides"),
    ] = None
    sender_identifier: Annotated[str | None, Field(description="as `message_data.sender`")] = None
    message_type: Annotated[
        Category, BeforeValidator(_upper), Field(description="what it is for, in any case")
    ] = Category.TRANSACTIONAL
    priority: Annotated[
        Priority,
        BeforeValidator(_priority),
        Field(
            description='HIGH, NORMAL or LOW; or 1, 2 or 3, as a number or in quotes: "3" is LOW'
        ),
    ] = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class From:
    """Which sender a request names, and where it says so."""

    name: str | None
    pointer: str


def sender_of(asked: Unified, query: str | None) -> From:
    """The sender a request names: in the body, in the query, or in the message, in this order."""
    if asked.sender_identifier:
        return From(asked.sender_identifier, "sender_identifier")
    if query:
        return From(query, "query/send_identifier")
    return From(asked.message_data.sender or None, f"{DATA}/sender")


def channel_of_sender(rt: Runtime, tenant: Tenant, sender: From) -> Channel | None:
    """The channel of a named sender, if the tenant has it in use."""
    if sender.name is None:
        return None
    known = rt.senders_of(tenant.id)
    id_ = known.names.get(sender.name) or known.names.get(sender.name.lower())
    found = known.candidates.by_id.get(id_) if id_ is not None else None
    return found.channel if found is not None else None


def channel_of(asked: Unified, of_sender: Channel | None) -> Channel:
    """The channel that `sender_type` names; else the named sender's; else the recipient's form.

    Raises:
        InvalidRequestError: none of them decides.
    """
    data = asked.message_data
    if asked.sender_type is not None:
        found = _TYPES[asked.sender_type]
    else:
        found = of_sender or _by_form(data.recipient)
    same = of_sender is None or of_sender is found or (of_sender.by_phone and found.by_phone)
    if not same:
        detail = f"writes on {of_sender}; name one that writes on {found}, or leave it out"
        raise InvalidRequestError([FieldProblem("#/from", "not_with_channel", detail)])
    return Channel.MMS if found is Channel.SMS and data.files else found


def _by_form(recipient: str | None) -> Channel:
    written = (recipient or "").strip()
    if not written:
        raise InvalidRequestError([FieldProblem(f"#/{DATA}/recipient", "required", "is required")])
    if "@" in written:
        return Channel.EMAIL
    if written.startswith("+"):
        return Channel.SMS
    if written.isascii() and written.isdigit() and len(written) > _LONGEST_NUMBER:
        return Channel.INSTAGRAM_DM
    raise InvalidRequestError([FieldProblem(f"#/{DATA}/recipient", "ambiguous", AMBIGUOUS)])


def shared(asked: Unified, channel: Channel, sender: From) -> dict[str, Any]:
    """The message as ours, without recipient, text and files."""
    data = asked.message_data
    fields: dict[str, Any] = {
        "channel": channel,
        "category": asked.message_type,
        "priority": asked.priority,
        "subject": data.subject,
        "html": data.html_content,
        "from_name": data.sender_name,
        "from": sender.name,
        "metadata": data.metadata,
    }
    return {name: value for name, value in fields.items() if value is not None}


def texts(asked: Unified, channel: Channel) -> list[Mapping[str, Any]]:
    """What is said and shown: on Instagram a text and a picture are two messages, the text first."""
    data = asked.message_data
    if channel is Channel.INSTAGRAM_DM and data.files:
        picture = {"body": "", "media": data.files}
        return [{"body": data.content}, picture] if data.content else [picture]
    return [{"body": data.content, **({"media": data.files} if data.files else {})}]


def blamed(problems: list[FieldProblem], asked: Unified, sender: From) -> list[FieldProblem]:
    """Problems with our fields as problems with theirs."""
    data = asked.message_data
    media = "image_url" if data.image_url and not data.media_urls else "media_urls"
    names = {**FIELDS, "from": sender.pointer, "media": f"{DATA}/{media}"}
    found = []
    for problem in problems:
        name, slash, rest = problem.pointer.removeprefix("#/").partition("/")
        pointer = f"#/{names[name]}{slash}{rest}" if name in names else problem.pointer
        found.append(FieldProblem(pointer, problem.code, problem.detail))
    return found
