"""Kerberos opens a mailbox on Exchange: MIT's real key distribution centre, and tokens bound to the TLS connection."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from inboxwatch.testing import letter
from tests.doubles.ews import EwsServer
from tests.doubles.kerberos import READER, Acceptor, Realm, libraries, realm
from tests.support.api_mailboxes import EwsMailbox
from tests.support.installation import PROGRAM, Installation


@pytest.fixture
def kerberos(tmp_path: Path) -> Iterator[Realm]:
    if importlib.util.find_spec("requests_gssapi") is None or sys.version_info[:2] != (3, 11):
        pytest.skip("needs requests-gssapi, and the Python that Debian's python3-gssapi is built for")
    with realm(tmp_path) as running:
        yield running


@pytest.fixture
def server() -> Iterator[EwsServer]:
    running = EwsServer()
    yield running
    running.close()


def checked(installation: Installation, environment: Mapping[str, str]) -> dict[str, Any]:
    """What `inboxwatch check` finds of the mailbox."""
    done = subprocess.run(
        [PROGRAM, "check", "--json", "-c", str(installation.path)],
        capture_output=True, text=True, timeout=60, check=False, env={"PATH": os.environ["PATH"], **environment},
    )  # fmt: skip
    findings = json.loads(done.stdout)["findings"]
    found: dict[str, Any] = next(one for one in findings if one["subject"] == "mailbox ana")
    return found


def test_a_ticket_opens_the_mailbox_and_is_bound_to_the_tls_connection(
    server: EwsServer, kerberos: Realm, tmp_path: Path
) -> None:
    mailbox = EwsMailbox(server, auth="kerberos")
    del mailbox.settings["username"], mailbox.settings["password"]
    mailbox.deliver(letter(1))
    box = {"connector": "ews", "address": mailbox.address, "owner": "ana"} | mailbox.settings
    installation = Installation(tmp_path, {"ana": box}, hook="http://127.0.0.1:9")
    library = libraries(tmp_path)
    has_ticket = {"PYTHONPATH": str(library), **kerberos.reader}

    good, elsewhere = Acceptor(kerberos, library, server.server.certificate), Acceptor(kerberos, library, b"another")
    try:
        server.negotiate = good
        found = checked(installation, has_ticket)
        assert (found["verdict"], set(good.answers)) == ("ok", {READER})
        assert "login kerberos, delegate" in found["text"]

        server.negotiate = elsewhere  # as somebody between us and the server would pass it on
        found = checked(installation, has_ticket)
        assert (found["verdict"], "auth" in found["text"]) == ("failed", True)
        assert all("channel bindings" in answer.lower() for answer in elsewhere.answers)

        server.negotiate = good
        found = checked(
            installation, {"PYTHONPATH": str(library), **kerberos.library, "KRB5CCNAME": "FILE:/nowhere/at/all"}
        )
        assert (found["verdict"], "klist" in found["hint"]) == ("failed", True)
    finally:
        good.close()
        elsewhere.close()
