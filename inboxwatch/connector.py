"""The port through which mail, leads and lists of our people enter: protocols, batches, errors, loading by entry point.

A mail connector has `poll` and `aclose`, optionally `wait` and `census`. It is read-only by type: no verb that could
write exists.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from importlib.metadata import entry_points
from typing import Any, ClassVar, NewType, Protocol, runtime_checkable

from inboxwatch.core.membership import Member
from inboxwatch.core.model import FolderRole, Lead, Privacy, RawMessage
from inboxwatch.hidden import hidden
from inboxwatch.settings import ConfigPath, Secret, Settings

__all__ = [
    "Batch",
    "ConfigPath",
    "Context",
    "Counts",
    "Cursor",
    "Expires",
    "LeadList",
    "LeadSource",
    "MailConnector",
    "MailboxError",
    "Member",
    "MemberList",
    "MemberSource",
    "Probe",
    "Quarantined",
    "Reading",
    "Reason",
    "Recovers",
    "Remarks",
    "Reread",
    "Rereads",
    "Row",
    "Secret",
    "Settings",
    "Waits",
    "load",
]

Cursor = NewType("Cursor", str)
"""A connector's position in its mailbox: opaque to everybody else, stored with the batch it follows."""


class Reason(StrEnum):
    """Why a mailbox could not be read; label values of `inboxwatch_mailbox_errors_total`."""

    AUTH = "auth"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    CLIENT = "client"
    SERVER = "server"
    PROTOCOL = "protocol"


class MailboxError(Exception):
    """A mailbox cannot be read now. The message carries the provider's own words, never a secret.

    `hint` tells the operator what to do; `retry_after` are the seconds the provider asked us to wait;
    `permanent` is true where trying again without a change of configuration is pointless.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        hint: str = "",
        retry_after: float | None = None,
        permanent: bool = False,
    ) -> None:
        super().__init__(hidden(message))
        self.reason = reason
        self.hint = hidden(hint)
        self.retry_after = retry_after
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A message that could not be read: kept by name and reason, so that the cursor can move on."""

    ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll step read, and the cursor that follows it. An empty batch still advances the cursor."""

    messages: tuple[RawMessage, ...]
    cursor: Cursor
    seen_until: datetime | None = None
    """Every folder had been read up to this instant (UTC); None while the poll has more to read."""
    quarantined: tuple[Quarantined, ...] = ()
    resynced: bool = False
    """True where the old cursor was refused and reading began again from the look-back horizon."""
    remaining: int | None = None
    """How many messages this poll still has to read, where the server tells; for progress."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a mailbox."""

    privacy: Privacy = Privacy.HEADERS
    since: datetime | None = None
    """The look-back horizon (UTC): nothing received before it is read at first sight or after a resync."""
    batch_size: int = 500


@dataclass(frozen=True, slots=True)
class Probe:
    """What `check` learns by a read-only login."""

    folders: Mapping[FolderRole, str] = field(default_factory=dict)
    """The folder found for each role, by its own name; none where it is no mailbox."""
    facts: tuple[tuple[str, str], ...] = ()
    """What the server told that an operator wants to see: (label, value)."""
    warnings: tuple[str, ...] = ()


class MailConnector(Protocol):
    """One mailbox. All methods raise MailboxError; anything else is our own defect."""

    settings: ClassVar[type[Settings]]
    """The model of the connector's own keys in the config."""

    def __init__(self, settings: Any, context: Context) -> None:
        """Does no IO: sessions are opened by the first poll, wait or probe."""
        ...

    def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """Reads all that came after `cursor` (None: since the look-back horizon), oldest first, in batches.

        History is cut by time over all folders: no message of a batch was received before one of an earlier batch.
        The last batch has `seen_until`. The connector keeps no position of its own: the caller stores each batch's
        cursor together with its messages and may come back with any cursor it was ever given.

        Each batch may be asked for in a task of its own, within a time limit of its own: so what belongs to one task
        (`asyncio.timeout`, a TaskGroup, an anyio cancel scope, a context variable) must not reach across a `yield`.
        Within 300 s a batch must come, or MailboxError: one that would wait longer for a quota is RATE_LIMITED.
        """
        ...

    async def probe(self) -> Probe:
        """Logs in read-only and finds the folders."""
        ...

    async def aclose(self) -> None:
        """Ends all sessions; safe to call twice."""
        ...


