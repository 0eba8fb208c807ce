"""What `init` asks for mail systems and channels, and answers as a config writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from inboxwatch.commands.questions import NoAnswer, ask
from inboxwatch.config.fields import Domain, Email
from inboxwatch.settings import FORMS, under


class Further(NamedTuple):
    """A setting that a mail system or a channel needs."""

    key: str
    question: str
    default: str = ""
    """May hold `{domain}` and `{address}`."""
    secret: bool = False


SYSTEMS: Mapping[str, tuple[Further, ...]] = {
    "imap": (
        Further("host", "Name of the IMAP server", "imap.{domain}"),
        Further("username", "User name", "{address}"),
        Further("password", "Password", secret=True),
    ),
    "gmail": (Further("service_account_file", "File with the key of the service account"),),
    "graph": (
        Further("tenant", "Tenant (id or domain)", "{domain}"),
        Further("client_id", "Client id of the application"),
        Further("client_secret", "Client secret", secret=True),
    ),
    "ews": (
        Further("url", "Address of the service", "https://mail.{domain}/EWS/Exchange.asmx"),
        Further("username", "User name", "{address}"),
        Further("password", "Password", secret=True),
    ),
    "maildir": (Further("path", "Folder of the Maildir"),),
}


class ListOfPeople(NamedTuple):
    """What `--from` can name: a directory, and the mail system of those on its list."""

    source: str
    """As a config names it."""
    system: str
    """Empty: it is asked for."""
    listing: tuple[Further, ...]
    mail: tuple[Further, ...] = ()


SOURCES: Mapping[str, ListOfPeople] = {
    "graph": ListOfPeople("graph", "graph", (Further("group", "Group (its address or id)"),), SYSTEMS["graph"]),
    "google": ListOfPeople(
        "google",
        "gmail",
        (
            Further("group", "Group (its address), or organisational unit (its path, such as /Sales)"),
            Further("admin", "Administrator in whose name people are listed", "admin@{domain}"),
        ),
        SYSTEMS["gmail"],
    ),
    "ews": ListOfPeople(
        "ews",
        "ews",
        (Further("group", "Distribution group (its address)"),),
        (SYSTEMS["ews"][0], Further("username", "User name, as DOMAIN\\user"), SYSTEMS["ews"][2]),
    ),
    "imap-master": ListOfPeople(
        "dovecot",
        "imap",
        (Further("path", "File with the accounts (a passwd-file, or what `doveadm user '*'` prints)"),),
        (SYSTEMS["imap"][0], Further("master_user", "Master user"), SYSTEMS["imap"][2]),
    ),
    "csv": ListOfPeople("csv", "", (Further("path", "CSV file with a column `email`"),)),
}
WAYS: Mapping[str, tuple[Further, ...]] = {
    "console": (),
    "email": (
        Further("host", "Name of the SMTP server", "smtp.{domain}"),
        Further("sender", "Address of the sender", "inboxwatch@{domain}"),
    ),
    "slack": (Further("bot_token", "Bot token (xoxb-...)", secret=True),),
    "webhook": (Further("url", "Address of the webhook", secret=True),),
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
    source: str = ""
    """Where a list of people comes from, as in `SOURCES`; empty: one mailbox is asked for."""
    listing: Mapping[str, str] = {}
    exclude: tuple[str, ...] = ()
    as_rule: bool | None = None
    """Whether people are written as a rule; None: where they are many."""


@dataclass(slots=True)
class Answers:
    """What was asked; `mail`, `listing` and `tell` are the settings of the mail system, the list and the channel."""

    domain: str = ""
    system: str = ""
    address: str = ""
    """Of the mailbox; the place for it (`{address}`) where a list names the mailboxes."""
    owner: str = ""
    email: str = ""
    """The owner's own address; where it is not the mailbox's, the mailbox is a shared one."""
    way: str = ""
    mail: dict[str, Any] = field(default_factory=dict)
    tell: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    """As a config names it."""
    listing: dict[str, Any] = field(default_factory=dict)


def ask_further(
    answers: Answers, settings: dict[str, Any], wanted: tuple[Further, ...], option: str, *, again: bool
) -> None:
    for one in wanted:
        known = next((form for form in (one.key, *(f"{one.key}_{form}" for form in FORMS)) if form in settings), "")
        if known and not (again and known == one.key):
            continue
        default = settings.get(one.key) or one.default.format(domain=answers.domain, address=answers.address)
        value = ask(one.question, f"{option} {one.key}=...", default=str(default), secret=one.secret)
        settings[one.key] = typed(one.key, value)


def settings(given: Mapping[str, str]) -> dict[str, Any]:
    return {key: typed(key, value) for key, value in given.items()}


def typed(key: str, value: str) -> Any:
    """A setting as a config writes it; the answer means a path as the shell does, from where one is."""
    if key in _PATHS:
        return str(under(Path.cwd(), value))
    return int(value) if key == "port" and value.isdecimal() else value


def one_of_kind(question: str, option: str, given: str, kind: Any) -> str:
    return taken(question, option, given, read_as(kind))


def read_as(kind: Any) -> Callable[[str], str]:
    """What reads an answer as the config would; raises ValueError."""

    def read(text: str) -> str:
        try:
            return str(TypeAdapter(kind).validate_python(text))
        except ValidationError as error:
            raise ValueError(str(error.errors()[0]["ctx"]["error"])) from None

    return read


def choice(question: str, option: str, given: str, known: Mapping[str, Any], default: str) -> str:
    words = ", ".join(known)

    def read(text: str) -> str:
        if text.lower() not in known:
            raise ValueError(f"{text!r} is none of {words}")
        return text.lower()

    return taken(f"{question} ({words})", option, given, read, default)


def taken(question: str, option: str, given: str, read: Callable[[str], str], default: str = "") -> str:
    if not given:
        return ask(question, option, default=default, read=read)
    try:
        return str(read(given))
    except ValueError as error:
        raise NoAnswer(f"{option}: {error}") from None


def named_with_address(text: str) -> tuple[str, str]:
    """Name and address of `Name <address>`; the address is empty where none is given. Raises ValueError."""
    name, bracket, address = text.partition("<")
    if bracket:
        address = read_as(Email)(address.strip().removesuffix(">"))
    if not name.strip():
        raise ValueError("write a name, or Name <address>")
    return name.strip(), address


def ask_domain(given: Given) -> str:
    return one_of_kind("Your mail domain", "--domain", given.domain, Domain)


def ask_way(given: Given, answers: Answers) -> None:
    """How people are told, with what that channel needs."""
    answers.way = choice("How people are told", "--tell", given.tell, WAYS, "console")
    ask_further(answers, answers.tell, WAYS[answers.way], "--tell-set", again=False)
