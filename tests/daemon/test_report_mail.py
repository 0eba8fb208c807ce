"""Reports by mail: to whom, when, once in the house, late rather than never, and exactly what we wrote."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inboxwatch import config as configuration
from inboxwatch.cli import app
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.sender import Sender
from inboxwatch.daemon.writer import Writer
from inboxwatch.engine.report.schedule import enqueue_reports
from inboxwatch.store import Store
from tests.doubles.smtp_sink import SmtpSink, smtp_sink
from tests.support.engine import Engine
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.inline_writer import InlineWriter

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
EIGHT = datetime(2026, 5, 11, 6, tzinfo=UTC)
"""Monday, 08:00 in Berlin."""
HOSTILE = "<img src=x onerror=alert(1)> =?utf-8?q?=0d=0aBcc:_all=40acme.test?="
MAIL = """reports:
  goal: 90%
  mail: {weekly: {calendar: berlin, to: [max]}}
"""


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    async with smtp_sink() as sink:
        yield sink


@pytest.fixture
async def daemon(tmp_path: Path, sink: SmtpSink) -> AsyncIterator[InProcessDaemon]:
    """Last week a buyer of a hostile name waited for Ana; it is a quarter of an hour before Max's report."""
    daemon = owing(tmp_path, sink)
    yield daemon
    daemon.close()


def owing(folder: Path, sink: SmtpSink, store: str = "sqlite:///inboxwatch.db") -> InProcessDaemon:
    """That house, on a store of its own."""
    daemon = InProcessDaemon(folder, store=store)
    channel = f"{{type: email, host: 127.0.0.1, port: {sink.port}, security: none, sender: watch@acme.test}}"
    text = daemon.path.read_text().replace("channels: {", f"channels: {{mail: {channel}, ")
    text = text.replace(
        "calendars:\n", 'calendars:\n  berlin: {timezone: Europe/Berlin, hours: {mon-fri: ["09:00-17:00"]}}\n'
    )
    daemon.path.write_text(text + MAIL)
    daemon.config = configuration.load(daemon.path)
    daemon.lead("bo@buyer.test", owner="ana", name=HOSTILE, company=HOSTILE)
    daemon.mail("bo@buyer.test", "ana@acme.test", subject=HOSTILE)
    daemon.at = EIGHT - 15 * MINUTE
    daemon.passes(timedelta(0))
    daemon.engine.write(enqueue_reports, daemon.rules, daemon.at)
    return daemon


async def mailed(
    daemon: InProcessDaemon, sink: SmtpSink, at: datetime, engine: Engine | None = None
) -> list[EmailMessage]:
    """The reports that leave at an instant, by an engine on the daemon's store."""
    daemon.at, engine, before = at, engine or daemon.engine, len(sink.mails)
    engine.write(enqueue_reports, engine.rules, at)
    await deliver(engine, InlineWriter(engine.store), daemon)
    return sink.mails[before:]


async def deliver(engine: Engine, writer: Writer, daemon: InProcessDaemon) -> None:
    """Sends by mail what is due now, as one process."""

    async def look(*_: object) -> bool:
        return True

    channel = engine.config.channels["mail"].connect()
    sender = Sender("mail", channel, look, LoopContext(engine.rules, writer, daemon.now))
    while await sender.deliver_one():
        pass


def bodies(mail: EmailMessage) -> tuple[str, str, EmailMessage]:
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    (page,) = mail.iter_attachments()
    assert isinstance(page, EmailMessage)
    return plain.get_content(), html.get_content(), page


async def test_the_report_of_the_last_week_is_mailed_at_its_hour_once(daemon: InProcessDaemon, sink: SmtpSink) -> None:
    assert await mailed(daemon, sink, EIGHT - MINUTE) == []
    (mail,) = await mailed(daemon, sink, EIGHT)
    assert mail["To"] == "Max Ode <max@acme.test>"
    assert mail["Subject"] == "Report, 4–10 May 2026: 0% of first replies on time (goal 90%)"
    plain, html, page = bodies(mail)
    assert "0% (0 of 1), goal 90%" in plain
    assert "could not be sent before" not in plain + html
    assert "/report?period=2026-W19" in plain
    assert page.get_filename() == "report-2026-W19.html"
    assert page.get_content_type() == "text/html"
    assert "How long until an answer" in page.get_content()
    for later in (MINUTE, DAY, 6 * DAY):
        assert await mailed(daemon, sink, EIGHT + later) == []
    (mail,) = await mailed(daemon, sink, EIGHT + 7 * DAY)
    assert "11–17 May" in mail["Subject"]


async def test_each_reader_has_the_report_in_their_language(daemon: InProcessDaemon, sink: SmtpSink) -> None:
    text = daemon.path.read_text().replace("to: [max]", "to: [ana, max]")
    daemon.path.write_text(text.replace("email: ana@acme.test,", "email: ana@acme.test, languages: [de-AT, en],"))
    daemon.config = configuration.load(daemon.path)
    mails = {mail["To"].partition(" ")[0]: mail for mail in await mailed(daemon, sink, EIGHT + 5 * HOUR)}
    ana, maxs = mails["Ana"], mails["Max"]
    subject = "Bericht, 4.–10. Mai 2026: 0\xa0% der ersten Antworten pünktlich (Ziel 90\xa0%)"
    assert ana["Subject"].replace("\xa0", " ") == subject.replace("\xa0", " ")
    assert maxs["Subject"] == "Report, 4–10 May 2026: 0% of first replies on time (goal 90%)"
    plain, html, page = bodies(ana)
    for said in (plain, html):
        assert "fällig am Montag, 11. Mai, 08:00 CEST" in said
        assert "Überfällig, nie beantwortet" in said
    assert "niemand wurde benachrichtigt" in page.get_content()
    assert "never answered" not in plain + html + page.get_content()


