"""The tables. Times are UTC and refuse to be naive; Message-IDs are looked up by a keyed hash."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from inboxwatch.store.column_types import Millis, Numbered, Ordered, UTCDateTime, Words

metadata = MetaData()


def made(name: str, *parts: Any, **options: Any) -> Table:
    return Table(name, metadata, *parts, **options)


def filled(name: str, *columns: str, unique: bool = False) -> Index:
    """An index of the rows that have its first column: most mail is nobody's, and costs no entry."""
    where = text(f"{columns[0]} IS NOT NULL")
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


NOT_HUMAN = "thread IS NOT NULL AND direction = 'inbound' AND kind <> 'human'"
"""Mail of leads that was not taken for a person."""

WEAK = "thread IS NOT NULL AND confidence < 0.8"
"""Mail that a guess has placed (`core.mail.threads.SURE_ENOUGH`)."""

meta = made("meta", Column("key", String, primary_key=True), Column("value", Text, nullable=False))

mailbox = made(
    "mailbox",
    Column("id", String, primary_key=True),
    Column("cursor", Text),
    Column("seen_until", UTCDateTime),
    Column("last_success", UTCDateTime),
    Column("first_sight_done", Boolean, nullable=False, default=False),
    Column("failing_since", UTCDateTime),
    Column("error_reason", String),
    Column("error", Words),
    Column("blind_told", Boolean, nullable=False, default=False),
    Column("coverage", Float),
    Column("recovered", Integer, nullable=False, server_default="0"),
    Column("remarks", Words),
)

backfill = made(
    "backfill",
    Column("mailbox", String, primary_key=True),
    Column("since", UTCDateTime, nullable=False),
    Column("cursor", Text),
    Column("read", Integer, nullable=False),
    Column("remaining", Integer),
    Column("at", UTCDateTime, nullable=False),
    Column("finished_at", UTCDateTime),
)

message = made(
    "message",
    Column("key", String(32), primary_key=True),
    Column("at", UTCDateTime, nullable=False),
    Column("direction", String, nullable=False),
    Column("kind", String, nullable=False),
    # Everything below but `evidence` is empty for mail whose lead was forgotten.
    Column("thread", String),
    Column("message_id", Words),
    Column("signal", Words),
    Column("evidence", String),
    Column("confidence", Float),
    Column("lead", Words),
    Column("parent", Words),
    Column("named_key", String(32)),
    Column("sender", Words),
    Column("side", Words),
    Column("recipients", JSON),
    Column("subject", Words),
    Column("author", Words),
    Column("mailbox", String),
    Column("owes_reply", Boolean),
    Column("effect", String),
    Column("delivery", JSON(none_as_null=True)),
    Column("away_until", UTCDateTime),
    Column("time_from", String),
    # What later messages are matched by.
    Column("subject_key", Words),
    Column("index_root", Text),
    Column("known", JSON),
    Column("apart_from", String),
    Column("meeting", String(32)),
    # What its kind was decided by, and will be again; empty where a person wrote and nothing else can be.
    Column("grounds", JSON(none_as_null=True)),
    Column("sender_key", String(32)),
    Column("own_address", Boolean),
    # Null: the same as the thread.
    Column("component", String),
    Column("series", Words),
    # What its words tell of an inquiry, and what that was as it came (`core.qualification`).
    Column("class_rule", Words),
    Column("intents", JSON(none_as_null=True)),
    *(Column(name, Words) for name in ("first_class", "first_class_by", "held_back")),
    filled("ix_message_series", "series"),
    filled("ix_message_thread", "thread"),
    filled("ix_message_lead", "lead"),
    filled("ix_message_named_key", "named_key"),
    filled("ix_message_apart_from", "apart_from"),
    filled("ix_message_subject", "subject_key", "at"),
    filled("ix_message_index_root", "index_root"),
    filled("ix_message_meeting", "meeting"),
    filled("ix_message_sender_key", "sender_key"),
    Index("ix_message_weak", "at", "key", sqlite_where=text(WEAK), postgresql_where=text(WEAK)),
    Index("ix_message_not_human", "at", "key", sqlite_where=text(NOT_HUMAN), postgresql_where=text(NOT_HUMAN)),
)

