"""What is noted once for later, one value a mark: each kind of mark with its own type of value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import Connection, Select, delete, select

from inboxwatch.store import tables
from inboxwatch.store.upsert import upsert

_meta = tables.meta
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class StoredMark(ABC, Generic[V]):
    """One noted value; of a kind of which there is one only, the name is empty."""

    name: str = ""
    kind: ClassVar[str]
    """Begins the stored key."""

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.name}"

    @classmethod
    @abstractmethod
    def written(cls, value: V) -> str:
        """A value as it is stored."""

    @classmethod
    @abstractmethod
    def read(cls, text: str) -> V:
        """The reverse of `written`."""


class _InstantMark(StoredMark[datetime]):
    __slots__ = ()

    @classmethod
    def written(cls, value: datetime) -> str:
        return value.isoformat()

    @classmethod
    def read(cls, text: str) -> datetime:
        return datetime.fromisoformat(text)


class _InstantsMark(StoredMark[tuple[datetime, ...]]):
    __slots__ = ()

    @classmethod
    def written(cls, value: tuple[datetime, ...]) -> str:
        return " ".join(at.isoformat() for at in value)

    @classmethod
    def read(cls, text: str) -> tuple[datetime, ...]:
        return tuple(map(datetime.fromisoformat, text.split()))


class AlarmMark(StoredMark[datetime | None]):
    """Since when a condition (its name) has been wrong; None where it is right again."""

    __slots__ = ()
    kind = "alarm"

    @classmethod
    def written(cls, value: datetime | None) -> str:
        return value.isoformat() if value is not None else ""

    @classmethod
    def read(cls, text: str) -> datetime | None:
        return datetime.fromisoformat(text) if text else None


class ServerDownMark(AlarmMark):
    """Since when IT knows that a mail server (its name) does not answer; None where it does."""

    __slots__ = ()
    kind = "server-down"


class ResyncsMark(_InstantsMark):
    """When a mailbox (its name) had to be read anew of late, oldest first."""

    __slots__ = ()
    kind = "resyncs"


class HeldUntilMark(_InstantMark):
    """When a mailbox (its name) that its provider holds back is tried next."""

    __slots__ = ()
    kind = "held-until"


class DigestsBeganMark(_InstantMark):
    """When daily digests were first looked for: what opened before is no news."""

    __slots__ = ()
    kind = "daily"


class DigestMark(StoredMark[date]):
    """The last day whose digest was decided for a subject (its name): owed, or nothing to tell."""

    __slots__ = ()
    kind = "daily"

    @classmethod
    def written(cls, value: date) -> str:
        return value.isoformat()

    @classmethod
    def read(cls, text: str) -> date:
        return date.fromisoformat(text)


class ReportMark(DigestMark):
    """The end (the first day after it) of the last period whose report by mail (its name) was decided."""

    __slots__ = ()
    kind = "report"


class _TextMark(StoredMark[str]):
    __slots__ = ()

    @classmethod
    def written(cls, value: str) -> str:
        return value

    @classmethod
    def read(cls, text: str) -> str:
        return text


class LeadOrderMark(_TextMark):
    """In which order the sources of leads go before each other, as the leads were made last."""

    __slots__ = ()
    kind = "lead-order"


class ThreadsAgainMark(_TextMark):
    """The thread up to which those of older versions were placed again; while there is one, some are left."""

    __slots__ = ()
    kind = "threads-again"


class StartsMark(_InstantsMark):
    """When daemons began on a host (its name) that have not ended cleanly, oldest first."""

    __slots__ = ()
    kind = "starts"


class DefectMark(_TextMark):
    """Where the last daemon of a host (its name) failed; empty where it ended cleanly."""

    __slots__ = ()
    kind = "defect"


class ConfigMark(_TextMark):
    """What the config says that a daemon took over last, as JSON, without secrets."""

    __slots__ = ()
    kind = "config"


class ProbeMark(_InstantMark):
    """When the store was last found to take a write again."""

    __slots__ = ()
    kind = "probe"


class RunningMark(_InstantMark):
    """When a daemon last was at work on the store, by its clock; a minute old at most while it is."""

    __slots__ = ()
    kind = "running"


class BelievedMark(_InstantsMark):
    """Two instants: by what time the age of what is erased is counted, and the time of day when that was noted."""

    __slots__ = ()
    kind = "believed"


class ExpiredMark(_InstantMark):
    """When all that is too old to be kept was last found to be erased."""

    __slots__ = ()
    kind = "expired"


class FilteredMark(_InstantMark):
    """When all filtered strangers that are due were last found to be forgotten."""

    __slots__ = ()
    kind = "filtered"


class Marks:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, mark: StoredMark[V]) -> V | None:
        """The value noted under a mark; None where nothing is."""
        text = self._connection.execute(select(_meta.c.value).where(_meta.c.key == mark.key)).scalar()
        return None if text is None else mark.read(text)

    def set(self, mark: StoredMark[V], value: V) -> None:
        upsert(self._connection, _meta, [{"key": mark.key, "value": mark.written(value)}], ["value"])

    def drop(self, mark: StoredMark[V]) -> None:
        self._connection.execute(delete(_meta).where(_meta.c.key == mark.key))

    def all(self, kind: type[StoredMark[V]]) -> dict[str, V]:
        """Every value of a kind of mark, by name."""
        start = f"{kind.kind}/"
        found = ((key.removeprefix(start), text) for key, text in self._connection.execute(_that_begin(start)))
        return {name: kind.read(text) for name, text in found if name}


@cache
def _that_begin(start: str) -> Select[Any]:
    """The keys and values of a kind of mark."""
    return select(_meta.c.key, _meta.c.value).where(_meta.c.key.startswith(start, autoescape=True))
