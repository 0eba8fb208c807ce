"""A report of one team, and a report that names teams only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from inboxwatch.core.model import MailboxId, PersonId, ShownFigures
from inboxwatch.core.statistics.teams import TeamLabels
from inboxwatch.engine.outcomes import read_outcomes, usual_question
from inboxwatch.engine.report.cases import ReportedWait, Story, read
from inboxwatch.engine.report.period import Period
from inboxwatch.engine.report.qualified import read_qualified
from inboxwatch.engine.rules import Rules
from inboxwatch.metrics import team_labels
from inboxwatch.store import Transaction

if TYPE_CHECKING:
    from inboxwatch.config import Config


def shown(tx: Transaction, config: Config, period: Period, team: str = "") -> Story:
    """The story of a period as its readers may see it, of one team or of all."""
    story = read(tx, config, period, team)
    if tx.outcomes.any():
        asked = usual_question(period.end, period.start)
        story = replace(story, outcomes=read_outcomes(tx, Rules.of(config, {}), asked, team))
    story = replace(story, qualification=read_qualified(tx, config, period, team))
    if team:
        story = of_team(story, config, team)
    return by_team(story, config) if config.figures is ShownFigures.TEAMS else story


def of_team(story: Story, config: Config, team: str) -> Story:
    """The waits of one team's people, and the mailboxes that are theirs or the team's; what is left over is read so."""

    def theirs(cases: tuple[ReportedWait, ...]) -> tuple[ReportedWait, ...]:
        return tuple(case for case in cases if story.teams.get(case.owner) == team)

    boxes = {
        name
        for name, box in config.mailboxes.items()
        if team in (box.team, story.teams.get(box.owner) if box.owner else None)
    }
    return replace(
        story,
        team=team,
        cases=theirs(story.cases),
        before=theirs(story.before),
        follow_ups=theirs(story.follow_ups),
        failed_contacts=tuple(one for one in story.failed_contacts if story.teams.get(one[0]) == team),
        verified={name: share for name, share in story.verified.items() if name in boxes},
        coverage={name: share for name, share in story.coverage.items() if name in boxes},
    )


def by_team(story: Story, config: Config) -> Story:
    """The story with the team in the place of each person, and no figure of one."""
    labels = team_labels(config)
    teams = {labels.person(str(person)) for person in config.people}
    return replace(
        story,
        cases=tuple(_told(case, labels) for case in story.cases),
        before=tuple(_told(case, labels) for case in story.before),
        left_over=tuple(_told(case, labels) for case in story.left_over),
        follow_ups=tuple(_told(case, labels) for case in story.follow_ups),
        failed_contacts=tuple((labels.person(owner), reached) for owner, reached in story.failed_contacts),
        verified={labels.mailbox(name): share for name, share in story.verified.items()},
        coverage={labels.mailbox(name): share for name, share in story.coverage.items()},
        names={team: team for team in teams},
        teams={team: team for team in teams},
        people_shown=False,
    )


def _told(case: ReportedWait, labels: TeamLabels) -> ReportedWait:
    wait = case.wait
    told = wait._replace(
        owner=PersonId(labels.person(wait.owner)) if wait.owner else None,
        answered_by=labels.person(wait.answered_by) if wait.answered_by else None,
        mailbox=MailboxId(labels.work(wait.mailbox)) if wait.mailbox else None,
    )
    return replace(case, wait=told, owner=labels.person(case.owner), colleague=case.by_colleague)
