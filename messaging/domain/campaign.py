"""What may a campaign be asked to do: which text, to whom, how fast, and what stops it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from messaging.domain import personal
from messaging.domain.compliance.regulated import REGULATED
from messaging.domain.errors import FieldProblem
from messaging.domain.message import Category, Channel, Priority
from messaging.domain.personal import Personal
from messaging.domain.request import MAX_LIST, Instant, Metadata, Ref, SendRequest, plain_json
from messaging.domain.request_parts import (
    MAX_TEXT,
    FromName,
    Html,
    Media,
    ReplyTo,
    Subject,
    Word,
)

CONTACT_FIELDS = ("first_name", "last_name", "company", "ref", "assignee", "source", "postal_code")
"""What may be said of a contact, beside `attributes.<name>`."""
_ATTRIBUTES = "attributes."
_MAX_FIELDS_BYTES = 4_096
_MAX_ASKED_BYTES = 8_388_608
"""An audience may name fifty thousand leads."""
_TEXTS = ("body", "subject", "html")
_SENT_AS_GIVEN = frozenset(
    {
        "channel", "body", "subject", "html", "media", "from_name", "reply_to", "category",
        "priority", "from_", "pool", "use_case", "expires_at", "template", "source", "agent",
        "content", "smart_encoding", "traffic", "flash", "flash_fallback", "metadata",
    }
)  # fmt: skip
"""The fields a message has from its campaign."""


def _check_fields(value: dict[str, Any]) -> dict[str, Any]:
    return plain_json(value, _MAX_FIELDS_BYTES)


def _check_asked(value: dict[str, Any]) -> dict[str, Any]:
    return plain_json(value, _MAX_ASKED_BYTES)


Fields = Annotated[dict[str, JsonValue], AfterValidator(_check_fields)]


class Recipient(BaseModel):
    """Somebody a campaign is to, who need not be a contact."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[Word, Field(description="their address on the campaign's channel")]
    fields: Annotated[
        Fields, Field(description="what the text's placeholders say", default_factory=dict)
    ]
    lead: Annotated[Ref | None, Field(description="whom it is to, as you name them")] = None


Recipients = Annotated[list[Recipient], Field(max_length=MAX_LIST)]


class Canary(BaseModel):
    """The first few, to see how they fare."""

    model_config = ConfigDict(extra="forbid")

    size: Annotated[int, Field(ge=1, le=100_000)]
    then: Annotated[
        Literal["wait", "go"],
        Field(description="wait: pause until somebody resumes it; go: on, if few of them failed"),
    ] = "wait"


class CampaignRequest(BaseModel):
    """A campaign to make: one text to many people."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: Annotated[Ref, Field(description="yours; what its messages carry as `campaign`")]
    body: Annotated[
        str,
        Field(
            max_length=MAX_TEXT,
            description="as of a message; {{first_name}} or {{first_name|there}} is filled in for each",
        ),
    ]
    channel: Channel = Channel.SMS
    category: Category = Category.MARKETING
    priority: Priority = Priority.LOW
    subject: Subject = None
    html: Html = None
    media: Media = None
    from_name: FromName = None
    reply_to: ReplyTo = None
    flash: Annotated[
        bool, Field(description="show it at once, keep nothing (class 0); one segment, no link")
    ] = False
    flash_fallback: Annotated[
        bool, Field(description="send it as an ordinary message where no provider offers flash")
    ] = False
    from_: Annotated[
        Word | None, Field(alias="from", description="a sender of yours: its address or its id")
    ] = None
    pool: Annotated[Word | None, Field(description="a sender pool of yours, by name")] = None
    use_case: Ref | None = None
    template: Ref | None = None
    source: Ref | None = None
    agent: Ref | None = None
    content: Literal[*sorted(REGULATED)] | None = None  # type: ignore[valid-type]
    smart_encoding: bool | None = None
    metadata: Annotated[
        Metadata | None, Field(description="yours; each of its messages carries it")
    ] = None
    traffic: Literal["RealLead", "Warmup", "Test", "SystemInternal"] = "RealLead"
    defaults: Annotated[
        dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=200)]],
        AfterValidator(_check_asked),
        Field(max_length=50, description="what placeholders say of whom the field is not known"),
    ] = {}
    audience: Annotated[
        Annotated[dict[str, JsonValue], AfterValidator(_check_asked)] | None,
        Field(description="which of your contacts; or `recipients`"),
    ] = None
    recipients: Annotated[
        Recipients | None, Field(description="whom, one by one; more may be added to a draft")
    ] = None
    scheduled_for: Annotated[
        Instant | None, Field(description="start then, once it is told to start")
    ] = None
    expires_at: Annotated[Instant | None, Field(description="do not send after this time")] = None
    per_minute: Annotated[
        int | None, Field(ge=1, le=1_000_000, description="how many are queued a minute, at most")
    ] = None
    canary: Canary | None = None
    pause_on_error_share: Annotated[
        float | None,
        Field(gt=0, le=1, description="pause when more than this share of the last 200 failed"),
    ] = None

    def kept(self) -> dict[str, Any]:
        """What stays of it in its row: everything but the list of people."""
        return self.model_dump(
            mode="json", by_alias=True, exclude_unset=True, exclude={"recipients"}
        )

    def message(self, to: str) -> SendRequest:
        """The request to send it to somebody, with the text as it stands."""
        asked = self.model_fields_set & _SENT_AS_GIVEN
        values = {name: getattr(self, name) for name in asked}
        values |= {"category": self.category, "priority": self.priority, "campaign": self.name}
        return SendRequest.model_validate({"to": to, **values})


def texts(request: CampaignRequest) -> dict[str, Personal] | list[FieldProblem]:
    """Its texts with their placeholders found, by field; or what is wrong with them."""
    found, problems = {}, []
    for name in _TEXTS:
        text = getattr(request, name)
        read = None if text is None else personal.read(text, request.defaults)
        if read is not None:
            found[name] = read
        elif text is not None:
            detail = (
                "has braces that are no placeholder; write {{first_name}} or {{first_name|there}}"
            )
            problems.append(FieldProblem(f"#/{name}", "not_a_placeholder", detail))
    return problems or found


def names(found: Mapping[str, Personal]) -> list[str]:
    """Every field that some text speaks of, once."""
    return list(dict.fromkeys(name for text in found.values() for name in text.names))


def unknown(found: Mapping[str, Personal], known: frozenset[str] | None) -> Iterator[FieldProblem]:
    """Placeholders that would be empty for everybody: neither known nor given a stand-in.

    `known` are the fields of a list of people; None are those of contacts.
    """
    for field, text in found.items():
        for name, stand_in in zip(text.names, text.stand_ins, strict=True):
            if stand_in is None and not _known(name, known):
                detail = f"nobody has the field {name}; " + (
                    f"contacts have {', '.join(CONTACT_FIELDS)} and attributes.<name>"
                    if known is None
                    else "name one of your recipients' fields, or give it a default"
                )
                yield FieldProblem(f"#/{field}", "unknown_placeholder", detail)


def _known(name: str, known: frozenset[str] | None) -> bool:
    if known is not None:
        return name in known
    return name in CONTACT_FIELDS or name.startswith(_ATTRIBUTES)


def attribute(name: str) -> str | None:
    """The attribute of a contact that a placeholder speaks of; None if it speaks of none."""
    return name.removeprefix(_ATTRIBUTES) if name.startswith(_ATTRIBUTES) else None
