"""What may not stand in a text, and what a first marketing message has to say?

Links, phone numbers and regulated content have files of their own; they are asked for here.
"""

from __future__ import annotations

import re
import unicodedata

from messaging.domain.compliance.links import SHORTENERS, links, shortener
from messaging.domain.compliance.regulated import REGULATED, content_problem
from messaging.domain.compliance.telephones import phone_numbers
from messaging.domain.compliance.verdicts import Reason
from messaging.domain.encoding import smart

__all__ = [
    "REGULATED",
    "SHORTENERS",
    "content_problem",
    "first_marketing",
    "flash_problem",
    "has_opt_out",
    "identified",
    "links",
    "phone_numbers",
    "shortener",
]

BRAND_WITHIN = 40
"""Characters from the start of a text within which the sender's name is looked for."""

_MARKS = re.compile("[\u0300-\u036f]+")
_SPACES = re.compile(r"\s+")

_KEYWORD = (
    r"(?:stop|unsubscribe|cancel|quit|end|optout|opt out|sair|parar|cancelar|descadastrar|remover|"
    r"arret|desabonner|baja|alto|stopp)\b"
)
_ASK = (
    r"(?:reply|text|txt|send|sms|type|responda|responder|resp|envie|enviar|mande|digite|"
    r"repondez|repondre|envoyez|envoyer|tapez|responde|responda con|envia|antworte|antworten sie)"
)
_QUOTED = r"[\s:;,'\"*(\[]"
_OPT_OUT = re.compile(
    # Reply STOP, Txt STOP, Responda com SAIR, envie a palavra PARAR
    rf"\b{_ASK}{_QUOTED}+(?:(?:with|the word|com|a palavra|con|la palabra|par|mit){_QUOTED}+)?{_KEYWORD}"
    # STOP to cancel, SAIR para sair, BAJA p/ cancelar, STOP pour vous desabonner
    r"|\b(?:stop|unsubscribe|cancel|quit|sair|parar|arret|baja|stopp)['\"*)\]]?"
    r"(?: (?:to|2|para|p/|pra|pour|um)| ?=) ?(?:not\b|no\b|nao\b|ne\b|vous\b|se\b)?"
    r" ?(?:opt|end|cancel|unsub|quit|stop|leave|receive|receber|recibir|sair|parar|descadastr|"
    r"remov|darse|recevoir|desabonner|desinscr|abzu)"
    # STOP 36180, STOP au 36180, SAIR para 27000
    r"|\b(?:stop|sair|arret|baja)(?: (?:to|au|sms|al|para|no|ao))* \d{4,6}\b"
    # Opt out: STOP, para sair: SAIR, Cancelar? PARAR
    r"|\b(?:opt[ -]?out|unsub\w*|cancel\w*|descadastr\w*|sair|salir|desabonner|baja)\s?[:=?>-]+\s?"
    rf"{_KEYWORD}",
    re.IGNORECASE,
)


def flash_problem(body: str, segments: int) -> Reason | None:
    """Why a text may not go as a flash message: it may hold no link, and fits one segment."""
    if links(body):
        return Reason.FLASH_URL_FORBIDDEN
    return Reason.FLASH_TOO_LONG if segments > 1 else None


def identified(body: str, brand: str) -> bool:
    """Whether a text says early on who sends it: the brand, whole, in its first 40 characters.

    Case, accents and the width of spaces do not matter. Without a brand there is nothing to miss.
    """
    brand = brand.strip()
    if body.startswith(brand):
        following = body[len(brand) : len(brand) + 1]
        if not brand or not (brand[-1].isalnum() and following.isalnum()):
            return True
    name = re.escape(_compared(brand).strip())
    if not name:
        return True
    start = _compared(body[: 2 * BRAND_WITHIN])
    found = re.search(rf"(?<!\w){name}(?!\w)", start)
    return found is not None and found.end() <= BRAND_WITHIN


def has_opt_out(body: str) -> bool:
    """Whether a text tells how to opt out, in words that can be read: "Reply STOP to cancel".

    The keyword has to stand by itself and be asked for; "stop2quit" or "stop by" tell nobody.
    """
    return _OPT_OUT.search(_compared(body)) is not None


def first_marketing(body: str, brand: str, notice: str) -> str:
    """A first marketing text as the carriers ask: it names its sender, and says how to opt out.

    Adds only what is missing, so doing it twice changes nothing. May lengthen the text: check its
    length and count its segments afterwards.
    """
    brand, notice = brand.strip(), notice.strip()
    if not identified(body, brand):
        body = f"{brand}: {body}"
    if not notice or has_opt_out(body) or _compared(notice) in _compared(body):
        return body
    return f"{body.rstrip()} {notice}"


def _compared(text: str) -> str:
    """A text for comparison: plain punctuation, no accents, no case, single spaces."""
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", smart(text)))
    return _SPACES.sub(" ", plain).casefold()
