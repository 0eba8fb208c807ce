"""A double of Exchange Web Services over real HTTPS: NTLM by a real acceptor, Basic, impersonation and rights."""

from __future__ import annotations

import asyncio
import base64
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import getaddresses
from tempfile import NamedTemporaryFile
from typing import Any
from weakref import WeakKeyDictionary
from xml.sax.saxutils import escape, quoteattr

import spnego
from aiohttp import web

from inboxwatch import now as instant
from tests.doubles import ews_soap
from tests.doubles.https_server import KIND, HttpsServer
from tests.doubles.mailstore import MailStore, Stored, rfc3339

M, T = ews_soap.MESSAGES, ews_soap.TYPES
DOMAIN, ACCOUNT, PASSWORD = "ACME", "watcher", "p4ss~w0rd~of~the~watcher"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd]")
"""What XML 1.0 cannot carry; Exchange leaves it out."""
_FOLDERS = {
    "root": ("", "Root"), "msgfolderroot": ("root", "Oberste Ebene"), "inbox": ("msgfolderroot", "Posteingang"),
    "sentitems": ("msgfolderroot", "Gesendete Elemente"), "drafts": ("msgfolderroot", "Entwürfe"),
    "deleteditems": ("msgfolderroot", "Gelöschte Elemente"), "junkemail": ("msgfolderroot", "Junk-E-Mail"),
    "outbox": ("msgfolderroot", "Postausgang"),
}  # fmt: skip
"""Parent and display name by distinguished id."""
INBOX, SENT = "inbox", "sentitems"


@dataclass
class EwsUser:
    store: MailStore
    rights: str = "reviewer"
    """What the watcher may do: reviewer, owner, or nothing."""
    folders: dict[str, tuple[str, str]] = field(default_factory=lambda: dict(_FOLDERS))


class Refusal(Exception):  # noqa: N818  (a normal answer)
    """An EWS response code."""


