"""Where the mail of a wait is opened: by the mailbox that its owner can look into first."""

from __future__ import annotations

from collections.abc import Iterable

from inboxwatch.config.config import MailboxConfig
from inboxwatch.core import mail_link
from inboxwatch.core.model import MailboxId, MessageId
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.mail_links import HeldCopy
from inboxwatch.store.records import ClockRecord


def mail_links(tx: Transaction, rules: Rules, waits: Iterable[ClockRecord]) -> dict[str, str]:
    """A web address for the message that started each wait, by the wait's id; one without is left out."""
    rows = list(waits)
    held = tx.mail_links.of([row.started_by for row in rows])
    found = {row.id: _link(rules, row, held.get(row.started_by, ())) for row in rows}
    return {clock: link for clock, link in found.items() if link}


def _link(rules: Rules, wait: ClockRecord, held: Iterable[HeldCopy]) -> str:
    """The first that there is: in a mailbox of the owner's, in the one that the wait began in, in any that holds it."""
    boxes = [(box, one) for one in held if (box := rules.config.mailboxes.get(MailboxId(one.mailbox))) is not None]
    boxes.sort(key=lambda pair: (pair[0].owner is None or pair[0].owner != wait.owner, pair[0].name != wait.mailbox))
    return next((link for box, one in boxes if (link := _in(box, one, wait.started_by))), "")


def _in(box: MailboxConfig, held: HeldCopy, message: MessageId) -> str:
    if box.open is not None:
        return mail_link.of_template(box.open, box.address, message)
    return mail_link.gmail(box.address, message) if box.connector == "gmail" else mail_link.of_provider(held.web_link)
