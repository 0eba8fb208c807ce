"""The text of a first config: one mailbox or everybody on a list, one ladder, one way to tell people."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from inboxwatch.commands.first_answers import Answers
from inboxwatch.config.fields import LEAD_OWNER, MAILBOX_OWNER, ROLES
from inboxwatch.config.mailbox_template import filled
from inboxwatch.core.sla.policy import Reassign

if TYPE_CHECKING:
    from inboxwatch.config import Config

_TAKEN = {*ROLES, *Reassign, LEAD_OWNER, MAILBOX_OWNER, "null", "true", "false"}
_TEXT = """\
# The first config, written by `inboxwatch init`. Every key is explained in config/README.md; a longer example:
# `inboxwatch config example`. Look it over with `inboxwatch check -c {name}`.
organization: {{domains: [{domain}]}}

people:
{people}
{sections}
# Who writes without being in a list of leads is taken for one; with lists (`leads:`) leave this line out.
unknown_senders: always

routing:
  rules: [{rule}]
  fallback: {fallback}

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


DIRECTORY = "staff"
"""The name of the directory in a first config."""


def text_of(answers: Answers, name: str) -> str:
    """The config of one mailbox as YAML; `name` is that of its file."""
    shared = answers.email != answers.address
    person = _person(answers)
    belongs = {"team": "desk"} if shared else {"owner": person}
    mailbox = {"connector": answers.system, "address": answers.address, **belongs, **answers.mail}
    box = _id(answers.address.partition("@")[0])
    sections = {
        "teams": {"desk": {"members": [person], "lead": person}} if shared else {},
        "mailboxes": {box: mailbox},
    }
    return _text(answers, name, {person: _own(answers)}, sections, {"team": "desk"} if shared else "mailbox.owner")


def text_of_directory(answers: Answers, exclude: Sequence[str], name: str) -> str:
    """The same for everybody on a list, by one rule."""
    mailboxes = {"connector": answers.system, **answers.mail}
    left_out = {"exclude": list(exclude)} if exclude else {}
    rule = {"source": answers.source, **_listing(answers), **left_out, "mailboxes": mailboxes}
    return _text(answers, name, {_person(answers): _own(answers)}, {"directories": {DIRECTORY: rule}}, "mailbox.owner")


def text_of_people(answers: Answers, found: Config, name: str) -> str:
    """The same for people and mailboxes that were found, each by name."""
    people: dict[str, dict[str, Any]] = {}
    for id_, person in found.people.items():
        more = {"aliases": list(person.aliases)} if person.aliases else {}
        people[id_] = {"name": person.name, "email": person.email, **more}
        if person.manager is not None:
            people[id_]["manager"] = person.manager
    mailboxes = {
        str(box): {"connector": one.connector, "address": one.address, "owner": one.owner}
        | filled(answers.mail, one.address, str(one.owner))
        for box, one in found.mailboxes.items()
    }
    teams = {team: {"members": list(one.members)} for team, one in found.teams.items()}
    return _text(answers, name, people, {"teams": teams, "mailboxes": mailboxes}, "mailbox.owner")


def _text(
    answers: Answers, name: str, people: Mapping[str, Any], sections: Mapping[str, Mapping[str, Any]], assign: Any
) -> str:
    return _TEXT.format(
        name=name,
        domain=_value(answers.domain),
        people=_entries(people),
        sections="".join(f"\n{section}:\n{_entries(entries)}\n" for section, entries in sections.items() if entries),
        rule=_flow({"assign": assign}, bare="mailbox.owner"),
        fallback=_person(answers),
        way=f"to-{answers.way}",
        channel=_flow({"type": answers.way, **answers.tell}),
    )


def _person(answers: Answers) -> str:
    return _id(answers.owner.split()[0] if answers.owner else answers.email.partition("@")[0])


def _own(answers: Answers) -> dict[str, str]:
    return {"name": answers.owner, "email": answers.email}


def _listing(answers: Answers) -> dict[str, Any]:
    """The settings of a list; a path in place of a Google group is an organisational unit's."""
    listing = dict(answers.listing)
    if answers.source == "google" and str(listing.get("group", "")).startswith("/"):
        return {"unit": listing.pop("group"), **listing}
    return listing


def _entries(entries: Mapping[str, Mapping[str, Any]]) -> str:
    return "\n".join(f"  {name}: {_flow(entry)}" for name, entry in entries.items())


def _id(word: str) -> str:
    """A name of a config for what people call it."""
    plain = re.sub(r"[^\w-]+", "-", word.lower()).strip("-") or "first"
    return f"{plain}-1" if plain in _TAKEN or not plain[0].isalpha() else plain


def _flow(entry: Mapping[str, Any], bare: str = "") -> str:
    """An entry in one line; a value that is `bare` is written as it is."""
    return "{" + ", ".join(f"{key}: {value if value == bare else _value(value)}" for key, value in entry.items()) + "}"


def _value(value: Any) -> str:
    return _flow(value) if isinstance(value, Mapping) else json.dumps(value, ensure_ascii=False)
