"""`init`: a first config by a few questions; the logins are tried before anything is written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from inboxwatch import config as configuration
from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.finding import Finding
from inboxwatch.commands.first_answers import Given
from inboxwatch.commands.first_mailbox import FirstMailbox
from inboxwatch.commands.first_people import FirstPeople
from inboxwatch.commands.questions import NoAnswer, agree
from inboxwatch.commands.terminal import fail, remark, result


class Proposal(Protocol):
    """A config in the making: what was asked so far, and what trying it has shown."""

    def text(self, name: str) -> str:
        """The config; `name` is that of its file."""
        ...

    def tried(self, config: configuration.Config) -> list[Finding]:
        """What failed of what the config needs; tells what it finds."""
        ...

    def correct(self, failed: list[Finding]) -> None:
        """Asks again for what failed. Raises NoAnswer."""
        ...


def run_init(path: Path, given: Given, *, force: bool, login: bool) -> ExitCode:
    """The command; returns the exit code. Nothing is left behind unless it is OK."""
    if path.exists() and not force:
        return fail(f"{path} exists already: give another name with -o, or --force", ExitCode.BAD_CONFIG)
    if not path.parent.is_dir():
        return fail(f"the folder {path.parent} does not exist: create it", ExitCode.BAD_CONFIG)
    try:
        proposal: Proposal = FirstPeople(given) if given.source else FirstMailbox(given)
        with _draft(path) as draft:
            return _written(path, draft, proposal, force=force, login=login)
    except NoAnswer as error:
        return fail(f"{error}; nothing was written", ExitCode.BAD_CONFIG)
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}; nothing was written")
    except KeyboardInterrupt:
        return fail("nothing was written", ExitCode.INTERRUPTED)


def _written(path: Path, draft: Path, proposal: Proposal, *, force: bool, login: bool) -> ExitCode:
    """Tries what the answers say until it works, is taken as it is, or is given up; then writes the file."""
    while True:
        draft.write_text(proposal.text(path.name), encoding="utf-8")
        try:
            config = configuration.load(draft)
        except configuration.ConfigError as error:
            usable, failed = False, _problems(error)
        else:
            usable, failed = True, proposal.tried(config) if login else []
        if not failed:
            break
        if agree("Correct the answers?", "other settings, or --no-login", default=True):
            proposal.correct(failed)
        elif usable and agree("Write the config all the same?", "--no-login", default=False):
            break
        else:
            return fail("nothing was written")
    draft.write_text(proposal.text(path.name), encoding="utf-8")  # what was tried may have shown more
    if force:
        draft.replace(path)
    else:
        os.link(draft, path)  # fails where a file has come to be there meanwhile
    result(f"written: {path}")
    remark(f"next: inboxwatch check -c {path}, then inboxwatch run -c {path}")
    return ExitCode.OK


def _problems(error: configuration.ConfigError) -> list[Finding]:
    """What the config refuses, told, and whether it concerns the mailbox, the list or the channel."""
    for problem in error.problems:
        remark(f"{problem.path}: {problem.message}")
    subjects = {"mailboxes": "mailbox ", "channels": "channel ", "directories": "directory "}
    sections = [problem.path.partition(".")[0] for problem in error.problems]
    return [Finding(subjects.get(section, section), "failed", "") for section in sections]


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """An empty file beside the config to be, its owner's alone; gone afterwards, whatever happens."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
