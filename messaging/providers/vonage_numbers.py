"""How does Vonage write a number, which we write in E.164? Without the plus."""

from __future__ import annotations

_SHORTEST, _LONGEST = 7, 15
_LONGEST_ADDRESS = 64


def theirs(address: str) -> str:
    """An address of ours as Vonage takes it; names and short codes are as they are."""
    return address.removeprefix("+")


def ours(address: object) -> str:
    """An address of Vonage's as we write it; empty if it could be none."""
    text = str(address).strip() if isinstance(address, str | int) else ""
    if not text.isprintable() or len(text) > _LONGEST_ADDRESS:
        return ""
    is_number = text.isascii() and text.isdigit() and _SHORTEST <= len(text) <= _LONGEST
    return f"+{text}" if is_number else text
