"""Which folders of a mailbox are watched, and in which role."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate

from inboxwatch.connector import MailboxError, Reason
from inboxwatch.core.model import FolderRole

_SENT_NAMES = """
    sent|sent items|sent mail|sent messages|sent-mail|sentmail|sent objects|outbox sent|[gmail]/sent mail|
    gesendet|gesendete objekte|gesendete elemente|gesendete nachrichten|postausgang gesendet|
    envoyés|éléments envoyés|messages envoyés|courrier envoyé|objets envoyés|
    enviados|elementos enviados|mensajes enviados|correo enviado|itens enviados|mensagens enviadas|e-mails enviados|
    enviats|elements enviats|inviata|inviati|posta inviata|elementi inviati|messaggi inviati|
    verzonden|verzonden items|verzonden berichten|verzonden objecten|skickat|skickade|skickade objekt|
    sendt|sendte|sendt post|sendte elementer|sendte meldinger|lähetetyt|lähetetyt viestit|saadetud|saadetud kirjad|
    nosūtītie|nosūtītās vēstules|išsiųsti|išsiųsti laiškai|wysłane|elementy wysłane|odeslané|odeslaná pošta|
    odoslané|odoslaná pošta|elküldött|elküldött elemek|elküldött üzenetek|trimise|mesaje trimise|elemente trimise|
    poslano|poslane|poslane stavke|poslani|poslana pošta|послато|послате ставке|изпратени|изпратена поща|
    отправленные|отправлено|отправленные элементы|надіслані|надіслане|надіслані елементи|адпраўленыя|
    απεσταλμένα|σταλμένα|gönderilmiş|gönderilmiş öğeler|gönderilenler|gönderilen postalar|
    已发送|已发送邮件|已发送的邮件|已傳送|寄件備份|已寄出|已寄出的郵件|送信済み|送信済みアイテム|送信済みメール|送信済|
    보낸 편지함|보낸편지함|보낸 메일함|보낸메일함|العناصر المرسلة|البريد المرسل|المرسلة|المرسل|
    פריטים שנשלחו|דואר שנשלח|נשלח|भेजे गए|ส่งแล้ว|รายการที่ถูกส่ง|đã gửi|thư đã gửi|terkirim|item terkirim|
    dihantar|item dihantar|sendir hlutir|sent póstur|ارسال شده|bidalita|bidalitakoak|enviado
"""
SENT_NAMES = frozenset(name.strip().casefold() for name in _SENT_NAMES.split("|"))
"""How clients and servers name the folder of sent mail, in lower case; the last segments of a path are compared."""


@dataclass(frozen=True, slots=True)
class ListedFolder:
    """A folder as the server lists it."""

    name: str
    delimiter: str = ""
    attributes: frozenset[str] = frozenset()
    """SPECIAL-USE and other attributes, in lower case, as servers disagree on the case: `\\sent`."""
    raw: bytes | None = None
    """The name as the server writes it, where that cannot be told from `name`."""
    readable: bool = True
    """Whether `name` is what the server means; else it is the name as it is written, for people."""

    @property
    def selectable(self) -> bool:
        """Whether it can hold mail."""
        return not self.attributes & {r"\noselect", r"\nonexistent"}


@dataclass(frozen=True, slots=True)
class WantedFolders:
    """Which folders the operator asked for; empty `sent` means to find it."""

    inbox: str = "INBOX"
    sent: tuple[str, ...] = ()
    further: tuple[str, ...] = ()
    """Names, patterns with `*` and `?`, or SPECIAL-USE attributes such as `\\All`."""
    sent_may_come: bool = False
    """True where the folder of sent mail is made with the first answer: until then it holds none."""


@dataclass(frozen=True, slots=True)
class WatchedFolders:
    """The folders that are read: the inbox, sent mail, further ones. `by` says how Sent was found."""

    roles: Mapping[str, FolderRole] = field(default_factory=dict)
    by: str = ""
    unmatched: tuple[str, ...] = ()
    """Patterns for further folders that match nothing now."""
    left_out: tuple[str, ...] = ()
    """Folders that are not read as their names cannot be read."""
    raw_names: Mapping[str, bytes] = field(default_factory=dict)
    """The names of watched folders as the server writes them, where `roles` cannot tell."""

    @property
    def inbox(self) -> str:
        """The inbox's name."""
        return next(name for name, role in self.roles.items() if role is FolderRole.INBOX)

    @property
    def sent(self) -> tuple[str, ...]:
        """The names of the folders of sent mail."""
        return tuple(name for name, role in self.roles.items() if role is FolderRole.SENT)


