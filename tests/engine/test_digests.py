"""The daily digest: to each person and of each team to its lead, at the reader's opening hour, once, never empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.engine.digests import LATE, enqueue_digests
from inboxwatch.notify import Notice, Receipt
from inboxwatch.notify.render import Renderer
from inboxwatch.store import Store
from tests.support.engine import Engine
from tests.support.in_process_daemon import InProcessDaemon

HOUR = timedelta(hours=1)
SUNDAY = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)
MONDAY, TUESDAY = datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC)
PEOPLE = """people:
  ana: {name: Ana Diaz, email: ana@acme.test, manager: max, calendar: london}
  ben: {name: Ben Ito, email: ben@acme.test, manager: max}
  max: {name: Max Ode, email: max@acme.test, calendar: newyork}
"""
CALENDARS = """calendars:
  london: {timezone: Europe/London, hours: {mon-fri: ["08:30-17:00"]}}
  newyork: {timezone: America/New_York, hours: {mon-thu: ["09:00-17:00"]}, closed: [2026-05-05]}
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    """Ana in London, Ben without a calendar, Max in New York, who leads the team; watched since Sunday noon."""
    daemon = InProcessDaemon(tmp_path, follow_up="24h")
    configure(daemon, at_home)
    daemon.at = SUNDAY
    daemon.lead("bo@buyer.test", owner="ana", name="Bo Lind")
    daemon.lead("cy@other.test", owner="ben", name="Cy Young")
    assert daemon.engine.write(enqueue_digests, daemon.engine.rules, daemon.at) == 0
    yield daemon
    daemon.close()


def at_home(text: str) -> str:
    """The daemon's config with our people and their calendars."""
    head, rest = text.split("people:")
    return head.replace("calendars:\n", CALENDARS) + PEOPLE + "teams:" + rest.split("teams:", 1)[1]


def configure(daemon: InProcessDaemon, change: Callable[[str], str]) -> None:
    daemon.path.write_text(change(daemon.path.read_text()))
    daemon.config = configuration.load(daemon.path)
    daemon.engine.reload(daemon.config, {name: one.connect() for name, one in daemon.config.channels.items()})


def told(daemon: InProcessDaemon, at: datetime) -> dict[str, Notice]:
    """The digests that leave at an instant, by reader."""
    daemon.at = at
    daemon.engine.write(enqueue_digests, daemon.engine.rules, at)
    room, found = daemon.engine, {}
    while rows := room.claim("desk", at):
        rendered = room.render(rows, at)
        if rendered is None:
            continue
        if rendered.rows[0].body and rendered.rows[0].body.get("daily"):
            found["/".join(rendered.rows[0].body["daily"].values())] = rendered.notice
        room.sent(rendered.rows, Receipt(), at)
    return found


def bo_waits(daemon: InProcessDaemon, at: datetime = SUNDAY + HOUR) -> str:
    daemon.at = at
    return daemon.mail("bo@buyer.test", "ana@acme.test")


def test_each_reader_is_told_when_his_own_calendar_opens(daemon: InProcessDaemon) -> None:
    bo_waits(daemon)
    daemon.mail("cy@other.test", "sales@acme.test", mailbox="sales")
    opening = {"ana": MONDAY + 7.5 * HOUR, "ben": MONDAY + 8 * HOUR, "emea": MONDAY + 13 * HOUR}
    for reader, at in opening.items():
        assert reader not in told(daemon, at - timedelta(seconds=1))
        assert reader in told(daemon, at)


def test_a_digest_is_told_once_a_day_over_restarts(daemon: InProcessDaemon) -> None:
    bo_waits(daemon)
    assert list(told(daemon, MONDAY + 8 * HOUR)) == ["ana"]
    for minutes in (1, 30, 150):
        store = Store(daemon.config.store_url.reveal())
        daemon.engine = Engine(
            store, daemon.config, {name: one.connect() for name, one in daemon.config.channels.items()}
        )
        assert told(daemon, MONDAY + 8 * HOUR + timedelta(minutes=minutes)) == {}
        store.close()
    daemon.engine = Engine(daemon.store, daemon.config, {n: one.connect() for n, one in daemon.config.channels.items()})
    assert "ana" in told(daemon, TUESDAY + 8 * HOUR)


def test_after_a_long_stop_the_morning_is_over(daemon: InProcessDaemon) -> None:
    bo_waits(daemon)
    assert told(daemon, MONDAY + 7.5 * HOUR + LATE) == {}
    assert list(told(daemon, TUESDAY + 7.5 * HOUR + LATE - HOUR)) == ["ana"]


