"""Maildir and Maildir++ on this machine, strictly read-only: files are listed and read, never moved or touched.

inotify is a hint, the listing is the truth. The event loop is here; what blocks is in `tree`, on threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar, TypeVar

import structlog

from connectors.mail.folder_reading import ReadingStep, ReadMessages
from connectors.mail.folder_roles import WantedFolders
from connectors.mail.maildir.folder import USUAL_TRUST, StampTrust
from connectors.mail.maildir.inotify import DirectoryWatches, directory_watches
from connectors.mail.maildir.reading_plan import MaildirStep
from connectors.mail.maildir.settings import MaildirSettings
from connectors.mail.maildir.tree import MaildirLook, MaildirTree, encode
from connectors.worker_threads import workers
from inboxwatch import now as instant
from inboxwatch.connector import Batch, Context, Cursor, MailboxError, Probe, Reason, Reread, Settings
from inboxwatch.core.model import FolderRole, RawMessage

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

_STEP_LIMIT = 600.0
"""Seconds that one step may take: a network file system may hang."""


class Maildir:
    """The connector `maildir`."""

    settings: ClassVar[type[Settings]] = MaildirSettings

    def __init__(
        self,
        settings: MaildirSettings,
        context: Context,
        trust: StampTrust = USUAL_TRUST,
        watches: Callable[[], DirectoryWatches] = directory_watches,
    ) -> None:
        """`trust`: how far the file system's time stamps can be believed; `watches`: of the running event loop."""
        self._settings = settings
        self._name = context.name
        self._size = context.reading.batch_size
        wanted = WantedFolders("INBOX", settings.sent, settings.folders, sent_may_come=True)
        self._tree = MaildirTree(settings.path, settings.sent_path, wanted, context.reading, trust)
        self._watches = watches
        self._lock = asyncio.Lock()
        self._news = asyncio.Event()
        self._unsubscribe: Callable[[], None] | None = None
        self._watched: Mapping[Path, int] = {}
        self._exhausted = False
        """It was logged that inotify cannot be had."""

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """See MailConnector."""
        async with self._lock:
            started, (survey, plan) = await self._look(cursor)
            plan = plan or [ReadingStep({}, survey.positions, survey.goals)]
            remaining = sum(len(entries) for step in plan for entries in step.share.values())
            for number, step in enumerate(plan, 1):
                read = await self._read(step)
                remaining -= sum(map(len, step.share.values()))
                last = number == len(plan)
                follows = encode(survey.goals if last else step.follows)
                if last:
                    self._tree.settle(follows)
                yield Batch(
                    read.messages,
                    follows,
                    started if last else None,
                    read.quarantined,
                    resynced=survey.resynced and number == 1,
                    remaining=remaining,
                )

    async def _look(self, cursor: Cursor | None) -> tuple[datetime, MaildirLook]:
        """Lists the folders once they are watched: what comes meanwhile is seen by one or the other.

        Mostly they are watched already: then all of it is one turn of a thread, which costs more than the listing.
        """
        self._news.clear()
        started = instant.now()
        look = await self._do(lambda: self._tree.look(cursor, self._size, self._is_watched))
        if look is None:
            self._subscribe()
            self._news.clear()
            started = instant.now()
            look = await self._do(lambda: self._tree.listed(cursor, self._size))
        return started, look

    def _is_watched(self, directories: Mapping[Path, int]) -> bool:
        """Whether nothing is left to be done that they be watched."""
        return self._settings.push == "off" or (self._unsubscribe is not None and self._watched == directories)

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109  (the port's signature)
        """See Waits: inotify on the watched folders. Without it, or with `push: off`, it only lets the time pass."""
        if self._unsubscribe is None:
            await asyncio.sleep(timeout)
            return False
        try:
            async with asyncio.timeout(timeout):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def probe(self) -> Probe:
        """See MailConnector."""
        watched = await self._do(self._tree.find_folders)
        folders = {
            role: ", ".join(names)
            for role in FolderRole
            if (names := [name for name, its in watched.roles.items() if its is role])
        }
        warnings = [f"no folder matches {pattern!r} in `folders`" for pattern in watched.unmatched]
        if not watched.sent:
            warnings.append("no folder of sent mail yet: until `.Sent` appears, answers from here stay unseen")
        if self._settings.push != "off" and not self._subscribe():
            warnings.append("inotify's limits are reached (fs.inotify.max_user_watches): only polling sees new mail")
        return Probe(
            folders, (("path", str(self._settings.path)), ("sent folder found by", watched.by)), tuple(warnings)
        )

    async def census(self, since: datetime) -> AsyncIterator[tuple[str, str]]:
        """See Counts."""
        async with self._lock:
            for name, entries in await self._do(self._tree.census):
                for found in await self._do(partial(self._tree.identities, name, entries, since)):
                    yield found

    async def recover(self, refs: Sequence[str]) -> tuple[RawMessage, ...]:
        """See Recovers."""
        return (await self.reread(refs)).messages

    async def reread(self, refs: Sequence[str]) -> Reread:
        """See Rereads."""
        async with self._lock:
            found = await self._do(lambda: self._tree.recover(refs))
        return Reread(found.messages, found.quarantined)

    async def aclose(self) -> None:
        """See MailConnector."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._unsubscribe, self._watched = None, {}

    def _subscribe(self) -> bool:
        """Watches the folders as they are now; False where that is not wanted, or the system's limits forbid it."""
        if self._settings.push == "off":
            return False
        if not self._is_watched(self._tree.directories):
            if self._unsubscribe is not None:
                self._unsubscribe()
            self._unsubscribe, self._watched = None, self._tree.directories
            try:
                self._unsubscribe = self._watches().subscribe(self._watched, self._appeared)
            except OSError as error:
                if not self._exhausted:
                    log.warning(
                        "no inotify: mail is seen by polling only",
                        mailbox=self._name,
                        error=error.strerror,
                        hint="raise fs.inotify.max_user_watches",
                    )
            self._exhausted = self._unsubscribe is None
        return self._unsubscribe is not None

    def _appeared(self, path: Path | None) -> None:
        """Mail programs rename files all the time: what is known is no news."""
        if path is None or not self._tree.knows(path):
            self._news.set()

    async def _read(self, step: MaildirStep) -> ReadMessages:
        return await self._do(lambda: self._tree.read(step.begins, step.share)) if step.share else ReadMessages((), ())

    async def _do(self, work: Callable[[], Result]) -> Result:
        try:
            return await workers().run(str(self._settings.path), work, _STEP_LIMIT)
        except TimeoutError:
            raise MailboxError(Reason.TIMEOUT, f"{self._settings.path}: the file system does not answer") from None
