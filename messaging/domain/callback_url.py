"""May we post to this URL, and to these addresses behind its name?

A tenant chooses the URL and our servers connect to it, so without a guard it could lead into our own
network (server-side request forgery). The URL has to be plain enough that nobody who reads it can see
another host in it than we do. Of the addresses behind its name every single one has to be a public
one: a list of what is not public is kept here, from the IANA special-purpose registries, with every
IPv6 form that carries an IPv4 address.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST = 2_048
_PORTS = {"https": 443, "http": 80}
_OPEN_PORTS = frozenset({443, 8443})
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    # RFC 3986's characters of a path and a query, and none that some reader takes for another.
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?"
    r"(?P<query>\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_NOT_PUBLIC: tuple[Network, ...] = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carriers' NAT; also metadata at Alibaba
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's host, at a public address
            "169.254.0.0/16",  # link-local; metadata of most clouds
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments; metadata at Oracle
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
            # Within 2000::/3; everything outside it is refused below.
            "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: an IPv4 address inside
            "3fff::/20",  # documentation
        ),
    )
)
# NAT64 (64:ff9b::/96, 64:ff9b:1::/48), mapped and compatible IPv4, loopback, unique local, link- and
# site-local and multicast addresses are all outside.
_UNICAST = IPv6Network("2000::/3")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that can be read in one way only."""

    scheme: str
    host: str
    """In small letters; an IPv6 address without brackets."""
    port: int
    path: str
    """With its query."""

    @property
    def netloc(self) -> str:
        """Host and port, as a URL has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL, written anew from what was read."""
        return f"{self.scheme}://{self.netloc}{self.path}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing is posted there; `detail` says what to do and never repeats the URL."""

    code: str
    detail: str


_UNREADABLE = Refusal(
    "not_a_url",
    "must be a plain URL such as https://hooks.example.com/posthorn: a host in ASCII (xn--... for "
    "other letters), no spaces, no fragment",
)


def read(url: str) -> Target | Refusal:
    """A callback URL, taken apart; or why it is none."""
    if len(url) > LONGEST:
        return Refusal("too_long", f"must be at most {LONGEST} characters long")
    match = _URL.fullmatch(url)
    if match is None:
        before_path = url.partition("://")[2].partition("/")[0]
        if "@" in before_path:
            return Refusal("user_in_url", "must name no user and no password; requests are signed")
        return _UNREADABLE
    host = match["host"].lower().strip("[]")
    port = int(match["port"] or _PORTS[match["scheme"]])
    if not _is_host(host, literal=match["host"].startswith("[")) or not 0 < port < 65_536:
        return _UNREADABLE
    return Target(match["scheme"], host, port, (match["path"] or "/") + (match["query"] or ""))


def _is_host(host: str, *, literal: bool) -> bool:
    labels = host.split(".")
    # Some readers take 2130706433, 0x7f.1 and 0177.0.0.1 for addresses; ours must look like one.
    if literal or _NUMBER.fullmatch(labels[-1]):
        try:
            return (ip_address(host).version == 6) == literal
        except ValueError:
            return False
    return len(host) <= 253 and all(map(_LABEL.fullmatch, labels))


def is_public(address: Address) -> bool:
    """Whether an address is one of the open Internet, and nothing else."""
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return not _within(address, _NOT_PUBLIC)


def _within(address: Address, networks: Collection[Network]) -> bool:
    return any(address.version == n.version and address in n for n in networks)


def refusal(
    target: Target, addresses: Sequence[Address], networks: Collection[Network]
) -> Refusal | None:
    """Why nothing is posted to `target`, whose name has these addresses; None if it may be.

    `networks` are ours to post to although they are not public; there http and any port will do.
    """
    if not addresses:
        return Refusal("unknown_host", "its host name was not found; check it, or try again later")
    if all(_within(address, networks) for address in addresses):
        return None
    if not all(is_public(a) or _within(a, networks) for a in addresses):
        return Refusal(
            "not_public",
            "its host must have public addresses only; where a private network is meant, whoever "
            "runs Posthorn adds it to POSTHORN_CALLBACK_NETWORKS",
        )
    if target.scheme != "https":
        return Refusal("not_https", "must begin with https://")
    if target.port not in _OPEN_PORTS:
        return Refusal("port_not_allowed", "must use port 443 or 8443")
    return None
