"""What does each recipient of a campaign get? Its text, made theirs, as a message to keep.

Made once for a campaign and asked for each recipient: whatever is the same for all is read once, by the
same rules as any message.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from messaging.domain import campaign as campaigns
from messaging.domain.campaign import CampaignRequest
from messaging.domain.channel_rules import size_problem
from messaging.domain.compliance import content
from messaging.domain.encoding import as_sent
from messaging.domain.errors import FieldProblem
from messaging.domain.message import Category, Channel, Parts
from messaging.domain.new_message import NewMessage
from messaging.domain.personal import Lacking, Personal
from messaging.domain.reading import Context, measured, read
from messaging.domain.recipients import is_placeholder
from messaging.judgement import offers_flash
from messaging.runtime import Runtime, TenantSenders
from messaging.store.campaign_recipients import Waiting
from messaging.store.tenants import Tenant

SOMEBODY = {
    Channel.SMS: "+12025550123",
    Channel.MMS: "+12025550123",
    Channel.EMAIL: "somebody@example.com",
    Channel.INSTAGRAM_DM: "1000000000000000",
}
"""An address of each channel, to read a request with that is to nobody in particular."""


def context_of(known: TenantSenders, region: str, now: datetime) -> Context:
    """What reading a request of a tenant depends on."""
    defaults = known.bindings.tenant.pool_ids
    return Context(
        region,
        known.names,
        known.pools,
        now,
        known.policy,
        known.bindings.use_cases(),
        defaults[0] if defaults else None,
        offers_flash(known),
        known.candidates.by_id,
    )


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Said:
    """A text as somebody gets it."""

    body: str
    segments: int
    encoding: str | None
    parts: Parts | None


class Writer:
    """A campaign's text, ready to be made somebody's."""

    def __init__(
        self,
        request: CampaignRequest,
        base: NewMessage,
        texts: Mapping[str, Personal],
        known: TenantSenders,
    ) -> None:
        self.base = base
        self._policy = known.policy
        self._body = texts["body"]
        self._others = {name: text for name, text in texts.items() if name != "body" and text.names}
        smart = request.smart_encoding
        self._smart = known.policy.content.smart_encoding if smart is None else smart
        self.introduces = self._introduces()

    def _introduces(self) -> int | None:
        """After how many days marketing says again who writes; None if this one never has to."""
        if self.base.category is not Category.MARKETING or self.base.channel is Channel.EMAIL:
            return None
        usual, literals = self._policy.content, self._body.literals
        leaves = not usual.opt_out_notice.strip() or any(map(content.has_opt_out, literals))
        if leaves and content.identified(literals[0], self._policy.brand):
            return None  # whatever is put in, it says so
        return usual.notice_days

    def write(self, who: Waiting) -> Said | str:
        """What somebody gets; or why there can be nothing for them, in a word."""
        if is_placeholder(who.address):
            return "placeholder"
        body = self._body.fill(who.fields)
        if isinstance(body, Lacking):
            return f"no_{body.name}"
        channel, usual = self.base.channel, self._policy.content
        if channel is Channel.SMS:
            body = as_sent(body, smart_encoding=self._smart, fold_accents=usual.fold_accents)
        if who.is_first:
            body = content.first_marketing(body, self._policy.brand, usual.opt_out_notice)
        if size_problem(channel, body) is not None:
            return "too_long"
        parts = self.base.parts
        for name, personal in self._others.items():
            filled = personal.fill(who.fields, html.escape if name == "html" else None)
            if isinstance(filled, Lacking):
                return f"no_{filled.name}"
            if parts is not None:
                parts = replace(parts, **{name: filled})  # type: ignore[arg-type]  # subject or html
        return Said(body, *measured(channel, body), parts)


def writer(rt: Runtime, tenant: Tenant, request: CampaignRequest) -> Writer | list[FieldProblem]:
    """What writes a campaign's messages; or everything that is wrong with its request."""
    texts = campaigns.texts(request)
    if isinstance(texts, list):
        return texts
    known = rt.senders_of(tenant.id)
    context = context_of(known, tenant.default_region, rt.now())
    base = read(request.message(SOMEBODY[request.channel]), context)
    if isinstance(base, list):
        return base
    return Writer(request, base, texts, known)