def test_nobody_is_told_nothing(daemon: InProcessDaemon) -> None:
    for hours in (7.5, 8, 13):
        assert told(daemon, MONDAY + hours * HOUR) == {}
    with daemon.store.reading() as tx:
        assert tx.deliveries.next_at("desk") is None


def test_a_wait_that_opens_after_the_opening_makes_no_late_digest(daemon: InProcessDaemon) -> None:
    assert told(daemon, MONDAY + 7.5 * HOUR) == {}
    bo_waits(daemon, MONDAY + 8 * HOUR)
    assert told(daemon, MONDAY + 8.2 * HOUR) == {}


def test_what_was_answered_before_it_leaves_is_not_told(daemon: InProcessDaemon) -> None:
    """Rule 34: a digest is written when it is sent; one that has become empty is dropped."""
    asked = bo_waits(daemon, MONDAY + 7 * HOUR)
    daemon.at = MONDAY + 7.5 * HOUR
    assert daemon.engine.write(enqueue_digests, daemon.engine.rules, daemon.at) == 1
    configure(daemon, lambda text: text.replace("follow_up: 24h,", ""))
    daemon.mail("ana@acme.test", "bo@buyer.test", parent=asked, subject="Re: An offer")
    assert told(daemon, daemon.at + timedelta(minutes=1)) == {}
    with daemon.store.reading() as tx:
        assert tx.deliveries.next_at("desk") is None


def test_a_person_reads_what_is_open_what_was_breached_and_who_is_next(daemon: InProcessDaemon) -> None:
    late = bo_waits(daemon)
    daemon.passes(2.25 * HOUR)
    daemon.mail("ana@acme.test", "bo@buyer.test", parent=late, subject="Re: An offer", after=HOUR)
    daemon.mail("bo@buyer.test", "ana@acme.test", subject="Another matter", after=HOUR)
    notice = told(daemon, MONDAY + 7.5 * HOUR)["ana"]
    assert notice.title == ("Mon 4 May: 1 overdue, 1 follow-up")
    assert [(clock.section, clock.wait.subject) for clock in notice.clocks] == [
        ("Overdue: 1", "Another matter"),
        ("Overdue since Fri 1 May, done by now: 1", "An offer"),
        ("Follow up today: 1", "Re: An offer"),
    ]
    reader = daemon.config.people["ana"]  # type: ignore[index]  # a person's id
    body = Renderer(reader.calendar.zone).text("body.txt", notice, None)  # type: ignore[union-attr]  # she has one
    assert "Overdue: 1\n\n- Bo Lind: overdue by" in body


def test_a_lead_reads_who_of_the_team_follows_up_when(daemon: InProcessDaemon) -> None:
    """Tuesday is closed in New York, so Wednesday is named; Friday never opens."""
    for number, sender in enumerate(["ana", "ana", "ben"]):
        daemon.at = MONDAY + (8 + number) * HOUR
        to = "bo@buyer.test" if sender == "ana" else "cy@other.test"
        daemon.mail(f"{sender}@acme.test", to, mailbox="ana", subject=f"Offer {number}")
    notice = told(daemon, MONDAY + 13 * HOUR)["emea"]
    assert notice.title == "Team emea, Mon 4 May: 3 follow-ups"
    assert notice.targets == ("max",)


def test_whoever_is_on_leave_is_let_alone(daemon: InProcessDaemon) -> None:
    bo_waits(daemon)
    leave = "calendar: london, leave: [{from: 2026-05-01, to: 2026-05-04}]}"
    configure(daemon, lambda text: text.replace("calendar: london}", leave))
    assert "ana" not in told(daemon, MONDAY + 8 * HOUR)


def test_digests_can_be_switched_off(daemon: InProcessDaemon) -> None:
    bo_waits(daemon)
    configure(daemon, lambda text: f"{text}\ndigests: {{daily: false}}\n")
    assert told(daemon, MONDAY + 8 * HOUR) == {}


def test_an_opening_before_the_first_start_of_all_is_no_news(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path)
    daemon.lead("bo@buyer.test", owner="ana")
    daemon.mail("bo@buyer.test", "ana@acme.test")
    assert told(daemon, daemon.at) == {}
    assert told(daemon, daemon.at + timedelta(minutes=1)) == {}
    assert "ana" in told(daemon, daemon.at + timedelta(hours=24))
    daemon.close()
