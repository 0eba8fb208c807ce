"""A second IDLE: on the folder of sent mail, over a connection of its own, for servers without NOTIFY.

It only makes the poll come sooner; the poll asks for the state of every folder anyway. Without this connection the
mailbox is read as before, a little later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from connectors.mail.imap.idle import Idle
from connectors.mail.imap.mailbox import ImapMailbox, differs
from connectors.mail.imap.session import ImapSession
from connectors.retry import PushBackoff
from connectors.worker_threads import workers
from inboxwatch.connector import MailboxError, Reason

log = structlog.get_logger(__name__)

_STEP_LIMIT = 120.0
"""Seconds that logging in or renewing may take in all."""
_REFUSED = 1800.0
"""Seconds before a server that refused a second connection is asked again: its limit counts those of all programs."""
_REFUSALS = {Reason.RATE_LIMITED, Reason.AUTH, Reason.CLIENT, Reason.PROTOCOL}


class SentIdle:
    """A task that lasts from `start` to `stop`; it waits in the event loop and takes a thread only to log in and renew.

    Where several folders bear sent mail, it watches the first one.
    """

    def __init__(
        self,
        name: str,
        host: str,
        polled: Callable[[], ImapMailbox],
        on_news: Callable[[], None],
        lasts: float,
    ) -> None:
        """`polled`: the mailbox as the poll sees it; `on_news` is called where the poll may find more.

        `lasts`: seconds of one IDLE.
        """
        self._name = name
        self._host = host
        self._polled = polled
        self._on_news = on_news
        self._lasts = lasts
        self._backoff = PushBackoff()
        self._went_idle = False
        """The connection went idle."""
        self._warned = False
        """It was logged that there is no second connection."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to watch; does nothing where it already does."""
        if self._task is None:
            self._task = asyncio.create_task(self._watch())

    def give_way(self) -> None:
        """The server limits connections, and the poll needs one: this one is given up for a while."""
        if self._task is not None:
            self._task.cancel()
            self._warn(MailboxError(Reason.RATE_LIMITED, "the server limits connections, and the poll needs this one"))
            self._task = asyncio.create_task(self._watch(_REFUSED))

    async def stop(self) -> None:
        """Closes the connection; safe to call twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self, pause: float = 0.0) -> None:
        while True:
            await asyncio.sleep(pause)
            mailbox = self._polled().renewed()
            self._went_idle = False
            try:
                while True:
                    await self._listen(mailbox)
            except (MailboxError, TimeoutError) as error:
                pause = self._failed(error)
            finally:
                mailbox.abandon()

    async def _listen(self, mailbox: ImapMailbox) -> None:
        """One IDLE, until it must be renewed. Raises MailboxError where the connection ends."""
        session, changed = await workers().run(self._host, lambda: self._begin(mailbox), _STEP_LIMIT)
        if changed:
            self._on_news()
        self._went_idle = True
        idle = Idle(session, {}, self._lasts)
        try:
            while (left := idle.renewal) > 0:
                if await idle.news(left):
                    idle.reset()
                    self._on_news()
        finally:
            if idle.lasted:
                self._works()

    def _begin(self, mailbox: ImapMailbox) -> tuple[ImapSession, bool]:
        """Goes idle on the folder; with the session comes whether the folder has changed since the poll. Blocks."""
        session = mailbox.session()
        session.end_idle()
        folder = mailbox.watched.sent[0]
        changed = differs(self._polled().states.get(folder), mailbox.opened(folder))
        return session, session.begin_idle() or changed

    def _works(self) -> None:
        self._backoff.succeeded()
        if self._warned:
            self._warned = False
            log.info("sent mail is watched by a second connection again", mailbox=self._name)

    def _failed(self, error: MailboxError | TimeoutError) -> float:
        """Seconds to pause after a failure."""
        pause = self._backoff.failed()
        if self._went_idle:  # and the server may not have reported what came at the end
            self._on_news()
            return pause
        if isinstance(error, TimeoutError):
            error = MailboxError(Reason.TIMEOUT, "")
        self._warn(error)
        return max(pause, error.retry_after or 0.0, _REFUSED if error.reason in _REFUSALS else 0.0)

    def _warn(self, error: MailboxError) -> None:
        if not self._warned:
            self._warned = True
            why = {"reason": error.reason.value, "error": str(error), "hint": error.hint}
            log.warning("no second connection: sent mail is polled", mailbox=self._name, **why)
