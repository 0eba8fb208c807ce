"""The whole way on real servers: mail comes in, a clock runs, people are told, an answer ends it, none hears twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.doubles.dovecot import PASSWORD, Dovecot
from tests.doubles.webhook_sink import WebhookPost, WebhookSink
from tests.support.installation import SECRET, DaemonProcess, Installation
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, BO, MAX, ImapTeamMail, MaildirTeamMail, TeamMail
from tests.support.waiting import until

STEP = {
    "step", "round", "reason", "type", "id", "thread", "lead", "metric", "owner", "started_by", "started_at", "due_at",
    "state", "stop_reason", "stopped_by", "stopped_at", "answered_by", "wall_seconds", "business_seconds", "breached",
    "metric_state", "warned_at", "breached_at", "acknowledged_until", "snoozed_until", "next_step", "mailbox", "team",
    "policy", "waited_seconds", "lead_name", "company", "subject",
}  # fmt: skip
"""What contract section 4 says of a clock in a POST."""


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_reply_starts_a_clock_is_escalated_in_time_and_an_answer_ends_it_for_good(
    team_mail: TeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    """The main job, then a second start over the same store, which repeats nothing."""
    installation = Installation(tmp_path, team_mail.mailboxes(), hook=sink.url, target="8s")
    with installation.daemon() as daemon:
        team_mail.deliver(ANA, message_bytes(BO, ANA, id="q1@buyer.test", subject="Seats for the spring term"))
        before = team_mail.snapshot()
        daemon.wait(lambda: daemon.metric("inboxwatch_clocks_open") == 1, "the clock is open")
        assert daemon.metric("inboxwatch_clocks_open", mailbox="ana", owner="ana", tier="hot") == 1
        (clock,) = daemon.clocks()
        started, due = instant(clock["started_at"]), instant(clock["due_at"])
        assert due - started == timedelta(seconds=8)

        warning = sink.wait(lambda post: "warning" in post.reasons)
        breach = sink.wait(lambda post: "breach" in post.reasons)
        assert instant(warning.body["at"]) >= started + timedelta(seconds=4)
        assert instant(breach.body["at"]) >= due
        assert (warning.key, warning.body["targets"]) == (f"{clock['id']}/1/1/ana", ["ana"])
        assert breach.body["targets"] == ["ana", "max"]
        for post in (warning, breach):
            exact(post, daemon)
        assert daemon.metric("inboxwatch_clocks_open", state="breached") == 1
        assert daemon.metric("inboxwatch_sla_breaches_total", owner="ana", tier="hot", metric="first_response") == 1

        until(due + timedelta(seconds=1))
        team_mail.deliver(ANA, message_bytes(ANA, BO, id="a1@acme.test", answers="q1@buyer.test"), folder="Sent")
        after = team_mail.snapshot()
        resolved = sink.wait(lambda post: post.type == "resolved")
        assert resolved.body["targets"] == ["ana", "max"]
        assert daemon.metric("inboxwatch_clocks_open") == 0
        (closed,) = daemon.clocks("closed")
        assert (closed["id"], closed["state"], closed["answered_by"], closed["stopped_by"]) == (
            clock["id"], "answered", "ana", "a1@acme.test",
        )  # fmt: skip
        latency = (instant(closed["stopped_at"]) - started).total_seconds()
        assert closed["wall_seconds"] == latency
        assert latency > 8
        labels = {"owner": "ana", "tier": "hot", "metric": "first_response", "basis": "wall"}
        assert daemon.metric("inboxwatch_reply_latency_seconds_count", **labels) == 1
        assert daemon.metric("inboxwatch_reply_latency_seconds_sum", **labels) == pytest.approx(latency)
        assert daemon.metric("inboxwatch_replies_total", within_sla="false", by="owner") == 1
        assert daemon.metric("inboxwatch_escalations_total", policy="standard") == 2
        figures = durable(daemon)
        daemon.stop()
        assert "Traceback" not in daemon.log
        private(daemon.log)

    told = [(post.type, post.key) for post in sink.posts]
    assert len(told) == len(set(told)) == 3
    with installation.daemon() as daemon:
        daemon.wait(lambda: daemon.metric("inboxwatch_mailbox_up") == 2)
        assert durable(daemon) == figures, "figures about clocks survive a restart"
        daemon.stop()
    assert [(post.type, post.key) for post in sink.posts] == told
    assert team_mail.snapshot() == after, "nothing in any mailbox has changed"
    assert before != after, "the snapshot would have seen it"


def exact(post: WebhookPost, daemon: DaemonProcess) -> None:
    """A POST of contract section 4."""
    assert post.signed_with(SECRET)
    assert post.headers["content-type"].startswith("application/json")
    assert set(post.body) == {"type", "id", "at", "clocks", "targets", "link"}
    (clock,) = post.body["clocks"]
    assert set(clock) >= STEP
    assert (clock["lead"], clock["lead_name"], clock["company"]) == (BO, "Bo Lind", "Buyer Ltd")
    assert clock["subject"] == "Seats for the spring term"
    assert post.body["link"] == f"{daemon.url}/waits/{clock['id']}"
    assert daemon.status(f"/waits/{clock['id']}") == 200


def durable(daemon: DaemonProcess) -> dict[str, float]:
    names = ("reply_latency_seconds_sum", "replies_total", "sla_breaches_total", "escalations_total", "messages_total")
    return {name: daemon.metric(f"inboxwatch_{name}") for name in names}


def private(log: str) -> None:
    """No secret, address or subject in the log at info."""
    for word in ("@", "buyer", "Bo Lind", "Seats", SECRET, PASSWORD, "/hook"):
        assert word not in log, word


def test_an_answer_that_nobody_has_read_yet_stops_the_page_at_the_last_moment(
    dovecot: Dovecot, sink: WebhookSink, tmp_path: Path
) -> None:
    """Rule 30: mailboxes that are polled once an hour are read before a step leaves."""
    team_mail = ImapTeamMail(dovecot, [ANA, MAX])
    boxes = {name: box | {"poll_every": "1h", "push": "off"} for name, box in team_mail.mailboxes().items()}
    installation = Installation(
        tmp_path, boxes, hook=sink.url, target="15s", steps=[{"at": "100%", "notify": ["owner"]}]
    )
    with installation.daemon() as daemon:
        team_mail.deliver(ANA, message_bytes(BO, ANA, id="q1@buyer.test"))
        team_mail.deliver(ANA, message_bytes(BO, ANA, id="q2@buyer.test", subject="Another matter"))
        daemon.reload()  # which reads the mailboxes
        daemon.wait(lambda: daemon.metric("inboxwatch_clocks_open") == 2)
        team_mail.deliver(ANA, message_bytes(ANA, BO, answers="q1@buyer.test"), folder="Sent")
        sink.wait(lambda post: "breach" in post.reasons)
        daemon.stop()
    assert {clock["started_by"] for post in sink.posts for clock in post.body["clocks"]} == {"q2@buyer.test"}


def test_people_act_over_the_api_and_are_refused_with_reasons(
    dovecot: Dovecot, sink: WebhookSink, tmp_path: Path
) -> None:
    team_mail = ImapTeamMail(dovecot, [ANA, MAX])
    installation = Installation(tmp_path, team_mail.mailboxes(), hook=sink.url, target="1h", acknowledge_for="1s")
    with installation.daemon() as daemon:
        team_mail.deliver(ANA, message_bytes(BO, ANA, id="q1@buyer.test"))
        daemon.wait(daemon.clocks)
        (clock,) = daemon.clocks()
        path = f"/api/v1/clocks/{clock['id']}"
        status, answer = daemon.call("POST", f"{path}/acknowledge", {"by": "ben", "reason": "mine"})
        assert (status, answer["owner"], answer["metric_state"]) == (200, "ben", "acknowledged")
        daemon.wait(lambda: daemon.get(path)["metric_state"] == "running", "the acknowledgement expires")
        assert daemon.get(path)["owner"] == "ben"
        end = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
        assert daemon.call("POST", f"{path}/snooze", {"by": "ana", "until": end})[1]["metric_state"] == "snoozed"
        assert daemon.call("POST", f"{path}/assign", {"by": "max", "owner": "max"})[1]["owner"] == "max"
        refused = {
            "unknown wait": daemon.call("POST", "/api/v1/clocks/nope/dismiss", {"by": "ana", "reason": "x"}),
            "no reason": daemon.call("POST", f"{path}/dismiss", {"by": "ana"}),
            "nobody": daemon.call("POST", f"{path}/dismiss", {"by": "zoe", "reason": "x"}),
            "a group": daemon.call("POST", f"{path}/assign", {"by": "ana", "owner": "emea"}),
            "the past": daemon.call("POST", f"{path}/snooze", {"by": "ana", "until": "2020-01-01T00:00:00Z"}),
        }
        assert {what: status for what, (status, _) in refused.items()} == {
            "unknown wait": 404, "no reason": 422, "nobody": 422, "a group": 422, "the past": 422,
        }  # fmt: skip
        assert all({"title", "status", "detail"} <= set(problem) for _, problem in refused.values())
        assert daemon.call("POST", f"{path}/dismiss", {"by": "ana", "reason": "phoned"})[1]["state"] == "dismissed"
        assert daemon.call("POST", f"{path}/dismiss", {"by": "ana", "reason": "phoned"})[0] == 409
        deeds = [act["deed"] for act in daemon.get(f"{path}/history")["acts"]]
        assert {"acknowledged", "snoozed", "assigned", "dismissed"} <= set(deeds)
        until(datetime.now(UTC) + timedelta(seconds=1))
        team_mail.deliver(ANA, message_bytes(BO, ANA, id="q2@buyer.test", answers="q1@buyer.test"))
        daemon.wait(daemon.clocks, "the buyer's next message starts a fresh wait")
        assert daemon.clocks()[0]["started_by"] == "q2@buyer.test"


def test_a_reload_takes_over_all_or_nothing_and_keeps_running_clocks_under_their_policy(
    sink: WebhookSink, tmp_path: Path
) -> None:
    team_mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    installation = Installation(tmp_path, team_mail.mailboxes(), hook=sink.url, target="1h")
    with installation.daemon() as daemon:
        team_mail.deliver(ANA, message_bytes(BO, ANA, id="q1@buyer.test"))
        daemon.wait(daemon.clocks)
        installation.write(target="never")
        daemon.reload()
        daemon.wait(lambda: daemon.metric("inboxwatch_config_last_reload_successful") == 0, "the reload is refused")
        status, problem = daemon.call("POST", "/-/reload")
        assert status >= 400
        assert "first_response" in str(problem)
        installation.write(target="2h")
        assert daemon.call("POST", "/-/reload")[0] == 200
        assert daemon.status("/readyz") == 200, "who was ready stays ready"
        assert daemon.metric("inboxwatch_config_last_reload_successful") == 1
        team_mail.deliver(ANA, message_bytes(BO, ANA, id="q2@buyer.test", subject="Another matter"))
        daemon.wait(lambda: len(daemon.clocks()) == 2)
        targets = {
            clock["started_by"]: instant(clock["due_at"]) - instant(clock["started_at"]) for clock in daemon.clocks()
        }
        assert targets == {"q1@buyer.test": timedelta(hours=1), "q2@buyer.test": timedelta(hours=2)}
        daemon.stop()


def test_the_list_of_leads_is_read_again_when_it_changes(sink: WebhookSink, tmp_path: Path) -> None:
    team_mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    installation = Installation(tmp_path, team_mail.mailboxes(), hook=sink.url, target="1h")
    with installation.daemon() as daemon:
        team_mail.deliver(ANA, message_bytes(BO, ANA, id="q1@buyer.test"))
        daemon.wait(daemon.clocks)
        installation.leads.write_text(
            "email,owner,status\nbo@buyer.test,ana,lost\nnot an address,ana,open\ncy@other.test,max,\n"
        )
        daemon.wait(lambda: not daemon.clocks(), "a lead that is lost ends his wait")
        assert daemon.clocks("closed")[0]["stop_reason"] == "lead_closed"
        assert {lead["email"] for lead in daemon.get("/api/v1/leads")["items"]} == {BO, "cy@other.test"}
        assert "leads.csv:3" in daemon.log
        assert "not an address" not in daemon.log
        team_mail.deliver(ANA, message_bytes("cy@other.test", ANA, id="q2@other.test", subject="New here"))
        daemon.wait(daemon.clocks)
        assert daemon.clocks()[0]["owner"] == "max"


def test_what_was_overdue_at_first_sight_is_shown_and_told_in_one_digest(sink: WebhookSink, tmp_path: Path) -> None:
    """Rule 39, by the daemon: three old waits, one message."""
    team_mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    for number in range(3):
        raw = message_bytes(BO, ANA, id=f"q{number}@buyer.test", subject=f"Matter {number}")
        team_mail.deliver(ANA, raw, at=datetime.now(UTC) - timedelta(minutes=1))
    installation = Installation(tmp_path, team_mail.mailboxes(), hook=sink.url, target="1s")
    with installation.daemon() as daemon:
        digest = sink.wait(lambda post: post.type == "digest")
        assert (len(digest.body["clocks"]), digest.body["targets"]) == (3, ["ana"])
        assert daemon.metric("inboxwatch_clocks_open", state="breached") == 3
        team_mail.deliver(ANA, message_bytes(BO, ANA, id="new@buyer.test", subject="Fresh"))
        sink.wait(lambda post: "breach" in post.reasons)
        daemon.stop()
    escalated = {
        clock["started_by"] for post in sink.posts if post.type == "escalation" for clock in post.body["clocks"]
    }
    assert escalated == {"new@buyer.test"}
