"""Takes over what sources of leads give, lists and feeds by the same door: one transaction a batch."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

from inboxwatch import __version__
from inboxwatch.connector import Cursor, LeadList, MailboxError, Row
from inboxwatch.core.lead_view import GivenLead, RowId
from inboxwatch.core.leads import plain_address
from inboxwatch.core.mail.strangers import clue_of_address
from inboxwatch.core.model import Lead, PersonId
from inboxwatch.engine.alarms import Condition, watch
from inboxwatch.engine.forgotten import without_forgotten
from inboxwatch.engine.lead_activities import act_on_activities, take_activities
from inboxwatch.engine.lead_outcomes import take_listed, take_outcomes
from inboxwatch.engine.lead_owners import owner_of
from inboxwatch.engine.lead_view import drop_rows, give, look_again, order_of
from inboxwatch.engine.rules import Rules
from inboxwatch.lead_feed import LeadBatch
from inboxwatch.notify import lead_messages
from inboxwatch.store import Transaction
from inboxwatch.store.lead_rows import StoredRow, digest_of
from inboxwatch.store.lead_sources import SourceState
from inboxwatch.store.marks import LeadOrderMark

if TYPE_CHECKING:
    from inboxwatch.config import Config

CHUNK = 1000
"""Rows that are compared with the store at a time."""
MOST_REFUSED = 1000
"""So many records that cannot be used are kept by place and reason."""
PATIENCE = timedelta(minutes=15)
"""How long a source may be unreadable before IT is told; longer where it is read seldom."""
MOST_FORMER = 10
"""So many former addresses of a record are kept, the newest."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking over a batch did."""

    changed: int = 0
    """Leads that are new, changed or gone."""
    refused: Sequence[tuple[str, str]] = ()
    """(place, reason) of records that cannot be used, by themselves or with this config."""


@dataclass(frozen=True, slots=True)
class Usable:
    """What of some rows can be used with a config."""

    rows: Sequence[StoredRow]
    refused: Sequence[tuple[str, str]]
    unusable: Sequence[str]
    """The keys of those that are refused here."""


def stamp_of(config: Config, source: str) -> str:
    """By what a source is read: a position is worth nothing to another program, or with other settings."""
    settings = dict(config.outline.get("leads", {}).get(source, {}))
    settings.pop("every", None)
    told = json.dumps(settings, sort_keys=True)
    return f"{__version__} {blake2b(told.encode(), digest_size=8).hexdigest()}"


def position(tx: Transaction, rules: Rules, source: str) -> Cursor | None:
    """Where to go on reading a source; None: from the beginning."""
    found = tx.lead_sources.get(source).position(stamp_of(rules.config, source))
    return None if found is None else Cursor(found)


def usable(config: Config, source: str, rows: Iterable[Row]) -> Usable:
    """Sorts rows by what the config knows. We are no buyers of ours: a row with our own address is refused."""
    fit, refused, unusable = list[StoredRow](), list[tuple[str, str]](), list[str]()
    for row in rows:
        key = row.key or row.lead.id
        if config.us.is_ours(row.lead.id):
            refused.append((row.place, f"{row.lead.id} is one of our own addresses, and no buyer's"))
            unusable.append(key)
            continue
        told = row.owner or row.lead.owner or ""
        owner = owner_of(config, told) if told else None
        lead = row.lead
        if (lead.owner, lead.source, lead.provisional) != (owner, source, False):
            lead = replace(lead, owner=owner, source=source, provisional=False)
        given = GivenLead(RowId(source, key), lead)
        fit.append(StoredRow(given, told, alone=True, digest=digest_of(lead, told)))
    return Usable(fit, refused, unusable)


def take_list(
    tx: Transaction, rules: Rules, source: str, found: LeadList, expected: Cursor | None, now: datetime
) -> Taken | None:
    """Takes over a whole list, as a feed's batch that is a whole pass by itself."""
    batch = LeadBatch(Cursor(found.version), rows=found.rows, begins=True, whole=True, refused=found.refused)
    return take_batch(tx, rules, source, batch, expected, now)


