"""How does a tenant see and change what it decided about compliance?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from messaging import audit
from messaging.domain.compliance import Policy, jurisdictions
from messaging.domain.compliance.policy import QuietHours
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
        wrong = [*_account_problem(rt, tenant, policy), *_hours_problems(rt, policy.quiet_hours)]
        if wrong:
            raise InvalidRequestError(wrong)
        tenants.decide(db, tenant.id, policy.model_dump(mode="json", exclude_unset=True))
        audit.note(db, tenant.id, "policy.changed", None, patch)
    rt.forget(tenant.id)
    return policy


def _account_problem(rt: Runtime, tenant: Tenant, policy: Policy) -> Iterator[FieldProblem]:
    account = policy.lookup.account
    known = rt.senders_of(tenant.id).accounts.values()
    if account is not None and account not in {a.name for a in known}:
        detail = "no provider account of yours has this name"
        yield FieldProblem("#/lookup/account", "unknown_account", detail)


def _hours_problems(rt: Runtime, wishes: QuietHours) -> Iterator[FieldProblem]:
    """Hours that could not be meant: they would refuse every marketing message for good."""
    zoned = [name for name in ("opens", "closes") if getattr(wishes, name, None) is not None]
    zoned = [name for name in zoned if getattr(wishes, name).tzinfo is not None]
    for name in zoned:
        detail = "must have no UTC offset, as in 09:00: it is read on the recipient's clock"
        yield FieldProblem(f"#/quiet_hours/{name}", "not_valid", detail)
    if not zoned and not jurisdictions.ever_open(wishes, rt.now()):
        detail = (
            "these wishes leave no hour at all; opens must be before closes and both within what "
            "the preset allows, by more than closing_margin_minutes"
        )
        yield FieldProblem("#/quiet_hours", "never_open", detail)


def _merge(whole: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    merged = dict(whole)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            before = merged.get(name)
            merged[name] = _merge(before if isinstance(before, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def history(rt: Runtime, tenant: Tenant) -> list[PolicyEvent]:
    """The policies a tenant had, newest first: what held when a verdict was given."""
    with rt.engine.connect() as db:
        return tenants.policy_history(db, tenant.id)
