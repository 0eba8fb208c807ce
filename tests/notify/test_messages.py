"""The message table: how every sentence reads, and that none of the notices' sentences stands anywhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from inboxwatch.notify import alarm_messages, messages, owner_messages

ROOT = Path(__file__).parents[2] / "inboxwatch"
AT = datetime(2026, 11, 3, 14, 30, tzinfo=UTC)
DAY = date(2026, 11, 3)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            alarm_messages.mailbox_blind(mailbox="ana", reason="auth", read_until=AT, hint="Mend the password."),
            "Mailbox ana is blind (auth): unread since 2026-11-03 14:30:00 UTC. Mend the password.",
        ),
        (
            alarm_messages.mailbox_blind(mailbox="ana", reason="auth", read_until=None, hint=""),
            "Mailbox ana is blind (auth): never read.",
        ),
        (
            alarm_messages.clock_ahead(mailbox="ana", ahead=timedelta(minutes=5)),
            "The server of mailbox ana is 5 min ahead of this machine: waits begin too late or answers come too early. "
            "Set both clocks by NTP.",
        ),
        (
            alarm_messages.coverage_short(mailbox="ana", coverage=0.99999),
            "inboxwatch holds only 99.99 % of the messages in mailbox ana: waits may be missing. See its quarantined "
            "messages, then run `inboxwatch backfill` on ana.",
        ),
        (
            alarm_messages.access_ends(mailboxes=["ana"], directories=[], at=AT),
            "The access to mailbox ana ends on 2026-11-03 14:30 UTC: renew its token, secret or certificate before, "
            "or it goes blind.",
        ),
        (
            alarm_messages.disk_low(path="/var", free=3 * 2**20),
            "The disk of the store (/var) has 3 MB left: when it is full nothing is watched any more. Make room, or "
            "move the store.",
        ),
        (
            alarm_messages.channel_down(channel="mail", dead=2),
            "Channel mail does not deliver: 2 dead letters. See the dead letters, mend the channel, send them again.",
        ),
        (
            alarm_messages.channel_down(channel="mail", dead=0),
            "Channel mail does not deliver: the next way was used. See the dead letters, mend the channel, send them "
            "again.",
        ),
        (
            messages.first_contact_bounced(lead="Bo"),
            "Our first message to Bo bounced: the buyer never got it. Mend the address, write again.",
        ),
        (
            messages.digest_title(team="", day=DAY, overdue=1, due=2, follow_ups=1),
            "Tue 3 Nov: 1 overdue, 2 open, 1 follow-up",
        ),
        (
            messages.digest_title(team="Team emea", day=DAY, overdue=0, due=0, follow_ups=0),
            "Team emea, Tue 3 Nov: nothing open",
        ),
        (
            messages.overdue_at_first_sight(replies=6, follow_ups=64, mailbox="ana"),
            "6 replies and 64 follow-ups of ana were overdue when inboxwatch first read it; none pages anybody.",
        ),
        (
            messages.overdue_at_first_sight(replies=0, follow_ups=1, mailbox="ana"),
            "1 follow-up of ana was overdue when inboxwatch first read it; none pages anybody.",
        ),
        (messages.tier(tier="hot", score="87"), "Tier: hot, Score: 87"),
        (messages.within(metric="first_response", length="2bh"), "first reply within 2bh"),
        (messages.own_follow_ups(count=3, due=1), "3 follow-ups are yours, 1 due now."),
        (messages.breached(DAY - timedelta(days=1), DAY), "Overdue yesterday, done by now"),
        (messages.breached(date(2026, 10, 30), DAY), "Overdue since Fri 30 Oct, done by now"),
        (messages.follow_ups(owner="", day="today"), "Follow up today"),
        (messages.follow_ups(owner="Ana Diaz", day="tomorrow"), "Ana Diaz follows up tomorrow"),
        (messages.day_name(DAY + timedelta(days=1), DAY), "tomorrow"),
        (messages.day_name(DAY + timedelta(days=2), DAY), "Thu 5 Nov"),
        (
            messages.acknowledged(person="Ana Diaz", until=AT, reason="on it"),
            "Ana Diaz has it until Tue 3 Nov 14:30 UTC (on it).",
        ),
        (messages.snoozed(person="Ana Diaz", until=None), "Snoozed by Ana Diaz."),
        (messages.assigned(person="Ana Diaz", owner=None), "Ana Diaz took it."),
        (messages.assigned(person="Ana Diaz", owner="Ben Ito"), "Ana Diaz gave it to Ben Ito."),
        (
            messages.reached(person="Ana Diaz", goes_on=True, reason="call"),
            "Ana Diaz has reached the buyer (call). The wait goes on: `activity` is no stop condition.",
        ),
        (
            messages.nothing_done(why=messages.wait_over(stop_reason="dismissed")),
            "Nothing was done: the wait is done (no reply is owed).",
        ),
        (
            messages.several_leads(count=7, named=[("Bo", "bo@buyer.test"), ("", "x@buyer.test")]),
            "7 leads match: Bo (bo@buyer.test), no name (x@buyer.test) and 5 more. Ask by address.",
        ),
        (messages.own_waits(count=1, overdue=0), "1 buyer waits for your reply."),
        (messages.own_waits(count=2, overdue=1), "2 buyers wait for your reply, 1 overdue."),
        (
            messages.owner_now(owner="Ana Diaz", lead="Bo", why=("rule 1: lead.owner", "first match")),
            "Ana Diaz owns Bo right now (rule 1: lead.owner, first match).",
        ),
        (messages.owner_now(owner="Ana Diaz", lead="Bo", why=()), "Ana Diaz owns Bo right now."),
        (
            messages.target(policy="default", metric="first_response", length="4bh", due_at=AT, late=-60),
            "SLA default: first reply within 4bh, due Tue 3 Nov 14:30 UTC, due in 1 min.",
        ),
        (
            messages.target(policy="default", metric="first_response", length="", due_at=AT, late=60),
            "SLA default: first_response, due Tue 3 Nov 14:30 UTC, overdue by 1 min.",
        ),
        (
            messages.next_step(
                step=messages.ladder_step(targets=("Max Ode",), moves_to="Ben Ito", at="14:30"), held_until=AT
            ),
            "If nobody answers, Max Ode is told at 14:30, it moves to Ben Ito; held until Tue 3 Nov 14:30 UTC.",
        ),
        (
            messages.ladder_step(targets=("Max Ode", "#desk"), moves_to="", at="14:30"),
            "Max Ode, #desk are told at 14:30",
        ),
        (messages.ladder_step(targets=(), moves_to="Ben Ito", at="14:30"), "at 14:30, it moves to Ben Ito"),
        (
            owner_messages.yours_now(by="Max Ode", former="Ana Diaz", reason="knows them"),
            "Max Ode gave it to you (knows them). It was Ana Diaz's.",
        ),
        (owner_messages.yours_now(by="Ana Diaz", former="Ana Diaz", reason=""), "Ana Diaz gave it to you."),
        (
            owner_messages.yours_now(by="", former="Ana Diaz", reason="step 3 of standard"),
            "It was Ana Diaz's (step 3 of standard).",
        ),
        (owner_messages.no_longer_yours(by="Ben Ito", owner="Ben Ito", reason=""), "Ben Ito took it."),
        (owner_messages.no_longer_yours(by="Max Ode", owner="Ben Ito", reason=""), "Max Ode gave it to Ben Ito."),
        (
            owner_messages.no_longer_yours(by="", owner="Max Ode", reason="step 3 of standard"),
            "It moved to Max Ode (step 3 of standard).",
        ),
        (owner_messages.on_leave(person="ana", first=DAY, last=DAY), "ana is on leave from 2026-11-03 to 2026-11-03"),
        (owner_messages.out_of_hours(person="ana", until=AT), "ana is out of hours until Tue 03 Nov 14:30"),
        (
            owner_messages.seen_away(person="ana", since=AT),
            "ana is away: the own mailbox answered with a vacation reply on 03 Nov 14:30 UTC",
        ),
        (owner_messages.step_reached(step=2, policy="standard"), "step 2 of standard"),
    ],
)
def test_a_message_reads_as_it_always_did(said: str, expected: str) -> None:
    assert said == expected


TABLES = (*(ROOT / "notify").glob("*messages.py"), ROOT / "notify" / "explanation.py")


def test_no_sentence_for_people_stands_outside_of_the_table_and_the_templates() -> None:
    """What ends like a sentence is one: errors for operators and logs do not."""
    paths = [path for room in ("notify", "daemon", "engine", "store", "core") for path in (ROOT / room).rglob("*.py")]
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in paths
        if path not in TABLES
        for text in strings(path)
        if re.search(r"\w \w.*[^.][.!?]$", text)
    ]
    assert found == []


def strings(path: Path) -> Iterator[str]:
    """The texts of a module that the program uses; docstrings are none of them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    yield from (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    )
