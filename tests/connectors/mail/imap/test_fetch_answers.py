"""What a server says of a message counts however it says it: in pieces, twice, badly. One bad answer costs no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mail.imap.fetch_response import fetch_answer
from inboxwatch.connector import Batch, MailboxError, MailConnector, Reading
from inboxwatch.core.model import Privacy
from inboxwatch.testing import bounce, every, ids, letter, message_id, taken
from tests.doubles.scripted_imap import Answer, Client, ScriptedImap, uids_of
from tests.support.imap_sessions import read

LEAF = '("text" "plain" NIL NIL NIL "7bit" 4 1 NIL NIL NIL NIL)'
DAY = "07-Nov-2026 10:00:00 +0100"
WHEN = datetime(2026, 11, 7, 9, 0, tzinfo=UTC)


def header(number: int, *lines: str) -> str:
    head = letter(number).decode().partition("\r\n\r\n")[0]
    return "\r\n".join((*lines, head)) + "\r\n\r\n"


def fetched(uid: int, head: str, *, date: str = f'"{DAY}"', structure: str = LEAF, more: str = "") -> str:
    """One FETCH response, its parts as they are given."""
    return (
        f"* {uid} FETCH (UID {uid} INTERNALDATE {date}{more} BODYSTRUCTURE {structure}"
        f" BODY[HEADER]<0> {{{len(head)}}}\r\n{head})\r\n"
    )


Line = Callable[[int, str, str], str | None]
"""(UID, header, what is asked for) -> what the server says of a message; None: as usual."""


def answering(say: Line) -> Answer:
    async def answer(client: Client, tag: str, arguments: str) -> None:
        items = arguments.partition(" ")[2]
        for uid in uids_of(arguments):
            head = client.server.mail[client.folder][uid - 1]
            await client.send(say(uid, head, items) or usual(uid, head, items))
        await client.send(f"{tag} OK done\r\n")

    return answer


def usual(uid: int, head: str, items: str) -> str:
    """What a sound server says; bodies are those of letters."""
    if "BODY.PEEK[]" in items:
        whole = f"{head}Hello\r\n"
        return f'* {uid} FETCH (UID {uid} INTERNALDATE "{DAY}" BODY[]<0> {{{len(whole)}}}\r\n{whole})\r\n'
    if "BODYSTRUCTURE" in items:
        return fetched(uid, head)
    date = f'INTERNALDATE "{DAY}" ' if "INTERNALDATE" in items else ""
    return f"* {uid} FETCH (UID {uid} {date}BODY[HEADER]<0> {{{len(head)}}}\r\n{head})\r\n"


async def read_from(
    say: Line, count: int = 3, reading: Reading | None = None, heads: dict[int, str] | None = None
) -> tuple[list[Batch], ScriptedImap]:
    async with ScriptedImap({"UID FETCH": answering(say)}, capabilities="IMAP4rev1 IDLE OBJECTID") as server:
        server.mail["INBOX"] += [(heads or {}).get(number, header(number)) for number in range(1, count + 1)]
        connector = server.connector(reading)
        batches = await every(connector, None)
        assert taken(await every(connector, batches[-1].cursor)) == []
        await connector.aclose()
        return batches, server


def fetches(server: ScriptedImap) -> list[str]:
    return [command for command in server.commands if command.startswith("UID FETCH")]


@pytest.mark.parametrize(
    "say",
    [
        lambda uid, head: fetched(uid, head) + f"* {uid} FETCH (UID {uid} FLAGS (\\Seen))\r\n",
        lambda uid, head: fetched(uid, head) + f"* {uid} FETCH (FLAGS (\\Seen) MODSEQ (9))\r\n",
        lambda uid, head: f"* {uid} FETCH (FLAGS ())\r\n" + fetched(uid, head),
        lambda uid, head: fetched(uid, head) * 2,
        lambda uid, head: (
            f'* {uid} FETCH (INTERNALDATE "{DAY}" BODYSTRUCTURE {LEAF})\r\n* 99 FETCH (FLAGS (\\Seen))\r\n'
            f"* {uid} FETCH (UID {uid} BODY[HEADER]<0> {{{len(head)}}}\r\n{head})\r\n"
        ),
        lambda uid, head: (
            f"* {uid} FETCH (UID {uid} BODY[HEADER]<0> {{{len(head)}}}\r\n{head})\r\n"
            f'* {uid} FETCH (UID {uid} INTERNALDATE "{DAY}" BODYSTRUCTURE {LEAF} BODY[HEADER]<0> NIL)\r\n'
        ),
        lambda uid, head: (
            f"* {uid} FETCH (UID {uid} INTERNALDATE ~{{26}}\r\n{DAY} BODYSTRUCTURE {LEAF}"
            f" BODY[HEADER]<0> ~{{{len(head)}}}\r\n{head})\r\n"
        ),
        lambda uid, head: fetched(uid, head) + "* OK still here\r\n* 9 EXISTS\r\n* 4 FETCH (FLAGS ())\r\n",
    ],
    ids=[
        "flags with UID",
        "flags without UID",
        "flags before",
        "twice",
        "cut, UID at the end",
        "cut, then NIL",
        "literal8",
        "news of the folder",
    ],
)
async def test_all_that_a_server_says_of_a_message_is_taken_together(say: Callable[[int, str], str]) -> None:
    batches, server = await read_from(lambda uid, head, _: say(uid, head))
    messages = taken(batches)
    assert ids(messages) == [message_id(1), message_id(2), message_id(3)]
    assert [message.received_at for message in messages] == [WHEN] * 3
    assert [[part.content_type for part in message.parts or ()] for message in messages] == [["text/plain"]] * 3
    assert len(fetches(server)) == 1, "no message is asked for twice"


async def test_a_piece_without_uid_counts_for_nobody_where_messages_were_renumbered_meanwhile() -> None:
    """After EXPUNGE a sequence number is another message's; what is incomplete by it is asked for again."""

    def say(uid: int, head: str, items: str) -> str | None:
        if "BODYSTRUCTURE" not in items:
            return None
        if uid == 1:
            return f'* 1 FETCH (UID 1 INTERNALDATE "{DAY}")\r\n* 1 EXPUNGE\r\n'
        return f'* 1 FETCH (UID 2 INTERNALDATE "{DAY}")\r\n* 1 FETCH (BODY[HEADER]<0> {{{len(head)}}}\r\n{head})\r\n'

    batches, _ = await read_from(say, 2)
    assert ids(taken(batches)) == [message_id(1), message_id(2)]


