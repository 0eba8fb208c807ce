"""History is read by receive time over all folders, whatever the server says of times; nothing is passed by."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from connectors.mail.folder_reading import FolderSurvey, wants_times
from connectors.mail.imap.fetch_response import internal_date, internal_seconds
from connectors.mail.imap.position import UidPosition
from connectors.mail.imap.reading_plan import steps, steps_by_uid
from inboxwatch.connector import MailboxError, Reading
from inboxwatch.testing import every, ids, in_time, letter, message_id, taken
from tests.doubles.scripted_imap import Answer, Client, ScriptedImap, uids_of
from tests.support.imap_sessions import read

FOLDERS = ("INBOX", "Sent", "Old")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Mail = dict[str, list[int | None]]
"""By folder when each message was received, in the order of UIDs from 1; None: the server does not tell."""


def survey(mail: Mail, positions: dict[str, UidPosition]) -> FolderSurvey[UidPosition, int]:
    known = {
        name: positions.get(name) or UidPosition(1, 1, len(its) + 1, date(2026, 1, 1)) for name, its in mail.items()
    }
    pending = {name: list(range(known[name].next, len(its) + 1)) for name, its in mail.items()}
    return FolderSurvey(
        known,
        {name: uids for name, uids in pending.items() if uids},
        {name: UidPosition(1, len(its) + 1) for name, its in mail.items()},
    )


@given(st.data())
def test_whatever_breaks_off_and_comes_meanwhile_every_message_is_read_once_and_in_order(data: st.DataObject) -> None:
    times = st.lists(st.integers(1, 50), max_size=12)
    mail: Mail = {name: list(data.draw(times)) for name in FOLDERS}
    size = data.draw(st.integers(1, 6))
    positions: dict[str, UidPosition] = {}
    read_so_far: Counter[tuple[str, int]] = Counter()
    for round_ in range(4):
        found = survey(mail, positions)
        told = {name: {uid: at for uid in uids if (at := mail[name][uid - 1])} for name, uids in found.pending.items()}
        by_time = wants_times(found, size)
        plan = list(steps(found, told, None, size) if by_time else steps_by_uid(found, size))
        over = round_ == 3 or data.draw(st.booleans())
        made = plan if over else plan[: data.draw(st.integers(0, len(plan)))]
        reached = 0
        for step in made:
            assert sum(map(len, step.share.values())) <= size + (0 if by_time else len(FOLDERS))
            read_so_far.update((name, uid) for name, uids in step.share.items() for uid in uids)
            positions = dict(step.follows)
            received = [mail[name][uid - 1] or 0 for name, uids in step.share.items() for uid in uids]
            news = all(uid >= found.positions[name].until for name, uids in step.share.items() for uid in uids)
            if by_time and not news:
                assert min(received) >= reached
                reached = max(received)
        positions = dict(found.goals) if over else positions
        if round_ < 3:
            for name in FOLDERS:
                mail[name] += data.draw(times)
    assert read_so_far == {(name, uid): 1 for name, its in mail.items() for uid in range(1, len(its) + 1)}


@given(st.data())
def test_a_server_that_tells_a_time_now_and_then_only_costs_no_message(data: st.DataObject) -> None:
    mail: Mail = {name: list(data.draw(st.lists(st.integers(1, 50), max_size=12))) for name in FOLDERS}
    size = data.draw(st.integers(1, 6))
    positions: dict[str, UidPosition] = {}
    seen: set[tuple[str, int]] = set()
    for last in (False, False, True):
        found = survey(mail, positions)
        told = {
            name: {uid: at for uid in uids if (at := mail[name][uid - 1]) and data.draw(st.integers(0, 5))}
            for name, uids in found.pending.items()
        }
        plan = list(steps(found, told, None, size) if wants_times(found, size) else steps_by_uid(found, size))
        made = plan if last else plan[: data.draw(st.integers(0, len(plan)))]
        for step in made:
            seen.update((name, uid) for name, uids in step.share.items() for uid in uids)
            positions = dict(step.follows)
    assert seen == {(name, uid) for name, its in mail.items() for uid in range(1, len(its) + 1)}


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60), st.booleans())
def test_a_time_in_seconds_is_the_time(moment: datetime, minutes: int, padded: bool) -> None:
    local = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    day = f"{local.day:2}" if padded else str(local.day)
    written = f"{day}-{_MONTHS[local.month - 1]}-{local:%Y %H:%M:%S %z}".encode()
    assert internal_seconds(written) == int(local.timestamp())


@given(st.text("0123456789 :-+NovDec", max_size=28))
def test_what_is_no_time_is_none_in_seconds_either(text: str) -> None:
    expected: int | None = None
    told: int | None = None
    with contextlib.suppress(ValueError):
        expected = int(internal_date(text.encode()).timestamp())
    with contextlib.suppress(ValueError):
        told = internal_seconds(text.encode())
    assert told == expected


def _header(number: int) -> str:
    return letter(number).decode().partition("\r\n\r\n")[0] + "\r\n\r\n"


def _filled(server: ScriptedImap) -> None:
    server.mail["INBOX"] = [_header(number) for number in range(12)]
    server.mail["Out"] = [_header(number) for number in range(12, 16)]


def _is_about_times(arguments: str) -> bool:
    return arguments.endswith("(UID INTERNALDATE)")


async def _serve(client: Client, tag: str, arguments: str) -> None:
    await client.server._uid_fetch(client, tag, arguments)


def _telling(says: Callable[[Client, str, str], str | None]) -> Answer:
    """Answers the question for times as `says` has it (client, tag, UIDs); None: as usual."""

    async def answer(client: Client, tag: str, arguments: str) -> None:
        said = says(client, tag, arguments) if _is_about_times(arguments) else None
        if said is None:
            await _serve(client, tag, arguments)
        else:
            await client.send(said)

    return answer


async def test_a_message_whose_time_the_server_refuses_to_tell_keeps_no_other_from_its_place() -> None:
    def says(client: Client, tag: str, arguments: str) -> str | None:
        damaged = client.folder == "INBOX" and 5 in uids_of(arguments)
        return f"{tag} NO [SERVERBUG] internal error\r\n" if damaged else None

    async with ScriptedImap({"UID FETCH": _telling(says)}) as server:
        _filled(server)
        batches = await read(server.connector(Reading(batch_size=4)))
    assert sorted(ids(taken(batches))) == [message_id(number) for number in range(16)]
    first, *others = batches
    assert message_id(4) in ids(first.messages)
    in_time(others)


async def test_a_server_that_tells_no_times_at_all_is_read_by_uid() -> None:
    def says(_: Client, tag: str, arguments: str) -> str:
        lines = [f"* {uid} FETCH (UID {uid} INTERNALDATE NIL)\r\n" for uid in uids_of(arguments)]
        return "".join(lines) + f"{tag} OK done\r\n"

    async with ScriptedImap({"UID FETCH": _telling(says)}) as server:
        _filled(server)
        batches = await read(server.connector(Reading(batch_size=4)))
    assert sorted(ids(taken(batches))) == [message_id(number) for number in range(16)]
    assert all(len(batch.messages) <= 5 for batch in batches)


async def test_a_server_that_dies_whenever_it_is_asked_for_times_is_read_without() -> None:
    def says(client: Client, _tag: str, _uids: str) -> str:
        client.hang_up()
        return ""

    async with ScriptedImap({"UID FETCH": _telling(says)}) as server:
        _filled(server)
        connector = server.connector(Reading(batch_size=4))
        failures = 0
        while True:
            try:
                batches = await every(connector, None)
                break
            except MailboxError:
                failures += 1
        await connector.aclose()
    assert failures == 3
    assert sorted(ids(taken(batches))) == [message_id(number) for number in range(16)]


async def test_no_time_is_asked_for_where_it_decides_nothing() -> None:
    async with ScriptedImap() as server:
        server.mail["INBOX"] = [_header(number) for number in range(12)]
        connector = server.connector(Reading(batch_size=4))
        cursor = (await every(connector, None))[-1].cursor
        server.mail["INBOX"].append(_header(12))
        server.mail["Out"] += [_header(13), _header(14)]
        assert len(taken(await every(connector, cursor))) == 3
        await connector.aclose()
        assert not [one for one in server.commands if re.search(r"\(UID INTERNALDATE\)", one)]


async def test_a_folder_that_was_restored_from_a_backup_while_history_was_broken_off_is_read_again() -> None:
    async with ScriptedImap() as server:
        _filled(server)
        half = (await read(server.connector(Reading(batch_size=4))))[1].cursor
        server.mail["INBOX"] = [_header(number) for number in range(20, 25)]
        batches = await read(server.connector(Reading(batch_size=4)), half)
    assert batches[0].resynced
    assert {message_id(number) for number in range(20, 25)} <= set(ids(taken(batches)))
