"""A connector by somebody else, in some forty lines, keeps the contract: it reads a post office in memory."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.mail._capability import table
from inboxwatch import connector, instant
from inboxwatch.connector import Batch, Context, Cursor, MailboxError, Probe, Quarantined, Reading, Reason, Settings
from inboxwatch.core.model import FolderRole, Privacy, RawMessage
from inboxwatch.mime import machine_parts
from inboxwatch.testing import ConnectorContract, Mailbox


@dataclass
class Parcel:
    raw: bytes | None
    role: FolderRole
    received_at: datetime


@dataclass
class Post:
    """A mail server of a few lines: numbered messages, a generation that ends when it forgets, a door."""

    parcels: dict[int, Parcel] = field(default_factory=dict)
    generation: int = 1
    open: bool = True


POSTS: dict[str, Post] = {}
_offices, _numbers = itertools.count(1), itertools.count(1)


# --- what its author writes ---
class PostSettings(Settings):
    office: str


class PostConnector:
    settings: ClassVar[type[Settings]] = PostSettings

    def __init__(self, settings: PostSettings, context: Context) -> None:
        self.office, self.reading = settings.office, context.reading

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        started, post = instant.now(), await self._post()
        try:
            generation, done, past = json.loads(cursor or "")
        except (ValueError, TypeError):
            generation, done, past = 0, 0, 0
        if begins := generation != post.generation:  # first sight, or a position that means nothing any more
            done, past = 0, max(post.parcels, default=0)
        waiting, size = [number for number in post.parcels if number > done], self.reading.batch_size
        for start in range(0, len(waiting) or 1, size):
            share = waiting[start : start + size]
            taken = [n for n in share if n > past or self.reading.since is None or self._at(n) >= self.reading.since]
            yield Batch(
                tuple(sorted([self._message(n) for n in taken if post.parcels[n].raw], key=lambda m: m.received_at)),
                Cursor(json.dumps([post.generation, share[-1] if share else done, past])),
                seen_until=started if start + size >= len(waiting) else None,
                quarantined=tuple(Quarantined(str(n), "damaged") for n in taken if not post.parcels[n].raw),
                resynced=begins and cursor is not None and start == 0,
            )

    async def probe(self) -> Probe:
        await self._post()
        return Probe({FolderRole.INBOX: "In", FolderRole.SENT: "Out"})

    async def aclose(self) -> None: ...

    def _message(self, number: int) -> RawMessage:
        one = POSTS[self.office].parcels[number]
        raw = one.raw or b""
        text = raw if self.reading.privacy is Privacy.TEXT else None
        return RawMessage(str(number), one.role, one.received_at, raw.split(b"\r\n\r\n")[0], machine_parts(raw), text)

    def _at(self, number: int) -> datetime:
        return POSTS[self.office].parcels[number].received_at

    async def _post(self) -> Post:
        await asyncio.sleep(0)  # where others ask a server
        if not POSTS[self.office].open:
            raise MailboxError(Reason.UNAVAILABLE, "the post office is closed")
        return POSTS[self.office]


# --- and his tests: the world around it ---
class PostMailbox:
    secrets: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.office = f"office {next(_offices)}"
        self.post = POSTS[self.office] = Post()

    def connector(self, reading: Reading) -> PostConnector:
        return PostConnector(PostSettings(office=self.office), Context("ana", "ana@acme.test", reading))

    def deliver(self, raw: bytes | None, *, sent: bool = False, when: datetime | None = None) -> None:
        at = (when or instant.now()).astimezone(UTC).replace(microsecond=0)
        self.post.parcels[next(_numbers)] = Parcel(raw, FolderRole.SENT if sent else FolderRole.INBOX, at)

    def deliver_unreadable(self) -> None:
        self.deliver(None)

    def handle(self) -> None: ...

    def void_cursors(self) -> None:
        self.post.generation += 1

    def break_connection(self) -> None:
        self.post.open = False

    def mend_connection(self) -> None:
        self.post.open = True

    def snapshot(self) -> Any:
        return dict(self.post.parcels)


class TestPost(ConnectorContract):
    @pytest.fixture
    def mailbox(self) -> Mailbox:
        return PostMailbox()


def test_a_connector_of_another_package_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "post_office-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: post-office\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(f"[inboxwatch.mail]\npost = {__name__}:PostConnector\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert connector.load("mail", "post") is PostConnector


def test_the_guide_for_authors_tells_what_the_code_says_each_connector_can_see() -> None:
    known = sorted(entry_points(group="inboxwatch.mail"), key=lambda point: point.name)
    rows = [one for point in known for one in getattr(point.load(), "capabilities", ())]
    assert len(rows) >= 8
    guide = Path(__file__).parent.parent / "connectors" / "README.md"
    assert table(rows) in guide.read_text(encoding="utf-8")