async def test_news_of_messages_that_were_not_asked_for_sets_nothing_aside() -> None:
    def say(uid: int, head: str, _: str) -> str:
        return fetched(uid, head) + f"* {uid + 50} FETCH (UID {uid + 50} FLAGS (\\Seen))\r\n"

    batches, _ = await read_from(say)
    assert len(taken(batches)) == 3
    assert [one for batch in batches for one in batch.quarantined] == []


@pytest.mark.parametrize(
    "date",
    ['" 7-Nov-2026 10:00:00 +0100"', '"7-Nov-2026 10:00:00 +0100"', '"07-NOV-2026 10:00:00 +0100"'],
)
async def test_a_day_of_one_digit_is_a_day(date: str) -> None:
    batches, _ = await read_from(lambda uid, head, _: fetched(uid, head, date=date))
    assert [message.received_at for message in taken(batches)] == [WHEN] * 3


HOPS = (
    "Received: from mx.acme.test by box.acme.test;\r\n\tSat, 07 Nov 2026 09:00:00 +0000",
    "Received: from far.buyer.test by mx.acme.test; Sat, 07 Nov 2026 08:00:00 +0000",
)


@pytest.mark.parametrize("date", ["NIL", '""', '"soon"', '"32-Nov-2026 10:00:00 +0000"', ""])
@pytest.mark.parametrize(("hops", "when"), [(HOPS, WHEN), ((), datetime(2026, 11, 12, 10, 0, tzinfo=UTC))])
async def test_where_the_server_tells_no_time_the_header_does(date: str, hops: tuple[str, ...], when: datetime) -> None:
    """The topmost Received line, which our side wrote; in its absence the Date."""

    def say(uid: int, head: str, items: str) -> str:
        said = fetched(uid, head, date=date)
        return said if date else said.replace(" INTERNALDATE ", "")

    batches, _ = await read_from(say, heads={number: header(number, *hops) for number in (1, 2, 3)})
    assert [message.received_at for message in taken(batches)] == [when] * 3


