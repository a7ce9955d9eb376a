"""What does a campaign, a source, a use case, a lead or the tenant itself leave from?

A number that is owned at one provider is never sent through another: what is bound to an account may
be bound to senders of that account only.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from messaging import audit
from messaging.domain.bindings import BindingKind
from messaging.domain.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
)
from messaging.runtime import Runtime
from messaging.store import bindings, fleet
from messaging.store.bindings import BindingView
from messaging.store.tenants import Tenant


@dataclass(frozen=True, slots=True)
class Target:
    """What something is bound to, by name; exactly one is set."""

    sender: str | None = None
    """Its address or its id."""
    pool: str | None = None
    account: str | None = None


_ONLY = {
    BindingKind.USE_CASE: ("pool", "a use case is bound to one pool; name that"),
    BindingKind.LEAD: ("sender", "a lead is bound to one sender; name that"),
}
"""What may be bound to one thing only, which replaces the one before."""


def page(
    rt: Runtime,
    tenant: Tenant,
    kind: BindingKind | None = None,
    ref: str | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> list[BindingView]:
    """A tenant's bindings in the order they were made, up to `limit` after the one of that id."""
    with rt.engine.connect() as db:
        return bindings.page(db, tenant.id, kind=kind, ref=ref, after=after, limit=limit)


def bind(rt: Runtime, tenant: Tenant, kind: BindingKind, ref: str, target: Target) -> None:
    """Bind something to a sender, a pool or an account, beside what it is bound to already.

    A use case has one pool and a lead one sender: they are bound anew.

    Raises:
        InvalidRequestError: the target is none of the tenant's, or not fit for this kind.
        ConflictError: somebody deleted it in this moment.
    """
    _check(kind, ref, target)
    try:
        with rt.engine.begin() as db:
            bindings.lock(db, tenant.id)
            ids = _ids(db, tenant, target)
            _check_accounts(db, tenant, kind, ref, ids)
            if kind in _ONLY:
                bindings.remove(db, tenant.id, kind, ref, {})
            bindings.add(db, tenant.id, rt.new_id(), kind, ref, ids)
            audit.note(db, tenant.id, "binding.added", _told(kind, ref))
    except IntegrityError:
        raise ConflictError("what it is to be bound to was deleted just now") from None
    rt.forget(tenant.id)


def unbind(
    rt: Runtime, tenant: Tenant, kind: BindingKind, ref: str, target: Target | None = None
) -> int:
    """Undo one binding of something, or all of them; returns how many.

    Raises:
        NotFoundError: it is not bound to that.
        InvalidRequestError: the target is none of the tenant's.
    """
    with rt.engine.begin() as db:
        bindings.lock(db, tenant.id)
        ids = {} if target is None else _ids(db, tenant, target)
        count = bindings.remove(db, tenant.id, kind, ref, ids)
        if count:
            audit.note(db, tenant.id, "binding.removed", _told(kind, ref))
    if not count:
        raise NotFoundError("there is no such binding of yours")
    rt.forget(tenant.id)
    return count


def _told(kind: BindingKind, ref: str) -> str:
    """What is bound, for the audit log; a lead is a person, so it is not named there."""
    return kind.value if kind is BindingKind.LEAD else f"{kind.value} {ref}".rstrip()


def _check(kind: BindingKind, ref: str, target: Target) -> None:
    if (kind is BindingKind.TENANT) != (ref == ""):
        detail = "the tenant itself has no ref" if ref else "say which one, as you name it"
        raise InvalidRequestError([FieldProblem("#/ref", "not_valid", detail)])
    named = [name for name in ("sender", "pool", "account") if getattr(target, name) is not None]
    if len(named) != 1:
        detail = "name a sender, a pool or an account, and only one of them"
        raise InvalidRequestError([FieldProblem("#", "not_together", detail)])
    only, detail = _ONLY.get(kind, (named[0], ""))
    if named != [only]:
        raise InvalidRequestError([FieldProblem(f"#/{named[0]}", "not_allowed", detail)])


def _ids(db: Connection, tenant: Tenant, target: Target) -> dict[str, UUID]:
    """The target's id, under the name of its column."""
    if target.sender is not None:
        found, name = fleet.find(db, tenant.id, target.sender), "sender"
    elif target.pool is not None:
        found, name = fleet.pool_ids(db, tenant.id).get(target.pool), "pool"
    else:
        found, name = fleet.account_ids(db, tenant.id).get(target.account or ""), "account"
    if found is None:
        detail = f"you have no such {name}"
        raise InvalidRequestError([FieldProblem(f"#/{name}", f"unknown_{name}", detail)])
    return {f"{name}_id": found}


def _check_accounts(
    db: Connection, tenant: Tenant, kind: BindingKind, ref: str, ids: dict[str, UUID]
) -> None:
    bound = bindings.accounts(db, tenant.id, kind, ref)
    if "sender_id" in ids and bound:
        account_id, name = fleet.account_of(db, ids["sender_id"])
        if account_id not in bound:
            detail = (
                f"this sender belongs to account {name!r} and this {kind.value} is bound to "
                f"{', '.join(map(repr, bound.values()))}; a number is never sent through another "
                "account than its own"
            )
            raise InvalidRequestError([FieldProblem("#/sender", "other_account", detail)])
    if "account_id" in ids:
        strangers = bindings.sender_accounts(db, tenant.id, kind, ref)
        if not strangers <= {ids["account_id"], *bound}:
            detail = (
                f"this {kind.value} is bound to senders of another account, which are never sent "
                "through this one; unbind them first"
            )
            raise InvalidRequestError([FieldProblem("#/account", "other_account", detail)])
