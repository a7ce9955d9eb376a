"""What does an SMTP server's refusal mean for a message?

The code says what, the stage at which it came says of whom: the same 550 is about the sender after
MAIL, about the recipient after RCPT, and about the text after the final dot. Enhanced codes are read
first, and 5.7.x never means that an address is bad. Tables of facts, the first row that fits holds.
Columns: stages, codes, kind, where the message ends, who else may be tried, a sentence. A code with
dots is an enhanced one, `x` is any digits. Sources: RFC 5321 section 4.2, RFC 3463, RFC 4954.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NamedTuple

from messaging.domain.failures import Failover, Failure, Kind
from messaging.domain.lifecycle import Status

_TABLE = """
connect,hello,tls xxx                      transient_retry     failed         other_provider  The relay is not ready to take mail.
auth              4xx                      transient_retry     failed         other_provider  The relay cannot check the credentials just now.
auth              xxx                      permanent_config    failed         other_provider  The relay refused the credentials.
any               530,534,535,538          permanent_config    failed         other_provider  The relay wants other credentials, or any at all.
any               452+4.5.3,421+4.7.0      rate_limited        failed         other_provider  Too many messages at once for the relay.
any               421                      transient_retry     failed         other_provider  The relay is shutting the connection down.
mail              5.3.4,552                permanent_config    failed         none            The message is larger than the relay takes.
mail              5xx                      permanent_sender    failed         other_sender    The relay refused the sender.
mail              4xx                      transient_retry     failed         other_provider  The relay does not take the sender just now.
any               5.1.1,5.1.2,5.1.3,5.1.6,5.1.10 permanent_recipient undeliverable none       There is no such address.
rcpt,data,final   5.1.7,5.1.8              permanent_sender    failed         other_sender    The sender's address is not one that can be answered.
any               5.3.4                    permanent_config    failed         none            The message is larger than the recipient takes.
any               5.2.2,4.2.2              transient_retry     undeliverable  none            The recipient's mailbox is full.
rcpt              5.7.x                    permanent_sender    undeliverable  other_sender    The recipient's server refuses this sender.
rcpt              551,553                  permanent_recipient undeliverable  none            There is no such address.
rcpt              5.2.x,5.4.x,550          permanent_recipient undeliverable  none            The recipient cannot be written to.
rcpt              552                      transient_retry     undeliverable  none            The recipient's mailbox is full.
rcpt              554                      permanent_sender    undeliverable  other_sender    The recipient's server refuses this sender.
rcpt              4xx                      transient_retry     undeliverable  none            The recipient's server asks to come again later.
data,final        4xx                      transient_retry     failed         other_provider  The relay could not take the message just now.
data,final        552                      permanent_config    failed         none            The message is larger than the relay takes.
data,final        550,554,5.7.x,5.6.x      permanent_sender    undeliverable  none            The message was refused for its content, or for policy.
any               5xx                      permanent_config    failed         other_provider  The relay refused a command.
"""
_ENHANCED = re.compile(r"[245][0-9]{2}[ -]([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
_GREYLISTED = timedelta(minutes=5)
"""What a server that asks to come again later wants at the least."""


class _Row(NamedTuple):
    stages: frozenset[str]
    codes: tuple[re.Pattern[str], ...]
    failure: Failure


def _rows() -> list[_Row]:
    rows = []
    for line in _TABLE.strip().splitlines():
        stages, codes, kind, status, failover, detail = line.split(maxsplit=5)
        patterns = [re.escape(code).replace("x", "[0-9]+") for code in codes.split(",")]
        failure = Failure(
            Kind(kind), "", detail, status=Status(status), failover=Failover(failover)
        )
        rows.append(_Row(frozenset(stages.split(",")), tuple(map(re.compile, patterns)), failure))
    return rows


_ROWS = _rows()


def classify(stage: str, status: int, text: str) -> Failure:
    """The failure that a reply of this status, at this stage, with this line of text, stands for.

    Its code is the stage with the enhanced code, or with the basic one where there is none, such as
    `rcpt_5.1.1` or `final_554`: no text of the server's.
    """
    found = _ENHANCED.match(text)
    enhanced = found[1] if found and found[1][0] == str(status)[0] else None
    said = {str(status)} | ({enhanced, f"{status}+{enhanced}"} if enhanced else set())
    code = f"{stage}_{enhanced or status}"
    for row in _ROWS:
        if (stage in row.stages or "any" in row.stages) and any(
            pattern.fullmatch(word) for pattern in row.codes for word in said
        ):
            later = _GREYLISTED if stage == "rcpt" and 400 <= status < 500 else None
            known = row.failure
            return Failure(
                known.kind,
                code,
                known.detail,
                status=known.status,
                failover=known.failover,
                retry_after=later if known.kind is Kind.TRANSIENT else None,
            )
    return Failure(Kind.AMBIGUOUS, code, "The relay's answer cannot be read.")


_NOBODY = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")
DEAD = frozenset(
    {f"{stage}_{code}" for stage in ("rcpt", "data", "final") for code in _NOBODY}
    | {"rcpt_551", "rcpt_553"}
)
"""Codes by which nobody can be reached at the address."""

FILTERED = frozenset(f"{stage}_{code}" for stage in ("data", "final") for code in ("5.7.1", "554"))
"""Codes by which the text was taken for spam, or might have been."""
