"""One logged-in IMAP connection that can only read: EXAMINE, SEARCH, FETCH with PEEK, STATUS, IDLE.

It blocks and belongs to one thread at a time. Sessions, login and folders go through imapclient; bulk reading through
imaplib's own `uid`, which is eight times as fast.
"""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from imaplib import IMAP4, Commands
from typing import Any, Protocol

from imapclient import IMAPClient  # type: ignore[import-untyped]  # it ships no types
from imapclient.exceptions import LoginError  # type: ignore[import-untyped]  # the same

from connectors.mail.folder_roles import ListedFolder
from connectors.mail.imap.connection import ImapServer, connect
from connectors.mail.imap.errors import failure, refusal
from connectors.mail.imap.fetch_response import FetchAnswer, FetchResponse, fetch_answer
from connectors.mail.imap.folder_list import listed_folders
from connectors.mail.imap.folder_state import STATUS_ITEMS, FolderState, state_of, status_of
from connectors.mail.imap.limits import USUAL
from connectors.mail.imap.position import ranges
from inboxwatch.connector import MailboxError, Reason

_FAREWELL = 2.0
"""Seconds that a server has for its BYE."""
_PIECE = 64 * 1024
_BUFFER = 64 * 1024
"""Bytes that imaplib reads at once while mail is read."""
_MAX_LINE = 1024 * 1024
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_PIPELINED = 50
"""Commands that are sent before the first answer is read."""
_ESEARCH_ALL = re.compile(rb"\bALL ([\d:,]+)", re.IGNORECASE)


# imaplib sends only the commands that it knows.
Commands.setdefault("NOTIFY", ("AUTH", "SELECTED"))


class ImapLogin(Protocol):
    """A way to prove who we are on a fresh connection."""

    def __call__(self, client: IMAPClient) -> None:
        """Logs in; raises LoginError with the server's words, or MailboxError."""
        ...


@functools.lru_cache(100)
def _shared(capabilities: tuple[bytes, ...]) -> tuple[tuple[bytes, ...], frozenset[str]]:
    """Thousands of connections to one server share one set."""
    return capabilities, frozenset(_ascii(word) for word in capabilities)


