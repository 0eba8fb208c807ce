"""IT's own alarms: one notice when something is wrong, with what to do, and one more when it is right again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxwatch.engine.clock_jump import note_running
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import NoticeType
from inboxwatch.notify import alarm_messages as messages
from inboxwatch.store import Transaction
from inboxwatch.store.marks import AlarmMark
from inboxwatch.words import Wording

SKEW = timedelta(minutes=2)
"""How far a server's clock may be ahead of ours."""
RENEWAL = timedelta(days=14)
"""How long before its end an access is to be renewed."""
LOW_SHARE, LOW, LOWEST = 0.05, 5 * 2**30, 200 * 2**20
"""A disk is nearly full with less than this share and these bytes free, or with fewer bytes than the last."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is right or wrong now."""

    name: str
    """The same for as long as it is watched, such as `coverage/ana`."""
    wrong: bool
    title: str
    """What is wrong and what to do, in one or two sentences."""
    over: str
    """That it is right again."""
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """The right to read a mailbox or a directory, and when it ends."""

    mailbox: str | None
    directory: str | None
    """One of both: the name in the config."""
    ends: datetime | None
    """None: unknown, or never."""

    @property
    def mark(self) -> str:
        """Its condition's name."""
        return f"expiry/{self.mailbox}" if self.mailbox else f"directory-expiry/{self.directory}"


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system on which the store lies, in bytes."""

    path: str
    free: int
    total: int


def watch(tx: Transaction, rules: Rules, conditions: Iterable[Condition], now: datetime) -> int:
    """Enqueues what has changed since the conditions were looked at last; returns how many notices are new."""
    wrong, new = tx.marks.all(AlarmMark), 0
    for one in conditions:
        since = wrong.get(one.name)
        if one.wrong == (since is not None):
            continue
        since = since or now
        tx.marks.set(AlarmMark(one.name), since if one.wrong else None)
        kind = NoticeType.MAILBOX if one.mailbox else NoticeType.DIGEST
        key = f"alarm/{one.name}/{since.isoformat()}" + ("" if one.wrong else "/over")
        body = {"title": one.title if one.wrong else one.over, "mailbox": one.mailbox}
        new += tx.deliveries.enqueue(rules.notices.notice(kind, key, rules.config.it_alerts, now, **body))
    return new


def watch_all(tx: Transaction, rules: Rules, now: datetime, accesses: Sequence[Access], disk: Disk | None) -> int:
    """Looks at everything that time or the machine can make wrong; returns how many notices are new."""
    note_running(tx, now)
    found = [*_coverage(tx, rules), _dead_letters(tx, rules.words), _certificate(rules, now)]
    if disk is not None:
        found.append(_disk(disk, rules.words))
    return watch(tx, rules, found, now) + _watch_ends(tx, rules, accesses, now)


def skew(mailbox: str, latest: datetime, now: datetime, words: Wording) -> Condition:
    """Whether a server stamps mail with times that have not come yet: `latest` is the newest of a batch."""
    ahead = latest - now
    return Condition(
        f"skew/{mailbox}",
        ahead > SKEW,
        messages.clock_ahead(mailbox=mailbox, ahead=ahead, words=words),
        messages.clock_right(mailbox=mailbox, words=words),
        mailbox,
    )


def _coverage(tx: Transaction, rules: Rules) -> Iterator[Condition]:
    words = rules.words
    for row in tx.mailboxes.all():
        if row.coverage is not None and row.id in rules.config.mailboxes:
            yield Condition(
                f"coverage/{row.id}",
                row.coverage < 1,
                messages.coverage_short(mailbox=row.id, coverage=row.coverage, words=words),
                messages.coverage_whole(mailbox=row.id, words=words),
                row.id,
            )


def _dead_letters(tx: Transaction, words: Wording) -> Condition:
    count = tx.board.dead_letters()
    wrong, over = messages.dead_letters(count=count, words=words), words.say(messages.NO_DEAD_LETTERS)
    return Condition("dead-letters", count > 0, wrong, over)


def _watch_ends(tx: Transaction, rules: Rules, accesses: Sequence[Access], now: datetime) -> int:
    """One notice for all that end together: hundreds of mailboxes may be read by the login of one application."""
    wrong, new, words = tx.marks.all(AlarmMark), 0, rules.words
    changed: defaultdict[tuple[datetime | None, datetime], list[Access]] = defaultdict(list)
    for one in accesses:
        since = wrong.get(one.mark)
        soon = one.ends if one.ends is not None and one.ends - now < RENEWAL else None
        if (soon is not None) != (since is not None):
            changed[soon, since or now].append(one)
            tx.marks.set(AlarmMark(one.mark), now if soon else None)
    for (soon, since), together in changed.items():
        mailboxes = [one.mailbox for one in together if one.mailbox]
        directories = [one.directory for one in together if one.directory]
        alone = mailboxes[0] if len(together) == len(mailboxes) == 1 else None
        title = (
            messages.access_ends(mailboxes=mailboxes, directories=directories, at=soon, words=words)
            if soon
            else messages.access_renewed(mailboxes=mailboxes, directories=directories, words=words)
        )
        kind = NoticeType.MAILBOX if alone else NoticeType.DIGEST
        key = f"alarm/{together[0].mark}/{since.isoformat()}" + ("" if soon else "/over")
        body = {"title": title, "mailbox": alone}
        new += tx.deliveries.enqueue(rules.notices.notice(kind, key, rules.config.it_alerts, now, **body))
    return new


def _certificate(rules: Rules, now: datetime) -> Condition:
    """The listener's own; behind a proxy, or without TLS, there is none that could end."""
    tls, words = rules.config.web.tls, rules.words
    ends = tls.chain.ends if tls is not None else None
    return Condition(
        "web-certificate",
        ends is not None and ends - now < RENEWAL,
        messages.certificate_ends(at=ends, words=words) if ends is not None else "",
        words.say(messages.CERTIFICATE_RENEWED),
    )


def _disk(disk: Disk, words: Wording) -> Condition:
    low = disk.free < LOWEST or (disk.free < LOW and disk.free < LOW_SHARE * disk.total)
    return Condition(
        "disk",
        low,
        messages.disk_low(path=disk.path, free=disk.free, words=words),
        messages.disk_roomy(path=disk.path, words=words),
    )