async def test_two_engines_and_a_restart_send_it_once(daemon: InProcessDaemon, sink: SmtpSink) -> None:
    store = Store(daemon.config.store_url.reveal())
    other = Engine(store, daemon.config)
    for engine in (other, daemon.engine):
        engine.write(enqueue_reports, engine.rules, EIGHT)
    assert len(await mailed(daemon, sink, EIGHT, other)) == 1
    assert await mailed(daemon, sink, EIGHT + MINUTE) == []
    store.close()
    text = daemon.path.read_text().replace("calendar: berlin, to", 'calendar: berlin, at: "10:00", to')
    daemon.path.write_text(text)
    daemon.config = configuration.load(daemon.path)
    assert await mailed(daemon, sink, EIGHT + 3 * HOUR) == []


async def test_two_engines_at_once_on_either_database_send_it_once(
    tmp_path: Path, sink: SmtpSink, database: str
) -> None:
    daemon = owing(tmp_path, sink, database)
    daemon.at, both = EIGHT, asyncio.Barrier(2)

    async def at_work() -> int:
        store = Store(database)
        engine, writer = Engine(store, daemon.config), Writer(store)
        await both.wait()
        new = await writer.write(enqueue_reports, engine.rules, EIGHT)
        await both.wait()
        await deliver(engine, writer, daemon)
        writer.close()
        store.close()
        return new

    assert sorted(await asyncio.gather(at_work(), at_work())) == [0, 1]
    assert len(sink.mails) == 1
    daemon.close()


@pytest.mark.parametrize(("weeks", "words"), [(0, ""), (2, "Earlier ones were missed")])
async def test_what_was_missed_leaves_once_and_says_so(
    daemon: InProcessDaemon, sink: SmtpSink, weeks: int, words: str
) -> None:
    due = EIGHT + weeks * 7 * DAY
    (mail,) = await mailed(daemon, sink, due + 5 * HOUR)
    plain, html, _ = bodies(mail)
    for text in (plain, html):
        assert f"This report was due on Monday {due.day} May 08:00 CEST" in text
        assert ("Earlier ones were missed" in text) is bool(words)
    assert await mailed(daemon, sink, due + 6 * HOUR) == []


async def test_strangers_words_are_text_and_the_header_is_ours(daemon: InProcessDaemon, sink: SmtpSink) -> None:
    (mail,) = await mailed(daemon, sink, EIGHT)
    assert sorted(mail.keys()) == sorted(
        [
            "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted",
            "X-Auto-Response-Suppress", "Precedence", "MIME-Version", "Content-Type",
        ]
    )  # fmt: skip
    assert sink.recipients == [["max@acme.test"]]
    _, html, page = bodies(mail)
    for text in (html, page.get_content()):
        assert "&lt;img src=x" in text
        assert "<img" not in text
        assert "<script" not in text


async def test_where_only_teams_are_shown_the_mail_names_nobody_of_ours(
    daemon: InProcessDaemon, sink: SmtpSink
) -> None:
    text = daemon.path.read_text().replace("leads: {}", "leads: {}\nfigures: teams").replace("to: [max]", "team: emea")
    daemon.path.write_text(text)
    daemon.config = configuration.load(daemon.path)
    (mail,) = await mailed(daemon, sink, EIGHT)
    plain, html, page = bodies(mail)
    assert "team emea" in mail["Subject"]
    assert [name for name in ("Ana Diaz", "Ben Ito", "Max Ode") if name in plain + html + page.get_content()] == []


def test_check_says_who_gets_what_when_and_whom_no_mail_reaches(daemon: InProcessDaemon) -> None:
    said = CliRunner().invoke(app, ["check", "-c", str(daemon.path), "--offline", "--json"]).stdout
    assert "the whole house, to Max Ode: each Monday at 08:00 (Europe/Berlin), of the last whole week" in said
    daemon.path.write_text(daemon.path.read_text().replace("type: email", "type: console").partition("  goal:")[0])
    lines = daemon.path.read_text().splitlines()
    lines = ["channels: {desk: {type: console}}" if line.startswith("channels:") else line for line in lines]
    daemon.path.write_text("\n".join(lines) + "\n  mail: {weekly: {every: month, team: emea}}\n")
    done = CliRunner().invoke(app, ["check", "-c", str(daemon.path), "--offline", "--json"])
    assert "no channel of the type email reaches max" in done.stdout
    assert "on the first of each month at 08:00 (UTC)" in done.stdout
    assert done.exit_code == 1


def test_a_report_that_nobody_reads_is_refused(daemon: InProcessDaemon) -> None:
    daemon.path.write_text(daemon.path.read_text().replace("calendar: berlin, to: [max]", "calendar: berlin"))
    with pytest.raises(configuration.ConfigError, match="nobody reads it"):
        configuration.load(daemon.path)