class EwsServer:
    """One Exchange Server, with one account that reads."""

    def __init__(self) -> None:
        self.server = HttpsServer(self._take)
        self.users: dict[str, EwsUser] = {}
        self.may_impersonate = False
        self.bearer: Container[str] | None = None
        """Tokens that are accepted, where the server takes any."""
        self.negotiate: Callable[[bytes], bool] | None = None
        """Judges Kerberos tokens, where the server takes any."""
        self.noisy = False
        """SyncFolderItems repeats items, and ends with an empty page."""
        self.lists: dict[str, list[tuple[str, str, str]]] = {}
        """Distribution groups by address: name, address and MailboxType of each member."""
        self.soap_fault: Any = None
        """A function of (operation, user) that may give (response code, back-off in ms) instead of an answer."""
        self._subscriptions: dict[str, tuple[MailStore, set[str], int]] = {}
        self._ntlm: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self._users_file = NamedTemporaryFile("w", suffix=".txt")  # noqa: SIM115  (as long as the double)
        self._users_file.write(f"{DOMAIN}:{ACCOUNT}:{PASSWORD}\n")
        self._users_file.flush()

    @property
    def url(self) -> str:
        return f"{self.server.url}/EWS/Exchange.asmx"

    @property
    def users_file(self) -> str:
        """For the environment variable NTLM_USER_FILE, where the acceptor looks passwords up."""
        return self._users_file.name

    def close(self) -> None:
        self.server.close()
        self._users_file.close()

    def user(self, address: str, rights: str = "reviewer") -> EwsUser:
        return self.users.setdefault(address, EwsUser(MailStore(address), rights))

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if (challenge := self._unauthorized(request)) is not None:
            request[KIND] = "login"
            return challenge
        assert request.method == "POST"
        envelope = ET.fromstring(body)
        header = envelope.find("{http://schemas.xmlsoap.org/soap/envelope/}Header")
        call = next(iter(envelope.find("{http://schemas.xmlsoap.org/soap/envelope/}Body") or ()))
        operation = call.tag.removeprefix(M)
        request[KIND] = operation
        assert not re.match("Create|Update|Delete|Move|Copy|Send|Mark|Empty|Archive", operation), "a reader writes"
        impersonated = header.findtext(f".//{T}PrimarySmtpAddress") if header is not None else None
        if self.soap_fault and (fault := self.soap_fault(operation, impersonated or "")):
            return ews_soap.answer(ews_soap.fault(*fault), 500)
        if operation == "GetStreamingEvents":
            return await self._stream(request, call)
        refusal = self._refusal(operation, impersonated)
        try:
            messages = (
                ews_soap.failed(operation, refusal) if refusal else "".join(self._done(operation, call, impersonated))
            )
        except Refusal as refused:
            messages = ews_soap.failed(operation, str(refused))
        return ews_soap.answer(
            f"<m:{operation}Response><m:ResponseMessages>{messages}</m:ResponseMessages></m:{operation}Response>"
        )

    def _refusal(self, operation: str, impersonated: str | None) -> str:
        if impersonated and not self.may_impersonate:
            return "ErrorImpersonateUserDenied"
        if impersonated and impersonated not in self.users:
            return "ErrorNonExistentMailbox"
        return "" if hasattr(self, f"_{operation}") else "ErrorInvalidOperation"

    def _done(self, operation: str, call: ET.Element, impersonated: str | None) -> Iterator[str]:
        found: Iterator[str] = getattr(self, f"_{operation}")(call, impersonated)
        return found

    def _unauthorized(self, request: web.Request) -> web.Response | None:
        """None for a request, or a connection, of the watcher; else the next step of the login."""
        given = request.headers.get("Authorization", "")
        scheme, _, proof = given.partition(" ")
        if scheme == "Bearer" and self.bearer is not None and proof in self.bearer:
            return None
        if scheme == "Basic" and base64.b64decode(proof).decode() == f"{DOMAIN}\\{ACCOUNT}:{PASSWORD}":
            return None
        if scheme == "Negotiate" and self.negotiate is not None and self.negotiate(base64.b64decode(proof)):
            return None
        known = self._ntlm.get(request.transport)
        if known is not None and known.complete and not given:
            return None
        if scheme == "NTLM":
            token = base64.b64decode(proof)
            if token[8:9] == b"\x01" or known is None:
                known = self._ntlm[request.transport] = spnego.server(protocol="ntlm")
            try:
                answer = known.step(token)
            except spnego.exceptions.SpnegoError:
                return web.Response(status=401, headers={"WWW-Authenticate": "NTLM"})
            if known.complete:
                return None
            headers = {"WWW-Authenticate": f"{scheme} {base64.b64encode(answer or b'').decode()}"}
            return web.Response(status=401, headers=headers)
        response = web.Response(status=401)
        for name in ("NTLM", 'Basic realm="mail"', *(["Negotiate"] if self.negotiate else [])):
            response.headers.add("WWW-Authenticate", name)
        return response

    def _place(self, element: ET.Element, impersonated: str | None) -> tuple[EwsUser, str, str]:
        """User, address and folder of a folder id."""
        if element.tag == f"{T}DistinguishedFolderId":
            address = element.findtext(f"{T}Mailbox/{T}EmailAddress") or impersonated or ""
            name = element.attrib["Id"]
        else:
            address, _, name = element.attrib["Id"].partition("!")
        user = self._user(address)
        if name not in user.folders:
            raise Refusal("ErrorFolderNotFound")
        return user, address, name

    def _user(self, address: str) -> EwsUser:
        user = self.users.get(address)
        if user is None:
            raise Refusal("ErrorNonExistentMailbox")
        if not user.rights:
            raise Refusal("ErrorAccessDenied")
        return user

    def _GetFolder(self, call: ET.Element, impersonated: str | None) -> Iterator[str]:  # noqa: N802  (EWS's name)
        for element in call.find(f"{M}FolderIds") or ():
            try:
                user, address, name = self._place(element, impersonated)
                yield ews_soap.done("GetFolder", f"<m:Folders>{_folder(user, address, name)}</m:Folders>")
            except Refusal as refusal:
                yield ews_soap.failed("GetFolder", str(refusal))

    def _FindFolder(self, call: ET.Element, impersonated: str | None) -> Iterator[str]:  # noqa: N802
        deep = call.attrib["Traversal"] == "Deep"
        for element in call.find(f"{M}ParentFolderIds") or ():
            user, address, name = self._place(element, impersonated)
            found = [one for one in user.folders if name in _above(user, one, deep=deep)]
            folders = "".join(_folder(user, address, one) for one in found)
            yield ews_soap.done(
                "FindFolder",
                f'<m:RootFolder TotalItemsInView="{len(found)}" IncludesLastItemInRange="true" '
                f'IndexedPagingOffset="{len(found)}"><t:Folders>{folders}</t:Folders></m:RootFolder>',
            )

    def _FindItem(self, call: ET.Element, impersonated: str | None) -> Iterator[str]:  # noqa: N802
        page = call.find(f"{M}IndexedPageItemView")
        assert page is not None
        since = call.find(f".//{T}IsGreaterThanOrEqualTo//{T}Constant")
        for element in call.find(f"{M}ParentFolderIds") or ():
            user, address, name = self._place(element, impersonated)
            found = user.store.within(
                name, datetime.fromisoformat(since.attrib["Value"]) if since is not None else None
            )
            if call.find(f".//{T}FieldOrder[@Order='Descending']") is not None:
                found.reverse()
            start, size = int(page.attrib["Offset"]), int(page.attrib["MaxEntriesReturned"])
            share = found[start : start + size]
            items = "".join(_item(address, one, _fields(call)) for one in share)
            over = "true" if start + size >= len(found) else "false"
            yield ews_soap.done(
                "FindItem",
                f'<m:RootFolder TotalItemsInView="{len(found)}" IncludesLastItemInRange="{over}" '
                f'IndexedPagingOffset="{start + len(share)}"><t:Items>{items}</t:Items></m:RootFolder>',
            )

    def _GetItem(self, call: ET.Element, impersonated: str | None) -> Iterator[str]:  # noqa: N802
        for element in call.find(f"{M}ItemIds") or ():
            address, _, name = element.attrib["Id"].partition("!")
            one = self._user(address).store.messages.get(name)
            if one is None:
                yield ews_soap.failed("GetItem", "ErrorItemNotFound")
            elif not one.readable:
                yield ews_soap.failed("GetItem", "ErrorCorruptData")
            else:
                yield ews_soap.done("GetItem", f"<m:Items>{_item(address, one, _fields(call))}</m:Items>")

    def _SyncFolderItems(self, call: ET.Element, impersonated: str | None) -> Iterator[str]:  # noqa: N802
        folder = call.find(f"{M}SyncFolderId")
        assert folder is not None
        user, address, name = self._place(folder[0], impersonated)
        store = user.store
        limit = int(call.findtext(f"{M}MaxChangesReturned") or 0)
        assert 1 <= limit <= 512
        state = call.findtext(f"{M}SyncState")
        epoch, number, last = base64.b64decode(state).decode().split("|") if state else (store.epoch, -1, "")
        if int(epoch) != store.epoch:
            raise Refusal("ErrorInvalidSyncStateData")
        if int(number) < 0:  # the first round tells all that is there, in no useful order
            waiting = sorted((one for one in store.within(name) if one.id > last), key=lambda one: one.id)
            share = waiting[:limit]
            changes = [f"<t:Create>{_item(address, one, set())}</t:Create>" for one in share]
            over = len(waiting) == len(share)
            after = f"{store.epoch}|{store.number if over else -1}|{share[-1].id if share else last}"
        else:
            log = store.since(int(number), name)
            over = len(log) <= limit
            changes = [self._change(address, store, one) for one in log[:limit]]
            after = f"{store.epoch}|{log[:limit][-1].number if log else number}|"
            if self.noisy and changes:
                changes, over = [*changes, changes[-1]], False
        over_word = "true" if over else "false"
        encoded = base64.b64encode(after.encode()).decode()
        yield ews_soap.done(
            "SyncFolderItems",
            f"<m:SyncState>{encoded}</m:SyncState><m:IncludesLastItemInRange>{over_word}</m:IncludesLastItemInRange>"
            f"<m:Changes>{''.join(changes)}</m:Changes>",
        )

    def _ExpandDL(self, call: ET.Element, impersonated: str | None) -> Iterator[str]:  # noqa: N802
        address = (call.findtext(f"{M}Mailbox/{T}EmailAddress") or "").lower()
        if address not in self.lists:
            raise Refusal("ErrorNameResolutionNoResults")
        members = "".join(
            f"<t:Mailbox><t:Name>{escape(name)}</t:Name><t:EmailAddress>{escape(email)}</t:EmailAddress>"
            f"<t:RoutingType>SMTP</t:RoutingType><t:MailboxType>{kind}</t:MailboxType></t:Mailbox>"
            for name, email, kind in self.lists[address]
        )
        view = f'TotalItemsInView="{len(self.lists[address])}" IncludesLastItemInRange="true"'
        yield ews_soap.done("ExpandDL", f"<m:DLExpansion {view}>{members}</m:DLExpansion>")

    def _Subscribe(self, call: ET.Element, impersonated: str | None) -> Iterator[str]:  # noqa: N802
        places = [self._place(one, impersonated) for one in call.iter() if one.tag.endswith("FolderId")]
        user = places[0][0]
        name = f"subscription {len(self._subscriptions)}"
        self._subscriptions[name] = (user.store, {folder for _, _, folder in places}, user.store.number)
        yield ews_soap.done("Subscribe", f"<m:SubscriptionId>{name}</m:SubscriptionId>")

    async def _stream(self, request: web.Request, call: ET.Element) -> web.StreamResponse:
        """Tells what was created since the subscription, for as long as the client listens."""
        name = call.findtext(f".//{T}SubscriptionId") or ""
        store, folders, number = self._subscriptions[name]
        response = web.StreamResponse(headers={"Content-Type": "text/xml; charset=utf-8"})
        await response.prepare(request)
        await response.write(ews_soap.streamed("<m:ConnectionStatus>OK</m:ConnectionStatus>"))
        while request.transport is not None and not request.transport.is_closing():
            news = [one for one in store.since(number) if one.folder in folders and one.kind == "created"]
            for one in news:
                event = (
                    f"<t:CreatedEvent><t:Watermark>w</t:Watermark><t:TimeStamp>{rfc3339(instant.now())}</t:TimeStamp>"
                    f'<t:ItemId Id="{one.id}" ChangeKey="c"/><t:ParentFolderId Id="{one.folder}" ChangeKey="c"/>'
                    "</t:CreatedEvent>"
                )
                told = f"<t:SubscriptionId>{name}</t:SubscriptionId>{event}"
                notification = f"<m:Notifications><m:Notification>{told}</m:Notification></m:Notifications>"
                await response.write(ews_soap.streamed(notification))
                number = one.number
            self._subscriptions[name] = (store, folders, number)
            await asyncio.sleep(0.01)
        return response

    def _change(self, address: str, store: MailStore, change: Any) -> str:
        one = store.messages.get(change.id)
        if change.kind == "deleted" or one is None:
            return f'<t:Delete><t:ItemId Id="{address}!{change.id}" ChangeKey="c"/></t:Delete>'
        if change.kind == "updated":
            return (
                f'<t:ReadFlagChange><t:ItemId Id="{address}!{change.id}" ChangeKey="c"/><t:IsRead>true</t:IsRead>'
                "</t:ReadFlagChange>"
            )
        return f"<t:Create>{_item(address, one, set())}</t:Create>"


