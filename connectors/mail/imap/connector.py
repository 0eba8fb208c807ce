"""IMAP (RFC 3501 and 9051), strictly read-only: EXAMINE, BODY.PEEK, and no verb that could write.

The event loop is here; what blocks is in `mailbox`, `reader` and `session`, on threads of `worker_threads`.

CONDSTORE and QRESYNC (RFC 7162) are not used where offered: they report changes of flags and expunges, which move no
clock, while UIDVALIDITY and UIDNEXT alone show whether a folder has new mail.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import Task
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar, TypeVar

from connectors.mail.folder_reading import ReadMessages, wants_times
from connectors.mail.folder_roles import WantedFolders
from connectors.mail.imap.census import identities, places, recover
from connectors.mail.imap.connection import ImapServer
from connectors.mail.imap.idle import Idle
from connectors.mail.imap.limits import USUAL, ImapLimits
from connectors.mail.imap.login import PasswordLogin, TokenLogin
from connectors.mail.imap.mailbox import ImapMailbox
from connectors.mail.imap.oauth import TokenCache, TokenSource, tokens_of
from connectors.mail.imap.position import encode
from connectors.mail.imap.probe import probe
from connectors.mail.imap.reader import ImapReader
from connectors.mail.imap.reading_plan import Times, UidStep, UidSurvey, steps, steps_by_uid
from connectors.mail.imap.receive_times import ReceiveTimes
from connectors.mail.imap.sent_idle import SentIdle
from connectors.mail.imap.session import ImapLogin, ImapSession
from connectors.mail.imap.settings import ImapSettings
from connectors.mail.login_expiry import LASTING, LoginExpiry
from connectors.retry import PushBackoff
from connectors.worker_threads import workers
from inboxwatch import now as instant
from inboxwatch.connector import Batch, Context, Cursor, MailboxError, Probe, Reason, Reread, Settings
from inboxwatch.core.model import Privacy, RawMessage

Result = TypeVar("Result")

_STEP_LIMIT = 600.0
"""Seconds that one step (logging in, comparing folders, reading a batch) may take in all, however alive the server."""
_CLOSING = 2.0
"""Seconds that closing waits for work under way and for the server's BYE."""
_TEXT_BATCH = 100
"""Messages a batch where whole messages are read, so that memory stays bounded."""


def _login(settings: ImapSettings, username: str, source: TokenSource | None) -> ImapLogin:
    if settings.password is not None:
        return PasswordLogin(username, settings.password, settings.master_user)
    assert settings.oauth is not None  # noqa: S101  (the settings have one or the other)
    cache = TokenCache(source or tokens_of(settings.oauth, username))
    return TokenLogin(username, "XOAUTH2" if settings.auth == "xoauth2" else "OAUTHBEARER", cache)


