"""One spelling for a domain that has two: `bücher.test` and `xn--bcher-kva.test` (RFC 5890)."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=4096)
def folded_domain(domain: str) -> str:
    """A domain in lower case, its labels of other letters written as A-labels; what cannot be written so stays."""
    domain = domain.lower()
    if domain.isascii():
        return domain
    plain = unicodedata.normalize("NFKC", domain).lower().replace("。", ".")
    try:
        return ".".join(
            label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"
            for label in plain.split(".")
        )
    except UnicodeError:
        return domain


def folded_address(email: str) -> str:
    """An address in lower case with its domain folded."""
    email = email.lower()
    if email.isascii():
        return email
    local, at, domain = email.rpartition("@")
    return f"{local}{at}{folded_domain(domain)}" if at else email
