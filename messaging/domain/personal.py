"""What does one person read where a text says `{{first_name}}`?

A placeholder is a name between two pairs of braces, perhaps with what stands there for whom it is not
known: `{{first_name|there}}`. There is nothing else: no conditions, no loops, and what a field holds is
never read as a text with placeholders.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

LONGEST_VALUE = 500
"""Characters of a field that are put into a text."""

_PLACEHOLDER = re.compile(
    r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)?)[ \t]*(?:\|([^{}|\n]*))?\}\}"
)
_BRACES = re.compile(r"\{\{|\}\}")
_CONTROLS = dict.fromkeys([*range(0x20), 0x7F, 0x85, 0x2028, 0x2029], " ")


@dataclass(frozen=True, slots=True)
class Lacking:
    """A field that is not known of somebody, and that nothing stands in for."""

    name: str


@dataclass(frozen=True, slots=True)
class Personal:
    """A text with placeholders: `literals` has one more than `names`, which stand between them."""

    literals: tuple[str, ...]
    names: tuple[str, ...]
    stand_ins: tuple[str | None, ...]
    """What stands there for whom a field is not known, one for each of `names`."""

    def fill(
        self, fields: Mapping[str, object], escape: Callable[[str], str] | None = None
    ) -> str | Lacking:
        """The text as one person reads it; `escape` is applied to what is put in, and to nothing else."""
        if not self.names:
            return self.literals[0]
        parts = [self.literals[0]]
        for name, stand_in, literal in zip(
            self.names, self.stand_ins, self.literals[1:], strict=True
        ):
            value = spoken(fields.get(name)) or stand_in
            if value is None:
                return Lacking(name)
            parts.append(escape(value) if escape is not None else value)
            parts.append(literal)
        return "".join(parts)


def read(text: str, defaults: Mapping[str, str]) -> Personal | None:
    """A text with its placeholders found; None if it holds braces that are none.

    What a placeholder itself says goes before `defaults`.
    """
    pieces = _PLACEHOLDER.split(text)
    literals, names, own = pieces[0::3], pieces[1::3], pieces[2::3]
    if any(map(_BRACES.search, literals)):
        return None
    stand_ins = [
        defaults.get(name) if said is None else said for name, said in zip(names, own, strict=True)
    ]
    return Personal(tuple(literals), tuple(names), tuple(stand_ins))


def spoken(value: object) -> str | None:
    """A field as it stands in a text: one line, bounded; None where there is nothing to say."""
    if value is None or isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        value = "yes" if value else "no"
    said = str(value)[:LONGEST_VALUE]
    return (said if said.isprintable() else said.translate(_CONTROLS)).strip() or None
