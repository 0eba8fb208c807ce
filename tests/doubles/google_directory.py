"""A double of Google's Admin SDK (users and members of groups) over real HTTPS, held to Google's own description."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.doubles.gmail import masked, parsed_mask
from tests.doubles.google_schema import conforms, described
from tests.doubles.google_tokens import GoogleTokenServer
from tests.doubles.https_server import KIND, HttpsServer

API = "admin.directory_v1"
ADMIN = "admin@acme.test"


@dataclass
class GoogleDirectoryServer:
    """The people of one domain, and its groups."""

    tokens: GoogleTokenServer = field(default_factory=GoogleTokenServer)
    people: list[dict[str, Any]] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=dict)
    """Addresses of members by address: those of people, of other groups and of strangers."""
    privileged: set[str] = field(default_factory=lambda: {ADMIN})
    """Users with the privilege to read users and groups."""
    page: int = 500
    """Entries of a page at most."""

    def __post_init__(self) -> None:
        self.tokens.users.add(ADMIN)
        self.server = HttpsServer(self._take)

    def close(self) -> None:
        self.server.close()
        self.tokens.server.close()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        assert request.method == "GET", "nothing else is a reader's business"
        if (who := self.tokens.bearer(request.headers.get("Authorization", ""))) is None:
            return _refused(401, "authError", "Invalid Credentials")
        user, scopes = who
        steps = [unquote(one) for one in request.raw_path.partition("?")[0].strip("/").split("/")]
        what = "members" if steps[3:4] == ["groups"] else "users"
        request[KIND] = what
        method = described(API)["resources"][what]["methods"]["list"]
        for name, value in request.query.items():
            known = (method["parameters"] | described(API)["parameters"])[name]
            assert value in known.get("enum", [value])
        if not scopes & set(method["scopes"]):
            return _refused(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
        if user not in self.privileged:
            return _refused(403, "forbidden", "Not Authorized to access this resource/api")
        if what == "users":
            return self._users(request)
        if steps[4] not in self.groups:
            return _refused(404, "notFound", f"Resource Not Found: groupKey {steps[4]}")
        derived = request.query.get("includeDerivedMembership") == "true"
        return self._page(request, what, "Members", list(self._members(steps[4], derived=derived).values()), 200)

    def _members(self, group: str, *, derived: bool) -> dict[str, dict[str, Any]]:
        """By address; with those of groups within it where they are asked for."""
        ids = {one["primaryEmail"]: one["id"] for one in self.people}
        found: dict[str, dict[str, Any]] = {}
        for address in self.groups[group]:
            member = {"email": address, "id": ids.get(address, f"g-{address}"), "role": "MEMBER"}
            kind = "GROUP" if address in self.groups else "USER" if address in ids else "EXTERNAL"
            found[address] = member | {"type": kind}
            if kind == "GROUP" and derived:
                found = self._members(address, derived=True) | found
        return found

    def _users(self, request: web.Request) -> web.Response:
        assert request.query["customer"] == "my_customer"
        found = self.people
        if "query" in request.query:
            key, _, path = request.query["query"].partition("=")
            assert key == "orgUnitPath"
            assert path[0] == path[-1] == "'"
            unit = path[1:-1].replace("\\'", "'").rstrip("/")
            found = [one for one in found if f"{one['orgUnitPath']}/".startswith(f"{unit}/")]
        return self._page(request, "users", "Users", found, 500)

    def _page(self, request: web.Request, what: str, schema: str, found: list[Any], most: int) -> web.Response:
        start, size = int(request.query.get("pageToken", 0)), min(self.page, int(request.query["maxResults"]), most)
        body: dict[str, Any] = {"kind": f"admin#directory#{what}", "etag": "e"}
        if page := found[start : start + size]:
            body[what] = page
        if start + size < len(found):
            body["nextPageToken"] = str(start + size)
        conforms(described(API), schema, body)
        fields = request.query.get("fields")
        return web.json_response(masked(body, parsed_mask(fields)) if fields else body)


def person(number: int, **words: Any) -> dict[str, Any]:
    """A user as the Admin SDK shows them."""
    return {
        "id": f"id-{number}",
        "primaryEmail": f"p{number}@acme.test",
        "name": {"givenName": "Person", "familyName": str(number), "fullName": f"Person {number}"},
        "aliases": [f"person.{number}@acme.test"],
        "nonEditableAliases": [f"p{number}@acme.test.test-google-a.com"],
        "suspended": False,
        "archived": False,
        "orgUnitPath": "/Sales/EMEA" if number % 2 else "/Sales",
        "organizations": [{"department": "old"}, {"primary": True, "department": "emea" if number % 2 else "apac"}],
        "relations": [{"type": "manager", "value": "P0@acme.test"}],
        **words,
    }


def _refused(status: int, reason: str, words: str) -> web.Response:
    error = {"code": status, "message": words, "errors": [{"domain": "global", "reason": reason, "message": words}]}
    return web.json_response({"error": error}, status=status)
