"""The mailboxes of one worker: begun, ended and begun again, each with a session of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from inboxwatch.core.model import MailboxId
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.mailbox_loops import MailboxLoops
from tests.support.in_process_daemon import MONDAY, InProcessDaemon
from tests.support.inline_writer import InlineWriter
from tests.support.scripted_connector import ANA, ScriptedConnector

SALES = MailboxId("sales")


class Session(ScriptedConnector):
    """One whose access ends, and that is of no use once it was closed."""

    expires_at: datetime | None = MONDAY + timedelta(days=3)

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.closed = False

    async def aclose(self) -> None:
        self.closed = True


def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)


async def test_a_mailbox_that_is_given_away_is_let_go_of_and_taken_back_with_a_new_session(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path)
    sessions = {name: Session(daemon.now) for name in (ANA, SALES)}
    first = dict(sessions)
    context = LoopContext(daemon.rules, InlineWriter(daemon.store), daemon.now)
    loops = MailboxLoops(sessions, lambda name: Session(daemon.now), daemon.metrics, context)  # type: ignore[arg-type]  # a dict of sessions
    loops.begin([SALES], spawn)
    poller = loops.pollers[SALES]
    await poller.tried.wait()
    assert [one.mailbox for one in loops.accesses] == [SALES], "of what others read, others know when it ends"
    await loops.end([SALES])
    assert (first[SALES].closed, sessions[SALES].closed, loops.pollers, loops.accesses) == (True, False, {}, [])
    loops.begin([SALES], spawn)
    await loops.pollers[SALES].tried.wait()
    assert len(sessions[SALES].polls) == 1
    await loops.end([SALES])
    daemon.close()
