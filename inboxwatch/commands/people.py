"""`forget` and `export`: what is held of one person outside, erased or shown. They work beside the daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.store_look import UNREADABLE, look
from inboxwatch.commands.terminal import fail, result, tell
from inboxwatch.engine.actions import Acting, known_person
from inboxwatch.engine.audit import at_the_machine, note
from inboxwatch.engine.disclosure import disclose
from inboxwatch.engine.erasure import Forgetting, forget, preview
from inboxwatch.engine.refused import Refused
from inboxwatch.engine.rules import Rules
from inboxwatch.now import now
from inboxwatch.store import Conflict, Outage, Store, StoreError

if TYPE_CHECKING:
    from inboxwatch.config import Config

ATTEMPTS = 10
"""While a daemon writes to the same rows."""
BACKUPS = (
    "backups from before, the mailboxes themselves and messages that were sent still name the person; "
    "so do lists of leads: they are not taken from there"
)


def run_forget(
    config: Config, address: str, acting: Acting | None, *, with_open_waits: bool, as_json: bool
) -> ExitCode:
    """`forget`; without somebody who acts only a preview. Returns the exit code."""
    try:
        store = Store(config.store_url.reveal())
    except StoreError as error:
        return fail(str(error))
    rules = Rules.connect(config)
    try:
        if acting is None:
            with store.reading() as tx:
                told = preview(tx, rules, address)
        else:
            known_person(rules, acting.by)
            told = _forget(store, rules, address, acting, with_open_waits=with_open_waits)
            store.scrub()
    except (Refused, Outage) as error:
        return fail(str(error))
    finally:
        store.close()
    if as_json:
        result(json.dumps({"dry_run": acting is None, "erased": told.erased, "open_waits": list(told.open_waits)}))
        return ExitCode.OK
    for name, number in told.erased.items():
        result(f"{number:>8} {name.replace('_', ' ')}")
    if acting is not None:
        result("erased; the figures stay")
        tell(BACKUPS)
    return ExitCode.OK


def _forget(store: Store, rules: Rules, address: str, acting: Acting, *, with_open_waits: bool) -> Forgetting:
    """Erases; where the daemon has met the same rows, again. Raises Refused, Outage."""
    for tried in range(1, ATTEMPTS + 1):
        try:
            with store.transaction() as tx:
                done = forget(tx, rules, address, acting, with_open_waits=with_open_waits)
                note(tx, rules, at_the_machine("lead.forget", by=acting.by, lead=address), now())
                return done
        except Conflict:
            if tried == ATTEMPTS:
                raise
    raise AssertionError


def run_export(config: Config, address: str, output: Path | None) -> ExitCode:
    """`export`; returns the exit code."""
    try:
        known = look(config, lambda tx: disclose(tx, address, now()))
    except UNREADABLE as error:
        return fail(str(error))
    if known is None:
        return fail(f"nothing is known of {address}")
    text = json.dumps(known, indent=2)
    if output is None:
        result(text)
        return ExitCode.OK
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        return fail(f"{output}: {error.strerror}")
    result(f"written to {output}")
    return ExitCode.OK
