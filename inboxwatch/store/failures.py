"""How the store fails: the only place that knows the driver's errors."""

from __future__ import annotations

from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.exc import OperationalError

from inboxwatch.hidden import hidden


class Outage(Exception):  # noqa: N818  (the word of the field)
    """The database is away, busy or full, or two workers met: nothing was written, and the same work may succeed later.

    Its text is the driver's, for people.
    """

    passing = True
    """False where waiting mends nothing: a refused login, a database that is not there."""

    def __init__(self, text: str) -> None:
        super().__init__(hidden(" ".join(text.split())))  # drivers break lines, and a terminal shows one


class Conflict(Outage):
    """Two workers met on the same rows: the database is well, and the work only has to be done again."""


class StoreError(Exception):
    """The store cannot be opened; the message says what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(hidden(" ".join(text.split())))  # drivers break lines, and a terminal shows one


class StoreMissingError(StoreError):
    """The store, or this version's tables in it, will be made by the next start."""


class StoreAwayError(StoreError):
    """The store's server does not answer now; it may later."""


def name_outages(engine: Engine) -> None:
    """From now on the engine raises Outage where its driver raises an operational error, connecting and committing too.

    Other errors of the driver (a defect of ours: a constraint, a statement) stay as they are.
    """
    event.listen(engine, "handle_error", _named)


def _named(context: ExceptionContext) -> BaseException | None:
    # A ping before use is no work yet: SQLAlchemy connects anew by itself.
    if context.is_pre_ping or not isinstance(context.sqlalchemy_exception, OperationalError):
        return None
    cause = context.original_exception
    if getattr(cause, "sqlstate", None) in _CONFLICTS:
        return Conflict(str(cause))
    outage = Outage(str(cause))
    outage.passing = "FATAL:" not in str(cause) or any(word in str(cause) for word in _STARTING)
    return outage


_CONFLICTS = frozenset({"40001", "40P01"})
"""Of PostgreSQL: serialization_failure, deadlock_detected."""
_STARTING = ("starting up", "shutting down", "in recovery mode", "too many", "terminating connection")
"""What PostgreSQL says of refusals that pass."""
