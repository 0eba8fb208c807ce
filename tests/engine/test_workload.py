"""Teams share the work by open waits or in turn, within a batch, from batch to batch, and after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import FolderRole, MailboxId, RawMessage
from tests.support.engine import Engine
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.message_bytes import message_bytes

SALES = MailboxId("sales")


class Team(InProcessDaemon):
    """Ana and Ben share the mailbox sales."""

    def share(self, by: str) -> None:
        """Sets how, and restarts."""
        rule = f"rules: [{{assign: {{team: emea, by: {by}}}}}]"
        self.path.write_text(
            self.path.read_text().replace("rules: [{assign: lead.owner}, {assign: mailbox.owner}]", rule)
        )
        self.config = configuration.load(self.path)
        self.engine = Engine(self.store, self.config, {})

    def asked_by(self, *buyers: str) -> None:
        """A batch in which these buyers ask, one after the other."""
        raws = []
        for buyer in buyers:
            self.at += timedelta(seconds=1)
            header = message_bytes(
                f"{buyer}@{buyer}.test", "sales@acme.test", id=f"q@{buyer}.test", at=self.at, subject=buyer
            )
            raws.append(RawMessage(buyer, FolderRole.INBOX, self.at, header))
        with self.store.reading() as tx:
            row = tx.mailboxes.get(SALES)
        batch = Batch(tuple(raws), Cursor(buyers[-1]), seen_until=self.at)
        self.engine.ingest(SALES, batch, row.cursor if row else None, self.at)

    def owner(self, buyer: str) -> str:
        with self.store.reading() as tx:
            return next(str(row.owner) for row in tx.clocks.running() if row.lead == f"{buyer}@{buyer}.test")


@pytest.fixture
def team(tmp_path: Path, database: str) -> Iterator[Team]:
    team = Team(tmp_path, store=database)
    yield team
    team.close()


def test_round_robin_goes_on_with_the_next_in_the_batch_and_after_a_restart(team: Team) -> None:
    team.share("round_robin")
    team.asked_by("bo", "cy", "di")
    team.share("round_robin")
    team.asked_by("ed")
    team.asked_by("fay", "gus")
    owners = [team.owner(buyer) for buyer in ("bo", "cy", "di", "ed", "fay", "gus")]
    assert owners == ["ana", "ben", "ana", "ben", "ana", "ben"]


def test_by_load_the_one_with_fewer_open_waits_is_next_whoever_gave_them(team: Team) -> None:
    team.share("load")
    team.asked_by("bo", "cy", "di")
    assert [team.owner(buyer) for buyer in ("bo", "cy", "di")] == ["ana", "ben", "ana"]
    with team.store.reading() as tx:
        wait = next(row.id for row in tx.clocks.running() if row.lead == "bo@bo.test")
    team.engine.assign(wait, "max", team.at, owner="max")
    with team.store.reading() as tx:
        wait = next(row.id for row in tx.clocks.running() if row.lead == "di@di.test")
    team.engine.assign(wait, "max", team.at, owner="ben")
    team.asked_by("ed", "fay")
    assert [team.owner(buyer) for buyer in ("ed", "fay")] == ["ana", "ana"]
