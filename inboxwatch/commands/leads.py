"""The known buyers of a config, read from their sources for commands that run without the daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.ownership_proof import some
from inboxwatch.commands.store_look import UNREADABLE, look
from inboxwatch.commands.terminal import fail, printable, result, result_json, table
from inboxwatch.connector import LeadList
from inboxwatch.core.lead_view import views
from inboxwatch.core.model import Lead
from inboxwatch.engine.lead_feeds import usable, welcome
from inboxwatch.engine.lead_view import order_of, status_of_outcomes
from inboxwatch.engine.views import found_view, lead_view
from inboxwatch.hidden import hidden
from inboxwatch.lead_feed import LeadFeed
from inboxwatch.notify import lead_messages
from inboxwatch.now import now
from inboxwatch.store import Store, StoreError, Transaction
from inboxwatch.store.lead_rows import StoredRow
from inboxwatch.store.lead_sources import SourceState

if TYPE_CHECKING:
    from inboxwatch.config import Config

COLUMNS = ("email", "name", "company", "owner", "tier", "status", "source")
SOURCE_COLUMNS = ("source", "leads", "last_success", "refused", "unowned", "unowned_owners", "error")


async def read_sources(config: Config) -> dict[str, LeadList]:
    """Every configured list, by source; what feeds give is in the store alone. Raises what a source raises."""
    lists: dict[str, LeadList] = {}
    for name, one in config.leads.items():
        source = one.connect()
        try:
            found = None if isinstance(source, LeadFeed) else await source.read(None)
        finally:
            await source.aclose()
        if found is not None:
            lists[name] = found
    return lists


def listed_leads(config: Config) -> list[Lead]:
    """The leads that the lists of a config make together, as the daemon has them: an address belongs to the first
    source that lists it. Raises what a source raises.
    """
    lists = asyncio.run(read_sources(config))
    rows = [row.given for name, found in lists.items() for row in usable(config, name, found.rows).rows]
    return [one.lead for one in views(rows, order_of(config))]


def list_leads(config: Config, *, as_json: bool) -> ExitCode:
    """`leads list`: the lists as they are now, and what only the store knows; returns the exit code."""
    try:
        lists = asyncio.run(read_sources(config))
        listed = [row for name, found in lists.items() for row in usable(config, name, found.rows).rows]
        store = Store(config.store_url.reveal())
        try:
            with store.reading() as tx:
                leads = _all(tx, config, listed, lists)
                states = {one.name: one for one in tx.lead_sources.all()}
        finally:
            store.close()
    except (OSError, ValueError, StoreError) as error:
        return fail(str(error))
    if as_json:
        result_json([lead_view(lead) for lead in leads])
        return ExitCode.OK
    table([lead_view(lead) for lead in leads], COLUMNS)
    if config.leads:
        result("")
        table([source_view(states.get(name) or SourceState(name)) for name in config.leads], SOURCE_COLUMNS)
    return ExitCode.OK


def _all(tx: Transaction, config: Config, listed: Sequence[StoredRow], lists: Collection[str]) -> list[Lead]:
    """Every lead, sorted by address: lists as they are now, without forgotten people, and all else as stored."""
    stored = tx.lead_rows.of_sources([name for name in tx.lead_rows.sources() if name not in lists])
    rows = [row.given for row in (*welcome(tx, listed), *stored)]
    outcomes = status_of_outcomes(tx.outcomes.of_rows(row.id for row in rows))
    found = {one.lead.id: one.lead for one in views(rows, order_of(config), outcomes)}
    taken = {*found, *(email for lead in found.values() for email in lead.aliases)}
    found |= {lead.id: lead for lead in tx.leads.all() if lead.provisional and lead.id not in taken}
    return [found[id_] for id_ in sorted(found)]


def source_view(state: SourceState) -> dict[str, object]:
    """How a source of leads fares, for operators."""
    last, failing = state.last_success, state.failing_since
    return {
        "source": state.name,
        "leads": state.leads,
        "last_success": last.isoformat(timespec="seconds") if last else None,
        "failing_since": failing.isoformat(timespec="seconds") if failing else None,
        "error": hidden(f"{state.error_reason}: {state.error}") if failing else None,
        "refused": len(state.refused),
        "unowned": sum(state.unowned.values()),
        "unowned_owners": ", ".join(some(sorted(state.unowned), "others")),
    }


def search_leads(config: Config, query: str, limit: int, *, as_json: bool) -> ExitCode:
    """`leads search`: what the store knows, those who wait first; returns the exit code."""
    try:
        found, count = look(config, lambda tx: tx.leads.find(query, limit))
    except UNREADABLE as error:
        return fail(str(error))
    if as_json:
        result_json([found_view(one) for one in found])
        return ExitCode.OK
    at = now()
    names = {str(one.id): one.name for one in config.people.values()}
    rows = []
    for lead, wait in found:
        owner = (wait.owner if wait is not None else lead.owner) or ""
        left = (wait.due_at - at).total_seconds() if wait is not None else None
        standing = lead_messages.standing(left=left, owner=names.get(owner, owner))
        rows.append(lead_view(lead) | {"standing": standing, "clock": wait.id if wait is not None else None})
    table(rows, ("email", "name", "company", "standing", "clock", "tier"))
    if count > len(found):
        result(lead_messages.found(count=count, shown=len(found), query=printable(query)))
    return ExitCode.OK
