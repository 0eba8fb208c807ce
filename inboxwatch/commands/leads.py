"""The known buyers of a config, read from their sources for commands that run without the daemon."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.terminal import fail, result_json, table
from inboxwatch.connector import LeadList
from inboxwatch.engine.leads import screen
from inboxwatch.engine.views import lead_view
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
