"""The known buyers of a config, read from their sources for commands that run without the daemon."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.store_look import UNREADABLE, look
from inboxwatch.commands.terminal import fail, printable, result, result_json, table
from inboxwatch.connector import LeadList
from inboxwatch.engine.leads import screen
from inboxwatch.engine.views import found_view, lead_view
from inboxwatch.notify import lead_messages
from inboxwatch.now import now
from inboxwatch.store import Store, StoreError

if TYPE_CHECKING:
    from inboxwatch.config import Config

COLUMNS = ("email", "name", "company", "owner", "tier", "status", "source")


async def read_sources(config: Config) -> dict[str, LeadList]:
    """Every configured list, by source. Raises what a source raises."""
    lists: dict[str, LeadList] = {}
    for name, one in config.leads.items():
        source = one.connect()
        try:
            found = await source.read(None)
        finally:
            await source.aclose()
        if found is not None:
            lists[name] = found
    return lists


def list_leads(config: Config, *, as_json: bool) -> ExitCode:
    """`leads list`: the sources as they are now, and what only the store knows; returns the exit code."""
    try:
        listed = {
            lead.id: lead_view(lead)
            for found in asyncio.run(read_sources(config)).values()
            for lead in screen(config, found).leads
        }
        store = Store(config.store_url.reveal())
        try:
            with store.reading() as tx:
                stored = {lead.id: lead_view(lead) for lead in tx.leads.all() if lead.source not in config.leads}
        finally:
            store.close()
    except (OSError, ValueError, StoreError) as error:
        return fail(str(error))
    leads = [lead for _, lead in sorted((stored | listed).items())]
    if as_json:
        result_json(leads)
    else:
        table(leads, COLUMNS)
    return ExitCode.OK


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
