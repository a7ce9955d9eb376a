"""Which hosts does a text link to, and is one of them a public link shortener?

A host counts with any scheme, or after "www."; without, only if its last label is a top-level domain
we know. That list is every country's and the common generic ones: a host under a rarer one is missed
without its scheme, and prose without a space after its full stop ("ok.so") may be taken for one.
The second is the rule because a handset makes a link of it, too.
"""

# ruff: noqa: RUF001, RUF002 - characters that are drawn alike are what this file is about

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from phonenumbers import SUPPORTED_REGIONS

SHORTENERS = frozenset({
    "bc.vc", "bit.ly", "budurl.com", "clicky.me", "cutt.ly", "goo.gl", "is.gd", "lc.chat", "ow.ly",
    "rb.gy", "s2r.co", "short.io", "soo.gd", "t.co", "tiny.cc", "tinyurl.com", "twil.io",
})  # fmt: skip
"""Domains that anybody's links share; carriers filter them (AT&T's list, and the common others)."""

_GENERIC = """academy adult agency ai app art asia auto band bank bar beauty beer best bet bid bingo
bio biz blog boutique business buzz cab cafe camera camp capital car cards care careers cars cash
casino cat center chat church city claims cleaning click clinic clothing cloud club coach codes coffee
com community company computer consulting cool coop country coupons courses credit cruises dance data
date dating deals delivery dental design dev diet digital direct discount doctor download edu
education email energy estate events exchange expert express fail family fans farm fashion film
finance financial fit fitness flights florist food football forsale fun fund furniture fyi gallery game
games garden gift gifts gives global gold golf gov green group guide guru hair haus health help hockey
holdings holiday homes host hotel hotels house icu immo inc info ink institute insurance insure int
investments jetzt jewelry jobs kitchen land law lawyer legal life limited link live llc loan loans lol
london love ltd management market marketing media memorial men menu mil mobi moda moe money monster
mortgage museum name net network news ngo ninja nyc one ong online org page partners parts party pet
pharmacy photo photos pics pink pizza place plus poker porn press pro productions promo properties
property pub quest racing realty recipes red rent rentals repair report rest restaurant review reviews
rio rip rocks run sale salon school science security services sex sexy shoes shop shopping show site
ski social software solar solutions space sport store stream studio style support surf surgery systems
tattoo tax taxi team tech technology tel tennis tips today tools top tours toys trade trading training
travel tube university vacations ventures vet viajes video villas vin vip vision vodka vote wang watch
web website wedding wiki win wine work works world wtf xxx xyz yoga zip zone"""
_COUNTRIES = {region.lower() for region in SUPPORTED_REGIONS if region.isalpha()}
_NOT_REGIONS = "aq eu gs hm pn su tf uk рф"
TOP_LEVEL = frozenset({*_COUNTRIES, *_NOT_REGIONS.split(), *_GENERIC.split()})
"""The last labels that make a host of words with dots between them."""

# What a reader does not see and a browser leaves out of a host; and the dots of other scripts.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_DOTS = re.compile("[\u3002\uff61\uff0e\u2024\ufe52]")
_MARKS = re.compile("[\u0300-\u036f]+")
_DRAWN = {
    "a": "ɑаα", "b": "ƅьʙβв", "c": "сϲ", "d": "ԁđ", "e": "еєҽ", "g": "ɡցɢ", "h": "һʜнη", "i": "ıɩɪіι",
    "j": "јյ", "k": "κк", "l": "ӏłʟ", "m": "мμᴍ", "n": "ոɴ", "o": "οоօσøᴏ", "p": "ρрᴘ", "q": "ԛ",
    "r": "гʀ", "s": "ѕꜱ", "t": "τтᴛ", "u": "υսᴜ", "v": "νѵᴠ", "w": "ѡԝᴡ", "x": "хχ", "y": "уγʏ",
    "z": "ᴢζ",
}  # fmt: skip
_LATIN = {ord(other): letter for letter, others in _DRAWN.items() for other in others}

