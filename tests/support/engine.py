"""The use cases of the engine over one store, each in a transaction of its own: one process at work, without loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from inboxwatch.config import Config
from inboxwatch.connector import Batch, LeadList, MailboxError, Reread, Row
from inboxwatch.core.model import Lead, MailboxId, RawMessage
from inboxwatch.core.sla.policy import SLAPolicy
from inboxwatch.engine import (
    actions,
    erasure,
    ingest,
    kinds,
    lead_feeds,
    leads,
    mailbox_health,
    review,
    second_readings,
)
from inboxwatch.engine.actions import Acting
from inboxwatch.engine.delivery import claim, settle
from inboxwatch.engine.delivery.compose import Composed
from inboxwatch.engine.erasure import Forgetting
from inboxwatch.engine.evaluate import Evaluated, evaluate_due
from inboxwatch.engine.ingest import Arrival, HistoryPlace, Ingested
from inboxwatch.engine.mailbox_health import Unreadable
from inboxwatch.engine.policies import policies_of, prepare
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import Channel, Receipt
from inboxwatch.store import Store, Transaction

P = ParamSpec("P")
R = TypeVar("R")


class Engine:
    """One process on a store. Several on one store are several processes: they share nothing else."""

    def __init__(self, store: Store, config: Config, channels: Mapping[str, Channel] | None = None) -> None:
        self.store = store
        self.reload(config, channels)

    def reload(self, config: Config, channels: Mapping[str, Channel] | None = None) -> None:
        """Takes over a config; without `channels` those of the config are connected."""
        self.config = config
        self.rules = Rules.connect(config) if channels is None else Rules.of(config, channels)
        self.write(prepare, self.rules)

    def write(self, use_case: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.store.transaction() as tx:
            return use_case(tx, *args, **kwargs)

    def read(self, query: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.store.reading() as tx:
            return query(tx, *args, **kwargs)

    def ingest(
        self, mailbox: MailboxId, batch: Batch, expected: str | None, now: datetime, *, quiet: bool = False
    ) -> Ingested:
        return self.write(ingest.ingest, self.rules, batch, expected, Arrival(mailbox, now, quiet))

    def ingest_history(self, mailbox: MailboxId, batch: Batch, expected: str | None, now: datetime) -> Ingested:
        return self.write(ingest.ingest_history, self.rules, mailbox, batch, expected, now)

    def read_again(self, mailbox: MailboxId, raws: Iterable[RawMessage], now: datetime) -> bool:
        """Reads again what is due of a mailbox, which still has `raws`; whether there was any."""
        asked = {one.ref: one for one in self.write(second_readings.due, mailbox, now)}
        found = Reread(tuple({raw.ref: raw for raw in raws if raw.ref in asked}.values()))
        if asked:
            self.write(second_readings.read_again, self.rules, mailbox, tuple(asked.values()), found, now)
        return bool(asked)

    def begin_history(self, mailbox: MailboxId, since: datetime, now: datetime) -> HistoryPlace:
        return self.write(ingest.begin_history, mailbox, since, now)

    def tick(self, now: datetime, **choice: Any) -> Evaluated:
        return self.write(evaluate_due, self.rules, now, **choice)

    def next_wake(self) -> datetime | None:
        return self.read(lambda tx: tx.clocks.next_wake())

    def failed(self, mailbox: MailboxId, error: MailboxError, now: datetime, **when: datetime) -> None:
        unread = Unreadable(error, when.get("since", now), when.get("again", now))
        self.write(mailbox_health.failed, self.rules, mailbox, unread, now)

    def succeeded(self, mailbox: MailboxId, now: datetime) -> None:
        self.write(mailbox_health.succeeded, self.rules, mailbox, now)

    def reads_on(self, mailbox: MailboxId, now: datetime) -> None:
        self.write(mailbox_health.reads_on, self.rules, mailbox, now)

    def first_sight_over(self, mailbox: MailboxId, now: datetime) -> None:
        self.write(mailbox_health.first_sight_over, self.rules, mailbox, now)

    def learn(self, source: str, listed: Sequence[Lead], now: datetime) -> int:
        """Takes over the whole list of a source; returns how many leads changed."""

        def learn(tx: Transaction) -> int:
            found = LeadList(tuple(Row(lead, f"row of {lead.id}") for lead in listed), "listed by a test")
            taken = lead_feeds.take_list(
                tx, self.rules, source, found, lead_feeds.position(tx, self.rules, source), now
            )
            assert taken is not None
            return taken.changed

        return self.write(learn)

    def learn_one(self, lead: Lead, now: datetime) -> None:
        self.write(leads.learn_one, self.rules, lead, now)

    def forget(self, email: str, now: datetime, **choice: bool) -> Forgetting:
        return self.write(erasure.forget, self.rules, email, Acting("max", now), **choice)

    def acknowledge(self, clock: str, by: str, now: datetime, reason: str = "") -> str:
        return self.write(actions.acknowledge, self.rules, clock, Acting(by, now, reason))

    def snooze(self, clock: str, by: str, now: datetime, *, until: datetime, reason: str = "") -> str:
        return self.write(actions.snooze, self.rules, clock, Acting(by, now, reason), until)

    def assign(self, clock: str, by: str, now: datetime, *, owner: str, reason: str = "") -> str:
        return self.write(actions.assign, self.rules, clock, Acting(by, now, reason), owner)

    def dismiss(self, clock: str, by: str, now: datetime, reason: str = "a thank-you note") -> str:
        return self.write(actions.dismiss, self.rules, clock, Acting(by, now, reason))

    def reopen(self, clock: str, by: str, now: datetime, reason: str = "") -> str:
        return self.write(actions.reopen, self.rules, clock, Acting(by, now, reason))

    def log_activity(self, lead: str, by: str, at: datetime, reason: str, now: datetime) -> int:
        return self.write(actions.log_activity, self.rules, lead, Acting(by, at, reason), now)

    def confirm(self, message_id: str, by: str, now: datetime, reason: str = "") -> None:
        self.write(review.confirm, self.rules, message_id, by, now, reason)

    def split(self, message_id: str, by: str, now: datetime, reason: str = "") -> None:
        self.write(review.split, self.rules, message_id, by, now, reason)

    def undo_review(self, message_id: str, by: str, now: datetime, reason: str = "") -> None:
        self.write(review.undo, self.rules, message_id, by, now, reason)

    def say_human(self, message_id: str, by: str, now: datetime, *, sender: bool = False, reason: str = "") -> None:
        self.write(kinds.confirm, self.rules, message_id, Acting(by, now, reason), sender=sender)

    def unsay_human(self, message_id: str, by: str, now: datetime, *, sender: bool = False) -> None:
        self.write(kinds.undo, self.rules, message_id, Acting(by, now), sender=sender)

    def act(self, clock: str, action: str, by: str, now: datetime, **details: Any) -> str:
        """One of the four by its past participle (`acknowledged`), for tests that choose it."""
        names = {"acknowledged": "acknowledge", "snoozed": "snooze", "assigned": "assign", "dismissed": "dismiss"}
        return str(getattr(self, names[action])(clock, by, now, **details))

    @property
    def policies(self) -> dict[str, SLAPolicy]:
        """Every policy that a wait runs under, or could, by version."""
        return self.read(lambda tx: dict(self.rules.policies) | policies_of(tx, self.rules, tx.policies.all()))

    def rehearse(self, use_case: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.store.rehearsal() as tx:
            return use_case(tx, *args, **kwargs)

    def claim(self, channel: str, now: datetime, **more: int) -> list[Any]:
        return self.write(claim.claim, channel, now, **more)

    def mailboxes(self, rows: Sequence[Any]) -> tuple[set[str], set[str]]:
        return self.read(claim.mailboxes, self.rules, rows)

    def render(self, rows: Sequence[Any], now: datetime, unread: bool = False) -> Composed | None:
        return self.write(claim.render, self.rules, rows, now, unread=unread)

    def sent(self, rows: Sequence[Any], receipt: Receipt, now: datetime) -> None:
        self.write(settle.sent, self.rules, rows, receipt, now)

    def delivery_failed(self, rows: Sequence[Any], error: str, now: datetime, **how: Any) -> list[str]:
        return self.write(settle.failed, self.rules, rows, settle.Failure(error, **how), now)

    def resend(self, number: int, now: datetime) -> str:
        return self.write(settle.resend, self.rules, number, now)

    def sweep(self, now: datetime) -> None:
        self.write(settle.sweep, self.rules, now)

    def next_at(self, channel: str) -> datetime | None:
        return self.read(lambda tx: tx.deliveries.next_at(channel))
