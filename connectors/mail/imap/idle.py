"""Waiting for news on an idle IMAP connection in the event loop: a socket, not a thread."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from imapclient import imap_utf7  # type: ignore[import-untyped]  # it ships no types

from connectors.mail.imap.errors import refusal
from connectors.mail.imap.folder_state import FolderState
from connectors.mail.imap.session import ImapSession
from inboxwatch.connector import MailboxError

_LASTING = 60.0
"""Seconds: an IDLE that ended earlier may end so each time."""
_NEWS = re.compile(rb"\* \d+ (?:EXISTS|RECENT)", re.IGNORECASE)
_STATUS = re.compile(rb'\* STATUS "?(.*?)"? \([^()]*\bUIDNEXT (\d+)', re.IGNORECASE)


class Idle:
    """One IDLE under way on a session; nothing else may use the session meanwhile."""

    def __init__(self, session: ImapSession, states: Mapping[str, FolderState], lasts: float) -> None:
        """`states`: the folders, by name, as they were surveyed; a NOTIFY that says the same is no news.

        `lasts`: seconds after which it must be renewed.
        """
        self._session = session
        self._lasts = lasts
        self._known = {(imap_utf7.encode(name), state.uidnext) for name, state in states.items()}
        self._began = asyncio.get_running_loop().time()
        self._over: asyncio.Future[None] | None = None
        self._heard = False
        """There is news, or something else needs the connection; it stays true until the next IDLE."""

    @property
    def lasted(self) -> bool:
        """Whether it has lasted long enough to count as working."""
        return asyncio.get_running_loop().time() - self._began >= _LASTING

    @property
    def renewal(self) -> float:
        """Seconds until it must be renewed."""
        return self._began + self._lasts - asyncio.get_running_loop().time()

    def reset(self) -> None:
        """The caller knows of the news so far; `news` waits for further ones."""
        self._heard = False

    def interrupt(self) -> None:
        """Ends the waiting as if there were news: something else needs the connection."""
        self._heard = True
        self._end()

    async def news(self, seconds: float) -> bool:
        """Whether there is news within so many seconds. Raises MailboxError where the connection ended."""
        loop = asyncio.get_running_loop()
        if self._heard or self._arrived():
            return True
        handle = self._session.socket.fileno()
        self._over = over = loop.create_future()
        loop.add_reader(handle, self._on_readable)
        timer = loop.call_later(seconds, self._end)
        try:
            await over
        finally:
            timer.cancel()
            loop.remove_reader(handle)
        return self._heard

    def _on_readable(self) -> None:
        # Read here, without waking the task: most of what servers send is to keep the connection open.
        try:
            if self._arrived():
                self._end()
        except MailboxError as error:
            self._end(error)

    def _end(self, error: MailboxError | None = None) -> None:
        if self._over is None or self._over.done():
            return
        if error is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(error)

    def _arrived(self) -> bool:
        """Takes what has come, without blocking."""
        for line in self._session.lines():
            if line.upper().startswith(b"* BYE"):
                raise refusal(line.decode("ascii", "replace"), "waiting for news", broken=True)
            self._heard = self._heard or self._is_news(line)
        return self._heard

    def _is_news(self, line: bytes) -> bool:
        if status := _STATUS.match(line):
            return (status[1], int(status[2])) not in self._known
        return _NEWS.match(line) is not None
