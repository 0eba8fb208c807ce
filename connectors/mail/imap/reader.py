"""Reading messages of IMAP folders in bulk; single messages that cannot be read are set aside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.mail.folder_reading import ReadMessages
from connectors.mail.imap.body_structure import BodyPart, leaves, names_machine_parts, ordinary
from connectors.mail.imap.fetch_response import FetchResponse
from connectors.mail.imap.mailbox import ImapMailbox
from connectors.mail.imap.message import MAX_HEADER, header_of, part_of, raw_message
from connectors.mail.imap.position import UidPosition, UidPositions
from inboxwatch.connector import MailboxError, Quarantined, Reading, Reason
from inboxwatch.core.model import FolderRole, Part, Privacy, RawMessage

MAX_TEXT = 256 * 1024
"""In privacy mode text a message is read to this size; what lies behind is attachments."""
MAX_PART = 64 * 1024
_MAX_FAILURES = 40
"""How often reading one batch may fail while its unreadable messages are looked for."""
_SILENT_LOSSES = 2
"""Times that a connection may end without a BYE at the same place, which is the network's fault; after that a message
is suspected."""
_PLAINER = (f"(UID INTERNALDATE BODY.PEEK[]<0.{MAX_TEXT}>)", f"(UID BODY.PEEK[HEADER]<0.{MAX_HEADER}>)")
"""How a message is asked for whose usual answer cannot be used: without BODYSTRUCTURE, which servers write badly, then
its header alone."""


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
    _served: bool = False
    """The server gave a message of this batch."""
    _condemned: dict[int, str] = field(default_factory=dict)
    """Messages of the folder being read at which reading failed again and again, with the reason."""

    def read(self, positions: UidPositions, share: Mapping[str, Sequence[int]]) -> ReadMessages:
        """Reads these UIDs of these folders."""
        messages: list[RawMessage] = []
        quarantined: list[Quarantined] = []
        self._failures, self._careful, self._served = 0, False, False
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
        since, validity = self.reading.since, position.validity
        wanted = [uid for uid in uids if (name, validity, uid) not in self._unreadable]
        found, failed = self._first_answers(name, validity, wanted)
        self._unreadable |= {(name, validity, uid): reason for uid, reason in failed.items()}
        self._account_for(name, validity, set(wanted) - failed.keys() - found.keys())
        parts, trees, unclear = _structures(found)
        suspects = [uid for uid in wanted if uid in unclear or (name, validity, uid) in self._unreadable]
        for uid, plain in self._plainer(name, validity, suspects).items():
            said = found.get(uid, {})
            found[uid] = {key: value for key, value in said.items() if key != b"BODYSTRUCTURE"} | plain
            self._unreadable.pop((name, validity, uid), None)
        parts |= self._machine_parts(name, validity, trees)
        role = self.mailbox.watched.roles.get(name, FolderRole.OTHER)
        for uid in sorted(found):
            try:
                ref = reference(name, validity, uid)
                message = raw_message(ref, role, found[uid], parts.get(uid), self.reading.privacy)
            except ValueError as error:
                self._unreadable[name, validity, uid] = str(error)
                continue
            first = position.since is not None and uid < position.until
            if not first or since is None or message.received_at >= since:
                yield message

    def _first_answers(
        self, name: str, validity: int, uids: Sequence[int]
    ) -> tuple[dict[int, FetchResponse], dict[int, str]]:
        """As `_answers`. Where so many messages fail that reading is given up, those found are not tried again first:
        so the next poll comes further. But where nothing can be read, it is the server that fails.
        """
        self._condemned.clear()
        try:
            return self._answers(name, validity, uids, self._items())
        except MailboxError:
            if self._failures > _MAX_FAILURES and (self._served or self._serves(name, validity, uids[-1])):
                self._unreadable |= {(name, validity, uid): reason for uid, reason in self._condemned.items()}
            raise

    def _serves(self, name: str, validity: int, uid: int) -> bool:
        try:
            self.mailbox.reach(name, validity)
            return uid in self.mailbox.session().fetch([uid], self._items())
        except MailboxError:
            return False

    def _plainer(self, name: str, validity: int, uids: Sequence[int]) -> dict[int, FetchResponse]:
        """What can be had of these messages in simpler words; those without a header are left out."""
        found: dict[int, FetchResponse] = {}
        for items in _PLAINER:
            left = [uid for uid in uids if uid not in found]
            found |= {
                uid: answer for uid, answer in self._dig(name, validity, left, items).items() if header_of(answer)
            }
        return found

    def _dig(self, name: str, validity: int, uids: Sequence[int], items: str) -> dict[int, FetchResponse]:
        """The answers for these messages, asked for in smaller and smaller groups while a group yields nothing; tried
        as often as reading a batch may fail.
        """
        if not uids or self._failures > _MAX_FAILURES:
            return {}
        try:
            found, failed = self._answers(name, validity, uids, items)
        except MailboxError:
            if self._failures > _MAX_FAILURES:
                return {}  # enough was tried: what is known of these messages must do
            raise
        left = [uid for uid in uids if uid not in found and uid not in failed]
        if not left or len(uids) == 1:
            return found
        if len(left) < len(uids):
            return found | self._dig(name, validity, left, items)
        self._failures += 1
        middle = len(left) // 2
        return self._dig(name, validity, left[:middle], items) | self._dig(name, validity, left[middle:], items)

    def _answers(
        self, name: str, validity: int, uids: Sequence[int], items: str
    ) -> tuple[dict[int, FetchResponse], dict[int, str]]:
        """The answers for these messages by UID, and the reason for each message at which reading fails."""
        if not uids:
            return {}, {}
        self.mailbox.reach(name, validity)
        session = self.mailbox.session()
        place = (name, validity, uids[0], len(uids), items)
        try:
            found = session.fetch(uids, items)
        except MailboxError as error:
            refused_in_words = session.alive or bool(session.farewell) or error.reason is Reason.PROTOCOL
            if not self._suspicious(error, refused_in_words, place):
                raise
            if len(uids) == 1:
                return self._last_tries(
                    name, validity, uids[0], items, error, 1 if refused_in_words else _SILENT_LOSSES
                )
            middle = len(uids) // 2
            found, failed = self._answers(name, validity, uids[:middle], items)
            more, worse = self._answers(name, validity, uids[middle:], items)
            return found | more, failed | worse
        if self._lost_at == place:
            self._losses = 0
        self._served = self._served or bool(found)
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
                return self.mailbox.session().fetch([uid], items), {}
            except MailboxError as again:
                if again.reason is not error.reason:
                    raise
        self._condemned[uid] = str(error)
        return {}, {uid: str(error)}

    def _account_for(self, name: str, validity: int, missing: set[int]) -> None:
        """Messages without an answer: most are expunged meanwhile; one that is still listed is set aside."""
        if not missing:
            return
        state = self.mailbox.reach(name, validity)
        for uid in missing & set(self.mailbox.session().search(min(missing), max(missing), state.messages)):
            self._unreadable[name, validity, uid] = "the server lists the message but does not give it"

    def _machine_parts(
        self, name: str, validity: int, trees: Mapping[int, tuple[BodyPart, ...]]
    ) -> dict[int, tuple[Part, ...]]:
        """The parts of those messages that may bear machine parts, with their bytes."""
        groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for uid, tree in trees.items():
            if sections := tuple(leaf.fetch for leaf in tree if leaf.machine):
                groups[sections].append(uid)
        payloads: dict[int, FetchResponse] = {}
        for sections, uids in groups.items():
            wanted = " ".join(f"BODY.PEEK[{section}]<0.{MAX_PART}>" for section in sections)
            payloads |= self._dig(name, validity, uids, f"(UID {wanted})")
        return {uid: tuple(part_of(leaf, payloads.get(uid, {})) for leaf in tree) for uid, tree in trees.items()}

    def _items(self) -> str:
        body = f"[]<0.{MAX_TEXT}>" if self.reading.privacy is Privacy.TEXT else f"[HEADER]<0.{MAX_HEADER}>"
        threads = {"X-GM-EXT-1": "X-GM-THRID ", "OBJECTID": "THREADID "}
        thread = next((item for key, item in threads.items() if key in self.mailbox.session().capabilities), "")
        return f"(UID INTERNALDATE {thread}BODYSTRUCTURE BODY.PEEK{body})"


def reference(folder: str, validity: int, uid: int) -> str:
    """The ref of a message in a folder. It is never reused: UIDs are given again only under another UIDVALIDITY."""
    return f"{validity}.{uid}@{folder}"


def _structures(
    found: Mapping[int, FetchResponse],
) -> tuple[dict[int, tuple[Part, ...]], dict[int, tuple[BodyPart, ...]], set[int]]:
    """Of each message its parts; or the leaves among which machine parts may be, whose bytes are still to be read; or
    that what the server says of it cannot be used. Without a structure (NIL) the parts are not seen.
    """
    parts: dict[int, tuple[Part, ...]] = {}
    trees: dict[int, tuple[BodyPart, ...]] = {}
    unclear: set[int] = set()
    for uid, answer in found.items():
        structure = answer.get(b"BODYSTRUCTURE")
        if not header_of(answer):
            unclear.add(uid)
        elif not structure:
            continue
        elif not names_machine_parts(structure) and (its := ordinary(structure)):
            parts[uid] = its
        else:
            try:
                trees[uid] = leaves(structure)
            except ValueError:
                unclear.add(uid)
    # Where the whole message is at hand already, its parts are found in it.
    return parts, trees, {uid for uid in unclear if not found[uid].get(b"BODY[]")}
