"""Asking HubSpot: the bearer token, the limits, pages, and its refusals as errors of the port."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.error_text import one_line
from connectors.http_errors import parse_retry_after, refused
from connectors.leads.hubspot.settings import HubSpotSettings
from connectors.leads.json_api import ApiAnswer, JsonApi
from connectors.retry import retried
from inboxwatch import now as instant
from inboxwatch.connector import MailboxError, Reason

VERSION = "2026-03"
"""Of the API, which HubSpot dates: in every path of the CRM."""
SCOPES = ("crm.objects.contacts.read", "crm.objects.deals.read", "crm.objects.owners.read")
PAGE = 100
"""Records a page, at most."""
_HELD = 10.0
"""Seconds to wait where a refusal for the rate does not say."""
_DAY_USED = 900.0
"""Seconds to wait where the requests of the day are used up."""


class ScopeError(MailboxError):
    """The token lacks a scope."""


@dataclass(frozen=True, slots=True)
class Page:
    results: tuple[Mapping[str, Any], ...]
    after: str
    """What the next page begins with; empty: there is none."""


class RequestPace:
    """Lets requests through one by one, so many a second."""

    def __init__(
        self,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap = 1 / rate
        self._next = 0.0
        self._clock = clock
        self._sleep = sleep

    async def turn(self) -> None:
        """Waits for this request's turn."""
        now = self._clock()
        at = max(now, self._next)
        self._next = at + self._gap
        if at > now:
            await self._sleep(at - now)


class HubSpotApi:
    """Reading requests of one account; there are no others."""

    def __init__(self, settings: HubSpotSettings, searches: float, others: float) -> None:
        """At most so many requests a second. Does no IO."""
        self._settings = settings
        self._api = JsonApi(settings)
        self._searches = RequestPace(searches)
        self._others = RequestPace(others)
        self.now = instant.now()
        """The server's time, as of its last answer."""
        self.used = ""
        """The share of the account's requests of a day, where HubSpot tells: it does so of some keys, not of searches.
        """

    @property
    def requests(self) -> int:
        return self._api.requests

    async def listed(self, kind: str, properties: Sequence[str], after: str, size: int, archived: bool = False) -> Page:
        """A page of all records of a kind, as they are now."""
        query = {"limit": str(size), "properties": ",".join(properties), "archived": str(archived).lower()}
        if after:
            query["after"] = after
        return _page(await self._read("GET", f"/crm/objects/{VERSION}/{kind}", f"listing {kind}", query=query))

    async def searched(self, kind: str, properties: Sequence[str], groups: Sequence[Any], size: int) -> Page:
        """Records that one of the groups of filters finds, in the order of their ids."""
        document = {
            "filterGroups": [{"filters": group} for group in groups],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": list(properties),
            "limit": size,
        }
        path = f"/crm/objects/{VERSION}/{kind}/search"
        return _page(await self._read("POST", path, f"searching {kind}", document=document, pace=self._searches))

    async def contacts_of(self, kind: str, ids: Sequence[str]) -> dict[str, list[str]]:
        """The ids of the contacts that records of a kind belong to, in their order."""
        found: dict[str, list[str]] = {}
        wanted = [{"id": one} for one in ids]
        path = f"/crm/associations/{VERSION}/{kind}/contacts/batch/read"
        while wanted:
            document = {"inputs": wanted}
            answer = await self._read("POST", path, f"reading the contacts of {kind}", document=document)
            wanted = []
            for one in _items(answer):
                record = str(one["from"]["id"])
                found.setdefault(record, []).extend(str(to["toObjectId"]) for to in one.get("to", ()))
                if after := _next(one):
                    wanted.append({"id": record, "after": after})
        return {one: sorted(dict.fromkeys(keys), key=_number) for one, keys in found.items()}

    async def owners(self) -> dict[str, str]:
        """What names each owner by id: an address, or words for who is nobody active."""
        found: dict[str, str] = {}
        for archived in (True, False):
            after = ""
            while True:
                query = {"limit": str(PAGE), "archived": str(archived).lower()} | ({"after": after} if after else {})
                page = _page(await self._read("GET", f"/crm/owners/{VERSION}", "listing owners", query=query))
                for one in page.results:
                    found[str(one["id"])] = _named(one, archived)
                after = page.after
                if not after:
                    break
        return found

    async def scopes(self) -> frozenset[str] | None:
        """What the token may do; None where HubSpot does not tell of this kind of token."""
        document = {"tokenKey": self._settings.token.reveal()}
        path = "/oauth/v2/private-apps/get/access-token-info"
        try:
            answer = await self._read("POST", path, "asking for the token's scopes", document=document)
        except MailboxError as error:
            if error.reason is Reason.CLIENT:
                return None
            raise
        return frozenset(str(one) for one in answer.get("scopes", ()))

    async def aclose(self) -> None:
        await self._api.aclose()

    async def _read(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        query: Mapping[str, str] | None = None,
        document: object = None,
        pace: RequestPace | None = None,
    ) -> dict[str, Any]:
        """The JSON object that a request is answered with; asked again where a failure may pass."""

        async def ask() -> dict[str, Any]:
            await (pace or self._others).turn()
            answer = await self._api.ask(
                method,
                self._settings.url + path,
                doing=doing,
                headers={"Authorization": f"Bearer {self._settings.token.reveal()}"},
                query=query,
                document=document,
            )
            if not 200 <= answer.status < 300:
                raise _refusal(answer, doing)
            self.now = answer.at or instant.now()
            self.used = _share(answer.headers) or self.used
            return answer.object(doing)

        return await retried(ask, self._settings.retry_for, lambda: self._settings.retry_for)