_LETTER = r"\w\u0300-\u036f-"
_BREAK = r"[ \t]*[\r\n\v\f\u0085\u2028\u2029]+[ \t]*"
_IN_AUTHORITY = r"[^\s/?#\\]"
_WITH_SCHEME = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*+://+({_IN_AUTHORITY}*+)\S*")
_EMAIL = re.compile(r"[\w.+%-]++@[\w.-]+")
_BARE = re.compile(rf"(?<![{_LETTER}])[{_LETTER}]++(?:\.[{_LETTER}]++)++")
_REST = re.compile(r"\.?(?:[/?#]|:\d)\S*")
_BROKEN = re.compile(
    rf"://+((?:{_IN_AUTHORITY}*+{_BREAK}){{1,3}}{_IN_AUTHORITY}+)"
    rf"|((?:[{_LETTER}]++\.)++{_BREAK}[{_LETTER}.]+)/\S"
    rf"|([{_LETTER}.]++{_BREAK}\.[{_LETTER}.]+)/\S"
)
_HOST = re.compile(rf"[{_LETTER}.]+|\[[0-9A-Fa-f:.]+\]")


def links(text: str) -> list[str]:
    """The hosts a text links to, lower case, each once; what has a scheme comes first.

    Characters without width are left out of a host, and a link that was broken into lines is read
    both ways. Addresses of e-mail, amounts, times and versions are none.
    """
    if "." not in text and "//" not in text and (text.isascii() or not _DOTS.search(text)):
        return []
    return list(dict.fromkeys(host.lower() for host in _hosts(_plain(text))))


def shortener(text: str) -> str | None:
    """The first public shortener a text links through, however its name is drawn (bıt.ly)."""
    return next(filter(None, map(_shared, links(text))), None)


def _plain(text: str) -> str:
    if text.isascii():
        return text
    return _DOTS.sub(".", unicodedata.normalize("NFKC", _UNSEEN.sub("", text)))


def _hosts(text: str) -> Iterator[str]:
    broken = text if "\n" in text or len(text.splitlines()) > 1 else ""
    if "//" in text:
        for found in _WITH_SCHEME.finditer(text):
            yield from _host_of(found[1])
        text = _WITH_SCHEME.sub(" ", text)
    if "@" in text:
        text = _EMAIL.sub(" ", text)
    past = 0
    for found in _BARE.finditer(text):
        host = found[0].strip("-_")
        if found.start() >= past and _is_host(host, path=_path_at(text, found.end())):
            yield host
            if rest := _REST.match(text, found.end()):  # what follows is no host, but its path
                past = rest.end()
    for found in _BROKEN.finditer(broken):
        for host in _host_of("".join((found[1] or found[2] or found[3]).split())):
            if _is_host(host, path=True):
                yield host


def _host_of(authority: str) -> Iterator[str]:
    """The host of user:password@host:port."""
    found = _HOST.match(authority.rpartition("@")[2])
    host = found[0].strip(".-_") if found else ""
    if host:
        yield host


def _path_at(text: str, position: int) -> bool:
    if text[position : position + 2] == "./":  # the root's own dot
        position += 1
    return text[position : position + 1] == "/" and text[position + 1 : position + 2].strip() != ""


def _is_host(host: str, *, path: bool) -> bool:
    """Whether words with dots between them are a host, where no scheme says so."""
    *names, last = host.split(".")
    if not names:
        return False
    if host[:4].lower() == "www." and len(names) > 1:
        return True
    numbers = all(name.isdecimal() for name in names)
    if last.isdecimal():
        return path and numbers and len(names) == 3
    return _is_top_level(last.lower()) and (path or not _is_prose(host, names[-1], last, numbers))


def _is_top_level(label: str) -> bool:
    return label in TOP_LEVEL or drawn(label) in TOP_LEVEL or label[:4] == "xn--"


def _is_prose(host: str, before: str, last: str, numbers: bool) -> bool:
    """Whether it is rather a full stop without its space: "5.no", "10.am", "hoje.Com amor"."""
    if numbers and len(last) == 2:
        return True
    return last.istitle() and before[:1].islower() and _shared(host) is None


def drawn(host: str) -> str:
    """A host as it looks to a hurried reader: lower case, no accents, Latin letters throughout."""
    if "xn--" in host:
        host = ".".join(map(_decoded, host.split(".")))
    if host.isascii():
        return host.lower()
    apart = unicodedata.normalize("NFKD", host.casefold())
    return _MARKS.sub("", apart).translate(_LATIN)


def _decoded(label: str) -> str:
    try:
        return label[4:].encode("ascii").decode("punycode") if label[:4] == "xn--" else label
    except UnicodeError:
        return label


def _shared(host: str) -> str | None:
    labels = drawn(host).split(".")
    tails = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return next((tail for tail in tails if tail in SHORTENERS), None)
