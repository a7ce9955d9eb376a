"""The page behind List-Unsubscribe: looking changes nothing, one POST ends it (RFC 8058).

No key is asked for: whoever has the link may use it, and it can do nothing else. Link checkers follow
links, so a GET shows a button; mail programs post `List-Unsubscribe=One-Click` by themselves.
"""

from __future__ import annotations

from html import escape

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from messaging import unsubscribing
from messaging.api import reading
from messaging.api.desk import desk_of
from messaging.runtime import DatabaseError

router = APIRouter(include_in_schema=False)

_LIMIT = 4096
"""Bytes of a body that is read; the one that counts has thirty."""
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<body style="font:16px sans-serif;max-width:32em;margin:4em auto;padding:0 1em">
<h1 style="font-size:1.4em">{title}</h1><p>{text}</p>{form}</body></html>"""
_FORM = """<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">
<button style="font:inherit;padding:.5em 1em">Unsubscribe</button></form>"""
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'",
}


def _page(title: str, text: str, status: int = 200, form: str = "") -> HTMLResponse:
    content = _PAGE.format(title=escape(title), text=escape(text), form=form)
    return HTMLResponse(content, status, _HEADERS)


def _ask() -> HTMLResponse:
    return _page("Unsubscribe", "Press the button to get no more e-mails of this kind.", form=_FORM)


def _unknown() -> HTMLResponse:
    return _page("This link is not complete", "Please copy the whole link from the e-mail.", 404)


@router.get(unsubscribing.PATH + "{token:path}")
async def look(request: Request, token: str) -> HTMLResponse:
    """Show the button."""
    known = unsubscribing.named(desk_of(request).rt.settings, token)
    return _ask() if known is not None else _unknown()


@router.post(unsubscribing.PATH + "{token:path}")
async def click(request: Request, token: str) -> HTMLResponse:
    """End it; the answer is the same however often it was done before."""
    rt = desk_of(request).rt
    message_id = unsubscribing.named(rt.settings, token)
    if message_id is None:
        return _unknown()
    try:
        said = await reading.body(request, _LIMIT)
    except reading.TooLargeError:
        said = b""
    # As a form or as multipart, both stand in it as they are written here (RFC 8058, 3.2).
    if b"List-Unsubscribe" not in said or b"One-Click" not in said:
        return _ask()
    try:
        await run_in_threadpool(unsubscribing.unsubscribe, rt, message_id)
    except DatabaseError:
        return _page("Not just now", "Please try again in a minute.", 503)
    return _page("You are unsubscribed", "You will get no more e-mails of this kind.")
