"""A report that names teams only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from inboxwatch.core.model import MailboxId, PersonId
from inboxwatch.core.statistics.teams import TeamLabels
from inboxwatch.engine.report.cases import ReportedWait, Story
from inboxwatch.metrics import team_labels

if TYPE_CHECKING:
    from inboxwatch.config import Config


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
