"""Figures about waits, replies and escalations come from the store; what a process counts itself comes on top."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from inboxwatch.core.model import Direction, Kind
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.lead_feeds import Feeds, record

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def daemon(tmp_path: Path, database: str) -> Iterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path, store=database)
    yield daemon
    daemon.close()


def scraped(daemon: InProcessDaemon) -> Samples:
    """The exposition as Prometheus' own parser reads it."""
    with daemon.store.reading() as tx:
        text = daemon.metrics.exposition(tx.statistics.figures(daemon.at), daemon.at) + daemon.metrics.process()
    found: Samples = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"{key} is exported twice"
            found[key] = sample.value
    return found


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((f"inboxwatch_{name}", frozenset(labels.items())))


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum over all series with these labels."""
    wanted = frozenset(labels.items())
    return sum(
        number for (other, given), number in samples.items() if other == f"inboxwatch_{name}" and wanted <= given
    )


def test_series_exist_at_zero_before_anything_has_happened(daemon: InProcessDaemon) -> None:
    daemon.lead("bo@buyer.test", owner="ana", tier="hot")
    samples = scraped(daemon)
    for direction in Direction:
        for kind in Kind:
            assert value(samples, "messages_total", mailbox="sales", direction=direction, kind=kind) == 0
    for reason in ("auth", "rate_limited", "unavailable", "timeout", "client", "server", "protocol"):
        assert value(samples, "mailbox_errors_total", mailbox="ana", reason=reason) == 0
    for metric in ("first_response", "next_response", "follow_up"):
        assert value(samples, "sla_breaches_total", owner="ana", tier="hot", metric=metric) == 0
        assert value(samples, "sla_breaches_total", owner="ben", tier="", metric=metric) == 0
    for basis in ("wall", "business"):
        labels = {"owner": "ana", "tier": "hot", "metric": "next_response", "basis": basis}
        assert value(samples, "reply_latency_seconds_count", **labels) == 0
        assert value(samples, "reply_latency_seconds_bucket", le="604800.0", **labels) == 0
    reply = {"owner": "max", "tier": "", "metric": "first_response", "within_sla": "true", "by": "colleague"}
    assert value(samples, "replies_total", **reply) == 0
    assert value(samples, "first_contact_failures_total", owner="ana", tier="hot") == 0
    assert value(samples, "ownership_seconds_count", owner="ana", tier="hot") == 0
    assert value(samples, "notifications_total", channel="desk", outcome="dead") == 0
    assert value(samples, "notifications_pending", channel="desk") == 0
    assert value(samples, "escalations_total", policy="standard", step="3", reason="escalated") == 0
    assert value(samples, "mailbox_poll_duration_seconds_count", connector="maildir") == 0
    assert value(samples, "detection_lag_seconds_count", connector="maildir") == 0
    assert value(samples, "config_last_reload_successful") == 1


def test_open_waits_start_with_one_zero_series_a_mailbox_and_its_own_owner(daemon: InProcessDaemon) -> None:
    samples = scraped(daemon)
    waits = {key for key in samples if key[0] == "inboxwatch_clocks_open"}
    assert len(waits) == 2
    assert value(samples, "clocks_open", mailbox="ana", owner="ana", tier="", state="running") == 0
    assert value(samples, "clocks_open", mailbox="sales", owner="", tier="", state="running") == 0
    assert value(samples, "clock_oldest_age_seconds", mailbox="ana", owner="ana", tier="") == 0


def test_what_is_not_known_yet_has_no_series(daemon: InProcessDaemon) -> None:
    samples = scraped(daemon)
    names = {name for name, _ in samples}
    for unknown in ("mailbox_up", "mailbox_last_success_timestamp_seconds", "coverage_ratio"):
        assert f"inboxwatch_{unknown}" not in names
    daemon.passes(MINUTE)
    samples = scraped(daemon)
    assert value(samples, "mailbox_up", mailbox="ana", connector="maildir") == 1
    assert value(samples, "mailbox_last_success_timestamp_seconds", mailbox="ana") == daemon.at.timestamp()


def test_a_wait_is_counted_once_in_the_first_state_that_applies(daemon: InProcessDaemon) -> None:
    daemon.lead("bo@buyer.test", owner="ana", tier="hot")
    daemon.mail("bo@buyer.test", "ana@acme.test")

    def states() -> dict[str, float]:
        samples = scraped(daemon)
        assert total(samples, "clocks_open") == 1
        return {
            dict(key[1])["state"]: 1 for key, number in samples.items() if key[0].endswith("clocks_open") and number
        }

    assert states() == {"running": 1}
    daemon.passes(HOUR)
    assert states() == {"warned": 1}
    daemon.engine.acknowledge(daemon.only_wait("bo@buyer.test"), "ana", daemon.at)
    assert states() == {"acknowledged": 1}
    daemon.engine.snooze(daemon.only_wait("bo@buyer.test"), "ana", daemon.at, until=daemon.at + MINUTE)
    assert states() == {"snoozed": 1}
    daemon.passes(2 * HOUR)
    assert states() == {"breached": 1}


def test_series_of_open_waits_stay_when_the_wait_is_over(daemon: InProcessDaemon) -> None:
    daemon.lead("bo@buyer.test", owner="ana", tier="hot")
    asked = daemon.mail("bo@buyer.test", "ana@acme.test")
    assert value(scraped(daemon), "clock_oldest_age_seconds", mailbox="ana", owner="ana", tier="hot") == 0
    daemon.at += HOUR
    assert value(scraped(daemon), "clock_oldest_age_seconds", mailbox="ana", owner="ana", tier="hot") == 3600
    daemon.mail("ana@acme.test", "bo@buyer.test", parent=asked)
    samples = scraped(daemon)
    assert value(samples, "clocks_open", mailbox="ana", owner="ana", tier="hot", state="running") == 0
    assert value(samples, "clock_oldest_age_seconds", mailbox="ana", owner="ana", tier="hot") == 0


def test_a_reply_is_measured_in_wall_and_in_business_time(daemon: InProcessDaemon) -> None:
    daemon.lead("bo@buyer.test", owner="ana", tier="hot")
    daemon.at += 8 * HOUR + 30 * MINUTE
    asked = daemon.mail("bo@buyer.test", "ana@acme.test")  # 17:30; the office closes at 18:00 and opens at 08:00
    daemon.mail("ana@acme.test", "bo@buyer.test", parent=asked, after=15 * HOUR)
    samples = scraped(daemon)
    labels = {"owner": "ana", "tier": "hot", "metric": "first_response"}
    assert value(samples, "reply_latency_seconds_sum", basis="wall", **labels) == 15 * 3600
    assert value(samples, "reply_latency_seconds_sum", basis="business", **labels) == 3600
    assert value(samples, "reply_latency_seconds_bucket", basis="wall", le="28800.0", **labels) == 0
    assert value(samples, "reply_latency_seconds_bucket", basis="wall", le="86400.0", **labels) == 1
    assert value(samples, "reply_latency_seconds_bucket", basis="business", le="1800.0", **labels) == 0
    assert value(samples, "reply_latency_seconds_bucket", basis="business", le="3600.0", **labels) == 1
    assert value(samples, "replies_total", within_sla="false", by="owner", **labels) == 1
    assert total(samples, "replies_total") == 1


def test_a_colleagues_answer_counts_for_the_owner_as_given_by_a_colleague(daemon: InProcessDaemon) -> None:
    daemon.lead("bo@buyer.test", owner="ana")
    asked = daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.mail("ben@acme.test", "bo@buyer.test", parent=asked, mailbox="sales", after=MINUTE)
    reply = {"owner": "ana", "tier": "", "metric": "first_response", "within_sla": "true"}
    samples = scraped(daemon)
    assert value(samples, "replies_total", by="colleague", **reply) == 1
    assert value(samples, "replies_total", by="owner", **reply) == 0


def test_a_breach_belongs_to_the_owner_at_the_due_instant_for_ever(daemon: InProcessDaemon) -> None:
    daemon.lead("bo@buyer.test", owner="ana")
    asked = daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.passes(2 * HOUR)
    breach = {"tier": "", "metric": "first_response"}
    assert value(scraped(daemon), "sla_breaches_total", owner="ana", **breach) == 1
    daemon.passes(30 * MINUTE)  # the ladder gives it to the fallback
    samples = scraped(daemon)
    assert value(samples, "clocks_open", mailbox="ana", owner="max", tier="", state="breached") == 1
    assert value(samples, "sla_breaches_total", owner="ana", **breach) == 1
    assert value(samples, "sla_breaches_total", owner="max", **breach) == 0
    daemon.mail("max@acme.test", "bo@buyer.test", parent=asked, mailbox="sales")
    samples = scraped(daemon)
    assert value(samples, "sla_breaches_total", owner="ana", **breach) == 1
    assert total(samples, "sla_breaches_total") == 1


def test_an_answer_at_the_due_instant_is_no_breach(daemon: InProcessDaemon) -> None:
    daemon.lead("bo@buyer.test", owner="ana")
    asked = daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.mail("ana@acme.test", "bo@buyer.test", parent=asked, after=2 * HOUR)
    samples = scraped(daemon)
    assert total(samples, "sla_breaches_total") == 0
    assert total(samples, "replies_total", within_sla="true") == 1


def test_ownership_is_measured_for_each_who_had_the_wait(daemon: InProcessDaemon) -> None:
    daemon.lead("bo@buyer.test", owner="ana")
    asked = daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.at += 20 * MINUTE
    daemon.engine.assign(daemon.only_wait("bo@buyer.test"), "max", daemon.at, owner="ben")
    assert value(scraped(daemon), "ownership_seconds_sum", owner="ana", tier="") == 1200
    assert value(scraped(daemon), "ownership_seconds_count", owner="ben", tier="") == 0
    daemon.mail("ben@acme.test", "bo@buyer.test", parent=asked, mailbox="sales", after=MINUTE)
    samples = scraped(daemon)
    assert value(samples, "ownership_seconds_sum", owner="ben", tier="") == 60
    assert value(samples, "ownership_seconds_bucket", owner="ben", tier="", le="60.0") == 1
    assert value(samples, "ownership_seconds_count", owner="ana", tier="") == 1


def test_follow_ups_are_never_mixed_with_reply_latency(tmp_path: Path, database: str) -> None:
    daemon = InProcessDaemon(tmp_path, follow_up="2h", store=database)
    daemon.lead("bo@buyer.test", owner="ana")
    asked = daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.mail("ana@acme.test", "bo@buyer.test", parent=asked, after=MINUTE)
    daemon.passes(3 * HOUR)
    samples = scraped(daemon)
    assert total(samples, "clocks_open") == 0
    assert value(samples, "follow_ups_open", owner="ana", tier="") == 1
    assert value(samples, "sla_breaches_total", owner="ana", tier="", metric="follow_up") == 1
    daemon.mail("bo@buyer.test", "ana@acme.test", parent=asked)
    samples = scraped(daemon)
    assert total(samples, "reply_latency_seconds_count", basis="wall") == 1
    assert total(samples, "ownership_seconds_count") == 1
    daemon.close()


def test_a_step_counts_once_however_many_readers_it_has(daemon: InProcessDaemon) -> None:
    daemon.lead("bo@buyer.test", owner="ana")
    daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.passes(HOUR)
    daemon.passes(HOUR)
    samples = scraped(daemon)
    assert value(samples, "escalations_total", policy="standard", step="1", reason="warning") == 1
    assert value(samples, "escalations_total", policy="standard", step="2", reason="breach") == 1
    assert value(samples, "notifications_pending", channel="desk") == 3


def test_a_step_that_was_passed_over_is_no_escalation(daemon: InProcessDaemon) -> None:
    daemon.lead("bo@buyer.test", owner="ana")
    daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.passes(2 * HOUR)
    assert total(scraped(daemon), "escalations_total") == 1


def test_a_restart_changes_no_figure_of_the_store(daemon: InProcessDaemon, tmp_path: Path, database: str) -> None:
    daemon.lead("bo@buyer.test", owner="ana", tier="hot")
    asked = daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.passes(3 * HOUR)
    daemon.mail("ana@acme.test", "bo@buyer.test", parent=asked)
    daemon.mail("bo@buyer.test", "ana@acme.test", parent=asked, after=MINUTE)
    before, at = scraped(daemon), daemon.at
    daemon.close()
    again = InProcessDaemon(tmp_path, store=database)
    again.at = at
    after = scraped(again)
    again.close()
    assert {key: one for key, one in before.items() if not key[0].startswith("process_")} == {
        key: one for key, one in after.items() if not key[0].startswith("process_")
    }


def test_a_process_counts_its_polls_errors_and_delays(daemon: InProcessDaemon) -> None:
    daemon.metrics.poll_finished("maildir", 0.2)
    daemon.metrics.mailbox_error("ana", "auth")
    daemon.metrics.detected("maildir", -3.0)
    daemon.metrics.reloaded(False)
    samples = scraped(daemon)
    assert value(samples, "mailbox_poll_duration_seconds_sum", connector="maildir") == 0.2
    assert value(samples, "mailbox_errors_total", mailbox="ana", reason="auth") == 1
    assert value(samples, "detection_lag_seconds_sum", connector="maildir") == 0
    assert value(samples, "config_last_reload_successful") == 0


def test_no_label_holds_an_address_a_subject_or_a_message_id(daemon: InProcessDaemon) -> None:
    daemon.lead("bo@buyer.test", owner="ana", name="Bo Buyer", company="Buyer Ltd")
    asked = daemon.mail("bo@buyer.test", "ana@acme.test", subject="Confidential offer")
    daemon.mail("stranger@example.org", "sales@acme.test", mailbox="sales", subject="Confidential question")
    daemon.passes(3 * HOUR)
    daemon.mail("someone.else@acme.test", "bo@buyer.test", parent=asked, mailbox="sales")
    for _, labels in scraped(daemon):
        for _, text in labels:
            assert "@" not in text
            assert "Confidential" not in text
            assert "buyer" not in text.lower()


def test_each_person_has_one_info_series_so_that_joins_are_unambiguous(daemon: InProcessDaemon) -> None:
    samples = scraped(daemon)
    assert value(samples, "owner_info", owner="ana", team="emea", manager="max") == 1
    assert value(samples, "owner_info", owner="max", team="emea", manager="") == 1
    assert total(samples, "owner_info") == 3


def test_label_values_are_escaped(daemon: InProcessDaemon) -> None:
    daemon.lead("bo@buyer.test", owner="ana", tier='ho"t\\\n')
    assert value(scraped(daemon), "sla_breaches_total", owner="ana", tier='ho"t\\\n', metric="first_response") == 0


def test_a_first_message_that_bounced_is_counted_for_its_owner(daemon: InProcessDaemon) -> None:
    daemon.lead("bo@buyer.test", owner="ana", tier="hot")
    sent = daemon.mail("ana@acme.test", "bo@buyer.test")
    bounce = (
        "Content-Type: multipart/report; report-type=delivery-status\r\n"
        "X-Failed-Recipients: bo@buyer.test\r\nAuto-Submitted: auto-replied"
    )
    daemon.mail("mailer-daemon@relay.test", "ana@acme.test", subject="Undelivered Mail", parent=sent, extra=bounce)
    assert value(scraped(daemon), "first_contact_failures_total", owner="ana", tier="hot") == 1


def test_sources_of_leads_are_told_with_what_cannot_be_used_and_whose_owner_is_nobody(daemon: InProcessDaemon) -> None:
    feeds = Feeds(daemon.engine, "crm")
    assert not any("lead" in name for name, _ in scraped(daemon) if "source" in name)
    rows = [record("1", "bo@buyer.test", "gone@acme.test"), record("2", "max@acme.test"), record("3", "cy@buyer.test")]
    feeds.gives("crm", rows, now=daemon.at)
    feeds.ends("crm", daemon.at)
    samples = scraped(daemon)
    assert value(samples, "lead_source_up", source="crm") == 1
    assert value(samples, "lead_source_last_success_timestamp_seconds", source="crm") == daemon.at.timestamp()
    told = [value(samples, name, source="crm") for name in ("leads", "leads_refused", "leads_unowned")]
    assert told == [2, 1, 1]
