"""The first tables"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import UTCDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "absence",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person", "since"),
    )
    op.create_table(
        "act",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("deed", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("clock", sa.String(), nullable=True),
        sa.Column("thread", sa.String(), nullable=True),
        sa.Column("lead", sa.String(), nullable=True),
        sa.Column("until", UTCDateTime(), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("act", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_act_clock"), ["clock"], unique=False)
        batch_op.create_index(batch_op.f("ix_act_lead"), ["lead"], unique=False)
        batch_op.create_index(batch_op.f("ix_act_thread"), ["thread"], unique=False)

    op.create_table(
        "clock",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("lead", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stop_reason", sa.String(), nullable=True),
        sa.Column("stopped_by", sa.Text(), nullable=True),
        sa.Column("stopped_at", UTCDateTime(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("nudges", sa.Integer(), nullable=False),
        sa.Column("reopened", sa.String(), nullable=True),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("mailbox", sa.String(), nullable=True),
        sa.Column("team", sa.String(), nullable=True),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("owned_since", UTCDateTime(), nullable=True),
        sa.Column("wall_seconds", sa.Float(), nullable=True),
        sa.Column("business_seconds", sa.Float(), nullable=True),
        sa.Column("warned_at", UTCDateTime(), nullable=True),
        sa.Column("breached_at", UTCDateTime(), nullable=True),
        sa.Column("acknowledged_until", UTCDateTime(), nullable=True),
        sa.Column("snoozed_until", UTCDateTime(), nullable=True),
        sa.Column("wake_at", UTCDateTime(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("next_step", sa.JSON(), nullable=True),
        sa.Column("first_sight", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("clock", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_clock_lead"), ["lead"], unique=False)
        batch_op.create_index("ix_clock_owner", ["state", "owner"], unique=False)
        batch_op.create_index("ix_clock_stopped", ["stopped_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_clock_thread"), ["thread"], unique=False)
        batch_op.create_index("ix_clock_wake", ["state", "wake_at"], unique=False)

    op.create_table(
        "clock_alias",
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("clock", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("alias"),
    )
    with op.batch_alter_table("clock_alias", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_clock_alias_clock"), ["clock"], unique=False)

    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("clock", sa.String(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("round", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("ways", sa.JSON(), nullable=False),
        sa.Column("way", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("bundle", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("adrift", sa.Boolean(), nullable=False),
        sa.Column("owed_at", UTCDateTime(), nullable=False),
        sa.Column("next_at", UTCDateTime(), nullable=False),
        sa.Column("settled_at", UTCDateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="uq_delivery_key"),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_clock"), ["clock"], unique=False)
        batch_op.create_index("ix_delivery_due", ["state", "next_at"], unique=False)

    op.create_table(
        "first_contact",
        sa.Column("lead", sa.String(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("failed_at", UTCDateTime(), nullable=False),
        sa.Column("resolved_at", UTCDateTime(), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("tier", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("lead", "message_id"),
    )
    op.create_table(
        "ghost",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("ghost", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ghost_thread"), ["thread"], unique=False)

    op.create_table(
        "lead",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "mailbox",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("seen_until", UTCDateTime(), nullable=True),
        sa.Column("last_success", UTCDateTime(), nullable=True),
        sa.Column("first_sight_done", sa.Boolean(), nullable=False),
        sa.Column("failing_since", UTCDateTime(), nullable=True),
        sa.Column("error_reason", sa.String(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("blind_told", sa.Boolean(), nullable=False),
        sa.Column("coverage", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "message",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("signal", sa.Text(), nullable=True),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("lead", sa.String(), nullable=True),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("named_key", sa.String(length=32), nullable=True),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("side", sa.Text(), nullable=True),
        sa.Column("recipients", sa.JSON(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("mailbox", sa.String(), nullable=True),
        sa.Column("owes_reply", sa.Boolean(), nullable=True),
        sa.Column("effect", sa.String(), nullable=True),
        sa.Column("delivery", sa.JSON(), nullable=True),
        sa.Column("away_until", UTCDateTime(), nullable=True),
        sa.Column("time_from", sa.String(), nullable=True),
        sa.Column("subject_key", sa.Text(), nullable=True),
        sa.Column("provider_thread", sa.Text(), nullable=True),
        sa.Column("index_root", sa.Text(), nullable=True),
        sa.Column("known", sa.JSON(), nullable=True),
        sa.Column("apart_from", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_message_apart_from"), ["apart_from"], unique=False)
        batch_op.create_index("ix_message_index_root", ["index_root"], unique=False)
        batch_op.create_index(batch_op.f("ix_message_lead"), ["lead"], unique=False)
        batch_op.create_index(batch_op.f("ix_message_named_key"), ["named_key"], unique=False)
        batch_op.create_index("ix_message_provider", ["provider_thread"], unique=False)
        batch_op.create_index("ix_message_subject", ["subject_key", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_message_thread"), ["thread"], unique=False)

    op.create_table(
        "meta",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "outage",
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("since", UTCDateTime(timezone=True), nullable=False),
        sa.Column("until", UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("mailbox", "since"),
    )
    op.create_table(
        "policy",
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "quarantine",
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox", "ref"),
    )
    op.create_table(
        "sighting",
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox", "key"),
    )
    with op.batch_alter_table("sighting", schema=None) as batch_op:
        batch_op.create_index("ix_sighting_key", ["key"], unique=False)

    op.create_table(
        "told",
        sa.Column("clock", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("clock", "step", "round", "target"),
    )


def downgrade() -> None:
    op.drop_table("told")
    with op.batch_alter_table("sighting", schema=None) as batch_op:
        batch_op.drop_index("ix_sighting_key")

    op.drop_table("sighting")
    op.drop_table("quarantine")
    op.drop_table("policy")
    op.drop_table("meta")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_thread"))
        batch_op.drop_index("ix_message_subject")
        batch_op.drop_index("ix_message_provider")
        batch_op.drop_index(batch_op.f("ix_message_lead"))
        batch_op.drop_index("ix_message_index_root")

    op.drop_table("message")
    op.drop_table("mailbox")
    op.drop_table("lead")
    with op.batch_alter_table("ghost", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ghost_thread"))

    op.drop_table("ghost")
    op.drop_table("first_contact")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_due")
        batch_op.drop_index(batch_op.f("ix_delivery_clock"))

    op.drop_table("delivery")
    with op.batch_alter_table("clock_alias", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_clock_alias_clock"))

    op.drop_table("clock_alias")
    with op.batch_alter_table("clock", schema=None) as batch_op:
        batch_op.drop_index("ix_clock_wake")
        batch_op.drop_index(batch_op.f("ix_clock_thread"))
        batch_op.drop_index("ix_clock_stopped")
        batch_op.drop_index("ix_clock_owner")
        batch_op.drop_index(batch_op.f("ix_clock_lead"))

    op.drop_table("clock")
    with op.batch_alter_table("act", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_act_thread"))
        batch_op.drop_index(batch_op.f("ix_act_lead"))
        batch_op.drop_index(batch_op.f("ix_act_clock"))

    op.drop_table("act")
    op.drop_table("absence")
