"""The keys of `source: sql` in the config."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from connectors.setting_types import Seconds
from inboxwatch.connector import Secret, Settings

_LONGEST_LIMIT = 240.0
"""Seconds: a batch must come within 300."""
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\[\]\n]*\]|--[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
"""What holds no syntax: literals, quoted names, comments."""
_READS = re.compile(r"\(*\s*(?:SELECT|WITH)\b", re.IGNORECASE)


class SqlSettings(Settings):
    """A query whose columns are those of the CSV: `email`, `name`, `company`, `domain`, `owner`, `tier`, `status`,
    `aliases`, `country`, `language`, of which only `email` is required.

    `owner` is a person's address, alias or id. A column `id` or `key` is the record's own, which stays where the
    address changes. All other columns become attributes, but `changed_at`.
    """

    url: Secret
    """A URL of SQLAlchemy: `postgresql://reader@db.acme.test/crm`, `mysql://...`, `sqlite:///crm.db`."""
    query: str = Field(min_length=1)
    """One SELECT."""
    changed: str = ""
    """A condition on the query's columns with `:since`, such as `changed_at > :since`: between whole passes, once a
    day, it is asked for what has changed alone. The query must have a column `changed_at` then, of which `:since` is
    the greatest value that was seen (times less two minutes). Default: the whole list, each time."""
    every: Seconds = 300.0
    """How often it is asked."""
    time_limit: Seconds = Field(default=60.0, le=_LONGEST_LIMIT)
    """How long the query may take before the server is told to end it; at most 4m."""

    @field_validator("query")
    @classmethod
    def _is_one_select(cls, value: str) -> str:
        value = value.strip().rstrip(";").rstrip()
        if (why := not_one_select(value)) is not None:
            raise ValueError(why)
        return value

    @field_validator("changed")
    @classmethod
    def _has_since(cls, value: str) -> str:
        bare = _QUOTED.sub("", value)
        if value and not re.search(r"(?<![:\w]):since\b", bare):
            raise ValueError("must be a condition with `:since`, such as `changed_at > :since`")
        if ";" in bare or not _balanced(bare):
            raise ValueError("must be one condition")
        return value


def not_one_select(query: str) -> str | None:
    """Why a text is not one SELECT; None where it looks like one. The read-only transaction is what holds."""
    bare = _QUOTED.sub(" x ", query).strip()
    if not _READS.match(bare):
        return "must be one SELECT: it begins with something else"
    if ";" in bare:
        return "must be one SELECT: there is something behind a semicolon"
    if not _balanced(bare):
        return "must be one SELECT: its parentheses do not match"
    return None


def _balanced(text: str) -> bool:
    depth = 0
    for mark in text:
        depth += (mark == "(") - (mark == ")")
        if depth < 0:
            return False
    return depth == 0
