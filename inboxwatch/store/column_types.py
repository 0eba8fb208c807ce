"""Types of columns: instants in UTC, text that strangers wrote, as every database takes it, and short forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, SmallInteger, Text, TypeDecorator
from sqlalchemy.types import TypeEngine


def _text_in_utc(value: datetime | None) -> str | None:
    """SQLAlchemy's own format for SQLite, written by one call: a message has four, a clock nine."""
    if value is None:
        return None
    if value.tzinfo is not UTC:
        value = _in_utc(value)
    return value.isoformat(" ", "microseconds")[:26]


def _read_in_utc(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(f"{value}+00:00")


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a naive datetime has no place in the store")
    return value.astimezone(UTC)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class UTCDateTime(TypeDecorator[datetime]):
    """An instant. SQLite drops zones, so values are turned to UTC on the way in and marked UTC on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        return _text_in_utc if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        return _read_in_utc if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value if value is None or value.tzinfo is UTC else _in_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value if value is None or value.tzinfo is UTC else value.astimezone(UTC)


class Millis(TypeDecorator[datetime]):
    """An instant as milliseconds since 1970: a quarter of the space, where there is a row for each mail of a house."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // _MILLISECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MILLISECOND


class Numbered(TypeDecorator[str]):
    """One of a few words, as the number of its place among them: a new one goes to the end, and none ever leaves."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        return None if value is None else self.words.index(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> str | None:
        return None if value is None else self.words[value]


def storable(words: str) -> str:
    """Text as `Words` keeps it: no database takes NUL and lone surrogates, so they are replaced."""
    if words.isascii() and "\0" not in words:
        return words
    return words.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def as_storable(words: str | None) -> str | None:
    """The same where there may be no text."""
    if words is None or (words.isascii() and "\0" not in words):
        return words
    return storable(words)


def all_storable(words: Iterable[str | None]) -> bool:
    """Whether `as_storable` leaves all of them as they are: by a look at them together, at a tenth of the cost."""
    together = "".join(filter(None, words))
    return together.isascii() and "\0" not in together


class Words(TypeDecorator[str]):
    """Text that strangers wrote, made storable."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        return as_storable  # a message has fifteen

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return as_storable(value)


class Ordered(Words):
    """Such text in the order of its code points, as Python has it, whatever the locale of the database."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        return dialect.type_descriptor(Text(collation="C") if dialect.name == "postgresql" else Text())
