"""What inquiries are, on the pages: what a wait is about and why, what can be said of it, what was filtered today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from inboxwatch.core.explanation import ExplainedQualification
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine.qualification_story import qualification_of
from inboxwatch.engine.qualify import can_be_taken_back, known_choices
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.verdict_waits import wait_of
from inboxwatch.engine.wait_filters import filtered_today
from inboxwatch.engine.wait_views import Detail, wait_views
from inboxwatch.notify.qualification_words import turn_in_words
from inboxwatch.notify.text import clean
from inboxwatch.store import Transaction
from inboxwatch.store.clocks import Where
from inboxwatch.store.records import ClockRecord
from inboxwatch.words import Wording, english

SAID, TAKEN_BACK = "qualify", "undo-verdict"
DEEDS = (SAID, TAKEN_BACK)
FILTERED_TITLE = english("Filtered: nobody owes them an answer")


@dataclass(frozen=True, slots=True)
class About:
    """What a wait is about, as its page shows it."""

    wait: WaitView
    """The wait itself, where the page is of the verdict that it awaits."""
    told: ExplainedQualification
    turns: Sequence[tuple[datetime, str]]
    """What it was said to be, oldest first: sentences that others' words stand in, cleaned."""
    undo: bool
    """Whether a person's verdict stands."""


def about(tx: Transaction, rules: Rules, row: ClockRecord, now: datetime, words: Wording) -> About | None:
    """None of a wait that has no class."""
    inquiry = wait_of(tx, row)
    told = qualification_of(tx, rules, inquiry)
    if told is None:
        return None
    (view,) = wait_views(tx, rules, [inquiry], now, Detail.BUYER)
    turns = [(one.at, clean(turn_in_words(one, words.when, words), 400)) for one in told.turns]
    return About(view, told, turns, can_be_taken_back(tx, inquiry))


def lists(tx: Transaction, rules: Rules, asked: Where, now: datetime) -> dict[str, Any]:
    """What the lists of waits show besides, where the config has classes."""
    return {"verdicts": known_choices(rules), "filtered": filtered_today(tx, rules.config, asked, now)}


def read_choice(form: dict[str, str], clock: str) -> None:
    """Turns what was chosen, `class` or `class:tier`, into a body's fields; in a list the wait stands in its name."""
    chosen = form.pop("verdict", "") or form.get(f"verdict-{clock}", "")
    if chosen:
        form["class"], _, form["tier"] = chosen.partition(":")


def said_of(tx: Transaction, rules: Rules, request: web.Request, now: datetime) -> WaitView | None:
    """The wait that was judged, or whose verdict was taken back, just before; None where the address says nothing."""
    clock = request.query.get("wait", "")
    row = tx.clocks.get(clock) if clock and request.query.get("done") in DEEDS else None
    if row is None:
        return None
    (view,) = wait_views(tx, rules, [wait_of(tx, row)], now, Detail.BUYER)
    return view
