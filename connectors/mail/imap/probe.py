"""What `check` learns of an IMAP mailbox: its folders, what the server can do, and that reading leaves no trace."""

from __future__ import annotations

from connectors.mail.imap.mailbox import ImapMailbox
from connectors.mail.imap.session import ImapSession
from inboxwatch.connector import MailboxError, Probe
from inboxwatch.core.model import FolderRole

_SAMPLE = 20
_READING = "lr"
"""To see a folder and to read it; `s` keeps seen flags, which is a change."""
_USEFUL = ("IDLE", "NOTIFY", "ESEARCH", "SPECIAL-USE", "CONDSTORE", "QRESYNC", "OBJECTID", "X-GM-EXT-1")


def probe(mailbox: ImapMailbox, *, pushed: bool, second_idle: bool) -> Probe:
    """Blocks; raises MailboxError. `pushed`, `second_idle`: IDLE is wanted at all, and for sent mail."""
    session = mailbox.session()
    session.end_idle()
    watched = mailbox.watched
    warnings = [f"no folder matches {pattern!r} in `folders`" for pattern in watched.unmatched]
    others = mailbox.others()
    warnings += mailbox.remarks
    inbox = mailbox.examine(watched.inbox)
    if not inbox.readonly:
        warnings.append("the server did not confirm that the inbox was opened read-only")
    if _leaves_a_trace(session, inbox.messages):
        warnings.append("reading changed flags, though it must not: the server breaks EXAMINE and BODY.PEEK")
    if "IDLE" not in session.capabilities:
        warnings.append("the server does not offer IDLE: new mail is seen by polling only")
    sent_watch, refused = _sent_watch(mailbox, session, pushed=pushed, second_idle=second_idle)
    warnings += refused
    counts = {watched.inbox: inbox.messages} | {name: state.messages for name, state in others.items()}
    folders: dict[FolderRole, str] = {}
    for role in FolderRole:
        if names := [name for name, its in watched.roles.items() if its is role]:
            folders[role] = ", ".join(names)
    return Probe(
        folders,
        (
            ("encryption", session.encryption),
            ("sent folder found by", watched.by),
            ("sent mail watched by", sent_watch),
            ("messages", ", ".join(f"{name}: {count}" for name, count in counts.items())),
            ("read-only", "confirmed" if inbox.readonly else "not confirmed"),
            ("the login may", _rights(session.rights(watched.inbox))),
            ("extensions", " ".join(word for word in _USEFUL if word in session.capabilities) or "none"),
        ),
        tuple(warnings),
    )


def _rights(letters: str) -> str:
    """What a login could do beside reading, whatever inboxwatch does (RFC 4314)."""
    if not letters:
        return "do what the server does not tell (no ACL)"
    more = "".join(letter for letter in letters if letter not in _READING)
    return f"read only ({letters})" if not more else f"also change the mailbox ({more}), which inboxwatch never does"


def _sent_watch(
    mailbox: ImapMailbox, session: ImapSession, *, pushed: bool, second_idle: bool
) -> tuple[str, list[str]]:
    """How news of sent mail come, with warnings. A second connection is tried, as servers limit their number."""
    if not pushed or "IDLE" not in session.capabilities:
        return "the poll", []
    if "NOTIFY" in session.capabilities:
        return "NOTIFY, on the inbox's connection", []
    if not second_idle:
        return "the poll (`sent_watch: idle` takes a second connection)", []
    try:
        second = mailbox.connect()
    except MailboxError as error:
        return "the poll", [f"the second connection, for sent mail, is refused: {error}"]
    second.close()
    return "a second IDLE", []


def _leaves_a_trace(session: ImapSession, messages: int) -> bool:
    """Reads the newest messages of the open folder and compares their flags before and after."""
    if messages == 0:
        return False
    newest = f"{max(1, messages - _SAMPLE + 1)}:{messages}"
    before = session.flags(newest)
    session.read_headers(newest)
    return session.flags(newest) != before
