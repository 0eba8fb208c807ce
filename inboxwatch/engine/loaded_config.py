"""Which config is in force: noted in the store as the daemon takes one over, without secrets, for who compares."""

from __future__ import annotations

import json

from inboxwatch.config.outline import Outline
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.marks import ConfigMark


def note_config(tx: Transaction, rules: Rules) -> None:
    """The config of these rules is in force from now on."""
    tx.marks.set(ConfigMark(), json.dumps(rules.config.outline))


def config_in_force(tx: Transaction) -> Outline | None:
    """The outline of the config that a daemon took over last; None where none of this version ever did."""
    text = tx.marks.get(ConfigMark())
    found: Outline | None = json.loads(text) if text else None
    return found
