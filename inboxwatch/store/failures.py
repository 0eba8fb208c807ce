"""How the store fails: the only place that knows the driver's errors."""

from __future__ import annotations

from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.exc import OperationalError


class Outage(Exception):  # noqa: N818  (the word of the field)
    """The database is away, busy or full, or two workers met: nothing was written, and the same work may succeed later.

    Its text is the driver's, for people.
    """


class StoreError(Exception):
    """The store cannot be opened; the message says what to do."""


def name_outages(engine: Engine) -> None:
    """From now on the engine raises Outage where its driver raises an operational error, connecting and committing too.

    Other errors of the driver (a defect of ours: a constraint, a statement) stay as they are.
    """
    event.listen(engine, "handle_error", _named)


def _named(context: ExceptionContext) -> BaseException | None:
    # A ping before use is no work yet: SQLAlchemy connects anew by itself.
    if context.is_pre_ping or not isinstance(context.sqlalchemy_exception, OperationalError):
        return None
    return Outage(str(context.original_exception))
