"""An IMAP server that misbehaves on command, for what real servers do not do when asked.

    async with ScriptedImap(on={"IDLE": glued}) as server:
        connector = server.connector()

It knows enough to serve one mailbox whose folders are lists of header blocks; `on` replaces its answer to a command.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

from connectors.mail.imap import Imap, ImapSettings
from connectors.mail.imap.limits import USUAL, ImapLimits
from inboxwatch.connector import Context, Reading

PASSWORD = "pass-of-the-tests"
_NAME = re.compile(r'^"?([^"]*)"?')


class Client:
    """One connection, as a script sees it."""

    def __init__(self, server: ScriptedImap, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.folder = ""
        self.told = 0
        """How many messages of the open folder the client knows of."""

    async def send(self, *segments: str | bytes) -> None:
        """Each argument leaves in a TCP segment of its own."""
        for number, segment in enumerate(segments):
            if number:
                await asyncio.sleep(0.01)
            self.writer.write(segment if isinstance(segment, bytes) else segment.encode())
            await self.writer.drain()

    async def line(self) -> str:
        """The client's next line; empty at the end."""
        return (await self.reader.readline()).decode(errors="surrogateescape").rstrip("\r\n")

    def hang_up(self) -> None:
        self.writer.close()


Answer = Callable[[Client, str, str], Awaitable[None]]
"""(client, tag, arguments): sends everything up to the tagged line."""


