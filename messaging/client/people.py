"""`Posthorn.suppressions`, `consents`, `dnc`, `numbers` and `erasures`: who may be written to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import IO, Any

from messaging.client.calls import (
    Call,
    Pages,
    Stream,
    ask,
    delete,
    download,
    get,
    pages,
    post,
    search,
    upload,
)
from messaging.client.flavours import F, Resource, many, once
from messaging.client.people_results import (
    ConsentEvent,
    ConsentState,
    Erasure,
    ImportedSuppressions,
    Learned,
    Number,
    Recorded,
    Registry,
    Scrub,
    Stopped,
    SuppressionEntry,
    SuppressionKey,
    SuppressionState,
)


class Suppressions(Resource[F]):
    """`Posthorn.suppressions`; `channel` is `sms` unless it is named."""

    @once
    def stop(
        self,
        to: str,
        *,
        channel: str | None = None,
        scope: str | None = None,
        source: str | None = None,
        evidence: str | None = None,
        at: datetime | str | None = None,
    ) -> Call[Stopped]:
        """Stop writing to somebody, and cancel whatever waits for them."""
        body = {
            "to": to,
            "channel": channel,
            "scope": scope,
            "source": source,
            "evidence": evidence,
            "at": at,
        }
        return post(Stopped, "suppressions", body=body)

    @once
    def lift(
        self,
        to: str,
        *,
        channel: str | None = None,
        kind: str | None = None,
        evidence: str | None = None,
    ) -> Call[None]:
        """Write to somebody again.

        Raises:
            NotFoundError: they were not suppressed in this way.
        """
        body = {"to": to, "channel": channel, "kind": kind, "evidence": evidence}
        return delete("suppressions", body=body)

    @many
    def list(self, *, limit: int | None = None, cursor: str | None = None) -> Pages[SuppressionKey]:
        """What holds; addresses are not kept, so each is a key that stands for one."""
        return pages(SuppressionKey, "suppressions", limit=limit, cursor=cursor)

    @once
    def check(self, to: str, *, channel: str | None = None) -> Call[SuppressionState]:
        """Whether somebody must not be written to, and since when."""
        return ask(SuppressionState, "suppressions", "check", body={"to": to, "channel": channel})

    @many
    def history(self, to: str, *, channel: str | None = None) -> Pages[SuppressionEntry]:
        """The newest thousand lines of the ledger of one person, oldest first."""
        body = {"to": to, "channel": channel}
        return search(SuppressionEntry, "suppressions", "history", body=body)

    @once
    def import_file(self, file: IO[bytes] | IO[str]) -> Call[ImportedSuppressions]:
        """Suppress everybody of a CSV file: all, or none if a line is wrong."""
        return upload(ImportedSuppressions, "suppressions", "import", file=file)

    @many
    def export(self) -> Stream[bytes]:
        """All that holds as a CSV file, piece by piece; it can be imported again."""
        return download("suppressions", "export")


class Consents(Resource[F]):
    """`Posthorn.consents`; `channel` is `sms` unless it is named."""

    @once
    def record(
        self,
        to: str,
        *,
        action: str,
        source: str,
        channel: str | None = None,
        category: str | None = None,
        basis: str | None = None,
        text_version: str | None = None,
        evidence: Mapping[str, Any] | None = None,
        at: datetime | str | None = None,
    ) -> Call[Recorded]:
        """Record that somebody granted or revoked consent, or was asked for it."""
        body = {
            "to": to,
            "action": action,
            "source": source,
            "channel": channel,
            "category": category,
            "basis": basis,
            "text_version": text_version,
            "evidence": evidence,
            "at": at,
        }
        return post(Recorded, "consents", body=body)

    @once
    def check(
        self, to: str, *, channel: str | None = None, category: str | None = None
    ) -> Call[ConsentState]:
        """What consent there is, and what is lacking."""
        body = {"to": to, "channel": channel, "category": category}
        return ask(ConsentState, "consents", "check", body=body)

    @many
    def history(self, to: str, *, channel: str | None = None) -> Pages[ConsentEvent]:
        """Everything recorded of one person's consent."""
        return search(ConsentEvent, "consents", "history", body={"to": to, "channel": channel})

    @once
    def import_file(self, file: IO[bytes] | IO[str]) -> Call[Recorded]:
        """Record every line of a CSV file: all, or none if a line is wrong."""
        return upload(Recorded, "consents", "import", file=file)


class DoNotCall(Resource[F]):
    """`Posthorn.dnc`."""

    @many
    def list(self) -> Pages[Registry]:
        """The registries, and how fresh the last scrub against each is."""
        return pages(Registry, "dnc")

    @once
    def replace(
        self, registry: str, file: IO[bytes] | IO[str], *, scrubbed_at: datetime | str
    ) -> Call[Scrub]:
        """Replace what a registry lists by a file of numbers, one a line.

        Raises:
            ConflictError: the scrub on record is newer.
        """
        return upload(Scrub, "dnc", registry, file=file, method="PUT", scrubbed_at=scrubbed_at)


class Numbers(Resource[F]):
    """`Posthorn.numbers`."""

    @once
    def check(self, to: str) -> Call[Number]:
        """What is known of a number, and whether messages may go there by its type."""
        return ask(Number, "numbers", "check", body={"to": to})

    @once
    def import_file(self, file: IO[bytes] | IO[str]) -> Call[Learned]:
        """Tell what kinds of lines the numbers of a CSV file are."""
        return upload(Learned, "numbers", "import", file=file)


class Erasures(Resource[F]):
    """`Posthorn.erasures`."""

    @once
    def request(self, to: str, *, channel: str | None = None) -> Call[Erasure]:
        """Erase a person; asking again erases what came since, under the same id."""
        return ask(Erasure, "erasures", body={"to": to, "channel": channel})

    @once
    def get(self, erasure_id: str) -> Call[Erasure]:
        """How far an erasure has come."""
        return get(Erasure, "erasures", erasure_id)
