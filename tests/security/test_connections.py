"""Connections that bring nothing are cut, and never take the descriptors by which mail is read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from inboxwatch.config import WebConfig
from inboxwatch.config.fields import Listen
from inboxwatch.web import connections
from tests.support.installation import DaemonProcess, Installation

TOKEN = "long-enough-token-0123456789"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    """A daemon with one Maildir, on 256 file descriptors."""
    for name in ("new", "cur", "tmp"):
        (tmp_path / "ana" / name).mkdir(parents=True)
    box = {
        "connector": "maildir",
        "address": "ana@acme.test",
        "owner": "ana",
        "path": str(tmp_path / "ana"),
        "poll_every": "1s",
    }
    home = Installation(tmp_path, {"ana": box}, channels={"desk": {"type": "console"}})
    with home.daemon(started_by=("prlimit", "--nofile=256:")) as running:
        yield running


def opened(daemon: DaemonProcess, head: bytes, count: int) -> list[socket.socket]:
    made = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", daemon.installation.port), timeout=5)
        with contextlib.suppress(OSError):
            one.sendall(head)
        made.append(one)
    return made


def test_half_sent_requests_blind_no_mailbox(daemon: DaemonProcess) -> None:
    held = opened(daemon, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", 300)
    box = Path(daemon.installation.folder) / "ana"
    letter = box / "tmp" / "1.one"
    letter.write_bytes(
        b"From: bo@buyer.test\r\nTo: ana@acme.test\r\nMessage-ID: <q@buyer.test>\r\nSubject: x\r\n\r\nhi\r\n"
    )
    letter.rename(box / "new" / "1.one")
    # Others are still answered, and mail is still read, while all those are open.
    daemon.wait(lambda: daemon.clocks(), "the mail was not read")
    up = daemon.get("/api/v1/mailboxes")["items"][0]
    assert (up["up"], up["error"]) == (True, None)
    for one in held:
        one.close()
    assert "Too many open files" not in daemon.log


def test_a_head_that_never_ends_is_given_up(daemon: DaemonProcess) -> None:
    (one,) = opened(daemon, b"GET / HTTP/1.1\r\nX: ", 1)
    one.settimeout(4 * connections.HEAD_TIME)
    with contextlib.suppress(ConnectionResetError):
        assert one.recv(100) == b""


def test_event_streams_are_limited_and_a_page_is_told_to_come_back(daemon: DaemonProcess) -> None:
    held = opened(daemon, b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 60)
    answers = []
    for one in held:
        with contextlib.suppress(OSError):
            answers.append(one.recv(12)[9:])
    assert 1 <= answers.count(b"200") <= 32
    for one in held:
        one.close()
    daemon.wait(lambda: daemon.status("/healthz") == 200)


def test_a_malformed_request_leaves_nothing_of_itself_in_the_log(daemon: DaemonProcess) -> None:
    secret = f"Authorization: Bearer {TOKEN}\r\nCookie: inboxwatch=9.{TOKEN}\r\n".encode()
    for head in (
        b"GET /\x01 HTTP/1.1\r\n" + secret + b"\r\n",
        b"GET / HTTP/1.1\r\n" + secret[:-2] + b"\r\r\n\r\n",
        b"GET /leads/bo@buyer.test HTTP/9.x " + secret + b"\r\n\r\n",
        b"NO SUCH\r\n" + secret + b"\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n" + secret + b"\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + secret + b"\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + secret + b"\r\nZZ\r\n",
    ):
        (one,) = opened(daemon, head, 1)
        with contextlib.suppress(OSError):
            answer = one.recv(4000)
            assert TOKEN.encode() not in answer
            assert b"aiohttp" not in answer
            assert b"Python" not in answer
        one.close()
    daemon.wait(lambda: daemon.status("/healthz") == 200)
    assert TOKEN not in daemon.log
    assert "bo@buyer.test" not in daemon.log
    for line in daemon.log.splitlines():
        json.loads(line)


@pytest.mark.parametrize(
    ("descriptors", "most"), [(256, 64), (1024, 256), (100_000, connections.MOST), (20, connections.LEAST)]
)
def test_three_quarters_of_the_descriptors_are_kept_for_the_work(descriptors: int, most: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors > hard:
        pytest.skip("this machine allows fewer descriptors")
    if descriptors < 64:
        assert most == 16
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
    try:
        assert connections.limit() == most
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_one_peer_cannot_take_every_connection() -> None:
    many = connections.Connections(asyncio.Protocol, lambda: WebConfig(Listen("127.0.0.1", 0), "", None))
    taken = sum(many.enter("203.0.113.7") for _ in range(2 * connections.MOST))
    assert 0 < taken <= connections.limit() // 2
    assert many.enter("203.0.113.8")
    many.leave("203.0.113.7")
    assert many.enter("203.0.113.7")
