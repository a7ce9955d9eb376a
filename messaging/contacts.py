"""Whom does a tenant know? Contacts are kept, changed, found and forgotten here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging.domain import addresses, audience, contact
from messaging.domain.audience import Audience, Condition, Group, Logic
from messaging.domain.audience_values import FIELDS, Operator
from messaging.domain.contact import Change, Contact, ContactPatch, ContactRequest
from messaging.domain.errors import FieldProblem, InvalidRequestError, NotFoundError
from messaging.domain.folding import folded
from messaging.domain.message import Channel
from messaging.domain.request import storable
from messaging.runtime import Runtime
from messaging.store import audience as audience_store
from messaging.store import contacts
from messaging.store.audience import Reach
from messaging.store.contacts import Kept, Thread
from messaging.store.tenants import Tenant

_LOT = 2_000
_NONE = "no contact of yours has this id"


def find(db: Connection, tenant_id: UUID, name: str) -> Contact | None:
    """A contact by its `ref`, or else by its id as text; None if the tenant has none such."""
    return contacts.find(db, tenant_id, name)


def get(rt: Runtime, tenant: Tenant, name: str) -> Contact:
    """The contact of this `ref` or id.

    Raises:
        NotFoundError: the tenant has none such.
    """
    with rt.engine.connect() as db:
        found = contacts.find(db, tenant.id, name)
    if found is None:
        raise NotFoundError(_NONE)
    return found


@dataclass(frozen=True, slots=True)
class Put:
    """What became of an entry of a list."""

    contact: Contact
    new: bool


Asked = ContactRequest | list[FieldProblem]
"""An entry, or what is wrong with its form."""


def read(tenant: Tenant, asked: Sequence[Asked]) -> list[Change | list[FieldProblem]]:
    """What each entry says, or what is wrong with it; pointers begin at the entry, with `#`.

    Of entries with the same `ref` only the first is good.
    """
    refs = Counter(one.ref for one in asked if isinstance(one, ContactRequest) and one.ref)
    seen: set[str] = set()
    found: list[Change | list[FieldProblem]] = []
    for one in asked:
        if isinstance(one, list):
            found.append(one)
            continue
        what = contact.read(one, tenant.default_region)
        if one.ref is not None and refs[one.ref] > 1:
            if one.ref in seen:
                what = [FieldProblem("#/ref", "repeated", "is there twice; leave one of them out")]
            seen.add(one.ref)
        found.append(what)
    return found


def put(rt: Runtime, tenant: Tenant, asked: Sequence[Asked]) -> list[Put | list[FieldProblem]]:
    """Keep contacts, as many of them as are good; one with the `ref` of another changes that one.

    What is left out of such a one stays as it was.
    """
    what = read(tenant, asked)
    good = [
        (n, one.ref, change)
        for n, (one, change) in enumerate(zip(asked, what, strict=True))
        if isinstance(one, ContactRequest) and isinstance(change, Change)
    ]
    good.sort(key=lambda one: one[1] or "")
    found: list[Put | list[FieldProblem] | Change] = [*what]
    with rt.engine.begin() as db:
        done = write(rt, db, tenant, [(ref, change) for _, ref, change in good])
        for (n, _, _), one in zip(good, done, strict=True):
            found[n] = one
    return [one for one in found if not isinstance(one, Change)]


def put_one(rt: Runtime, tenant: Tenant, asked: ContactRequest) -> Put:
    """Keep one contact, as `put`.

    Raises:
        InvalidRequestError: everything that is wrong with it.
    """
    (done,) = put(rt, tenant, [asked])
    if isinstance(done, list):
        raise InvalidRequestError(done)
    return done


def write(
    rt: Runtime, db: Connection, tenant: Tenant, good: Iterable[tuple[str | None, Change]]
) -> Iterator[Put]:
    """Keep what was read, any number, lot by lot as it is asked for, in the caller's transaction.

    It must come in the order of its refs, no ref twice: two who write the same people in one order do
    not wait for each other for ever.
    """
    now, rest = rt.now(), iter(good)
    while lot := list(islice(rest, _LOT)):
        there = contacts.by_refs(db, tenant.id, [ref for ref, _ in lot if ref])
        whole = [
            contact.applied(there.get(ref or "") or Contact(rt.new_id(), ref, created_at=now), what)
            for ref, what in lot
        ]
        ids, _ = contacts.put(db, tenant.id, [Kept(one, keys(rt, one)) for one in whole], now)
        for one in whole:
            fresh = one.ref not in there and ids[one.id] == one.id
            yield Put(one if fresh else replace(one, id=ids[one.id], modified_at=now), fresh)


def keys(rt: Runtime, one: Contact) -> dict[Channel, list[bytes]]:
    """What stands for each address of a contact."""
    pepper = rt.settings.pepper
    return {
        channel: [addresses.key(pepper, channel.value, address) for address in known]
        for channel, known in one.addresses.items()
    }


def change(rt: Runtime, tenant: Tenant, name: str, patch: ContactPatch) -> Contact:
    """Change what is named of a contact.

    Raises:
        NotFoundError: the tenant has none such.
        InvalidRequestError: everything that is wrong with the change.
    """
    what = contact.read(patch, tenant.default_region)
    with rt.engine.begin() as db:
        found = contacts.find(db, tenant.id, name)
        held = contacts.hold(db, tenant.id, found.id) if found else None
        if held is None:
            raise NotFoundError(_NONE)
        if isinstance(what, list):
            raise InvalidRequestError(what)
        now = rt.now()
        changed = replace(contact.applied(held, what), modified_at=now)
        contacts.change(db, tenant.id, Kept(changed, keys(rt, changed)), now)
    return changed


def delete(rt: Runtime, tenant: Tenant, name: str) -> None:
    """Forget a contact. What was sent to it stays; an erasure empties that.

    Raises:
        NotFoundError: the tenant has none such.
    """
    with rt.engine.begin() as db:
        found = contacts.find(db, tenant.id, name)
        if found is None or not contacts.delete(db, tenant.id, found.id):
            raise NotFoundError(_NONE)


@dataclass(frozen=True, slots=True)
class Listing:
    """Which contacts to list."""

    keyword: str | None = None
    tag: str | None = None
    assignee: str | None = None


def page(
    rt: Runtime, tenant: Tenant, listing: Listing, before: UUID | None, limit: int
) -> list[Contact]:
    """Up to `limit` contacts, newest first, older than the id `before`.

    Raises:
        InvalidRequestError: one of them is no text, or the keyword is none.
    """
    for name, said in (("tag", listing.tag), ("assignee", listing.assignee)):
        if said is not None and not storable(said):
            detail = "must not hold NUL or unpaired surrogate characters"
            raise InvalidRequestError([FieldProblem(f"#/{name}", "not_text", detail)])
    keyword = None if listing.keyword is None else audience.keyword_of(listing.keyword)
    if listing.keyword is not None and keyword is None:
        detail = "must have 1 to 200 characters"
        raise InvalidRequestError([FieldProblem("#/q", "not_text", detail)])
    tagged = None
    if listing.tag is not None:
        asked = Condition(FIELDS["tags"], Operator.CONTAINS, (folded(listing.tag),))
        tagged = Group(Logic.AND, (asked,))
    assignees = None if listing.assignee is None else (listing.assignee,)
    found = audience_store.where(tenant.id, Audience(None, keyword, assignees, tagged))
    with rt.engine.connect() as db:
        return contacts.page(db, found, before, limit)


def audience_of(raw: object, at: str = "#/audience") -> Audience:
    """The audience that somebody wrote.

    Raises:
        InvalidRequestError: everything that is wrong with it.
    """
    found = audience.parse(raw, at)
    if isinstance(found, list):
        raise InvalidRequestError(found)
    return found


def search(
    rt: Runtime,
    tenant: Tenant,
    asked: Audience,
    channel: Channel,
    before: UUID | None,
    limit: int,
) -> tuple[Reach, list[Contact]]:
    """How many an audience is on a channel, and up to `limit` of its contacts, newest first."""
    with rt.engine.connect() as db:
        found = audience_store.reach(db, tenant.id, asked, channel)
        where = audience_store.where(tenant.id, asked)
        return found, contacts.page(db, where, before, limit)


def threads(rt: Runtime, tenant: Tenant, name: str) -> list[Thread]:
    """The conversations with a contact, on any of its addresses, newest first.

    Raises:
        NotFoundError: the tenant has no such contact.
    """
    found = get(rt, tenant, name)
    with rt.engine.connect() as db:
        return contacts.threads(db, tenant.id, found.id)
