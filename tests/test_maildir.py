"""What is particular to Maildirs; what holds for every connector stands in the contract suite."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from connectors.mail.maildir import Maildir
from inboxwatch import instant
from inboxwatch.connector import Batch, Context, Cursor, Reading
from inboxwatch.core.model import FolderRole


def deliver(box: Path, name: str) -> None:
    """Renames a message into a Maildir, as a server does."""
    for part in ("cur", "new", "tmp"):
        (box / part).mkdir(parents=True, exist_ok=True)
    (box / "tmp" / name).write_bytes(f"Message-ID: <{name}@acme.test>\nFrom: ana@acme.test\n\nHello\n".encode())
    (box / "tmp" / name).rename(box / "new" / name)


def connect(root: Path) -> Maildir:
    settings = Maildir.settings.model_validate({"path": str(root), "push": "off"})
    return Maildir(settings, Context("ana", "ana@acme.test", Reading(since=instant.now() - timedelta(days=1))))


async def all_of(box: Maildir, cursor: Cursor | None) -> list[Batch]:
    return [batch async for batch in box.poll(cursor)]


async def test_a_folder_of_sent_mail_that_appears_with_the_first_answer_is_read(tmp_path: Path) -> None:
    deliver(tmp_path, "question")
    box = connect(tmp_path)
    first = await all_of(box, None)
    assert [one.role for batch in first for one in batch.messages] == [FolderRole.INBOX]
    deliver(tmp_path / ".Sent", "answer")
    later = await all_of(box, first[-1].cursor)
    assert [one.role for batch in later for one in batch.messages] == [FolderRole.SENT]


async def test_check_says_that_answers_cannot_be_seen_yet(tmp_path: Path) -> None:
    deliver(tmp_path, "question")
    probe = await connect(tmp_path).probe()
    assert any(".Sent" in warning for warning in probe.warnings)
