"""The contract suites for authors of connectors: classes of tests to inherit. That of lead feeds: `feed_contract`.

    class TestMine(ConnectorContract):
        @pytest.fixture
        def mailbox(self):
            with start_a_server() as server:
                yield MyMailbox(server)

`MyMailbox` is a Mailbox: it plays the rest of the world (mail comes, people read it, the network fails) against a real
server; the connector is driven through the port only. The tests need pytest and pytest-asyncio. For readable failures
call `pytest.register_assert_rewrite("inboxwatch.testing")` in your conftest.py before it is imported.
"""

# ruff: noqa: S101  (tests assert)

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from typing import ClassVar

import pytest

from inboxwatch import now as instant
from inboxwatch.connector import Counts, Cursor, MailboxError, Reading, Reason, Reread, Rereads, Waits
from inboxwatch.core.model import FolderRole, Privacy
from inboxwatch.testing.feed_contract import LeadFeedContract, feeding, looked, mirrored
from inboxwatch.testing.letters import bounce, invitation, letter, message_id, message_of, nested
from inboxwatch.testing.mailbox import Mailbox
from inboxwatch.testing.mirror import Mirror
from inboxwatch.testing.polls import every, ids, in_time, opened, polled, taken
from inboxwatch.testing.records import Merging, Purging, Record, Records, Selling

__all__ = [
    "ConnectorContract",
    "LeadFeedContract",
    "Mailbox",
    "Merging",
    "Mirror",
    "Purging",
    "Record",
    "Records",
    "Selling",
    "bounce",
    "every",
    "feeding",
    "ids",
    "in_time",
    "invitation",
    "letter",
    "looked",
    "message_id",
    "message_of",
    "mirrored",
    "opened",
    "polled",
    "taken",
]

CLOCKS_DIFFER = timedelta(seconds=2)
"""Servers store receive times in whole seconds."""


