"""A double of a Salesforce org: OAuth token, queryAll, describe, its refusals, and the people who work with it."""

from __future__ import annotations

import bisect
import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from inboxwatch import now as instant
from tests.doubles.https_server import KIND, Fault, HttpsServer
from tests.doubles.soql import MalformedQueryError, Query, parsed

CLIENT_ID = "3MVG9-the-consumer-key-of-the-app"
SECRET = "B1A2C3-the-consumer-secret-of-the-app"
Record = dict[str, Any]
_PREFIXES = {
    "Account": "001", "Contact": "003", "User": "005", "Opportunity": "006", "OpportunityContactRole": "00K",
    "Task": "00T", "Event": "00U", "Lead": "00Q",
}  # fmt: skip
_EVERY: Record = {"Id": None, "IsDeleted": False, "SystemModstamp": None, "CreatedDate": None}
_COMPANY: Record = {"Website": None, "Rating": None, "Industry": None, "NumberOfEmployees": None}
_PERSON: Record = {"Email": None, "Name": None, "Title": None, "MasterRecordId": None, "OwnerId": None}
_BLANK: Mapping[str, Record] = {
    "Account": _COMPANY | {"Name": None},
    "Contact": _PERSON | {"AccountId": None, "MailingCountry": None, "MobilePhone": None, "Level__c": None},
    "User": {"Email": None, "Name": None, "Username": None, "IsActive": True, "UserType": "Standard"},
    "Opportunity": {"IsClosed": False, "IsWon": False, "CloseDate": None, "Type": None},
    "OpportunityContactRole": {"ContactId": None, "OpportunityId": None},
    "Task": {"WhoId": None, "OwnerId": None, "CompletedDateTime": None, "IsClosed": True, "TaskSubtype": "Call"},
    "Event": {"WhoId": None, "OwnerId": None, "StartDateTime": None, "EndDateTime": None, "IsChild": False,
              "IsRecurrence": False},
    "Lead": _PERSON | _COMPANY | {
        "Company": None, "Country": None, "Status": "Open", "IsConverted": False, "ConvertedContactId": None,
        "ConvertedOpportunityId": None, "ConvertedDate": None, "Phone": None, "Level__c": None,
    },
}  # fmt: skip
"""Fields of each object and their values in a new record."""
_RELATIONS = {
    "Account": ("AccountId", "Account"), "Opportunity": ("OpportunityId", "Opportunity"),
    "ConvertedOpportunity": ("ConvertedOpportunityId", "Opportunity"), "Owner": ("OwnerId", "User"),
}  # fmt: skip
_ORDERS = {(), ("Id",), ("SystemModstamp", "Id"), ("Opportunity.SystemModstamp", "Id"), ("EndDateTime", "Id")}


