"""An inquiry that nobody knows, judged in Slack: shown in place, taken back after a kill -9; no counter goes down."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.doubles.slack import APP, BOT, SlackDouble, slack_double
from tests.support.installation import DaemonProcess, Installation
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, MAX, MaildirTeamMail

TEAM, BEN = "C0SALES01", "U0BEN0001"
STRANGER = "cy@other.test"
QUALIFIED = """
unknown_senders: always
qualification:
  classes: {support: {}, vendor: {clock: none}}
"""
PARTS = {
    "teams:\n": "teams:\n  triage: {members: [ben]}\n",
    "  rules: [{assign: lead": "  rules: [{when: {class: unknown}, assign: {team: triage}}, {assign: lead",
    "sla_policies:\n": "sla_policies:\n  - {name: triage, when: {class: unknown}, verdict: 1s, first_response: 1h,"
    " next_response: 1h, escalation: triage}\n",
    "escalation_policies:\n": "escalation_policies:\n  triage: {in_hours_only: false,"
    ' steps: [{at: 100%, notify: [owner, "desk:#sales-escalations"]}]}\n',
}


def installed(folder: Path, mail: MaildirTeamMail, double: SlackDouble) -> Installation:
    """An installation that asks what inquiries are about, and tells it in Slack."""
    desk = {"type": "slack", "bot_token": BOT, "app_token": APP, "api_url": f"{double.url}/api/", "rate": "100/s"}
    installation = Installation(folder, mail.mailboxes(), target="1h", channels={"desk": desk}, it_alerts=["max"])
    text = installation.path.read_text(encoding="utf-8")
    for old, new in PARTS.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    installation.path.write_text(QUALIFIED + text, encoding="utf-8")
    return installation


def shown(double: SlackDouble) -> str:
    """The message by which the channel was told, as it is now."""
    return str(double.post(0, TEAM)["blocks"]) if double.messages[TEAM] else ""


async def now_shows(double: SlackDouble, daemon: DaemonProcess, words: str) -> None:
    """Waits until the message in the channel says something."""
    await asyncio.to_thread(daemon.wait, lambda: words in shown(double), words)


def figures(daemon: DaemonProcess) -> dict[str, float]:
    """What is counted for good."""
    return {
        "steps": daemon.metric("inboxwatch_escalations_total", policy="triage"),
        "late replies": daemon.metric("inboxwatch_sla_breaches_total"),
        "verdicts": daemon.metric("inboxwatch_verdicts_total", by="ben", **{"class": "support"}),
        "late verdicts": daemon.metric("inboxwatch_verdict_breaches_total", owner="ben"),
    }


async def test_a_verdict_by_slack_survives_a_kill_and_its_undo_lowers_no_counter(tmp_path: Path) -> None:
    mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    async with slack_double() as double:
        double.users[BEN] = "ben@acme.test"
        installation = installed(tmp_path, mail, double)
        with await asyncio.to_thread(lambda: installation.daemon(wait=False)) as daemon:
            await asyncio.to_thread(daemon.wait_ready)
            mail.deliver(ANA, message_bytes(STRANGER, ANA, id="q1@other.test", subject="Trouble"))
            await now_shows(double, daemon, "inboxwatch.qualify")
            before = await asyncio.to_thread(figures, daemon)
            await double.deliver(double.choose(double.post(0, TEAM), "inboxwatch.qualify", "support", BEN))
            await now_shows(double, daemon, "Ben Roth: it is support.")
            daemon.kill()
        late = {"steps": 1, "late verdicts": 1, "late replies": 0}
        assert before == late | {"verdicts": 0}, "a verdict that is late is no reply that is"
        with await asyncio.to_thread(lambda: installation.daemon(wait=False)) as daemon:
            await asyncio.to_thread(daemon.wait_ready)
            wait = await asyncio.to_thread(the_wait, daemon)
            assert (wait["class"], wait["class_by"]) == ("support", "person:ben")
            assert await asyncio.to_thread(figures, daemon) == late | {"verdicts": 1}
            await double.until(lambda: double.connections)
            await double.deliver(double.press(double.post(0, TEAM), "inboxwatch.undo_verdict", BEN))
            await now_shows(double, daemon, "took the verdict back: it is unknown as before.")
            assert "inboxwatch.qualify" in shown(double)
            wait = await asyncio.to_thread(the_wait, daemon)
            assert (wait["class"], wait["class_by"], wait["owner"]) == ("unknown", "default", "ben")
            after = await asyncio.to_thread(figures, daemon)
            assert after == late | {"verdicts": 1}, "nobody was told anew, and no counter went down"


def the_wait(daemon: DaemonProcess) -> dict[str, Any]:
    """The one wait for a reply."""
    (wait,) = (one for one in daemon.clocks() if one["metric"] == "first_response")
    return wait
