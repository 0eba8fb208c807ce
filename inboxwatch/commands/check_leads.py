"""Sources of leads: what they give now, whose owners are nobody of ours, and how the daemon fares with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from inboxwatch.commands.finding import Finding
from inboxwatch.commands.ownership_proof import some
from inboxwatch.connector import LeadSource, MailboxError
from inboxwatch.engine.leads import screen
from inboxwatch.hidden import hidden
from inboxwatch.lead_feed import LeadFeed
from inboxwatch.store import Outage, Store, StoreError
from inboxwatch.store.lead_sources import SourceState

if TYPE_CHECKING:
    from inboxwatch.config import Config

PROBE_LIMIT = 45.0
"""Seconds that a source may take to be read or probed."""
MEND = "routing goes on without them: mend the list, or add the address to `aliases` of the person"


async def check_leads(config: Config, name: str, *, whole: bool) -> list[Finding]:
    """What one source gives, asked now; `whole`: each row that is refused, not the first few."""
    source = config.leads[name].connect()
    try:
        async with asyncio.timeout(PROBE_LIMIT):
            if isinstance(source, LeadFeed):
                return await _feed(config, name, source, whole=whole)
            return await _list(config, name, source, whole=whole)
    except MailboxError as error:
        return [Finding(f"leads {name}", "failed", f"{error.reason}: {error}", error.hint)]
    except TimeoutError:
        return [Finding(f"leads {name}", "failed", f"no answer within {PROBE_LIMIT:.0f} s")]
    except Exception as error:  # noqa: BLE001  (whatever a lead source raises is what the operator must see)
        return [Finding(f"leads {name}", "failed", hidden(str(error)))]
    finally:
        await source.aclose()


async def _list(config: Config, name: str, source: LeadSource, *, whole: bool) -> list[Finding]:
    subject, found = f"leads {name}", await source.read(None)
    if found is None:
        return [Finding(subject, "ok", "has not changed")]
    usable = screen(config, name, found)
    refused = [f"{place}: {why}" for place, why in usable.refused]
    findings = [Finding(subject, "ok", f"{len(usable.leads)} leads")]
    findings += _refused(subject, refused, whole=whole)
    return findings + _unowned(subject, usable.ownerless)


async def _feed(config: Config, name: str, source: LeadFeed, *, whole: bool) -> list[Finding]:
    """Its probe; and what the daemon has read of it, for to read it whole may take hours and use up a quota."""
    subject, probe = f"leads {name}", await source.probe()
    facts = "; ".join(f"{label} {value}" for label, value in probe.facts)
    findings = [Finding(subject, "ok", f"answers; {facts}" if facts else "answers")]
    findings += [Finding(subject, "warning", warning) for warning in probe.warnings]
    try:
        state = await asyncio.to_thread(_state, config, name)
    except (StoreError, Outage):  # the store has a finding of its own
        return findings
    if state.last_success is None:
        return [*findings, Finding(subject, "ok", "not read to its end yet: the daemon does that")]
    read = f"{state.leads} leads, read to the end at {state.last_success.isoformat(timespec='seconds')}"
    findings.append(Finding(subject, "ok", read))
    findings += _refused(subject, [f"{place}: {why}" for place, why in state.refused.items()], whole=whole)
    return findings + _unowned(subject, state.unowned)


def _state(config: Config, name: str) -> SourceState:
    """What the store knows of a source; nothing is created or migrated."""
    store = Store(config.store_url.reveal(), migrate=False)
    try:
        with store.reading() as tx:
            return tx.lead_sources.get(name)
    finally:
        store.close()


def _refused(subject: str, refused: list[str], *, whole: bool) -> list[Finding]:
    shown = refused if whole else some(refused, "rows that are refused like these: `check --json` lists all")
    return [Finding(subject, "warning", line) for line in shown]


def _unowned(subject: str, unowned: Mapping[str, int]) -> list[Finding]:
    if not unowned:
        return []
    named = ", ".join(some(sorted(unowned), "others"))
    text = f"{sum(unowned.values())} leads have owners who are no people of the config: {named}"
    return [Finding(subject, "warning", text, MEND)]