def _above(user: EwsUser, name: str, *, deep: bool) -> list[str]:
    """The folders above one, or its parent."""
    parent = user.folders[name][0]
    if not parent:
        return []
    return [parent, *_above(user, parent, deep=True)] if deep else [parent]


def _folder(user: EwsUser, address: str, name: str) -> str:
    parent, display = user.folders[name]
    may = "true" if user.rights == "owner" else "false"
    rights = "".join(
        f"<t:{one}>{may}</t:{one}>"
        for one in ("CreateAssociated", "CreateContents", "CreateHierarchy", "Delete", "Modify")
    )
    children = sum(other == name for other, _ in user.folders.values())
    return (
        f'<t:Folder><t:FolderId Id="{address}!{name}" ChangeKey="c"/>'
        f'<t:ParentFolderId Id="{address}!{parent or name}" ChangeKey="c"/><t:FolderClass>IPF.Note</t:FolderClass>'
        f"<t:DisplayName>{escape(display)}</t:DisplayName><t:TotalCount>{len(user.store.within(name))}</t:TotalCount>"
        f"<t:ChildFolderCount>{children}</t:ChildFolderCount><t:EffectiveRights>{rights}<t:Read>true</t:Read>"
        "</t:EffectiveRights><t:UnreadCount>0</t:UnreadCount></t:Folder>"
    )


