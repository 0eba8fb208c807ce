"""What counts in a report, and for whom, in small daemons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.core.model import Lead, LeadId, MessageId, PersonId
from inboxwatch.engine.report.cases import LISTED, Outcome, ReportedWait, Story, read
from inboxwatch.engine.report.figures import (
    AWAY,
    Group,
    by_person,
    by_team,
    causes,
    comparison,
    parts,
    slowest,
)
from inboxwatch.engine.report.page import in_words, render
from inboxwatch.engine.report.period import Period
from inboxwatch.engine.report.summary import summary
from inboxwatch.engine.report.teams import shown
from inboxwatch.notify.report_messages import Delay, delay
from inboxwatch.store.records import AbsenceRecord
from inboxwatch.words import ENGLISH
from tests.support import mail_history
from tests.support.in_process_daemon import MONDAY, InProcessDaemon

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
BO, CY = "bo@buyer.test", "cy@other.test"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    daemon.knows(
        Lead(LeadId(BO), "Bo Lind", owner=PersonId("ana"), tier="hot", source="known"),
        Lead(LeadId(CY), "Cy Obi", owner=PersonId("ben"), tier="warm", source="known"),
    )
    yield daemon
    daemon.close()


def told(
    daemon: InProcessDaemon,
    end: datetime | None = None,
    start: datetime = MONDAY - HOUR,
    compare: datetime | None = None,
) -> Story:
    period = Period(start, end or daemon.at, mail_history.ZONE, compare)
    with daemon.store.reading() as tx:
        return read(tx, daemon.config, period)


def only(cases: tuple[ReportedWait, ...]) -> ReportedWait:
    (case,) = cases
    return case


def test_an_open_wait_is_missed_once_it_is_overdue_and_undecided_before(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    daemon.passes(HOUR)
    assert only(told(daemon).cases).outcome is Outcome.OPEN
    assert Group("all", told(daemon).cases).attainment is None
    daemon.passes(2 * HOUR)
    case = only(told(daemon).cases)
    assert (case.outcome, case.cause, case.wall.seconds, case.wall.ended) == (
        Outcome.OVERDUE,
        "open, overdue",
        10800,
        False,
    )
    assert Group("all", told(daemon).cases).attainment == 0


def test_a_late_answer_stays_missed_and_an_answer_by_a_colleague_counts_for_the_owner(daemon: InProcessDaemon) -> None:
    question = daemon.mail(BO, "ana@acme.test")
    daemon.passes(2 * HOUR + MINUTE)
    daemon.mail("ben@acme.test", BO, mailbox="sales", parent=question)
    case = only(told(daemon).cases)
    assert (case.outcome, case.owner, case.answered_by) == (Outcome.LATE, "ana", "ben")
    assert case.by_colleague
    (group,) = by_person(told(daemon))
    assert (group.name, group.missed, group.by_colleague) == ("ana", 1, 1)


def test_a_missed_wait_counts_for_whom_it_belonged_to_when_it_fell_due(daemon: InProcessDaemon) -> None:
    """The ladder gives it to the fallback half an hour later."""
    daemon.mail(BO, "ana@acme.test")
    daemon.passes(2 * HOUR)
    daemon.passes(HOUR)
    with daemon.store.reading() as tx:
        (row,) = tx.clocks.running()
    assert row.owner == "max"
    case = only(told(daemon).cases)
    assert case.owner == "ana"
    assert Delay("moved", 1) in case.reasons


def test_what_happened_while_its_owner_was_away_is_nobodys_figure(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    with daemon.store.transaction() as tx:
        tx.absences.record(
            AbsenceRecord(PersonId("ana"), daemon.at + HOUR, daemon.at + 2 * DAY, MessageId("vacation@acme.test"))
        )
    daemon.mail(CY, "ben@acme.test", mailbox="sales")
    daemon.passes(3 * HOUR)
    groups = {group.name: group.missed for group in by_person(told(daemon))}
    assert groups == {"ben": 1, AWAY: 1}
    (team,) = by_team(told(daemon))
    assert (team.name, team.missed) == ("emea", 2)


def test_leave_counts_as_absence_from_its_first_to_its_last_day(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    daemon.passes(3 * HOUR)
    ana = daemon.config.people[PersonId("ana")]
    today = MONDAY.date()
    for leave, away in (
        ((today, today), True),
        ((today - DAY, today - DAY), False),
        ((today + DAY, today + DAY), False),
    ):
        config = replace(daemon.config, people={**daemon.config.people, ana.id: replace(ana, leave=(leave,))})
        period = Period(MONDAY - HOUR, daemon.at, mail_history.ZONE)
        with daemon.store.reading() as tx:
            assert only(read(tx, config, period).cases).away is away, leave


def test_a_wait_in_an_unread_mailbox_is_neither_answered_nor_missed(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    daemon.at += 3 * HOUR
    daemon.engine.tick(daemon.at, looked=daemon.at)
    case = only(told(daemon).cases)
    assert case.outcome is Outcome.UNVERIFIED
    assert case.wall.seconds == 0, "nothing is known of it since the mailbox was read"
    assert Group("all", told(daemon).cases).attainment is None


def test_a_report_of_a_past_period_tells_it_as_it_was_at_its_end(daemon: InProcessDaemon) -> None:
    question = daemon.mail(BO, "ana@acme.test")
    daemon.passes(5 * HOUR)
    daemon.mail("ana@acme.test", BO, parent=question)
    assert only(told(daemon).cases).outcome is Outcome.LATE
    then = only(told(daemon, MONDAY + HOUR).cases)
    assert (then.outcome, then.wall.seconds) == (Outcome.OPEN, 3600)


def test_waits_without_an_answer_are_told_by_cause(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    daemon.engine.dismiss(daemon.only_wait(BO), "ana", daemon.at + MINUTE, reason="spam")
    daemon.mail(CY, "ben@acme.test", mailbox="sales", after=HOUR)
    daemon.engine.log_activity(CY, "ben", daemon.at + MINUTE, "called him", daemon.at + MINUTE)
    daemon.mail(BO, "ana@acme.test", subject="Another matter", after=HOUR)
    daemon.passes(MINUTE)
    found = {cause.name: cause.count for cause in causes(told(daemon).cases)}
    assert found == {"dismissed": 1, "activity": 1, "open, not yet due": 1}
    assert Group("all", told(daemon).cases).decided == 0


def test_a_wait_from_before_the_period_that_is_still_open_stays_in_sight(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    daemon.passes(3 * DAY)
    story = told(daemon, start=daemon.at - DAY)
    assert not story.cases
    assert only(story.left_over).outcome is Outcome.OVERDUE


def test_of_many_waits_from_before_the_longest_are_listed_and_all_are_counted(daemon: InProcessDaemon) -> None:
    """Of a team only its own, though the longest be another's."""
    daemon.path.write_text(daemon.path.read_text().replace("members: [ana, ben]", "members: [ana]"))
    daemon.config = configuration.load(daemon.path)
    for number in range(LISTED + 2):
        lead = f"lead{number}@buyer{number}.test"
        daemon.lead(lead, owner="ana" if number > 3 else "ben", name=f"Lead {number}")
        daemon.mail(lead, "ana@acme.test", subject=f"Question {number}", after=MINUTE)
    daemon.passes(MINUTE)
    story = told(daemon, daemon.at + MINUTE, daemon.at)
    assert [case.name for case in story.left_over] == [f"Lead {number}" for number in range(LISTED)]
    assert story.left_over_count == LISTED + 2
    assert "and 2 more" in render(story, daemon.at)
    with daemon.store.reading() as tx:
        theirs = shown(tx, daemon.config, story.period, "emea")
    assert [case.name for case in theirs.left_over] == [f"Lead {number}" for number in range(4, LISTED + 2)]
    assert theirs.left_over_count == LISTED - 2


