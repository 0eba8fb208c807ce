"""IT's own alarms: each told once to its own channels, with what to do, and told again when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inboxwatch import config as configuration
from inboxwatch.connector import Batch, Cursor, MailboxError, Reason
from inboxwatch.core.model import FolderRole, MailboxId, RawMessage
from inboxwatch.daemon.housekeeping import Housekeeping
from inboxwatch.daemon.sender import Sender
from inboxwatch.daemon.store_alert import StoreAlert
from inboxwatch.daemon.writer import Writer
from inboxwatch.engine.alarms import Disk, watch_all
from inboxwatch.notify import ChannelError, Notice, NoticeType, Receipt, Recipient
from inboxwatch.store.records import DeliveryState
from tests.support.in_process import House

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
GIGABYTE = 2**30
PLENTY = Disk("/srv", 400 * GIGABYTE, 500 * GIGABYTE)
CHANNELS = "{desk: {type: console}, pager: {type: console}, mail: {type: console}}\nit_alerts: {notify: [mail]}"


class Reader:
    """A channel that keeps what it is given, and fails as told."""

    def __init__(self) -> None:
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
def house(tmp_path: Path) -> Iterator[House]:
    """People are reached by desk, then pager; IT reads mail only."""
    house = House(tmp_path)
    text = house.path.read_text().replace("{desk: {type: console}}", CHANNELS)
    house.path.write_text(text.replace("notify_by: [desk]", "notify_by: [desk, pager]"))
    house.config = configuration.load(house.path)
    house.engine.reload(house.config, {name: Reader() for name in house.config.channels})
    yield house
    house.close()


def look(house: House, *, expiring: dict[str, datetime | None] | None = None, disk: Disk = PLENTY) -> list[str]:
    """One round; what IT reads of it."""
    house.engine.write(watch_all, house.engine.rules, house.at, expiring or {}, disk)
    return read(house)


def read(house: House, channel: str = "mail") -> list[str]:
    """The titles of what is due by a channel, which is thereby sent."""
    room, titles = house.engine, []
    while rows := room.claim(channel, house.at):
        rendered = room.render(rows, house.at)
        assert rendered is not None
        assert rendered.notice.type in (NoticeType.MAILBOX, NoticeType.DIGEST)
        titles.append(rendered.notice.title)
        room.sent(rendered.rows, Receipt(), house.at)
    return titles


def once_and_over(house: House, wrong: Any, right: Any) -> tuple[str, str]:
    """What is told when something goes wrong and when it is right again; nothing in between, however often."""
    assert right() == []
    (told,) = wrong()
    for _ in range(3):
        house.at += HOUR
        assert wrong() == []
    (over,) = right()
    assert right() == []
    (again,) = wrong()
    assert again == told
    return told, over


def test_a_full_disk_is_told_before_it_is_full(house: House) -> None:
    low = Disk("/srv", GIGABYTE, 500 * GIGABYTE)
    told, over = once_and_over(house, lambda: look(house, disk=low), lambda: look(house))
    assert told.startswith("The disk of the store (/srv) has 1024 MB left: ")
    assert "Make room" in told
    assert "has room again" in over


@pytest.mark.parametrize(
    ("free", "total", "wrong"),
    [(300 * 2**20, 4 * GIGABYTE, False), (150 * 2**20, GIGABYTE, True), (6 * GIGABYTE, 900 * GIGABYTE, False)],
)
def test_a_disk_is_not_full_by_its_share_alone(house: House, free: int, total: int, wrong: bool) -> None:
    assert bool(look(house, disk=Disk("/srv", free, total))) is wrong


def test_missing_messages_are_told_in_percent_that_never_round_up(house: House) -> None:
    def covered(ratio: float) -> list[str]:
        with house.store.transaction() as tx:
            tx.health.counted("ana", ratio)
        return look(house)

    told, over = once_and_over(house, lambda: covered(0.99999), lambda: covered(1.0))
    assert "holds only 99.99 % of the messages in mailbox ana" in told
    assert "holds every message of mailbox ana again" in over


def test_an_access_that_ends_is_told_two_weeks_before(house: House) -> None:
    end = house.at + 20 * DAY
    assert look(house, expiring={"ana": end, "sales": None}) == []
    house.at += 7 * DAY
    (told,) = look(house, expiring={"ana": end})
    assert told.startswith("The access to mailbox ana ends on 2026-05-24 09:00 UTC: renew")
    house.at += DAY
    assert look(house, expiring={"ana": end}) == []
    assert look(house, expiring={"ana": end + 90 * DAY}) == ["The access to mailbox ana was renewed."]


def test_a_server_whose_clock_is_ahead_is_told_with_how_far(house: House) -> None:
    numbers = iter(range(100))

    def arrives(ahead: timedelta) -> list[str]:
        number = next(numbers)
        header = f"Message-ID: <m{number}@buyer.test>\r\nFrom: bo@buyer.test\r\n\r\n".encode()
        raw = RawMessage(f"INBOX/{number}", FolderRole.INBOX, house.at + ahead, header)
        with house.store.reading() as tx:
            row = tx.mailboxes.get("ana")
        cursor = row.cursor if row else None
        house.engine.ingest(MailboxId("ana"), Batch((raw,), Cursor(str(number))), cursor, house.at)
        return read(house)

    told, over = once_and_over(house, lambda: arrives(timedelta(minutes=30)), lambda: arrives(timedelta(minutes=1)))
    assert told.startswith("The server of mailbox ana is 30 min ahead of this machine")
    assert "NTP" in told
    assert "agree again" in over


def test_dead_letters_are_told_and_gone_once_they_are_sent_again(house: House) -> None:
    room = house.engine

    def lose() -> list[str]:
        with house.store.transaction() as tx:
            if not tx.board.dead_letters():
                key = f"x/{house.at.isoformat()}"
                rows = house.engine.rules.notices.notice(NoticeType.DIGEST, key, ["ana"], house.at, title="x")
                tx.deliveries.owe([replace(row, state=DeliveryState.DEAD, error="no") for row in rows])
        return look(house)

    def mend() -> list[str]:
        with house.store.reading() as tx:
            dead = tx.deliveries.dead()
        for row in dead:
            assert room.resend(row.id, house.at) == "desk"
        read(house, "desk")
        return look(house)

    told, over = once_and_over(house, lose, mend)
    assert told.startswith("1 messages could not be delivered")
    assert "inboxwatch outbox resend" in told
    assert over == "No dead letters are left."


def test_a_dead_letter_of_an_alarm_raises_no_further_alarm(house: House) -> None:
    """Nobody can be told of a dead channel by that channel: the alarm stands, and does not feed itself."""
    room = house.engine
    look(house, disk=Disk("/srv", 0, GIGABYTE))
    for _ in range(5):
        house.engine.write(watch_all, house.engine.rules, house.at, {}, Disk("/srv", 0, GIGABYTE))
        while rows := room.claim("mail", house.at):
            room.failed(rows, "gone", house.at, permanent=True, pause=HOUR)
        house.at += HOUR
    with house.store.reading() as tx:
        assert tx.board.dead_letters() <= 1


def test_a_blind_mailbox_is_told_with_the_servers_own_words(house: House) -> None:
    error = MailboxError(Reason.AUTH, "LOGIN failed", hint="Check the password.", permanent=True)
    for _ in range(3):
        house.engine.failed(MailboxId("ana"), error, house.at)
        house.at += HOUR
    rows = house.engine.claim("mail", house.at)
    rendered = house.engine.render(rows, house.at)
    assert rendered is not None
    assert (rendered.notice.type, rendered.notice.mailbox, rendered.notice.error) == ("mailbox", "ana", "LOGIN failed")
    assert rendered.notice.title.endswith("Check the password.")
    house.engine.sent(rendered.rows, Receipt(), house.at)
    house.engine.succeeded(MailboxId("ana"), house.at)
    assert read(house) == ["Mailbox ana can be read again."]


def breach(house: House) -> None:
    """Bo has waited so long that Ana and Max are owed a page by desk."""
    house.lead("bo@buyer.test", owner="ana")
    house.mail("bo@buyer.test", "ana@acme.test")
    house.passes(2 * HOUR)


async def test_a_dead_channel_is_passed_over_and_it_hears_of_it_by_another(house: House) -> None:
    channels = {name: Reader() for name in house.config.channels}
    channels["desk"].error = ChannelError("token revoked", permanent=True)
    house.engine.reload(house.config, channels)
    breach(house)
    worker = Writer(house.store)
    try:
        await deliver(house, channels, worker)
        assert [notice.targets for notice in channels["pager"].heard] == [("ana",), ("max",)]
        assert {clock["reason"] for notice in channels["pager"].heard for clock in notice.clocks} == {"breach"}
        (told,) = channels["mail"].heard
        assert told.title.startswith("Channel desk does not deliver: the next way was used.")
        assert told.error == "token revoked"
    finally:
        worker.close()


async def test_a_channel_that_only_stumbles_is_passed_over_after_some_tries(house: House) -> None:
    channels = {name: Reader() for name in house.config.channels}
    channels["desk"].error = ChannelError("busy", retry_after=30.0)
    house.engine.reload(house.config, channels)
    breach(house)
    worker = Writer(house.store)
    try:
        for _ in range(4):
            await deliver(house, channels, worker)
            house.at += timedelta(minutes=6)
        assert channels["pager"].heard == []
        await deliver(house, channels, worker)
        assert len(channels["pager"].heard) == 2
    finally:
        worker.close()


async def deliver(house: House, channels: dict[str, Reader], worker: Writer) -> None:
    async def look(*_: object) -> bool:
        return True

    for _ in range(2):
        for name, channel in channels.items():
            outbox = Sender(name, channel, house.engine.rules, worker, look, house.now)
            while await outbox.deliver_one():
                pass


async def test_a_round_of_the_daemon_looks_at_the_disk_and_nudges_the_outboxes(house: House) -> None:
    worker, nudged = Writer(house.store), asyncio.Event()
    end = house.at + DAY
    rounds = Housekeeping(house.engine.rules, worker, house.store.file, lambda: {"ana": end}, house.now, nudged.set)
    try:
        await rounds.once()
        assert nudged.is_set()
        (told,) = read(house)
        assert told.startswith("The access to mailbox ana ends on 2026-05-05 09:00 UTC")
    finally:
        worker.close()


@pytest.fixture
async def line(house: House) -> AsyncIterator[tuple[StoreAlert, dict[str, Reader]]]:
    channels = {name: Reader() for name in house.config.channels}
    house.engine.reload(house.config, channels)
    line = StoreAlert(house.engine.rules, channels, house.now, patience=0.01)
    yield line, channels
    await line.aclose()


async def test_a_store_that_is_away_is_told_past_it_once_and_when_it_is_back(
    line: tuple[StoreAlert, dict[str, Reader]],
) -> None:
    direct, channels = line
    direct.store_away("disk I/O error")
    await asyncio.wait_for(channels["mail"].news.wait(), 10)
    (told,) = channels["mail"].heard
    assert told.title.startswith("The store cannot be used")
    assert told.error == "disk I/O error"
    channels["mail"].news.clear()
    direct.store_away(None)
    await asyncio.wait_for(channels["mail"].news.wait(), 10)
    assert channels["mail"].heard[-1].title.startswith("The store can be used again")
    assert channels["desk"].heard == []


async def test_a_short_outage_of_the_store_is_no_news(house: House) -> None:
    mail = Reader()
    line = StoreAlert(house.engine.rules, {"mail": mail}, house.now, patience=60)
    line.store_away("restarting")
    line.store_away(None)
    await line.aclose()
    assert mail.heard == []


async def test_the_worker_says_when_the_store_goes_and_comes(house: House) -> None:
    """Each outage is said once, however often a unit is tried."""
    from inboxwatch.store import Outage

    said: list[str | None] = []
    left = [3]

    def unit() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise Outage("no space left")
        return "done"

    worker = Writer(house.store)
    worker.on_outage = said.append
    try:
        assert await worker.run(unit) == "done"
    finally:
        worker.close()
    assert said == ["no space left", None]