def _fields(call: ET.Element) -> set[str]:
    return {one.attrib["FieldURI"] for one in call.iter(f"{T}FieldURI")}


def _item(address: str, one: Stored, wanted: set[str]) -> str:
    """An item with the properties that were asked for, in the order of the schema."""
    tag, item_class = _kind(one)
    sent = one.folder == SENT
    headers = "".join(
        f"<t:InternetMessageHeader HeaderName={quoteattr(_plain(name))}>{escape(_plain(value))}"
        "</t:InternetMessageHeader>"
        for name, value in ([] if sent else one.headers)
    )
    mailboxes = {name: _mailboxes(one.header(name)) for name in ("From", "Sender", "To", "Cc", "Bcc", "Reply-To")}
    author = mailboxes["From"].partition("</t:Mailbox>")
    first = author[0] + author[1]
    values = {
        "item:MimeContent": base64.b64encode(one.raw).decode(),
        "item:ParentFolderId": None,
        "item:ItemClass": item_class,
        "item:Subject": escape(_plain(one.header("Subject"))),
        "item:DateTimeReceived": rfc3339(one.received),
        "item:Size": str(len(one.raw)),
        "item:InReplyTo": escape(one.header("In-Reply-To")),
        "item:IsDraft": "true" if "draft" in one.flags else "false",
        "item:InternetMessageHeaders": headers,
        "item:DateTimeSent": rfc3339(one.received),
        "item:ConversationId": None,
        "message:Sender": mailboxes["Sender"] or first,
        "message:ToRecipients": mailboxes["To"],
        "message:CcRecipients": mailboxes["Cc"],
        "message:BccRecipients": mailboxes["Bcc"],
        "message:ConversationIndex": one.conversation_index,
        "message:From": first,
        "message:InternetMessageId": escape(one.message_id),
        "message:References": escape(one.header("References")),
        "message:ReplyTo": mailboxes["Reply-To"],
    }
    found = [f'<t:ItemId Id="{address}!{one.id}" ChangeKey="c"/>']
    for name, value in values.items():
        if name not in wanted:
            continue
        element = name.partition(":")[2]
        if name == "item:ParentFolderId":
            found.append(f'<t:ParentFolderId Id="{address}!{one.folder}" ChangeKey="c"/>')
        elif name == "item:ConversationId":
            found.append(f'<t:ConversationId Id="{one.conversation}"/>')
        elif value:
            found.append(f"<t:{element}>{value}</t:{element}>")
    return f"<t:{tag}>{''.join(found)}</t:{tag}>"


def _kind(one: Stored) -> tuple[str, str]:
    answers = {"ACCEPTED": "Pos", "TENTATIVE": "Tent", "DECLINED": "Neg"}
    method, status = one.calendar
    if method == "REPLY" and status in answers:
        return "MeetingResponse", f"IPM.Schedule.Meeting.Resp.{answers[status]}"
    return "Message", "REPORT.IPM.Note.NDR" if one.is_report else "IPM.Note"


def _mailboxes(value: str) -> str:
    return "".join(
        f"<t:Mailbox><t:Name>{escape(_plain(name or address))}</t:Name>"
        f"<t:EmailAddress>{escape(_plain(address))}</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType></t:Mailbox>"
        for name, address in getaddresses([value])
        if address
    )


def _plain(text: str) -> str:
    return _FORBIDDEN.sub("", text)
