"""Questions on the terminal: asked on standard error, answered there or by lines piped in."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable

from inboxwatch.commands.terminal import remark


class NoAnswer(Exception):  # noqa: N818  (what happened, not what is wrong)
    """Standard input has ended; the message names the option that gives the answer."""


def ask(
    question: str, option: str, *, default: str = "", secret: bool = False, read: Callable[[str], str] = str
) -> str:
    """The answer, asked for until `read` takes it (it raises ValueError with what is wrong). Raises NoAnswer.

    `option` gives the same answer on the command line. A secret is not shown, neither as typed nor as a default.
    """
    shown = f" [{'as before' if secret else default}]" if default else ""
    while True:
        given = _line(f"{question}{shown}: ", option, secret=secret) or default
        if not given:
            remark("an answer is needed")
            continue
        try:
            return read(given)
        except ValueError as error:
            remark(str(error))


def agree(question: str, option: str, *, default: bool) -> bool:
    """Yes or no. Raises NoAnswer."""
    answer = _line(f"{question} [{'Y/n' if default else 'y/N'}]: ", option)
    return answer.lower().startswith("y") if answer else default


def _line(prompt: str, option: str, *, secret: bool = False) -> str:
    if secret and sys.stdin.isatty():
        return getpass.getpass(prompt, stream=sys.stderr)
    print(prompt, end="", file=sys.stderr, flush=True)  # noqa: T201  (a question)
    line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)  # noqa: T201  (ends the question's line)
        raise NoAnswer(f"no answer: give {option}")
    return line.rstrip("\r\n") if secret else line.strip()
