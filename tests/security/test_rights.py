"""`check` says what a login could do beside reading, and which secrets would go over the wire in the clear."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doubles.scripted_imap import ScriptedImap
from tests.support.imap_sessions import says
from tests.support.installation import Installation


@pytest.mark.parametrize(
    ("capabilities", "rights", "told"),
    [
        ("IMAP4rev1 ACL", "lr", "read only (lr)"),
        ("IMAP4rev1 ACL", "lrswipkxte", "also change the mailbox (swipkxte), which inboxwatch never does"),
        ("IMAP4rev1", "", "do what the server does not tell (no ACL)"),
    ],
)
async def test_the_probe_asks_for_the_logins_rights(capabilities: str, rights: str, told: str) -> None:
    on = {"MYRIGHTS": says(f"* MYRIGHTS INBOX {rights}\r\nTAG OK done\r\n")}
    async with ScriptedImap(on, capabilities=capabilities) as server:
        server.on["STATUS"] = says("* STATUS Out (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7)\r\nTAG OK done\r\n")
        connector = server.connector()
        probe = await connector.probe()
        await connector.aclose()
    assert dict(probe.facts)["the login may"] == told
    assert any(command.startswith("MYRIGHTS") for command in server.commands) is bool(rights)


@pytest.mark.parametrize(
    ("url", "warned"),
    [("http://hooks.acme.test/x", True), ("https://hooks.acme.test/x", False), ("http://127.0.0.1:9/x", False)],
)
def test_check_warns_of_secrets_over_plain_http(tmp_path: Path, url: str, warned: bool) -> None:
    desk = {"type": "webhook", "url": url, "token": "a-token-of-the-hook", "secret": "a-secret-of-the-hook"}
    home = Installation(tmp_path, {}, channels={"desk": desk})
    told = home.command("check", "--offline", "--json")
    assert ("over plain http" in told.stdout) is warned
