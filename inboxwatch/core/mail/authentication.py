"""What our own servers wrote on a message about its sender: Authentication-Results (RFC 8601) and Received (RFC 5321).

Whoever sends a message can write any header below those of the servers that took it in. So only our own server's stamp
is read, the topmost one, and Received lines only as far down as our own servers wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from inboxwatch.core.domain_names import folded_domain
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.model import Message
from inboxwatch.core.proof import Standing

MAX_HOP = 1000
"""Characters of a Received line that are looked at."""
MAX_RESULTS = 50
MAX_NESTED = 10
MAX_SHOWN = 100
"""Characters of a stranger's domain that are told."""

_ASIDE = re.compile(r"\"(?:[^\"\\]|\\.)*\"?|\((?:[^()\\]|\\.)*\)")
"""A quoted string or a comment: a sender may have put results of his own into either."""
_RESULT = re.compile(r"^\s*([a-z0-9-]+)(?:\s*/\s*\d+)?\s*=\s*([a-z]+)", re.IGNORECASE)
_PROPERTY = re.compile(
    r"\b(smtp\.mailfrom|smtp\.helo|header\.d|header\.i|header\.from)\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE
)
_PEER = re.compile(r"\(\s*([\w.-]+?)\.?\s+\[(?:IPv6:)?[0-9a-f.:]+\]", re.IGNORECASE)
_ADDRESS = re.compile(r"\[(?:IPv6:)?([0-9a-f.:]+)", re.IGNORECASE)
_WITH = re.compile(r"\swith\s+([a-z]+)", re.IGNORECASE)
_INSIDE = tuple(
    map(
        ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128", "fc00::/7", "fe80::/10")
    )
)
_ABOUT = {"dmarc": ("header.from",), "dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom", "smtp.helo")}
"""Which properties name whom a result is about."""
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "ac", "gov", "edu"})
_BAD = frozenset({"fail", "hardfail", "softfail"})
_GOOD = frozenset({"pass", "bestguesspass"})


@dataclass(frozen=True, slots=True)
class Hop:
    """One Received line."""

    by: str
    """The host that wrote it, lower case."""
    protocol: str
    """Upper case: ESMTPSA, LMTP, ...; empty where it is not told."""
    peer: str
    """The name of the other side that its address was found to have, lower case; never what it called itself."""
    address: str
    """The other side's IP address, or nothing."""
    text: str


def hop(line: str) -> Hop:
    """Reads a Received line of any server. What the other side called itself may imitate every part of one."""
    text = line[:MAX_HOP].partition(" for <")[0]
    before, _, after = f" {text}".rpartition(" by ")
    addresses = [one.lower() for one in _ADDRESS.findall(before)]
    peers = [] if "may be forged" in text else _PEER.findall(before)
    protocol = _WITH.search(after)
    return Hop(
        by=after.split(maxsplit=1)[0].lower().strip("();.") if after.strip() else "",
        protocol=protocol[1].upper() if protocol else "",
        peer=peers[-1].lower() if peers else "",
        address=next((one for one in addresses if not _is_inside(one)), addresses[0] if addresses else ""),
        text=text,
    )


def sent_by(message: Message, us: Us) -> tuple[Standing, str]:
    """Who really sent a message by what our own servers wrote on it, and what tells so."""
    hops = list(_own_hops(message.hops, us))
    if why := _submitted(message, hops, us):
        return Standing.VERIFIED, why
    stamp = _own_stamp(message.stamps, us, hops)
    if stamp is not None:
        standing, why = _read(*stamp, message.sender.domain, us)
        if standing is not Standing.UNKNOWN:
            return standing, why
    if why := _from_inside(message.hops, hops, us):
        return Standing.VERIFIED, why
    if stamp is None and us.authserv_ids and hops and _outside(hops[-1], us):
        return Standing.FOREIGN, f"from outside, without the stamp of {', '.join(sorted(us.authserv_ids))}"
    return Standing.UNKNOWN, ""


class Stamps(NamedTuple):
    """The names under which a message was stamped."""

    own: str
    """Of our own server; empty where it did not."""
    top: str
    """Of the topmost stamp, whosever it is."""

    @classmethod
    def of(cls, message: Message, us: Us) -> Stamps:
        own = _own_stamp(message.stamps, us, list(_own_hops(message.hops, us)))
        return cls(own[0] if own else "", _name(message.stamps[0]) if message.stamps else "")


def _own_hops(lines: Sequence[str], us: Us) -> Iterator[Hop]:
    """The Received lines that our own servers wrote: the topmost, and each below one that came from inside."""
    for line in lines:
        found = hop(line)
        yield found
        inside = not found.address and " from " not in f" {found.text}"
        if not (inside or _is_inside(found.address) or us.is_own_host(found.peer)):
            return


def _submitted(message: Message, hops: Sequence[Hop], us: Us) -> str:
    """Whether one of us gave it to our own server after a login."""
    for one in hops:
        if one.protocol in ("ESMTPA", "ESMTPSA", "UTF8SMTPA", "UTF8SMTPSA") and us.is_own_host(one.by):
            return f"sent by login at {one.by}"
    internal = (message.mark("x-ms-exchange-organization-authas") or "").strip().lower() == "internal"
    if internal and hops and _is_exchange(hops[0]):
        # Exchange takes this header off what comes from outside.
        return "sent inside our Exchange"
    return ""


