"""What a line of the log holds: what failed and where, by ids; no value of a defect, no address."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from typing import IO, Any

import pytest
import structlog

from inboxwatch.commands.terminal import fail
from inboxwatch.connector import MailboxError, Reason
from inboxwatch.daemon import logs
from inboxwatch.notify import ChannelError

BUYER = "bo@buyer.test"


class Written:
    """What was written to standard error."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured
        self._text = ""

    @property
    def text(self) -> str:
        self._text += self._captured.readouterr().err
        return self._text

    @property
    def last(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text.splitlines()[-1])
        return found


@pytest.fixture
def written(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Written:
    """Nothing reads it as the journal does."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    monkeypatch.setattr(logging.root, "handlers", [])
    logs.configure("debug")
    return Written(capfd)


def failing(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError(f"no date in 'Prices of boxes' of {BUYER}"), "ValueError"),
        (KeyError(BUYER), "KeyError"),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
        (ChannelError(f"550 <{BUYER}> unknown"), "ChannelError: 550 <<address>> unknown"),
    ],
)
def test_a_defect_is_told_by_kind_and_place_and_a_server_by_its_words(
    error: BaseException, told: str, written: Written
) -> None:
    try:
        failing(error)
    except type(error):
        structlog.get_logger("inboxwatch.engine").exception("it failed", mailbox="ana")
    line = written.last
    assert (line["event"], line["level"], line["error"]) == ("it failed", "error", told)
    assert line["trace"][-1].startswith("tests/daemon/test_log_lines.py:")
    assert line["trace"][-1].endswith(" failing")
    assert "Prices" not in written.text


def test_the_cause_of_an_error_is_told_before_it(written: Written) -> None:
    try:
        try:
            failing(MailboxError(Reason.AUTH, "NO [AUTHENTICATIONFAILED] not you"))
        except MailboxError as cause:
            raise RuntimeError(BUYER) from cause
    except RuntimeError:
        structlog.get_logger().exception("it failed")
    line = written.last
    assert line["error"] == "RuntimeError"
    assert "MailboxError: NO [AUTHENTICATIONFAILED] not you, and then:" in line["trace"]


@pytest.mark.parametrize(
    "words",
    [
        f"550 5.1.1 <{BUYER}>: unknown",
        "GET https://graph.test/users/bo%40buyer.test/messages",
        f"user={BUYER}",
        '"bo lind"@buyer.test is over quota',
        "bounces+bo=buyer.test@us.test",
    ],
)
def test_nobodys_address_is_in_a_line_however_it_is_written(words: str, written: Written) -> None:
    structlog.get_logger().warning("it failed", error=words, nested={"x": [words]})
    text = written.text
    assert not [part for part in (BUYER, "buyer.test", "bo lind", "bo%40", "bo=") if part in text]
    assert "<address>" in text


def test_a_mailbox_that_is_called_by_its_address_is_found_by_it(written: Written) -> None:
    structlog.get_logger().warning("mailbox unreadable", mailbox="sales@acme.test", error="sales@acme.test is locked")
    assert (written.last["mailbox"], written.last["error"]) == ("sales@acme.test", "<address> is locked")


def test_a_page_of_a_server_is_cut_and_steers_no_terminal(written: Written) -> None:
    structlog.get_logger().warning("it failed", error="\x1b[2J" + "x" * 100_000, many=list(range(100)))
    line = written.last
    assert (len(line["error"]), line["many"][-1]) == (1000, "and 70 more")
    assert "\x1b" not in line["error"]


async def test_what_a_library_says_is_a_line_like_ours(written: Written) -> None:
    task = asyncio.get_running_loop().create_task(_fails())
    await asyncio.wait([task])
    message = f"Task exception was never retrieved\nfuture: {task!r}"
    logging.getLogger("asyncio").error(message, exc_info=task.exception())
    line = written.last
    assert (line["event"], line["library"]) == ("Task exception was never retrieved", "asyncio")
    assert (line["level"], line["error"]) == ("error", "ValueError")
    assert BUYER not in written.text


async def _fails() -> None:
    raise ValueError(BUYER)


@pytest.mark.parametrize(("method", "mark"), [("debug", "<7>"), ("info", "<6>"), ("warning", "<4>"), ("error", "<3>")])
def test_the_journal_is_told_how_grave_a_line_is(
    method: str, mark: str, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    _is_the_journal(sys.stderr, monkeypatch)
    getattr(structlog.get_logger(), method)("it happened")
    assert written.text.startswith(f'{mark}{{"at":')


def test_why_a_start_failed_is_an_error_for_the_journal(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    _is_the_journal(sys.stderr, monkeypatch)
    fail("cannot listen")
    assert written.text == "<3>inboxwatch: cannot listen\n"


def test_another_programs_journal_is_none_of_ours(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that starts us with its standard error turned elsewhere hands down its own JOURNAL_STREAM."""
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    structlog.get_logger().warning("it happened")
    assert written.last["event"] == "it happened"


def _is_the_journal(stream: IO[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = os.fstat(stream.fileno())
    monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
