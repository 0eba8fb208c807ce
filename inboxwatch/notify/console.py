"""The channel `console`: one readable line a wait on standard output; for demos, trials and service logs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import ClassVar, TextIO

from rich.console import Console as Terminal
from rich.text import Text

from inboxwatch.notify import (
    ABOUT_WAITS,
    ChannelError,
    ChannelSettings,
    Notice,
    Receipt,
    Recipient,
    Settings,
    messages,
)
from inboxwatch.notify.render import SHOWN, Renderer
from inboxwatch.notify.text import clean, web_link
from inboxwatch.notify.wait import ShownWait, chosen
from inboxwatch.words import words

_MARKS = {"warning": "due soon", "breach": "overdue", "repeated": "again", "unverified": "can't tell"}
"""What begins a line, by the reason of its step; other reasons stand as they are."""
_STYLES = {
    "DUE SOON": "yellow",
    "OVERDUE": "bold red",
    "ESCALATED": "bold red",
    "AGAIN": "red",
    "CAN'T TELL": "magenta",
    "RESOLVED": "green",
    "MAILBOX": "magenta",
}


class Console:
    """Writes to `out` (standard output); in colours where that is a terminal, in plain lines elsewhere."""

    settings: ClassVar[type[Settings]] = ChannelSettings

    def __init__(self, settings: ChannelSettings, name: str, out: TextIO | None = None) -> None:
        self.name = name
        self._renderer = Renderer(settings.zone, settings.templates)
        self._out = out or sys.stdout
        self._writing = asyncio.Lock()

    def reaches(self, person: Recipient) -> str | None:
        return person.id

    def accepts(self, destination: str) -> str | None:
        return None

    async def send(
        self, notice: Notice, destination: str, person: Recipient | None, key: str, earlier: str | None = None
    ) -> Receipt:
        lines = list(self._lines(notice, person, clean(person.name if person else destination or self.name, 80)))
        async with self._writing:
            try:
                # On a thread: a pipe whose reader sleeps must not stop the daemon.
                await asyncio.to_thread(self._write, lines)
            except (OSError, ValueError) as error:
                raise ChannelError(f"cannot write to the console: {error}", permanent=True) from error
        return Receipt()

    async def probe(self) -> str:
        if self._out.closed:
            raise ChannelError("the console is closed", permanent=True)
        return "a terminal" if self._out.isatty() else "plain lines"

    async def aclose(self) -> None:
        """Standard output is not ours to close."""

    def _lines(self, notice: Notice, person: Recipient | None, reader: str) -> Iterator[Text]:
        waits = self._renderer.waits(notice, person)
        if len(waits) != 1 or notice.type not in ABOUT_WAITS:
            mark = notice.type.value.replace("_", " ").upper()
            yield _line(mark, self._renderer.line("headline.txt", notice, person, 500), f"→ {reader}")
            for wait in (shown := chosen(waits, SHOWN)):
                yield Text(f"{'':10}  - {wait.who}: {wait.standing}")
            if len(waits) > len(shown):
                yield Text(f"{'':10}    {messages.and_more(len(waits) - len(shown), words=words(notice.language))}")
            return
        wait = waits[0]
        mark = _MARKS.get(wait.reason, wait.reason).upper() or notice.type.value.upper()
        yield _line(mark, self._renderer.line("headline.txt", notice, person), *_details(wait), f"→ {reader}")
        if link := web_link(notice.link):
            yield Text(f"{'':12}{link}", style="dim")

    def _write(self, lines: list[Text]) -> None:
        if self._out.isatty():
            Terminal(file=self._out, highlight=False, soft_wrap=True).print(Text("\n").join(lines))
        else:
            encoding = self._out.encoding or "utf-8"
            text = "".join(f"{line.plain}\n" for line in lines)
            self._out.write(text.encode(encoding, "replace").decode(encoding))
        self._out.flush()


def _line(mark: str, headline: str, *details: str) -> Text:
    line = Text.assemble((f"{mark:10}", _STYLES.get(mark, "cyan")), "  ", headline)
    for detail in details:
        line.append(f"  {detail}", style="dim")
    return line


def _details(wait: ShownWait) -> Iterator[str]:
    if wait.subject:
        yield f"“{clean(wait.subject, 60)}”"
    if wait.next and not wait.over:
        yield f"next: {wait.next}"
