"""What went wrong with a database, in the words of the port."""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from connectors.error_text import one_line
from inboxwatch.connector import MailboxError, Reason

_GRANT = "let the login read: GRANT SELECT on what the query names"
_QUERY = "check `query` and `changed`"
_STATES = {
    "42P01": (Reason.CLIENT, _QUERY), "42703": (Reason.CLIENT, _QUERY), "42601": (Reason.CLIENT, _QUERY),
    "42501": (Reason.AUTH, _GRANT), "25006": (Reason.CLIENT, "the query must only read"),
    "28P01": (Reason.AUTH, "check the login in `url`"), "28000": (Reason.AUTH, "check the login in `url`"),
    "57014": (Reason.TIMEOUT, "an index, `changed`, or a smaller list"),
    "53300": (Reason.RATE_LIMITED, ""), "55P03": (Reason.UNAVAILABLE, ""),
}  # fmt: skip
"""By SQLSTATE, as PostgreSQL tells it (its manual, appendix A)."""
_NUMBERS = {
    1146: (Reason.CLIENT, _QUERY), 1054: (Reason.CLIENT, _QUERY), 1064: (Reason.CLIENT, _QUERY),
    1060: (Reason.CLIENT, "the query names a column twice"),
    1142: (Reason.AUTH, _GRANT), 1143: (Reason.AUTH, _GRANT), 1044: (Reason.AUTH, _GRANT), 1370: (Reason.AUTH, _GRANT),
    1045: (Reason.AUTH, "check the login in `url`"), 1698: (Reason.AUTH, "check the login in `url`"),
    1049: (Reason.CLIENT, "check the database's name in `url`"),
    1792: (Reason.CLIENT, "the query must only read"), 1290: (Reason.CLIENT, "the query must only read"),
    1969: (Reason.TIMEOUT, "an index, `changed`, or a smaller list"),
    3024: (Reason.TIMEOUT, "an index, `changed`, or a smaller list"), 1040: (Reason.RATE_LIMITED, ""),
}  # fmt: skip
"""By error number, as MariaDB and MySQL tell it."""
_SQLITE = {
    "no such table": (Reason.CLIENT, _QUERY), "no such column": (Reason.CLIENT, _QUERY),
    "syntax error": (Reason.CLIENT, _QUERY), "readonly database": (Reason.CLIENT, "the query must only read"),
    "unable to open": (Reason.UNAVAILABLE, "check the file, and who may read it"),
    "interrupted": (Reason.TIMEOUT, "an index, `changed`, or a smaller list"), "locked": (Reason.UNAVAILABLE, ""),
}  # fmt: skip


def failure(error: SQLAlchemyError) -> MailboxError:
    """The MailboxError for what SQLAlchemy raised."""
    told = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    reason, hint = _known(told) or _by_class(error)
    return MailboxError(reason, f"reading the database: {one_line(_words(told))}", hint=hint)


def _known(told: BaseException) -> tuple[Reason, str] | None:
    state = getattr(told, "sqlstate", None)
    if state in _STATES:
        return _STATES[state]
    number: Any = told.args[0] if told.args else None
    if isinstance(number, int) and number in _NUMBERS:
        return _NUMBERS[number]
    words = str(told)
    if "password authentication failed" in words or "no password supplied" in words:  # before there is a SQLSTATE
        return Reason.AUTH, "check the login in `url`"
    if type(told).__module__.startswith("sqlite3"):
        return next((what for sign, what in _SQLITE.items() if sign in words), None)
    return None


def _by_class(error: SQLAlchemyError) -> tuple[Reason, str]:
    if isinstance(error, OperationalError | InterfaceError):
        return Reason.UNAVAILABLE, "check address, network and server"
    if isinstance(error, DBAPIError):
        return Reason.CLIENT, _QUERY
    return Reason.CLIENT, "check `url`"


def _words(told: BaseException) -> str:
    """The server's own, without the statement and without the lines that quote it."""
    if told.args and isinstance(told.args[0], int) and len(told.args) > 1:
        return str(told.args[1])
    return str(told).split("\nLINE ")[0]
