"""The known buyers of a config, read from their sources for commands that run without the daemon."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from inboxwatch.connector import LeadList
from inboxwatch.engine.views import lead_view
from inboxwatch.store import Store, StoreError

if TYPE_CHECKING:
    from inboxwatch.config import Config

OK, FAILED = 0, 1
PIPED = 400
"""Width of a table that goes into a file or another program."""
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


def list_leads(config: Config, *, as_json: bool) -> int:
    """`leads list`: the sources as they are now, and what only the store knows; returns the exit code."""
    try:
        listed = {
            row.lead.id: lead_view(row.lead)
            for found in asyncio.run(read_sources(config)).values()
            for row in found.rows
        }
        store = Store(config.store_url.reveal())
        try:
            with store.reading() as tx:
                stored = {lead.id: lead_view(lead) for lead in tx.leads.all() if lead.source not in config.leads}
        finally:
            store.close()
    except (OSError, ValueError, StoreError) as error:
        print(f"inboxwatch: {error}", file=sys.stderr)  # noqa: T201  (a command's own words)
        return FAILED
    leads = sorted((stored | listed).values(), key=lambda lead: lead["email"])
    if as_json:
        for lead in leads:
            print(json.dumps(lead, ensure_ascii=False))  # noqa: T201  (the command's output)
    else:
        print_table(leads, COLUMNS)
    return OK


def print_table(items: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    """Items as a table for people; a buyer's name is text, whatever it looks like."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column == "id")
    for item in items:
        table.add_row(*(Text("" if item.get(column) is None else str(item[column])) for column in columns))
    # Piped, lines are as long as they need to be: scripts look for ids in them.
    console = Console(width=None if sys.stdout.isatty() else PIPED)
    console.print(table)
    console.print(f"{len(items)} in all", style="dim")