def choose(folders: Iterable[ListedFolder], wanted: WantedFolders) -> WatchedFolders:
    """The watched folders among those that exist. Raises MailboxError where the inbox or sent mail cannot be found.

    A folder whose name cannot be read is watched only where its role is certain: by its attribute, or as it is asked
    for by the name that is shown; or as sent mail by a usual name, where no other folder is.
    """
    there = [folder for folder in folders if folder.selectable]
    names = {_key(folder.name): folder.name for folder in there}
    inbox = names.get(_key(wanted.inbox))
    if inbox is None:
        raise _lost("inbox", wanted.inbox, there, "`inbox`")
    sent, by = _sent(there, names, wanted)
    roles = {inbox: FolderRole.INBOX} | dict.fromkeys(sent, FolderRole.SENT)
    unmatched = []
    for pattern in wanted.further:
        found = [folder.name for folder in there if _matches(folder, pattern)]
        if not found:
            unmatched.append(pattern)
        for name in found:
            roles.setdefault(name, FolderRole.OTHER)
    return WatchedFolders(
        roles,
        by,
        tuple(unmatched),
        tuple(folder.name for folder in there if not folder.readable and folder.name not in roles),
        {folder.name: folder.raw for folder in there if folder.raw is not None and folder.name in roles},
    )


def _sent(there: Sequence[ListedFolder], names: Mapping[str, str], wanted: WantedFolders) -> tuple[list[str], str]:
    if wanted.sent:
        found = [names.get(_key(name)) for name in wanted.sent]
        if None in found:
            raise _lost("sent folder", wanted.sent[found.index(None)], there, "`sent`")
        return [name for name in found if name], "the configuration"
    if special := [folder.name for folder in there if r"\sent" in folder.attributes]:
        return special, "SPECIAL-USE"
    for readable in (True, False):
        usual = [one.name for one in there if one.readable is readable and known_sent_name(one.name, one.delimiter)]
        if usual:
            return usual, "its name"
    if wanted.sent_may_come:
        return [], "nothing yet"
    raise _lost("sent folder", "", there, "`sent`")


def known_sent_name(name: str, delimiter: str = "") -> bool:
    """Whether a folder's path, or its last segment right below the root or the inbox, is a usual name of sent mail."""
    path = name.casefold()
    if path in SENT_NAMES:
        return True
    if not delimiter:
        return False
    above, _, last = path.rpartition(delimiter)
    return last in SENT_NAMES and above in {"", "inbox", "mail", "[gmail]", "[google mail]"}


def _matches(folder: ListedFolder, pattern: str) -> bool:
    if pattern.startswith("\\"):
        return pattern.lower() in folder.attributes
    if not folder.readable:
        return folder.name == pattern
    return re.match(translate(pattern), folder.name, re.IGNORECASE) is not None


def _key(name: str) -> str:
    return "INBOX" if name.upper() == "INBOX" else name


def _lost(what: str, name: str, there: Sequence[ListedFolder], setting: str) -> MailboxError:
    listing = ", ".join(sorted(folder.name for folder in there)[:30]) or "none"
    named = f" {name!r}" if name else ""
    return MailboxError(
        Reason.CLIENT,
        f"there is no {what}{named}; the folders are: {listing}",
        hint=f"name it with {setting} in the mailbox's settings; without it answers stay unseen"
        if "sent" in what
        else f"name it with {setting} in the mailbox's settings",
        permanent=True,
    )
