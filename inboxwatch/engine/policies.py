"""The policies that waits run under: by version, those of the config or as the store has kept them (rule 21)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import structlog

from inboxwatch.config.policies import restore
from inboxwatch.core.sla.policy import SLAPolicy
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction

log = structlog.get_logger(__name__)

_restore = lru_cache(maxsize=256)(restore)
"""A document never changes its meaning: it may be kept between transactions."""


def policies_of(tx: Transaction, rules: Rules, versions: Iterable[str]) -> dict[str, SLAPolicy]:
    """The policies of versions; one that neither the config nor the store knows is left out and logged."""
    wanted = set(versions)
    found = {version: rules.policies[version] for version in wanted & rules.policies.keys()}
    if older := wanted - found.keys():
        found |= {version: _restore(text) for version, text in tx.policies.documents(older).items()}
    for version in sorted(wanted - found.keys()):
        log.error("the store does not have the policy of a wait: restore its backup", policy_version=version)
    return found


def prepare(tx: Transaction, rules: Rules) -> None:
    """Makes the store ready for rules, before any other use case works with them.

    Their policies are kept for the waits that will run under them, and each mailbox has its row. Members of directories
    that the config names no more are forgotten.
    """
    tx.members.keep_only(rules.config.directories)
    tx.mailboxes.ensure(rules.config.mailboxes)
    for policy in rules.policies.values():
        tx.policies.pin(policy.version, policy.document)
