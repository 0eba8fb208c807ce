"""How mailboxes fare: blind ones are told to IT once, the first sight of one ends in a digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from inboxwatch.connector import MailboxError
from inboxwatch.core.model import MailboxId
from inboxwatch.notify import NoticeType

if TYPE_CHECKING:
    from inboxwatch.engine import Engine


class Health:
    """The engine's view of the mailboxes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def failed(self, mailbox: MailboxId, error: MailboxError, now: datetime) -> None:
        """Records that a mailbox could not be read; IT is told once, when it stays so."""
        with self._engine.store.transaction() as tx:
            since = tx.mailboxes.failing(mailbox, now, error.reason.value, str(error))
            row = tx.mailboxes.get(mailbox)
            box = self._engine.config.mailboxes[mailbox]
            patience = max(3 * box.poll_every, timedelta(seconds=10))
            if row is None or row.blind_told or (now - since < patience and not error.permanent):
                return
            age = f"unread since {row.seen_until:%Y-%m-%d %H:%M:%S} UTC" if row.seen_until else "never read"
            title = f"Mailbox {mailbox} is blind ({error.reason}): {age}. {error.hint}".strip()
            key = f"blind/{mailbox}/{since.isoformat()}"
            body = {"mailbox": mailbox, "error": str(error), "title": title}
            targets = self._engine.config.it_alerts
            tx.deliveries.owe(self._engine.owing.told(NoticeType.MAILBOX, key, targets, now, **body))
            tx.mailboxes.set(mailbox, blind_told=True)

    def succeeded(self, mailbox: MailboxId, now: datetime) -> None:
        """Records a complete poll; what was held back for this mailbox is looked at again."""
        with self._engine.store.transaction() as tx:
            row = tx.mailboxes.recovered(mailbox, now)
            if row is None or row.failing_since is None:
                return
            tx.clocks.wake(now, held=True)
            if row.blind_told:
                title = f"Mailbox {mailbox} can be read again."
                key = f"seeing/{mailbox}/{row.failing_since.isoformat()}"
                body = {"mailbox": mailbox, "error": None, "title": title}
                tx.deliveries.owe(
                    self._engine.owing.told(NoticeType.MAILBOX, key, self._engine.config.it_alerts, now, **body)
                )

    def first_sight_over(self, mailbox: MailboxId, now: datetime) -> None:
        """Ends the first reading of a mailbox: what was overdue already is told in one digest (rule 39)."""
        with self._engine.store.transaction() as tx:
            tx.mailboxes.set(mailbox, first_sight_done=True)
            waits = [row for row in tx.clocks.running() if row.first_sight and row.mailbox == mailbox]
            late = [row for row in waits if row.due_at <= now]
            if not late:
                return
            box = self._engine.config.mailboxes[mailbox]
            team = self._engine.config.teams.get(box.team or "")
            reader = box.owner or (team.lead if team else None) or self._engine.config.fallback
            title = f"{len(late)} waits of {mailbox} were overdue when inboxwatch first read it; none pages anybody."
            body = {"title": title, "clock_ids": [row.id for row in late]}
            key = f"first-sight/{mailbox}/{now.isoformat()}"
            tx.deliveries.owe(self._engine.owing.told(NoticeType.DIGEST, key, [reader], now, **body))

    def unknown(self, mailbox: MailboxId, listed: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Which of the (ref, Message-ID) on a server were neither read from this mailbox nor set aside."""
        with self._engine.store.reading() as tx:
            seen = tx.mail.witnessed(mailbox, [message_id for _, message_id in listed])
            aside = frozenset(tx.mailboxes.set_aside(mailbox, [ref for ref, _ in listed]))
        return [(ref, message_id) for ref, message_id in listed if message_id not in seen and ref not in aside]

    def counted(self, mailbox: MailboxId, coverage: float) -> None:
        """Records the result of a census: the share (0..1) of the server's messages that the store holds."""
        with self._engine.store.transaction() as tx:
            tx.mailboxes.set(mailbox, coverage=coverage)