def take_batch(  # six parameters: a batch of a source, and the position that it was read from
    tx: Transaction, rules: Rules, source: str, batch: LeadBatch, expected: Cursor | None, now: datetime
) -> Taken | None:
    """Takes over a batch that was read from the position `expected`, with the cursor that follows it.

    None: another worker has moved the position, nothing is taken over, and reading goes on from the stored one.
    """
    if not tx.lead_sources.move(source, expected, batch.cursor, stamp_of(rules.config, source)):
        return None
    state = tx.lead_sources.get(source)
    number, passing = state.whole_pass + batch.begins, state.passing or batch.begins
    alone = batch.begins and batch.whole
    found = usable(rules.config, source, batch.rows)
    gone = {*batch.gone, *found.unusable}
    rows = [row for row in found.rows if row.id.key not in gone] if gone else found.rows
    changed = put_rows(tx, rules, source, rows, now, seen=number)
    if passing and not alone:
        tx.lead_rows.see(source, [*(row.id.key for row in rows), *batch.present], number)
    changed += _merge(tx, rules, source, batch, now)
    going = _but_merging(tx, source, gone)
    if batch.whole and passing:
        if alone:
            there = {*(row.id.key for row in rows), *batch.present}
            going += [key for key in tx.lead_rows.keys(source) if key not in there]
        else:
            going += tx.lead_rows.not_seen(source, number)
    for start in range(0, len(going), CHUNK):
        changed += drop_rows(tx, rules, source, going[start : start + CHUNK], now)
    changed += take_outcomes(tx, rules, source, batch, now)
    take_activities(tx, rules, source, batch.activities, now)
    refused = [*batch.refused, *found.refused]
    _note(tx, state, batch, refused, changed=bool(changed or refused))
    tx.lead_sources.set(source, whole_pass=number, passing=passing and not batch.whole)
    return Taken(changed, refused)


def put_rows(  # seven parameters: rows of a source; the whole pass that sees them, or that a person brings them
    tx: Transaction,
    rules: Rules,
    source: str,
    rows: Sequence[StoredRow],
    now: datetime,
    *,
    seen: int = 0,
    bidden: bool = False,
) -> int:
    """Adds rows of a source, or replaces them where they differ. Returns how many leads changed.

    Who was forgotten is not taken from a source before mail or a colleague (`bidden`) brings them anew.
    """
    changed = 0
    for start in range(0, len(rows), CHUNK):
        part = {row.id.key: row for row in rows[start : start + CHUNK]}
        digests = tx.lead_rows.digests(source, part)
        fresh = [row for key, row in part.items() if key not in digests]
        fresh = fresh if bidden else welcome(tx, fresh)
        fresh = [replace(row, seen=seen) if seen else row for row in fresh]
        doubtful = [key for key, digest in digests.items() if digest is None or digest != part[key].digest]
        known = tx.lead_rows.of_keys(source, doubtful)
        other = [_following(before, part[key], seen) for key, before in known.items() if _differs(before, part[key])]
        if fresh or other:
            before_these = [known[row.id.key] for row in other]
            changed += give(tx, rules, [*fresh, *other], now, before=before_these)
            was = [(row, None) for row in fresh] + [(row, known[row.id.key]) for row in other]
            changed += take_listed(tx, rules, source, was, now)
        _recall(tx, fresh, [(known[row.id.key], row) for row in other], now)
        if fresh:
            changed += _merge_waiting(tx, rules, source, [row.id.key for row in fresh], now)
    return changed


def _recall(
    tx: Transaction, fresh: Iterable[StoredRow], changed: Iterable[tuple[StoredRow, StoredRow]], now: datetime
) -> None:
    """Has mail of who was nobody when it was read read again, by the addresses that a source names first now.

    A person may write before the source names them: a form makes a contact that is told minutes later. As at the first
    sight of a mailbox, what is overdue by now is shown and told in one digest, and pages nobody.
    """
    emails = {email for row in fresh for email in row.given.addresses}
    emails |= {email for old, row in changed for email in {*row.given.addresses} - {*old.given.addresses}}
    if emails:
        tx.strangers.recall_quietly([clue_of_address(plain_address(email)) for email in sorted(emails)], now)


