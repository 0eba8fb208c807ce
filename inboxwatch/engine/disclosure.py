"""All that is known of a person outside, for their own question what is held of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from inboxwatch.core.leads import plain_address
from inboxwatch.core.mail.strangers import clue_of_address
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.views import lead_view
from inboxwatch.store import Transaction

_MESSAGE = (
    "at", "direction", "kind", "message_id", "mailbox", "signal", "owes_reply", "effect", "away_until",
    "class_rule", "intents", "first_class", "first_class_by",
)  # fmt: skip
_WAIT = (
    "id", "metric", "started_at", "due_at", "state", "stop_reason", "stopped_at", "answered_by", "owner", "mailbox",
    "team", "tier", "policy", "breached_at", "wall_seconds", "business_seconds", "inquiry_class", "class_by", "score",
    "score_lines",
)  # fmt: skip
_ACTION = (
    "at",
    "deed",
    "by",
    "clock",
    "until",
    "owner",
    "reason",
    "rule",
    "source",
    "ref",
    "told_at",
    "inquiry_class",
    "tier",
)
_NOTICE = ("owed_at", "settled_at", "type", "clock", "step", "reason", "target", "channel", "state", "body")
_CONTACT = ("message_id", "failed_at", "resolved_at", "owner", "tier")
_MEMBER = ("directory", "address", "name", "aliases", "team", "manager", "joined_at", "missing_since")
_KIND = ("name", "by", "at", "reason")
_VERDICT = ("at", "inquiry_class", "by", "tier", "reason")


def disclose(tx: Transaction, email: str, now: datetime) -> dict[str, Any] | None:
    """Everything by and about whoever has an address, as JSON has it; None where nothing is known.

    Of the other people who took part in the same mail nothing is told: it is theirs.
    """
    email = email.strip().lower()
    found = tx.traces.of(email)
    hashes = tx.strangers.led_to([clue_of_address(one) for one in sorted(found.plain)])
    since = tx.forgotten.among([email]).get(email)
    if not any(found.counted().values()) and not hashes and since is None:
        return None
    messages = [
        row | {"from": theirs(found.plain, [row.pop("sender")]), "to": theirs(found.plain, row.pop("recipients"))}
        for row in (
            _picked(one, _MESSAGE)
            | {"sender": one.sender or "", "recipients": [to for to, _, _ in one.recipients or ()]}
            | ({"subject": one.subject} if one.key in found.own else {})
            for one in found.messages
        )
    ]
    return {
        "address": email,
        "at": rfc3339(now),
        "addresses": sorted(found.addresses) if any(found.counted().values()) else [],
        "names": sorted(one for one in found.names if one),
        "forgotten_at": rfc3339(since.at) if since else None,
        "lead": lead_view(found.lead) if found.lead else None,
        "messages": messages,
        "waits": [_picked(row, _WAIT) for row in found.clocks],
        "actions": [_picked(row, _ACTION) for row in found.actions],
        "notices": [_picked(row, _NOTICE) for row in found.deliveries],
        "failed_first_contacts": [_picked(row, _CONTACT) for row in found.first_contacts],
        "kinds_said": [_picked(row, _KIND) for row in found.kinds],
        "sender_verdicts": [_picked(row, _VERDICT) for row in found.verdicts],
        "members": [_picked(row, _MEMBER) for row in found.members],
        "config_entries": found.config,
        "hashes": hashes,
    }


def theirs(plain: set[str], emails: Sequence[str]) -> list[str]:
    """The person's own addresses among some."""
    return [one for one in emails if plain_address(one) in plain]


def _picked(row: Any, names: Iterable[str]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in values.items()}
