"""`/problems/{code}`: what an error means and what to do, for the person who follows its `type`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from messaging.api import schema
from messaging.api.errors import PROBLEMS
from messaging.domain.errors import NotFoundError

router = APIRouter(prefix="/problems", tags=["problems"])

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<h1>{title}</h1><p>HTTP {status}, <code>{code}</code></p><p>What to do: {remedy}.</p></html>
"""


@router.get("/{code}", summary="Explain an error code")
def explain(request: Request, code: str) -> Response:
    """What an error code means; HTML for a browser, JSON for everything else."""
    kind = PROBLEMS.get(code)
    if kind is None:
        raise NotFoundError(
            "there is no such error code; see the API documentation for all of them"
        )
    # The texts are ours and hold no markup.
    content = {"code": code, "status": kind.status, "title": kind.title, "remedy": kind.remedy}
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(_PAGE.format_map(content))
    return schema.answer({"type": f"/problems/{code}", **content})