async def test_a_message_without_any_time_is_set_aside_alone() -> None:
    heads = {2: "From: x\r\nSubject: timeless\r\n\r\n"}
    batches, _ = await read_from(lambda uid, head, _: fetched(uid, head, date="NIL"), heads=heads)
    assert ids(taken(batches)) == [message_id(1), message_id(3)]
    (aside,) = [one for batch in batches for one in batch.quarantined]
    assert aside.ref == "7.2@INBOX"


async def test_a_census_counts_messages_whose_time_the_header_tells() -> None:
    async def answer(client: Client, tag: str, arguments: str) -> None:
        for uid in uids_of(arguments):
            head = client.server.mail[client.folder][uid - 1]
            name = re.search(r"\[HEADER[^]]*\]", arguments)
            assert name is not None
            date = "INTERNALDATE NIL " if uid != 3 else f'INTERNALDATE "{DAY}" '
            await client.send(f"* {uid} FETCH (UID {uid} {date}BODY{name[0]} {{{len(head)}}}\r\n{head})\r\n")
        await client.send(f"{tag} OK done\r\n")

    async with ScriptedImap({"UID FETCH": answer}) as server:
        server.mail["INBOX"] += [header(1, HOPS[0]), header(2), header(3, HOPS[0])]
        connector = server.connector()
        since = datetime(2026, 11, 10, tzinfo=UTC)
        listed = [its async for _, its in connector.census(since)]
        everything = [its async for _, its in connector.census(datetime(2026, 11, 1, tzinfo=UTC))]
        await connector.aclose()
    assert listed == [message_id(2)]
    assert everything == [message_id(1), message_id(2), message_id(3)]


UNREADABLE = [
    '("text" "plain" ("name" "a"b.txt") NIL NIL "7bit" 4 1)',
    '("application" "pdf" ("name" "C:\\offers\\") NIL NIL "base64" 4)',
    "(NIL NIL NIL NIL NIL NIL NIL NIL)",
    '("mixed" NIL NIL NIL)',
    '("text" NIL NIL NIL NIL "7bit" 4 1)',
    "((",
    '("text" "plain" NIL NIL NIL "7bit" 4 1))) )',
]


@pytest.mark.parametrize("structure", UNREADABLE)
async def test_a_structure_that_cannot_be_read_has_its_message_fetched_whole_and_costs_no_other(structure: str) -> None:
    def say(uid: int, head: str, items: str) -> str | None:
        return fetched(uid, head, structure=structure) if uid == 2 and "BODYSTRUCTURE" in items else None

    batches, server = await read_from(say)
    messages = {message_of: message for message, message_of in zip(taken(batches), ids(taken(batches)), strict=True)}
    assert sorted(messages) == [message_id(1), message_id(2), message_id(3)]
    odd = messages[message_id(2)]
    assert odd.received_at == WHEN
    assert [part.content_type for part in odd.parts or ()] == ["text/plain"]
    assert odd.text is None
    assert "Hello" not in repr(odd), "what people wrote is not let out"
    assert server.connections == 1
    assert len(fetches(server)) == 2
    assert fetches(server)[1].startswith("UID FETCH 2 ")


@pytest.mark.parametrize(
    "structure",
    [
        '(("text" "plain" ("name" "say "hi" now") NIL NIL "7bit" 4 1) "mixed")',
        '("text" "plain" NIL NIL NIL "7bit" NIL NIL)',
        '("text" "plain" ("name" "C:\\offers\\a.txt") NIL "an \\"offer\\"" NIL 4 1)',
        "NIL",
    ],
)
async def test_a_structure_that_can_be_made_out_costs_no_further_question(structure: str) -> None:
    batches, server = await read_from(lambda uid, head, _: fetched(uid, head, structure=structure))
    kinds = {part.content_type for message in taken(batches) for part in message.parts or ()}
    assert kinds == ({"text/plain"} if structure != "NIL" else set())
    assert len(fetches(server)) == 1


