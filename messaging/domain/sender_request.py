"""What may be said of a sender, and what sort of identity is its address?

Every door (HTTP, files, the command line) reads senders with `SenderRequest` and changes with
`SenderPatch`. What is null, or left out of a new sender, is as it is usual for its kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from phonenumbers import SUPPORTED_REGIONS
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from messaging.domain import addresses
from messaging.domain.addresses import AddressProblem
from messaging.domain.errors import FieldProblem
from messaging.domain.message import Capability, Channel
from messaging.domain.registration import ReplyOwner, SenderKind, Verification, kind_of
from messaging.domain.request import Ref
from messaging.domain.sender_health import SenderState
from messaging.domain.warm_up import DEFAULT_RAMP

PLAIN = r"^[^\x00-\x1f\x7f]+$"
"""A line of text; a table of names is no place for control characters."""
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=PLAIN)]
People = Annotated[int, Field(ge=1, le=10_000_000)]
Steps = Annotated[list[People], Field(min_length=1, max_length=60)]
_MOST_MPS = 100_000


def _ramp(given: Any) -> Any:
    return list(DEFAULT_RAMP) if given == "default" else given


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mps: Annotated[
        float | None,
        Field(
            gt=0,
            le=_MOST_MPS,
            allow_inf_nan=False,
            description="message segments a second the provider lets it send; null: as is usual, 1"
            " for a long code, 3 toll-free, 10 by e-mail, 100 for a short code or on Instagram",
        ),
    ] = None
    capabilities: Annotated[
        frozenset[Capability] | None,
        Field(min_length=1, description="what it can carry; null: what its channel is"),
    ] = None
    country: Annotated[
        str | None,
        Field(pattern="^[A-Z]{2}$", description="where it is from; null: what its number says"),
    ] = None
    owner: Annotated[
        Ref | None, Field(description="the agent or user it belongs to, as you name them")
    ] = None
    daily_recipients: Annotated[
        People | None, Field(description="how many different people it may write to a day")
    ] = None
    ramp: Annotated[
        Steps | None,
        BeforeValidator(_ramp, json_schema_input_type=Literal["default"] | Steps | None),
        Field(description="the same while it warms up: a limit per level, or `default`"),
    ] = None
    pools: Annotated[list[Name], Field(max_length=100, description="all it is a member of")] = []
    is_default: Annotated[bool, Field(description="for what nobody else fits")] = False
    campaign: Annotated[
        Name | None, Field(description="its 10DLC campaign, by name; null takes it off")
    ] = None
    verification: Verification = Verification.UNREGISTERED
    provider_verification_id: Annotated[
        Name | None,
        Field(
            description="a toll-free number's verification, such as Twilio's HH...; with it the"
            " provider is asked hourly"
        ),
    ] = None
    reply_owner: Annotated[
        ReplyOwner | None,
        Field(description="who answers STOP, START and HELP; null: who its kind says"),
    ] = None


class SenderRequest(_Said):
    """A sender to add."""

    address: Annotated[
        str,
        Field(
            min_length=1,
            max_length=254,
            pattern=PLAIN,
            description="a number in E.164, a short code, a name of up to 11 characters, an e-mail"
            " address, or an Instagram account's id or handle",
        ),
    ]
    channel: Annotated[
        Literal[Channel.SMS, Channel.EMAIL, Channel.INSTAGRAM_DM] | None,
        Field(description="null: what the address says; an Instagram id needs it"),
    ] = None
    account: Annotated[
        Name | None, Field(description="the provider account it belongs to; null: your only one")
    ] = None


class SenderPatch(_Said):
    """What to change of a sender; what is left out stays as it is."""

    state: Annotated[
        Literal[SenderState.ACTIVE, SenderState.CORDONED, SenderState.RETIRED],
        Field(description="cordoned: not chosen unasked, until you say active; retired: for ever"),
    ] = SenderState.ACTIVE
    ramp_level: Annotated[int, Field(ge=0, le=60, description="where on its ramp it is now")] = 0

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, given: Any) -> Any:
        if given == {}:
            raise ValueError("name at least one thing to change")
        return given


@dataclass(frozen=True, slots=True)
class Identity:
    """An address in its one true spelling, and what sort it is."""

    channel: Channel
    address: str
    kind: SenderKind


_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9 +_&-]{0,9}[A-Za-z0-9])?")
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_INSTAGRAM = re.compile(r"[0-9]{5,25}|(?![0-9]+$)[A-Za-z0-9._]{1,30}")
_DETAILS = {
    "not_a_short_code": "A short code has three to eight digits; write others in E.164.",
    "not_a_name": "A name has 1 to 11 letters, digits, spaces, + - _ &, and a letter among them.",
    "not_an_email": "This is not an e-mail address; send one such as news@example.com.",
    "not_an_instagram_account": "Send the account's numeric id, or its handle.",
}


def identify(raw: str, channel: Channel | None, region: str) -> Identity | AddressProblem:
    """What an address is, on a channel or on the one it belongs to by its looks.

    `region` (ISO 3166) is where a number without a country code is taken to be; three to eight bare
    digits are a short code.
    """
    text = raw.strip()
    if channel is None:
        channel = _channel_of(text)
    if channel is Channel.EMAIL:
        found = text.lower() if _EMAIL.fullmatch(text) else _problem("not_an_email")
    elif channel is Channel.INSTAGRAM_DM:
        handle = text.removeprefix("@").lower()
        fits = _INSTAGRAM.fullmatch(handle)
        found = handle if fits else _problem("not_an_instagram_account")
    else:
        found = _on_the_telephone(text, region)
    if isinstance(found, AddressProblem):
        return found
    return Identity(channel, found, kind_of(found, channel))


def _channel_of(text: str) -> Channel:
    if text.startswith("@"):
        return Channel.INSTAGRAM_DM
    return Channel.EMAIL if "@" in text else Channel.SMS


def _on_the_telephone(text: str, region: str) -> str | AddressProblem:
    if _SHORT_CODE.fullmatch(text) or _NAME.fullmatch(text):
        return text
    if any(letter.isalpha() for letter in text):
        return _problem("not_a_name")
    found = addresses.normalise(text, region)
    if isinstance(found, AddressProblem) and found.code == "short_code":
        return _problem("not_a_short_code")
    return found


def _problem(code: str) -> AddressProblem:
    return AddressProblem(code, _DETAILS[code])


_MPS = {
    SenderKind.TOLL_FREE: 3.0,
    SenderKind.SHORT_CODE: 100.0,
    SenderKind.EMAIL: 10.0,
    SenderKind.INSTAGRAM: 100.0,
}


def usual_mps(kind: SenderKind) -> float:
    """What a provider lets a sender of this kind send, in segments a second, if nobody says more.

    Twilio's figures, the least of those providers publish for long codes and toll-free numbers. An
    e-mail or a direct message counts as one segment. Ten a second is our own cautious figure for a
    relay of which nobody said anything; Meta takes 300 from one account, of which others may use some.
    """
    return _MPS.get(kind, 1.0)


_ABLE = {
    Channel.EMAIL: frozenset({Capability.EMAIL}),
    Channel.INSTAGRAM_DM: frozenset({Capability.INSTAGRAM_DM}),
}
_TELEPHONE = frozenset({Capability.SMS, Capability.MMS, Capability.FLASH})


def usual_capabilities(channel: Channel) -> frozenset[Capability]:
    """What a sender can carry of which nobody said anything."""
    return _ABLE.get(channel, frozenset({Capability.SMS}))


def problems_with(said: _Said, channel: Channel, kind: SenderKind, at: str) -> list[FieldProblem]:
    """What of that cannot be true of a sender of this kind; pointers begin with `at`."""
    found = []
    able = _ABLE.get(channel, _TELEPHONE)
    if kind is SenderKind.ALPHANUMERIC:
        able -= {Capability.MMS}
    if said.capabilities is not None and not said.capabilities <= able:
        words = ", ".join(sorted(able))
        detail = f"a sender of this kind can carry nothing but {words}"
        found.append(FieldProblem(f"{at}/capabilities", "not_able", detail))
    if said.country is not None and said.country not in SUPPORTED_REGIONS:
        detail = "must be a country's two capital letters, as US"
        found.append(FieldProblem(f"{at}/country", "unknown_region", detail))
    if said.provider_verification_id is not None and kind is not SenderKind.TOLL_FREE:
        detail = "only a toll-free number has a verification of its own"
        found.append(FieldProblem(f"{at}/provider_verification_id", "not_toll_free", detail))
    return found
