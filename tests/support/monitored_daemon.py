"""A scripted morning of seconds in a real daemon, watched by a real Prometheus: what dashboards and alerts are held to.

Ana answers one buyer in time, another late, and leaves a third waiting; Max answers for Ben once; then Ben's mailbox
breaks while a buyer waits for him. One stranger's letter is filtered and answered all the same, another's is judged by
Ben. One channel refuses for good, one is away, one first message bounced, the config is broken in the end.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.doubles.prometheus import LoopbackServer, Prometheus, prometheus
from tests.doubles.webhook_sink import WebhookSink
from tests.support.installation import DaemonProcess, Installation
from tests.support.message_bytes import message_bytes
from tests.support.ports import free_port
from tests.support.team_mail import ANA, MAX, MaildirTeamMail
from tests.support.waiting import until

BEN = "ben@acme.test"
PEOPLE = [ANA, BEN, MAX]
LEADS = (
    "email,name,company,domain,owner,tier,status\n"
    "bo@buyer.test,Bo Lind,Buyer Ltd,buyer.test,ana,hot,open\n"
    "cy@client.test,Cy Obi,Client Ltd,client.test,ben,warm,open\n"
    "di@gone.test,Di Marsh,Gone Ltd,gone.test,ana,hot,open\n"
)
TARGET = 4.0
"""Seconds of the SLA."""
QUALIFICATION = """
unknown_senders: always
qualification: {classes: {vendor: {clock: none}}, audit: 0%}
"""
TRIAGE = """
  - {name: triage, when: {class: unknown}, verdict: 1h, first_response: 1h, next_response: 1h, escalation: standard}"""
"""Nothing falls due before Ben's verdict, however slow this machine is."""


@dataclass(frozen=True)
class MonitoredDaemon:
    """The daemon and its monitoring after the last event: still running, so that both can be asked."""

    daemon: DaemonProcess
    prometheus: Prometheus
    alertmanager: LoopbackServer
    begun: float

    @property
    def lasted(self) -> float:
        return time.time() - self.begun


@contextlib.contextmanager
def monitored_morning(folder: Path) -> Iterator[MonitoredDaemon]:
    """Plays the morning; about fifteen seconds."""
    mail = MaildirTeamMail(folder / "mail", PEOPLE)
    with WebhookSink() as sink:
        sink.answer = lambda one: 404 if one.path == "/gone" else 200
        steps = [{"at": "50%", "notify": ["owner"]}, {"at": "100%", "notify": ["owner", "gone", "away"]}]
        channels = {
            "desk": {"type": "webhook", "url": f"{sink.url}/hook"},
            "gone": {"type": "webhook", "url": f"{sink.url}/gone"},
            "away": {"type": "webhook", "url": f"http://127.0.0.1:{free_port()}/hook"},
        }
        installation = Installation(
            folder, mail.mailboxes(), target=f"{TARGET:g}s", steps=steps, channels=channels, leads=LEADS
        )
        plain = installation.path.read_text(encoding="utf-8").replace("sla_policies:", f"sla_policies:{TRIAGE}")
        installation.path.write_text(plain + QUALIFICATION, encoding="utf-8")
        old = message_bytes("bo@buyer.test", "ana@acme.test", id="old@buyer.test")
        mail.deliver(ANA, old, at=datetime.now(UTC) - timedelta(days=4))
        with (
            installation.daemon() as daemon,
            prometheus(folder / "prometheus", f"127.0.0.1:{installation.port}") as (watcher, manager),
        ):
            begun = time.time()
            _play(daemon, mail, watcher, installation)
            yield MonitoredDaemon(daemon, watcher, manager, begun)