class ImapSession:
    """One connection. Every method raises MailboxError; where `alive` is false after it, the session has ended."""

    def __init__(self, client: IMAPClient, read_timeout: float, search_window: int) -> None:
        self._client = client
        self._search_window = search_window
        self._read_timeout = read_timeout
        self._imap: Any = client._imap
        self.selected: str | None = None
        self.state: FolderState | None = None
        """The open folder's, when it was opened."""
        self.raw_names: Mapping[str, bytes] = {}
        """Names of folders as the server writes them, where they cannot be made from ours."""
        self.alive = True
        self._idle_tag: bytes | None = None
        self._notified = b""
        self._has_news = False
        self._started = b""  # the beginning of a line that came while idle
        client._cached_capabilities, self.capabilities = _shared(client.capabilities())
        self._imap.capabilities = ()

    @classmethod
    def open(cls, server: ImapServer, login: ImapLogin, search_window: int = USUAL.search_window) -> ImapSession:
        """Connects, encrypts as `security` says, and logs in. `search_window`: messages of one SEARCH."""
        with _errors_of(f"connecting to {server.host}:{server.port}"):
            client = connect(server)
        try:
            with _errors_of("logging in"):
                try:
                    login(client)
                except LoginError as error:
                    cut = isinstance(error.__context__, IMAP4.abort)
                    raise refusal(str(error), "logging in", broken=cut, login=not cut) from None
                session = cls(client, server.read_timeout, search_window)
                if "ID" in session.capabilities:
                    with contextlib.suppress(IMAP4.error):  # some providers serve no client without it
                        client.id_({"name": "inboxwatch"})
                return session
        except BaseException:
            with contextlib.suppress(OSError, IMAP4.error):
                client.shutdown()
            raise

    @property
    def socket(self) -> socket.socket:
        """The connection's socket, to wait on."""
        found: socket.socket = self._client.socket()
        return found

    @property
    def farewell(self) -> str:
        """The server's BYE, where it said one."""
        return " ".join(_ascii(_bytes(line)) for line in self._imap.untagged_responses.get("BYE", []))

    def folders(self) -> tuple[ListedFolder, ...]:
        """All folders with their SPECIAL-USE attributes."""
        with self._doing("listing folders"):
            extended = ("RETURN (SPECIAL-USE)",) if {"LIST-EXTENDED", "SPECIAL-USE"} <= self.capabilities else ()
            self._imap.untagged_responses.pop("LIST", None)
            self._checked(self._imap._simple_command("LIST", '""', '"*"', *extended), "listing folders")
            return listed_folders(self._imap.untagged_responses.pop("LIST", []))

    def _written(self, folder: str) -> bytes:
        """A folder's name as it is sent."""
        raw = self.raw_names.get(folder)
        if raw is None:
            written: bytes = self._client._normalise_folder(folder)
            return written
        if min(raw, default=0) < 32:
            raise MailboxError(Reason.PROTOCOL, f"no command can name the folder {folder!r}")
        return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'

    def examine(self, folder: str) -> FolderState:
        """Opens a folder, read-only, and returns its state. (Never SELECT: some servers set \\Seen even on PEEK.)"""
        with self._doing(f"opening {folder!r}"):
            self.selected = None
            self._client._command_and_check("select", self._written(folder), True)  # EXAMINE
            answer = self._client._process_select_response(self._imap.untagged_responses)
            self.selected = folder
            validity, uidnext = answer.get(b"UIDVALIDITY"), answer.get(b"UIDNEXT")
            if validity is None:
                raise MailboxError(Reason.PROTOCOL, f"opening {folder!r}: the server gives no UIDVALIDITY")
            self._check_exists()
            self._has_news = False
            if uidnext is None:
                uidnext = self._last_uid() + 1
            self.state = FolderState(int(validity), int(uidnext), int(answer[b"EXISTS"]), b"READ-ONLY" in answer)
            return self.state

    def news(self) -> bool:
        """Whether mail came into the open folder since it was opened; the server is asked by NOOP (RFC 3501, 6.1.2)."""
        with self._doing("asking for news"):
            self._checked(self._imap.noop(), "asking for news")
            return self._check_exists()

    def _check_exists(self) -> bool:
        """EXISTS may come with any answer; imaplib collects it."""
        self._has_news = self._imap.untagged_responses.pop("EXISTS", None) is not None or self._has_news
        return self._has_news

    def status(self, folder: str) -> FolderState:
        """The state of a folder that is not open."""
        with self._doing(f"asking for the status of {folder!r}"):
            name = self._written(folder)
            self._imap.untagged_responses.pop("STATUS", None)
            lines = [line or b"" for line in self._checked(self._imap.status(name, STATUS_ITEMS), "status")]
            # With NOTIFY, news of other folders may stand beside the answer.
            answer = next((line for line in lines if status_of(line) in (name, name.strip(b'"'))), lines[-1])
            return state_of(answer) or self.examine(folder)

    def statuses(self, folders: Sequence[str]) -> tuple[dict[str, FolderState], dict[str, MailboxError]]:
        """The states of folders that are not open, and why the server refuses that of some.

        They are asked for in one go: many folders cost one round trip, not many.
        """
        found: dict[bytes, FolderState] = {}
        refused: dict[str, MailboxError] = {}
        names = {folder: self._written(folder) for folder in folders}
        with self._doing("asking for the status of folders"):
            self._imap.untagged_responses.pop("STATUS", None)
            for some in (folders[at : at + _PIPELINED] for at in range(0, len(folders), _PIPELINED)):
                tags = [self._imap._command("STATUS", names[folder], STATUS_ITEMS) for folder in some]
                for folder, answer in zip(
                    some, [self._imap._command_complete("STATUS", tag) for tag in tags], strict=True
                ):
                    try:
                        self._checked(answer, f"asking for the status of {folder!r}")
                    except MailboxError as error:
                        refused[folder] = error
            for line in self._imap.untagged_responses.pop("STATUS", []):
                if state := state_of(line):
                    found[status_of(line)] = state
        # A server may write a name in another way than we do.
        asked = {folder: name for folder, name in names.items() if folder not in refused}
        return {folder: found.get(name.strip(b'"')) or self.status(folder) for folder, name in asked.items()}, refused

    def search(self, first: int, last: int, messages: int, since: date | None = None) -> list[int]:
        """The UIDs from `first` to `last`, ascending, of messages received on `since` or later (by the server's day).

        `messages` is the number in the folder; it decides how the question must be cut.
        """
        criteria = f"UID {first}:{last}"
        if since is not None:
            criteria += f" SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}"
        with self._doing("searching"):
            if "ESEARCH" in self.capabilities:
                found = self._esearch(criteria)
            elif min(last - first + 1, messages) <= self._search_window:
                found = self._search(criteria)
            else:
                # By sequence number, from the top: what is expunged meanwhile moves later messages into windows yet
                # to come, so that none is missed.
                found = set()
                for top in range(messages, 0, -self._search_window):
                    found |= self._search(f"{max(1, top - self._search_window + 1)}:{top} {criteria}")
            return sorted(uid for uid in found if first <= uid <= last)

    def fetch(self, uids: Sequence[int], items: str) -> dict[int, FetchResponse]:
        """What is said of these messages of the open folder, by UID; messages that are gone are left out.

        So is a message whose answer cannot be followed.
        """
        with self._doing("reading messages"):
            self._forget_responses()
            said = self._imap.uid("FETCH", ranges(uids), items)
            found = self._answer(said, "reading messages").by_uid
            if len(found) == len(uids) and all(map(found.__contains__, uids)):
                return found
            return {uid: found[uid] for uid in uids if uid in found}

    def _forget_responses(self) -> None:
        """What came unasked, perhaps for another folder, is no part of the next answer; imaplib collects it."""
        for kind in ("FETCH", "EXPUNGE"):
            self._imap.untagged_responses.pop(kind, None)

    def _answer(self, said: tuple[str, list[Any]], doing: str) -> FetchAnswer:
        data = self._checked(said, doing)
        return fetch_answer(data, renumbered=self._imap.untagged_responses.pop("EXPUNGE", None) is not None)

    @property
    def encryption(self) -> str:
        """The TLS version, or `none`."""
        return getattr(self.socket, "version", lambda: None)() or "none"

    def flags(self, numbers: str) -> dict[int, FetchResponse]:
        """UIDs and flags of messages given by sequence numbers, as `check` compares them."""
        with self._doing("reading flags"):
            self._forget_responses()
            return self._answer(self._imap.fetch(numbers, "(UID FLAGS)"), "reading flags").by_uid

    def read_headers(self, numbers: str) -> None:
        """Reads headers in the way of `fetch`, for the self-test."""
        with self._doing("reading headers"):
            self._checked(self._imap.fetch(numbers, "(UID BODY.PEEK[HEADER])"), "reading headers")

    def rights(self, folder: str) -> str:
        """The letters of what the login may do in a folder (RFC 4314); empty where the server does not tell."""
        if "ACL" not in self.capabilities:
            return ""
        name = self._client._normalise_folder(folder)
        with self._doing("asking for the login's rights"):
            answer, data = self._imap._simple_command("MYRIGHTS", name.decode("ascii"))
            lines = self._imap._untagged_response(answer, data, "MYRIGHTS")[1]
        return _ascii(lines[-1]).rpartition(" ")[2] if answer == "OK" and lines and lines[-1] else ""

    def notify(self, folders: Sequence[str]) -> None:
        """Asks for news of these folders during IDLE (RFC 5465); those of the open folder come in any case."""
        names = b" ".join(map(self._written, folders))
        if not folders or names == self._notified or "NOTIFY" not in self.capabilities:
            return
        with self._doing("asking to be notified"):
            events = b"(MessageNew MessageExpunge)"
            command = b"SET (SELECTED %b) (MAILBOXES (%b) %b)" % (events, names, events)
            if self._imap._simple_command("NOTIFY", command)[0] == "OK":
                self._notified = names

    @property
    def notified(self) -> bool:
        """Whether news of other folders come while idle."""
        return bool(self._notified)

    def begin_idle(self) -> bool:
        """Asks for news of the open folder (RFC 2177); from now on only `lines` and `end_idle` may be called.

        Returns whether there is news already.
        """
        with self._doing("going idle"):
            tag = self._imap._command("IDLE")
            while self._imap._get_response() is not None:  # untagged lines before the server's `+ idling`
                if answer := self._imap.tagged_commands.get(tag):
                    self._checked(answer, "going idle")
            self._idle_tag = tag
            self.socket.settimeout(0)
            self._started = self._buffered()
            heard = self._check_exists()
            self._imap.untagged_responses.clear()
            self._lend_file()
            return heard

    def lines(self) -> list[bytes]:
        """Whole lines that came while idle; does not block. Raises MailboxError where the connection has ended.

        The last piece of `+ idling` often brings news with it, which stay in imaplib's buffer; TLS may hold whole lines
        while the socket is quiet; and a line may come in two segments.
        """
        ended = False
        try:
            try:
                while piece := self.socket.recv(_PIECE):
                    self._started += piece
                ended = True
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
        except OSError as error:
            self.alive = False
            raise failure(error, "waiting for news") from error
        *lines, self._started = self._started.split(b"\n")
        if (ended and not lines) or len(self._started) > _MAX_LINE:
            self.alive = False
            raise failure(EOFError("the server closed the connection"), "waiting for news")
        self._has_news = self._has_news or any(b"EXISTS" in line.upper() for line in lines)
        return lines

    def end_idle(self) -> None:
        """Leaves IDLE; commands are possible again."""
        if self._idle_tag is None:
            return
        with self._doing("leaving idle"):
            tag, self._idle_tag = self._idle_tag, None
            self.socket.settimeout(self._read_timeout)
            while self._started and not self._started.endswith(b"\n"):
                piece = self.socket.recv(1)
                if not piece:
                    raise EOFError("the server closed the connection")
                self._started += piece
            self._has_news = self._has_news or b"EXISTS" in self._started.upper()
            self._started = b""
            self._take_file_back()
            self._imap.send(b"DONE\r\n")
            self._checked(self._imap._command_complete("IDLE", tag), "leaving idle")

    def _lend_file(self) -> None:
        """Frees imaplib's read buffer during IDLE: it is half of the memory that a waiting mailbox costs."""
        if not hasattr(self._imap, "_readbuf"):
            self._imap.file.close()
            self._imap.file = None

    def _take_file_back(self) -> None:
        if not hasattr(self._imap, "_readbuf"):
            self._imap.file = self.socket.makefile("rb", _BUFFER)

    def _buffered(self) -> bytes:
        """What imaplib has read from the socket and not used yet: in its file before Python 3.14, in a list since."""
        if (own := getattr(self._imap, "_readbuf", None)) is not None:
            taken = b"".join(own)
            own.clear()
            return taken
        try:
            return self._imap.file.read1(_PIECE) or b""
        except (BlockingIOError, ssl.SSLWantReadError):
            return b""

    def close(self) -> None:
        """Logs out and closes the connection."""
        with contextlib.suppress(Exception):
            if self.alive:
                self.end_idle()
                self.alive = False
                self.socket.settimeout(2)
                self._client.logout()
        self.abort()

    def abort(self) -> None:
        """Closes the connection at once, from any thread: a thread that reads on it meets the end of the stream."""
        self.alive = False
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._imap.file.close()
        with contextlib.suppress(OSError):
            self.socket.close()

    def _esearch(self, criteria: str) -> set[int]:
        self._imap.untagged_responses.pop("ESEARCH", None)
        data = self._checked(self._imap.uid("SEARCH", "RETURN", "(ALL)", criteria), "searching")
        answer = self._imap.untagged_responses.pop("ESEARCH", None)
        if answer is None:
            return _numbers(data)
        found: set[int] = set()
        for piece in _ESEARCH_ALL.findall(b" ".join(map(_bytes, answer))):
            for part in piece.split(b","):
                low, _, high = part.partition(b":")
                ends = sorted((int(low), int(high or low)))
                found.update(range(ends[0], ends[1] + 1))
        return found

    def _search(self, criteria: str) -> set[int]:
        return _numbers(self._checked(self._imap.uid("SEARCH", criteria), "searching"))

    def _last_uid(self) -> int:
        self._forget_responses()
        return max(self._answer(self._imap.uid("FETCH", "*", "(UID)"), "reading the last UID").by_uid, default=0)

    def _checked(self, answer: tuple[str, list[Any]], doing: str) -> list[Any]:
        kind, data = answer
        if kind != "OK":
            raise refusal(" ".join(_ascii(_bytes(line)) for line in data if line), doing)
        return data

    @contextlib.contextmanager
    def _doing(self, what: str) -> Iterator[None]:
        try:
            with _errors_of(what):
                yield
        except MailboxError as error:
            cause = error.__cause__
            # After a line that is too long for imaplib its rest would be taken for the next answer.
            if cause is not None and (
                isinstance(cause, IMAP4.abort) or not isinstance(cause, IMAP4.error) or "got more than" in str(cause)
            ):
                self.alive = False
            raise


@contextlib.contextmanager
def _errors_of(doing: str) -> Iterator[None]:
    """Turns what is raised inside into a MailboxError with the original as its cause; a refusal has none."""
    try:
        yield
    except MailboxError:
        raise
    except Exception as error:
        raise failure(error, doing) from error


def _numbers(data: Sequence[Any]) -> set[int]:
    return {int(word) for line in data if line for word in _bytes(line).split() if word.isdigit()}


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _ascii(value: bytes | str) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value
