"""What does each recipient of a campaign get? Its text, made theirs, as a message to keep.

Made once for a campaign and asked for each recipient: whatever is the same for all is read once, by the
same rules as any message.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from messaging.domain import campaign as campaigns
from messaging.domain.campaign import CampaignRequest
from messaging.domain.channel_rules import size_problem
from messaging.domain.compliance.content import first_marketing
from messaging.domain.encoding import as_sent
from messaging.domain.errors import FieldProblem
from messaging.domain.message import Category, Channel
from messaging.domain.new_message import NewMessage
from messaging.domain.personal import Lacking, Personal
from messaging.domain.reading import Context, measured, read
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
_REMEMBERED = 10_000


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
    )


class Writer:
    """A campaign's text, ready to be made somebody's."""

    def __init__(
        self,
        request: CampaignRequest,
        base: NewMessage,
        texts: Mapping[str, Personal],
        known: TenantSenders,
    ) -> None:
        self._base = base
        self._texts = dict(texts)
        self._body = self._texts.pop("body")
        self._policy = known.policy
        smart = request.smart_encoding
        self._smart = known.policy.content.smart_encoding if smart is None else smart
        self._said: dict[tuple[str, bool], tuple[str, int, str | None] | None] = {}

    @property
    def channel(self) -> Channel:
        """What its messages travel on."""
        return self._base.channel

    @property
    def introduces(self) -> int | None:
        """After how many days marketing says again who writes; None if this one never has to."""
        if self._base.category is not Category.MARKETING or self._base.channel is Channel.EMAIL:
            return None
        return self._policy.content.notice_days

    def write(self, who: Waiting) -> NewMessage | str:
        """The message to somebody; or why there can be none, in a word."""
        fields = who.fields
        body = self._body.fill(fields)
        if isinstance(body, Lacking):
            return f"no_{body.name}"
        said = self._measured(body, who.is_first)
        if said is None:
            return "too_long"
        text, count, encoding = said
        parts = self._base.parts
        for name, personal in self._texts.items():
            filled = personal.fill(fields, html.escape if name == "html" else None)
            if isinstance(filled, Lacking):
                return f"no_{filled.name}"
            if parts is not None:
                parts = replace(parts, **{name: filled})  # type: ignore[arg-type]  # subject or html
        about, base = who.about, self._base
        return replace(
            base,
            recipient=who.address,
            body=text,
            segments=count,
            encoding=encoding,
            parts=parts,
            lead=about.get("lead"),
            source=base.source or about.get("source"),
            agent=base.agent or about.get("agent"),
            time_zone=about.get("time_zone"),
            postal_code=about.get("postal_code"),
        )

    def _measured(self, body: str, first: bool) -> tuple[str, int, str | None] | None:
        """The text as it is sent, its segments and its encoding; None if it has grown too long."""
        key = (body, first)
        if key in self._said:
            return self._said[key]
        if len(self._said) >= _REMEMBERED:
            self._said.clear()
        found = self._said[key] = self._measure(body, first)
        return found

    def _measure(self, body: str, first: bool) -> tuple[str, int, str | None] | None:
        channel, usual = self._base.channel, self._policy.content
        if channel is Channel.SMS:
            body = as_sent(body, smart_encoding=self._smart, fold_accents=usual.fold_accents)
        if first and self.introduces is not None:
            body = first_marketing(body, self._policy.brand, usual.opt_out_notice)
        if size_problem(channel, body) is not None:
            return None
        return (body, *measured(channel, body))


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