class ConnectorContract:
    """What every mail connector does. Override the fixture `mailbox`."""

    knows_order_of_arrival_only: ClassVar[bool] = False
    """True where the server knows no receive times by which mail that came in another order could be read."""

    @pytest.fixture
    def mailbox(self) -> Mailbox:
        raise NotImplementedError("override the fixture `mailbox`")

    async def test_first_sight_reads_the_inbox_and_sent_mail_oldest_first(self, mailbox: Mailbox) -> None:
        start = instant.now().replace(microsecond=0) - timedelta(hours=1)
        for number in range(6):
            mailbox.deliver(letter(number), sent=number % 2 == 1, when=start + timedelta(minutes=number))
        (batch,) = await polled(mailbox)
        assert ids(batch.messages) == [message_id(number) for number in range(6)]
        assert [message.received_at for message in batch.messages] == [start + timedelta(minutes=n) for n in range(6)]
        assert [message.role for message in batch.messages] == [FolderRole.INBOX, FolderRole.SENT] * 3

    async def test_nothing_older_than_the_look_back_horizon_is_read_at_first_sight(self, mailbox: Mailbox) -> None:
        now = instant.now()
        for days in (40, 31, 29, 1):
            mailbox.deliver(letter(days), when=now - timedelta(days=days))
        mailbox.deliver(letter(30), when=now - timedelta(days=30, minutes=1))
        batches = await polled(mailbox, since=now - timedelta(days=30))
        assert ids(taken(batches)) == [message_id(29), message_id(1)]

    @pytest.mark.parametrize("arrived", ["in order", "in any order"])
    @pytest.mark.parametrize("quiet", ["sent", "inbox"])
    async def test_history_is_read_oldest_first_over_all_folders_however_far_back_each_reaches(
        self, mailbox: Mailbox, quiet: str, arrived: str
    ) -> None:
        if arrived == "in any order" and self.knows_order_of_arrival_only:
            pytest.skip("this connector's server knows no times to order mail by")
        since = instant.now().replace(microsecond=0) - timedelta(days=80)
        busy, rare = range(-120, 80 * 24, 60), range(52 * 24 + 5, 80 * 24, 70)  # hours; of 85 days, of 28
        mail = sorted([(hour, quiet == "inbox") for hour in busy] + [(hour, quiet == "sent") for hour in rare])
        if arrived == "in any order":  # as mail that was moved, or came from another server
            mail.sort(key=lambda one: one[0] * 37 % 101)
        for number, (hour, sent) in enumerate(mail):
            mailbox.deliver(letter(number), sent=sent, when=since + timedelta(hours=hour))
        batches = await polled(mailbox, since=since, batch_size=4)
        received = in_time(batches)
        assert received == sorted(since + timedelta(hours=hour) for hour, _ in mail if hour >= 0)
        read = 0
        for number, batch in enumerate(batches[:-1]):
            read += len(batch.messages)
            if number % 5 == 2:  # broken off there
                rest = await polled(mailbox, batch.cursor, since=since, batch_size=4)
                assert in_time(rest) == received[read:]

    async def test_older_mail_that_comes_while_history_is_broken_off_is_read(self, mailbox: Mailbox) -> None:
        start = instant.now().replace(microsecond=0) - timedelta(days=20)
        for number in range(12):
            mailbox.deliver(letter(number), sent=number % 3 == 2, when=start + timedelta(days=number))
        batches = await polled(mailbox, since=start - timedelta(days=9), batch_size=3)
        for number, sent in ((12, False), (13, True)):  # moved there from elsewhere
            mailbox.deliver(letter(number), sent=sent, when=start + timedelta(hours=number))
        for number, batch in enumerate(batches[:-1]):
            read = {one for earlier in batches[: number + 1] for one in ids(earlier.messages)}
            rest = await polled(mailbox, batch.cursor, since=start - timedelta(days=9), batch_size=3)
            assert sorted(ids(taken(rest))) == sorted({message_id(one) for one in range(14)} - read)

    async def test_every_batchs_cursor_resumes_right_after_it(self, mailbox: Mailbox) -> None:
        for number in range(10):
            mailbox.deliver(letter(number), sent=number >= 7)
        everything = {message_id(number) for number in range(10)}
        batches = await polled(mailbox, batch_size=3)
        assert len(batches) > 2
        read: set[str] = set()
        for batch in batches:
            read |= set(ids(batch.messages))
            rest = await polled(mailbox, batch.cursor, batch_size=3)
            assert sorted(ids(taken(rest))) == sorted(everything - read)

    async def test_only_the_last_batch_of_a_poll_says_how_far_the_mailbox_was_seen(self, mailbox: Mailbox) -> None:
        for number in range(7):
            mailbox.deliver(letter(number))
        before = instant.now()
        batches = await polled(mailbox, batch_size=3)
        after = instant.now()
        assert [batch.seen_until for batch in batches[:-1]] == [None] * (len(batches) - 1)
        seen = batches[-1].seen_until
        assert seen is not None
        assert before - CLOCKS_DIFFER <= seen <= after

    async def test_what_remains_falls_from_batch_to_batch_where_it_is_told(self, mailbox: Mailbox) -> None:
        for number in range(12):
            mailbox.deliver(letter(number), sent=number % 4 == 3)
        left = [batch.remaining for batch in await polled(mailbox, batch_size=3)]
        assert not left[-1]
        told = [one for one in left if one is not None]
        assert told == sorted(told, reverse=True)
        assert all(0 <= one < 12 for one in told)

    async def test_a_poll_that_finds_nothing_still_gives_a_cursor_and_how_far_it_saw(self, mailbox: Mailbox) -> None:
        async with opened(mailbox) as connector:
            (empty,) = await every(connector, None)
            (again,) = await every(connector, empty.cursor)
            assert empty.messages == again.messages == ()
            assert empty.seen_until is not None
            assert again.seen_until is not None
            mailbox.deliver(letter(1))
            assert ids(taken(await every(connector, again.cursor))) == [message_id(1)]

    async def test_mail_is_read_once_by_a_running_connector_and_by_one_after_a_restart(self, mailbox: Mailbox) -> None:
        async with opened(mailbox) as connector:
            cursor = None
            for number in range(4):
                mailbox.deliver(letter(number), sent=number == 2)
                batches = await every(connector, cursor)
                assert ids(taken(batches)) == [message_id(number)]
                cursor = batches[-1].cursor
        mailbox.deliver(letter(4))
        assert ids(taken(await polled(mailbox, cursor))) == [message_id(4)]

    async def test_an_older_cursor_reads_again_what_came_after_it(self, mailbox: Mailbox) -> None:
        mailbox.deliver(letter(0))
        async with opened(mailbox) as connector:
            old = (await every(connector, None))[-1].cursor
            mailbox.deliver(letter(1))
            assert ids(taken(await every(connector, old))) == [message_id(1)]
            assert ids(taken(await every(connector, old))) == [message_id(1)]

    async def test_mail_that_a_person_reads_and_flags_is_not_new(self, mailbox: Mailbox) -> None:
        for number in range(3):
            mailbox.deliver(letter(number))
        async with opened(mailbox) as connector:
            cursor = (await every(connector, None))[-1].cursor
            mailbox.handle()
            assert taken(await every(connector, cursor)) == []
        assert taken(await polled(mailbox, cursor)) == []

    async def test_the_same_message_twice_is_two_sightings_with_lasting_names(self, mailbox: Mailbox) -> None:
        mailbox.deliver(letter(1))
        mailbox.deliver(letter(1))
        mailbox.deliver(letter(1), sent=True)
        first, second = taken(await polled(mailbox)), taken(await polled(mailbox))
        assert len({message.ref for message in first}) == 3
        assert {message.ref for message in first} == {message.ref for message in second}

    async def test_a_cursor_that_is_refused_means_reading_again_from_the_horizon(self, mailbox: Mailbox) -> None:
        now = instant.now()
        mailbox.deliver(letter(0), when=now - timedelta(days=40))
        mailbox.deliver(letter(1), when=now - timedelta(days=2))
        for cursor in ("", "{}", "not ours", '{"v":99,"folders":{}}', "[1,2]"):
            batches = await polled(mailbox, Cursor(cursor), since=now - timedelta(days=30))
            assert batches[0].resynced, cursor
            assert ids(taken(batches)) == [message_id(1)], cursor

    async def test_a_server_that_forgets_means_reading_again_from_the_horizon(self, mailbox: Mailbox) -> None:
        now = instant.now()
        since = now - timedelta(days=30)
        mailbox.deliver(letter(0), when=now - timedelta(days=40))
        mailbox.deliver(letter(1), when=now - timedelta(days=2))
        cursor = (await polled(mailbox, since=since))[-1].cursor
        mailbox.void_cursors()
        mailbox.deliver(letter(2))
        batches = await polled(mailbox, cursor, since=since)
        assert batches[0].resynced
        assert ids(taken(batches)) == [message_id(1), message_id(2)]
        after = await polled(mailbox, batches[-1].cursor, since=since)
        assert taken(after) == []
        assert not after[0].resynced

    async def test_an_unreadable_message_is_set_aside_once_and_the_others_are_read(self, mailbox: Mailbox) -> None:
        for number in range(4):
            mailbox.deliver(letter(number))
        mailbox.deliver_unreadable()
        for number in range(4, 8):
            mailbox.deliver(letter(number))
        batches = await polled(mailbox)
        assert sorted(ids(taken(batches))) == [message_id(number) for number in range(8)]
        (set_aside,) = [one for batch in batches for one in batch.quarantined]
        assert set_aside.ref
        assert set_aside.reason
        mailbox.deliver(letter(8))
        after = await polled(mailbox, batches[-1].cursor)
        assert ids(taken(after)) == [message_id(8)]
        assert [one for batch in after for one in batch.quarantined] == []

    async def test_what_was_set_aside_is_told_apart_from_what_can_be_read_and_is_read_once_it_can_be(
        self, mailbox: Mailbox
    ) -> None:
        mailbox.deliver(letter(1))
        mailbox.deliver_unreadable()
        async with opened(mailbox) as connector:
            if not isinstance(connector, Rereads):
                pytest.skip("this connector reads no message again")
            batches = await every(connector, None)
            (aside,) = [one for batch in batches for one in batch.quarantined]
            (sound,) = taken(batches)
            again = await connector.reread([aside.ref, sound.ref])
            assert ids(again.messages) == [message_id(1)]
            assert [one.ref for one in again.unreadable] == [aside.ref]
            assert await connector.reread([]) == Reread(())
            mend: Callable[[], None] | None = getattr(mailbox, "mend_unreadable", None)
            if mend is not None:
                mend()
                late = await connector.reread([aside.ref])
                assert [message.ref for message in late.messages] == [aside.ref]
                assert late.unreadable == ()

    async def test_messages_that_break_every_rule_are_taken_or_set_aside(self, mailbox: Mailbox) -> None:
        strange = [
            b"no header at all\r\n",
            b"\r\n\r\n",
            b"Subject: no blank line after the header",
            b"From: \xff\xfe <\x00@\x80>\r\nSubject: \xe9\r\n\r\n\x00\x00",
            b"Subject: " + b"x" * 200_000 + b"\r\n\r\nbody",
            b"".join(b"X-%d: y\r\n" % number for number in range(5_000)) + b"\r\nbody",
            b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n--b\r\n\r\n--b--",
            b'Content-Type: multipart/mixed; boundary="never used"\r\n\r\nbody',
            nested(60),
        ]
        for raw in strange:
            mailbox.deliver(raw)
        mailbox.deliver(letter(1))
        batches = await polled(mailbox)
        assert len(taken(batches)) + sum(len(batch.quarantined) for batch in batches) == len(strange) + 1
        assert message_id(1) in ids(taken(batches))
        assert taken(await polled(mailbox, batches[-1].cursor)) == []

    async def test_what_machines_wrote_is_read_and_what_people_wrote_is_not(self, mailbox: Mailbox) -> None:
        mailbox.deliver(bounce(1))
        mailbox.deliver(invitation(2))
        mailbox.deliver(letter(3))
        report, event, human = sorted(taken(await polled(mailbox)), key=lambda message: message_of(message.header))
        payloads = {part.content_type.partition(";")[0]: part.payload for part in report.parts or ()}
        assert b"Action: failed" in (payloads["message/delivery-status"] or b"")
        assert b"Message-ID: <lost@acme.test>" in (payloads["message/rfc822"] or b"")
        calendar = [part for part in event.parts or () if part.content_type.startswith("text/calendar")]
        assert b"METHOD:REPLY" in (calendar[0].payload or b"")
        assert [message.text for message in (report, event, human)] == [None] * 3
        assert b"WRITTEN BY A PERSON" not in repr((report, event, human)).encode()

    async def test_privacy_mode_text_gives_the_whole_message(self, mailbox: Mailbox) -> None:
        mailbox.deliver(letter(1))
        ((message,),) = [batch.messages for batch in await polled(mailbox, privacy=Privacy.TEXT)]
        assert message.text is not None
        assert b"WRITTEN BY A PERSON" in message.text
        assert message_of(message.header) == message_id(1)

    async def test_a_dead_server_is_told_with_a_reason_and_without_secrets(self, mailbox: Mailbox) -> None:
        mailbox.deliver(letter(1))
        async with opened(mailbox) as connector:
            cursor = (await every(connector, None))[-1].cursor
            mailbox.break_connection()
            for _ in range(2):
                with pytest.raises(MailboxError) as caught:
                    await every(connector, cursor)
                assert caught.value.reason in (Reason.UNAVAILABLE, Reason.TIMEOUT)
                assert str(caught.value)
                shown = f"{caught.value!r} {caught.value.hint}"
                assert not any(secret in shown for secret in mailbox.secrets)
            mailbox.mend_connection()
            mailbox.deliver(letter(2))
            assert ids(taken(await every(connector, cursor))) == [message_id(2)]

    async def test_a_caller_that_stops_half_way_can_come_back(self, mailbox: Mailbox) -> None:
        for number in range(9):
            mailbox.deliver(letter(number))
        async with opened(mailbox, batch_size=3) as connector:
            async with aclosing(connector.poll(None)) as poll:  # type: ignore[type-var]  # an async generator, by duck
                first = await anext(poll)
            rest = await every(connector, first.cursor)
        assert sorted(ids(first.messages) + ids(taken(rest))) == [message_id(number) for number in range(9)]

    async def test_a_poll_that_is_cancelled_leaves_the_connector_usable(self, mailbox: Mailbox) -> None:
        for number in range(9):
            mailbox.deliver(letter(number))
        async with opened(mailbox, batch_size=3) as connector:
            task = asyncio.create_task(every(connector, None))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(taken(await every(connector, None))) == 9

    async def test_closing_twice_is_safe_and_so_is_closing_unused(self, mailbox: Mailbox) -> None:
        unused = mailbox.connector(Reading())
        await unused.aclose()
        used = mailbox.connector(Reading())
        await every(used, None)
        await used.aclose()
        await used.aclose()

    async def test_the_probe_finds_the_inbox_and_sent_mail(self, mailbox: Mailbox) -> None:
        async with opened(mailbox) as connector:
            probe = await connector.probe()
        assert probe.folders[FolderRole.INBOX]
        assert probe.folders[FolderRole.SENT]

    async def test_waiting_ends_with_news_or_with_the_time(self, mailbox: Mailbox) -> None:
        async with opened(mailbox) as connector:
            if not isinstance(connector, Waits):
                pytest.skip("this connector has no push")
            cursor = (await every(connector, None))[-1].cursor
            assert not await connector.wait(0.05)
            waiting = asyncio.create_task(connector.wait(30))
            await asyncio.sleep(0.05)
            mailbox.deliver(letter(1))
            assert await waiting
            batches = await every(connector, cursor)
            assert ids(taken(batches)) == [message_id(1)]
            mailbox.deliver(letter(2))  # between the poll and the next wait
            assert await connector.wait(30)
            assert ids(taken(await every(connector, batches[-1].cursor))) == [message_id(2)]

    async def test_the_census_lists_every_message_since_a_day(self, mailbox: Mailbox) -> None:
        now = instant.now()
        mailbox.deliver(letter(0), when=now - timedelta(days=40))
        for number in (1, 2, 3):
            mailbox.deliver(letter(number), sent=number == 3, when=now - timedelta(days=number))
        async with opened(mailbox) as connector:
            if not isinstance(connector, Counts):
                pytest.skip("this connector takes no census")
            refs = {message.ref: message_of(message.header) for message in taken(await every(connector, None))}
            found = {ref: found_id async for ref, found_id in connector.census(now - timedelta(days=30))}
        assert found == {ref: its for ref, its in refs.items() if its != message_id(0)}

    async def test_nothing_in_the_mailbox_changes(self, mailbox: Mailbox) -> None:
        for number in range(5):
            mailbox.deliver(letter(number), sent=number == 4)
        mailbox.deliver(bounce(5))
        before = mailbox.snapshot()
        for privacy in Privacy:
            async with opened(mailbox, privacy=privacy) as connector:
                cursor = (await every(connector, None))[-1].cursor
                await every(connector, cursor)
                await connector.probe()
                if isinstance(connector, Waits):
                    await connector.wait(0.05)
                if isinstance(connector, Counts):
                    assert [ref async for ref in connector.census(instant.now() - timedelta(days=1))]
        assert mailbox.snapshot() == before
