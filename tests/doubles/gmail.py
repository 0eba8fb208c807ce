"""A double of the Gmail API over real HTTPS, held to Google's own description of it (the discovery document)."""

from __future__ import annotations

import base64
import email
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from aiohttp import web

from tests.doubles.google_schema import conforms, described
from tests.doubles.google_tokens import GoogleTokenServer
from tests.doubles.https_server import KIND, HttpsServer
from tests.doubles.mailstore import Change, MailStore, Stored
from tests.doubles.pubsub import TOPIC, PubSub

API = "gmail.v1"
METADATA = "https://www.googleapis.com/auth/gmail.metadata"
READONLY = "https://www.googleapis.com/auth/gmail.readonly"
UNITS = {
    "getProfile": 1,
    "labels": 1,
    "messages.list": 5,
    "history": 2,
    "messages.get": 20,
    "attachments": 20,
    "watch": 100,
}
"""Quota units of a call (since May 2026)."""


@dataclass
class GmailAnswer:
    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class GmailServer:
    """Mailboxes of one domain, and their quota."""

    tokens: GoogleTokenServer = field(default_factory=GoogleTokenServer)
    stores: dict[str, MailStore] = field(default_factory=dict)
    units: Counter[str] = field(default_factory=Counter)
    """Quota used, by user."""
    units_per_minute: int = 10**9
    calendar_inline: bool = False
    """Calendar parts come within the message, or have an id to fetch them by: both are seen in the wild."""
    noisy: bool = False
    """History repeats records, and some pages are empty."""
    inner_fault: Any = None
    """A function of (user, message id) that may give a GmailAnswer instead of a message in a batch."""

    def __post_init__(self) -> None:
        self.server = HttpsServer(self._take)
        self.pubsub = PubSub(self.tokens, tick=self._tell)
        self.watched: dict[str, int] = {}
        """Users whose changes are told, and the last change that was."""
        self.watch_lasts = 7 * 86400.0
        """Seconds, from one call of `watch` to the next that is needed."""
        self._windows: dict[str, tuple[float, int]] = {}

    def close(self) -> None:
        self.server.close()
        self.pubsub.server.close()
        self.tokens.server.close()

    def user(self, address: str) -> MailStore:
        self.tokens.users.add(address)
        return self.stores.setdefault(address, MailStore(address))

    async def _take(self, request: web.Request) -> web.StreamResponse:
        who = self.tokens.bearer(request.headers.get("Authorization", ""))
        if request.path == "/batch":
            assert request.method == "POST"
            request[KIND] = "batch"
            if who is None:
                return _sent(_unauthorized())
            return self._batch(who, await request.text(), request.headers["Content-Type"])
        body = await request.json() if request.path.endswith("/watch") else None
        assert request.method == ("GET" if body is None else "POST"), "nothing else is a reader's business"
        if who is None:
            return _sent(_unauthorized())
        kind, answer = self._call(who, request.raw_path, body)
        request[KIND] = kind
        return _sent(answer)

    def _batch(self, who: tuple[str, set[str]], body: str, content_type: str) -> web.Response:
        """Inner requests in one multipart body; each has its own answer."""
        outer = email.message_from_string(f"Content-Type: {content_type}\r\n\r\n{body}")
        lines: list[str] = []
        parts = outer.get_payload()
        assert isinstance(parts, list)
        assert len(parts) <= 100
        for part in parts:
            assert isinstance(part, Message)
            method, path, _ = str(part.get_payload()).splitlines()[0].split(" ", 2)
            assert method == "GET", "nothing else is a reader's business"
            name = urlsplit(path).path.rpartition("/")[2]
            fault = self.inner_fault(who[0], name) if self.inner_fault else None
            answer = fault or self._call(who, path)[1]
            identity = str(part["Content-ID"]).replace("<", "<response-", 1)
            text = json.dumps(answer.body)
            lines += [
                "--b", "Content-Type: application/http", f"Content-ID: {identity}", "",
                f"HTTP/1.1 {answer.status} Answer", "Content-Type: application/json; charset=UTF-8",
                f"Content-Length: {len(text)}", "", text,
            ]  # fmt: skip
        return web.Response(
            body="\r\n".join([*lines, "--b--", ""]).encode(), headers={"Content-Type": "multipart/mixed; boundary=b"}
        )

    def _tell(self) -> None:
        """Publishes what happened, one message a user at most (Google: one a second)."""
        for user, told in list(self.watched.items()):
            if (number := self.stores[user].number) > told:
                self.watched[user] = number
                self.pubsub.publish({"emailAddress": user, "historyId": number})

    def _call(self, who: tuple[str, set[str]], raw_path: str, body: Any = None) -> tuple[str, GmailAnswer]:
        """Finds the method in Google's description, checks the request and the answer by it."""
        user, scopes = who
        url = urlsplit(raw_path)
        steps = [unquote(step) for step in url.path.strip("/").split("/")]
        query = parse_qsl(url.query, keep_blank_values=True)
        if steps[:4] != ["gmail", "v1", "users", "me"]:
            return "unknown", _error(404, "notFound", "Not Found")
        users = described(API)["resources"]["users"]
        messages = users["resources"]["messages"]
        match steps[4:]:
            case ["profile"]:
                name, method = "getProfile", users["methods"]["getProfile"]
            case ["labels"]:
                name, method = "labels", users["resources"]["labels"]["methods"]["list"]
            case ["messages"]:
                name, method = "messages.list", messages["methods"]["list"]
            case ["messages", _]:
                name, method = "messages.get", messages["methods"]["get"]
            case ["messages", _, "attachments", _]:
                name, method = "attachments", messages["resources"]["attachments"]["methods"]["get"]
            case ["history"]:
                name, method = "history", users["resources"]["history"]["methods"]["list"]
            case ["watch"]:
                name, method = "watch", users["methods"]["watch"]
            case _:
                return "unknown", _error(404, "notFound", "Not Found")
        if not scopes & set(method["scopes"]):
            return name, _error(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
        known = method["parameters"] | described(API)["parameters"]
        for key, value in query:
            assert key in known, f"{name} has no parameter {key}"
            assert value in known[key].get("enum", [value]), f"{key} cannot be {value}"
            assert key in ("historyTypes", "metadataHeaders", "labelIds") or [k for k, _ in query].count(key) == 1
        if not self._affordable(user, UNITS[name]):
            return name, _error(403, "userRateLimitExceeded", "User-rate limit exceeded. Retry after a while.")
        if body is not None:
            conforms(described(API), method["request"]["$ref"], body)
        store = self.stores[user]
        answer = (
            self._watch(user, body) if name == "watch" else _Call(self, user, store, query, scopes).answer(name, steps)
        )
        if answer.status == 200:
            conforms(described(API), method["response"]["$ref"], answer.body)
            fields = dict(query).get("fields")
            answer.body = masked(answer.body, parsed_mask(fields)) if fields else answer.body
        return name, answer

    def _watch(self, user: str, body: dict[str, Any]) -> GmailAnswer:
        if body["topicName"] != TOPIC:
            return _error(404, "notFound", f"Resource not found (resource={body['topicName'].rpartition('/')[2]}).")
        if not self.pubsub.gmail_may_publish:
            words = f"Error sending test message to Cloud PubSub {TOPIC} : User not authorized to perform this action."
            return _error(403, "forbidden", words)
        number = self.stores[user].number
        self.pubsub.publish({"emailAddress": user, "historyId": number})  # a first one, at once
        self.watched[user] = number
        return GmailAnswer(
            200, {"historyId": str(number), "expiration": str(int((time.time() + self.watch_lasts) * 1000))}
        )

    def _affordable(self, user: str, units: int) -> bool:
        self.units[user] += units
        start, used = self._windows.get(user, (0.0, 0))
        if time.monotonic() - start > 60:
            start, used = time.monotonic(), 0
        self._windows[user] = (start, used + units)
        return used + units <= self.units_per_minute


@dataclass
class _Call:
    gmail: GmailServer
    user: str
    store: MailStore
    query: list[tuple[str, str]]
    scopes: set[str]

    @property
    def one(self) -> dict[str, str]:
        return dict(self.query)

    def answer(self, name: str, steps: list[str]) -> GmailAnswer:
        match name:
            case "getProfile":
                its = [one for one in self.store.messages.values() if one.folder not in ("SPAM", "TRASH")]
                body = {"emailAddress": self.user, "messagesTotal": len(its), "threadsTotal": len(its)}
                return GmailAnswer(200, body | {"historyId": str(self.store.number)})
            case "labels":
                names = ("INBOX", "SENT", "SPAM", "TRASH", "DRAFT", "CHAT")
                found = [{"id": one, "name": one, "type": "system"} for one in names]
                return GmailAnswer(200, {"labels": [*found, {"id": "Label_1", "name": "Private", "type": "user"}]})
            case "messages.list":
                return self._list()
            case "messages.get":
                return self._get(steps[5])
            case "attachments":
                return self._attachment(steps[5], steps[7])
        return self._history()

    def _list(self) -> GmailAnswer:
        if "q" in self.one and READONLY not in self.scopes:
            return _error(403, "forbidden", "Metadata scope does not support 'q' parameter")
        hidden = () if self.one.get("includeSpamTrash") == "true" else ("SPAM", "TRASH")
        with self.store.lock:
            found = [one for one in self.store.messages.values() if not _labels(one) & set(hidden)]
        found.sort(key=lambda one: (one.received, one.id), reverse=True)
        start, size = int(self.one.get("pageToken", 0)), min(500, int(self.one.get("maxResults", 100)))
        body: dict[str, Any] = {"resultSizeEstimate": len(found)}
        if page := found[start : start + size]:
            body["messages"] = [{"id": one.id, "threadId": one.conversation[:16]} for one in page]
        if len(found) > start + size:
            body["nextPageToken"] = str(start + size)
        return GmailAnswer(200, body)

    def _get(self, name: str) -> GmailAnswer:
        one = self.store.messages.get(name)
        if one is None:
            return _error(404, "notFound", "Requested entity was not found.")
        form = self.one.get("format", "full")
        if form in ("full", "raw") and READONLY not in self.scopes:
            return _error(403, "forbidden", f"Metadata scope doesn't allow format {form.upper()}")
        if not one.readable:
            return _error(500, "backendError", "Internal error encountered.")
        body: dict[str, Any] = {
            "id": one.id,
            "threadId": one.conversation[:16],
            "labelIds": sorted(_labels(one)),
            "snippet": one.raw.partition(b"\r\n\r\n")[2][:80].decode("latin-1"),
            "internalDate": str(int(one.received.timestamp() * 1000)),
            "historyId": str(self.store.number),
            "sizeEstimate": len(one.raw),
        }
        if form == "raw":
            body["raw"] = base64.urlsafe_b64encode(one.raw).decode()
        elif form != "minimal":
            whole = self._part(one.parsed, "", one)
            wanted = {value.lower() for key, value in self.query if key == "metadataHeaders"}
            if form == "metadata":
                whole = {key: whole[key] for key in ("mimeType", "headers")}
                if wanted:
                    whole["headers"] = [each for each in whole["headers"] if each["name"].lower() in wanted]
            body["payload"] = whole
        return GmailAnswer(200, body)

    def _part(self, part: Message, number: str, one: Stored) -> dict[str, Any]:
        headers = one.headers if not number else Stored("", "", bytes(part), one.received).headers
        kind = part.get_content_type()
        found: dict[str, Any] = {
            "partId": number, "mimeType": kind, "filename": part.get_filename() or "",
            "headers": [{"name": name, "value": value} for name, value in headers], "body": {"size": 0},
        }  # fmt: skip
        if kind.startswith("multipart/") and part.is_multipart():
            children = part.get_payload()
            assert isinstance(children, list)
            found["parts"] = [
                self._part(child, f"{number}.{at}" if number else str(at), one)
                for at, child in enumerate(children)
                if isinstance(child, Message)
            ]
            return found
        payload = _payload(part)
        found["body"] = {"size": len(payload)}
        apart = (
            kind == "message/rfc822"
            or found["filename"]
            or (kind == "text/calendar" and not self.gmail.calendar_inline)
        )
        if apart:
            found["body"]["attachmentId"] = f"ANG{number}"
        else:
            found["body"]["data"] = base64.urlsafe_b64encode(payload).decode()
        return found

    def _attachment(self, name: str, attachment: str) -> GmailAnswer:
        one = self.store.messages.get(name)
        if one is None:
            return _error(404, "notFound", "Requested entity was not found.")
        part = one.parsed
        for step in attachment.removeprefix("ANG").split("."):
            children = part.get_payload()
            assert isinstance(children, list)
            child = children[int(step)]
            assert isinstance(child, Message)
            part = child
        payload = _payload(part)
        return GmailAnswer(200, {"size": len(payload), "data": base64.urlsafe_b64encode(payload).decode()})

    def _history(self) -> GmailAnswer:
        start = int(self.one["startHistoryId"])
        if start < self.store.floor:
            return _error(404, "notFound", "Requested entity was not found.")
        types = {value for key, value in self.query if key == "historyTypes"}
        after = int(self.one.get("pageToken", start))
        size = min(500, int(self.one.get("maxResults", 100)))
        with self.store.lock:
            changes = [one for one in self.store.since(after) if self._record(one, types)]
            records = [record for one in changes[:size] if (record := self._record(one, types))]
            body: dict[str, Any] = {"historyId": str(self.store.number)}
        if self.gmail.noisy and records:
            records.append(records[-1])
        if records:
            body["history"] = records
        if len(changes) > size:
            body["nextPageToken"] = str(changes[size - 1].number)
        return GmailAnswer(200, body)

    def _record(self, change: Change, types: set[str]) -> dict[str, Any] | None:
        one = self.store.messages.get(change.id)
        message: dict[str, Any] = {"id": change.id, "threadId": one.conversation[:16] if one else change.id}
        record: dict[str, Any] = {"id": str(change.number), "messages": [dict(message)]}
        if one is not None:
            message["labelIds"] = sorted(_labels(one))
        if change.kind == "created" and change.moved and "labelAdded" in types:
            return record | {"labelsAdded": [{"message": message, "labelIds": [change.folder]}]}
        if change.kind == "deleted" and change.moved and "labelRemoved" in types:
            return record | {"labelsRemoved": [{"message": message, "labelIds": [change.folder]}]}
        if change.kind == "created" and not change.moved and "messageAdded" in types:
            message["labelIds"] = [change.folder, "UNREAD"]
            return record | {"messagesAdded": [{"message": message}]}
        if change.kind == "updated" and "labelRemoved" in types:
            return record | {"labelsRemoved": [{"message": message, "labelIds": ["UNREAD"]}]}
        if change.kind == "deleted" and not change.moved and "messageDeleted" in types:
            return record | {"messagesDeleted": [{"message": message}]}
        return None


def _labels(one: Stored) -> set[str]:
    marks = {"flagged": "STARRED"}
    unread = set() if "read" in one.flags or one.folder == "SENT" else {"UNREAD"}
    return {one.folder} | unread | {marks[flag] for flag in one.flags if flag in marks}


def _payload(part: Message) -> bytes:
    if part.get_content_type() in ("message/rfc822", "message/delivery-status") and part.is_multipart():
        children = part.get_payload()
        assert isinstance(children, list)
        return b"\r\n".join(bytes(child).replace(b"\n", b"\r\n") for child in children if isinstance(child, Message))
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


Mask = dict[str, Any]


def parsed_mask(fields: str) -> Mask:
    """Google's partial responses: `a,b(c,d(e))`."""
    stack: list[Mask] = [{}]
    name = ""
    for token in re.findall(r"[(),]|[^(),]+", fields):
        if token == "(":
            stack.append(stack[-1][name])
        elif token == ")":
            stack.pop()
        elif token != ",":
            name = token
            stack[-1][name] = {}
    assert len(stack) == 1, "the parentheses of `fields` do not match"
    return stack[0]


def masked(value: Any, mask: Mask) -> Any:
    if isinstance(value, list):
        return [masked(one, mask) for one in value]
    if not mask or not isinstance(value, dict):
        return value
    return {name: masked(value[name], inner) for name, inner in mask.items() if name in value}


def _sent(answer: GmailAnswer) -> web.Response:
    return web.json_response(answer.body, status=answer.status, headers=answer.headers)


def _unauthorized() -> GmailAnswer:
    return _error(401, "authError", "Invalid Credentials")


def _error(status: int, reason: str, message: str) -> GmailAnswer:
    errors = [{"message": message, "domain": "global", "reason": reason}]
    return GmailAnswer(status, {"error": {"code": status, "message": message, "errors": errors}})
