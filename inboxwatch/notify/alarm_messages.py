"""The sentences of IT's alarms, about the program itself: what is wrong and what to do, then that it is right again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from inboxwatch.notify.messages import some
from inboxwatch.words import ENGLISH, Wording, english


def mailbox_blind(
    *, mailbox: str, reason: str, read_until: datetime | None, hint: str, words: Wording = ENGLISH
) -> str:
    """`read_until` (UTC) is up to when the mailbox was read; `hint` says what to do, or is empty."""
    age = words.say("never read")
    if read_until:
        age = words.say("unread since %(at)s", at=f"{read_until:%Y-%m-%d %H:%M:%S} UTC")
    said = words.say("Mailbox %(mailbox)s is blind (%(reason)s): %(age)s.", mailbox=mailbox, reason=reason, age=age)
    return f"{said} {hint}".strip()


def mailbox_readable(*, mailbox: str, words: Wording = ENGLISH) -> str:
    return words.say("Mailbox %(mailbox)s can be read again.", mailbox=mailbox)


def server_blind(*, server: str, reason: str, mailboxes: Sequence[str], words: Wording = ENGLISH) -> str:
    return words.say(
        "The mail server %(server)s cannot be used (%(reason)s): %(mailboxes)s are blind. The board shows each of "
        "them; nobody can tell whether their waits were answered until it answers.",
        server=server,
        reason=reason,
        mailboxes=some(mailboxes, words=words),
    )


def server_readable(*, server: str, words: Wording = ENGLISH) -> str:
    return words.say("The mail server %(server)s answers again: its mailboxes can be read.", server=server)


def clock_jumped(*, by: timedelta, words: Wording = ENGLISH) -> str:
    """`by` is how far the time of day has jumped, negative where it was set back."""
    seconds = by.total_seconds()
    span = words.span(abs(seconds))
    if seconds > 0:
        return words.say(
            "The clock of the machine of inboxwatch went on by %(span)s at once. Where it slept, all is well: "
            "mailboxes are read before anybody is told. Where its clock is wrong now, steps leave early. "
            "`timedatectl` shows it.",
            span=span,
        )
    return words.say(
        "The clock of the machine of inboxwatch was set back by %(span)s at once. Nothing is told twice. Where its "
        "clock is wrong now, steps leave late. `timedatectl` shows it.",
        span=span,
    )


def clock_behind(*, by: timedelta, words: Wording = ENGLISH) -> str:
    """`by` is how far the time of day is behind that at which the store was last worked on."""
    return words.say(
        "The clock of the machine of inboxwatch is %(span)s behind the time at which inboxwatch last ran: it was set "
        "back since, or was wrong then. Nothing is told twice. Where it is wrong now, steps leave late. `timedatectl` "
        "shows it.",
        span=words.span(by.total_seconds()),
    )


def erasure_held(*, ahead: timedelta, at: datetime, words: Wording = ENGLISH) -> str:
    """`at` (UTC) is by what the age of what is erased is counted; the clock is `ahead` of that."""
    return words.say(
        "The clock of the machine of inboxwatch is %(span)s ahead of the time at which inboxwatch was last at work: "
        "history.keep counts by %(at)s UTC until somebody says that the clock is right, so that a wrong one erases "
        "nothing. Where it is right, run `inboxwatch store trust-clock`; `timedatectl` shows it.",
        span=words.span(ahead.total_seconds()),
        at=f"{at:%Y-%m-%d %H:%M}",
    )


ERASURE_GOES_ON = english("history.keep counts by the clock of the machine of inboxwatch again.")


def person_gone(*, person: str, moved: Sequence[tuple[str, str]], words: Wording = ENGLISH) -> str:
    """`moved` are waits with whose they become."""
    goes = [words.say("%(wait)s goes to %(owner)s", wait=clock, owner=owner) for clock, owner in moved]
    return words.count(
        "%(person)s is no person of the config any more and owns %(count)s open wait: %(moved)s.",
        "%(person)s is no person of the config any more and owns %(count)s open waits: %(moved)s.",
        len(moved),
        person=person,
        moved=some(goes, words=words),
    )


def mailbox_gone(*, mailbox: str, clocks: Sequence[str], words: Wording = ENGLISH) -> str:
    return words.count(
        "Mailbox %(mailbox)s is not in the config any more, and %(count)s open wait began in it: answers that only it "
        "holds are not seen. Dismiss or answer %(waits)s, or bring the mailbox back.",
        "Mailbox %(mailbox)s is not in the config any more, and %(count)s open waits began in it: answers that only it "
        "holds are not seen. Dismiss or answer %(waits)s, or bring the mailbox back.",
        len(clocks),
        mailbox=mailbox,
        waits=some(clocks, words=words),
    )


def target_gone(*, target: str, waits: int, fallback: str, words: Wording = ENGLISH) -> str:
    return words.count(
        "The ladder of %(count)s open wait names %(target)s, whom the config does not know any more: %(fallback)s is "
        "told instead. `inboxwatch clocks repolicy` puts open waits under the policies of today.",
        "The ladder of %(count)s open waits names %(target)s, whom the config does not know any more: %(fallback)s is "
        "told instead. `inboxwatch clocks repolicy` puts open waits under the policies of today.",
        waits,
        target=target,
        fallback=fallback,
    )


def channel_down(*, channel: str, dead: int, words: Wording = ENGLISH) -> str:
    """`dead` counts the dead letters that came of it; 0 where all went another way."""
    if dead:
        became = words.count("%(count)s dead letter", "%(count)s dead letters", dead)
    else:
        became = words.say("the next way was used")
    return words.say(
        "Channel %(channel)s does not deliver: %(became)s. See the dead letters, mend the channel, send them again.",
        channel=channel,
        became=became,
    )


STORE_DOWN = english(
    "The store cannot be used: nothing is read, timed or told until it can. See to its disk, "
    "its permissions or its server; inboxwatch tries again by itself."
)


def crash_loop(*, ends: int, minutes: int, words: Wording = ENGLISH) -> str:
    return words.say(
        "inboxwatch has ended %(ends)s times within %(minutes)s minutes without being told to, and starts again: its "
        "log says why. Run `inboxwatch check`; if the config is fine, go back to the version before.",
        ends=ends,
        minutes=minutes,
    )


STORE_UP = english("The store can be used again: what had to wait is told now.")


def clock_ahead(*, mailbox: str, ahead: timedelta, words: Wording = ENGLISH) -> str:
    return words.say(
        "The server of mailbox %(mailbox)s is %(span)s ahead of this machine: waits begin too late or answers come too "
        "early. Set both clocks by NTP.",
        mailbox=mailbox,
        span=words.span(ahead.total_seconds()),
    )


def clock_right(*, mailbox: str, words: Wording = ENGLISH) -> str:
    return words.say("The clocks of this machine and of mailbox %(mailbox)s agree again.", mailbox=mailbox)


def coverage_short(*, mailbox: str, coverage: float, words: Wording = ENGLISH) -> str:
    """`coverage` is the share (0..1) of the server's messages that the store holds; cut, so 0.99999 is not all."""
    return words.say(
        "inboxwatch holds only %(share)s %% of the messages in mailbox %(mailbox)s: waits may be missing. See its "
        "quarantined messages, then run `inboxwatch backfill` on %(mailbox)s.",
        share=f"{int(coverage * 10000) / 100:g}",
        mailbox=mailbox,
    )


