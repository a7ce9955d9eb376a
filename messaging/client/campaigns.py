"""`Posthorn.campaigns`: one text to many people, planned, started, followed and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from messaging.client.calls import Call, Pages, Stream, Wait, ask, at, get, pages, post
from messaging.client.campaign_results import (
    Added,
    Campaign,
    CampaignStatistics,
    Plan,
    Recipient,
    Retried,
)
from messaging.client.flavours import F, Resource, many, once
from messaging.client.following import events
from messaging.client.reading import nothing

ENDED = frozenset({"finished", "canceled"})
"""The states a campaign does not leave by itself any more."""
MOVING = frozenset({"scheduled", "snapshot", "running", "canceling"})
"""The states a campaign leaves by itself."""
_STILL = 60.0
"""Seconds without a sign of life after which a stream of events is given up."""
_LONG = 120.0
"""Seconds a plan of ten thousand recipients may take."""


class CampaignFields(TypedDict, total=False):
    """What a campaign may have beside its name and its text; see `POST /v1/campaigns`."""

    channel: str | None
    category: str | None
    priority: str | None
    subject: str | None
    html: str | None
    media: Sequence[str] | None
    from_name: str | None
    reply_to: str | None
    flash: bool | None
    flash_fallback: bool | None
    from_: str | None
    pool: str | None
    use_case: str | None
    template: str | None
    source: str | None
    agent: str | None
    content: str | None
    smart_encoding: bool | None
    traffic: str | None
    metadata: Mapping[str, Any] | None
    defaults: Mapping[str, str] | None
    audience: Mapping[str, Any] | None
    recipients: Sequence[Mapping[str, Any]] | None
    scheduled_for: datetime | str | None
    expires_at: datetime | str | None
    per_minute: int | None
    canary: Mapping[str, Any] | None
    pause_on_error_share: float | None


class Campaigns(Resource[F]):
    """`Posthorn.campaigns`."""

    @once
    def create(self, *, name: str, body: str, **fields: Unpack[CampaignFields]) -> Call[Campaign]:
        """Make a draft, to an `audience` of contacts or to `recipients`; nothing is sent yet."""
        return post(Campaign, "campaigns", body={"name": name, "body": body, **fields})

    @many
    def list(self, *, limit: int | None = None, cursor: str | None = None) -> Pages[Campaign]:
        """Campaigns, newest first."""
        return pages(Campaign, "campaigns", limit=limit, cursor=cursor)

    @once
    def get(self, campaign_id: str) -> Call[Campaign]:
        """A campaign, and what has become of its recipients."""
        return get(Campaign, "campaigns", campaign_id)

    @many
    def recipients(
        self,
        campaign_id: str,
        *,
        state: str | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> Pages[Recipient]:
        """Its recipients in order, all or those in one state."""
        found = pages(
            Recipient, "campaigns", campaign_id, "recipients", state=state, after=after, limit=limit
        )
        return Pages(found.call, Recipient, mark="next_after", name="after")

    @once
    def add_recipients(
        self, campaign_id: str, recipients: Sequence[Mapping[str, Any]]
    ) -> Call[Added]:
        """Add recipients to a draft, each address once; so it may be said twice."""
        body = {"recipients": recipients}
        return ask(Added, "campaigns", campaign_id, "recipients", body=body)

    @once
    def plan(self, campaign_id: str) -> Call[Plan]:
        """What it would come to: texts, rules, cost, senders, time; nothing is sent."""
        return ask(Plan, "campaigns", campaign_id, "plan", patience=_LONG)

    @once
    def plan_for(self, *, name: str, body: str, **fields: Unpack[CampaignFields]) -> Call[Plan]:
        """What a campaign would come to that is not there yet; it is not kept."""
        asked = {"name": name, "body": body, **fields}
        return ask(Plan, "campaigns", "plan", body=asked, patience=_LONG)

    @once
    def start(self, campaign_id: str) -> Call[Campaign]:
        """Start it now, or let it start at its `scheduled_for`.

        Raises:
            ConflictError: it was started before.
        """
        return post(Campaign, "campaigns", campaign_id, "start")

    @once
    def pause(self, campaign_id: str) -> Call[Campaign]:
        """Pause it: within two seconds nothing more of it leaves.

        Raises:
            ConflictError: it is not running.
        """
        return post(Campaign, "campaigns", campaign_id, "pause")

    @once
    def resume(self, campaign_id: str) -> Call[Campaign]:
        """Let a paused one go on, also one that waits after its canary.

        Raises:
            ConflictError: it is not paused.
        """
        return post(Campaign, "campaigns", campaign_id, "resume")

    @once
    def cancel(self, campaign_id: str) -> Call[Campaign]:
        """Call it off: what waits is canceled, what is on its way ends by itself.

        Raises:
            ConflictError: it has ended.
        """
        return post(Campaign, "campaigns", campaign_id, "cancel")

    @once
    def retry(self, campaign_id: str, *, failed: str | None = None) -> Call[Retried]:
        """Write again to those of a finished one whose message failed: `transient` or `all`.

        Raises:
            ConflictError: it is not finished.
        """
        body = None if failed is None else {"failed": failed}
        return post(Retried, "campaigns", campaign_id, "retry", body=body)

    @many
    def follow(self, campaign_id: str) -> Stream[Campaign]:
        """The campaign, each time something has changed, until it is a draft, paused or at its end.

        Connects again whenever the server ends the stream before.

        Raises:
            UnreachableError: the stream broke, and a new one did, too.
        """
        path = at("campaigns", campaign_id, "events")
        return Stream(
            Call("GET", path, nothing, patience=_STILL),
            events(Campaign),
            goes_on=lambda last: last.state in MOVING,
        )

    @once
    def wait(
        self, campaign_id: str, until: str | None = None, timeout: float = 600.0
    ) -> Wait[Campaign]:
        """The campaign once its state is `until`, or finished or canceled; `timeout` is in seconds.

        Raises:
            WaitTimeoutError: it is not there yet; a paused one waits for somebody.
        """
        return Wait(
            get(Campaign, "campaigns", campaign_id),
            over=lambda found: found.state == until or found.state in ENDED,
            late=lambda found: f"the campaign is still {found.state}",
            timeout=timeout,
        )

    @once
    def statistics(self, campaign: str) -> Call[CampaignStatistics]:
        """What became of all messages that name a campaign, by the name they give."""
        return get(CampaignStatistics, "campaigns", campaign, "statistics")
