"""What would become of a text: how it is written, what it costs, and what speaks against it?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from messaging.domain import segments
from messaging.domain.compliance import content
from messaging.domain.compliance.verdicts import Reason
from messaging.domain.encoding import as_sent
from messaging.domain.message import Category
from messaging.domain.request import MAX_BODY
from messaging.domain.segments import Blocker

LONG = 320
"""Characters beyond which a text arrives less reliably (Twilio advises to stay below)."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something about a text that its sender should know; `code` is stable."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A text as it would be sent."""

    body: str
    encoding: segments.Encoding
    units: int
    """Septets (GSM-7) or UTF-16 units (UCS-2)."""
    segments: int
    units_per_segment: list[int]
    forces_ucs2: list[Blocker]
    warnings: list[Warned]


def preview(
    text: str,
    *,
    smart_encoding: bool = False,
    fold_accents: bool = False,
    flash: bool = False,
    category: Category = Category.TRANSACTIONAL,
) -> Preview:
    """What `text` becomes and costs; nothing is kept or sent."""
    body = as_sent(text, smart_encoding=smart_encoding, fold_accents=fold_accents)
    found = segments.measure(body)
    return Preview(
        body=body,
        encoding=found.encoding,
        units=found.units,
        segments=found.segments,
        units_per_segment=segments.units_per_segment(body),
        forces_ucs2=segments.blockers(body),
        warnings=list(_warnings(body, found.segments, flash=flash, category=category)),
    )


def _warnings(body: str, parts: int, *, flash: bool, category: Category) -> Iterator[Warned]:
    marketing = category is Category.MARKETING
    if not body:
        yield Warned("empty", "Nothing is left of the text; it would be refused.")
    if len(body) > MAX_BODY:
        yield Warned("too_long", f"It has more than {MAX_BODY} characters and would be refused.")
    elif len(body) > LONG:
        yield Warned("long_text", f"Texts over {LONG} characters arrive less reliably; shorten it.")
    if (shared := content.shortener(body)) is not None:
        then = "marketing with it is refused" if marketing else "carriers may filter it"
        yield Warned(
            Reason.PUBLIC_SHORTENER,
            f"{shared} is a public link shortener, and {then}; use the full link or your own domain.",
        )
    if flash and (problem := content.flash_problem(body, parts)) is not None:
        yield Warned(problem, _FLASH[problem])
    if marketing and not content.has_opt_out(body):
        yield Warned(
            "no_opt_out", "It does not say how to opt out, as with 'Reply STOP to cancel'."
        )


_FLASH = {
    Reason.FLASH_URL_FORBIDDEN: "A flash message may hold no link; it would be refused.",
    Reason.FLASH_TOO_LONG: "A flash message has to fit one segment; it would be refused.",
}
