"""Counting an IMAP mailbox: the Message-ID of everything in it, and reading single messages again by their refs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from connectors.mail.folder_reading import ReadMessages
from connectors.mail.header_times import time_in
from connectors.mail.imap.fetch_response import FetchResponse, internal_date
from connectors.mail.imap.mailbox import ImapMailbox
from connectors.mail.imap.position import UidPosition
from connectors.mail.imap.reader import ImapReader, reference
from connectors.mail.message_id import message_id

_BATCH = 1000
_ITEMS = "(UID INTERNALDATE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"
_TIMES = "(UID BODY.PEEK[HEADER.FIELDS (RECEIVED DATE)])"
"""What is asked of messages whose INTERNALDATE cannot be read."""

Place = tuple[str, int, Sequence[int]]
"""Folder, UIDVALIDITY, UIDs."""


def places(mailbox: ImapMailbox, since: datetime) -> list[Place]:
    """Where messages received since then are, in batches. Blocks."""
    mailbox.session().end_idle()
    found: list[Place] = []
    for name in mailbox.watched.roles.keys() - mailbox.refused.keys():
        state = mailbox.examine(name)
        day = (since - timedelta(days=1)).date()
        uids = mailbox.session().search(1, state.uidnext - 1, state.messages, day) if state.uidnext > 1 else []
        found += [(name, state.validity, uids[at : at + _BATCH]) for at in range(0, len(uids), _BATCH)]
    return found


def identities(mailbox: ImapMailbox, place: Place, since: datetime) -> list[tuple[str, str]]:
    """(ref, Message-ID) of the messages there that have one. Blocks."""
    name, validity, uids = place
    mailbox.reach(name, validity)
    found: list[tuple[str, str]] = []
    said = mailbox.session().fetch(uids, _ITEMS)
    times, undated = {}, []
    for uid, answer in said.items():
        try:
            times[uid] = internal_date(answer.get(b"INTERNALDATE", b""))
        except ValueError:
            undated.append(uid)
    if undated:
        its_times = {uid: time_in(_fields(one)) for uid, one in mailbox.session().fetch(undated, _TIMES).items()}
        times |= {uid: time for uid, time in its_times.items() if time is not None}
    for uid, answer in said.items():
        # One without any time is listed: it was set aside when it came.
        if times.get(uid, since) >= since and (its := message_id(_fields(answer))):
            found.append((reference(name, validity, uid), its))
    return found


def _fields(answer: FetchResponse) -> bytes:
    return next((value for key, value in answer.items() if key.startswith(b"BODY[HEADER.FIELDS")), b"")


def recover(mailbox: ImapMailbox, reader: ImapReader, refs: Sequence[str]) -> ReadMessages:
    """Reads the messages of these refs, as far as they still exist. Blocks."""
    mailbox.session().end_idle()
    wanted: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for name, validity, uid in _parsed(refs):
        wanted[name, validity].append(uid)
    positions: dict[str, UidPosition] = {}
    share: dict[str, Sequence[int]] = {}
    for (name, validity), uids in wanted.items():
        if name in mailbox.watched.roles.keys() - mailbox.refused.keys() and mailbox.examine(name).validity == validity:
            positions[name], share[name] = UidPosition(validity, 1), sorted(uids)
    return reader.read(positions, share)


def _parsed(refs: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    for ref in refs:
        numbers, _, name = ref.partition("@")
        validity, _, uid = numbers.partition(".")
        if validity.isdigit() and uid.isdigit():
            yield name, int(validity), int(uid)
