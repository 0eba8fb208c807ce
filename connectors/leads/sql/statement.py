"""The one statement that is sent: the operator's query as a table, which nothing but a SELECT can be."""

from __future__ import annotations

import re


def derived(query: str) -> str:
    """A query as what another selects from: there databases take no INTO, no second statement, no data-changing WITH.

    Colons are literal. The line ends let a comment at its end be one.
    """
    return f"(\n{query.replace(':', chr(92) + ':')}\n) leads_read"


def condition(changed: str) -> str:
    """A condition of the operator's, in which `:since` alone is a parameter."""
    return "(" + re.sub(r"(?<![:\w]):since\b|:", lambda mark: mark[0] if len(mark[0]) > 1 else r"\:", changed) + "\n)"
