"""A scripted morning of seconds in a real daemon, watched by a real Prometheus: what dashboards and alerts are held to.

Ana answers one buyer in time, another late, and leaves a third waiting; Max answers for Ben once; then Ben's mailbox
breaks while a buyer waits for him. One channel refuses for good, one is away, one first message bounced, the config is
broken in the end.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.doubles.prometheus import Prometheus, Server, prometheus
from tests.doubles.webhook_sink import Sink
from tests.support.daemon_process import Daemon, House
from tests.support.message_bytes import letter
from tests.support.ports import free_port

PEOPLE = ("ana", "ben", "max")
LEADS = (
    "email,name,company,domain,owner,tier,status\n"
    "bo@buyer.test,Bo Lind,Buyer Ltd,buyer.test,ana,hot,open\n"
    "cy@client.test,Cy Obi,Client Ltd,client.test,ben,warm,open\n"
    "di@gone.test,Di Marsh,Gone Ltd,gone.test,ana,hot,open\n"
)
TARGET = 4.0
"""Seconds of the SLA."""


@dataclass(frozen=True)
class Scene:
    """The stage after the last act: still running, so that it can be asked."""

    daemon: Daemon
    prometheus: Prometheus
    alertmanager: Server
    begun: float

    @property
    def lasted(self) -> float:
        return time.time() - self.begun


class Post:
    """Delivers into Maildirs, with the time of receipt as the files' own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        for person in PEOPLE:
            for box in ("", ".Sent"):
                for part in ("cur", "new", "tmp"):
                    (folder / person / box / part).mkdir(parents=True)

    def mailboxes(self) -> dict[str, dict[str, str]]:
        common = {"connector": "maildir", "poll_every": "1s"}
        return {
            person: common | {"address": f"{person}@acme.test", "owner": person, "path": str(self._folder / person)}
            for person in PEOPLE
        }

    def deliver(self, box: str, raw: bytes, *, ago: timedelta = timedelta(0)) -> None:
        self._count += 1
        draft = self._folder / box / "tmp" / f"{self._count}.scene"
        draft.write_bytes(raw)
        at = (datetime.now(UTC) - ago).timestamp()
        os.utime(draft, (at, at))
        draft.rename(self._folder / box / "new" / draft.name)

    def break_off(self, person: str) -> None:
        """The mailbox is gone, as when a disk is unmounted."""
        (self._folder / person).rename(self._folder / f"{person}.gone")


@contextlib.contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Plays the morning; about fifteen seconds."""
    post = Post(folder / "mail")
    with Sink() as sink:
        sink.answer = lambda one: 404 if one.path == "/gone" else 200
        steps = [{"at": "50%", "notify": ["owner"]}, {"at": "100%", "notify": ["owner", "gone", "away"]}]
        channels = {
            "desk": {"type": "webhook", "url": f"{sink.url}/hook"},
            "gone": {"type": "webhook", "url": f"{sink.url}/gone"},
            "away": {"type": "webhook", "url": f"http://127.0.0.1:{free_port()}/hook"},
        }
        house = House(folder, post.mailboxes(), target=f"{TARGET:g}s", steps=steps, channels=channels, leads=LEADS)
        post.deliver("ana", letter("bo@buyer.test", "ana@acme.test", id="old@buyer.test"), ago=timedelta(days=4))
        with (
            house.daemon() as daemon,
            prometheus(folder / "prometheus", f"127.0.0.1:{house.port}") as (watcher, manager),
        ):
            begun = time.time()
            _play(daemon, post, watcher, house)
            yield Scene(daemon, watcher, manager, begun)


def _play(daemon: Daemon, post: Post, watcher: Prometheus, house: House) -> None:
    watcher.wait(lambda: watcher.now("inboxwatch:sla_objective:ratio"), "no rule was evaluated")
    watcher.wait(lambda: watcher.now("team_owner_tier:inboxwatch_sla_breaches:delta30d"), "no baseline was recorded")

    def asks(buyer: str, person: str, number: str) -> None:
        post.deliver(
            person, letter(buyer, f"{person}@acme.test", id=f"q{number}@{buyer.partition('@')[2]}", subject=number)
        )

    def answers(person: str, buyer: str, number: str) -> None:
        question = f"q{number}@{buyer.partition('@')[2]}"
        post.deliver(f"{person}/.Sent", letter(f"{person}@acme.test", buyer, answers=question, subject=number))

    bo, cy = "bo@buyer.test", "cy@client.test"
    for buyer, person, number in ((bo, "ana", "one"), (bo, "ana", "two"), (bo, "ana", "three"), (cy, "ben", "four")):
        asks(buyer, person, number)
    post.deliver("ana", letter(bo, "ana@acme.test", subject="Away", extra="Auto-Submitted: auto-replied"))
    post.deliver("ana/.Sent", letter("ana@acme.test", "di@gone.test", id="first@acme.test", subject="Hello"))
    daemon.wait(lambda: len(daemon.clocks()) >= 5, "not all waits were opened")
    time.sleep(1.1)  # an answer within the second of its question would have no length to measure
    answers("ana", bo, "one")
    answers("max", cy, "four")
    post.deliver("ana", _bounce("di@gone.test", "first@acme.test"))
    daemon.wait(lambda: daemon.metric("inboxwatch_replies_total", within_sla="true") == 2, "not answered in time")
    asks(cy, "ben", "five")
    daemon.wait(lambda: any(clock["lead"] == cy for clock in daemon.clocks()), "the last wait was not opened")
    post.break_off("ben")
    daemon.wait(lambda: daemon.metric("inboxwatch_sla_breaches_total", owner="ana") == 3, "no breach")
    answers("ana", bo, "two")
    daemon.wait(lambda: daemon.metric("inboxwatch_replies_total", within_sla="false") == 1, "not answered late")
    daemon.wait(lambda: daemon.metric("inboxwatch_clocks_open", state="unverified") == 1, "no wait is unverified")
    daemon.wait(lambda: daemon.metric("inboxwatch_notifications_total", outcome="dead") >= 1, "no dead letter")
    _census(house)
    good = house.path.read_text(encoding="utf-8")
    house.path.write_text(good.replace("fallback: max", "fallback: nobody"), encoding="utf-8")
    daemon.reload()
    daemon.wait(lambda: daemon.metric("inboxwatch_config_last_reload_successful") == 0, "the config was taken over")
    settled = "inboxwatch_config_last_reload_successful == 0 and on () inboxwatch:sla_attainment:ratio30d"
    watcher.wait(lambda: watcher.now(settled), "Prometheus has not seen the end")
    time.sleep(2.5)  # two rounds of rules that build on each other


def _census(house: House) -> None:
    """What a count of the mailboxes would have found."""
    engine = create_engine(f"sqlite:///{house.folder / 'inboxwatch.db'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE mailbox SET coverage = CASE id WHEN 'ben' THEN 0.9 ELSE 1.0 END"))
    engine.dispose()


def _bounce(failed: str, message: str) -> bytes:
    """A delivery status notification (RFC 3464) for one of our messages."""
    now = format_datetime(datetime.now(UTC))
    return (
        f"Message-ID: <dsn@mx.gone.test>\r\nFrom: Mail Delivery System <mailer-daemon@mx.gone.test>\r\n"
        f"To: ana@acme.test\r\nSubject: Undelivered Mail Returned to Sender\r\nDate: {now}\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nReturn-Path: <>\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.gone.test\r\n\r\n"
        f"Final-Recipient: rfc822; {failed}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{message}>\r\nTo: {failed}\r\n\r\n--b--\r\n"
    ).encode()
