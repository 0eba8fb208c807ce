"""`init`: a first config by five questions; the logins are tried before anything is written."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.text import Text

from inboxwatch import config as configuration
from inboxwatch.commands.check import probe
from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.finding import Finding
from inboxwatch.commands.first_config import Answers, text_of
from inboxwatch.commands.questions import NoAnswer, agree, ask
from inboxwatch.commands.terminal import fail, printable, remark, result
from inboxwatch.config.fields import Domain, Email
from inboxwatch.settings import FORMS


class _Further(NamedTuple):
    """A setting that a mail system or a channel needs."""

    key: str
    question: str
    default: str = ""
    """May hold `{domain}` and `{address}`."""
    secret: bool = False


_SYSTEMS: Mapping[str, tuple[_Further, ...]] = {
    "imap": (
        _Further("host", "Name of the IMAP server", "imap.{domain}"),
        _Further("username", "User name", "{address}"),
        _Further("password", "Password", secret=True),
    ),
    "gmail": (_Further("service_account_file", "File with the key of the service account"),),
    "graph": (
        _Further("tenant", "Tenant (id or domain)", "{domain}"),
        _Further("client_id", "Client id of the application"),
        _Further("client_secret", "Client secret", secret=True),
    ),
    "ews": (
        _Further("url", "Address of the service", "https://mail.{domain}/EWS/Exchange.asmx"),
        _Further("username", "User name", "{address}"),
        _Further("password", "Password", secret=True),
    ),
    "maildir": (_Further("path", "Folder of the Maildir"),),
}
_WAYS: Mapping[str, tuple[_Further, ...]] = {
    "console": (),
    "email": (
        _Further("host", "Name of the SMTP server", "smtp.{domain}"),
        _Further("sender", "Address of the sender", "inboxwatch@{domain}"),
    ),
    "slack": (_Further("bot_token", "Bot token (xoxb-...)", secret=True),),
    "webhook": (_Further("url", "Address of the webhook", secret=True),),
}
_PATHS = {"path", "service_account_file"}


class Given(NamedTuple):
    """The options of the command; what is empty is asked for."""

    domain: str
    system: str
    mailbox: str
    owner: str
    tell: str
    mail: Mapping[str, str]
    channel: Mapping[str, str]


def run_init(path: Path, given: Given, *, force: bool, login: bool) -> ExitCode:
    """The command; returns the exit code. Nothing is left behind unless it is OK."""
    if path.exists() and not force:
        return fail(f"{path} exists already: give another name with -o, or --force", ExitCode.BAD_CONFIG)
    if not path.parent.is_dir():
        return fail(f"the folder {path.parent} does not exist: create it", ExitCode.BAD_CONFIG)
    try:
        answers = _answers(given)
        with _draft(path) as draft:
            return _written(path, draft, answers, force=force, login=login)
    except NoAnswer as error:
        return fail(f"{error}; nothing was written", ExitCode.BAD_CONFIG)
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}; nothing was written")
    except KeyboardInterrupt:
        return fail("nothing was written", ExitCode.INTERRUPTED)


def _written(path: Path, draft: Path, answers: Answers, *, force: bool, login: bool) -> ExitCode:
    """Tries what the answers say until it works, is taken as it is, or is given up; then writes the file."""
    while True:
        draft.write_text(text_of(answers, path.name), encoding="utf-8")
        try:
            config = configuration.load(draft)
        except configuration.ConfigError as error:
            usable, failed = False, _problems(error)
        else:
            usable, failed = True, [one for one in _tried(config) if one.verdict == "failed"] if login else []
        if not failed:
            break
        if agree("Correct the answers?", "other settings, or --no-login", default=True):
            _correct(answers, failed)
        elif usable and agree("Write the config all the same?", "--no-login", default=False):
            break
        else:
            return fail("nothing was written")
    if force:
        draft.replace(path)
    else:
        os.link(draft, path)  # fails where a file has come to be there meanwhile
    result(f"written: {path}")
    remark(f"next: inboxwatch check -c {path}, then inboxwatch run -c {path}")
    return ExitCode.OK


def _problems(error: configuration.ConfigError) -> list[Finding]:
    """What the config refuses, told, and whether it concerns the mailbox or the channel."""
    for problem in error.problems:
        remark(f"{problem.path}: {problem.message}")
    subjects = {"mailboxes": "mailbox ", "channels": "channel "}
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


def _tried(config: configuration.Config) -> list[Finding]:
    """What logging in to the mailbox and to the channel showed, told as it is known."""
    (box,) = config.mailboxes.values()
    console = Console(stderr=True, highlight=False)
    text = f"logging in to {printable(box.server or box.connector)} ..."
    if not console.is_terminal or console.is_dumb_terminal:
        remark(text)
    with console.status(Text(text)):
        found = asyncio.run(probe(config, whole=False))
    for one in found:
        remark(printable(f"{'FAILED' if one.verdict == 'failed' else one.verdict}: {one.subject}: {one.text}"))
        if one.hint:
            remark(printable(f"-> {one.hint}"))
    return found


def _answers(given: Given) -> Answers:
    """The five questions, and what a mail system or a channel needs besides. Raises NoAnswer."""
    answers = Answers(mail=_settings(given.mail), tell=_settings(given.channel))
    answers.domain = _one("Your mail domain", "--domain", given.domain, Domain)
    answers.system = _choice("Mail system", "--system", given.system, _SYSTEMS, "imap")
    answers.address = _one(f"First mailbox to watch, such as ana@{answers.domain}", "--mailbox", given.mailbox, Email)
    _ask_further(answers, answers.mail, _SYSTEMS[answers.system], "--set", again=False)
    question = "Who owns it (a name; for a shared mailbox: Name <own address>)"
    owner, _, own = _taken(question, "--owner", given.owner, _owner).rpartition("\n")
    answers.owner, answers.email = owner, own or answers.address
    answers.way = _choice("How people are told", "--tell", given.tell, _WAYS, "console")
    _ask_further(answers, answers.tell, _WAYS[answers.way], "--tell-set", again=False)
    return answers


def _owner(text: str) -> str:
    """The name and, in a line below, the address, or nothing where none was given."""
    name, bracket, address = text.partition("<")
    if bracket:
        address = _read(Email)(address.strip().removesuffix(">"))
    if not name.strip():
        raise ValueError("write a name, or Name <address>")
    return f"{name.strip()}\n{address}"


def _correct(answers: Answers, failed: list[Finding]) -> None:
    if any(one.subject.startswith("mailbox ") for one in failed):
        _ask_further(answers, answers.mail, _SYSTEMS[answers.system], "--set", again=True)
    if any(one.subject.startswith("channel ") for one in failed):
        _ask_further(answers, answers.tell, _WAYS[answers.way], "--tell-set", again=True)


def _ask_further(
    answers: Answers, settings: dict[str, Any], wanted: tuple[_Further, ...], option: str, *, again: bool
) -> None:
    for one in wanted:
        known = next((form for form in (one.key, *(f"{one.key}_{form}" for form in FORMS)) if form in settings), "")
        if known and not (again and known == one.key):
            continue
        default = settings.get(one.key) or one.default.format(domain=answers.domain, address=answers.address)
        value = ask(one.question, f"{option} {one.key}=...", default=str(default), secret=one.secret)
        settings[one.key] = _typed(one.key, value)


def _settings(given: Mapping[str, str]) -> dict[str, Any]:
    return {key: _typed(key, value) for key, value in given.items()}


def _typed(key: str, value: str) -> Any:
    """A setting as a config writes it; the answer means a path as the shell does, from where one is."""
    if key in _PATHS:
        return str(Path(value).expanduser().absolute())
    return int(value) if key == "port" and value.isdecimal() else value


def _one(question: str, option: str, given: str, kind: Any) -> str:
    return _taken(question, option, given, _read(kind))


def _read(kind: Any) -> Callable[[str], str]:
    """What reads an answer as the config would; raises ValueError."""

    def read(text: str) -> str:
        try:
            return str(TypeAdapter(kind).validate_python(text))
        except ValidationError as error:
            raise ValueError(str(error.errors()[0]["ctx"]["error"])) from None

    return read


def _choice(question: str, option: str, given: str, known: Mapping[str, Any], default: str) -> str:
    words = ", ".join(known)

    def read(text: str) -> str:
        if text.lower() not in known:
            raise ValueError(f"{text!r} is none of {words}")
        return text.lower()

    return _taken(f"{question} ({words})", option, given, read, default)


def _taken(question: str, option: str, given: str, read: Callable[[str], str], default: str = "") -> str:
    if not given:
        return ask(question, option, default=default, read=read)
    try:
        return str(read(given))
    except ValueError as error:
        raise NoAnswer(f"{option}: {error}") from None
