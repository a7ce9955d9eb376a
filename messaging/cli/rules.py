"""`posthorn rules`: which hours and caps does Posthorn keep where, and who says so?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from messaging.cli.output import Form, Output, note, show_rows
from messaging.domain.compliance import RULES
from messaging.domain.compliance.jurisdictions import RULESET, Row, rows
from messaging.domain.compliance.rules import VERSION

COLUMNS = ["id", "where", "what", "from", "to", "confidence", "reviewed", "source"]


def rules(
    *,
    country: Annotated[
        str | None, typer.Option(help="Only this country and its states, such as US.")
    ] = None,
    questions: Annotated[
        bool, typer.Option("--questions", help="Instead: what is asked of every message.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="The same as -o json.")] = False,
    output: Output = Form.TABLE,
) -> None:
    """Show the laws and customs that marketing is held to; needs no server."""
    form = Form.JSON if json else output
    if questions:
        show_rows(
            [{"id": r.id, "question": r.question, "source": r.source} for r in RULES],
            ["id", "question", "source"],
            form,
        )
        note(f"version {VERSION}; the first that refuses decides, else the longest wait")
        return
    wanted = country.upper() if country else None
    found = [row for row in rows() if wanted is None or _about(row, wanted)]
    if not any(row.holds_in(wanted or row.jurisdiction) for row in found):
        note(f"no rule names {wanted}: there it is as everywhere else")
        found += [row for row in rows() if row.holds_in("*")]
    show_rows([_shown(row) for row in found], COLUMNS, form)
    note(f"the rules as of {RULESET}; not legal advice")


def _about(row: Row, country: str) -> bool:
    return row.holds_in(country) or row.jurisdiction.partition("-")[0] == country


def _shown(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "where": ", ".join((row.jurisdiction, *row.also)),
        "what": row.what,
        "from": row.effective_from.isoformat() if row.effective_from else "unknown",
        "to": row.effective_to.isoformat() if row.effective_to else None,
        "confidence": row.confidence.value,
        "reviewed": row.reviewed_at.isoformat(),
        "source": row.source,
        "note": row.note or None,
    }
