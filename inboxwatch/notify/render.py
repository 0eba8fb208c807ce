"""Notices as text: sandboxed Jinja2 templates that operators may override, one by one, from a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from inboxwatch.notify import Notice, Recipient, messages
from inboxwatch.notify.offered_links import Offered
from inboxwatch.notify.text import clean, web_link
from inboxwatch.notify.wait import ShownWait, chosen
from inboxwatch.words import words
from inboxwatch.words.templates import teach

NAMES = ("headline.txt", "subject.txt", "body.txt", "body.html")
"""The templates: one line for lists and previews, an e-mail's subject, and its two bodies (apprise takes body.txt)."""

OWNERS = 10
"""Owners whose counts a list begins with."""
SHOWN = 30
"""Waits that one message lists; further ones are counted."""


def fault(folder: Path) -> str | None:
    """What is wrong with an operator's folder of templates, as far as it shows without a notice; None for nothing."""
    if not folder.is_dir():
        return f"the folder {folder} does not exist"
    environment = _environment(folder, html=False)
    for name in FileSystemLoader(folder).list_templates():
        if name not in NAMES and not name.startswith("_"):
            return f"{name} replaces no template: known are {', '.join(NAMES)}; begin the name of a part with _"
        try:
            environment.get_template(name)
        except TemplateError as error:
            return f"{name}: {clean(error)}"
    return None


_log = structlog.get_logger(__name__)


@cache
def _environment(folder: Path | None, html: bool) -> ImmutableSandboxedEnvironment:
    """The package's templates, under those of `folder`; there ours can still be included as `builtin/body.txt`.

    In HTML everything is escaped, text templates that it includes too.
    """
    ours = PackageLoader("inboxwatch.notify", "templates")
    loader: BaseLoader = ours
    if folder:
        loader = ChoiceLoader([FileSystemLoader(folder), ours, PrefixLoader({"builtin": ours})])
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    teach(environment)
    return environment


class Renderer:
    """Renders notices by the package's templates and an operator's own."""

    def __init__(self, zone: ZoneInfo, folder: Path | None = None) -> None:
        """`zone` is for readers who are no person; `folder` holds templates that replace ours of the same name."""
        self._zone = zone
        self._folder = folder

    def waits(self, notice: Notice, person: Recipient | None) -> tuple[ShownWait, ...]:
        """The notice's waits, or its failed contact, as this reader sees them."""
        zone, told_in = person.zone if person else self._zone, words(notice.language)
        if notice.contact is not None:
            return (ShownWait.of_contact(notice.contact, told_in),)
        return tuple(ShownWait.of(told, zone, told_in) for told in notice.clocks)

    def line(self, name: str, notice: Notice, person: Recipient | None, limit: int = 200) -> str:
        """A template of one line, cleaned again: an override may have several."""
        return clean(self.text(name, notice, person), limit)

    def text(
        self,
        name: str,
        notice: Notice,
        person: Recipient | None,
        offered: Mapping[str, Offered] | None = None,
    ) -> str:
        """One of NAMES rendered. `offered` are links by clock id.

        An override that fails is logged, and the built-in template is used instead.
        """
        values = self._values(notice, person, offered or {})
        html = name.endswith(".html")
        if self._folder:
            try:
                return _environment(self._folder, html).get_template(name).render(values)
            except Exception as error:  # noqa: BLE001  (an operator's template may raise anything; ours follows)
                # Other errors may quote what they met.
                words = clean(error) if isinstance(error, TemplateError) else type(error).__name__
                _log.warning("template_failed", template=name, folder=str(self._folder), notice=notice.id, error=words)
        return _environment(None, html).get_template(name).render(values)

    def _values(self, notice: Notice, person: Recipient | None, offered: Mapping[str, Offered]) -> dict[str, Any]:
        waits = self.waits(notice, person)
        zone = person.zone if person else self._zone
        return {
            "words": words(notice.language),
            "type": notice.type.value,
            "title": clean(notice.title, 300),
            "waits": chosen(waits, SHOWN),
            "count": len(waits),
            "open": sum(not wait.over for wait in waits),
            "to_judge": sum(wait.is_verdict and not wait.over for wait in waits),
            "overdue": sum(wait.overdue for wait in waits),
            "listed": notice.listed,
            "owners": Counter(wait.owner for wait in waits).most_common(OWNERS) if notice.listed else [],
            "mailbox": clean(notice.mailbox or ""),
            "error": clean(notice.error or "", 500),
            "link": web_link(notice.link),
            "at": notice.at.astimezone(zone),
            "reader": clean(person.name) if person else "",
            "actions": {clock: links.actions for clock, links in offered.items()},
            "verdicts": {clock: links.verdicts for clock, links in offered.items()},
            "open_mail": messages.OPEN_MAIL,
        }
