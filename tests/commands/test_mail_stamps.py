"""What `check` says about the stamps by which senders are judged."""

from __future__ import annotations

from datetime import UTC, datetime

from inboxwatch.commands.mail_stamps import counted
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.model import FolderRole, RawMessage

US = Us(frozenset({"acme.test"}))
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def received(*lines: str, role: FolderRole = FolderRole.INBOX) -> RawMessage:
    header = "\r\n".join([*lines, "From: bo@buyer.test", "To: ana@acme.test", "Message-ID: <a@buyer.test>"])
    return RawMessage("1", role, NOON, header.encode())


def test_check_names_the_stamps_of_our_own_servers() -> None:
    hop = "Received: from x (x.test [203.0.113.9]) by mx.hoster.test with ESMTP; Mon, 04 May 2026 12:00:00 +0000"
    seen = counted(
        [
            received(hop, "Authentication-Results: mx.hoster.test; dmarc=pass"),
            received("Authentication-Results: mx.acme.test; dmarc=pass"),
            received(hop),
            received("Authentication-Results: mx.acme.test; dmarc=pass", role=FolderRole.SENT),
        ],
        US,
    )
    assert seen.text.endswith("mx.hoster.test (1 of 3), mx.acme.test (1 of 3)")
    assert seen.hint == ""


def test_check_asks_about_a_gateway_that_stamps_most_mail() -> None:
    stamped = received("Authentication-Results: filter.gateway.test; dmarc=pass")
    seen = counted([stamped, stamped, received()], US)
    assert "no Authentication-Results of ours" in seen.text
    assert "filter.gateway.test" in seen.hint and "organization.authserv_ids" in seen.hint
    named = counted([stamped], Us(frozenset({"acme.test"}), {}, frozenset({"filter.gateway.test"})))
    assert named.text.endswith("filter.gateway.test (1 of 1)")
