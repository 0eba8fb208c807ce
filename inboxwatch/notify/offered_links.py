"""By which links a reader of mail acts on a wait, and says what it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from inboxwatch.core.sla.policy import Metric
from inboxwatch.notify import NoticeWait
from inboxwatch.notify import choice_messages as said
from inboxwatch.notify.links import ActionLink, Links


class Offered(NamedTuple):
    """The links of one wait."""

    actions: Sequence[ActionLink] = ()
    verdicts: Sequence[tuple[str, Sequence[ActionLink]]] = ()
    """What it may be said to be, in groups; their headings are to be translated, labels are the config's own names."""


def offered(links: Links, told: NoticeWait, person: str, now: datetime) -> Offered:
    """A wait that is to be judged offers every choice instead of `No reply owed`, another one what needs no seller."""
    wait, judged = told.wait, told.wait.metric is Metric.VERDICT
    actions = links.actions(wait.id, person, now, follow_up=wait.follow_up)
    if judged and told.choices:
        actions = actions[:1]
    sellers = [one for one in told.choices if one.for_sales and judged]
    others = [one for one in told.choices if not one.for_sales]
    groups = ((said.FOR_SALES, sellers), (said.NOT_FOR if judged else said.NOT_FOR_SALES, others))
    return Offered(
        actions, [(heading, links.verdicts(wait.id, person, now, choices)) for heading, choices in groups if choices]
    )