@runtime_checkable
class Waits(Protocol):
    """A connector that can be told of new mail. A hint only: the poll is the truth."""

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109  (a protocol: each connector bounds its own wait)
        """Returns True at news, False after `timeout` seconds; raises MailboxError where the connection died."""
        ...


@runtime_checkable
class Counts(Protocol):
    """A connector that can list every Message-ID on the server, for the completeness census."""

    def census(self, since: datetime) -> AsyncIterator[tuple[str, str]]:
        """Yields (ref, Message-ID without brackets) of every message received since then, in all watched folders.

        As with `poll`, each step may run in a task of its own; 200 messages must come within 300 s.
        """
        ...


@runtime_checkable
class Recovers(Protocol):
    """A connector that can read single messages again, by the refs that its census gave."""

    async def recover(self, refs: Sequence[str]) -> tuple[RawMessage, ...]:
        """Those of the messages that are still there."""
        ...


@dataclass(frozen=True, slots=True)
class Reread:
    """What became of messages that were to be read again; a ref in neither is gone from the server."""

    messages: tuple[RawMessage, ...]
    unreadable: tuple[Quarantined, ...] = ()


@runtime_checkable
class Rereads(Protocol):
    """A connector that can read single messages again, by any ref it ever gave, and tell what stays unreadable.

    What was set aside is tried again through it; where it is missing, through Recovers.
    """

    async def reread(self, refs: Sequence[str]) -> Reread:
        """Within 300 s. A message that makes reading fail is `unreadable`; what is raised is the mailbox's failure."""
        ...


@runtime_checkable
class Remarks(Protocol):
    """A connector that may have to leave out a part of its mailbox, such as a folder that is refused to it."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is left out, in a sentence each, as of the last poll; for operators. No IO."""
        ...


@runtime_checkable
class Expires(Protocol):
    """A connector or directory whose right to read ends some day: a token, a client secret, a certificate.

    IT is told in time.
    """

    @property
    def expires_at(self) -> datetime | None:
        """When it ends (UTC), as far as the connector knows; None: unknown, or never. No IO."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """A lead as its source gives it, with the place it stands at (`leads.csv:17`)."""

    lead: Lead
    place: str
    key: str = ""
    """The record's own id in its source, which stays where the address changes; empty: the address is the key."""
    owner: str = ""
    """Whom the source names, where it does not know our people's ids: by address or alias, mapped by the engine. Empty:
    nobody, or `lead.owner`."""


@dataclass(frozen=True, slots=True)
class LeadList:
    """All leads of one source; `version` changes when the source does."""

    rows: tuple[Row, ...]
    version: str
    refused: tuple[tuple[str, str], ...] = ()
    """(place, reason) of rows that cannot be used."""


class LeadSource(Protocol):
    """A list of known buyers."""

    settings: ClassVar[type[Settings]]

    def __init__(self, settings: Any, context: Context) -> None: ...

    async def read(self, version: str | None) -> LeadList | None:
        """The whole list, or None where it has not changed since `version`."""
        ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class MemberList:
    """Everybody whom a directory lists now, each once."""

    members: tuple[Member, ...]
    refused: tuple[tuple[str, str], ...] = ()
    """(place, reason) of entries that cannot be used."""
    facts: tuple[tuple[str, str], ...] = ()
    """As of a Probe."""
    warnings: tuple[str, ...] = ()
    """As of a Probe."""


class MemberSource(Protocol):
    """A directory of our people: a file, a group, an organisational unit.

    Where the members' mailboxes are read by the connector of the source's own name, or by the one that a class
    attribute `connector` names, settings that the directory does not give are taken from theirs.
    """

    settings: ClassVar[type[Settings]]

    def __init__(self, settings: Any, context: Context) -> None: ...

    async def read(self) -> MemberList:
        """The whole list, or MailboxError: a part of it never stands for the whole."""
        ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a connector is given beside its own settings."""

    name: str
    """The mailbox's, source's or directory's key in the config."""
    address: str
    """The mailbox's address; empty for lead sources and directories."""
    reading: Reading = field(default_factory=Reading)


def load(group: str, name: str) -> Any:
    """The connector registered under `name` in the entry-point group `inboxwatch.<group>`.

    It is a class with `settings` and a constructor, as in MailConnector, LeadSource and MemberSource.
    Raises LookupError that names the connectors that exist.
    """
    found = {point.name: point for point in entry_points(group=f"inboxwatch.{group}")}
    if name not in found:
        raise LookupError(f"unknown connector {name!r}; known are {', '.join(sorted(found)) or 'none'}")
    return found[name].load()
