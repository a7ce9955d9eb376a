"""How does Meta's Graph API speak of direct messages on Instagram? The send, and signed webhooks.

A message is told of as an echo, and then as read; that it will never be read, nobody says. With the setting
`window` a person may be written to only for so long after they wrote, as `POST /sandbox/inbound` has them.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from messaging.sandbox import instagram_problems as problems
from messaging.sandbox import instagram_wire as wire
from messaging.sandbox.connection import Reply, Request
from messaging.sandbox.create import Create
from messaging.sandbox.dialect import Dialect, Page, RetryPolicy, Said, Shared, Step, Written
from messaging.sandbox.faults import Fate, Refusal
from messaging.sandbox.forms import fields_of
from messaging.sandbox.instagram_challenge import PATH, Challenge
from messaging.sandbox.instagram_problems import problem_reply
from messaging.sandbox.ledger import Entry
from messaging.sandbox.posting import Posting

VERSIONS = tuple(f"v{number}.0" for number in range(19, 26))
_DAY = 86_400.0
_HUMAN = 7
"""How many times longer a human may answer."""
# No webhook has a code: the message is just never read.
_CODES: dict[Fate, int | str] = {
    Fate.UNREACHABLE: "unread",
    Fate.OPTED_OUT: problems.UNAVAILABLE.code,
}
_REFUSALS = {
    Refusal.RATE_LIMITED: problem_reply(
        problems.TOO_MANY, ("X-App-Usage", '{"call_count":100,"total_time":12,"total_cputime":11}')
    ),
    Refusal.INTERNAL: problem_reply(problems.INTERNAL),
    Refusal.UNSUBSCRIBED: problem_reply(problems.UNAVAILABLE),
}


class Instagram(Dialect):
    """The protocol of Instagram's messaging, with Instagram login or through a page."""

    provider = "instagram"
    prefixes = tuple(f"/{version}" for version in VERSIONS)
    statuses = frozenset({"sent", "delivered"})
    codes = _CODES
    refusals = _REFUSALS
    broken = problem_reply(problems.BROKEN)
    retries = RetryPolicy(5)
    """For some hours, in truth."""
    longest = 1000
    gathers = 0.005
    settings = frozenset({"verify_token", "window"})
    """The word of the question whether a webhook is ours; seconds in which an answer is allowed."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._credentials = {a.token: a.sid for a in self.accounts}
        self._secrets = {a.sid: (a.signing or a.token).encode() for a in self.accounts}
        self._wrote: dict[tuple[str, str], float] = {}
        """When a person last wrote to an account."""

    @property
    def creates(self) -> tuple[str, ...]:
        """A path for each version and account, and one for whoever owns the token."""
        names = ("me", *(account.sid for account in self.accounts))
        return tuple(f"/{version}/{name}/messages" for version in VERSIONS for name in names)

    def admit(self, request: Request) -> str | Reply:
        """By access token, in the header or in the query; it must be that of the account named."""
        token = request.authorization.removeprefix("Bearer ")
        token = token or fields_of(request.query).get("access_token", "")
        if not token:
            return problem_reply(problems.NO_TOKEN)
        account = self._credentials.get(token)
        if account is None:
            return problem_reply(problems.BAD_TOKEN)
        name = request.path.split("/")[2]
        return account if name in {"me", account} else problem_reply(problems.unknown(name))

    def read(self, account: str, request: Request) -> Create | Reply:
        """A JSON object; refused if the person may not be written to now."""
        asked = wire.read_create(account, request.body)
        if isinstance(asked, problems.Problem):
            return problem_reply(asked)
        return asked if self._is_open(account, asked) else problem_reply(problems.OUTSIDE)

    def _is_open(self, account: str, asked: Create) -> bool:
        """Whether the account has no window, or is in it."""
        setting = self.shared.accounts.setting(account, "window")
        if not setting:
            return True
        try:
            seconds = float(setting)
        except ValueError:
            seconds = _DAY
        wishes: wire.Wishes = asked.extra
        if wishes.by_human:
            seconds *= _HUMAN
        wrote = self._wrote.get((account, asked.to))
        return wrote is not None and self.shared.clock() - wrote <= seconds

    def identify(self, asked: Create, segments: int) -> tuple[str, ...]:  # noqa: ARG002 - one id for all
        """An id as Meta writes them: something in base64."""
        return (self._mid(asked.sender or ""),)

    def _mid(self, account: str) -> str:
        inside = f"ig_item:1:IGMessageID:{account}:{self.shared.new_id()}"
        return "aWdf" + urlsafe_b64encode(inside.encode()).rstrip(b"=").decode()

    def accepted(self, entry: Entry) -> Reply:
        """200, the person and the id."""
        return wire.escaped_reply(200, {"recipient_id": entry.to, "message_id": entry.sid})

    def receipt(self, entry: Entry, step: Step, position: int, tries: int) -> Posting:  # noqa: ARG002 - an event is the same wherever it comes
        """An echo, then that it was read."""
        item = wire.echo(entry) if step.status == "sent" else wire.read_event(entry)
        return self._entry(entry.account, entry.callback, item)

    def inbound(self, said: Said) -> Written:
        """A message with text, files or both; it opens the window."""
        now = self.shared.clock()
        sid = said.sid or self._mid(said.account)
        self._wrote[said.account, said.sender] = now
        item = wire.written(said, sid, now)
        alone = self._entry(said.account, said.url, item)
        return Written(sid, None, (self.together(said.account, (alone,)),))

    def together(self, account: str, postings: Sequence[Posting]) -> Posting:
        """One object with an entry for each; what is not ASCII is escaped before it is signed."""
        entries = b",".join(posting.body for posting in postings)
        body = b'{"object":"instagram","entry":[' + entries + b"]}"
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
            "X-Hub-Signature": f"sha1={hmac.digest(self._secrets[account], body, 'sha1').hex()}",
            "X-Hub-Signature-256": (
                f"sha256={hmac.digest(self._secrets[account], body, 'sha256').hex()}"
            ),
        }
        return Posting(postings[0].url, headers, body)

    def _entry(self, account: str, url: str, item: Mapping[str, Any]) -> Posting:
        time = int(self.shared.clock() * 1000)
        value = {"id": account, "time": time, "messaging": [item]}
        return Posting(url, {}, wire.escaped(value))

    def resource(self, request: Request) -> Reply:
        """Nothing else is known of an account or a message."""
        found = self.admit(request) if request.path.count("/") > 1 else None
        if isinstance(found, Reply):
            return found
        return problem_reply(problems.unknown(request.path.rpartition("/")[2]))

    def controls(self) -> Mapping[tuple[str, str], Page]:
        """`POST /sandbox/challenge`."""
        challenge = Challenge(self.shared, self.accounts)
        return {("POST", PATH): challenge.ask}
