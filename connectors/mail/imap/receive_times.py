"""Asking an IMAP server when messages were received, without reading them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.mail.imap.fetch_response import internal_seconds
from connectors.mail.imap.mailbox import ImapMailbox
from inboxwatch.connector import MailboxError, Reason

CHUNK = 5000
"""Messages of one question at most."""
_MAX_SET = 6000
"""Octets of a set of UIDs: servers must take commands of 8,192 (RFC 7162)."""
_RANGE = 22
"""Octets of `4294967294:4294967295,`."""
_MAX_REFUSALS = 40
_PERSISTENT = 2
"""Times that asking may fail as a whole; then the mailbox is read without."""


@dataclass(slots=True)
class ReceiveTimes:
    """Asks, and remembers whether that was of no use. Blocks."""

    failures: int = 0
    _refusals: int = 0

    @property
    def wanted(self) -> bool:
        """Whether to ask at all: a server that fails at this question again and again is not asked."""
        return self.failures <= _PERSISTENT

    def of(self, mailbox: ImapMailbox, name: str, validity: int, uids: Sequence[int]) -> dict[int, int]:
        """Seconds since 1970 by UID, as INTERNALDATE says. Left out are messages of which the server does not tell it.

        Raises MailboxError where the mailbox fails.
        """
        self._refusals = 0
        try:
            found: dict[int, int] = {}
            for some in _chunks(uids):
                found |= self._asked(mailbox, name, validity, some)
        except MailboxError as error:
            if error.reason not in (Reason.AUTH, Reason.RATE_LIMITED):
                self.failures += 1
            raise
        self.failures = 0
        return found

    def _asked(self, mailbox: ImapMailbox, name: str, validity: int, uids: Sequence[int]) -> dict[int, int]:
        """One message that the server cannot tell of makes it refuse those asked for with it: they are halved."""
        mailbox.reach(name, validity)
        session = mailbox.session()
        try:
            said = session.fetch(uids, "(UID INTERNALDATE)")
        except MailboxError as error:
            if not session.alive or error.reason in (Reason.TIMEOUT, Reason.RATE_LIMITED, Reason.AUTH):
                raise
            self._refusals += 1
            if len(uids) == 1 or self._refusals > _MAX_REFUSALS:
                return {}
            middle = len(uids) // 2
            return self._asked(mailbox, name, validity, uids[:middle]) | self._asked(
                mailbox, name, validity, uids[middle:]
            )
        found: dict[int, int] = {}
        for uid, answer in said.items():
            try:
                found[uid] = internal_seconds(answer.get(b"INTERNALDATE", b""))
            except ValueError:
                continue
        return found


def _chunks(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Ascending UIDs in parts that a command can name: those that follow each other are named in one."""
    start, octets = 0, 0
    for place, uid in enumerate(uids):
        octets += _RANGE if place == start or uid != uids[place - 1] + 1 else 0
        if place - start >= CHUNK or octets > _MAX_SET:
            yield uids[start:place]
            start, octets = place, _RANGE
    if uids:
        yield uids[start:]
