"""The mail of the simulated world: letters, the mailboxes that hold copies of them, and what is true of them all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime

from inboxwatch.connector import Batch, Cursor, MailboxError, Reason
from inboxwatch.core.leads import Directory
from inboxwatch.core.mail.headers import parse
from inboxwatch.core.mail.intake import Intake
from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.model import FolderRole, Lead, MailboxId, RawMessage, ThreadId
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.fold import Replay
from inboxwatch.core.sla.timeline import Action, Fact, Mail
from inboxwatch.engine.filing import mail_of, mailbox_of
from inboxwatch.engine.rule_context import RuleContext, Setting
from inboxwatch.mime import machine_parts
from inboxwatch.now import Now


@dataclass(frozen=True)
class SimulatedMail:
    """One message as its author sent it."""

    id: str
    at: datetime
    sender: str
    to: tuple[str, ...]
    subject: str
    answers: SimulatedMail | None = None
    marks: tuple[str, ...] = ()
    """Further header lines."""
    body: str = "."
    answers_buyer: bool = False
    """True for a person's answer to a buyer: it ends the wait of its conversation, if it arrives."""

    @property
    def raw(self) -> bytes:
        chain = list(self._chain())
        lines = [f"Message-ID: <{self.id}>", f"From: {self.sender}", f"To: {', '.join(self.to)}"]
        lines += [f"Date: {format_datetime(self.at)}", f"Subject: {self.subject}", *self.marks]
        if chain:
            lines += [f"In-Reply-To: <{chain[-1]}>", f"References: {' '.join(f'<{one}>' for one in chain)}"]
        return ("\r\n".join(lines) + f"\r\n\r\n{self.body}\r\n").encode()

    def _chain(self) -> Iterator[str]:
        if self.answers is not None:
            yield from self.answers._chain()
            yield self.answers.id


def bounced(letter: SimulatedMail, failed: str, at: datetime) -> SimulatedMail:
    """The delivery status notification (RFC 3464) that says that a letter never reached a reader."""
    body = "\r\n".join(
        (
            "--cut\r\nContent-Type: text/plain\r\n\r\nSorry.",
            "--cut\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n",
            f"Final-Recipient: rfc822; {failed}\r\nAction: failed\r\nStatus: 5.1.1\r\n",
            f"--cut\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{letter.id}>\r\n",
            "--cut--",
        )
    )
    marks = ("MIME-Version: 1.0", "Content-Type: multipart/report; report-type=delivery-status; boundary=cut")
    sender = f"mailer-daemon@mx.{failed.rpartition('@')[2]}"
    return SimulatedMail(f"dsn.{letter.id}", at, sender, (letter.sender,), "Undelivered Mail", marks=marks, body=body)


@dataclass(frozen=True)
class MailCopy:
    """A letter in a mailbox: when its server says that it came, and when it can be read there."""

    letter: SimulatedMail
    message: RawMessage
    visible_at: datetime


@dataclass
class SimulatedMailbox:
    """A mailbox of the world, and the connector to it: it lags, goes blind, and its server's clock is not ours."""

    name: MailboxId
    skew: timedelta = timedelta()
    copies: list[MailCopy] = field(default_factory=list)
    """In the order in which they become visible."""
    dark: list[tuple[datetime, datetime]] = field(default_factory=list)
    """When it cannot be read."""
    cut: int = 0
    """How many of the next polls break off after their first batch."""

    def put(self, letter: SimulatedMail, role: FolderRole, lag: timedelta) -> None:
        raw = letter.raw
        message = RawMessage(
            ref=f"{role}/{letter.id}/{len(self.copies)}",
            role=role,
            received_at=letter.at + self.skew,
            header=raw.partition(b"\r\n\r\n")[0],
            parts=machine_parts(raw),
        )
        self.copies.append(MailCopy(letter, message, letter.at + lag))
        self.copies.sort(key=lambda copy: copy.visible_at)

    def readable(self, now: datetime) -> bool:
        return not any(start <= now < end for start, end in self.dark)

    def holds(self, now: datetime) -> list[MailCopy]:
        return [copy for copy in self.copies if copy.visible_at <= now]


class SimulatedConnector:
    """The connector: everything visible behind the cursor, in batches of a few."""

    def __init__(self, box: SimulatedMailbox, now: Now) -> None:
        self._box = box
        self._now = now

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        now = self._now()
        if not self._box.readable(now):
            raise MailboxError(Reason.UNAVAILABLE, "the server is down", hint="wait")
        start = int(cursor or 0)
        found = [copy.message for copy in self._box.holds(now)][start:]
        for first in range(0, len(found) - 3, 3):
            start += 3
            yield Batch(tuple(found[first : first + 3]), Cursor(str(start)))
            if self._box.cut:
                self._box.cut -= 1
                raise MailboxError(Reason.TIMEOUT, "the connection was cut")
        rest = found[(len(found) - 1) // 3 * 3 :] if found else []
        yield Batch(tuple(rest), Cursor(str(start + len(rest))), seen_until=now)

    async def aclose(self) -> None:
        """Nothing is held."""


def true_clocks(
    setting: Setting, leads: Iterable[Lead], copies: Sequence[MailCopy], actions: Sequence[Action]
) -> dict[str, Clock]:
    """What the fold makes of everything that the mailboxes hold, read at once and in order: the clocks by id."""
    earliest: dict[str, RawMessage] = {}
    for copy in copies:
        known = earliest.get(copy.letter.id)
        if known is None or copy.message.received_at < known.received_at:
            earliest[copy.letter.id] = copy.message
    directory = Directory(leads)
    context = RuleContext(setting)
    intake = Intake(setting.us, directory, ThreadIndex())
    addresses = {box.address: MailboxId(name) for name, box in setting.mailboxes.items()}
    threads: dict[ThreadId, list[Mail]] = {}
    for entry in intake.take_batch(parse(message, None) for message in earliest.values()):
        if entry.lead is not None or any(lead for _, lead in entry.outside):
            mail = mail_of(entry, directory, mailbox_of(entry.message, addresses))
            threads.setdefault(entry.match.thread, []).append(mail)
    clocks: dict[str, Clock] = {}
    for thread, mails in threads.items():
        concerned = {party.lead for mail in mails for party in (mail.sender, *mail.recipients) if party.lead}
        facts: list[Fact] = [
            *mails,
            *(action for action in actions if action.clock is not None or action.lead in concerned),
        ]
        fold = Replay(thread, lambda wait: context.policy(wait, directory.leads), setting.stop_conditions)
        clocks.update((clock.id, clock) for clock in fold.clocks(facts))
    return clocks
