"""Trying the logins of a first config: what is waited for, what came of it, and asking again for what failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.status import Status
from rich.text import Text

from inboxwatch.commands.finding import Finding
from inboxwatch.commands.first_answers import WAYS, Answers, Further, ask_further
from inboxwatch.commands.terminal import printable, progress, remark


def correct_mail(answers: Answers, failed: list[Finding], wanted: tuple[Further, ...]) -> None:
    """Asks again for the settings of the mail system and of the channel, as far as they failed. Raises NoAnswer."""
    if any(one.subject.startswith("mailbox ") for one in failed):
        ask_further(answers, answers.mail, wanted, "--set", again=True)
    if any(one.subject.startswith("channel ") for one in failed):
        ask_further(answers, answers.tell, WAYS[answers.way], "--tell-set", again=True)


def waiting(text: str) -> Status:
    """Says what is waited for, for `with`: a line that goes again, or one that stays where nobody watches."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        remark(printable(text))
    return console.status(Text(printable(text)))


def failures(found: list[Finding]) -> list[Finding]:
    """Those findings that failed; tells them all."""
    for one in found:
        remark(printable(f"{'FAILED' if one.verdict == 'failed' else one.verdict}: {one.subject}: {one.text}"))
        if one.hint:
            remark(printable(f"-> {one.hint}"))
    return [one for one in found if one.verdict == "failed"]


@contextmanager
def logins(count: int) -> Iterator[Callable[[], None]]:
    """A bar for so many logins; what it gives is called after each. A line where nobody watches."""
    text = f"logging in to {count} mailbox{'es' if count > 1 else ''} ..."
    with progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()) as bars:
        if bars.disable:
            remark(text)
        task = bars.add_task(text, total=count)
        yield lambda: bars.advance(task)
