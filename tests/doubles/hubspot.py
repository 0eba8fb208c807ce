"""A double of HubSpot's CRM API: contacts, deals, calls, meetings, owners and associations, with a search that lags.

It knows the requests of our connector and refuses all others. The same records are served at the older paths that
HubSpot's own client asks: `tests/connectors/leads/hubspot/test_double.py` holds both.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from itertools import islice
from operator import ge, gt, le
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from inboxwatch import now as instant
from tests.doubles.https_server import KIND, HttpsServer

READS = {"contacts": "crm.objects.contacts.read", "deals": "crm.objects.deals.read",
         "calls": "crm.objects.contacts.read", "meetings": "crm.objects.contacts.read"}  # fmt: skip
GRANT = frozenset({*READS.values(), "crm.objects.owners.read"})
TOKEN = "pat-eu1-11111111-2222-3333-4444-555555555555"
_PATHS = (
    (re.compile(r"/crm/objects/2026-03/(\w+)"), "list"),
    (re.compile(r"/crm/objects/2026-03/(\w+)/search"), "search"),
    (re.compile(r"/crm/owners/2026-03"), "owners"),
    (re.compile(r"/crm/associations/2026-03/(\w+)/contacts/batch/read"), "associations"),
    (re.compile(r"/oauth/v2/private-apps/get/access-token-info"), "token"),
    (re.compile(r"/crm/v3/objects/(\w+)"), "list"),  # as HubSpot's client asks, to the end
    (re.compile(r"/crm/v3/objects/(\w+)/search"), "search"),
    (re.compile(r"/crm/v3/owners/"), "owners"),
    (re.compile(r"/crm/v4/associations/(\w+)/contacts/batch/read"), "associations"),
)
_MOST_FOUND = 10_000
_OPERATORS: dict[str, Callable[[int, int], bool]] = {"GTE": ge, "LTE": le, "GT": gt}


@dataclass
class HubSpotRecord:
    """A record with what it was at each time: a search sees it as it was a while ago. Ids grow with time."""

    id: str
    created: datetime
    versions: list[tuple[datetime, dict[str, str]]]
    contacts: list[str] = field(default_factory=list)
    archived: datetime | None = None

    @property
    def properties(self) -> dict[str, str]:
        return self.versions[-1][1]

    def at(self, when: datetime) -> dict[str, str] | None:
        if self.versions[-1][0] <= when:
            return self.versions[-1][1]
        known = bisect_right(self.versions, when, key=lambda version: version[0])
        return self.versions[known - 1][1] if known else None


@dataclass
class Owner:
    id: str
    email: str
    type: str = "PERSON"
    archived: bool = False


class HubSpotServer:
    """An account with its people's doings; `clock` is ahead of ours by what tests let pass."""

    def __init__(self) -> None:
        self.server = HttpsServer(self._take)
        self.ahead = timedelta(0)
        self.lag = timedelta(seconds=60)
        self.scopes: frozenset[str] = GRANT
        self.tells_scopes = True
        self.token = TOKEN
        self.records: dict[str, dict[str, HubSpotRecord]] = {kind: {} for kind in READS}
        self.owners: dict[str, Owner] = {}
        self.refused: list[str] = []
        """Requests that no reader of ours makes."""
        self.association_page = 500
        self.day = 250_000
        """Requests that the account may make in a day."""
        self.on_answer: Callable[[str, str, Any], None] = lambda what, kind, answer: None
        """Called before each answer leaves, with what was asked of which kind: somebody works meanwhile."""
        self._last_id = 1000

    def close(self) -> None:
        self.server.close()

    @property
    def clock(self) -> datetime:
        return (instant.now() + self.ahead).astimezone(UTC)

    def add(self, kind: str, properties: Mapping[str, str], contacts: tuple[str, ...] = ()) -> str:
        self._last_id += 1
        key, now = str(self._last_id), self.clock
        created = {"createdate": _iso(now), "hs_object_id": key} | dict(properties)
        self.records[kind][key] = HubSpotRecord(key, now, [(now, self._stamped(kind, created, now))], list(contacts))
        return key

    def change(self, kind: str, key: str, properties: Mapping[str, str], at: datetime | None = None) -> None:
        """`at`: when it counts as changed; a mass update gives all one time."""
        one, now = self.records[kind][key], self.clock
        one.versions.append((now, self._stamped(kind, one.properties | dict(properties), at or now)))

    def archive(self, kind: str, key: str) -> None:
        self.records[kind][key].archived = self.clock

    def purge(self, kind: str, key: str) -> None:
        """As the law wants it: nothing tells that it was there."""
        del self.records[kind][key]
        for others in self.records.values():
            for one in others.values():
                one.contacts = [its for its in one.contacts if its != key]

    def merge(self, first: str, second: str) -> str:
        """Two contacts become one of a new id, as since January 2025; what belonged to them is its."""
        old = [self.records["contacts"].pop(key) for key in (first, second)]
        before = [one.properties.get("hs_merged_object_ids", "") for one in old]
        ids = ";".join(filter(None, (*before, first, second)))
        mails = [one.properties.get("hs_additional_emails") for one in old] + [old[1].properties.get("email")]
        others = ";".join(filter(None, mails))
        told = {**old[1].properties, **old[0].properties, "hs_merged_object_ids": ids, "hs_additional_emails": others}
        told.pop("hs_object_id")
        key = self.add("contacts", told)
        for kind in ("deals", "calls", "meetings"):
            for one in self.records[kind].values():
                one.contacts = list(dict.fromkeys(key if its in (first, second) else its for its in one.contacts))
        return key

    def owner(self, email: str, **more: Any) -> str:
        """The id of who has that address."""
        known = next((one.id for one in self.owners.values() if one.email == email), None)
        if known is None:
            known = str(70_000 + len(self.owners))
            self.owners[known] = Owner(known, email, **more)
        return known

    def _stamped(self, kind: str, properties: dict[str, str], at: datetime) -> dict[str, str]:
        name = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
        return properties | {name: _iso(at)}

    async def _take(self, request: web.Request) -> web.StreamResponse:
        known = [(what, found) for pattern, what in _PATHS if (found := pattern.fullmatch(request.path))]
        if not known:
            return self._unknown(request, f"no such path: {request.path}")
        ((what, found),) = known
        if what != "token" and request.headers.get("Authorization") != f"Bearer {self.token}":
            return self._error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        kind = found[1] if found.groups() else what
        request[KIND] = what
        needed = "crm.objects.owners.read" if what == "owners" else READS.get(kind)
        if what != "token" and needed not in self.scopes:
            return self._lacks(str(needed))
        body = await request.json() if request.method == "POST" else {}
        try:
            answer = getattr(self, f"_{what}")(kind, request.query, body)
        except (KeyError, ValueError, AssertionError) as error:
            return self._unknown(request, f"{type(error).__name__} {error}")
        self.on_answer(what, kind, answer)
        return self._told(answer, what=what)

    def _list(self, kind: str, query: MultiMapping[str], body: Any) -> dict[str, Any]:
        assert query.keys() <= {"limit", "after", "properties", "archived"}, dict(query)
        size, archived = int(query["limit"]), query["archived"] == "true"
        assert 1 <= size <= 100
        # Their client names each property by itself, we name all with commas between.
        names = [name for told in query.getall("properties") for name in told.split(",")]
        behind = int(query.get("after", 0))
        records = (one for one in self._after(kind, behind - 1) if bool(one.archived) == archived)
        waiting = list(islice(records, size + 1))
        answer: dict[str, Any] = {"results": [_shown(one, names) for one in waiting[:size]]}
        if len(waiting) > size:
            answer["paging"] = {"next": {"after": waiting[size].id, "link": "https://api.hubapi.com/deprecated"}}
        return answer

    def _search(self, kind: str, query: Mapping[str, str], body: Any) -> dict[str, Any]:
        assert body.keys() <= {"filterGroups", "sorts", "properties", "limit", "after", "query"}, body
        size = body["limit"]
        assert 1 <= size <= 200
        assert len(body["filterGroups"]) <= 5
        if body["filterGroups"]:
            assert body["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}], body["sorts"]
        seen = self.clock - self.lag
        groups = body["filterGroups"]
        behind = min((_behind(group["filters"]) for group in groups), default=0)
        known = ((one, one.at(seen)) for one in self._after(kind, behind) if not one.archived)
        matching = (
            one
            for one, then in known
            if then is not None and (not groups or any(_matches(then, group) for group in groups))
        )
        skip = int(body.get("after") or 0)
        assert skip + size <= _MOST_FOUND, "a search gives 10,000 records at most"
        found = list(islice(matching, skip + size + 1))  # it counts no further than it must
        page = found[skip : skip + size]
        answer = {"total": len(found), "results": [_shown(one, body["properties"], one.at(seen)) for one in page]}
        if len(found) > skip + size:
            answer["paging"] = {"next": {"after": str(skip + size)}}
        return answer

    def _after(self, kind: str, behind: int) -> Iterator[HubSpotRecord]:
        """Records in the order of their ids, behind one."""
        records = list(self.records[kind].values())
        return islice(records, bisect_right(records, behind, key=lambda one: int(one.id)), None)

    def _owners(self, kind: str, query: Mapping[str, str], body: Any) -> dict[str, Any]:
        assert query.keys() <= {"limit", "after", "archived"}, dict(query)
        size, behind = int(query["limit"]), int(query.get("after", 0))
        waiting = [one for one in self.owners.values() if one.archived == (query["archived"] == "true")]
        waiting = [one for one in waiting if int(one.id) >= behind]
        made = _iso(datetime(2024, 1, 1, tzinfo=UTC))
        answer: dict[str, Any] = {
            "results": [
                {"id": one.id, "email": one.email, "type": one.type, "firstName": "",
                 "lastName": one.email.split("@")[0], "archived": one.archived, "createdAt": made, "updatedAt": made}
                for one in waiting[:size]
            ]
        }  # fmt: skip
        if len(waiting) > size:
            answer["paging"] = {"next": {"after": waiting[size].id}}
        return answer

    def _associations(self, kind: str, query: Mapping[str, str], body: Any) -> dict[str, Any]:
        assert body.keys() == {"inputs"}
        assert len(body["inputs"]) <= 1000
        results = []
        for one in body["inputs"]:
            stored = self.records[kind].get(one["id"])
            skip = int(one.get("after") or 0)
            people = stored.contacts[skip : skip + self.association_page] if stored else []
            if not people:
                continue
            types = [{"category": "HUBSPOT_DEFINED", "typeId": 3, "label": None}]
            told: dict[str, Any] = {
                "from": {"id": one["id"]},
                "to": [{"toObjectId": key, "associationTypes": types} for key in people],
            }
            if stored and len(stored.contacts) > skip + len(people):
                told["paging"] = {"next": {"after": str(skip + len(people))}}
            results.append(told)
        now = _iso(self.clock)
        return {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}

    def _token(self, kind: str, query: Mapping[str, str], body: Any) -> dict[str, Any]:
        assert body == {"tokenKey": self.token}
        if not self.tells_scopes:
            raise ValueError("no such token")
        return {"userId": 1, "hubId": 2, "appId": 3, "scopes": sorted(self.scopes)}

    def _told(self, answer: Any, status: int = 200, what: str = "") -> web.Response:
        told = {"Date": format_datetime(self.clock, usegmt=True)}
        if what != "search":
            left = self.day - self.server.requests.total()
            told |= {"X-HubSpot-RateLimit-Daily": str(self.day), "X-HubSpot-RateLimit-Daily-Remaining": str(left)}
        return web.json_response(answer, status=status, headers=told)

    def _error(self, status: int, category: str, message: str, **more: Any) -> web.Response:
        body = {"status": "error", "message": message, "category": category, "correlationId": "1-2-3"} | more
        return self._told(body, status)

    def _lacks(self, scope: str) -> web.Response:
        why = {"message": "One or more of the following scopes are required.",
               "context": {"requiredGranularScopes": [scope]}}  # fmt: skip
        return self._error(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes.", errors=[why])

    def _unknown(self, request: web.Request, why: str) -> web.Response:
        self.refused.append(f"{request.method} {request.path_qs}: {why}")
        return self._error(400, "VALIDATION_ERROR", f"Invalid input: {why}")


def _matches(then: Mapping[str, str], group: Mapping[str, Any]) -> bool:
    filters = group["filters"]
    assert 1 <= len(filters) <= 6
    return all(_passes(then, one) for one in filters)


def _behind(filters: list[Mapping[str, str]]) -> int:
    """The id behind which records are wanted."""
    found = [int(one["value"]) for one in filters if (one["propertyName"], one["operator"]) == ("hs_object_id", "GT")]
    return max(found, default=0)


def _passes(then: Mapping[str, str], one: Mapping[str, str]) -> bool:
    assert one.keys() == {"propertyName", "operator", "value"}, one
    have = _compared(then.get(one["propertyName"], ""))
    return have is not None and _OPERATORS[one["operator"]](have, int(one["value"]))


@lru_cache(maxsize=100_000)
def _compared(value: str) -> int | None:
    if not value:
        return None
    return int(value) if value.isdigit() else int(datetime.fromisoformat(value).timestamp() * 1000)


def _shown(one: HubSpotRecord, names: list[str], then: Mapping[str, str] | None = None) -> dict[str, Any]:
    properties = one.properties if then is None else then
    always = ("createdate", "hs_object_id", "lastmodifieddate", "hs_lastmodifieddate")
    told: dict[str, Any] = {
        "id": one.id,
        "properties": {name: properties.get(name) for name in dict.fromkeys((*names, *always)) if name in properties
                       or name in names},
        "createdAt": _iso(one.created),
        "updatedAt": _iso(one.versions[-1][0]),
        "archived": one.archived is not None,
    }  # fmt: skip
    if one.archived is not None:
        told["archivedAt"] = _iso(one.archived)
    return told


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
