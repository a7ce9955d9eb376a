"""`posthorn preview`: what would a text become and cost? It asks no server."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from messaging.cli.output import Form, Output, note, show, write_json
from messaging.domain.message import Category
from messaging.domain.preview import Preview
from messaging.domain.preview import preview as preview_of
from messaging.domain.request import storable


def preview(
    text: Annotated[str, typer.Argument(help="The text; - reads it from standard input.")],
    *,
    smart_encoding: Annotated[
        bool, typer.Option("--smart-encoding", help="Replace typographic characters.")
    ] = False,
    fold_accents: Annotated[
        bool, typer.Option("--fold-accents", help="Take off accents that GSM-7 lacks.")
    ] = False,
    flash: Annotated[bool, typer.Option("--flash", help="As a flash message.")] = False,
    category: Annotated[Category, typer.Option(help="What it is for.")] = Category.TRANSACTIONAL,
    json: Annotated[bool, typer.Option("--json", help="The same as -o json.")] = False,
    output: Output = Form.TABLE,
) -> None:
    """Show what a text would become and cost, on this machine alone; nothing is sent."""
    if text == "-":
        text = sys.stdin.read().removesuffix("\n")
    if not storable(text):
        raise typer.BadParameter("it must not hold NUL or bytes that are not UTF-8")
    found = preview_of(
        text,
        smart_encoding=smart_encoding,
        fold_accents=fold_accents,
        flash=flash,
        category=category,
    )
    if json or output is Form.JSON:
        blockers = [{"codepoint": b.codepoint, **asdict(b)} for b in found.forces_ucs2]
        write_json(asdict(found) | {"forces_ucs2": blockers})
        return
    show(_plain(found), Form.TABLE)
    for warning in found.warnings:
        note(f"{warning.code}: {warning.detail}")


def _plain(found: Preview) -> dict[str, object]:
    blockers = [f"{b.character!r} {b.codepoint} {b.name} x{b.count}" for b in found.forces_ucs2]
    return {
        "body": found.body,
        "encoding": found.encoding,
        "units": found.units,
        "segments": found.segments,
        "per segment": found.units_per_segment,
        "forces UCS-2": blockers or None,
    }
