"""One IMAP mailbox seen through one connection: its watched folders, and what is new in each since a cursor."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from connectors.mail.folder_reading import FolderSurvey
from connectors.mail.folder_roles import WantedFolders, WatchedFolders, choose
from connectors.mail.imap.folder_state import FolderState
from connectors.mail.imap.limits import USUAL
from connectors.mail.imap.position import UidPosition, decode
from connectors.mail.imap.session import ImapSession
from inboxwatch.connector import MailboxError, Reason
from inboxwatch.core.model import FolderRole

_DAY = timedelta(days=1)


@dataclass(slots=True)
class ImapMailbox:
    """Opens its connection when it is needed and again where it was lost. Methods block and raise MailboxError."""

    connect: Callable[[], ImapSession]
    wanted: WantedFolders
    since: datetime | None
    """The look-back horizon."""
    list_every: float = USUAL.folder_list
    """Seconds after which folders are listed again."""
    watched: WatchedFolders = field(default_factory=WatchedFolders)
    states: dict[str, FolderState] = field(default_factory=dict)
    """Each folder when it was last surveyed."""
    refused: dict[str, MailboxError] = field(default_factory=dict)
    """Further folders that the server lists and does not let us read: they blind no other."""
    _session: ImapSession | None = None
    _abandoned: bool = False
    _listed_at: float = 0.0

    def session(self) -> ImapSession:
        """The live connection, with the watched folders found."""
        if self._session is None or not self._session.alive:
            self._drop()
            session = self.connect()
            try:
                if not self.watched.roles or self._must_list:
                    self._find_folders(session)
                session.raw_names = self.watched.raw_names
            except BaseException:
                session.close()
                raise
            self._session = session
            if self._abandoned:
                self._drop()
                raise MailboxError(Reason.UNAVAILABLE, "nobody waits for this connection any more")
        return self._session

    def renewed(self) -> ImapMailbox:
        """The same mailbox, with what is known of its folders, through another connection."""
        return ImapMailbox(
            self.connect,
            self.wanted,
            self.since,
            self.list_every,
            self.watched,
            dict(self.states),
            self.refused,
            _listed_at=self._listed_at,
        )

    def abandon(self) -> None:
        """Closes the connection at once and for good, from any thread: a thread that still reads on it ends."""
        self._abandoned = True
        self._drop()

    def close(self) -> None:
        """Logs out and closes the connection."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.abort()

    @property
    def _must_list(self) -> bool:
        return time.monotonic() - self._listed_at > self.list_every

    def _find_folders(self, session: ImapSession) -> None:
        self.watched = choose(session.folders(), self.wanted)
        session.raw_names = self.watched.raw_names
        self._listed_at = time.monotonic()

    def examine(self, name: str) -> FolderState:
        """Opens a folder, though it may be open, and returns its state now."""
        return self.session().examine(name)

    def reach(self, name: str, validity: int) -> FolderState:
        """Opens a folder unless it is open. Raises MailboxError where its UIDVALIDITY is another one."""
        session = self.session()
        state = session.state if session.selected == name else None
        state = state or session.examine(name)
        if state.validity != validity:
            raise MailboxError(Reason.SERVER, f"{name!r} was replaced (UIDVALIDITY changed) while it was read")
        return state

    def survey(self, cursor: str | None) -> FolderSurvey[UidPosition, int]:
        """Compares each folder with the cursor; an unchanged one costs no scan. Folders come and go meanwhile."""
        session = self.session()
        session.end_idle()
        if self._must_list:
            self._find_folders(session)
            session.selected = None  # and not every server tells all news: the folder is opened afresh as well
        before, refused = self.watched.roles, self.refused
        try:
            survey = self._survey(session, cursor)
            if self.refused.keys() <= refused.keys():
                return survey
            self._find_folders(session)
        except MailboxError:
            if not session.alive:
                raise
            self._find_folders(session)
            if self.watched.roles == before:
                raise
        return survey if self.watched.roles == before else self._survey(session, cursor)

    def _survey(self, session: ImapSession, cursor: str | None) -> FolderSurvey[UidPosition, int]:
        known = decode(cursor) if cursor is not None else {}
        resynced = known is None
        positions: dict[str, UidPosition] = {}
        goals: dict[str, UidPosition] = {}
        pending: dict[str, Sequence[int]] = {}
        now = self._states_now()
        # The inbox last, so that the connection stays with the folder whose news are pushed.
        for name in sorted(self.watched.roles, key=lambda name: self.watched.roles[name] is FolderRole.INBOX):
            position = (known or {}).get(name)
            state = now.get(name)
            if (
                state is not None
                and session.selected != name
                and (position is None or _void(position, state) or position.next < state.uidnext)
            ):
                state = self._examined(name)
            if state is None:  # refused: what was read of it stays read
                if position is not None:
                    positions[name] = goals[name] = position
                continue
            if position is not None and _void(position, state):
                position, resynced = None, True
            positions[name] = position = position or self._first_pass(state)
            goals[name] = UidPosition(state.validity, state.uidnext)
            self.states[name] = state
            if uids := _unread(session, position, state):
                pending[name] = uids
        return FolderSurvey(positions, pending, goals, resynced)

    def _examined(self, name: str) -> FolderState | None:
        """Opens a folder; None where it is one that may be left out, and the server refuses it."""
        try:
            return self.examine(name)
        except MailboxError as error:
            self._refuse(name, error)
            return None

    def _refuse(self, name: str, error: MailboxError) -> None:
        """Leaves out a further folder that the server refuses; raises the error where it must be read or it is told
        that it may be tried again.
        """
        lasting = error.reason not in (Reason.RATE_LIMITED, Reason.UNAVAILABLE, Reason.TIMEOUT)
        if self.watched.roles[name] is not FolderRole.OTHER or not lasting or not self.session().alive:
            raise error
        self.refused = self.refused | {name: error}

    def changed(self) -> bool:
        """Opens the inbox; whether anything came into a watched folder since the last survey."""
        return any(differs(self.states.get(name), state) for name, state in self._states_now().items())

    def _states_now(self) -> dict[str, FolderState]:
        """Opens the inbox, for it is waited on, and STATUS would take the server as long.

        It comes first: Dovecot keeps one folder's index between connections, and drops it at the STATUS of another.
        Folders that the server refuses are left out.
        """
        inbox = self.watched.inbox
        return {inbox: self.opened(inbox)} | self.others()

    def others(self) -> dict[str, FolderState]:
        """The states of all watched folders but the inbox and those that the server refuses."""
        inbox = self.watched.inbox
        states, refused = self.session().statuses([name for name in self.watched.roles if name != inbox])
        self.refused = {}
        for name, error in refused.items():
            self._refuse(name, error)
        return states

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is not read of the mailbox, for the operator."""
        left_out = [
            f"the folder {name!r} is not read: its name is no modified UTF-7 (RFC 3501, 5.1.3); rename it, or name it "
            "with `folders` as it is written here"
            for name in self.watched.left_out
        ]
        return (*left_out, *(f"the folder {name!r} is not read: {error}" for name, error in self.refused.items()))

    def opened(self, name: str) -> FolderState:
        """A folder's state as it is now; opens it unless it is open, as that takes the server long for a large one."""
        session = self.session()
        if session.selected != name or session.state is None or session.news():
            return session.examine(name)
        return session.state

    def _first_pass(self, state: FolderState) -> UidPosition:
        # The server compares days of its own zone: one day more, and the exact instant is compared after reading.
        return UidPosition(state.validity, 1, state.uidnext, (self.since - _DAY).date() if self.since else None)


def differs(before: FolderState | None, now: FolderState) -> bool:
    """Whether anything came into a folder meanwhile."""
    return before is None or (now.validity, now.uidnext) != (before.validity, before.uidnext)


def _void(position: UidPosition, state: FolderState) -> bool:
    """Another folder under the same name, or one that went back in time (restored from a backup)."""
    return position.validity != state.validity or max(position.next, position.until) > state.uidnext


def _day_of(position: UidPosition) -> date | None:
    """From which day on, by the server's zone, there may be messages that a pass has not read."""
    if position.after is None:
        return position.since
    reached = (datetime.fromtimestamp(max(position.after[0], 0), UTC) - _DAY).date() if position.after[0] else None
    return max((day for day in (position.since, reached) if day is not None), default=None)


def _unread(session: ImapSession, position: UidPosition, state: FolderState) -> list[int]:
    found: list[int] = []
    if position.next < position.until:
        found += session.search(position.next, position.until - 1, state.messages, _day_of(position))
    if (first := max(position.next, position.until)) < state.uidnext:
        found += session.search(first, state.uidnext - 1, state.messages)
    return found
