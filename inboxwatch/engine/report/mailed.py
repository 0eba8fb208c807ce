"""A report as mail: the key figures as text and HTML that mail programs show, and the whole page attached."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from inboxwatch.engine.report import figures, page
from inboxwatch.engine.report.cases import NEVER, Outcome, Story
from inboxwatch.engine.report.figures import Group
from inboxwatch.engine.report.period import Period
from inboxwatch.engine.report.schedule import LATE, ReportOrder
from inboxwatch.engine.report.teams import shown
from inboxwatch.notify import ReportPages, report_messages
from inboxwatch.notify.text import clean
from inboxwatch.store import Transaction
from inboxwatch.words import ENGLISH, Wording

if TYPE_CHECKING:
    from inboxwatch.config import Config

LISTED = 5
"""Waits of each kind that the mail itself names; the page names more."""


def story_of(tx: Transaction, config: Config, order: ReportOrder, now: datetime) -> Story:
    """What an owed report tells, as the store has it now."""
    return shown(tx, config, Period.of(order.period, order.mail.zone, now), order.mail.team)


def link_of(config: Config, order: ReportOrder) -> str:
    """Its page on the board."""
    asked = {"period": order.period.code} | ({"team": order.mail.team} if order.mail.team else {})
    return f"{config.web.url}/report?{urlencode(asked)}"


def pages_of(story: Story, order: ReportOrder, link: str, now: datetime, words: Wording = ENGLISH) -> ReportPages:
    """The mail, in its reader's language. Buyers' words in it are untrusted text, which the templates escape."""
    parts, team = figures.parts(story), clean(story.team, 60)
    first, name = parts[figures.FIRST].now, report_messages.period_name(order.period, words)
    late = ""
    if now - order.due_at >= LATE:
        late = report_messages.late(at=order.due_at, missed=order.missed, words=words)
    values: dict[str, Any] = {
        "story": story,
        "words": words,
        "title": report_messages.mail_title(period=name, team=team, words=words),
        "all": Group("all", story.cases),
        "parts": list(zip((words.say("First replies"), words.say("Next replies")), parts.values(), strict=True)),
        "groups": figures.by_person(story) if story.team and story.people_shown else figures.by_team(story),
        "away": figures.AWAY,
        "slow": figures.slowest(story.cases, {Outcome.LATE}, LISTED),
        "never": figures.slowest(story.cases, NEVER, LISTED),
        "late": late,
        "link": link,
    }
    subject = report_messages.mail_subject(period=name, team=team, share=first.attainment, goal=story.goal, words=words)
    return ReportPages(
        subject=clean(subject, 150),
        text=page.templates().get_template("mail.txt").render(values),
        html=page.templates().get_template("mail.html").render(values),
        file=f"report-{order.period.code}.html",
        page=page.render(story, now, words),
    )
