"""What is particular to Maildirs; what holds for every connector stands in the contract suite."""

from __future__ import annotations

import asyncio
import errno
import os
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from asyncinotify import Inotify
from structlog.testing import capture_logs

from connectors.mail.maildir import Maildir, MaildirSettings
from connectors.mail.maildir.folder import USUAL_TRUST, StampTrust
from connectors.mail.maildir.inotify import DirectoryWatches
from inboxwatch import now as instant
from inboxwatch.connector import Batch, Context, Cursor, MailboxError, Reading, Reason
from inboxwatch.core.model import FolderRole


def deliver(box: Path, name: str) -> None:
    """Renames a message into a Maildir, as a server does."""
    for part in ("cur", "new", "tmp"):
        (box / part).mkdir(parents=True, exist_ok=True)
    (box / "tmp" / name).write_bytes(f"Message-ID: <{name}@acme.test>\nFrom: ana@acme.test\n\nHello\n".encode())
    (box / "tmp" / name).rename(box / "new" / name)


def connect(root: Path, trust: StampTrust = USUAL_TRUST) -> Maildir:
    settings = MaildirSettings.model_validate({"path": str(root), "push": "off"})
    reading = Reading(since=instant.now() - timedelta(days=1))
    return Maildir(settings, Context("ana", "ana@acme.test", reading), trust)


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


def refs(batches: list[Batch]) -> list[str]:
    return [one.ref for batch in batches for one in batch.messages]


def several(box: Path, names: list[str]) -> None:
    for name in names:
        deliver(box, name)


async def test_names_without_a_time_and_names_of_odd_bytes_are_read_once(tmp_path: Path) -> None:
    names = ["message-without-a-time", "1795314217.odd\udcff.host", "1795314217.M1P1.host,S=12"]
    for name in names:
        deliver(tmp_path, "draft")
        (tmp_path / "new" / "draft").rename(tmp_path / "new" / name)
    batches = await all_of(connect(tmp_path), None)
    refs = [one.ref for batch in batches for one in batch.messages]
    assert len(set(refs)) == 3
    assert all(ref.encode() for ref in refs)
    assert [one for batch in await all_of(connect(tmp_path), batches[-1].cursor) for one in batch.messages] == []


async def test_a_file_that_comes_under_an_old_name_after_a_restart_is_read(tmp_path: Path) -> None:
    several(tmp_path, ["1795314217.b.host", "1795314218.c.host"])
    cursor = (await all_of(connect(tmp_path), None))[-1].cursor
    deliver(tmp_path, "1500000000.restored.host")
    batches = await all_of(connect(tmp_path), cursor)
    assert [one.ref for batch in batches for one in batch.messages] == ["INBOX/1500000000.restored.host"]


async def test_a_message_that_is_flagged_while_it_is_read_is_found_under_its_new_name(tmp_path: Path) -> None:
    several(tmp_path, [f"17953142{number:02}.x.host" for number in range(12)])
    settings = MaildirSettings.model_validate({"path": str(tmp_path), "push": "off"})
    box = Maildir(settings, Context("ana", "ana@acme.test", Reading(batch_size=4)))
    read: list[str] = []
    async for batch in box.poll(None):
        read += [one.ref for one in batch.messages]
        for file in list((tmp_path / "new").iterdir()):
            file.rename(tmp_path / "cur" / f"{file.name}:2,S")
    assert sorted(read) == [f"INBOX/17953142{number:02}.x.host" for number in range(12)]


