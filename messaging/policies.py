"""How does a tenant see and change what it decided about compliance?"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from messaging.domain.compliance import Policy
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.request import problems_of
from messaging.runtime import Runtime
from messaging.store import tenants
from messaging.store.tenants import PolicyEvent, Tenant


def read(rt: Runtime, tenant: Tenant) -> Policy:
    """A tenant's policy, with the default where it decided nothing."""
    with rt.engine.connect() as db:
        return tenants.policy(db, tenant.id)


def change(rt: Runtime, tenant: Tenant, patch: dict[str, Any]) -> Policy:
    """Change the named parts of a policy (RFC 7396: null restores a default); the whole afterwards.

    Raises:
        InvalidRequestError: a part is unknown or its value is not allowed; nothing was changed.
    """
    with rt.engine.begin() as db:
        decided = tenants.decisions(db, tenant.id)
        merged = _merge(decided, patch)
        try:
            policy = Policy.model_validate(merged)
        except ValidationError as error:
            raise InvalidRequestError(problems_of(error)) from None
        account = policy.lookup.account
        known = rt.senders_of(tenant.id).accounts.values()
        if account is not None and account not in {a.name for a in known}:
            problem = FieldProblem(
                "#/lookup/account", "unknown_account", "no provider account of yours has this name"
            )
            raise InvalidRequestError([problem])
        tenants.decide(db, tenant.id, policy.model_dump(mode="json", exclude_unset=True))
    rt.forget(tenant.id)
    return policy


def _merge(whole: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    merged = dict(whole)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merge(merged[name], value)
        else:
            merged[name] = value
    return merged


def history(rt: Runtime, tenant: Tenant) -> list[PolicyEvent]:
    """The policies a tenant had, newest first: what held when a verdict was given."""
    with rt.engine.connect() as db:
        return tenants.policy_history(db, tenant.id)