class SalesforceOrg:
    """One org. Its clock is `now`, which tests move."""

    def __init__(self) -> None:
        self.server = HttpsServer(self._take)
        self.ahead = timedelta(0)
        """By how much its clock is before the world's."""
        self.records: dict[str, dict[str, Record]] = {name: {} for name in _PREFIXES}
        self.tokens: set[str] = set()
        self.scope = "api"
        self.hidden: set[str] = set()
        """Objects (`Opportunity`) and fields (`Lead.Rating`) that the user may not see."""
        self.writable: set[str] = set()
        """Objects that the user may change."""
        self.page = 2000
        """Records of one answer at most: wide ones come fewer at a time, the rest behind a locator."""
        self.used, self.allowed = 100, 100_000
        """API calls."""
        self.slow = 0
        """Queries for more records than this run out of time; 0: none does."""
        self.answered: Callable[[str], None] = lambda soql: None
        """Called after each query, with its text."""
        self._numbers = itertools.count(1)
        self._locators: dict[str, tuple[str, list[Record]]] = {}
        self._sorted: dict[tuple[str, ...], tuple[list[Any], list[Record]]] = {}
        self.reader = self.user("inboxwatch@acme.test", Username="inboxwatch@acme.test.crm")

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def now(self) -> datetime:
        return (instant.now() + self.ahead).replace(microsecond=0)

    def close(self) -> None:
        self.server.close()

    # The people who work with it.

    def put(self, sobject: str, **fields: Any) -> str:
        """A new record; returns its Id."""
        name = f"{_PREFIXES[sobject]}{next(self._numbers):015}"
        unknown = fields.keys() - _BLANK[sobject].keys() - _EVERY.keys()
        assert not unknown, unknown
        record = {**_EVERY, **_BLANK[sobject], "Id": name, "CreatedDate": self.now, **fields}
        self.records[sobject][name] = record
        self._stamp(record, fields.get("SystemModstamp"))
        return name

    def change(self, name: str, **fields: Any) -> None:
        record = self.record(name)
        record.update(fields)
        self._stamp(record, fields.get("SystemModstamp"))

    def record(self, name: str) -> Record:
        return self.records[self.kind(name)][name]

    @staticmethod
    def kind(name: str) -> str:
        return next(sobject for sobject, prefix in _PREFIXES.items() if name.startswith(prefix))

    def _stamp(self, record: Record, at: datetime | None = None) -> None:
        record["SystemModstamp"] = at or self.now
        self._sorted.clear()

    def user(self, email: str, **fields: Any) -> str:
        return self.put("User", Email=email, **fields)

    def delete(self, name: str) -> None:
        """Into the recycle bin."""
        self.change(name, IsDeleted=True)
        for role in self._beside("OpportunityContactRole", name):
            self.change(role["Id"], IsDeleted=True)

    def purge(self, name: str) -> None:
        """Out of the recycle bin: nothing tells that it was ever there."""
        del self.records[self.kind(name)][name]
        self._sorted.clear()

    def merge(self, name: str, into: str) -> None:
        self.change(name, IsDeleted=True, MasterRecordId=into)
        self.change(into)
        self._hand_over(name, into)

    def convert(self, lead: str, *, opportunity: bool = True) -> str:
        """Makes a contact of a lead, with an opportunity; returns the contact's Id."""
        said = self.record(lead)
        account = self.put("Account", Name=said["Company"], Website=said["Website"])
        own = {one: said[one] for one in ("Email", "Name", "OwnerId")}
        contact = self.put("Contact", AccountId=account, **own)
        deal = self.open(contact) if opportunity else None
        converted = {"IsConverted": True, "ConvertedContactId": contact, "ConvertedOpportunityId": deal}
        self.change(lead, ConvertedDate=self.now.date(), **converted)
        self._hand_over(lead, contact)
        return contact

    def open(self, contact: str, at: datetime | None = None) -> str:
        """An opportunity; returns its Id."""
        deal = self.put("Opportunity", CreatedDate=at or self.now, CloseDate=self.now.date())
        self.put("OpportunityContactRole", ContactId=contact, OpportunityId=deal)
        return deal

    def _hand_over(self, name: str, into: str) -> None:
        for sobject, column in (("Task", "WhoId"), ("Event", "WhoId"), ("OpportunityContactRole", "ContactId")):
            for record in list(self.records[sobject].values()):
                if record[column] == name:
                    self.change(record["Id"], **{column: into})

    def _beside(self, sobject: str, name: str) -> list[Record]:
        return [one for one in self.records[sobject].values() if name in (one["OpportunityId"], one["ContactId"])]

    # The API.

    async def _take(self, request: web.Request) -> web.StreamResponse:
        match [request.method, *request.path.strip("/").split("/")]:
            case ["POST", "services", "oauth2", "token"]:
                answer = await self._token(request)
            case ["GET", "services", "data", _, *steps]:
                answer = self._api(request, steps)
            case _:
                answer = _refused(405, "METHOD_NOT_ALLOWED", "HTTP Method not allowed. This double is only read.")
        answer.headers["Date"] = format_datetime(self.now, usegmt=True)
        return answer

    async def _token(self, request: web.Request) -> web.Response:
        request[KIND] = "token"
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        if form.get("grant_type") != "client_credentials":
            return _oauth("unsupported_grant_type", "grant type not supported")
        if form.get("client_id") != CLIENT_ID:
            return _oauth("invalid_client_id", "client identifier invalid")
        if form.get("client_secret") != SECRET:
            return _oauth("invalid_client", "invalid client credentials")
        if not self.records["User"][self.reader]["IsActive"]:
            return _oauth("invalid_grant", "no client credentials user enabled")
        token = f"00D000000000001!{secrets.token_hex(32)}"
        self.tokens.add(token)
        told = {"access_token": token, "scope": self.scope, "instance_url": self.url, "token_type": "Bearer"}
        return web.json_response({**told, "id": f"{self.url}/id/00D000000000001/{self.reader}", "signature": "c2ln"})

    def _api(self, request: web.Request, steps: list[str]) -> web.Response:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _refused(401, "INVALID_SESSION_ID", "Session expired or invalid")
        self.used += 1
        match steps:
            case ["queryAll"]:
                request[KIND] = "query"
                answer = self._query(request.query.get("q", ""))
            case ["query", locator] if locator in self._locators:
                request[KIND] = "more"
                answer = self._answer(*self._locators.pop(locator))
            case ["sobjects", sobject, "describe"]:
                request[KIND] = "describe"
                answer = self._describe(sobject)
            case _:
                answer = _refused(404, "NOT_FOUND", "The requested resource does not exist")
        answer.headers["Sforce-Limit-Info"] = f"api-usage={self.used}/{self.allowed}"
        return answer

    def _query(self, soql: str) -> web.Response:
        try:
            query = parsed(soql)
        except MalformedQueryError as error:
            return _refused(400, "MALFORMED_QUERY", str(error))
        if query.order not in _ORDERS:
            return _refused(400, "MALFORMED_QUERY", f"this double does not sort by {', '.join(query.order)}")
        if query.sobject not in self.records or query.sobject in self.hidden:
            return _refused(400, "INVALID_TYPE", f"sObject type '{query.sobject}' is not supported.")
        for path in query.paths:
            if not self._sees(query.sobject, path):
                words = f"No such column '{path}' on entity '{query.sobject}'."
                return _refused(400, "INVALID_FIELD", words)
        if self.slow and query.limit > self.slow:
            return _refused(400, "QUERY_TIMEOUT", "Your query request was running for too long.")
        found = list(itertools.islice(self._matching(query), query.limit))
        answer = self._answer(query.sobject, [self._shown(query.sobject, one, query.fields) for one in found])
        self.answered(soql)
        return answer

    def _matching(self, query: Query) -> Iterator[Record]:
        keys, records = self._in_order(query.sobject, query.order)
        first = query.order[0] if query.order else ""
        least = query.least(first)
        start = 0 if least is None else bisect.bisect_left(keys, (least,))
        for record in itertools.islice(records, start, None):
            if query.where(record, self._value):
                yield record

    def _in_order(self, sobject: str, order: tuple[str, ...]) -> tuple[list[Any], list[Record]]:
        known = (sobject, *order)
        if known not in self._sorted:
            keyed = [
                (tuple(self._value(one, path) for path in order), place, one)
                for place, one in enumerate(self.records[sobject].values())
            ]
            keyed = sorted(one for one in keyed if None not in one[0])
            self._sorted[known] = [key for key, _, _ in keyed], [one for _, _, one in keyed]
        return self._sorted[known]

    def _answer(self, sobject: str, records: list[Record]) -> web.Response:
        page, rest = records[: self.page], records[self.page :]
        body: Record = {"totalSize": len(records), "done": not rest, "records": page}
        if rest:
            locator = f"01g{next(self._numbers):015}-{self.page}"
            self._locators[locator] = sobject, rest
            body["nextRecordsUrl"] = f"/services/data/v62.0/query/{locator}"
        return web.json_response(body)

    def _sees(self, sobject: str, path: str) -> bool:
        relation, _, name = path.rpartition(".")
        if relation == "Profile":
            return sobject == "User" and name == "Name"
        if relation:
            column, other = _RELATIONS.get(relation, ("", ""))
            return column in _BLANK[sobject] and other not in self.hidden and self._sees(other, name)
        known = name in _BLANK[sobject] or name in _EVERY
        return known and f"{sobject}.{name}" not in self.hidden

    def _value(self, record: Mapping[str, Any], path: str) -> Any:
        relation, _, name = path.rpartition(".")
        if relation == "Profile":
            return "Minimum Access - API Only Integrations"
        if relation == "Owner" and str(record["OwnerId"]).startswith("00G"):
            return "Inbound"
        if relation:
            column, other = _RELATIONS[relation]
            beside = self.records[other].get(record[column] or "")
            return None if beside is None else beside[name]
        return record[name]

    def _shown(self, sobject: str, record: Record, fields: tuple[str, ...]) -> Record:
        shown: Record = {"attributes": {"type": sobject, "url": f"/services/data/v62.0/sobjects/{sobject}"}}
        for path in fields:
            value = self._value(record, path)
            relation, _, name = path.rpartition(".")
            if relation == "Profile" or (relation and record[_RELATIONS[relation][0]]):
                shown.setdefault(relation, {"attributes": {"type": relation}})[name] = _text(value)
            elif relation:
                shown[relation] = None
            else:
                shown[name] = _text(value)
        return shown

    def _describe(self, sobject: str) -> web.Response:
        if sobject not in self.records or sobject in self.hidden:
            return _refused(404, "NOT_FOUND", "The requested resource does not exist")
        may = sobject in self.writable
        names = [name for name in {**_EVERY, **_BLANK[sobject]} if f"{sobject}.{name}" not in self.hidden]
        flags = {"createable": may, "updateable": may, "deletable": may, "queryable": True}
        fields = [{"name": name, "updateable": may, "createable": may, "filterable": True} for name in names]
        return web.json_response({"name": sobject, "keyPrefix": _PREFIXES[sobject], **flags, "fields": fields})


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    return value.isoformat() if isinstance(value, date) else value


def _refused(status: int, code: str, message: str) -> web.Response:
    return web.json_response([{"message": message, "errorCode": code}], status=status)


def _oauth(error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=400)


FAULTS: Mapping[str, Fault] = {
    "429 that says when": Fault(429, '[{"message":"slow down","errorCode":"TOO_MANY_REQUESTS"}]', {"Retry-After": "0"}),
    "429 that says later": Fault(429, "", {"Retry-After": "30"}),
    "429 that says nothing": Fault(429, ""),
    "no calls left": Fault(
        403, '[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]'
    ),
    "500": Fault(500, '[{"message":"An unexpected error occurred.","errorCode":"UNKNOWN_EXCEPTION"}]'),
    "503": Fault(503, '[{"message":"The server is unavailable.","errorCode":"SERVER_UNAVAILABLE"}]'),
    "502 of a proxy": Fault(502, "<html>Bad Gateway</html>"),
    "query that ran out of time": Fault(
        400, '[{"message":"Your query request was running for too long.","errorCode":"QUERY_TIMEOUT"}]'
    ),
    "cut before the answer": Fault(cut=0.0),
    "cut within the answer": Fault(cut=0.5),
}  # fmt: skip
"""What may happen to a request."""
