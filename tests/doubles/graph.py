"""A double of Microsoft Graph's mail API: folders, messages, delta, permissions and refusals, over real HTTPS."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import getaddresses
from typing import Any
from urllib.parse import quote, unquote, urlencode

from aiohttp import web

from tests.doubles.entra import EntraServer
from tests.doubles.https_server import KIND, HttpsServer
from tests.doubles.mailstore import Change, MailStore, Stored, rfc3339

_SELECTABLE = {
    "id", "internetMessageId", "conversationId", "conversationIndex", "receivedDateTime", "sentDateTime", "subject",
    "from", "sender", "toRecipients", "ccRecipients", "bccRecipients", "replyTo", "isDraft", "isRead", "flag",
    "internetMessageHeaders", "parentFolderId", "hasAttachments", "body", "bodyPreview", "webLink",
}  # fmt: skip
"""Properties of microsoft.graph.message (v1.0) that the double has."""
_MEETING = "microsoft.graph.eventMessage/meetingMessageType"
_MAX_FILTERED = 5000
_FILTER = re.compile(r"receivedDateTime ge (\S+)")
_MEETINGS = {
    ("REPLY", "ACCEPTED"): "meetingAccepted",
    ("REPLY", "TENTATIVE"): "meetingTenativelyAccepted",
    ("REPLY", "DECLINED"): "meetingDeclined",
    ("REQUEST", ""): "meetingRequest",
    ("CANCEL", ""): "meetingCancelled",
}


_FOLDERS = {
    "AAMinbox": "Posteingang", "AAMsent": "Gesendete Elemente", "AAMdrafts": "Entwürfe", "AAMdeleted": "Gelöscht",
    "AAMjunk": "Junk-E-Mail", "AAMoutbox": "Postausgang",
}  # fmt: skip
_WELL_KNOWN = {
    "inbox": "AAMinbox", "sentitems": "AAMsent", "drafts": "AAMdrafts", "deleteditems": "AAMdeleted",
    "junkemail": "AAMjunk", "outbox": "AAMoutbox",
}  # fmt: skip
INBOX, SENT = "AAMinbox", "AAMsent"


@dataclass
class GraphUser:
    """A mailbox, and what the application may do there: basic, read, or nothing."""

    store: MailStore
    may: str = "read"
    folders: dict[str, str] = field(default_factory=lambda: dict(_FOLDERS))
    """Display names (paths) by id."""


@dataclass
class EntraGroup:
    """A group of the directory with the objects in it, as Graph shows them to who may read people."""

    address: str
    members: list[dict[str, Any]] = field(default_factory=list)
    names_people: bool = True
    """Without User.Read.All each member is an id, and all else is null."""


class GraphServer:
    """Exchange Online for several mailboxes, with an Entra of its own."""

    def __init__(self) -> None:
        self.entra = EntraServer()
        self.server = HttpsServer(self._take)
        self.users: dict[str, GraphUser] = {}
        self.groups: dict[str, EntraGroup] = {}
        """By id."""
        self.refuses_meeting_type = False
        self.refuses_count = False
        self.noisy = False
        """Pages repeat items, some are empty, and updates come though only creations were asked for."""

    def close(self) -> None:
        self.server.close()
        self.entra.server.close()

    def user(self, address: str, may: str = "read") -> GraphUser:
        return self.users.setdefault(address, GraphUser(MailStore(address), may))

    async def _take(self, request: web.Request) -> web.StreamResponse:
        assert request.method == "GET", "nothing else is a reader's business"
        if not self.entra.accepts(request.headers.get("Authorization", "")):
            return _error(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
        steps = [unquote(step) for step in request.raw_path.partition("?")[0].strip("/").split("/")]
        if steps[:2] == ["v1.0", "groups"]:
            return self._groups(request, steps[2:])
        if steps[:2] != ["v1.0", "users"] or len(steps) < 4:
            return _error(404, "ResourceNotFound", "Resource could not be discovered.")
        user = self.users.get(steps[2])
        if user is None:
            return _error(404, "ErrorInvalidUser", f"The requested user '{steps[2]}' is invalid.")
        if not user.may:
            return _error(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        call = _Call(self, user, request, steps[2])
        if 'IdType="ImmutableId"' not in call.prefer:
            return _error(400, "ErrorInvalidRequest", "This double wants immutable ids on every request.")
        match steps[3:]:
            case ["mailFolders"]:
                return call.list_folders("")
            case ["mailFolders", name]:
                return call.folder(name)
            case ["mailFolders", name, "childFolders"]:
                return call.list_folders(name)
            case ["mailFolders", name, "messages"]:
                return call.list_messages(_WELL_KNOWN.get(name, name))
            case ["mailFolders", name, "messages", "delta"]:
                return call.delta(_WELL_KNOWN.get(name, name))
            case ["messages", name]:
                return call.message(name)
            case ["messages", name, "$value"]:
                return call.value(name)
        return _error(404, "ResourceNotFound", f"No such resource: {request.path}")

    def _groups(self, request: web.Request, steps: list[str]) -> web.Response:
        request[KIND] = "group"
        if not steps:
            wanted = re.fullmatch(r"mail eq '([^']*)'", request.query.get("$filter", ""))
            found = [name for name, group in self.groups.items() if wanted and group.address == wanted[1]]
            return web.json_response({"value": [{"id": name} for name in found]})
        group = self.groups.get(steps[0])
        if group is None or steps[1:] != ["transitiveMembers"]:
            return _error(404, "Request_ResourceNotFound", f"Resource '{steps[0]}' does not exist.")
        size, start = int(request.query.get("$top", 100)), int(request.query.get("$skiptoken", 0))
        asked = {"@odata.type", *request.query["$select"].split(",")}
        told = asked if group.names_people else {"@odata.type", "id"}
        page = [
            {name: one[name] if name in told else None for name in asked & one.keys()}
            for one in group.members[start : start + min(size, 200)]
        ]
        body: dict[str, Any] = {"value": page}
        if (after := start + len(page)) < len(group.members):
            query = urlencode({**request.query, "$skiptoken": after})
            body["@odata.nextLink"] = f"{self.server.url}{request.path}?{query}"
        return web.json_response(body)


@dataclass
class _Call:
    graph: GraphServer
    user: GraphUser
    request: web.Request
    address: str

    @property
    def prefer(self) -> str:
        return self.request.headers.get("Prefer", "")

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query

    @property
    def store(self) -> MailStore:
        return self.user.store

    @property
    def page_size(self) -> int:
        found = re.search(r"odata\.maxpagesize=(\d+)", self.prefer)
        return int(self.query.get("$top", found[1] if found else 10))

    def list_folders(self, parent: str) -> web.Response:
        self.request[KIND] = "folders"
        top = self.user.folders.get(_WELL_KNOWN.get(parent, parent), "")
        names = [
            name
            for name, path in self.user.folders.items()
            if path.rpartition("/")[0] == top and (path.count("/") == 0) == (not parent)
        ]
        return web.json_response({"value": [self._folder(name) for name in names]})

    def folder(self, name: str) -> web.Response:
        self.request[KIND] = "folder"
        name = _WELL_KNOWN.get(name, name)
        if name not in self.user.folders:
            return _error(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return web.json_response(self._folder(name))

    def _folder(self, name: str) -> dict[str, Any]:
        path = self.user.folders[name]
        return {
            "id": name,
            "displayName": path.rpartition("/")[2],
            "totalItemCount": len(self.store.within(name)),
            "childFolderCount": sum(other.rpartition("/")[0] == path for other in self.user.folders.values()),
        }

    def list_messages(self, folder: str) -> web.Response:
        self.request[KIND] = "list"
        if (wrong := self._unknown()) is not None:
            return wrong
        found = self.store.within(folder, self._filtered())
        order = self.query.get("$orderby", "receivedDateTime desc")
        if order.endswith("desc"):
            found.reverse()
        skip, size = int(self.query.get("$skip", 0)), self.page_size
        body: dict[str, Any] = {"value": [self.render(one) for one in found[skip : skip + size]]}
        if self.query.get("$count") == "true":
            body["@odata.count"] = len(found)
        if len(found) > skip + size:
            body["@odata.nextLink"] = self._link({**self.query, "$skip": str(skip + size)})
        return web.json_response(body)

    def delta(self, folder: str) -> web.Response:
        self.request[KIND] = "delta"
        token = self.query.get("$deltatoken") or self.query.get("$skiptoken")
        if token is None:
            if (wrong := self._unknown()) is not None:
                return wrong
            state: dict[str, Any] = {
                "epoch": self.store.epoch,
                "from": self.store.number,
                "query": dict(self.query),
                "last": "",
            }
        else:
            state = json.loads(base64.urlsafe_b64decode(token))
        if state["epoch"] != self.store.epoch:
            return _error(410, "SyncStateNotFound", "The sync state generation is not found; please resync.")
        asked = state["query"]
        if "last" in state:
            return self._first_round(folder, state, asked)
        changes = [one for one in self.store.since(state["from"], folder) if self._wanted(one, asked)]
        size = self.page_size
        page = changes[:size]
        items = [self._change(one, asked) for one in page]
        if self.graph.noisy and items:
            items += items[:1]
        if len(changes) > size:
            state["from"] = page[-1].number
            return self._answer(items, "@odata.nextLink", "$skiptoken", state)
        state["from"] = changes[-1].number if changes else state["from"]
        return self._answer(items, "@odata.deltaLink", "$deltatoken", state)

    def _first_round(self, folder: str, state: dict[str, Any], asked: Mapping[str, str]) -> web.Response:
        """All that is in the folder, in no useful order; with a filter it ends after 5,000."""
        since = _FILTER.search(asked.get("$filter", ""))
        found = self.store.within(folder, datetime.fromisoformat(since[1]) if since else None)
        if since:
            found = found[-_MAX_FILTERED:]
        waiting = sorted((one for one in found if one.id > state["last"]), key=lambda one: one.id)
        page = waiting[: self.page_size]
        items = [self.render(one, asked) for one in page]
        if self.graph.noisy and page and len(page) % 3 == 1:
            items = [*items, items[0]]
        if len(waiting) > len(page):
            return self._answer(items, "@odata.nextLink", "$skiptoken", {**state, "last": page[-1].id})
        state.pop("last")
        return self._answer(items, "@odata.deltaLink", "$deltatoken", state)

    def _wanted(self, change: Change, asked: Mapping[str, str]) -> bool:
        kinds = asked.get("changeType", "created,updated,deleted").split(",")
        if change.kind == "deleted":
            return "deleted" in kinds or self.graph.noisy
        one = self.store.messages.get(change.id)
        since = _FILTER.search(asked.get("$filter", ""))
        if one is None or one.folder != change.folder or (since and one.received < datetime.fromisoformat(since[1])):
            return False
        return change.kind in kinds

    def _change(self, change: Change, asked: Mapping[str, str]) -> dict[str, Any]:
        one = self.store.messages.get(change.id)
        if change.kind == "deleted" or one is None:
            return {"@odata.type": "#microsoft.graph.message", "id": change.id, "@removed": {"reason": "deleted"}}
        return self.render(one, asked)

    def message(self, name: str) -> web.Response:
        self.request[KIND] = "message"
        one = self.store.messages.get(name)
        if one is None:
            return _error(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        if not one.readable:
            return _error(500, "ErrorInternalServerError", "An internal server error occurred. The operation failed.")
        if (wrong := self._unknown()) is not None:
            return wrong
        return web.json_response(self.render(one))

    def value(self, name: str) -> web.Response:
        self.request[KIND] = "content"
        if self.user.may != "read":
            return _error(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        one = self.store.messages.get(name)
        if one is None:
            return _error(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return web.Response(body=one.raw, content_type="text/plain")

    def render(self, one: Stored, asked: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A message as JSON: of one that is damaged, the id is all that the server tells."""
        asked = self.query if asked is None else asked
        if not one.readable:
            return {"id": one.id}
        whole = self._properties(one)
        select = asked.get("$select", "")
        wanted = set(select.split(",")) if select else set(whole)
        body = {"@odata.etag": 'W/"1"', "id": one.id} | {name: whole[name] for name in whole if name in wanted}
        if one.folder == SENT:
            body.pop("internetMessageHeaders", None)
        if meeting := _MEETINGS.get(one.calendar):
            body["@odata.type"] = "#microsoft.graph.eventMessageResponse"
            if not select or _MEETING in wanted:
                body["meetingMessageType"] = meeting
        if expand := asked.get("$expand", ""):
            values = {"0x1042": one.header("In-Reply-To"), "0x1039": one.header("References"), "0x1a": _class(one)}
            body["singleValueExtendedProperties"] = [
                {"id": f"String {tag}", "value": value} for tag, value in values.items() if value and tag in expand
            ]
        return body

    def _properties(self, one: Stored) -> dict[str, Any]:
        who = {name: _recipients(one.header(name)) for name in ("From", "Sender", "To", "Cc", "Bcc", "Reply-To")}
        author = who["From"][0] if who["From"] else None
        found: dict[str, Any] = {
            "internetMessageId": one.message_id or None,
            "conversationId": one.conversation,
            "conversationIndex": one.conversation_index,
            "receivedDateTime": rfc3339(one.received),
            "sentDateTime": rfc3339(one.received),
            "subject": one.header("Subject"),
            "from": author,
            "sender": who["Sender"][0] if who["Sender"] else author,
            "toRecipients": who["To"],
            "ccRecipients": who["Cc"],
            "bccRecipients": who["Bcc"],
            "replyTo": who["Reply-To"],
            "webLink": f"https://outlook.office365.com/owa/?ItemID={quote(str(one.id), safe='')}&exvsurl=1",
            "isDraft": "draft" in one.flags,
            "isRead": "read" in one.flags,
            "parentFolderId": one.folder,
            "internetMessageHeaders": [{"name": name, "value": value} for name, value in one.headers],
        }
        if self.user.may == "read":
            found["body"] = {"contentType": "text", "content": one.raw.partition(b"\r\n\r\n")[2].decode("latin-1")}
        return found

    def _unknown(self) -> web.Response | None:
        """The refusal of a request that selects what is not there, or expands what the grant hides."""
        if self.graph.refuses_count and "$count" in self.query:
            return _error(400, "ErrorInvalidUrlQuery", "The following parameters are not supported: '$count'.")
        for name in self.query.get("$select", "id").split(","):
            if name == _MEETING and not self.graph.refuses_meeting_type:
                continue
            if name not in _SELECTABLE:
                words = f"Parsing OData Select and Expand failed: Could not find a property named '{name}'"
                return _error(400, "RequestBroker--ParseUri", words)
        if "singleValueExtendedProperties" in self.query.get("$expand", "") and self.user.may != "read":
            return _error(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        return None

    def _filtered(self) -> datetime | None:
        found = _FILTER.fullmatch(self.query.get("$filter", ""))
        return datetime.fromisoformat(found[1]) if found else None

    def _answer(self, items: list[dict[str, Any]], link: str, name: str, state: dict[str, Any]) -> web.Response:
        token = base64.urlsafe_b64encode(json.dumps(state).encode()).decode()
        return web.json_response({"value": items, link: self._link({name: token})})

    def _link(self, query: Mapping[str, str]) -> str:
        words = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        return f"{self.graph.server.url}{self.request.rel_url.raw_path}?{words}"


def _class(one: Stored) -> str:
    if one.is_report:
        return "REPORT.IPM.Note.NDR"
    answers = {"ACCEPTED": "Pos", "TENTATIVE": "Tent", "DECLINED": "Neg"}
    method, status = one.calendar
    return f"IPM.Schedule.Meeting.Resp.{answers[status]}" if method == "REPLY" and status in answers else "IPM.Note"


def _recipients(value: str) -> list[dict[str, Any]]:
    return [{"emailAddress": {"name": name, "address": address}} for name, address in getaddresses([value])]


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
