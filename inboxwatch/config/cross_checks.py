"""What the entries of a config must be to each other: addresses, ladders, policies and routes that can work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from inboxwatch.config.document import Document
from inboxwatch.config.fields import LEAD_OWNER, MAILBOX_OWNER, ROLES, meant
from inboxwatch.config.models import (
    AlertsModel,
    ChannelModel,
    MailboxModel,
    PersonModel,
    ReportsModel,
    TeamModel,
)
from inboxwatch.config.policy_models import (
    EscalationPolicyModel,
    PolicyWhenModel,
    RoutingModel,
    SLAPolicyModel,
    StepModel,
    TeamAssignmentModel,
)
from inboxwatch.config.problem import Path as Place
from inboxwatch.config.qualification_models import QualificationModel
from inboxwatch.config.reading import ReadEntries
from inboxwatch.core.qualification.decision import SALES, UNKNOWN
from inboxwatch.core.sla.policy import Duration, Reassign

Fault = tuple[Place, str]

RESERVED = frozenset({*ROLES, *Reassign, LEAD_OWNER, MAILBOX_OWNER})
"""Words that are nobody's name."""


def check(found: ReadEntries, document: Document) -> None:
    """Records all that is wrong between entries that are each right by themselves."""
    for rule in (
        _names,
        _addresses,
        _managers,
        _skills,
        _policies,
        _classes,
        _ladders,
        _stops,
        _destinations,
        _reports,
    ):
        if rule is _classes and "qualification" in document.data and found.one(QualificationModel) is None:
            continue  # what is wrong in that section is said already, and its classes are not known
        for path, message in rule(found):
            document.problem(path, message)


def _names(found: ReadEntries) -> Iterator[Fault]:
    people, channels = found.named(PersonModel), found.named(ChannelModel)
    for section, names in (("people", people), ("channels", channels)):
        yield from (
            ((section, name), "is a word of this config: choose another name") for name in names if name in RESERVED
        )
    yield from (
        (("channels", name), "is a person's name too: a notify target must mean one thing")
        for name in channels
        if name in people
    )


def _addresses(found: ReadEntries) -> Iterator[Fault]:
    """Each address is one person's, or one shared mailbox's; a mailbox is watched once."""
    shared = {mailbox.address: name for name, mailbox in found.named(MailboxModel).items() if mailbox.team}
    holder: dict[str, str] = {}
    for id_, person in found.named(PersonModel).items():
        places: list[tuple[str, Place]] = [(person.email, ("people", id_, "email"))]
        places += [(alias, ("people", id_, "aliases", number)) for number, alias in enumerate(person.aliases)]
        for address, place in places:
            if address in shared:
                yield place, f"{address} is the shared mailbox `{shared[address]}`: a group address cannot own"
            elif address in holder:
                yield place, f"{address} is listed for `{holder[address]}` already"
            holder.setdefault(address, id_)
    watched: dict[str, str] = {}
    for name, mailbox in found.named(MailboxModel).items():
        place, address = ("mailboxes", name, "address"), mailbox.address
        if address in watched:
            yield place, f"{address} is watched by `{watched[address]}` already"
        watched.setdefault(address, name)
        if mailbox.owner and holder.get(address, mailbox.owner) != mailbox.owner:
            yield place, f"{address} is the address of `{holder[address]}`, and the owner is `{mailbox.owner}`"


def _managers(found: ReadEntries) -> Iterator[Fault]:
    for id_, person in found.named(PersonModel).items():
        if person.manager == id_:
            yield ("people", id_, "manager"), "nobody is his own manager: leave it out, and `manager` is the fallback"


def _skills(found: ReadEntries) -> Iterator[Fault]:
    """A team rule whose skills no member has never yields anybody."""
    people, teams = found.named(PersonModel), found.named(TeamModel)
    routing = found.one(RoutingModel)
    for number, rule in enumerate(routing.rules if routing else ()):
        wanted = rule.assign
        if not isinstance(wanted, TeamAssignmentModel):
            continue
        if not all(member in people for member in _members(teams, wanted)):
            continue
        needed = {skill.lower() for skill in wanted.skills}
        if not any(needed <= {skill.lower() for skill in people[one].skills} for one in _members(teams, wanted)):
            yield ("routing", "rules", number, "assign", "skills"), f"nobody in `{wanted.team}` has them all"


def _members(teams: dict[str, TeamModel], wanted: TeamAssignmentModel) -> tuple[str, ...]:
    return teams[wanted.team].members if wanted.team in teams else ("",)


def _reports(found: ReadEntries) -> Iterator[Fault]:
    """Every report by mail has a reader."""
    section, teams = found.one(ReportsModel), found.named(TeamModel)
    for name, mail in section.mail.items() if section else ():
        lead = teams[mail.team].lead if mail.team in teams else None
        if not mail.to and lead is None:
            yield ("reports", "mail", name), "nobody reads it: write `to: [PERSON]`, or a `team` that has a lead"


