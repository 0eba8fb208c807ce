"""A stranger's question makes him a lead; our answer to him means nothing until it has."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

from inboxwatch import now as instant
from inboxwatch.daemon.app import App
from tests.support.in_process_daemon import CONFIG
from tests.support.staff import app_of
from tests.support.waiting import PATIENCE

WEB = 'web: {listen: "127.0.0.1:0"}\nunknown_senders: shared'


def letter(box: Path, name: str, ago: timedelta, sender: str, to: str, answers: str = "") -> None:
    for part in ("cur", "new", "tmp"):
        (box / part).mkdir(parents=True, exist_ok=True)
    stamp = format_datetime(instant.now() - ago)
    lines = [f"Received: from a by b; {stamp}", f"From: {sender}", f"To: {to}", f"Message-ID: <{name}@x.test>"]
    lines += [f"In-Reply-To: <{answers}@x.test>"] if answers else []
    (box / "new" / name).write_text("\n".join([*lines, "Subject: Offer", "", "Hello", ""]), encoding="utf-8")


async def test_an_answer_to_a_stranger_that_is_there_at_the_start_ends_his_wait(tmp_path: Path) -> None:
    text = CONFIG.replace("WEB", WEB).replace("STORE", "sqlite:///inboxwatch.db").replace("FOLLOW_UP", "")
    (tmp_path / "inboxwatch.yaml").write_text(text, encoding="utf-8")
    for number in range(1200):  # so that the shared mailbox takes longer to read than the rep's
        letter(tmp_path / "sales", f"n{number}", timedelta(hours=3), "news@list.test", "sales@acme.test")
    letter(tmp_path / "sales", "q", timedelta(minutes=20), "Zoe <zoe@stranger.test>", "sales@acme.test")
    letter(tmp_path / "ana", "n", timedelta(hours=3), "news@list.test", "ana@acme.test")
    letter(tmp_path / "ana" / ".Sent", "a", timedelta(minutes=10), "ana@acme.test", "zoe@stranger.test", answers="q")
    app = app_of(tmp_path / "inboxwatch.yaml")
    running: list[str] = []

    def started(app: App) -> None:
        async def watch() -> None:
            async with asyncio.timeout(PATIENCE):
                for poller in app.supervisor.pollers.values():
                    await poller.tried.wait()
            with app.store.reading() as tx:
                running.extend(row.lead for row in tx.clocks.running() if row.lead == "zoe@stranger.test")
                running.extend("known" for lead in tx.leads.all() if lead.id == "zoe@stranger.test")
            app.stop()

        asyncio.get_running_loop().create_task(watch())

    await app.serve(started)
    assert running == ["known"]