def coverage_whole(*, mailbox: str, words: Wording = ENGLISH) -> str:
    return words.say("inboxwatch holds every message of mailbox %(mailbox)s again.", mailbox=mailbox)


def dead_letters(*, count: int, words: Wording = ENGLISH) -> str:
    return words.count(
        "%(count)s message could not be delivered and is a dead letter: somebody was not told. Mend the channels "
        "(`inboxwatch outbox list` says why), then run `inboxwatch outbox resend --all`.",
        "%(count)s messages could not be delivered and are dead letters: somebody was not told. Mend the channels "
        "(`inboxwatch outbox list` says why), then run `inboxwatch outbox resend --all`.",
        count,
    )


NO_DEAD_LETTERS = english("No dead letters are left.")


def access_ends(*, mailboxes: Sequence[str], directories: Sequence[str], at: datetime, words: Wording = ENGLISH) -> str:
    """Of what ends together; `at` is in UTC."""
    lost = [words.count("it goes blind", "they go blind", len(mailboxes))] if mailboxes else []
    lost += [words.say("nobody who joins or leaves is noticed")] if directories else []
    return words.say(
        "The access to %(accessed)s ends on %(at)s UTC: renew its token, secret or certificate before, or %(lost)s.",
        accessed=_accessed(mailboxes, directories, words),
        at=f"{at:%Y-%m-%d %H:%M}",
        lost=words.say(" and ").join(lost),
    )


def access_renewed(*, mailboxes: Sequence[str], directories: Sequence[str], words: Wording = ENGLISH) -> str:
    return words.say("The access to %(accessed)s was renewed.", accessed=_accessed(mailboxes, directories, words))


def _accessed(mailboxes: Sequence[str], directories: Sequence[str], words: Wording) -> str:
    shown = []
    if mailboxes:
        names = some(mailboxes, 5, words=words)
        shown.append(words.count("mailbox %(names)s", "%(count)s mailboxes (%(names)s)", len(mailboxes), names=names))
    if directories:
        names = some(directories, 5, words=words)
        shown.append(
            words.count("directory %(names)s", "%(count)s directories (%(names)s)", len(directories), names=names)
        )
    return words.say(" and to ").join(shown)


def certificate_ends(*, at: datetime, words: Wording = ENGLISH) -> str:
    """`at` is in UTC."""
    return words.say(
        "The certificate of inboxwatch's own web (web.tls) ends on %(at)s UTC: put a new one in its place and reload, "
        "or browsers and Prometheus refuse it.",
        at=f"{at:%Y-%m-%d %H:%M}",
    )


CERTIFICATE_RENEWED = english("The certificate of inboxwatch's own web was renewed.")


def disk_low(*, path: str, free: int, words: Wording = ENGLISH) -> str:
    """`free` are bytes."""
    return words.say(
        "The disk of the store (%(path)s) has %(free)s MB left: when it is full nothing is watched any more. Make "
        "room, or move the store.",
        path=path,
        free=free // 2**20,
    )


def disk_roomy(*, path: str, words: Wording = ENGLISH) -> str:
    return words.say("The disk of the store (%(path)s) has room again.", path=path)
