"""What records of Salesforce mean: leads, who goes on in their place, calls, meetings, outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.leads.lead_columns import STATUSES, domain_of, feed_row, plain
from connectors.leads.salesforce.queries import Questions, RecordStream
from inboxwatch.connector import Cursor, Row
from inboxwatch.lead_feed import LeadBatch, LeadOutcome, LoggedActivity

Record = Mapping[str, Any]
_DAY = timedelta(days=1)
INACTIVE = " (inactive)"
"""Behind the address of a user who left: nobody of ours."""


@dataclass(slots=True)
class BatchContent:
    """What was read for one batch."""

    rows: dict[str, Row] = field(default_factory=dict)
    """By key: of a record that was read twice, the later reading counts."""
    gone: dict[str, None] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    activities: list[LoggedActivity] = field(default_factory=list)
    outcomes: list[LeadOutcome] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        people = len(self.rows) + len(self.gone) + len(self.merged) + len(self.present)
        return people + len(self.activities) + len(self.outcomes) + len(self.dropped)

    def batch(self, cursor: Cursor, facts: tuple[tuple[str, str], ...], *, begins: bool, whole: bool) -> LeadBatch:
        """All of it, as the port has it."""
        return LeadBatch(
            cursor,
            rows=tuple(self.rows.values()),
            gone=tuple(self.gone),
            merged=tuple(self.merged.items()),
            activities=tuple(self.activities),
            outcomes=tuple(self.outcomes),
            dropped_outcomes=tuple(self.dropped),
            present=tuple(self.present),
            begins=begins,
            whole=whole,
            refused=tuple(self.refused),
            facts=facts,
        )

    def lose(self, key: str) -> None:
        """The record is no lead any more."""
        self.rows.pop(key, None)
        self.gone[key] = None


@dataclass(frozen=True, slots=True)
class RecordReader:
    """Reads records with what is known around them."""

    asked: Questions
    source: str
    """Its name in the config."""
    owners: Mapping[str, str]
    """Addresses of users by Id, with ` (inactive)` behind those of who left. Queues (`00G...`) are none of them."""

    def take(self, found: BatchContent, stream: RecordStream, records: Sequence[Record]) -> None:
        """Adds what a page of a stream says."""
        for record in records:
            match stream.sobject:
                case "Lead" | "Contact":
                    self.person(found, stream.sobject, record)
                case "OpportunityContactRole":
                    found.outcomes += _outcomes(record)
                case "Opportunity":
                    found.dropped.append(str(record["Id"]))
                case "Task":
                    self._activity(found, record, "call", value(record, "CompletedDateTime", "CreatedDate"))
                case _:
                    self._activity(found, record, "meeting", value(record, "StartDateTime", "EndDateTime"))

    def person(self, found: BatchContent, sobject: str, record: Record) -> None:
        """Adds what one lead or contact says: a row, or who goes on in its place, or that it is gone."""
        key = str(record["Id"])
        into = self._goes_on(record)
        if into and into != key:
            found.rows.pop(key, None)
            found.merged[key] = into
            found.outcomes += _conversion(record, into)
            return
        if record.get("IsDeleted") or record.get("IsConverted"):
            found.lose(key)
            return
        place = f"{sobject} {key}"
        given = self._columns(sobject, record)
        if not given.get("email"):
            found.lose(key)
            return
        try:
            row = feed_row(given, self.source, key, place)
        except ValueError as error:
            found.refused.append((place, str(error)))
            found.lose(key)
            return
        found.gone.pop(key, None)
        found.merged.pop(key, None)
        found.rows[key] = row

    def _goes_on(self, record: Record) -> str:
        """The key of the record in whose place this one stood: after a merge, or a conversion into a contact."""
        if record.get("IsConverted"):
            return str(record.get("ConvertedContactId") or "") if "Contact" in self.asked.passes else ""
        return str(record.get("MasterRecordId") or "") if record.get("IsDeleted") else ""

    def _columns(self, sobject: str, record: Record) -> dict[str, str]:
        given = {column: plain(value(record, path)) for column, path in self.asked.columns[sobject].items()}
        given["domain"] = domain_of(given.get("domain", ""))
        given["tier"] = given.get("tier", "").lower()
        if given.get("status", "").lower() not in STATUSES:
            given.pop("status", None)  # a stage of theirs
        if "owner" not in self.asked.columns[sobject]:
            given["owner"] = self._owner(record)
        return {column: text for column, text in given.items() if text}

    def _owner(self, record: Record) -> str:
        """The address of a user; of another owner, words that name it and nobody of ours."""
        name, called = str(record.get("OwnerId") or ""), plain(value(record, "Owner.Name"))
        if name.startswith("00G"):
            return f"queue {called or name}"
        return self.owners.get(name) or (f"{called or name} (no user)" if name else "")

    def _activity(self, found: BatchContent, record: Record, kind: Any, at: object) -> None:
        when = instant(at)
        if when is not None and record.get("WhoId"):
            by = self.owners.get(str(record.get("OwnerId")), "").removesuffix(INACTIVE)
            found.activities.append(LoggedActivity(str(record["Id"]), str(record["WhoId"]), kind, when, by))


def _outcomes(role: Record) -> list[LeadOutcome]:
    """What a contact role says of its opportunity: when it was opened, or how it ended and when."""
    name, key = str(role.get("OpportunityId") or ""), str(role.get("ContactId") or "")
    return _deal(name, key, role.get("Opportunity")) if name and key else []


def _deal(name: str, key: str, deal: object) -> list[LeadOutcome]:
    if not isinstance(deal, dict) or deal.get("IsDeleted") or (opened := instant(deal.get("CreatedDate"))) is None:
        return []
    if not deal.get("IsClosed"):
        return [LeadOutcome(name, key, "opportunity", opened)]
    return [LeadOutcome(name, key, "won" if deal.get("IsWon") else "lost", instant(deal.get("CloseDate")) or opened)]


def _conversion(lead: Record, contact: str) -> list[LeadOutcome]:
    """A conversion is an opportunity: that which was made with it, or itself on its day."""
    if not lead.get("IsConverted"):
        return []
    if name := lead.get("ConvertedOpportunityId"):
        # As it stands now: a lead that is changed later must not open again what was won.
        return _deal(str(name), contact, lead.get("ConvertedOpportunity"))
    at = instant(lead.get("ConvertedDate"))
    return [LeadOutcome(str(lead["Id"]), contact, "opportunity", at)] if at is not None else []


def value(record: Record, *paths: str) -> Any:
    """The first of some fields that says something; `Account.Name` is a field of a record beside it."""
    for path in paths:
        found: Any = record
        for step in path.split(".") if "." in path else (path,):
            found = _step(found, step)
        if found is not None:
            return found
    return None


def _step(record: object, name: str) -> Any:
    """A field by its name in any case: the server answers with its own spelling."""
    if not isinstance(record, dict):
        return None
    if name in record:
        return record[name]
    return next((one for key, one in record.items() if key.lower() == name.lower()), None)


def instant(text: object) -> datetime | None:
    """`2026-11-28T10:00:00.000+0000` (UTC); of a day alone its end, so that no answer of that day comes after it."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    if found.tzinfo is None:
        return found.replace(tzinfo=UTC) + _DAY - timedelta(seconds=1)
    return found.astimezone(UTC)
