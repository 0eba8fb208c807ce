"""Reading messages of IMAP folders in bulk; single messages that cannot be read are set aside."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.mail.folder_reading import ReadMessages
from connectors.mail.imap.body_structure import BodyPart, decoded, leaves, names_machine_parts, ordinary
from connectors.mail.imap.fetch_response import FetchResponse, internal_date
from connectors.mail.imap.mailbox import ImapMailbox
from connectors.mail.imap.position import UidPosition, UidPositions
from inboxwatch.connector import MailboxError, Quarantined, Reading, Reason
from inboxwatch.core.model import FolderRole, Part, Privacy, RawMessage

MAX_HEADER = 128 * 1024
MAX_TEXT = 256 * 1024
"""In privacy mode text a message is read to this size; what lies behind is attachments."""
MAX_PART = 64 * 1024
_MAX_FAILURES = 40
"""How often reading one batch may fail while its unreadable messages are looked for."""
_SILENT_LOSSES = 2
"""Times that a connection may end without a BYE at the same place, which is the network's fault; after that a message
is suspected."""
_BLANK = re.compile(rb"\r?\n\r?\n")


@dataclass(slots=True)
class ImapReader:
    """Reads the messages of a mailbox. Blocks; raises MailboxError where the mailbox, not a message, fails."""

    mailbox: ImapMailbox
    reading: Reading
    _unreadable: dict[tuple[str, int, int], str] = field(default_factory=dict)
    """Messages set aside with the reason: (folder, UIDVALIDITY, UID)."""
    _lost_at: tuple[object, ...] = ()
    _losses: int = 0
    _failures: int = 0
    _careful: bool = False
    """A message of this batch is suspected: the batch is halved at every failure until it is found."""

    def read(self, positions: UidPositions, share: Mapping[str, Sequence[int]]) -> ReadMessages:
        """Reads these UIDs of these folders."""
        messages: list[RawMessage] = []
        quarantined: list[Quarantined] = []
        self._failures, self._careful = 0, False
        for name, uids in share.items():
            validity = positions[name].validity
            messages += self._messages(name, positions[name], uids)
            quarantined += [
                Quarantined(reference(name, validity, uid), reason)
                for uid in uids
                if (reason := self._unreadable.pop((name, validity, uid), ""))
            ]
        messages.sort(key=lambda message: message.received_at)
        return ReadMessages(tuple(messages), tuple(quarantined))

    def _messages(self, name: str, position: UidPosition, uids: Sequence[int]) -> Iterator[RawMessage]:
        since = self.reading.since
        wanted = [uid for uid in uids if (name, position.validity, uid) not in self._unreadable]
        found, failed = self._answers(name, position.validity, wanted, self._items())
        self._unreadable |= {(name, position.validity, uid): reason for uid, reason in failed.items()}
        self._account_for(name, position.validity, set(wanted) - failed.keys() - found.keys())
        parts = self._parts(name, position.validity, found)
        for uid, answer in found.items():
            try:
                message = self._message(name, position.validity, answer, parts)
            except ValueError as error:
                self._unreadable[name, position.validity, uid] = str(error)
                continue
            if uid >= position.until or since is None or message.received_at >= since:
                yield message

    def _answers(
        self, name: str, validity: int, uids: Sequence[int], items: str
    ) -> tuple[dict[int, FetchResponse], dict[int, str]]:
        """The answers for these messages by UID, and the reason for each message at which reading fails."""
        if not uids:
            return {}, {}
        self.mailbox.reach(name, validity)
        session = self.mailbox.session()
        try:
            found = _by_uid(session.fetch(uids, items))
        except MailboxError as error:
            refused_in_words = session.alive or bool(session.farewell) or error.reason is Reason.PROTOCOL
            if not self._suspicious(error, refused_in_words, (name, validity, uids[0], len(uids))):
                raise
            if len(uids) == 1:
                return self._last_tries(
                    name, validity, uids[0], items, error, 1 if refused_in_words else _SILENT_LOSSES
                )
            middle = len(uids) // 2
            found, failed = self._answers(name, validity, uids[:middle], items)
            more, worse = self._answers(name, validity, uids[middle:], items)
            return found | more, failed | worse
        self._losses = 0
        return found, {}

    def _suspicious(self, error: MailboxError, refused_in_words: bool, place: tuple[object, ...]) -> bool:
        """Whether a message may be the cause: the server refused in words, or reading ends here again and again."""
        self._failures += 1
        if self._failures > _MAX_FAILURES or error.reason in (Reason.TIMEOUT, Reason.RATE_LIMITED, Reason.AUTH):
            return False
        if not refused_in_words and not self._careful:
            self._losses = self._losses + 1 if place == self._lost_at else 1
            self._lost_at = place
            self._careful = self._losses > _SILENT_LOSSES
        return refused_in_words or self._careful

    def _last_tries(
        self, name: str, validity: int, uid: int, items: str, error: MailboxError, tries: int
    ) -> tuple[dict[int, FetchResponse], dict[int, str]]:
        """A message is given up if it fails again in the same way, on connections that are otherwise sound."""
        for _ in range(tries):
            self.mailbox.reach(name, validity)
            try:
                return _by_uid(self.mailbox.session().fetch([uid], items)), {}
            except MailboxError as again:
                if again.reason is not error.reason:
                    raise
        return {}, {uid: str(error)}

    def _account_for(self, name: str, validity: int, missing: set[int]) -> None:
        """Messages without an answer: most are expunged meanwhile; one that is still listed is set aside."""
        if not missing:
            return
        state = self.mailbox.reach(name, validity)
        for uid in missing & set(self.mailbox.session().search(min(missing), max(missing), state.messages)):
            self._unreadable[name, validity, uid] = "the server lists the message but does not give it"

    def _parts(
        self, name: str, validity: int, found: Mapping[int, FetchResponse]
    ) -> dict[int, tuple[Part, ...] | None]:
        """The parts of those messages that bear machine parts, with their bytes; None where they are unreadable."""
        trees: dict[int, tuple[BodyPart, ...]] = {}
        unknown: dict[int, tuple[Part, ...] | None] = {}
        groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for uid, answer in found.items():
            structure = answer.get(b"BODYSTRUCTURE", b"")
            if not names_machine_parts(structure):
                continue
            try:
                trees[uid] = leaves(structure)
            except ValueError:
                unknown[uid] = None
                continue
            if sections := tuple(leaf.fetch for leaf in trees[uid] if leaf.machine):
                groups[sections].append(uid)
        payloads: dict[int, FetchResponse] = {}
        for sections, uids in groups.items():
            wanted = " ".join(f"BODY.PEEK[{section}]<0.{MAX_PART}>" for section in sections)
            payloads |= self._answers(name, validity, uids, f"(UID {wanted})")[0]
        return unknown | {
            uid: tuple(_part(leaf, payloads.get(uid, {})) for leaf in tree) for uid, tree in trees.items()
        }

    def _items(self) -> str:
        body = f"[]<0.{MAX_TEXT}>" if self.reading.privacy is Privacy.TEXT else f"[HEADER]<0.{MAX_HEADER}>"
        threads = {"X-GM-EXT-1": "X-GM-THRID ", "OBJECTID": "THREADID "}
        thread = next((item for key, item in threads.items() if key in self.mailbox.session().capabilities), "")
        return f"(UID INTERNALDATE {thread}BODYSTRUCTURE BODY.PEEK{body})"

    def _message(
        self, name: str, validity: int, answer: FetchResponse, machine: Mapping[int, tuple[Part, ...] | None]
    ) -> RawMessage:
        uid = int(answer[b"UID"])
        if b"INTERNALDATE" not in answer:
            raise ValueError("the server gives no INTERNALDATE")
        text = answer.get(b"BODY[]")
        header = answer.get(b"BODY[HEADER]") if text is None else _BLANK.split(text, 1)[0][:MAX_HEADER]
        if header is None:
            raise ValueError("the server gives no header")
        structure = answer.get(b"BODYSTRUCTURE")
        parts = machine[uid] if uid in machine else ordinary(structure) if structure else None
        thread = answer.get(b"X-GM-THRID") or answer.get(b"THREADID", b"").strip(b"()")
        return RawMessage(
            ref=reference(name, validity, uid),
            role=self.mailbox.watched.roles.get(name, FolderRole.OTHER),
            received_at=internal_date(answer[b"INTERNALDATE"]),
            header=header,
            parts=parts,
            text=text,
            provider_thread=thread.decode("ascii", "replace") or None,
        )


def reference(folder: str, validity: int, uid: int) -> str:
    """The ref of a message in a folder. It is never reused: UIDs are given again only under another UIDVALIDITY."""
    return f"{validity}.{uid}@{folder}"


def _by_uid(found: Iterable[FetchResponse]) -> dict[int, FetchResponse]:
    """Without those that have none: news of flags that the server mixes in."""
    return {int(answer[b"UID"]): answer for answer in found if b"UID" in answer}


def _part(leaf: BodyPart, payloads: FetchResponse) -> Part:
    payload = payloads.get(f"BODY[{leaf.fetch}]".encode())
    if payload is not None and not leaf.fetch.endswith(".HEADER"):
        payload = decoded(payload, leaf.encoding)
    return Part(leaf.content_type, leaf.size, payload if leaf.machine else None)
