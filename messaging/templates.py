"""Which of a tenant's texts wait because they failed on many numbers, and who lets them go on?

They are paused by the health tick (`messaging.sender_upkeep`) and resumed by people only: whether a
text has been changed, no measurement can tell.
"""

from __future__ import annotations

from messaging import audit
from messaging.domain.errors import NotFoundError
from messaging.runtime import Runtime
from messaging.store import paused_templates, sender_stats
from messaging.store.paused_templates import PausedTemplate
from messaging.store.tenants import Tenant


def paused(rt: Runtime, tenant: Tenant) -> list[PausedTemplate]:
    """A tenant's paused templates, by name."""
    with rt.engine.connect() as db:
        return paused_templates.of_tenant(db, tenant.id)


def resume(rt: Runtime, tenant: Tenant, template: str) -> None:
    """Let a template go on, with its results at zero; what waits for it goes within 15 minutes.

    Raises:
        NotFoundError: it is not paused.
    """
    with rt.engine.begin() as db:
        if not paused_templates.resume(db, tenant.id, template):
            raise NotFoundError("no paused template of yours has this name")
        sender_stats.forget_template(db, tenant.id, template)
        audit.note(db, tenant.id, "template.resumed", template)
    rt.forget(tenant.id)