class Imap:
    """The connector `imap`."""

    settings: ClassVar[type[Settings]] = ImapSettings

    def __init__(
        self, settings: ImapSettings, context: Context, tokens: TokenSource | None = None, limits: ImapLimits = USUAL
    ) -> None:
        """`tokens`: another source of OAuth tokens than the settings name."""
        self._settings = settings
        self._reading = context.reading
        self._server = ImapServer(
            settings.host,
            settings.port or (993 if settings.security == "tls" else 143),
            settings.security,
            settings.ca_file,
            settings.connect_timeout,
            settings.read_timeout,
        )
        self._login = _login(settings, settings.username or context.address, tokens)
        self._lock = asyncio.Lock()
        self._idle: Idle | None = None
        self._backoff = PushBackoff()
        self._rests_until = 0.0
        wanted = WantedFolders(settings.inbox, settings.sent, settings.folders)
        self._idle_lasts = limits.idle
        self._mailbox = ImapMailbox(
            lambda: ImapSession.open(self._server, self._login, limits.search_window),
            wanted,
            self._reading.since,
            limits.folder_list,
        )
        self._reader = ImapReader(self._mailbox, self._reading)
        self._times = ReceiveTimes()
        self._sent_idle = SentIdle(context.name, settings.host, lambda: self._mailbox, self._on_sent_news, limits.idle)
        self._sent_news = False
        """Sent mail may have come since the last poll began."""

    def _start_over(self) -> None:
        self._mailbox = self._mailbox.renewed()
        self._reader = ImapReader(self._mailbox, self._reading)
        self._idle = None

    @property
    def _expiry(self) -> LoginExpiry:
        return self._settings.oauth.expiry if self._settings.oauth else LASTING

    @property
    def expires_at(self) -> datetime | None:
        """See Expires."""
        return self._expiry.at

    @property
    def remarks(self) -> tuple[str, ...]:
        """See Remarks."""
        return self._mailbox.remarks

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """See MailConnector. The next batch is read while the caller works on this one."""
        async with self._alone():
            started = instant.now()
            self._sent_news = False
            mailbox, reader = self._mailbox, self._reader
            survey = await self._do(lambda: mailbox.survey(cursor))
            size = self._reading.batch_size
            if self._reading.privacy is Privacy.TEXT:
                size = min(size, _TEXT_BATCH)
            plan = await self._plan(mailbox, survey, size)
            if not plan:
                yield Batch((), encode(survey.goals), started, resynced=survey.resynced)
                return
            remaining = sum(len(uids) for step in plan for uids in step.share.values())
            ahead = self._ahead(reader, plan[0])
            try:
                for number, step in enumerate(plan, 1):
                    read = await ahead
                    last = number == len(plan)
                    remaining -= sum(map(len, step.share.values()))
                    if not last:
                        ahead = self._ahead(reader, plan[number])
                    yield Batch(
                        read.messages,
                        encode(survey.goals if last else step.follows),
                        started if last else None,
                        read.quarantined,
                        resynced=survey.resynced and number == 1,
                        remaining=remaining,
                    )
            finally:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109  (the port's signature)
        """See Waits: IDLE on the inbox. Without IDLE, or with `push: off`, it only lets the time pass."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        if self._settings.push != "off":
            await asyncio.sleep(min(timeout, self._rests_until - loop.time()))
            async with self._lock:
                while (left := deadline - loop.time()) > 0:
                    if self._sent_news or await self._listen(left):
                        return True
                    if self._idle is None:  # not offered
                        break
        await asyncio.sleep(deadline - loop.time())
        return False

    async def _listen(self, seconds: float) -> bool:
        """True at news; False after `seconds`, or sooner."""
        idle = self._idle
        try:
            if idle is None or idle.renewal <= 0:
                return await self._begin_idle()
            news = await idle.news(min(seconds, idle.renewal))
        except MailboxError:
            if idle is not None:
                if idle.lasted:
                    self._backoff.succeeded()
                self._abandon()
            self._rests_until = asyncio.get_running_loop().time() + self._backoff.failed()
            raise
        self._backoff.succeeded()
        return news

    def _on_sent_news(self) -> None:
        self._sent_news = True
        if self._idle is not None:
            self._idle.interrupt()

    async def probe(self) -> Probe:
        """See MailConnector."""
        pushed, second = self._settings.push != "off", self._settings.sent_watch == "idle"
        async with self._alone():
            mailbox = self._mailbox
            return self._expiry.added_to(await self._do(lambda: probe(mailbox, pushed=pushed, second_idle=second)))

    async def census(self, since: datetime) -> AsyncIterator[tuple[str, str]]:
        """See Counts."""
        async with self._alone():
            mailbox = self._mailbox
            for place in await self._do(lambda: places(mailbox, since)):
                for found in await self._do(partial(identities, mailbox, place, since)):
                    yield found

    async def recover(self, refs: Sequence[str]) -> tuple[RawMessage, ...]:
        """See Recovers."""
        return (await self.reread(refs)).messages

    async def reread(self, refs: Sequence[str]) -> Reread:
        """See Rereads."""
        async with self._alone():
            mailbox, reader = self._mailbox, self._reader
            found = await self._do(lambda: recover(mailbox, reader, refs))
        return Reread(found.messages, found.quarantined)

    async def aclose(self) -> None:
        """See MailConnector. Waits a moment for what is under way, then closes the connection."""
        await self._sent_idle.stop()
        with contextlib.suppress(TimeoutError, MailboxError):
            async with asyncio.timeout(_CLOSING), self._alone():
                await self._do(self._mailbox.close)
        self._abandon()

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Holds the connection alone; an IDLE on it is interrupted as if there were news."""
        if self._idle is not None:
            self._idle.interrupt()
        async with self._lock:
            self._idle = None
            yield

    async def _plan(self, mailbox: ImapMailbox, survey: UidSurvey, size: int) -> list[UidStep]:
        if not (wants_times(survey, size) and self._times.wanted):
            return list(steps_by_uid(survey, size))
        times: dict[str, Times] = {}
        for name, uids in survey.pending.items():
            ask = partial(self._times.of, mailbox, name, survey.positions[name].validity, uids)
            times[name] = await self._do(ask)
        return list(steps(survey, times, self._reading.since, size))

    def _ahead(self, reader: ImapReader, step: UidStep) -> Task[ReadMessages]:
        return asyncio.create_task(self._do(lambda: reader.read(step.begins, step.share)))

    async def _begin_idle(self) -> bool:
        """Goes idle on the inbox and returns False; or True where there is news already."""
        mailbox = self._mailbox
        self._idle = None

        def begin() -> ImapSession | None:
            session = mailbox.session()
            session.end_idle()
            if "IDLE" not in session.capabilities:
                return session
            if mailbox.changed():
                return None
            session.notify([name for name in mailbox.watched.roles if name != mailbox.watched.inbox])
            return None if session.begin_idle() else session

        session = await self._do(begin)
        if session is None:
            return True
        if "IDLE" in session.capabilities:
            self._idle = Idle(session, mailbox.states, self._idle_lasts)
            if self._settings.sent_watch == "idle" and not session.notified:
                self._sent_idle.start()
        return False

    async def _do(self, work: Callable[[], Result]) -> Result:
        """Runs blocking work on a thread.

        After a timeout or cancellation the thread may go on: it keeps the old connection, which is closed.
        """
        try:
            return await workers().run(self._settings.host, work, _STEP_LIMIT)
        except MailboxError as error:
            if error.reason is Reason.RATE_LIMITED:
                self._sent_idle.give_way()
            raise
        except TimeoutError:
            self._abandon()
            raise MailboxError(Reason.TIMEOUT, f"a step took more than {_STEP_LIMIT:.0f} s") from None
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        self._mailbox.abandon()
        self._start_over()
