"""How the mailboxes of a directory's members are read: a connector's settings with places for what is each one's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from inboxwatch.settings import FORMS, Settings

_PLACE = re.compile(r"\{(address|user|domain|id)\}")
_SAMPLE = ("member@members.test", "member")
_FOREIGN = re.compile(r"[/\\\x00-\x20]|^\.")
"""What must not be put into a path or a login."""


class Sample(NamedTuple):
    """A template as it is for a member of an example."""

    filled: dict[str, Any]
    context: dict[str, Any]
    """Of the validation: secrets that each member has for themselves cannot be had yet."""


@dataclass(frozen=True, slots=True)
class MailboxTemplate:
    kind: Any
    """The connector's class, as in MailConnector."""
    settings: Settings
    """Those of the example; of all members where nothing in them is a member's own."""
    given: Mapping[str, Any] = field(repr=False)
    """The connector's keys as the config writes them."""
    context: Mapping[str, Any] = field(repr=False)
    """Of their validation."""

    @staticmethod
    def sample(given: Mapping[str, Any], context: Mapping[str, Any]) -> Sample:
        own = any(key.endswith(tuple(f"_{form}" for form in FORMS)) and _is_own(value) for key, value in given.items())
        return Sample(filled(given, *_SAMPLE), {**context, "secrets": context["secrets"] and not own})

    def settings_of(self, address: str, person: str) -> Settings:
        """The settings of one member's mailbox. Raises ValueError where they cannot be."""
        own = {key: value for key, value in self.given.items() if _is_own(value)}
        if not own:
            return self.settings
        if unfit := next((part for part in (*address.split("@"), person) if _FOREIGN.search(part)), None):
            raise ValueError(f"{unfit!r} cannot be put into the settings of a mailbox")
        shared = {key: value for key, value in self.given.items() if key not in own}
        for name in self.kind.settings.secret_fields():
            forms = [key for key in (name, *(f"{name}_{form}" for form in FORMS)) if key in shared]
            if forms and (secret := getattr(self.settings, name)) is not None and secret.resolved:
                # Read once for all: five hundred members are not five hundred runs of a program that prints it.
                shared = {key: value for key, value in shared.items() if key not in forms} | {name: secret}
        made: Settings = self.kind.settings.model_validate(
            shared | filled(own, address, person), context=dict(self.context)
        )
        return made


def _is_own(value: Any) -> bool:
    """Whether a value holds a place for what is a member's own."""
    if isinstance(value, str):
        return _PLACE.search(value) is not None
    if isinstance(value, Mapping):
        return any(map(_is_own, value.values()))
    return isinstance(value, list) and any(map(_is_own, value))


def filled(value: Any, address: str, person: str) -> Any:
    """A value, with what is a member's own in its places."""
    if isinstance(value, Mapping):
        return {key: filled(one, address, person) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, address, person) for one in value]
    if not isinstance(value, str):
        return value
    user, _, domain = address.partition("@")
    words = {"address": address, "user": user, "domain": domain, "id": person}
    return _PLACE.sub(lambda place: words[place[1]], value)