def _play(daemon: DaemonProcess, mail: MaildirTeamMail, watcher: Prometheus, installation: Installation) -> None:
    watcher.wait(lambda: watcher.now("inboxwatch:sla_objective:ratio"), "no rule was evaluated")
    watcher.wait(lambda: watcher.now("team_owner_tier:inboxwatch_sla_breaches:delta30d"), "no baseline was recorded")

    asked: dict[str, datetime] = {}

    def asks(buyer: str, person: str, number: str) -> None:
        asked[number] = datetime.now(UTC)
        question = f"q{number}@{buyer.partition('@')[2]}"
        mail.deliver(person, message_bytes(buyer, person, id=question, subject=number), at=asked[number])

    def answers(person: str, buyer: str, number: str, after: timedelta | None = None) -> None:
        """Now, or so long after the question by the server's clock, however slow this machine is."""
        question = f"q{number}@{buyer.partition('@')[2]}"
        raw = message_bytes(person, buyer, answers=question, subject=number)
        mail.deliver(person, raw, "Sent", asked[number] + after if after else None)

    bo, cy, eve, seo = "bo@buyer.test", "cy@client.test", "eve@fresh.test", "seo@links.test"
    for buyer, person, number in ((bo, ANA, "one"), (bo, ANA, "two"), (bo, ANA, "three"), (cy, BEN, "four")):
        asks(buyer, person, number)
    asks(eve, BEN, "strange")
    asks(seo, ANA, "Backlinks")
    mail.deliver(ANA, message_bytes(bo, "ana@acme.test", subject="Away", extra="Auto-Submitted: auto-replied"))
    mail.deliver(ANA, message_bytes("ana@acme.test", "di@gone.test", id="first@acme.test", subject="Hello"), "Sent")
    daemon.wait(lambda: len(daemon.clocks()) >= 7, "not all waits were opened")  # two of them are of one inquiry
    daemon.wait(lambda: daemon.clocks("closed"), "nothing was filtered")
    (verdict,) = (clock for clock in daemon.clocks() if clock["metric"] == "verdict")
    status, answer = daemon.call("POST", f"/api/v1/clocks/{verdict['id']}/qualify", {"by": "ben", "class": "vendor"})
    assert status == 200, answer
    in_time = timedelta(seconds=1.1)  # an answer within the second of its question would have no length to measure
    until(max(asked.values()) + in_time)
    answers(ANA, bo, "one", in_time)
    answers(MAX, cy, "four", in_time)
    answers(ANA, seo, "Backlinks", in_time)
    mail.deliver(ANA, _bounce("di@gone.test", "first@acme.test"))
    daemon.wait(lambda: daemon.metric("inboxwatch_replies_total", within_sla="true") == 2, "not answered in time")
    daemon.wait(lambda: daemon.metric("inboxwatch_contradicted_total") == 1, "no filter is contradicted")
    asks(cy, BEN, "five")
    daemon.wait(lambda: any(clock["lead"] == cy for clock in daemon.clocks()), "the last wait was not opened")
    mail.remove(BEN)
    daemon.wait(lambda: daemon.metric("inboxwatch_sla_breaches_total", owner="ana") == 3, "no breach")
    answers(ANA, bo, "two")
    daemon.wait(lambda: daemon.metric("inboxwatch_replies_total", within_sla="false") == 1, "not answered late")
    daemon.wait(lambda: daemon.metric("inboxwatch_clocks_open", state="unverified") == 1, "no wait is unverified")
    daemon.wait(lambda: daemon.metric("inboxwatch_notifications_total", outcome="dead") >= 1, "no dead letter")
    _census(installation)
    good = installation.path.read_text(encoding="utf-8")
    installation.path.write_text(good.replace("fallback: max", "fallback: nobody"), encoding="utf-8")
    daemon.reload()
    daemon.wait(lambda: daemon.metric("inboxwatch_config_last_reload_successful") == 0, "the config was taken over")
    settled = "inboxwatch_config_last_reload_successful == 0 and on () inboxwatch:sla_attainment:ratio30d"
    watcher.wait(lambda: watcher.now(settled), "Prometheus has not seen the end")
    for _ in range(4):  # alerts build on attainment, that on windows, those on counts: each in a group of its own
        watcher.evaluate()


def _census(installation: Installation) -> None:
    """What a count of the mailboxes would have found."""
    engine = create_engine(f"sqlite:///{installation.folder / 'inboxwatch.db'}")
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
