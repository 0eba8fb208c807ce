"""A command on a pseudo-terminal, as a person sees it and types."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from pathlib import Path

from tests.support.installation import PROGRAM
from tests.support.waiting import PATIENCE, wait


class Terminal:
    """`inboxwatch init` on it."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it, and its children
            os.execve(PROGRAM, [PROGRAM, "init", *words], {"PATH": os.defpath, "TERM": "xterm", "COLUMNS": "300"})
        self.shown = ""
        self._seen = 0

    def expect(self, text: str) -> None:
        """Reads until the text appears below what was expected before."""
        deadline = time.monotonic() + PATIENCE
        while (at := self.shown.find(text, self._seen)) < 0:
            assert time.monotonic() < deadline, f"{text!r} is not in:\n{self.shown}"
            assert self._read(), f"ended without {text!r}:\n{self.shown}"
        self._seen = at + len(text)

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def answer(self, question: str, text: str) -> None:
        self.expect(question)
        self.type(f"{text}\n")

    def interrupt(self) -> None:
        """Types Ctrl-C once the program waits for an answer: one that comes a moment before goes unheard."""
        status = Path(f"/proc/{self.pid}/stat")
        wait(lambda: status.read_text().rpartition(")")[2].split()[0] == "S", "it never waited")
        self.type("\x03")

    def end(self) -> int:
        """Reads to the end; the exit code."""
        while self._read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self) -> None:
        os.close(self._fd)

    def _read(self) -> bool:
        if not select.select([self._fd], [], [], PATIENCE)[0]:
            os.kill(self.pid, signal.SIGKILL)
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # as Linux says that nobody has the terminal open any more
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)