async def test_machine_parts_are_found_though_the_structure_cannot_be_read() -> None:
    raw = bounce(2).decode()
    head = raw.partition("\r\n\r\n")[0] + "\r\n\r\n"

    def say(uid: int, its: str, items: str) -> str | None:
        if uid != 2:
            return None
        if "BODYSTRUCTURE" in items:
            return fetched(uid, its, structure='(("text" "plain" ("x" "a"b)("message" "delivery-status"')
        return f'* 2 FETCH (UID 2 INTERNALDATE "{DAY}" BODY[]<0> {{{len(raw)}}}\r\n{raw})\r\n'

    batches, _ = await read_from(say, heads={2: head})
    (report,) = [one for one in taken(batches) if b"Undelivered" in one.header]
    payloads = {part.content_type: part.payload for part in report.parts or ()}
    assert b"Action: failed" in (payloads["message/delivery-status"] or b"")
    assert payloads["text/plain"] is None


async def test_in_mode_text_a_message_is_not_fetched_twice_for_its_structure() -> None:
    def say(uid: int, head: str, items: str) -> str:
        whole = f"{head}Hello\r\n"
        return (
            f'* {uid} FETCH (UID {uid} INTERNALDATE "{DAY}" BODYSTRUCTURE ("mixed" NIL)'
            f" BODY[]<0> {{{len(whole)}}}\r\n{whole})\r\n"
        )

    batches, server = await read_from(say, reading=Reading(Privacy.TEXT))
    assert [[part.content_type for part in one.parts or ()] for one in taken(batches)] == [["text/plain"]] * 3
    assert len(fetches(server)) == 1


@pytest.mark.parametrize("how", ["NO", "BAD", "nothing", "garbage", "line too long"])
async def test_a_message_that_is_given_by_its_header_alone_is_read_by_its_header(how: str) -> None:
    async def answer(client: Client, tag: str, arguments: str) -> None:
        items = arguments.partition(" ")[2]
        for uid in uids_of(arguments):
            if uid == 2 and ("BODYSTRUCTURE" in items or "BODY.PEEK[]" in items):
                if how in ("NO", "BAD"):
                    await client.send(f"{tag} {how} cannot read message 2\r\n")
                    return
                await client.send(
                    {"nothing": "", "garbage": "* 2 FETCH (UID 2 BODY[ (((\r\n"}.get(
                        how, f"* 2 FETCH (UID 2 X {'y' * 1_100_000})\r\n"
                    )
                )
                continue
            await client.send(usual(uid, client.server.mail[client.folder][uid - 1], items))
        await client.send(f"{tag} OK done\r\n")

    async with ScriptedImap({"UID FETCH": answer}) as server:
        server.mail["INBOX"] += [header(1), header(2, HOPS[0]), header(3)]
        (batch,) = await read(server.connector())
    assert sorted(ids(batch.messages)) == [message_id(1), message_id(2), message_id(3)]
    assert batch.quarantined == ()
    assert {message.received_at for message in batch.messages} == {WHEN}


async def test_many_messages_that_the_server_refuses_do_not_stop_the_others() -> None:
    """Each poll comes further, though more messages fail than one poll may look for."""
    bad = set(range(1, 200, 7))

    async def answer(client: Client, tag: str, arguments: str) -> None:
        for uid in uids_of(arguments):
            if uid in bad:
                await client.send(f"{tag} NO message {uid} is damaged\r\n")
                return
            await client.send(usual(uid, client.server.mail[client.folder][uid - 1], arguments))
        await client.send(f"{tag} OK done\r\n")

    async with ScriptedImap({"UID FETCH": answer}) as server:
        server.mail["INBOX"] += [header(number) for number in range(1, 201)]
        connector = server.connector()
        batches = await _tried(connector, 20)
        await connector.aclose()
        assert server.connections == 1
    assert len(taken(batches)) == 200 - len(bad)
    assert {one.ref for batch in batches for one in batch.quarantined} == {f"7.{uid}@INBOX" for uid in bad}


async def test_a_server_that_refuses_everything_is_the_one_that_fails() -> None:
    async def answer(client: Client, tag: str, arguments: str) -> None:
        await client.send(f"{tag} NO storage is away\r\n")

    async with ScriptedImap({"UID FETCH": answer}) as server:
        server.mail["INBOX"] += [header(number) for number in range(1, 101)]
        connector = server.connector()
        assert await _tried(connector, 5) == []
        server.on.clear()
        batches = await every(connector, None)
        await connector.aclose()
    assert len(taken(batches)) == 100
    assert [one for batch in batches for one in batch.quarantined] == []


