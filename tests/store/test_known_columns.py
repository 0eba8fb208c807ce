"""What is remembered of a message comes back as it was, in the shapes of this version and of those before it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.mail.copies import Account
from inboxwatch.core.mail.threads.known import Known, parent_above
from inboxwatch.core.model import Direction, Evidence, Kind, LeadId, MessageId, ThreadId
from inboxwatch.store.known_columns import dump, load

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
IDS = st.sampled_from([MessageId(f"{name}@buyer.test") for name in "abcd"])
PEOPLE = st.frozensets(st.sampled_from(["ana@acme.test", "bo@buyer.test", "cy@buyer.test"]))
CHAINS = st.lists(IDS, unique=True).map(tuple)


@st.composite
def known(draw: st.DrawFn) -> Known:
    """A message as the matching leaves it."""
    answered, references = draw(CHAINS), draw(CHAINS)
    named = answered[0] if answered else references[-1] if references else None
    sender, to, sent = draw(st.sampled_from(["", "bo@buyer.test"])), draw(PEOPLE), draw(st.none() | st.just(AT))
    digest, title = draw(st.none() | st.integers(0, 2**32 - 1)), draw(st.sampled_from(["", "offer"]))
    return Known(
        id=MessageId("one@buyer.test"),
        thread=ThreadId("thread"),
        at=AT,
        direction=Direction.INBOUND,
        kind=Kind.HUMAN,
        parent=draw(st.none() | IDS),
        evidence=draw(st.sampled_from(Evidence)),
        named=named,
        above=parent_above(named, references),
        sender=sender,
        name=draw(st.sampled_from(["", "Bo"])),
        answer_to=draw(PEOPLE),
        to=to,
        participants=to | draw(PEOPLE) | frozenset([sender] if sender else ()),
        subject_key=title,
        was_key=draw(st.sampled_from(["", "request"])),
        answers=draw(st.booleans()),
        sent_at=sent,
        provider_threads=draw(st.frozensets(st.sampled_from(["ana 1", "bo 2"]))),
        thread_index=draw(st.none() | st.just(bytes(range(22)))),
        lead=draw(st.none() | st.just(LeadId("bo@buyer.test"))),
        account=None
        if digest is None
        else Account(3, draw(st.sampled_from([AT, AT + timedelta(hours=1)])), digest, draw(PEOPLE), sent, title),
        component=ThreadId("component"),
        beside=draw(st.none() | IDS),
        open=draw(st.booleans()),
        sides=draw(PEOPLE),
        in_reply_to=answered,
        references=references,
        answered=draw(st.booleans()),
        told=draw(st.booleans()),
        sender_lead=draw(st.none() | st.just(LeadId("bo@buyer.test"))),
    )


def row(one: Known, data: dict[str, Any]) -> SimpleNamespace:
    """A row as the database gives it back."""
    columns = {name: getattr(one, name) for name in ("thread", "at", "parent", "confidence", "sender", "subject_key")}
    columns |= {"message_id": one.id, "lead": one.lead, "apart_from": one.apart, "component": one.component}
    columns |= {"direction": one.direction.value, "kind": one.kind.value, "evidence": one.evidence.value}
    return SimpleNamespace(**columns, known=json.loads(json.dumps(data)))


@given(known())
def test_what_is_kept_of_a_message_comes_back_as_it_was(one: Known) -> None:
    found = load(row(one, dump(one, AT)))
    assert (found, found.account) == (one, one.account)


def older(one: Known) -> dict[str, Any]:
    """What version 10 of the tables kept of a message: every name, whatever its value."""
    return {
        "account": None,
        "named": one.named,
        "name": one.name,
        "answer_to": sorted(one.answer_to),
        "to": sorted(one.to),
        "participants": sorted(one.participants),
        "answers": one.answers,
        "above": one.above,
        "was_key": one.was_key,
        "sent_at": one.sent_at.isoformat() if one.sent_at else None,
        "thread_index": one.thread_index.hex() if one.thread_index else None,
        "beside": one.beside,
        "open": one.open,
        "sides": sorted(one.sides),
        "in_reply_to": one.in_reply_to,
        "references": one.references,
        "answered": one.answered,
        "told": one.told,
        "provider_threads": sorted(one.provider_threads),
        "sender_lead": one.sender_lead,
    }


@given(known())
def test_what_the_version_before_has_kept_is_read_as_it_was_meant(one: Known) -> None:
    assert load(row(one, older(one))) == one
