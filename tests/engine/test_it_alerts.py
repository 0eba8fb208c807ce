"""IT's own alarms: each told once to its own channels, with what to do, and told again when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from inboxwatch import config as configuration
from inboxwatch.connector import Batch, Cursor, MailboxError, Reason
from inboxwatch.core.model import FolderRole, MailboxId, RawMessage
from inboxwatch.daemon.housekeeping import Housekeeping
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.sender import Sender
from inboxwatch.daemon.store_alert import StoreAlert
from inboxwatch.daemon.writer import Writer
from inboxwatch.engine.alarms import Access, Disk, watch_all
from inboxwatch.notify import ChannelError, Notice, NoticeType, Receipt, Recipient, Settings
from inboxwatch.store.records import DeliveryState
from tests.support.certificates import Authority
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.waiting import PATIENCE

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
GIGABYTE = 2**30
PLENTY = Disk("/srv", 400 * GIGABYTE, 500 * GIGABYTE)
CHANNELS = "{desk: {type: console}, pager: {type: console}, mail: {type: console}}\nit_alerts: {notify: [mail]}"


class RecordingChannel:
    """A channel that keeps what it is given, and fails as told."""

    settings: ClassVar[type[Settings]] = Settings

    def __init__(self, settings: object = None, name: str = "") -> None:
        self.heard: list[Notice] = []
        self.error: ChannelError | None = None
        self.news = asyncio.Event()

    def reaches(self, person: Recipient) -> str | None:
        return person.id

    def accepts(self, destination: str) -> str | None:
        return None

    async def send(
        self, notice: Notice, destination: str, person: Recipient | None, key: str, earlier: str | None = None
    ) -> Receipt:
        if self.error is not None:
            raise self.error
        self.heard.append(notice)
        self.news.set()
        return Receipt()

    async def probe(self) -> str:
        return "fine"

    async def aclose(self) -> None:
        """Keeps nothing open."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    """People are reached by desk, then pager; IT reads mail only."""
    daemon = InProcessDaemon(tmp_path)
    text = daemon.path.read_text().replace("{desk: {type: console}}", CHANNELS)
    daemon.path.write_text(text.replace("notify_by: [desk]", "notify_by: [desk, pager]"))
    daemon.config = configuration.load(daemon.path)
    daemon.engine.reload(daemon.config, {name: RecordingChannel() for name in daemon.config.channels})
    yield daemon
    daemon.close()


def look(
    daemon: InProcessDaemon, *, expiring: dict[str, datetime | None] | None = None, disk: Disk = PLENTY
) -> list[str]:
    """One round; what IT reads of it. `expiring`: mailboxes, and a directory with an @ before it."""
    found = [
        Access(None, name[1:], ends) if name.startswith("@") else Access(name, None, ends)
        for name, ends in (expiring or {}).items()
    ]
    daemon.engine.write(watch_all, daemon.engine.rules, daemon.at, found, disk)
    return read(daemon)


def read(daemon: InProcessDaemon, channel: str = "mail") -> list[str]:
    """The titles of what is due by a channel, which is thereby sent."""
    room, titles = daemon.engine, []
    while rows := room.claim(channel, daemon.at):
        rendered = room.render(rows, daemon.at)
        assert rendered is not None
        assert rendered.notice.type in (NoticeType.MAILBOX, NoticeType.DIGEST)
        titles.append(rendered.notice.title)
        room.sent(rendered.rows, Receipt(), daemon.at)
    return titles


def once_and_over(daemon: InProcessDaemon, wrong: Any, right: Any) -> tuple[str, str]:
    """What is told when something goes wrong and when it is right again; nothing in between, however often."""
    assert right() == []
    (told,) = wrong()
    for _ in range(3):
        daemon.at += HOUR
        assert wrong() == []
    (over,) = right()
    assert right() == []
    (again,) = wrong()
    assert again == told
    return told, over


def test_a_full_disk_is_told_before_it_is_full(daemon: InProcessDaemon) -> None:
    low = Disk("/srv", GIGABYTE, 500 * GIGABYTE)
    told, over = once_and_over(daemon, lambda: look(daemon, disk=low), lambda: look(daemon))
    assert told.startswith("The disk of the store (/srv) has 1024 MB left: ")
    assert "Make room" in told
    assert "has room again" in over


@pytest.mark.parametrize(
    ("free", "total", "wrong"),
    [(300 * 2**20, 4 * GIGABYTE, False), (150 * 2**20, GIGABYTE, True), (6 * GIGABYTE, 900 * GIGABYTE, False)],
)
def test_a_disk_is_not_full_by_its_share_alone(daemon: InProcessDaemon, free: int, total: int, wrong: bool) -> None:
    assert bool(look(daemon, disk=Disk("/srv", free, total))) is wrong


def test_missing_messages_are_told_in_percent_that_never_round_up(daemon: InProcessDaemon) -> None:
    def covered(ratio: float) -> list[str]:
        with daemon.store.transaction() as tx:
            tx.health.counted("ana", ratio)
        return look(daemon)

    told, over = once_and_over(daemon, lambda: covered(0.99999), lambda: covered(1.0))
    assert "holds only 99.99 % of the messages in mailbox ana" in told
    assert "holds every message of mailbox ana again" in over


def test_an_access_that_ends_is_told_two_weeks_before(daemon: InProcessDaemon) -> None:
    end = daemon.at + 20 * DAY
    assert look(daemon, expiring={"ana": end, "sales": None}) == []
    daemon.at += 7 * DAY
    (told,) = look(daemon, expiring={"ana": end})
    assert told.startswith("The access to mailbox ana ends on 2026-05-24 09:00 UTC: renew")
    daemon.at += DAY
    assert look(daemon, expiring={"ana": end}) == []
    assert look(daemon, expiring={"ana": end + 90 * DAY}) == ["The access to mailbox ana was renewed."]


def test_all_that_ends_together_is_told_once(daemon: InProcessDaemon) -> None:
    """Hundreds of mailboxes and their directory are read by one application."""
    end, boxes = daemon.at + 13 * DAY, {f"box{number:02}": daemon.at + 13 * DAY for number in range(12)}
    before: dict[str, datetime | None] = {**boxes, "@staff": end, "cem": end + 12 * HOUR, "@list": end - DAY}
    together, later, alone = look(daemon, expiring=before)
    assert together == (
        "The access to 12 mailboxes (box00, box01, box02, box03, box04, and 7 more) and to directory staff ends on "
        "2026-05-17 09:00 UTC: renew its token, secret or certificate before, or they go blind and nobody who joins or "
        "leaves is noticed."
    )
    assert later.startswith("The access to mailbox cem ends on 2026-05-17 21:00 UTC")
    assert alone.startswith("The access to directory list ends on 2026-05-16")
    assert look(daemon, expiring=before) == []
    joined = before | {"dana": end}
    assert [one[:31] for one in look(daemon, expiring=joined)] == ["The access to mailbox dana ends"]
    renewed = dict.fromkeys(before) | {"dana": end}
    assert look(daemon, expiring=renewed) == [
        "The access to 13 mailboxes (box00, box01, box02, box03, box04, and 8 more) and to 2 directories (staff, list) "
        "was renewed."
    ]


def test_a_server_whose_clock_is_ahead_is_told_with_how_far(daemon: InProcessDaemon) -> None:
    numbers = iter(range(100))

    def arrives(ahead: timedelta) -> list[str]:
        number = next(numbers)
        header = f"Message-ID: <m{number}@buyer.test>\r\nFrom: bo@buyer.test\r\n\r\n".encode()
        raw = RawMessage(f"INBOX/{number}", FolderRole.INBOX, daemon.at + ahead, header)
        with daemon.store.reading() as tx:
            row = tx.mailboxes.get("ana")
        cursor = row.cursor if row else None
        daemon.engine.ingest(MailboxId("ana"), Batch((raw,), Cursor(str(number))), cursor, daemon.at)
        return read(daemon)

    told, over = once_and_over(daemon, lambda: arrives(timedelta(minutes=30)), lambda: arrives(timedelta(minutes=1)))
    assert told.startswith("The server of mailbox ana is 30 min ahead of this machine")
    assert "NTP" in told
    assert "agree again" in over


def test_dead_letters_are_told_and_gone_once_they_are_sent_again(daemon: InProcessDaemon) -> None:
    room = daemon.engine

    def lose() -> list[str]:
        with daemon.store.transaction() as tx:
            if not tx.board.dead_letters():
                key = f"x/{daemon.at.isoformat()}"
                rows = daemon.engine.rules.notices.notice(NoticeType.DIGEST, key, ["ana"], daemon.at, title="x")
                tx.deliveries.enqueue([replace(row, state=DeliveryState.DEAD, error="no") for row in rows])
        return look(daemon)

    def mend() -> list[str]:
        with daemon.store.reading() as tx:
            dead = tx.deliveries.dead()
        for row in dead:
            assert room.resend(row.id, daemon.at) == "desk"
        read(daemon, "desk")
        return look(daemon)

    told, over = once_and_over(daemon, lose, mend)
    assert told.startswith("1 message could not be delivered")
    assert "inboxwatch outbox resend" in told
    assert over == "No dead letters are left."


def test_a_dead_letter_of_an_alarm_raises_no_further_alarm(daemon: InProcessDaemon) -> None:
    """Nobody can be told of a dead channel by that channel: the alarm stands, and does not feed itself."""
    room = daemon.engine
    look(daemon, disk=Disk("/srv", 0, GIGABYTE))
    for _ in range(5):
        daemon.engine.write(watch_all, daemon.engine.rules, daemon.at, (), Disk("/srv", 0, GIGABYTE))
        while rows := room.claim("mail", daemon.at):
            room.delivery_failed(rows, "gone", daemon.at, permanent=True, pause=HOUR)
        daemon.at += HOUR
    with daemon.store.reading() as tx:
        assert tx.board.dead_letters() <= 1


def test_a_blind_mailbox_is_told_with_the_servers_own_words(daemon: InProcessDaemon) -> None:
    error = MailboxError(Reason.AUTH, "LOGIN failed", hint="Check the password.", permanent=True)
    for _ in range(3):
        daemon.engine.failed(MailboxId("ana"), error, daemon.at)
        daemon.at += HOUR
    rows = daemon.engine.claim("mail", daemon.at)
    rendered = daemon.engine.render(rows, daemon.at)
    assert rendered is not None
    assert (rendered.notice.type, rendered.notice.mailbox, rendered.notice.error) == ("mailbox", "ana", "LOGIN failed")
    assert rendered.notice.title.endswith("Check the password.")
    daemon.engine.sent(rendered.rows, Receipt(), daemon.at)
    daemon.engine.succeeded(MailboxId("ana"), daemon.at)
    assert read(daemon) == ["Mailbox ana can be read again."]


def breach(daemon: InProcessDaemon) -> None:
    """Bo has waited so long that Ana and Max are owed a page by desk."""
    daemon.lead("bo@buyer.test", owner="ana")
    daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.passes(2 * HOUR)


async def test_a_dead_channel_is_passed_over_and_it_hears_of_it_by_another(daemon: InProcessDaemon) -> None:
    channels = {name: RecordingChannel() for name in daemon.config.channels}
    channels["desk"].error = ChannelError("token revoked", permanent=True)
    daemon.engine.reload(daemon.config, channels)
    breach(daemon)
    worker = Writer(daemon.store)
    try:
        await deliver(daemon, channels, worker)
        assert [notice.targets for notice in channels["pager"].heard] == [("ana",), ("max",)]
        assert {clock.reason for notice in channels["pager"].heard for clock in notice.clocks} == {"breach"}
        (told,) = channels["mail"].heard
        assert told.title.startswith("Channel desk does not deliver: the next way was used.")
        assert told.error == "token revoked"
    finally:
        worker.close()


async def test_a_channel_that_only_stumbles_is_passed_over_after_some_tries(daemon: InProcessDaemon) -> None:
    channels = {name: RecordingChannel() for name in daemon.config.channels}
    channels["desk"].error = ChannelError("busy", retry_after=30.0)
    daemon.engine.reload(daemon.config, channels)
    breach(daemon)
    worker = Writer(daemon.store)
    try:
        for _ in range(4):
            await deliver(daemon, channels, worker)
            daemon.at += timedelta(minutes=6)
        assert channels["pager"].heard == []
        await deliver(daemon, channels, worker)
        assert len(channels["pager"].heard) == 2
    finally:
        worker.close()


async def deliver(daemon: InProcessDaemon, channels: dict[str, RecordingChannel], worker: Writer) -> None:
    async def look(*_: object) -> bool:
        return True

    context = LoopContext(daemon.engine.rules, worker, daemon.now)
    for _ in range(2):
        for name, channel in channels.items():
            outbox = Sender(name, channel, look, context)
            while await outbox.deliver_one():
                pass


async def test_housekeeping_looks_at_the_disk_and_wakes_the_senders(daemon: InProcessDaemon) -> None:
    worker, woken = Writer(daemon.store), asyncio.Event()
    end = daemon.at + DAY
    context = LoopContext(daemon.engine.rules, worker, daemon.now, woken.set)
    housekeeping = Housekeeping(daemon.store.file, lambda: [Access("ana", None, end)], context)
    try:
        await housekeeping.once()
        assert woken.is_set()
        (told,) = read(daemon)
        assert told.startswith("The access to mailbox ana ends on 2026-05-05 09:00 UTC")
    finally:
        worker.close()


@pytest.fixture
async def line(daemon: InProcessDaemon) -> AsyncIterator[tuple[StoreAlert, dict[str, RecordingChannel]]]:
    channels = {name: RecordingChannel() for name in daemon.config.channels}
    daemon.engine.reload(daemon.config, channels)
    line = StoreAlert(daemon.engine.rules, channels, daemon.now, patience=0.01)
    yield line, channels
    await line.aclose()


async def test_a_store_that_is_away_is_told_past_it_once_and_when_it_is_back(
    line: tuple[StoreAlert, dict[str, RecordingChannel]],
) -> None:
    direct, channels = line
    direct.store_away("disk I/O error")
    await asyncio.wait_for(channels["mail"].news.wait(), PATIENCE)
    (told,) = channels["mail"].heard
    assert told.title.startswith("The store cannot be used")
    assert told.error == "disk I/O error"
    channels["mail"].news.clear()
    direct.store_away(None)
    await asyncio.wait_for(channels["mail"].news.wait(), PATIENCE)
    assert channels["mail"].heard[-1].title.startswith("The store can be used again")
    assert channels["desk"].heard == []


async def test_a_short_outage_of_the_store_is_no_news(daemon: InProcessDaemon) -> None:
    mail = RecordingChannel()
    line = StoreAlert(daemon.engine.rules, {"mail": mail}, daemon.now, patience=60)
    line.store_away("restarting")
    line.store_away(None)
    await line.aclose()
    assert mail.heard == []


async def test_the_worker_says_when_the_store_goes_and_comes(daemon: InProcessDaemon) -> None:
    """Each outage is said once, however often a unit is tried."""
    from inboxwatch.store import Outage

    said: list[str | None] = []
    left = [3]

    def unit() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise Outage("no space left")
        return "done"

    worker = Writer(daemon.store)
    worker.on_outage = said.append
    try:
        assert await worker.run(unit) == "done"
    finally:
        worker.close()
    assert said == ["no space left", None]


def test_the_end_of_the_listeners_certificate_is_told_two_weeks_ahead(daemon: InProcessDaemon, tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    def issued(ends: datetime) -> list[str]:
        """The certificate is another one, which a reload takes over."""
        authority.issue(ends=ends)
        channels = {name: RecordingChannel() for name in daemon.config.channels}
        daemon.engine.reload(configuration.load(daemon.path), channels)
        return look(daemon)

    encrypted = f'web: {{tls: {authority.config}, listen: "127.0.0.1:0"'
    daemon.path.write_text(daemon.path.read_text().replace('web: {listen: "127.0.0.1:0"', encrypted))
    began = daemon.at
    told, over = once_and_over(
        daemon, lambda: issued(began + 14 * DAY - timedelta(minutes=1)), lambda: issued(daemon.at + 15 * DAY)
    )
    assert "certificate of inboxwatch's own web (web.tls) ends on 2026-05-18 08:59 UTC" in told
    assert over == "The certificate of inboxwatch's own web was renewed."