def test_slow_waits_say_what_made_them_slow(tmp_path: Path) -> None:
    """Friday 17:00 to Monday 9:30: two and a half hours of work in two and a half days."""
    daemon = InProcessDaemon(tmp_path)
    daemon.lead(BO, owner="ana", tier="hot")
    daemon.at = MONDAY + 4 * DAY + 8 * HOUR
    question = daemon.mail(BO, "ana@acme.test")
    daemon.mail(BO, "ana@acme.test", parent=question, after=HOUR)
    daemon.passes(DAY)
    with daemon.store.transaction() as tx:
        tx.health.failing("ana", daemon.at, "auth", "no")
    daemon.at += DAY
    with daemon.store.transaction() as tx:
        tx.health.recovered("ana", daemon.at)
    daemon.passes(15 * HOUR + 30 * MINUTE)
    (case,) = slowest(told(daemon).cases)
    assert case.business.seconds == 2.5 * 3600
    said = [delay(one, ENGLISH) for one in case.reasons]
    assert said[0] == "96% of it outside business hours"
    assert said[1].startswith("its mailbox was unread for 3")
    assert "the buyer wrote again once" in said
    daemon.close()


def test_follow_ups_stand_apart(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path, follow_up="2d")
    daemon.lead(BO, owner="ana", tier="hot")
    question = daemon.mail(BO, "ana@acme.test")
    daemon.mail("ana@acme.test", BO, parent=question, after=HOUR)
    story = told(daemon, daemon.at + MINUTE)
    assert [case.metric for case in story.cases] == ["first_response"]
    assert only(story.follow_ups).outcome is Outcome.OPEN
    daemon.close()


