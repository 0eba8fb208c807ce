"""The text of a first config: one mailbox, one owner, one ladder, one way to tell people."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inboxwatch.config.fields import LEAD_OWNER, MAILBOX_OWNER, ROLES
from inboxwatch.core.sla.policy import Reassign

_TAKEN = {*ROLES, *Reassign, LEAD_OWNER, MAILBOX_OWNER, "null", "true", "false"}
_TEXT = """\
# The first config, written by `inboxwatch init`. Every key is explained in config/README.md; a longer example:
# `inboxwatch config example`. Look it over with `inboxwatch check -c {name}`.
organization: {{domains: [{domain}]}}

people:
  {person}: {{name: {owner}, email: {email}}}
{teams}
mailboxes:
  {box}: {mailbox}

# Who writes without being in a list of leads is taken for one; with lists (`leads:`) leave this line out.
unknown_senders: always

routing:
  rules: [{rule}]
  fallback: {person}

sla_policies:
  - {{name: default, first_response: 4h, next_response: 4h, escalation: standard}}

escalation_policies:
  standard:
    steps:
      - {{at: 50%, notify: [owner]}}
      - {{at: 100%, notify: [owner, manager]}}

stop_conditions: [answered, dismissed]

channels:
  {way}: {channel}
"""


@dataclass(slots=True)
class Answers:
    """What was asked; `mail` and `tell` are the settings of the mail system and of the channel."""

    domain: str = ""
    system: str = ""
    address: str = ""
    owner: str = ""
    email: str = ""
    """The owner's own address; where it is not the mailbox's, the mailbox is a shared one."""
    way: str = ""
    mail: dict[str, Any] = field(default_factory=dict)
    tell: dict[str, Any] = field(default_factory=dict)


def text_of(answers: Answers, name: str) -> str:
    """The config as YAML; `name` is that of its file."""
    shared = answers.email != answers.address
    person = _id(answers.owner.split()[0] if answers.owner else answers.email.partition("@")[0])
    belongs = {"team": "desk"} if shared else {"owner": person}
    mailbox = {"connector": answers.system, "address": answers.address, **belongs, **answers.mail}
    return _TEXT.format(
        name=name,
        domain=_value(answers.domain),
        person=person,
        owner=_value(answers.owner),
        email=_value(answers.email),
        teams=f"\nteams:\n  desk: {{members: [{person}], lead: {person}}}\n" if shared else "",
        box=_id(answers.address.partition("@")[0]),
        mailbox=_flow(mailbox),
        rule="{assign: {team: desk}}" if shared else "{assign: mailbox.owner}",
        way=f"to-{answers.way}",
        channel=_flow({"type": answers.way, **answers.tell}),
    )


def _id(word: str) -> str:
    """A name of a config for what people call it."""
    plain = re.sub(r"[^\w-]+", "-", word.lower()).strip("-") or "first"
    return f"{plain}-1" if plain in _TAKEN or not plain[0].isalpha() else plain


def _flow(entry: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {_value(value)}" for key, value in entry.items()) + "}"


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
