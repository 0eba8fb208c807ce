"""Folders whose names cannot be read, or that the server refuses, are left out and told, and blind no other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient import imap_utf7  # type: ignore[import-untyped]  # it ships no types

from connectors.mail.imap.folder_list import listed_folders
from inboxwatch.core.model import FolderRole
from inboxwatch.testing import every, ids, letter, message_id, taken
from tests.doubles.scripted_imap import Client, ScriptedImap

INBOX_AND_SENT = rb'* LIST (\HasNoChildren) "/" INBOX|* LIST (\Sent) "/" Out'


class NamingImap(ScriptedImap):
    """One whose LIST is told in bytes, and whose folders are opened by the bytes that it lists."""

    def __init__(self, listing: bytes, mail: dict[bytes, int], capabilities: str = "IMAP4rev1") -> None:
        """`mail`: how many messages each folder holds, by what stands in the command."""
        super().__init__({"LIST": self.lists, "EXAMINE": self.opens, "STATUS": self.tells}, capabilities=capabilities)
        self.listing = listing
        self.counts = mail
        self.asked: list[bytes] = []

    async def lists(self, client: Client, tag: str, _: str) -> None:
        await client.send(b"".join(line + b"\r\n" for line in self.listing.split(b"|")) + f"{tag} OK done\r\n".encode())

    def _named(self, arguments: str) -> bytes:
        written = arguments.encode("utf-8", "surrogateescape").partition(b" (")[0]
        name = written[1:-1].replace(b"\\\\", b"\\").replace(b'\\"', b'"') if written[:1] == b'"' else written
        self.asked.append(name)
        return name

    async def opens(self, client: Client, tag: str, arguments: str) -> None:
        name = self._named(arguments)
        count = self.counts.get(name)
        if count is None:
            await client.send(f"{tag} NO no such folder\r\n")
            return
        client.folder = name.decode("latin-1")
        self.mail[client.folder] = [letter(number).decode() for number in range(1, count + 1)]
        await client.send(
            f"* {count} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT {count + 1}] ok\r\n{tag} OK done\r\n"
        )

    async def tells(self, client: Client, tag: str, arguments: str) -> None:
        name = self._named(arguments)
        count = self.counts.get(name)
        if count is None:
            await client.send(f"{tag} NO no such folder\r\n")
            return
        answer = b'* STATUS "%b" (MESSAGES %d UIDNEXT %d UIDVALIDITY 7)\r\n' % (name, count, count + 1)
        await client.send(answer + f"{tag} OK done\r\n".encode())


ODD = [
    (rb'* LIST () "/" "R&D"', "R&D"),
    (rb'* LIST () "/" R&D', "R&D"),
    (b'* LIST () "/" {3}\r\nR&D', "R&D"),
    (rb'* LIST () "/" "Q&AGE"', "Q&AGE"),
    (rb'* LIST () "/" "&2D0-"', "&2D0-"),
    ('* LIST () "/" "Entwürfe"'.encode(), "Entwürfe"),
    (b'* LIST () "/" "Entw\xfcrfe"', r"Entw\xfcrfe"),
    (b'* LIST () "/" {5}\r\na\x01b\x7fc', r"a\x01b\x7fc"),
]


@pytest.mark.parametrize(("line", "shown"), ODD)
@pytest.mark.parametrize("capabilities", ["IMAP4rev1", "IMAP4rev1 LIST-EXTENDED SPECIAL-USE"])
async def test_a_folder_whose_name_cannot_be_read_is_left_out_and_told(
    line: bytes, shown: str, capabilities: str
) -> None:
    counts = {b"INBOX": 2, b"Out": 1}
    async with NamingImap(INBOX_AND_SENT + b"|" + line, counts, capabilities) as server:
        connector = server.connector(folders="*")
        batches = await every(connector, None)
        assert sorted(ids(taken(batches))) == [message_id(1), message_id(1), message_id(2)]
        server.on["FETCH"] = _no_flags
        probe = await connector.probe()
        (remark,) = connector.remarks
        await connector.aclose()
    assert repr(shown) in remark
    assert remark in probe.warnings
    assert set(server.asked) == {b"INBOX", b"Out"}


async def _no_flags(client: Client, tag: str, _: str) -> None:
    await client.send(f"{tag} OK done\r\n")


@pytest.mark.parametrize(
    ("listing", "settings", "opened"),
    [
        (rb'* LIST (\Sent) "/" "Sent & Done"', {}, b"Sent & Done"),
        (b'* LIST (\\sent) "/" "Envoy\xe9s"', {}, b"Envoy\xe9s"),
        (b'* LIST (\\Sent) "/" {8}\r\nR&D "x"!', {}, b'R&D "x"!'),
        ('* LIST () "/" "Éléments envoyés"'.encode(), {}, "Éléments envoyés".encode()),
        (rb'* LIST () "/" "Q&A"', {"sent": "Q&A"}, b"Q&A"),
        (rb'* LIST () "/" "Out"|* LIST () "/" "R&D"', {"sent": "Out", "folders": "R&D"}, b"R&D"),
        # Superfluous shifts: not what the name is encoded to, but what the server calls it.
        (rb'* LIST (\Sent) "/" "Envoy&AOk-&AOk-s"', {}, b"Envoy&AOk-&AOk-s"),
    ],
)
async def test_a_folder_whose_role_is_certain_is_read_by_the_name_that_the_server_writes(
    listing: bytes, settings: dict[str, Any], opened: bytes
) -> None:
    counts = {b"INBOX": 0, opened: 2, b"Out": 0}
    async with NamingImap(b'* LIST () "/" INBOX|' + listing, counts) as server:
        connector = server.connector(**settings)
        batches = await every(connector, None)
        server.cut()
        again = server.connector(**settings)
        assert taken(await every(again, batches[-1].cursor)) == []
        await connector.aclose()
        await again.aclose()
        assert connector.remarks == ()
    role = FolderRole.OTHER if "folders" in settings else FolderRole.SENT
    assert [message.role for message in taken(batches)] == [role] * 2


async def test_a_readable_name_goes_before_one_that_only_looks_like_it() -> None:
    listing = INBOX_AND_SENT + rb'|* LIST () "/" "R&D"|* LIST () "/" "R&-D"'
    async with NamingImap(listing, {b"INBOX": 0, b"Out": 0, b"R&-D": 1}) as server:
        connector = server.connector(folders="R&D")
        assert ids(taken(await every(connector, None))) == [message_id(1)]
        await connector.aclose()
    assert b"R&D" not in server.asked


@pytest.mark.parametrize("refuses", ["STATUS", "EXAMINE"])
async def test_a_further_folder_that_is_refused_is_told_blinds_no_other_and_is_read_once_it_may_be(
    refuses: str,
) -> None:
    listing = INBOX_AND_SENT + rb'|* LIST () "/" Deals'
    async with NamingImap(listing, {b"INBOX": 1, b"Out": 0, b"Deals": 1}) as server:

        async def refuse(client: Client, tag: str, arguments: str) -> None:
            if "Deals" in arguments:
                await client.send(f"{tag} NO [NOPERM] not for you\r\n")
            else:
                await (server.opens if refuses == "EXAMINE" else server.tells)(client, tag, arguments)

        server.on[refuses] = refuse
        connector = server.connector(folders="Deals")
        (batch,) = await every(connector, None)
        assert ids(batch.messages) == [message_id(1)]
        assert batch.seen_until is not None
        (remark,) = connector.remarks
        assert "'Deals'" in remark
        assert "not for you" in remark
        server.on |= {"EXAMINE": server.opens, "STATUS": server.tells}
        (late,) = await every(connector, batch.cursor)
        assert [message.role for message in late.messages] == [FolderRole.OTHER]
        assert connector.remarks == ()
        await connector.aclose()


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=30), st.booleans())
def test_every_name_in_modified_utf7_is_read_as_it_was_meant(name: str, literal: bool) -> None:
    written = imap_utf7.encode(name)
    quoted = b'"' + written.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    data: list[object] = [(rb'(\HasNoChildren) "/" {%d}' % len(written), written), b""]
    (folder,) = listed_folders(data if literal else [rb'(\HasNoChildren) "/" ' + quoted])
    assert (folder.name, folder.raw, folder.readable, folder.delimiter) == (name, None, True, "/")


@pytest.mark.parametrize("written", [b"a&AAA-b", b"&ABsAWw-31m", b"&AAoADQ-", b"x&AH8-", b"&AIU-"])
async def test_a_name_with_control_characters_is_read_and_never_shown_as_it_is_meant(written: bytes) -> None:
    listing = INBOX_AND_SENT + b'|* LIST () "/" "' + written + b'"'
    async with NamingImap(listing, {b"INBOX": 0, b"Out": 0, written: 1}) as server:
        connector = server.connector(folders="*")
        (message,) = taken(await every(connector, None))
        await connector.aclose()
    assert message.ref == f"7.1@{written.decode()}"
    assert connector.remarks == ()


@given(st.lists(st.binary(max_size=40)))
def test_no_line_of_a_listing_breaks_the_reading_of_the_others(junk: list[bytes]) -> None:
    lines = [*junk, *(b'() "/" ' + one for one in junk), rb'(\Sent) "." Sent']
    (sent,) = [one for one in listed_folders(lines) if one.name == "Sent"]
    assert r"\sent" in sent.attributes
