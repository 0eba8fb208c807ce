"""The questions that are asked in SOQL: keyset pages by (time stamp, Id), and whole passes by Id.

A mass update gives thousands of records one SystemModstamp, so a position is a time stamp and an Id; locators of the
server's own pages expire, so they are not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from connectors.leads.salesforce.settings import SalesforceSettings

STAMP = "SystemModstamp"
_DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "Lead": {
        "email": "Email", "name": "Name", "company": "Company", "domain": "Website", "tier": "Rating",
        "country": "Country", "title": "Title", "employees": "NumberOfEmployees", "industry": "Industry",
    },
    "Contact": {
        "email": "Email", "name": "Name", "company": "Account.Name", "domain": "Account.Website",
        "tier": "Account.Rating", "country": "MailingCountry", "title": "Title",
        "employees": "Account.NumberOfEmployees", "industry": "Account.Industry",
    },
}  # fmt: skip
"""Fields by our column. A language is known to no standard field."""
_OF_ACCOUNT = {
    "Company": "Account.Name", "Website": "Account.Website", "Rating": "Account.Rating",
    "NumberOfEmployees": "Account.NumberOfEmployees", "Industry": "Account.Industry",
    "AnnualRevenue": "Account.AnnualRevenue", "Country": "MailingCountry", "City": "MailingCity",
}  # fmt: skip
"""What a lead says itself, and a contact's account or address says for it."""
_DEAL = ("IsClosed", "IsWon", "CreatedDate", "CloseDate")
_BEGINNING = "1970-01-01T00:00:00.000Z"
_MERGED = {"Contact": "MasterRecordId != null", "Lead": "(MasterRecordId != null OR IsConverted = true)"}
_BIN = timedelta(days=15)
"""How long a merged record stays in the recycle bin: a first look finds there who goes on in whose place."""
_ACTIVITIES = timedelta(days=90)
"""How far back calls and meetings are read at first sight: older ones end no wait."""


@dataclass(frozen=True, slots=True)
class RecordStream:
    """Records of one object in the order of a time stamp."""

    name: str
    """In cursors."""
    sobject: str
    columns: tuple[str, ...]
    stamp: str = STAMP
    only: str = ""
    """Our own condition. `{until}` stands for the instant at which the look began."""
    back: timedelta | None = timedelta(0)
    """How far back the first look reads; None: from the beginning."""
    first: bool = False
    """Only for a first look, for what a whole pass does not show."""

    @property
    def reaches_back(self) -> bool:
        """Whether a whole pass does not read it."""
        return self.back != timedelta(0)

    def begin(self, at: datetime) -> str:
        """Where a first look at this instant begins."""
        return _BEGINNING if self.back is None else literal(at - self.back)


@dataclass(frozen=True, slots=True)
class Questions:
    """Everything that is asked with some settings."""

    streams: tuple[RecordStream, ...]
    passes: tuple[str, ...]
    """The objects of a whole pass, in order."""
    columns: Mapping[str, Mapping[str, str]]
    """Our columns and the fields that give them, by object."""
    where: Mapping[str, str]
    """Conditions of the config, by object."""

    def page(self, stream: RecordStream, after: tuple[str, str], until: str, limit: int) -> str:
        """Asks for what follows a position: (time stamp, Id), with an empty Id all from that time stamp on."""
        since, last = after
        conditions = [f"{stream.stamp} >= {since}"]
        if last:
            conditions.append(f"({stream.stamp} > {since} OR Id > '{last}')")
        conditions += self._also(stream.sobject, stream.only.format(until=until))
        order = f"{stream.stamp}, Id"
        return _select(stream.columns, stream.sobject, conditions, order, limit)

    def whole(self, sobject: str, after: str, limit: int, *, records: bool) -> str:
        """Asks for all that is there, in the order of Ids: whole records, or their Ids."""
        ours = ["IsDeleted = false"]
        if sobject == "Lead":
            ours.append("IsConverted = false")
        if self.columns[sobject]["email"] == "Email":
            ours.append("Email != null")
        columns = next(one.columns for one in self.streams if one.name == sobject) if records else ("Id",)
        conditions = [*self._also(sobject, " AND ".join(ours)), *([f"Id > '{after}'"] if after else [])]
        return _select(columns, sobject, conditions, "Id", limit)

    def one(self, stream: RecordStream) -> str:
        """Asks for any one record, with all its fields."""
        return _select(stream.columns, stream.sobject, self._also(stream.sobject, ""), "", 1)

    def _also(self, sobject: str, ours: str) -> list[str]:
        theirs = self.where.get(sobject, "")
        return [*([ours] if ours else []), *([f"({theirs})"] if theirs else [])]

    @property
    def digest(self) -> str:
        """Changes with what is asked: then all records are read again."""
        told = repr((self.streams, self.passes, sorted(self.where.items())))
        return blake2b(told.encode(), digest_size=8).hexdigest()