written_to = made(
    "written_to",
    Column("key", String(32), primary_key=True),
    Column("at", UTCDateTime, nullable=False),
    sqlite_with_rowid=False,
)
"""When we first wrote to an address, by its keyed hash."""

forgotten = made(
    "forgotten",
    Column("key", String(32), primary_key=True),
    Column("at", UTCDateTime, nullable=False),
    Column("until", UTCDateTime, nullable=False),
)
"""Who was erased, by a keyed hash of the address; mail from before `at` that was read, or from before `until`, is
nobody's."""

kind_fact = made(
    "kind_fact",
    Column("key", String(32), primary_key=True),
    Column("sender", Boolean, nullable=False),
    Column("name", Words, nullable=False),
    Column("by", String, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("reason", Words, nullable=False, default="", server_default=""),
    Column("of", Words, nullable=False, default="", server_default=""),
)
"""What people said: somebody wrote this message, or whatever this sender writes."""

ghost = made(
    "ghost",
    Column("key", String(32), primary_key=True),
    Column("thread", String, nullable=False, index=True),
    Column("message_id", Words, nullable=False),
    Column("component", String, index=True),
    Column("read", Boolean, nullable=False, server_default=false()),
)
"""Ids that are named but not read, and (`read`) those of mail that is no lead's in a thread of leads. `component`: the
messages that headers join with it; null, as in `message`: the same as the thread."""

sighting = made(
    "sighting",
    Column("key", String(32), primary_key=True),
    Column("mailbox", String, primary_key=True),
    Column("ref", Words, nullable=False),
    Column("role", String, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("conversation", Words),
    Column("web_link", Words),
    filled("ix_sighting_conversation", "conversation"),
    sqlite_with_rowid=False,
)
"""`conversation`: to which the provider counts it, within this mailbox (`mailbox id`). `web_link`: the
provider's address of it."""

unfiled = made(
    "unfiled",
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("mailbox", String, primary_key=True),
    Column("ref", Words, nullable=False),
    Column("role", Numbered("inbox", "sent", "other"), nullable=False),
    Column("at", Millis, nullable=False),
    Column("direction", Numbered("inbound", "outbound", "internal"), nullable=False),
    Column("kind", Numbered("human", "auto_reply", "bounce", "receipt", "calendar", "bulk"), nullable=False),
    Column("conversation", Words),
    Column("read_at", Millis),
    Column("quiet", Boolean),
    Column("late", Boolean),
    sqlite_with_rowid=False,
)
"""Mail that concerns no lead, as a mailbox has it, by the beginning of its keyed hash (`message.key`): most mail is
such, so all is short. The last three tell of what may turn out to concern one when it was read, and how."""

clue = made(
    "clue",
    Column("clue", BigInteger, primary_key=True),
    Column("key", BigInteger, primary_key=True),
    Column("day", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""What leads to mail of nobody's: the beginnings of keyed hashes, of an id or address and of the message
(`message.key`), and the day that was read (`date.toordinal`). A message has several: they are short."""

recall = made(
    "recall",
    Column("mailbox", String, primary_key=True),
    Column("ref", Words, primary_key=True),
    Column("at", UTCDateTime, nullable=False),
    Column("quiet", Boolean, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("again_at", UTCDateTime),
)
"""Such mail that turned out to concern a lead: to be read again. `at`: when it was read first, perhaps quietly."""

proof = made(
    "proof",
    Column("key", String(32), primary_key=True),
    Column("mailbox", String, primary_key=True),
    Column("role", String, primary_key=True),
    Column("standing", String, nullable=False),
    Column("why", Words, nullable=False),
    Column("held_since", UTCDateTime),
    Column("empty", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
"""What a copy proves about the sender of its message, of messages for which that matters (`core.proof`)."""

quarantine = made(
    "quarantine",
    Column("mailbox", String, primary_key=True),
    Column("ref", Words, primary_key=True),
    Column("reason", Words, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("quiet", Boolean, nullable=False, server_default=false()),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("again_at", UTCDateTime),
)

lead = made(
    "lead",
    Column("id", Words, primary_key=True),
    Column("source", String, nullable=False),
    Column("owner", String),
    Column("status", String, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("data", JSON, nullable=False),
    Column("updated_at", UTCDateTime, nullable=False),
    Column("search", Words, nullable=False, server_default=""),
    Index("ix_lead_source", "source", "id"),
)

lead_address = made(
    "lead_address",
    Column("key", Ordered, primary_key=True),
    Column("lead", Ordered, primary_key=True, index=True),
    sqlite_with_rowid=False,
)
"""Every key under which a lead is found by address (`core.leads.claimed_addresses`)."""

lead_domain = made(
    "lead_domain",
    Column("key", Ordered, primary_key=True),
    Column("lead", Ordered, primary_key=True, index=True),
    sqlite_with_rowid=False,
)
"""Every domain that a lead stands for (`core.leads.claimed_domains`), those of free-mail providers too."""

act = made(
    "act",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", UTCDateTime, nullable=False),
    Column("deed", String, nullable=False),
    Column("by", String, nullable=False),
    Column("clock", String, index=True),
    Column("thread", String, index=True),
    Column("lead", Words, index=True),
    Column("until", UTCDateTime),
    Column("owner", String),
    Column("reason", Words, nullable=False, default=""),
    Column("rule", Words, nullable=False, default=""),
    Column("seen", JSON(none_as_null=True)),
    Column("team", String),
    Column("stood", JSON(none_as_null=True)),
    Column("source", String),
    Column("ref", Words),
    Column("told_at", UTCDateTime),
    *(Column(name, Words) for name in ("inquiry_class", "tier", "version")),
    Column("score", Float),
    Column("lines", JSON(none_as_null=True)),
    Column("messages", Integer),
    filled("ix_act_team", "team"),
    filled("ix_act_told", "source", "ref", unique=True),
    Index("ix_act_at", "at"),
)
"""`source`, `ref` and `told_at`: which other system told of it, by what id and time of its own; told again, it is the
same (`store.clocks.Telling`). The last six say what a wait was found to be about and worth (`ActionKind.QUALIFIED`)."""

policy = made(
    "policy",
    Column("version", String, primary_key=True),
    Column("document", Text, nullable=False),
)

clock = made(
    "clock",
    Column("id", String, primary_key=True),
    Column("thread", String, nullable=False, index=True),
    Column("lead", Words, nullable=False, index=True),
    Column("metric", String, nullable=False),
    Column("started_by", Words, nullable=False),
    Column("started_at", UTCDateTime, nullable=False),
    Column("due_at", UTCDateTime, nullable=False),
    Column("state", String, nullable=False),
    Column("stop_reason", String),
    Column("stopped_by", Words),
    Column("stopped_at", UTCDateTime),
    Column("answered_by", Words),
    Column("nudges", Integer, nullable=False, default=0),
    Column("reopened", String),
    Column("aliases", JSON, nullable=False),
    Column("policy", String, nullable=False),
    Column("policy_version", String, nullable=False),
    Column("mailbox", String),
    Column("team", String),
    Column("tier", String, nullable=False, default=""),
    Column("owner", String),
    Column("owned_since", UTCDateTime),
    Column("wall_seconds", Float),
    Column("business_seconds", Float),
    Column("warned_at", UTCDateTime),
    Column("breached_at", UTCDateTime),
    Column("acknowledged_until", UTCDateTime),
    Column("snoozed_until", UTCDateTime),
    Column("wake_at", UTCDateTime),
    Column("held", Boolean, nullable=False, default=False),
    Column("next_step", JSON),
    Column("first_sight", Boolean, nullable=False, default=False),
    Column("flags", JSON),
    *(Column(name, Words, nullable=False, server_default="") for name in ("inquiry_class", "class_by")),
    Column("score", Float),
    Column("score_lines", JSON(none_as_null=True)),
    *(Column(name, Words, nullable=False, server_default="") for name in ("qualification", "breach_class")),
    Column("contradicted", Boolean, nullable=False, server_default=false()),
    Column("era", Integer, nullable=False, server_default="0"),
    Column("stop_class", Words, nullable=False, server_default=""),
    Column("breach_tier", Words),
    Column("terms", JSON(none_as_null=True)),
    Index("ix_clock_wake", "state", "wake_at"),
    Index("ix_clock_owner", "state", "owner", "metric"),
    Index("ix_clock_stopped", "stopped_at"),
    Index("ix_clock_started", "started_at"),
    filled("ix_clock_breached", "breached_at"),
)

clock_alias = made(
    "clock_alias",
    Column("alias", String, primary_key=True),
    Column("clock", String, nullable=False, index=True),
)

told = made(
    "told",
    Column("clock", String, primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("target", String, primary_key=True),
    Column("at", UTCDateTime, nullable=False),
    Column("reason", String, nullable=False),
    Column("policy", String, nullable=False),
    Column("era", Integer, primary_key=True, autoincrement=False, server_default="0"),
    Column("inquiry_class", Words, nullable=False, server_default=""),
    Index("ix_told_at", "at"),
)
"""`era`: which ladder of the wait a step belongs to, for one may begin anew (`core.sla.terms.Term`). `inquiry_class`:
what the wait was about when the step was told."""

delivery = made(
    "delivery",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String, nullable=False),
    Column("type", String, nullable=False),
    Column("clock", String, index=True),
    Column("step", Integer),
    Column("round", Integer),
    Column("reason", String),
    Column("target", String, nullable=False),
    Column("person", String),
    Column("ways", JSON, nullable=False),
    Column("way", Integer, nullable=False, default=0),
    Column("channel", String, nullable=False),
    Column("destination", String, nullable=False),
    Column("bundle", String),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("retries", Integer, nullable=False, default=0),
    # An attempt has begun whose outcome is not recorded: the message may have arrived.
    Column("adrift", Boolean, nullable=False, default=False),
    Column("owed_at", UTCDateTime, nullable=False),
    Column("next_at", UTCDateTime, nullable=False),
    Column("settled_at", UTCDateTime),
    Column("error", Words),
    Column("reference", Words),
    Column("body", JSON),
    Column("era", Integer, nullable=False, default=0, server_default="0"),
    Column("claimed_by", Integer),
    UniqueConstraint("key", name="uq_delivery_key"),
    Index("ix_delivery_due", "state", "next_at"),
)
"""The outbox. `bundle` names the message in which several rows due together leave; it is kept over retries."""

absence = made(
    "absence",
    Column("person", String, primary_key=True),
    Column("since", UTCDateTime, primary_key=True),
    Column("until", UTCDateTime, nullable=False),
    Column("message_id", Words, nullable=False),
)
"""Absence seen in mail: the person's own mailbox answered with a vacation reply."""

outage = made(
    "outage",
    Column("mailbox", String, primary_key=True),
    Column("since", UTCDateTime, primary_key=True),
    Column("until", UTCDateTime),
)
"""Stretches in which a mailbox was unread: what statistics cannot vouch for."""

first_contact = made(
    "first_contact",
    Column("lead", Words, primary_key=True),
    Column("message_id", Words, primary_key=True),
    Column("failed_at", UTCDateTime, nullable=False),
    Column("resolved_at", UTCDateTime),
    Column("owner", String),
    Column("tier", String, nullable=False, default=""),
)
