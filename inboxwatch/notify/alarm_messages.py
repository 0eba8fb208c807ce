"""The sentences of IT's alarms: what is wrong and what to do, then that it is right again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from inboxwatch.notify.messages import some
from inboxwatch.notify.text import span


def clock_ahead(*, mailbox: str, ahead: timedelta) -> str:
    return (
        f"The server of mailbox {mailbox} is {span(ahead.total_seconds())} ahead of this machine: waits begin too late "
        "or answers come too early. Set both clocks by NTP."
    )


def clock_right(*, mailbox: str) -> str:
    return f"The clocks of this machine and of mailbox {mailbox} agree again."


def coverage_short(*, mailbox: str, coverage: float) -> str:
    """`coverage` is the share (0..1) of the server's messages that the store holds; cut, so 0.99999 is not all."""
    return (
        f"inboxwatch holds only {int(coverage * 10000) / 100:g} % of the messages in mailbox {mailbox}: "
        f"waits may be missing. See its quarantined messages, then run `inboxwatch backfill` on {mailbox}."
    )


def coverage_whole(*, mailbox: str) -> str:
    return f"inboxwatch holds every message of mailbox {mailbox} again."


def dead_letters(*, count: int) -> str:
    return (
        f"{count} messages could not be delivered and are dead letters: somebody was not told. Mend the channels "
        "(`inboxwatch outbox list` says why), then run `inboxwatch outbox resend --all`."
    )


NO_DEAD_LETTERS = "No dead letters are left."


def access_ends(*, mailboxes: Sequence[str], directories: Sequence[str], at: datetime) -> str:
    """Of what ends together; `at` is in UTC."""
    lost = [
        *(["it goes blind" if len(mailboxes) == 1 else "they go blind"] if mailboxes else []),
        *(["nobody who joins or leaves is noticed"] if directories else []),
    ]
    return (
        f"The access to {_accessed(mailboxes, directories)} ends on {at:%Y-%m-%d %H:%M} UTC: "
        f"renew its token, secret or certificate before, or {' and '.join(lost)}."
    )


def access_renewed(*, mailboxes: Sequence[str], directories: Sequence[str]) -> str:
    return f"The access to {_accessed(mailboxes, directories)} was renewed."


def _accessed(mailboxes: Sequence[str], directories: Sequence[str]) -> str:
    kinds = (("mailbox", "mailboxes", mailboxes), ("directory", "directories", directories))
    shown = (
        f"{one} {names[0]}" if len(names) == 1 else f"{len(names)} {many} ({some(names, 5)})"
        for one, many, names in kinds
        if names
    )
    return " and to ".join(shown)


def certificate_ends(*, at: datetime) -> str:
    """`at` is in UTC."""
    return (
        f"The certificate of inboxwatch's own web (web.tls) ends on {at:%Y-%m-%d %H:%M} UTC: put a new one in its "
        "place and reload, or browsers and Prometheus refuse it."
    )


CERTIFICATE_RENEWED = "The certificate of inboxwatch's own web was renewed."


def disk_low(*, path: str, free: int) -> str:
    """`free` are bytes."""
    return (
        f"The disk of the store ({path}) has {free // 2**20} MB left: when it is full nothing is watched any "
        "more. Make room, or move the store."
    )


def disk_roomy(*, path: str) -> str:
    return f"The disk of the store ({path}) has room again."