def _from_inside(lines: Sequence[str], hops: Sequence[Hop], us: Us) -> str:
    """Whether the way of it begins at a server or a machine of ours."""
    for one in hops:
        if us.is_own_host(one.peer):
            return f"received from {one.peer}"
    if hops and len(hops) == len(lines) and _is_inside(hops[-1].address):
        return f"received from inside by {hops[-1].by or 'our server'}"
    return ""


def _outside(last: Hop, us: Us) -> bool:
    return bool(last.address) and not _is_inside(last.address) and not us.is_own_host(last.peer)


@lru_cache(maxsize=1024)
def _is_inside(address: str) -> bool:
    if not address:
        return False
    try:
        known = ip_address(address)
    except ValueError:
        return False
    return any(known in network for network in _INSIDE)


def _is_exchange(top: Hop) -> bool:
    return "Microsoft SMTP Server" in top.text or " with mapi" in top.text or top.by.endswith(".outlook.com")


def _own_stamp(stamps: Sequence[str], us: Us, hops: Sequence[Hop]) -> tuple[str, list[str]] | None:
    """(name, results) of the topmost stamp of our own server, and of those of the same name right below it."""
    for place, stamp in enumerate(stamps):
        name = _name(stamp)
        if not _is_own(name, us, hops):
            continue
        found = [stamp]
        for other in stamps[place + 1 :]:
            if _name(other) != name:
                break
            found.append(other)
        return name or hops[0].by, found
    return None


def _plain(stamp: str) -> str:
    """A stamp without quoted strings and comments, which may be nested; what is never closed is cut off."""
    for _ in range(MAX_NESTED):
        plain = _ASIDE.sub(" ", stamp)
        if plain == stamp:
            break
        stamp = plain
    return stamp.partition("(")[0]


def _name(stamp: str) -> str:
    """The authserv-id, lower case; empty where there is none, as Microsoft 365 writes it."""
    first = _plain(stamp).partition(";")[0].split()
    return "" if not first or "=" in first[0] else first[0].lower().rstrip(".")


def _is_own(name: str, us: Us, hops: Sequence[Hop]) -> bool:
    """Whether a server of that name is ours: by the config, else by our domains or by the server that took it in."""
    if us.authserv_ids:
        return name in us.authserv_ids
    if not name:
        return bool(hops) and _is_exchange(hops[0])
    return us.is_own_host(name) or any(_site(one.by) == _site(name) for one in hops)


def _site(host: str) -> str:
    """The part of a host name that one house has: `google.com` of `mx.google.com`."""
    labels = host.split(".")
    long = len(labels) > 2 and labels[-2] in _SECOND_LEVEL and len(labels[-1]) == 2
    return ".".join(labels[-3 if long else -2 :])


def _read(name: str, stamps: Sequence[str], domain: str, us: Us) -> tuple[Standing, str]:
    """What the stamps of our own server say about a sender's domain: the topmost one that says anything."""
    for stamp in stamps:
        standing, why = _verdict(stamp, folded_domain(domain), us)
        if standing is not Standing.UNKNOWN:
            return standing, f"{why} by {name[:MAX_SHOWN]}"
    return Standing.UNKNOWN, ""


def _verdict(stamp: str, domain: str, us: Us) -> tuple[Standing, str]:
    """What one stamp says; a DMARC result stands above those of SPF and DKIM, a failure above a pass."""
    bad = foreign = passed = ""
    results = _results(stamp)
    dmarc = [(result, names) for method, result, names in results if method == "dmarc"]
    if failed := next((result for result, _ in dmarc if result in _BAD), ""):
        return Standing.FAILED, f"dmarc={failed}"
    if any(result in _GOOD and all(_aligned(one, domain, us) for one in names) for result, names in dmarc):
        return Standing.VERIFIED, "dmarc=pass"
    for method, result, names in results:
        if method not in ("spf", "dkim"):
            continue
        if result in _GOOD:
            if any(_aligned(one, domain, us) for one in names):
                passed = passed or f"{method}={result}"
            else:
                foreign = foreign or f"{method}={result} of {', '.join(names)[:MAX_SHOWN] or 'nobody'}"
        elif result in _BAD:
            bad = bad or f"{method}={result}"
    if passed:
        return Standing.VERIFIED, passed
    if bad:
        return Standing.FAILED, bad
    return (Standing.FOREIGN, foreign) if foreign else (Standing.UNKNOWN, "")


def _results(stamp: str) -> list[tuple[str, str, list[str]]]:
    """(method, result, domains it is about) of a stamp, DMARC first."""
    found = []
    for piece in _plain(stamp).split(";")[:MAX_RESULTS]:
        if result := _RESULT.match(piece):
            method = result[1].lower()
            told = {name.lower(): value for name, value in _PROPERTY.findall(piece)}
            values = [told[name] for name in _ABOUT.get(method, ()) if name in told]
            # What it called itself tells of the host only, and where no sender is given.
            values = values[:1] if method == "spf" else values
            found.append((method, result[2].lower(), [one.rpartition("@")[2].lower().strip("<>") for one in values]))
    return sorted(found, key=lambda one: one[0] != "dmarc")


def _aligned(one: str, domain: str, us: Us) -> bool:
    """Whether a domain that was verified stands for the sender's: equal, or one below the other (RFC 7489, relaxed)."""
    one = folded_domain(one)
    if not one or not domain or "." not in one:
        return False
    if us.is_own_host(one) and us.is_own_host(domain):
        return True
    return one == domain or one.endswith(f".{domain}") or domain.endswith(f".{one}")