def test_before_and_after_divide_at_the_date(daemon: InProcessDaemon) -> None:
    slow = daemon.mail(BO, "ana@acme.test")
    daemon.passes(3 * HOUR)
    daemon.mail("ana@acme.test", BO, parent=slow)
    divide = daemon.at + MINUTE
    quick = daemon.mail(BO, "ana@acme.test", subject="Another matter", after=HOUR)
    daemon.mail("ana@acme.test", BO, parent=quick, after=MINUTE)
    compared = comparison(told(daemon, compare=divide, end=daemon.at + MINUTE))
    assert compared is not None
    assert (compared.before.attainment, compared.after.attainment) == (0, 1)
    low, high = compared.difference
    assert low < 0 < high <= 1, "one wait each proves nothing"


def test_the_share_of_verified_time_is_told(daemon: InProcessDaemon) -> None:
    with daemon.store.transaction() as tx:
        tx.mailboxes.ensure(["ana", "sales"])
        tx.health.failing("ana", MONDAY, "auth", "no")
    daemon.at = MONDAY + HOUR
    with daemon.store.transaction() as tx:
        tx.health.recovered("ana", daemon.at)
    story = told(daemon, MONDAY + 3 * HOUR)
    assert story.verified == {"ana": pytest.approx(0.75), "sales": 1}


def test_first_and_next_replies_slow_and_unanswered_ones_are_told_apart(daemon: InProcessDaemon) -> None:
    first = daemon.mail(BO, "ana@acme.test")
    answer = daemon.mail("ana@acme.test", BO, parent=first, after=10 * MINUTE)
    second = daemon.mail(BO, "ana@acme.test", parent=answer, after=MINUTE)
    daemon.passes(5 * HOUR)
    daemon.mail("ana@acme.test", BO, parent=second)
    daemon.mail(CY, "ben@acme.test", mailbox="sales")
    daemon.passes(DAY)
    found = parts(told(daemon))
    now = {metric: (part.now.in_time, part.now.late, part.now.never) for metric, part in found.items()}
    assert now == {"first_response": (1, 0, 1), "next_response": (0, 1, 0)}
    words = in_words(told(daemon))
    assert "50% on time (1 of 2)" in words
    assert "0% on time (0 of 1)" in words


def test_a_report_tells_the_change_against_the_period_before_as_it_stood_then(daemon: InProcessDaemon) -> None:
    slow = daemon.mail(BO, "ana@acme.test")
    daemon.passes(3 * HOUR)
    divide = daemon.at
    daemon.mail("ana@acme.test", BO, parent=slow, after=MINUTE)
    quick = daemon.mail(BO, "ana@acme.test", subject="Another matter", after=MINUTE)
    daemon.mail("ana@acme.test", BO, parent=quick, after=MINUTE)
    story = told(daemon, start=divide, end=divide + 4 * HOUR)
    part = parts(story)["first_response"]
    assert (part.now.attainment, part.before.attainment, part.change) == (1, 0, 1)
    assert (part.before.late, part.before.never) == (0, 1), "it was answered after that period's end"
    assert parts(told(daemon))["first_response"].change is None, "nothing is known of an earlier period"


def test_hand_overs_escalations_and_the_time_to_i_have_it_are_counted(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    daemon.engine.acknowledge(daemon.only_wait(BO), "ana", daemon.at + 5 * MINUTE)
    daemon.passes(2 * HOUR)
    daemon.passes(2 * HOUR)
    case = only(told(daemon).cases)
    assert case.acknowledged_after == 300
    assert (case.handovers, case.escalations) == (1, 2)
    figures = json.loads(summary(told(daemon)))["metrics"]["first_response"]
    assert (figures["handovers"], figures["escalations"], figures["acknowledged_seconds"]) == (1, 2, 300)
    assert only(told(daemon, MONDAY + MINUTE).cases).acknowledged_after is None, "nobody had said so by then"


def test_the_goal_of_the_config_is_a_line_on_the_page(daemon: InProcessDaemon) -> None:
    question = daemon.mail(BO, "ana@acme.test")
    daemon.mail("ana@acme.test", BO, parent=question, after=MINUTE)
    without = render(told(daemon), daemon.at)
    assert 'class="goal"' not in without
    story = replace(told(daemon), goal=0.95)
    assert 'class="goal" x="95.0"' in render(story, daemon.at)
    assert "goal 95%" in in_words(story)
    assert json.loads(summary(story))["goal"] == 0.95
