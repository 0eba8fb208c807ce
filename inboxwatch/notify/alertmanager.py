"""The channel `alertmanager`: waits as alerts of Alertmanager's API v2, for organizations that route alerts there.

An alert is known by its labels. Severity and owner are among them, for routes; so each send first ends the alert that
`earlier` names, if its labels were others. The reference is the JSON of the labels.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from inboxwatch import now as instant
from inboxwatch.core.wait_view import WaitView
from inboxwatch.notify import (
    MANY,
    ChannelSettings,
    ConfigPath,
    Notice,
    NoticeType,
    Receipt,
    Recipient,
    Seconds,
    Secret,
    Settings,
)
from inboxwatch.notify.http import HttpAddress, Poster
from inboxwatch.notify.render import Renderer
from inboxwatch.notify.text import clean, web_link

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

Labels = dict[str, str]
Alert = dict[str, Any]


class AlertmanagerSettings(ChannelSettings):
    """Alerts of Alertmanager's API v2. A destination becomes the label `recipient`."""

    url: HttpAddress
    """Where its pages are, such as http://127.0.0.1:9093; a route prefix belongs to it."""
    token: Secret | None = None
    """Sent as `Authorization: Bearer`."""
    username: str | None = None
    """With `password`: Basic authentication."""
    password: Secret | None = None
    """With `username`."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Further labels for every alert, such as `{service: sales}`."""
    lasting: Seconds = 7 * 86400.0
    """How long an alert stays active without another message; Alertmanager alone would end it after five minutes."""
    timeout: Seconds = 10.0
    """How long a whole exchange may take."""
    ca_file: ConfigPath | None = None
    """PEM file of certificate authorities to trust beside the system's."""
    proxy: str | None = None
    """The address of an HTTP proxy, such as `http://proxy.acme.test:3128`."""

    @field_validator("labels")
    @classmethod
    def _label_names(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if not _LABEL.fullmatch(name):
                raise ValueError(f"{name!r} is no label name: letters, digits and _ only")
        return value

    @model_validator(mode="after")
    def _one_login(self) -> AlertmanagerSettings:
        if bool(self.username) != bool(self.password):
            raise ValueError("give username and password, or neither")
        if self.token and self.username:
            raise ValueError("give token, or username and password")
        return self


class Alertmanager:
    settings: ClassVar[type[Settings]] = AlertmanagerSettings

    def __init__(self, settings: AlertmanagerSettings, name: str) -> None:
        self.name = name
        self._settings = settings
        self._renderer = Renderer(settings.zone, settings.templates)
        self._poster = Poster(settings.timeout, settings.ca_file, settings.proxy)

    def reaches(self, person: Recipient) -> str | None:
        """Routes can find a person by the label `recipient`."""
        return person.id

    def accepts(self, destination: str) -> str | None:
        """Becomes the label `recipient`; without one the alert has no such label."""
        return None if destination == clean(destination, 100) else "must be one short line"

    async def send(
        self, notice: Notice, destination: str, person: Recipient | None, key: str, earlier: str | None = None
    ) -> Receipt:
        """Posting an alert again changes nothing: it is idempotent by its labels."""
        now = instant.now()
        over = notice.type in (NoticeType.RESOLVED, NoticeType.UNASSIGNED)
        recipient = person.id if person else destination
        parts = {_subject(labels): (part, labels) for part, labels in self._parts(notice, recipient)}
        told = [labels for _, labels in parts.values()]
        past = {
            subject: labels
            for labels in _read(earlier)
            if (subject := _subject(labels)) in parts and labels != parts[subject][1]
        }
        body = [self._alert(parts[subject][0], labels, person, now, over=True) for subject, labels in past.items()]
        # An answer ends the alert that was told, which has the labels of that time.
        fresh = (subject for subject in parts if not (over and subject in past))
        body += [self._alert(*parts[subject], person, now, over) for subject in fresh]
        await self._poster.post(self._address("alerts"), json.dumps(body).encode(), self._headers())
        by_clock = {labels["clock"]: _written([labels]) for labels in told if "clock" in labels}
        return Receipt(_written(told) if len(told) <= MANY else "", by_clock if len(told) > 1 else {})

    def joined(self, references: Sequence[str]) -> str | None:
        return _written([labels for reference in references for labels in _read(reference)])

    async def probe(self) -> str:
        answer = await self._poster.get(self._address("status"), self._headers())
        version = re.search(r'"version"\s*:\s*"([^"]{1,40})"', answer)
        return f"Alertmanager {version[1]}" if version else "answers"

    async def aclose(self) -> None:
        await self._poster.aclose()

    def _parts(self, notice: Notice, recipient: str) -> Iterable[tuple[Notice, Labels]]:
        """One alert a wait, each with a notice of its own; a notice without waits, and a digest, is one alert."""
        common = {**self._settings.labels, "recipient": recipient}
        if notice.contact is not None:
            contact, about = notice.contact, {"alertname": "InboxwatchFirstContactFailed", "severity": "warning"}
            yield notice, _filled({**common, "owner": contact.owner, "tier": contact.tier, **about})
            return
        if not notice.clocks or notice.type is NoticeType.DIGEST:
            name = {NoticeType.DIGEST: "InboxwatchDigest"}.get(notice.type, "InboxwatchMailboxBlind")
            yield notice, _filled({**common, "alertname": name, "severity": "warning", "mailbox": notice.mailbox})
            return
        lost = notice.type is NoticeType.FIRST_CONTACT_FAILED
        for told in notice.clocks:
            severity = "warning" if lost or told.reason == "warning" else "critical"
            name = "InboxwatchFirstContactFailed" if lost else "InboxwatchReplyOwed"
            found = {**common, **_of(told.wait), "alertname": name, "severity": severity}
            yield replace(notice, clocks=(told,)), _filled(found)

    def _alert(self, notice: Notice, labels: Labels, person: Recipient | None, now: datetime, over: bool) -> Alert:
        ends = now if over else now + timedelta(seconds=self._settings.lasting)
        alert: Alert = {
            "labels": labels,
            "annotations": {
                "summary": self._renderer.line("headline.txt", notice, person, 300),
                "description": self._renderer.text("body.txt", notice, person)[:8000],
            },
            # Before its end even where the clocks of the two machines differ: an alert that ends earlier is refused.
            "startsAt": _stamp(min(notice.at, ends - timedelta(seconds=1))),
            "endsAt": _stamp(ends),
        }
        link = web_link(notice.link)
        return {**alert, "generatorURL": link} if link else alert

    def _address(self, what: str) -> str:
        return f"{self._settings.url.reveal().rstrip('/')}/api/v2/{what}"

    def _headers(self) -> dict[str, str]:
        settings = self._settings
        if settings.token:
            return {"Authorization": f"Bearer {settings.token.reveal()}"}
        if settings.username and settings.password:
            login = f"{settings.username}:{settings.password.reveal()}".encode()
            return {"Authorization": f"Basic {base64.b64encode(login).decode()}"}
        return {}


def _of(wait: WaitView) -> dict[str, str | None]:
    """The labels of a wait, for routes."""
    return {
        "owner": wait.owner,
        "team": wait.team,
        "tier": wait.tier,
        "mailbox": wait.mailbox,
        "policy": wait.policy,
        "metric": wait.metric,
        "clock": wait.id,
    }


def _filled(labels: Mapping[str, str | None]) -> Labels:
    """Alertmanager refuses no empty label, but forgets it: then the labels we remember would be others."""
    cleaned = {name: clean(value, 200) for name, value in labels.items() if value is not None}
    return {name: cleaned[name] for name in sorted(cleaned) if cleaned[name]}


def _subject(labels: Labels) -> tuple[str | None, ...]:
    """What an alert is about, whatever its severity or owner has become."""
    return tuple(labels.get(name) for name in ("alertname", "clock", "mailbox", "recipient"))


def _read(reference: str | None) -> list[Labels]:
    try:
        labels = json.loads(reference or "[]")
    except ValueError:
        return []
    return labels if isinstance(labels, list) else []


def _written(labels: Sequence[Labels]) -> str:
    return json.dumps(labels, ensure_ascii=False, separators=(",", ":"))


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
