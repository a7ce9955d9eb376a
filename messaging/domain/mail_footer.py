"""What stands under marketing by e-mail: who sends it, where from, and how to end it.

The CAN-SPAM Act asks for both in every commercial message: a valid physical postal address, and a clear
notice that one may decline further ones, with a way to (15 USC 7704(a)(5)(A)(ii) and (iii)). What the
text says already is not said twice.
"""

from __future__ import annotations

import re
from html import escape

_END = re.compile(r"</body\s*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_SPACES = re.compile(r"\s+")


def under_text(body: str, brand: str, postal_address: str, url: str) -> str:
    """A text with what it lacks: the sender, the address, and where to unsubscribe."""
    return f"{body.rstrip()}\n\n-- \n{_sender(body, brand, postal_address)}Unsubscribe: {url}\n"


def under_html(html: str, brand: str, postal_address: str, url: str) -> str:
    """The same for HTML; it goes before the end of its body, if it has one."""
    said = escape(_sender(_TAG.sub(" ", html), brand, postal_address).strip()).replace("\n", "<br>")
    words = f"{said}<br>" if said else ""
    footer = (
        f'<p style="font-size:12px;color:#666">{words}'
        f'<a href="{escape(url, quote=True)}">Unsubscribe</a></p>'
    )
    end = max((found.start() for found in _END.finditer(html)), default=len(html))
    return html[:end] + footer + html[end:]


def _sender(text: str, brand: str, postal_address: str) -> str:
    """The lines that say who and where, as far as the text does not."""
    said = _plain(text)
    lines = [line.strip() for line in (brand, postal_address)]
    return "".join(f"{line}\n" for line in lines if line and _plain(line) not in said)


def _plain(text: str) -> str:
    return _SPACES.sub(" ", text).casefold().strip()