class Exhausted(Inotify):
    """inotify where the user's limit is reached."""

    def add_watch(self, *_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")


async def test_where_inotify_is_exhausted_the_poll_goes_on_and_check_says_so(tmp_path: Path) -> None:
    watches = DirectoryWatches(asyncio.get_running_loop(), Exhausted)
    deliver(tmp_path, "1795314217.a.host")
    settings = MaildirSettings.model_validate({"path": str(tmp_path)})
    box = Maildir(settings, Context("ana", "ana@acme.test"), watches=lambda: watches)
    with capture_logs() as log:
        batches = await all_of(box, None)
        assert [len(batch.messages) for batch in batches] == [1]
        assert not await box.wait(0.01)
        assert any("inotify" in warning for warning in (await box.probe()).warnings)
        await all_of(box, batches[-1].cursor)
    assert [(entry["event"], entry["mailbox"]) for entry in log] == [
        ("no inotify: mail is seen by polling only", "ana")
    ]


async def test_a_known_message_that_is_moved_or_flagged_wakes_nobody(tmp_path: Path) -> None:
    deliver(tmp_path, "1795314217.a.host")
    box = Maildir(MaildirSettings.model_validate({"path": str(tmp_path)}), Context("ana", "ana@acme.test"))
    cursor = (await all_of(box, None))[-1].cursor
    file = (tmp_path / "new" / "1795314217.a.host").rename(tmp_path / "cur" / "1795314217.a.host:2,")
    file.rename(file.with_name("1795314217.a.host:2,S"))
    assert not await box.wait(0.1)
    assert refs(await all_of(box, cursor)) == []
    deliver(tmp_path, "1795314218.b.host")
    assert await box.wait(30)
    await box.aclose()


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The directories that are listed from now on."""
    seen: list[str] = []
    genuine = os.listdir

    def listdir(path: str) -> list[str]:
        seen.append(Path(path).name)
        return genuine(path)

    monkeypatch.setattr("os.listdir", listdir)
    return seen


async def test_an_unchanged_folder_is_not_listed_again_not_even_after_a_restart(
    tmp_path: Path, listed: list[str]
) -> None:
    fine = StampTrust(apart=0.0)
    several(tmp_path, ["1795314217.a.host", "1795314218.b.host"])
    box = connect(tmp_path, fine)
    cursor = (await all_of(box, None))[-1].cursor
    assert {"new", "cur"} <= set(listed)
    listed.clear()
    for _ in range(3):
        cursor = (await all_of(box, cursor))[-1].cursor
    box = connect(tmp_path, fine)
    for _ in range(3):
        cursor = (await all_of(box, cursor))[-1].cursor
    assert not {"new", "cur"} & set(listed)
    await asyncio.sleep(0.05)  # ticks of the kernel's clock, which stamps directories
    (tmp_path / "new" / "1795314217.a.host").rename(tmp_path / "cur" / "1795314217.a.host:2,S")
    batches = await all_of(box, cursor)
    assert refs(batches) == []
    await asyncio.sleep(0.05)
    listed.clear()
    deliver(tmp_path, "1500000000.late.host")
    assert refs(await all_of(box, batches[-1].cursor)) == ["INBOX/1500000000.late.host"]
    assert "cur" not in listed


class _Coarse:
    """What a file system tells of a file whose clock never moves."""

    st_ctime_ns = 1_700_000_000_000_000_000

    def __init__(self, genuine: os.stat_result) -> None:
        self._genuine = genuine

    def __getattr__(self, name: str) -> object:
        return getattr(self._genuine, name)


async def test_what_changes_under_an_old_stamp_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = Path.stat
    monkeypatch.setattr(Path, "stat", lambda path, **options: _Coarse(genuine(path, **options)))
    deliver(tmp_path, "1795314217.a.host")
    box = connect(tmp_path)
    cursor = (await all_of(box, None))[-1].cursor
    deliver(tmp_path, "1795314218.b.host")  # within the two seconds that a stamp may last
    batches = await all_of(box, cursor)
    assert refs(batches) == ["INBOX/1795314218.b.host"]
    box = connect(tmp_path, StampTrust(apart=0.0))
    cursor = (await all_of(box, batches[-1].cursor))[-1].cursor
    deliver(tmp_path, "1795314219.c.host")  # on a file system that does not stamp at all
    assert refs(await all_of(box, cursor)) == []
    box = connect(tmp_path, StampTrust(apart=0.0, lasts=0.0))
    assert refs(await all_of(box, cursor)) == ["INBOX/1795314219.c.host"]


async def test_a_file_that_a_listing_left_out_is_not_new_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(tmp_path, ["1795314217.a.host", "1795314218.b.host"])
    box = connect(tmp_path)
    cursor = (await all_of(box, None))[-1].cursor
    genuine = os.listdir
    monkeypatch.setattr("os.listdir", lambda path: [name for name in genuine(path) if ".a." not in name])
    deliver(tmp_path, "1795314219.c.host")
    batches = await all_of(box, cursor)
    assert refs(batches) == ["INBOX/1795314219.c.host"]
    cursor = batches[-1].cursor
    monkeypatch.setattr("os.listdir", genuine)
    assert refs(await all_of(box, cursor)) == []


async def test_hundreds_of_maildirs_are_watched_through_one_inotify_instance(tmp_path: Path) -> None:
    boxes: list[tuple[Path, Maildir, Cursor]] = []
    for number in range(150):  # a user has 128 instances
        root = tmp_path / str(number)
        deliver(root, "1795314217.a.host")
        box = Maildir(MaildirSettings.model_validate({"path": str(root)}), Context(str(number), "x@acme.test"))
        boxes.append((root, box, (await all_of(box, None))[-1].cursor))
    waits = [asyncio.create_task(box.wait(30)) for _, box, _ in boxes]
    await asyncio.sleep(0)
    deliver(boxes[77][0], "1795314218.b.host")
    done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    assert done == {waits[77]}
    for task in waits:
        task.cancel()
    for _, box, _ in boxes:
        await box.aclose()


async def test_a_path_without_a_maildir_is_told_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(MailboxError) as caught:
        await all_of(connect(tmp_path), None)
    assert caught.value.reason is Reason.UNAVAILABLE
    assert "`path`" in caught.value.hint


async def test_sent_mail_may_be_a_maildir_elsewhere(tmp_path: Path) -> None:
    deliver(tmp_path / "in", "1795314217.a.host")
    deliver(tmp_path / "out", "1795314218.b.host")
    given = {"path": str(tmp_path / "in"), "sent_path": str(tmp_path / "out"), "push": "off"}
    box = Maildir(MaildirSettings.model_validate(given), Context("ana", "ana@acme.test"))
    (batch,) = await all_of(box, None)
    assert [one.role for one in batch.messages] == [FolderRole.INBOX, FolderRole.SENT]
