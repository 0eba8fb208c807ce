"""What others put into files and folders: links, pipes, names and texts that steer a terminal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connectors.mail.maildir.connector import Maildir
from connectors.mail.maildir.settings import MaildirSettings
from inboxwatch import config as configuration
from inboxwatch.commands import archive
from inboxwatch.commands.terminal import result_json, table
from inboxwatch.connector import Batch, Context, Cursor, Reading
from inboxwatch.core.mail.headers import Unusable
from inboxwatch.core.model import FolderRole, MailboxId, Privacy, RawMessage
from inboxwatch.mime import text_of
from tests.support.hostile_texts import HOSTILE
from tests.support.in_process_daemon import InProcessDaemon

LETTER = b"From: bo@buyer.test\r\nTo: ana@acme.test\r\nMessage-ID: <%b@buyer.test>\r\nSubject: %b\r\n\r\nhi\r\n"
SECRET = "salaries of the board"


def maildir(path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (path / name).mkdir(parents=True)
    return path


async def read_all(root: Path) -> tuple[set[str], list[str]]:
    """The subjects that are read, and the references that are set aside."""
    settings = MaildirSettings.model_validate({"path": str(root)})
    connector = Maildir(settings, Context("ana", "ana@acme.test", Reading(privacy=Privacy.HEADERS)))
    subjects: set[str] = set()
    aside: list[str] = []
    try:
        async for batch in connector.poll(None):
            subjects |= {one.header.decode().partition("Subject: ")[2].split("\r\n")[0] for one in batch.messages}
            aside += [one.ref for one in batch.quarantined]
    finally:
        await connector.aclose()
    return subjects, aside


async def test_a_link_in_a_maildir_shows_nobody_elses_mail(tmp_path: Path) -> None:
    boss, ana = maildir(tmp_path / "boss"), maildir(tmp_path / "ana")
    (boss / "new" / "1700000001.boss").write_bytes(LETTER % (b"boss", SECRET.encode()))
    (ana / "new" / "1700000002.own").write_bytes(LETTER % (b"own", b"mine"))
    (ana / "new" / "1700000003.link").symlink_to(boss / "new" / "1700000001.boss")
    (ana / "new" / "1700000004.device").symlink_to("/dev/zero")
    (ana / "new" / "1700000005.loop").symlink_to("1700000005.loop")
    os.mkfifo(ana / "new" / "1700000006.pipe")
    (ana / ".Sent").symlink_to(boss)
    maildir(ana / ".Archive")
    (ana / ".Drafts").mkdir()
    (ana / ".Drafts" / "new").symlink_to(boss / "new")
    (ana / ".Drafts" / "cur").symlink_to(boss / "cur")
    subjects, aside = await read_all(ana)
    assert subjects == {"mine"}
    assert len(aside) == 4


async def test_a_link_within_the_maildir_is_still_a_folder(tmp_path: Path) -> None:
    ana = maildir(tmp_path / "ana")
    maildir(ana / "stored" / "sent")
    (ana / "stored" / "sent" / "new" / "1700000001.one").write_bytes(LETTER % (b"one", b"sent by us"))
    (ana / ".Sent").symlink_to(ana / "stored" / "sent")
    assert (await read_all(ana))[0] == {"sent by us"}


def test_replay_waits_for_no_pipe_and_follows_no_link_out_of_its_folder(tmp_path: Path) -> None:
    mail, elsewhere = tmp_path / "mail", tmp_path / "elsewhere"
    mail.mkdir()
    elsewhere.mkdir()
    (elsewhere / "x.eml").write_bytes(LETTER % (b"other", SECRET.encode()))
    (mail / "a.eml").write_bytes(LETTER % (b"a", b"one"))
    (mail / "b.eml").symlink_to(mail / "a.eml")
    (mail / "c.eml").symlink_to(elsewhere / "x.eml")
    (mail / "d").symlink_to(elsewhere)
    (mail / "e").symlink_to(mail)
    (mail / "f.eml").symlink_to("/dev/zero")
    os.mkfifo(mail / "g.eml")
    found = list(archive.read(mail))
    assert [Path(one.path).name for one in found if one.raw is not None] == ["a.eml", "b.eml"]
    assert [Path(one.path).name for one in found if one.problem] == ["c.eml", "d", "e", "f.eml", "g.eml"]


@pytest.mark.parametrize("name", ["escape sequences", "right to left", "line breaks", "lone surrogate"])
def test_lists_on_a_terminal_obey_no_buyer(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = HOSTILE[name].encode(errors="replace").decode()
    items = [{"id": "c1", "lead": text, "subject": f"x{text}"}]
    table(items, ["id", "lead", "subject"])
    result_json(items)
    for char in capsys.readouterr().out:
        assert char == "\n" or char.isprintable()


def test_a_question_whose_text_cannot_be_read_starts_a_wait_by_its_headers(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path)
    path = daemon.path
    path.write_text(path.read_text(encoding="utf-8") + "privacy: text\n", encoding="utf-8")
    daemon.config = configuration.load(path)
    daemon.lead("bo@buyer.test", owner="ana")
    unreadable = "Content-Type: text/html\r\n\r\n<p>May I have an offer? &#" + "9" * 5000 + ";</p>"
    header = "From: bo@buyer.test\r\nTo: ana@acme.test\r\nMessage-ID: <q@buyer.test>\r\n"
    with pytest.raises(Unusable):
        text_of((header + unreadable).encode())
    whole = (header + unreadable).encode()
    raw = RawMessage("INBOX/1", FolderRole.INBOX, daemon.at, header.encode(), text=whole)
    daemon.engine.ingest(MailboxId("ana"), Batch((raw,), Cursor("1"), seen_until=daemon.at), None, daemon.at)
    assert daemon.only_wait("bo@buyer.test")
    daemon.close()
