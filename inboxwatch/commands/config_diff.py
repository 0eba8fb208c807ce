"""`config diff`: what a reload would change against the config in force, and which open waits it would move."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.terminal import fail, printable, remark, result
from inboxwatch.config.changes import Change, compared
from inboxwatch.engine.departures import Departure, departures
from inboxwatch.engine.loaded_config import config_in_force
from inboxwatch.engine.rules import Rules
from inboxwatch.hidden import hidden
from inboxwatch.now import now
from inboxwatch.store import Store, StoreError

if TYPE_CHECKING:
    from inboxwatch.config import Config


def run_diff(config: Config, new: Config, *, as_json: bool) -> ExitCode:
    """The command; returns the exit code. `config` names the store, `new` would be loaded."""
    try:
        store = Store(config.store_url.reveal(), migrate=False)
    except StoreError as error:
        return fail(str(error))
    try:
        with store.reading() as tx:
            rules = Rules.connect(new)
            old, gone = config_in_force(tx), departures(tx, rules, now())
            versions = Counter(row.policy_version for row in tx.clocks.running())
    finally:
        store.close()
    if old is None:
        return fail(
            "no daemon of this version has taken over a config with this store yet: there is nothing to compare"
        )
    found = list(compared(old, new.outline))
    staying = sum(count for version, count in versions.items() if version not in {one.version for one in new.policies})
    if as_json:
        answer = {
            "changes": [asdict(one) for one in found],
            "departures": [_departure(one) for one in gone],
            "waits_under_earlier_policies": staying,
        }
        result(hidden(json.dumps(answer)))
    else:
        _tell(found, gone, staying)
    return ExitCode.OK


def _tell(found: list[Change], gone: list[Departure], staying: int) -> None:
    for change in found:
        result(printable(hidden(str(change))))
    for departure in gone:
        result(printable(hidden(f"open waits: {departure}")))
    if staying:
        remark(
            f"{staying} open waits stay under the policies that they began with; "
            "`inboxwatch clocks repolicy --dry-run` shows what would move after the reload"
        )
    remark(f"{len(found)} changes" if found else "a reload changes nothing")
    remark("values of secrets are not compared")


def _departure(gone: Departure) -> dict[str, Any]:
    moved = [{"clock": one.clock, "to": one.owner, "reason": one.reason} for one in gone.moved]
    return {"kind": gone.kind.value, "name": gone.name, "clocks": gone.clocks, "moved": moved, "text": str(gone)}
