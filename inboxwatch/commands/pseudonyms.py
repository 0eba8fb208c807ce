"""Names that stand for others, the same for the same: a maintainer sees who is who, and not who it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from inboxwatch.config.fields import LEAD_OWNER, MAILBOX_OWNER, ROLES
from inboxwatch.core.mail.words import table
from inboxwatch.hidden import hidden

HIDDEN = "<text>"
_KINDS = {
    "people": "person",
    "teams": "team",
    "mailboxes": "mailbox",
    "leads": "list",
    "calendars": "calendar",
    "escalation_policies": "ladder",
    "channels": "channel",
}
"""What the names of a section become, with a number."""
_KEPT = frozenset(
    table("""
    connector, source, type, security, auth, version, access, poll_every, poll_idle, timezone, country, subdivision,
    categories, look_back, census_every, keep, keep_audit, privacy, figures, unknown_senders, first_response,
    next_response, follow_up, at, repeat, reassign, acknowledge_for, blind_grace, listen, rate, timeout, method,
    sent_watch, log, stop_conditions
""")
)
"""Keys whose texts are words of ours, times or zones. Any other text is a name we know, or hidden."""
_WORDS = frozenset((*ROLES, LEAD_OWNER, MAILBOX_OWNER))
_PART = re.compile(r"[^\s<>\"'(),:;/?&|]++")
"""What may be an address: a run of what stands between the marks of sentences and URLs."""
_HOST = re.compile(r"\b(?:[\w-]{1,63}\.){1,10}[^\W\d_]{2,63}\b|\b\d{1,3}(?:\.\d{1,3}){3}\b")
_QUOTED = re.compile(r"\"[^\"]{1,300}\"|'[^']{1,300}'")
_PUBLIC = tuple(
    table("""
    gmail.com, googleapis.com, google.com, outlook.com, office365.com, office.com, microsoft.com, microsoftonline.com,
    slack.com
""")
)
"""Servers of everybody's: which one it is helps, and tells nobody."""


class Pseudonyms:
    """Of one config's names, and of whatever else turns up."""

    def __init__(self, data: Mapping[str, Any], further: Iterable[str] = ()) -> None:
        """`data` is the config as it was read; `further` are names to hide in texts, such as this machine's."""
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        for section, kind in _KINDS.items():
            for name in data.get(section) or {}:
                self._named(str(name), kind)
        for policy in data.get("sla_policies") or ():
            self._named(str(policy.get("name")), "policy")
        for name in further:
            if name:
                self._named(name, "host")

    def _named(self, name: str, kind: str) -> str:
        if name not in self._names:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._names[name] = f"{kind}{self._counts[kind]}"
        return self._names[name]

    def name(self, name: str, kind: str) -> str:
        """The name that stands for one of a kind."""
        return self._named(name, kind)

    def config(self, value: Any, key: str = "") -> Any:
        """A config with its shape, numbers and words of ours; addresses and names replaced, all other texts hidden."""
        if isinstance(value, Mapping):
            return {self._key(str(name)): self.config(item, str(name)) for name, item in value.items()}
        if isinstance(value, list):
            return [self.config(item, key) for item in value]
        return self._text(value, key) if isinstance(value, str) else value

    def _key(self, key: str) -> str:
        return self._names.get(key, key if re.fullmatch(r"[a-z_]{1,40}(-[a-z]{3})?", key) else HIDDEN)

    def _text(self, text: str, key: str) -> str:
        if text in self._names:
            return self._names[text]
        channel, colon, _ = text.partition(":")
        if colon and channel in self._names:
            return f"{self._names[channel]}:{HIDDEN}"
        if _PART.fullmatch(text) and "@" in text:
            return self._address(text)
        if text in _WORDS or (key in _KEPT and len(text) < 60 and "@" not in text):
            return _HOST.sub(lambda found: self._host(found[0]), text)
        if key in ("host", "domains", "authserv_ids") and re.fullmatch(r"[\w.-]+", text):
            return self._host(text)
        return HIDDEN

    def words(self, text: str, private: Iterable[str] = ()) -> str:
        """What a server or a program said, without quotations, addresses, hosts, names, and texts that are private."""
        text = _QUOTED.sub(HIDDEN, hidden(text))
        for one in private:
            text = re.sub(re.escape(one), HIDDEN, text, flags=re.IGNORECASE)
        text = _PART.sub(lambda found: self._address(found[0]), text)
        text = _HOST.sub(lambda found: self._host(found[0]), text)
        for name in sorted(self._names, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", self._names[name], text)
        return text

    def _address(self, address: str) -> str:
        """The pseudonym of what is an address; anything else as it is."""
        local, at, domain = address.replace("%40", "@").rpartition("@")
        if not at:
            return address
        return f"{self._named(f'mailto:{local}@{domain}'.lower(), 'address')}@{self._named(domain.lower(), 'domain')}"

    def _host(self, host: str) -> str:
        lower = host.lower().rstrip(".")
        if lower.startswith("127.") or lower == "localhost" or any(f".{lower}".endswith(f".{one}") for one in _PUBLIC):
            return host
        return self._named(lower, "domain")
