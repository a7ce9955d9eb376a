"""How are 32 hex digits, or what makes an event the same event, written as a UUID?"""

from __future__ import annotations

from hashlib import blake2b


def dashed(digits: str) -> str:
    """32 hex digits as a UUID of version 4."""
    d = digits
    return f"{d[:8]}-{d[8:12]}-4{d[13:16]}-8{d[17:20]}-{d[20:]}"


def derived(*identity: str) -> str:
    """The UUID that always stands for these words."""
    return dashed(blake2b("\x1f".join(identity).encode(), digest_size=16).hexdigest())