class ScriptedImap:
    """Listens on loopback; with `tls`, through this context."""

    def __init__(
        self,
        on: Mapping[str, Answer] | None = None,
        *,
        capabilities: str = "IMAP4rev1 IDLE",
        folders: str = r'* LIST (\HasNoChildren) "/" INBOX|* LIST (\sent) "/" "Out"',
        greeting: str | None = "* OK ready\r\n",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.on = dict(on or {})
        self.capabilities = capabilities
        self.folders = folders
        self.greeting = greeting
        self.tls = tls
        self.mail: dict[str, list[str]] = {"INBOX": [], "Out": []}
        """Header blocks by folder; a message's UID is its place, from 1."""
        self.validity = 7
        self.commands: list[str] = []
        self.connected_at: list[float] = []
        """When each connection was made, in seconds of `time.monotonic`."""
        self.idlers: dict[str, Client] = {}
        """The last client that went idle on each folder."""
        self._stirred = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, ssl=self.tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def connector(self, reading: Reading | None = None, limits: ImapLimits = USUAL, **settings: Any) -> Imap:
        given = {"host": "127.0.0.1", "port": self.port, "security": "none", "password": PASSWORD} | settings
        context = Context("ana", "ana@acme.test", reading or Reading())
        return Imap(ImapSettings.model_validate(given), context, limits=limits)

    @property
    def connections(self) -> int:
        """How many were made so far."""
        return len(self.connected_at)

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._clients)

    def cut(self) -> None:
        """Hangs up on everybody."""
        for task in self._clients:
            task.cancel()

    async def saw(self, command: str, *, times: int = 1) -> None:
        """Waits until the command was given so often."""
        await self.until(lambda: self.commands.count(command) >= times)

    async def until(self, happened: Callable[[], bool]) -> None:
        """Waits until it is so; asked after each command, when a client goes idle, and when one leaves."""
        async with self._stirred:
            await self._stirred.wait_for(happened)

    async def _stir(self) -> None:
        async with self._stirred:
            self._stirred.notify_all()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        self.connected_at.append(time.monotonic())
        client = Client(self, reader, writer)
        try:
            if self.greeting is None:
                await asyncio.Event().wait()
            await client.send(self.greeting or "")
            while line := await client.line():
                tag, _, rest = line.partition(" ")
                verb, _, arguments = rest.partition(" ")
                if verb.upper() == "UID":
                    word, _, arguments = arguments.partition(" ")
                    verb = f"UID {word}"
                self.commands.append(f"{verb.upper()} {arguments}".strip())
                await self._stir()
                answer = self.on.get(verb.upper()) or getattr(self, f"_{verb.lower().replace(' ', '_')}", None)
                if answer is None:
                    await client.send(f"{tag} BAD unknown command\r\n")
                else:
                    await answer(client, tag, arguments)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._clients.discard(task)
            writer.close()
            await self._stir()

    async def _capability(self, client: Client, tag: str, _: str) -> None:
        await client.send(f"* CAPABILITY {self.capabilities}\r\n{tag} OK done\r\n")

    async def _login(self, client: Client, tag: str, _: str) -> None:
        await client.send(f"{tag} OK [CAPABILITY {self.capabilities}] in\r\n")

    async def _list(self, client: Client, tag: str, _: str) -> None:
        await client.send("".join(f"{line}\r\n" for line in self.folders.split("|")) + f"{tag} OK done\r\n")

    async def _examine(self, client: Client, tag: str, name: str) -> None:
        client.folder = _folder(name)
        client.told = count = len(self.mail[client.folder])
        await client.send(
            f"* {count} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] ok\r\n* OK [UIDNEXT {count + 1}] ok\r\n"
            f"{tag} OK [READ-ONLY] done\r\n"
        )

    async def _status(self, client: Client, tag: str, arguments: str) -> None:
        name = _folder(arguments)
        count = len(self.mail[name])
        await client.send(
            f'* STATUS "{name}" (MESSAGES {count} UIDNEXT {count + 1} UIDVALIDITY {self.validity})\r\n{tag} OK done\r\n'
        )

    async def _uid_search(self, client: Client, tag: str, arguments: str) -> None:
        found = re.search(r"UID (\d+):(\d+)", arguments)
        low, high = (int(found[1]), int(found[2])) if found else (1, 10**9)
        uids = [uid for uid in range(1, len(self.mail[client.folder]) + 1) if low <= uid <= high]
        await client.send(f"* SEARCH {' '.join(map(str, uids))}\r\n{tag} OK done\r\n")

    async def _uid_fetch(self, client: Client, tag: str, arguments: str) -> None:
        for uid in uids_of(arguments):
            await client.send(self.fetched(client.folder, uid))
        await client.send(f"{tag} OK done\r\n")

    def fetched(self, folder: str, uid: int) -> str:
        """One FETCH response in the usual order."""
        header = self.mail[folder][uid - 1]
        return (
            f'* {uid} FETCH (UID {uid} INTERNALDATE "01-Nov-2026 10:00:{uid % 60:02} +0000"'
            f' BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 4 1 NIL NIL NIL NIL)'
            f" BODY[HEADER]<0> {{{len(header)}}}\r\n{header})\r\n"
        )

    async def _idle(self, client: Client, tag: str, _: str) -> None:
        self.idlers[client.folder] = client
        await client.send("+ idling\r\n")
        await self._stir()
        await client.line()
        await client.send(f"{tag} OK done\r\n")

    async def _noop(self, client: Client, tag: str, _: str) -> None:
        if client.folder and (count := len(self.mail[client.folder])) != client.told:
            client.told = count
            await client.send(f"* {count} EXISTS\r\n")
        await client.send(f"{tag} OK done\r\n")

    async def _logout(self, client: Client, tag: str, _: str) -> None:
        await client.send(f"* BYE bye\r\n{tag} OK done\r\n")


def uids_of(arguments: str) -> list[int]:
    """The UIDs of a set such as `3:5,9`."""
    found: list[int] = []
    for part in arguments.split(" ")[0].split(","):
        low, _, high = part.partition(":")
        found += range(int(low), int(high or low) + 1)
    return found


def _folder(arguments: str) -> str:
    found = _NAME.match(arguments)
    name = found[1] if found else ""
    return "INBOX" if name.upper().startswith("INBOX") else name.split(" ")[0]
