"""What systemd hears of a daemon: that it is ready, that it lives, that it waits, that it stops."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.support.installation import Installation
from tests.support.team_mail import ANA, MaildirTeamMail
from tests.support.waiting import PATIENCE


class Listener:
    """The socket that systemd would listen on."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(PATIENCE)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def hear(self) -> dict[str, str]:
        """The next datagram."""
        return dict(line.split("=", 1) for line in self._socket.recv(4096).decode().splitlines())

    def hear_of(self, name: str) -> str:
        """What the next datagram that holds this name says of it."""
        while True:
            if name in (heard := self.hear()):
                return heard[name]

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    mail = MaildirTeamMail(tmp_path / "mail", [ANA])
    return Installation(tmp_path, mail.mailboxes(), channels={"desk": {"type": "console"}})


def test_ready_is_said_once_the_daemon_answers_and_then_signs_of_life_until_it_stops(
    installation: Installation, tmp_path: Path
) -> None:
    listener = Listener(address := f"@inboxwatch-{os.getpid()}-{tmp_path.name}")  # abstract, as for containers
    told = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "300000"}
    with installation.daemon(wait=False, environment=told) as daemon:
        ready = listener.hear()
        while "READY" not in ready:
            ready = listener.hear()
        assert ready == {"READY": "1", "STATUS": "watching 1 mailboxes"}
        assert daemon.status("/healthz") == 200
        assert listener.hear_of("WATCHDOG") == listener.hear_of("WATCHDOG") == "1"
        daemon.process.send_signal(signal.SIGTERM)
        assert listener.hear_of("STOPPING") == "1"
        assert daemon.process.wait(PATIENCE) == 0
    listener.close()


def test_whoever_waits_for_its_store_says_so_and_is_not_ready(tmp_path: Path, installation: Installation) -> None:
    """A server of PostgreSQL that boots beside us comes up; systemd is told what the start waits for."""
    installation.write(store="postgresql://inboxwatch@127.0.0.1:1/inboxwatch")
    listener = Listener(address := str(tmp_path / "notify"))
    with installation.daemon(wait=False, environment={"NOTIFY_SOCKET": address}):
        assert listener.hear() == {"STATUS": "waiting for the store"}
    listener.close()


def test_a_watchdog_that_means_another_process_or_a_socket_that_is_gone_harms_nothing(
    tmp_path: Path, installation: Installation
) -> None:
    told = {"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "300000", "WATCHDOG_PID": "1"}
    with installation.daemon(environment=told) as daemon:
        daemon.stop()
        assert "systemd cannot be told" in daemon.log
