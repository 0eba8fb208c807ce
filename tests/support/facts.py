"""Short words for facts: what buyers and we did, and when. Times are `HH:MM` on Monday 4 May 2026, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from inboxwatch.core.model import ClockId, Delivery, Direction, Kind, LeadId, MessageId, PersonId, ThreadId
from inboxwatch.core.ownership.people import Person, Team
from inboxwatch.core.ownership.routing import Case, Roster, RoutingRule, ToLeadOwner
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.fold import Replay
from inboxwatch.core.sla.hours import ALWAYS, BusinessCalendar, Span
from inboxwatch.core.sla.policy import Duration, EscalationPolicy, Metric, Repeat, SLAPolicy, Step, StepTime
from inboxwatch.core.sla.running import clock_id
from inboxwatch.core.sla.timeline import Action, ActionKind, Fact, Mail, Party

MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
EVERY_STOP = frozenset(
    {"answered", "dismissed", "meeting_accepted", "opted_out", "lead_closed", "activity", "max_rounds"}
)
BO = Party("bo@buyer.test", LeadId("bo@buyer.test"), "buyer.test")
CY = Party("cy@other.test", LeadId("cy@other.test"), "other.test")


def at(clock_time: str, day: int = 0) -> datetime:
    """`10:30` -> that time on Monday, or `day` days later."""
    hours, _, minutes = clock_time.partition(":")
    return MONDAY + timedelta(days=day, hours=int(hours), minutes=int(minutes))


def weekdays(*spans: str, zone: str = "UTC", days: str = "mon tue wed thu fri", **more: Any) -> BusinessCalendar:
    """A calendar with the same spans on each of the days."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    parsed = tuple(Span.parse(span) for span in spans)
    week = tuple(parsed if name in days.split() else () for name in names)
    return BusinessCalendar("office", ZoneInfo(zone), week, **more)


def sla(
    first: str = "1h", following: str = "1h", calendar: BusinessCalendar = ALWAYS, steps: Any = None, **more: Any
) -> SLAPolicy:
    """A policy; `steps` are (at, *notify) or Step objects."""
    steps = steps if steps is not None else [("50%", "owner"), ("100%", "owner", "manager")]
    ladder = EscalationPolicy(
        "standard",
        tuple(one if isinstance(one, Step) else Step(StepTime.parse(one[0]), tuple(one[1:])) for one in steps),
        repeat=more.pop("repeat", None),
        acknowledge_for=Duration.parse(more.pop("acknowledge_for", "30m")),
        in_hours_only=more.pop("in_hours_only", True),
        blind_grace=Duration.parse(more.pop("blind_grace", "15m")),
    )
    follow_up = Duration.parse(more.pop("follow_up")) if "follow_up" in more else None
    return SLAPolicy(
        "default", calendar, Duration.parse(first), Duration.parse(following), ladder, follow_up, version="1", **more
    )


def every(text: str, times: int) -> Repeat:
    return Repeat(Duration.parse(text), times)


def buyer(id_: str, when: datetime, sender: Party = BO, **more: Any) -> Mail:
    """A buyer's message to us."""
    more.setdefault("owes_reply", more.get("kind", Kind.HUMAN) is Kind.HUMAN)
    more.setdefault("kind", Kind.HUMAN)
    return Mail(when, MessageId(id_), Direction.INBOUND, sender=sender, **more)


def ours(id_: str, when: datetime, *to: Party, author: str = "ana", **more: Any) -> Mail:
    """A message of ours to buyers."""
    more.setdefault("kind", Kind.HUMAN)
    sender = Party(f"{author}@acme.test")
    return Mail(when, MessageId(id_), Direction.OUTBOUND, sender=sender, recipients=to or (BO,), author=author, **more)


def bounce(of: str, when: datetime, *failed: str, action: str = "failed", sender: Party = BO) -> Mail:
    """A delivery status notification about a message of ours."""
    delivery = Delivery(action, MessageId(of), frozenset(failed))
    source = Party("mailer-daemon@relay.test", sender.lead, sender.side)
    return buyer(f"dsn-of-{of}", when, source, kind=Kind.BOUNCE, owes_reply=False, delivery=delivery)


def action(
    what: ActionKind, when: datetime, on: str, by: str = "ana", metric: Metric = Metric.FIRST_RESPONSE, **more: Any
) -> Action:
    """A person's action on the wait that a message started."""
    return Action(when, what, by, clock=clock_id(MessageId(on), metric), **more)


def fold(*facts: Fact, policy: SLAPolicy | None = None, stops: frozenset[str] = EVERY_STOP) -> tuple[Clock, ...]:
    """The clocks of one thread, follow-ups aside."""
    chosen = policy or sla()
    clocks = Replay(ThreadId("t"), lambda wait: chosen, stops).clocks(facts)
    return tuple(clock for clock in clocks if clock.metric is not Metric.FOLLOW_UP)


def follow_ups(*facts: Fact, policy: SLAPolicy, stops: frozenset[str] = EVERY_STOP) -> tuple[Clock, ...]:
    clocks = Replay(ThreadId("t"), lambda wait: policy, stops).clocks(facts)
    return tuple(clock for clock in clocks if clock.metric is Metric.FOLLOW_UP)


def id_of(message: str, metric: Metric = Metric.FIRST_RESPONSE) -> ClockId:
    return clock_id(MessageId(message), metric)


def person(name: str, **more: Any) -> Person:
    return Person(PersonId(name), name.title(), f"{name}@acme.test", **more)


def roster(*people: Person, rules: tuple[RoutingRule, ...] = (RoutingRule(ToLeadOwner()),), **more: Any) -> Roster:
    """Ana (managed by Max) and Max, or the people given; Max is the fallback."""
    known = people or (person("ana", manager=PersonId("max")), person("max"))
    teams = more.pop("teams", {"emea": Team("emea", tuple(one.id for one in known), PersonId("max"))})
    return Roster({one.id: one for one in known}, teams, rules, PersonId("max"), **more)


def case(lead_owner: str | None = "ana", **more: Any) -> Case:
    owner = PersonId(lead_owner) if lead_owner else None
    return Case(more.pop("facts", {}), owner, more.pop("mailbox_owner", None), **more)
