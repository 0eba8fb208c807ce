"""In which order the messages that a poll found in a Maildir are read: by receive time over all folders.

The names of files tell when they were delivered to their folder, which for moved and for migrated mail is later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from connectors.mail.folder_reading import DatedItem, FolderPass, FolderSurvey, ReadingStep, steps_by_time
from connectors.mail.maildir.folder import MaildirFolder, MaildirPosition, MessageFile

MaildirSurvey = FolderSurvey[MaildirPosition, MessageFile]
MaildirStep = ReadingStep[MaildirPosition, MessageFile]
MaildirPass = FolderPass[MaildirPosition, MessageFile]

_UNTOLD = 0


def steps(
    survey: MaildirSurvey, folders: Mapping[str, MaildirFolder], since: datetime | None, size: int
) -> Iterator[MaildirStep]:
    """First what is left of passes that were begun, the first ones above all, then what came after them.

    Messages of a first pass that were received before `since` are left out. Blocks.
    """
    begun: dict[str, MaildirPass] = {}
    fresh: dict[str, MaildirPass] = {}
    for name, entries in survey.pending.items():
        position, folder = survey.positions[name], folders[name]
        ends = position.upto or position.until
        if ends is not None:
            start = position.passing(ends)
            horizon = since if position.until == ends else None
            begun[name] = _pass(start, folder, (one for one in entries if one.key <= ends), horizon)
            position = _past(start, (), last=True)
        rest = [one for one in entries if ends is None or one.key > ends]
        if rest:
            fresh[name] = _pass(position.passing(max(rest[-1].key, position.at)), folder, rest, None)
    return steps_by_time((begun, fresh), survey.positions, size)


def _pass(
    start: MaildirPosition, folder: MaildirFolder, entries: Iterable[MessageFile], since: datetime | None
) -> MaildirPass:
    items: list[DatedItem[MessageFile]] = []
    for entry in entries:
        try:
            at = folder.received_ns(entry)
        except FileNotFoundError:
            continue  # deleted meanwhile
        except OSError:
            at = _UNTOLD  # reading it will tell why
        if since is None or at == _UNTOLD or at >= since.timestamp() * 1e9:
            items.append(DatedItem(at, entry))
    items.sort(key=lambda one: (one.at, one.item.name))
    return FolderPass(start, items, _past)


def _past(position: MaildirPosition, taken: Sequence[DatedItem[MessageFile]], last: bool) -> MaildirPosition:
    after = (taken[-1].at, taken[-1].item.name) if taken else (_UNTOLD, "")
    return position.past([one.item.name for one in taken], after, last)
