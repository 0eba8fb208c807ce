"""A connector by somebody else, in thirty lines, keeps the contract: it reads a post office in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.mail.capability import table
from inboxwatch import connector
from inboxwatch import now as instant
from inboxwatch.connector import Batch, Context, Cursor, MailboxError, Probe, Quarantined, Reading, Reason, Settings
from inboxwatch.core.model import FolderRole
from inboxwatch.mime import whole
from inboxwatch.testing import ConnectorContract, Mailbox


@dataclass
class Parcel:
    number: int
    raw: bytes
    """Empty where it is damaged."""
    role: FolderRole
    received_at: datetime


@dataclass
class Post:
    """A mail server of a few lines: numbered messages, a generation that ends when it forgets, a door."""

    parcels: list[Parcel] = field(default_factory=list)
    generation: int = 1
    open: bool = True

    async def after(self, number: int) -> list[Parcel]:
        await asyncio.sleep(0)  # where others ask a server
        if not self.open:
            raise ConnectionRefusedError("the post office is closed")
        return [one for one in self.parcels if one.number > number]


POSTS: dict[str, Post] = {}
_offices, _numbers = itertools.count(1), itertools.count(1)


# --- what its author writes ---
class PostSettings(Settings):
    office: str


class PostConnector:
    settings: ClassVar[type[Settings]] = PostSettings

    def __init__(self, settings: PostSettings, context: Context) -> None:
        self.post, self.reading = POSTS[settings.office], context.reading

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        started, since, size = instant.now(), self.reading.since, self.reading.batch_size
        generation, _, last = (cursor or "").partition("/")
        known = generation == str(self.post.generation)  # else first sight, or a position that means nothing any more
        mail = await self._after(done := int(last) if known else 0)
        mail = [one for one in mail if since is None or one.received_at >= since]
        for start in range(0, len(mail) or 1, size):
            share = mail[start : start + size]
            yield Batch(
                tuple(whole(str(p.number), p.role, p.received_at, p.raw, self.reading.privacy) for p in share if p.raw),
                Cursor(f"{self.post.generation}/{share[-1].number if share else done}"),
                seen_until=started if start + size >= len(mail) else None,
                quarantined=tuple(Quarantined(str(one.number), "damaged") for one in share if not one.raw),
                resynced=cursor is not None and not known and start == 0,
            )

    async def probe(self) -> Probe:
        return Probe({FolderRole.INBOX: "In", FolderRole.SENT: "Out"}, (("mail", str(len(await self._after(0)))),))

    async def aclose(self) -> None: ...

    async def _after(self, number: int) -> list[Parcel]:
        try:
            return await self.post.after(number)
        except OSError as error:
            raise MailboxError(Reason.UNAVAILABLE, str(error)) from error


# --- and his tests: the world around it ---
class PostMailbox:
    secrets: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.office = f"office {next(_offices)}"
        self.post = POSTS[self.office] = Post()

    def connector(self, reading: Reading) -> PostConnector:
        return PostConnector(PostSettings(office=self.office), Context("ana", "ana@acme.test", reading))

    def deliver(self, raw: bytes, *, sent: bool = False, when: datetime | None = None) -> None:
        at = (when or instant.now()).astimezone(UTC).replace(microsecond=0)
        self.post.parcels.append(Parcel(next(_numbers), raw, FolderRole.SENT if sent else FolderRole.INBOX, at))

    def deliver_unreadable(self) -> None:
        self.deliver(b"")

    def handle(self) -> None: ...

    def void_cursors(self) -> None:
        self.post.generation += 1

    def break_connection(self) -> None:
        self.post.open = False

    def mend_connection(self) -> None:
        self.post.open = True

    def snapshot(self) -> Any:
        return list(self.post.parcels)


class TestPost(ConnectorContract):
    knows_order_of_arrival_only = True

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
    guide = Path(__file__).parents[2] / "connectors" / "README.md"
    assert table(rows) in guide.read_text(encoding="utf-8")