async def _tried(connector: MailConnector, times: int) -> list[Batch]:
    for _ in range(times):
        try:
            return await every(connector, None)
        except MailboxError:
            continue
    return []


@pytest.mark.parametrize(
    ("said", "thread"),
    [
        (" THREADID (NIL)", None),
        (" THREADID NIL", None),
        (' THREADID ("nil")', None),
        (" THREADID ()", None),
        ("", None),
        (" EMAILID NIL THREADID (T7-x_y)", "T7-x_y"),
    ],
)
async def test_a_conversation_without_id_is_none(said: str, thread: str | None) -> None:
    batches, _ = await read_from(lambda uid, head, _: fetched(uid, head, more=said))
    assert {message.provider_thread for message in taken(batches)} == {thread}


async def test_a_name_that_the_server_does_not_escape_forges_nothing() -> None:
    """A sender chooses names: `x" ...) UID 1 BODY[HEADER] ...` must not stand for what another message says."""
    forged = (
        '"x" NIL) NIL NIL "7bit" 4 1) UID 1 INTERNALDATE "01-Jan-2020 00:00:00 +0000" BODY[HEADER] "From: evil" X ("'
    )

    def say(uid: int, head: str, items: str) -> str | None:
        if uid != 2 or "BODYSTRUCTURE" not in items:
            return None
        return fetched(uid, head, structure=f'("text" "plain" ("name" {forged}y") NIL NIL "7bit" 4 1)')

    batches, _ = await read_from(say)
    assert ids(taken(batches)) == [message_id(1), message_id(2), message_id(3)]
    assert [message.received_at for message in taken(batches)] == [WHEN] * 3
    assert not any(b"evil" in message.header for message in taken(batches))


ITEMS = st.fixed_dictionaries(
    {
        b"INTERNALDATE": st.just(f'"{DAY}"'.encode()),
        b"THREADID": st.sampled_from([b"NIL", b"(T1)"]),
        b"BODY[HEADER]<0>": st.sampled_from([b'"A: b"', b"NIL", b'"C: \\"d\\""']),
        b"BODYSTRUCTURE": st.just(LEAF.encode()),
    }
)


@given(st.data())
def test_it_makes_no_difference_in_how_many_pieces_and_in_which_order_messages_are_told(data: st.DataObject) -> None:
    """Every way to cut and mix the responses gives what one response for each message gives."""
    messages = data.draw(st.lists(ITEMS, min_size=1, max_size=4))
    whole, pieces = [], []
    for number, items in enumerate(messages, 1):
        uid = b"UID %d" % (number * 10)
        whole.append(b"%d (%b %b)" % (number, uid, b" ".join(b" ".join(pair) for pair in items.items())))
        named = data.draw(st.lists(st.booleans(), min_size=1, max_size=3).filter(any))
        shares: list[list[bytes]] = [[uid] if its else [] for its in named]
        for pair in items.items():
            for place in data.draw(st.sets(st.integers(0, len(named) - 1), min_size=1)):
                shares[place].append(b" ".join(pair))
        pieces += [b"%d (%b)" % (number, b" ".join(data.draw(st.permutations(share)))) for share in shares]
    pieces += [b"%d (FLAGS (\\Seen))" % number for number in data.draw(st.lists(st.integers(1, 6), max_size=3))]
    told = fetch_answer(data.draw(st.permutations(pieces)))
    for answer in told.by_uid.values():
        answer.pop(b"FLAGS", None)
    assert told.by_uid == fetch_answer(whole).by_uid
    assert told.unreadable == 0


@given(st.lists(st.binary(max_size=60), max_size=5), st.integers(0, 5))
def test_no_response_breaks_the_reading_of_the_others(junk: list[bytes], place: int) -> None:
    sound = b'7 (UID 70 BODY[HEADER] "A: b")'
    told = fetch_answer([*junk[:place], sound, *(b"8 (" + one for one in junk[place:])])
    assert told.by_uid[70] == {b"UID": b"70", b"BODY[HEADER]": b"A: b"}