def _policies(found: ReadEntries) -> Iterator[Fault]:
    """Every wait has a policy, and every policy can be chosen."""
    policies, ladders = found.listed(SLAPolicyModel), found.named(EscalationPolicyModel)
    names: set[str] = set()
    for number, policy in policies.items():
        place: Place = ("sla_policies", number)
        if policy.name in names:
            yield (*place, "name"), f"{policy.name!r} is the name of an earlier policy"
        names.add(policy.name)
        earlier = (policies[before] for before in policies if before < number)
        if above := next((one for one in earlier if _covers(one, policy)), None):
            yield place, f"can never be chosen: {above.name!r} above it covers all that it covers"
        if policy.calendar is None and (business := _business(policy, ladders)):
            yield place, f"needs a `calendar`: {business} is business time"
    if policies and policies[max(policies)].when.facts():
        yield ("sla_policies",), "leaves waits without a policy: end with one that has no `when`"


def _classes(found: ReadEntries) -> Iterator[Fault]:
    """A class in `when` is one of the list, and a verdict is awaited where something can be unknown."""
    section, routing = found.one(QualificationModel), found.one(RoutingModel)
    known = {*section.classes, SALES, UNKNOWN} if section is not None else set()
    whens: list[tuple[Place, PolicyWhenModel]] = []
    for number, policy in found.listed(SLAPolicyModel).items():
        place: Place = ("sla_policies", number)
        whens.append((place, policy.when))
        covered = policy.when.class_
        if policy.verdict is not None and (section is None or (covered is not None and UNKNOWN not in covered)):
            why = "covers no inquiry of the class `unknown`" if section else "needs the section `qualification`"
            yield (*place, "verdict"), why
    whens += [(("routing", "rules", number), rule.when) for number, rule in enumerate(routing.rules if routing else ())]
    for place, when in whens:
        named = when.class_ or frozenset()
        if named and section is None:
            yield (*place, "when", "class"), "needs the section `qualification`, which lists the classes"
            continue
        for name in sorted(named - known):
            yield (*place, "when", "class"), f"{name!r} is no class of `qualification`{meant(name, known)}"


def _covers(earlier: SLAPolicyModel, later: SLAPolicyModel) -> bool:
    wide, narrow = earlier.when.facts(), later.when.facts()
    return all(key in narrow and narrow[key] <= values for key, values in wide.items())


def _business(policy: SLAPolicyModel, ladders: dict[str, EscalationPolicyModel]) -> Duration | None:
    """The first business time that a policy or its ladder counts with."""
    times = [policy.first_response, policy.next_response, policy.follow_up, policy.verdict]
    if ladder := ladders.get(policy.escalation):
        times += [step.at.offset for step in ladder.steps]
        times += [ladder.acknowledge_for, ladder.blind_grace, ladder.repeat.every if ladder.repeat else None]
    return next((time for time in times if time and time.business), None)


def _ladders(found: ReadEntries) -> Iterator[Fault]:
    """Steps stand in the order in which they fall due, as far as that is the same for every target."""
    for name, ladder in found.named(EscalationPolicyModel).items():
        for number, (above, step) in enumerate(pairwise(ladder.steps), 1):
            place = ("escalation_policies", name, "steps", number, "at")
            match _order(above, step):
                case "before":
                    yield place, f"{step.at} is due before the step above it ({above.at}): put the steps in order"
                case "same":
                    yield place, f"{step.at} is due with the step above it: put their targets together"


def _order(above: StepModel, step: StepModel) -> str | None:
    """Whether a step is due before the one above it or with it, whatever the target; None where it is not so."""
    offsets = [one.at.offset for one in (above, step)]
    units = {offset.business for offset in offsets if offset and offset.length}
    if len(units) > 1:
        return None  # business and wall time compare differently from day to day
    first, second = (one.at.sign * (one.at.offset.length if one.at.offset else timedelta()) for one in (above, step))
    if (above.at.share, first) == (step.at.share, second):
        return "same"
    return "before" if step.at.share <= above.at.share and second <= first else None


def _stops(found: ReadEntries) -> Iterator[Fault]:
    if (stops := found.values.get("stop_conditions")) is not None and "answered" not in stops:
        yield ("stop_conditions",), "lacks `answered`: an answer always ends a wait"


def _destinations(found: ReadEntries) -> Iterator[Fault]:
    """What `channel:destination` and a bare channel name say must mean something to that channel."""
    for place, target in _targets(found):
        channel, _, destination = target.partition(":")
        plugin = found.plugins.get(("channels", channel))
        if plugin is None or target in found.named(PersonModel) or plugin.settings.unresolved:
            continue
        if fault := plugin.kind(plugin.settings, channel).accepts(destination):
            yield place, f"{target!r} leads nowhere: {fault}"


def _targets(found: ReadEntries) -> Iterator[tuple[Place, str]]:
    for name, ladder in found.named(EscalationPolicyModel).items():
        for number, step in enumerate(ladder.steps):
            for which, target in enumerate(step.notify):
                yield ("escalation_policies", name, "steps", number, "notify", which), target
    if alerts := found.one(AlertsModel):
        yield from ((("it_alerts", "notify", which), target) for which, target in enumerate(alerts.notify))
