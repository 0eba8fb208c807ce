"""What `check` says of reports by mail: who gets what when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from inboxwatch.commands.channels_at_hand import channels_at_hand
from inboxwatch.commands.finding import Finding
from inboxwatch.engine.delivery.enqueue import REPORTS_BY, Notices
from inboxwatch.notify import NoticeType
from inboxwatch.notify.report_messages import schedule

if TYPE_CHECKING:
    from inboxwatch.config import Config


def check_reports(config: Config) -> Iterator[Finding]:
    """One finding a report, and one for each reader whom no mail reaches."""
    if not config.report_mails:
        return
    channels = channels_at_hand(config)
    notices = Notices(config, channels)
    perhaps = any(one.type == REPORTS_BY for name, one in config.channels.items() if name not in channels)
    for mail in config.report_mails.values():
        names = ", ".join(config.people[reader].name for reader in mail.to)
        when = schedule(every=mail.every, weekday=mail.weekday, minutes=mail.at, zone=mail.zone.key)
        whose = f"team {mail.team}" if mail.team else "the whole house"
        yield Finding(f"report {mail.name}", "ok", f"{whose}, to {names}: {when}")
        for reader in mail.to:
            if not perhaps and not notices.ways(reader, NoticeType.REPORT)[1]:
                text = f"no channel of the type {REPORTS_BY} reaches {reader}"
                yield Finding(f"report {mail.name}", "failed", text, "add one to `channels`")