def looked(tx: Transaction, rules: Rules, source: str, now: datetime, *, changed: bool = True) -> int:
    """Notes that a source was read to its end, and does what had to wait for its time or its record. Returns how many
    notices are new.
    """
    act_on_activities(tx, rules, source, now)
    if changed:
        count_owners(tx, rules, source)
    tx.lead_sources.set(source, last_success=now, failing_since=None, error_reason=None, error=None)
    return watch(tx, rules, [_unread(source, None, rules)], now)


def look_failed(  # six parameters: why a source could not be read, and when that is too long
    tx: Transaction, rules: Rules, source: str, error: MailboxError, every: timedelta, now: datetime
) -> int:
    """Notes that a source could not be read; its leads stay. IT is told once it has been so for a while. Returns how
    many notices are new.
    """
    since = tx.lead_sources.get(source).failing_since or now
    tx.lead_sources.set(source, failing_since=since, error_reason=error.reason.value, error=str(error))
    patience = timedelta(0) if error.permanent else max(3 * every, PATIENCE)
    return watch(tx, rules, [_unread(source, error, rules)], now) if now - since >= patience else 0


def _unread(source: str, error: MailboxError | None, rules: Rules) -> Condition:
    told = {"reason": error.reason.value, "error": str(error), "hint": error.hint} if error else {}
    return Condition(
        f"leads-unread/{source}",
        error is not None,
        lead_messages.unread(source=source, **told, words=rules.words) if error else "",
        lead_messages.read_again(source=source, words=rules.words),
    )


def settle_sources(tx: Transaction, rules: Rules, now: datetime) -> int:
    """Brings the leads in line with the config in force: sources that it does not name any more lose their rows, leads
    that several know are made anew where the order changed, owners are mapped again. Returns how many leads changed.
    """
    order, changed = order_of(rules.config), 0
    stored = tx.lead_rows.sources()
    for source in [one for one in stored if one not in order]:
        keys = sorted(tx.lead_rows.keys(source))
        for start in range(0, len(keys), CHUNK):
            changed += drop_rows(tx, rules, source, keys[start : start + CHUNK], now)
        tx.logged_activities.drop([source])
    tx.lead_sources.drop([one.name for one in tx.lead_sources.all() if one.name not in order])
    for source in [one for one in stored if one in order]:
        changed += _map_owners(tx, rules, source, now)
    if tx.marks.get(LeadOrderMark()) != (told := json.dumps(order)):
        tx.marks.set(LeadOrderMark(), told)
        for page in tx.lead_rows.shared():
            changed += look_again(tx, rules, page, now)
    return changed


def _map_owners(tx: Transaction, rules: Rules, source: str, now: datetime) -> int:
    """Maps the owners that a source names again; few of them have another person now."""
    named = tx.lead_rows.owners(source)
    before: dict[str, str | None] = dict(tx.lead_sources.get(source).owners)
    people = {told: owner_of(rules.config, told) for told in named}
    other = [told for told, person in people.items() if told not in before or before[told] != person]
    changed = 0
    if other:
        keys = tx.lead_rows.of_owners(source, other)
        for start in range(0, len(keys), CHUNK):
            rows = tx.lead_rows.of_keys(source, keys[start : start + CHUNK]).values()
            mapped = [_owned(row, people[row.owner]) for row in rows if row.given.lead.owner != people[row.owner]]
            changed += give(tx, rules, mapped, now) if mapped else 0
    if people != before:
        count_owners(tx, rules, source)
    return changed


def _owned(row: StoredRow, owner: PersonId | None) -> StoredRow:
    lead = replace(row.given.lead, owner=owner)
    return replace(row, given=replace(row.given, lead=lead), digest=None)


