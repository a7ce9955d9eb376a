"""`/problems/{code}`: what an error means and what to do, for the person who follows its `type`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, Response

from messaging.api import schema
from messaging.api.errors import PROBLEMS
from messaging.domain.errors import NotFoundError

router = APIRouter(prefix="/problems", tags=["problems"])

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<h1>{title}</h1><p>HTTP {status}, <code>{code}</code></p><p>What to do: {remedy}.</p></html>
"""


class ProblemPage(BaseModel):
    """What an error code means."""

    type: Annotated[str, Field(description="this page, as errors name it")]
    code: Annotated[str, Field(description="the code")]
    status: Annotated[int, Field(description="the HTTP status it comes with")]
    title: Annotated[str, Field(description="its headline")]
    remedy: Annotated[str, Field(description="what to do about it")]


_HTML: dict[str, Any] = {
    "text/html": {"schema": {"type": "string"}, "example": "<!doctype html>..."}
}


@router.get(
    "/{code}",
    summary="Explain an error code",
    response_model=ProblemPage,
    responses={200: {"content": _HTML}},
)
def explain_problem(request: Request, code: str) -> Response:
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