def questions(settings: SalesforceSettings) -> Questions:
    """What is asked with these settings: contacts before leads, so that who a lead became is known before."""
    wanted: set[str] = set(settings.objects)
    where = {str(sobject): condition for sobject, condition in settings.where.items()}
    people: tuple[str, ...] = ("Contact", "Lead")
    columns = {one: _columns(one, settings.fields) for one in people if one in wanted}
    told = {one: _fields(one, columns[one], opportunities="Opportunity" in wanted) for one in columns}
    streams = [RecordStream(one, one, told[one]) for one in columns]
    streams += [RecordStream(f"Merged{one}", one, told[one], STAMP, _MERGED[one], _BIN, first=True) for one in columns]
    if "Opportunity" in wanted:
        roles = ("Id", "ContactId", "OpportunityId", *(f"Opportunity.{one}" for one in (STAMP, *_DEAL)), STAMP)
        role, there = "OpportunityContactRole", "IsDeleted = false AND Opportunity.IsDeleted = false"
        streams += [
            # All of them by their own time stamp, which is indexed; what changes then, by the opportunity's too.
            RecordStream("Role", role, roles, STAMP, there, None),
            RecordStream("Opportunity", role, roles, f"Opportunity.{STAMP}", there),
            RecordStream("Dropped", "Opportunity", ("Id", STAMP), STAMP, "IsDeleted = true"),
        ]
    if "Task" in wanted:
        call = ("Id", "WhoId", "OwnerId", "CompletedDateTime", "CreatedDate", STAMP)
        only = "IsDeleted = false AND IsClosed = true AND TaskSubtype = 'Call' AND WhoId != null"
        streams.append(RecordStream("Task", "Task", call, STAMP, only, _ACTIVITIES))
    if "Event" in wanted:
        held = ("Id", "WhoId", "OwnerId", "StartDateTime", "EndDateTime", STAMP)
        # A meeting is not changed by being held: it is also looked for by its end.
        only = "IsDeleted = false AND IsChild = false AND IsRecurrence = false AND WhoId != null"
        only += " AND EndDateTime < {until}"
        streams.append(RecordStream("Held", "Event", held, "EndDateTime", only, _ACTIVITIES))
        streams.append(RecordStream("Event", "Event", held, STAMP, only))
    return Questions(tuple(streams), tuple(columns), columns, where)


def owners(after: str, limit: int) -> str:
    """Asks for our people, those who left among them."""
    conditions = ["UserType = 'Standard'", *([f"Id > '{after}'"] if after else [])]
    return _select(("Id", "Email", "IsActive"), "User", conditions, "Id", limit)


def user(name: str) -> str:
    """Asks who a user is."""
    return _select(("Id", "Username", "Profile.Name"), "User", [f"Id = '{name}'"], "", 1)


def literal(at: datetime) -> str:
    """An instant as SOQL writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def _select(columns: tuple[str, ...], sobject: str, conditions: list[str], order: str, limit: int) -> str:
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    ordered = f" ORDER BY {order}" if order else ""
    # Of our own words, of Ids and instants that the cursor's reader has looked at, and of the operator's conditions.
    return f"SELECT {', '.join(columns)} FROM {sobject}{where}{ordered} LIMIT {limit}"  # noqa: S608


def _columns(sobject: str, fields: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Our columns and the fields that give them, of leads or of contacts."""
    found = dict(_DEFAULTS[sobject])
    for column, names in fields.items():
        for name in names:
            of, _, rest = name.partition(".")
            if of in _DEFAULTS and rest:
                path = rest if of == sobject else None
            else:
                path = _OF_ACCOUNT.get(name, name) if sobject == "Contact" else name
            if path is not None:
                found[column] = path
    return {column: path for column, path in found.items() if path} | {"email": found["email"] or "Email"}


def _fields(sobject: str, columns: Mapping[str, str], *, opportunities: bool) -> tuple[str, ...]:
    ours = ["Id", "IsDeleted", STAMP, "MasterRecordId", "OwnerId", "Owner.Name"]
    if sobject == "Lead":
        ours += ["IsConverted", "ConvertedContactId", "ConvertedOpportunityId", "ConvertedDate"]
        ours += [f"ConvertedOpportunity.{one}" for one in ("IsDeleted", *_DEAL)] if opportunities else []
    known = dict[str, str]()
    for one in [*ours, *columns.values()]:
        known.setdefault(one.lower(), one)
    return tuple(known.values())