def count_owners(tx: Transaction, rules: Rules, source: str) -> None:
    """Notes whom a source names as owners, and who of them is nobody of ours."""
    named = tx.lead_rows.owners(source)
    people = {told: owner_of(rules.config, told) for told in named}
    unowned = {told: count for told, count in named.items() if people[told] is None}
    tx.lead_sources.set(source, owners=people, unowned=unowned, leads=tx.lead_rows.count(source))


def _differs(before: StoredRow, row: StoredRow) -> bool:
    return (before.given.lead, before.owner, before.digest) != (row.given.lead, row.owner, row.digest)


def _following(before: StoredRow, row: StoredRow, seen: int) -> StoredRow:
    """A row that takes the place of one: an address that the record had is its former one now."""
    own, given = row.given.lead.id, before.given
    former = dict.fromkeys(given.former)
    if given.lead.id != own:
        former = dict.fromkeys((given.lead.id, *former))
    kept = tuple(email for email in former if email != own)[:MOST_FORMER]
    return replace(row, given=replace(row.given, former=kept), seen=max(seen, before.seen), alone=before.alone)


def welcome(tx: Transaction, rows: Sequence[StoredRow]) -> list[StoredRow]:
    """New rows but those of who was forgotten, unless they are known again."""
    if not tx.forgotten.any():
        return list(rows)
    known = tx.leads.get_many([row.given.lead.id for row in rows])
    asked: list[Lead] = [row.given.lead for row in rows if row.given.lead.id not in known]
    welcome = {lead.id for lead in without_forgotten(tx, asked)} | known.keys()
    return [row for row in rows if row.given.lead.id in welcome]


def _merge(tx: Transaction, rules: Rules, source: str, batch: LeadBatch, now: datetime) -> int:
    """Lets records go on in others, at once where both are known, else as soon as they are."""
    changed = 0
    for key, into in batch.merged:
        if key != into:
            tx.outcomes.follow(source, key, into)
            tx.logged_activities.follow(source, key, into)
            changed += _merge_one(tx, rules, source, key, into, now)
    return changed


def _merge_one(  # six parameters: two records of a source
    tx: Transaction, rules: Rules, source: str, key: str, into: str, now: datetime
) -> int:
    known = tx.lead_rows.of_keys(source, [key, into])
    if key not in known:
        return 0
    if into not in known:
        tx.lead_rows.merge_later(source, key, into)
        return 0
    merged, on = known[key], known[into]
    own = on.given.lead.id
    former = dict.fromkeys((*on.given.former, *merged.given.addresses))
    kept = tuple(email for email in former if email != own and email not in on.given.lead.aliases)
    row = replace(on, given=replace(on.given, former=kept[-MOST_FORMER:]))
    tx.lead_rows.drop(source, [key])
    return give(tx, rules, [row], now, before=[merged, on])


def _merge_waiting(tx: Transaction, rules: Rules, source: str, keys: Collection[str], now: datetime) -> int:
    """Merges the records that waited for some that are known now."""
    waiting = tx.lead_rows.merging_into(source, keys)
    return sum(_merge_one(tx, rules, source, one.id.key, one.merged_into or "", now) for one in waiting)


def _but_merging(tx: Transaction, source: str, keys: Collection[str]) -> list[str]:
    """Those of the keys that wait for no other record to go on in."""
    waiting = [key for key, row in tx.lead_rows.of_keys(source, keys).items() if row.merged_into is not None]
    return sorted(set(keys).difference(waiting))


def _note(
    tx: Transaction, state: SourceState, batch: LeadBatch, refused: Sequence[tuple[str, str]], *, changed: bool
) -> None:
    """Keeps what operators ask for: what cannot be used, and what the source tells of itself."""
    before = {} if batch.begins else dict(state.refused)
    fit = {row.place for row in batch.rows}
    kept = {place: why for place, why in before.items() if place not in fit} | dict(refused)
    kept = dict(list(kept.items())[:MOST_REFUSED])
    values: dict[str, object] = {}
    if kept != state.refused:
        values["refused"] = kept
    if batch.facts and tuple(batch.facts) != state.facts:
        values["facts"] = [list(fact) for fact in batch.facts]
    if values:
        tx.lead_sources.set(state.name, **values)
