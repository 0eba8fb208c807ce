"""The channel `apprise`: Teams, PagerDuty, Opsgenie, ntfy and many more, by one URL of the library apprise."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any, ClassVar

import apprise

from inboxwatch.notify import (
    ChannelError,
    Notice,
    NoticeType,
    Receipt,
    Recipient,
    Settings,
)
from inboxwatch.notify.apprise_settings import AppriseSettings
from inboxwatch.notify.render import Renderer
from inboxwatch.notify.text import said

_TITLE, _BODY = 150, 3000
"""Characters; services that take less cut the rest themselves."""

_MENTION = re.compile(r"@(?=everyone|here|channel|all\b)", re.IGNORECASE)

# apprise logs each failure with the service's answer; what matters of it is in our own error.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


class Apprise:
    """Tells one place, the one of its URL; people are reached by other channels."""

    settings: ClassVar[type[Settings]] = AppriseSettings

    def __init__(self, settings: AppriseSettings, name: str) -> None:
        self.name = name
        self._settings = settings
        self._renderer = Renderer(settings.zone, settings.templates)
        self._service = apprise.Apprise(asset=apprise.AppriseAsset(app_id="inboxwatch", app_desc="inboxwatch"))
        self._service.add(settings.url.reveal())

    def reaches(self, person: Recipient) -> str | None:
        return None

    def accepts(self, destination: str) -> str | None:
        return f"{self.name} tells the one place of its URL: write it without a destination" if destination else None

    async def send(
        self, notice: Notice, destination: str, person: Recipient | None, key: str, earlier: str | None = None
    ) -> Receipt:
        """Delivers, but not idempotently: few services know such a key. A retry after a lost answer may come twice."""
        title = defused(self._renderer.line("headline.txt", notice, person, _TITLE))
        body = defused(self._renderer.text("body.txt", notice, person))
        try:
            async with asyncio.timeout(self._settings.timeout):
                result: Any = await self._service.async_notify(
                    body=_shortened(body),
                    title=title,
                    notify_type=_kind(notice),
                    body_format=apprise.NotifyFormat.TEXT,
                    interpret_escapes=False,
                )
        except TimeoutError as error:
            raise ChannelError("the service did not answer in time") from error
        if not result:
            raise ChannelError(f"the service did not take the message: {_reason(result)}")
        return Receipt()

    async def probe(self) -> str:
        """Only shows which service it is: apprise offers no way to try one without telling people."""
        service = apprise.Apprise.instantiate(self._settings.url.reveal())
        return f"{service.service_name}, not tried" if service else "nothing"

    async def aclose(self) -> None:
        """apprise keeps nothing open."""


def defused(text: str) -> str:
    """Text that mentions nobody and hides no link, whichever markup the service behind it understands."""
    return _MENTION.sub("＠", text).replace("<", "‹").replace(">", "›").replace("](", "] (")


def _shortened(body: str) -> str:
    if len(body) <= _BODY:
        return body
    return body[:_BODY].rpartition("\n")[0] + "\n…"


def _kind(notice: Notice) -> apprise.NotifyType:
    if notice.type is NoticeType.RESOLVED:
        return apprise.NotifyType.SUCCESS
    if notice.type in (NoticeType.DIGEST, NoticeType.ASSIGNED, NoticeType.UNASSIGNED):
        return apprise.NotifyType.INFO
    warnings = notice.contact is None and all(told.reason == "warning" for told in notice.clocks)
    return apprise.NotifyType.WARNING if warnings else apprise.NotifyType.FAILURE


def _reason(result: Any) -> str:
    """The service's last error, from the log that apprise keeps of each call (version 2 and later)."""
    entries = [entry.message for service in getattr(result, "results", ()) for entry in service.logs()]
    return said(entries[-1]) if entries else "it gave no reason"
