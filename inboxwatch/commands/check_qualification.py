"""What `check` says of classes, scores and verdicts: examples, what rules can see, tiers, who judges what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from inboxwatch.commands.finding import Finding
from inboxwatch.config.class_rules import built_in
from inboxwatch.core.model import Privacy
from inboxwatch.core.ownership.routing import people_named
from inboxwatch.core.qualification.decision import UNKNOWN, Qualification
from inboxwatch.core.sla.policy import choose, matches

if TYPE_CHECKING:
    from inboxwatch.config import Config, MailboxConfig

SUBJECT = "qualification"


def check_qualification(config: Config) -> Iterator[Finding]:
    """Nothing without the section."""
    if (terms := config.qualification) is None:
        return
    files = (*config.own_class_rules, built_in())
    failures = [failure for file in files for failure in file.failures()]
    yield from (Finding(SUBJECT, "failed", failure, "mend the rule's words or its example") for failure in failures)
    if not failures:
        own = sum(len(file.classes) + len(file.score) for file in config.own_class_rules)
        sleeping = sum(rule.class_ not in terms.classes for rule in built_in().classes)
        text = f"{own} own and {len(built_in().classes)} built-in rules fit their examples"
        rest = f"; {sleeping} built-in ones sleep, as their classes are not listed" if sleeping else ""
        yield Finding(SUBJECT, "ok", text + rest)
    yield _filters(terms)
    yield from _seen_by_rules(config, terms)
    yield from _tiers(terms)
    for box in config.mailboxes.values():
        yield from _judges(config, box)


def _filters(terms: Qualification) -> Finding:
    """Which classes nobody owes an answer to: to begin with, none."""
    filtered = sorted(name for name in terms.classes if not terms.clock(name))
    if not filtered:
        text = "rules only label: no class has `clock: none`"
        return Finding(SUBJECT, "ok", text, "GET /api/v1/qualification shows what would have been filtered")
    text = f"inquiries of the class {', '.join(filtered)} get no clock; {terms.audit} % of what rules find are judged"
    if terms.audit == 0:
        return Finding(SUBJECT, "warning", f"{text}: nobody sees what is filtered wrongly", "set `audit`, such as 10%")
    return Finding(SUBJECT, "ok", text)


def _seen_by_rules(config: Config, terms: Qualification) -> Iterator[Finding]:
    """What words cost where no text is read."""
    if config.privacy is not Privacy.HEADERS:
        return
    worded = sum(rule.words is not None for rule in terms.rules) + sum(rule.words is not None for rule in terms.score)
    if worded:
        text = (
            f"{worded} rules look at words and see the subject of new mail alone (privacy: headers): they find a third"
            " of what they would find in texts"
        )
        hint = "give classes by `to`, `from`, lists (column class) and status, or take privacy: text"
        yield Finding(SUBJECT, "warning", text, hint)


def _tiers(terms: Qualification) -> Iterator[Finding]:
    """Tiers that no score reaches; what a list or a person says of a tier needs none."""
    if any(rule.take and rule.at_most is None and rule.times > 0 for rule in terms.score):
        return
    most = sum(max(0.0, (rule.at_most or 0.0) if rule.take else rule.points) for rule in terms.score)
    for name, threshold in terms.tiers.items():
        if threshold > most:
            text = f"no score reaches the tier {name}: it is from {threshold:g}, and all rules add up to {most:g}"
            yield Finding(SUBJECT, "warning", text, "give rules of `score` in a rules file, or a lower threshold")


def _judges(config: Config, box: MailboxConfig) -> Iterator[Finding]:
    """Verdicts that routing gives to people who cannot read the mailbox."""
    if not box.owner:
        return
    facts = {"mailbox": box.name.lower(), "team": (box.team or "").lower(), "class": UNKNOWN}
    policy = choose(config.policies, facts)
    if policy is None or policy.verdict is None:
        return
    for rule in config.rules:
        if not matches(rule.when, facts):
            continue
        if others := sorted(people_named(rule.assign, config.teams) - {box.owner}):
            named = ", ".join(others[:3]) + (" and others" if len(others) > 3 else "")
            text = f"routing has {named} judge what comes to `{box.name}`, which is {box.owner}'s: they cannot read it"
            yield Finding(SUBJECT, "warning", text, "limit the rule to shared mailboxes (when: {mailbox: ...})")
        return
