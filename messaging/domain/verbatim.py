"""How does a text for a campaign say of its braces that they are no placeholder's?

A campaign reads `{{first_name}}` as somebody's name. A text that is to be sent as it stands gets a
placeholder for each pair of its own braces instead, whose stand-in is those braces.
"""

from __future__ import annotations

import re

_NAMES = {"{{": "two_opening", "}}": "two_closing"}
_BRACES = re.compile(r"\{\{|\}\}")
STAND_INS = {name: braces for braces, name in _NAMES.items()}
"""What such a text's placeholders say: a campaign's `defaults`."""


def verbatim(text: str) -> str:
    """A text that says, filled in with `STAND_INS`, what this one says."""
    return _BRACES.sub(lambda found: f"{{{{{_NAMES[found[0]]}}}}}", text)
