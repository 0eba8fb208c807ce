"""Forgets a person outside: what names them is erased, the figures stay, and the same mail brings nobody back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from inboxwatch.core.mail.strangers import clue_of_address
from inboxwatch.core.model import LeadId
from inboxwatch.core.pseudonym import DOMAIN, Pseudonym
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.engine.actions import Acting
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.engine.refused import Refused
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.forgotten import Erased
from inboxwatch.store.traces import Found

REASON = "the person was forgotten"


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What was, or would be, erased."""

    erased: Mapping[str, int]
    """How many of each kind."""
    open_waits: Sequence[str]
    """The ids of the waits that ended with it."""
    stands: str = ""
    """What stands in the person's place."""


def preview(tx: Transaction, rules: Rules, email: str) -> Forgetting:
    """What would be erased; changes nothing. Raises Refused as `forget` does, but for open waits."""
    found, clues = _known(tx, rules, email)
    return _told(found, tx.strangers.led_to(clues), [row.id for row in found.open_waits])


def forget(tx: Transaction, rules: Rules, email: str, acting: Acting, *, with_open_waits: bool = False) -> Forgetting:
    """Erases all that names whoever has an address. Raises Refused: where one of us has it, where nothing is known,
    or where a reply is owed and `with_open_waits` does not say that those waits end.
    """
    found, clues = _known(tx, rules, email)
    waits = [row.id for row in found.open_waits]
    if waits and not with_open_waits:
        raise Refused(409, f"{len(waits)} open wait(s) of theirs ({', '.join(waits)}): answer, or end them with it")
    told = _told(found, tx.strangers.led_to(clues), waits)
    if running := [row for row in found.clocks if row.state == "running"]:
        for row in running:
            ended = Action(acting.at, ActionKind.DISMISSED, acting.by, row.id, row.lead, reason=REASON)
            tx.clocks.record(ended, row.thread)
        evaluate(tx, rules, sorted({row.thread for row in running}), Occasion(acting.at, quiet=True))
        found = tx.traces.of(email)
    before = tx.retention.figures(acting.at) if rules.config.qualification is not None else None
    pseudonym = Pseudonym(found.addresses, found.names, secrets.token_hex(8))
    tx.traces.erase(found, pseudonym, acting.at)
    if before is not None:  # what a wait was as it came stood with its message
        tx.retention.keep_figures(before, acting.at)
    tx.strangers.let_go(clues)
    tx.forgotten.add(found.addresses, Erased(acting.at, _read_until(tx, rules, acting.at)))
    done = Action(acting.at, ActionKind.FORGOTTEN, acting.by, lead=LeadId(pseudonym.address), reason=acting.reason)
    tx.clocks.record(done, None)
    return replace(told, stands=pseudonym.address)


def _known(tx: Transaction, rules: Rules, email: str) -> tuple[Found, list[str]]:
    email = email.strip().lower()
    if rules.config.us.is_ours(email):
        off = "take the person out of the config, or off the directory's list"
        raise Refused(422, f"{email} is one of ours: {off}; what they did stays on record")
    if email.endswith(f"@{DOMAIN}"):
        raise Refused(422, f"{email} stands for somebody who was forgotten")
    found = tx.traces.of(email)
    if listed := [row.directory for row in found.members if _still_listed(row, rules)]:
        raise Refused(422, f"{email} is on the list of the directory {listed[0]}: take the person off it first")
    clues = [clue_of_address(one) for one in sorted(found.plain)]
    if not any(found.counted().values()) and not tx.strangers.led_to(clues):
        raise Refused(404, f"nothing is known of {email}")
    return found, clues


def _still_listed(row: Any, rules: Rules) -> bool:
    """Whether a directory names a member yet: what is erased would come again with its list."""
    return row.missing_since is None and row.directory in rules.config.directories


def _told(found: Found, hashes: int, waits: Sequence[str]) -> Forgetting:
    return Forgetting(found.counted() | {"hashes": hashes, "open_waits": len(waits)}, waits)


def _read_until(tx: Transaction, rules: Rules, now: datetime) -> datetime:
    """Up to when every mailbox was read: what came in later and was not read yet is no mail from before."""
    rows = {row.id: row for row in tx.mailboxes.all()}
    known = [rows[name].seen_until for name in rules.config.mailboxes if name in rows]
    return min([now, *(at for at in known if at is not None)])