def window_filters(modified: str, start: datetime, to: datetime, last: str) -> list[dict[str, str]]:
    """What has a time in a closed window, behind an id: a mass update gives thousands of records one time."""
    filters = [
        {"propertyName": modified, "operator": "GTE", "value": str(_milliseconds(start))},
        {"propertyName": modified, "operator": "LTE", "value": str(_milliseconds(to))},
    ]
    if last:
        filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": last})
    return filters


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _refusal(answer: ApiAnswer, doing: str) -> MailboxError:
    try:
        told = json.loads(answer.content)
        words = one_line(str(told["message"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        told, words = {}, answer.words
    if answer.status == 429:
        daily = "DAILY" in f"{told.get('policyName', '')} {words}".upper()
        wait = parse_retry_after(answer.headers.get("Retry-After"))
        return MailboxError(
            Reason.RATE_LIMITED,
            f"{doing}: {words} (HTTP 429)",
            hint="the account's requests of the day are used up" if daily else "",
            retry_after=_DAY_USED if daily else (_HELD if wait is None else wait),
        )
    if answer.status == 403 and (missing := _missing(told)):
        return ScopeError(
            Reason.AUTH,
            f"{doing}: the token lacks the scope {missing} (HTTP 403)",
            hint=f"give it {', '.join(SCOPES)}, and nothing else",
        )
    hint = "make a new service key, and put it where `token` is read from" if answer.status == 401 else ""
    wait = parse_retry_after(answer.headers.get("Retry-After"))
    return refused(answer.status, words, doing, hint=hint, retry_after=wait)


def _missing(told: Mapping[str, Any]) -> str:
    """The scopes that a refusal names."""
    found: list[str] = []
    for error in told.get("errors") or ():
        context = error.get("context") if isinstance(error, dict) else None
        if isinstance(context, dict):
            found += [str(one) for one in context.get("requiredGranularScopes") or context.get("requiredScopes") or ()]
    if found:
        return ", ".join(sorted(set(found)))
    return "that is needed" if told.get("category") == "MISSING_SCOPES" else ""


def _share(headers: Mapping[str, str]) -> str:
    try:
        limit, left = (int(headers.get(f"X-HubSpot-RateLimit-Daily{part}", "")) for part in ("", "-Remaining"))
    except ValueError:
        return ""
    return f"{1 - left / limit:.0%} of {limit} a day" if limit > 0 else ""


def _page(answer: Mapping[str, Any]) -> Page:
    return Page(tuple(one for one in _items(answer) if "id" in one), _next(answer))


def _items(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = answer.get("results")
    if not isinstance(found, list):
        raise MailboxError(Reason.PROTOCOL, "HubSpot's answer has no results")
    return [one for one in found if isinstance(one, dict)]


def _next(answer: Mapping[str, Any]) -> str:
    following = (answer.get("paging") or {}).get("next") or {}
    return str(following.get("after") or "")


def _named(owner: Mapping[str, Any], archived: bool) -> str:
    email = str(owner.get("email") or "").lower()
    if owner.get("type", "PERSON") != "PERSON":
        return f"Queue {owner.get('lastName') or owner['id']}"
    if archived:
        return f"{email or owner['id']} (inactive)"
    return email or f"owner {owner['id']} without an address"


def _number(key: str) -> tuple[int, str]:
    return (int(key) if key.isdigit() else 0), key
