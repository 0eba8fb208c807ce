"""Rule 31: statistics say for which share of the time they can vouch."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from inboxwatch.store import Store
from tests.support.facts import at


def test_rule_31_the_share_of_verified_time_leaves_out_what_a_mailbox_was_unread(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    with store.transaction() as tx:
        tx.mailboxes.ensure(["ana", "ben"])
        tx.cursors.seen("ana", at("11:30"))
        tx.health.failing("ana", at("12:00"), "timeout", "no answer")
        tx.health.failing("ana", at("12:10"), "timeout", "no answer")
        tx.health.recovered("ana", at("14:00"))
        shares = tx.health.verified(at("10:00"), at("20:00"))
    assert shares == {"ana": 0.75, "ben": 1.0}


def test_rule_31_an_outage_that_goes_on_counts_up_to_now(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    with store.transaction() as tx:
        tx.mailboxes.ensure(["ana"])
        tx.health.failing("ana", at("12:00"), "auth", "refused")
        assert tx.health.verified(at("11:00"), at("11:00") + timedelta(hours=4)) == {"ana": 0.25}
