"""Which accounts can reach nobody."""

from __future__ import annotations

from uuid import UUID

import pytest

from messaging.domain.message import ProviderAccount
from messaging.domain.sandboxes import is_sandbox

ID = UUID(int=1)
CASES = [
    ("http://127.0.0.1:8100", {}, True),
    ("http://127.8.0.1", {}, True),
    ("https://localhost:8100/path", {}, True),
    ("HTTP://LOCALHOST", {}, True),
    ("http://[::1]:8100", {}, True),
    ("http://localhost.example.com", {}, False),
    ("http://127.0.0.1.example.com", {}, False),
    ("http://127.0.0.1@example.com", {}, False),
    ("http://example.com/127.0.0.1", {}, False),
    ("http://[2001:db8::1]:8100", {}, False),
    ("https://api.twilio.com", {}, False),
    ("http://sandbox:8100", {}, False),
    ("http://sandbox:8100", {"sandbox": "true"}, True),
    ("http://127.0.0.1:8100", {"sandbox": "false"}, False),
    # A relay on this machine is an ordinary one.
    ("smtp://127.0.0.1:25", {}, False),
    ("smtps://localhost", {}, False),
    ("smtp://127.0.0.1:2525", {"sandbox": "true"}, True),
    ("127.0.0.1", {}, False),
    ("", {}, False),
]


@pytest.mark.parametrize(("url", "options", "expected"), CASES)
def test_a_sandbox_is_here_or_declared(url: str, options: dict[str, str], expected: bool) -> None:
    account = ProviderAccount(ID, ID, "twilio", "main", url, "AC", "secret", 1, options=options)
    assert is_sandbox(account) is expected
