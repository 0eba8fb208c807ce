"""The end of a certificate, secret or consent is shown by `check`, and IT is told before the mailbox goes blind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.mail.imap import ImapSettings
from inboxwatch import now as instant
from inboxwatch.connector import Context, Expires, MailConnector, Reading, load
from inboxwatch.testing import every
from tests.doubles.entra import CLIENT_ID, SECRET, TENANT, certificate
from tests.doubles.ews import EwsServer
from tests.doubles.gmail import METADATA, GmailServer
from tests.doubles.graph import EntraGroup, GraphServer
from tests.doubles.webhook_sink import WebhookSink
from tests.support.api_mailboxes import EwsMailbox, GmailMailbox, GraphMailbox
from tests.support.installation import Installation
from tests.support.staff import GROUP

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def server() -> Iterator[GraphServer]:
    running = GraphServer()
    yield running
    running.close()


def box(server: GraphServer, **settings: Any) -> dict[str, Any]:
    """A mailbox of a config, with the settings of a login."""
    mailbox = GraphMailbox(server)
    usual = {name: one for name, one in mailbox.settings.items() if name not in ("client_secret", "secret_expires")}
    return {"connector": "graph", "address": mailbox.address, "owner": "ana"} | usual | settings


def template(mailbox: dict[str, Any]) -> dict[str, Any]:
    """The same for the mailboxes of a directory."""
    return {name: one for name, one in mailbox.items() if name not in ("address", "owner", "user")}


def end_of(connector: MailConnector) -> datetime | None:
    assert isinstance(connector, Expires)
    return connector.expires_at


def test_check_shows_when_each_login_ends_and_warns_where_nobody_knows(server: GraphServer, tmp_path: Path) -> None:
    pem = certificate(5 * DAY)
    server.entra.certificate = pem.encode()
    boxes = {
        "cert": box(server, certificate=pem),
        "known": box(server, client_secret=SECRET, secret_expires="2099-03-01"),
        "unknown": box(server, client_secret=SECRET),
        "over": box(server, client_secret=SECRET, secret_expires="2026-01-31"),
    }
    done = Installation(tmp_path, boxes, hook="http://127.0.0.1:9").command("check", "--json")
    findings = json.loads(done.stdout)["findings"]
    told = {name: [one for one in findings if one["subject"] == f"mailbox {name}"] for name in boxes}
    facts = {name: next(one["text"] for one in ones if one["verdict"] == "ok") for name, ones in told.items()}
    warnings = {name: [one["text"] for one in ones if one["verdict"] == "warning"] for name, ones in told.items()}
    end = f"{instant.now() + 5 * DAY:%Y-%m-%d}"
    assert f"certificate ends {end}" in facts["cert"]
    assert any(f"the certificate ends on {end}: renew it" in one for one in warnings["cert"])
    assert "client secret ends 2099-03-01 00:00 UTC" in facts["known"]
    assert not any("ends" in one for one in warnings["known"])
    assert any("write the day beside it, as `secret_expires: 2" in one for one in warnings["unknown"])
    assert any("the client secret ended on 2026-01-31" in one for one in warnings["over"])


def test_the_daemon_tells_it_before_a_certificate_or_a_secret_ends(server: GraphServer, tmp_path: Path) -> None:
    boxes = {
        "cert": box(server, certificate=certificate(13 * DAY)),
        "secret": box(server, client_secret=SECRET, secret_expires=f"{instant.now() + 13 * DAY:%Y-%m-%d}"),
        "later": box(server, client_secret=SECRET, secret_expires=f"{instant.now() + 30 * DAY:%Y-%m-%d}"),
    }
    with WebhookSink() as sink, Installation(tmp_path, boxes, hook=sink.url).daemon() as daemon:
        for name in ("cert", "secret"):
            sink.wait(lambda post, name=name: f"access to mailbox {name} ends on " in post.raw.decode())  # type: ignore[misc]
        assert "mailbox later ends" not in " ".join(post.raw.decode() for post in sink.posts)
        daemon.stop()


def test_the_end_of_a_directory_s_login_is_shown_and_told_as_well(server: GraphServer, tmp_path: Path) -> None:
    """It may have a secret of its own, or that of its mailboxes with the day on which that ends."""
    server.groups[GROUP] = EntraGroup("sales@acme.test")
    soon = f"{instant.now() + 13 * DAY:%Y-%m-%d}"
    lists = {
        "source": "graph",
        "group": GROUP,
        "mailboxes": template(box(server, client_secret=SECRET, secret_expires=soon)),
    }
    directories = {"theirs": lists, "own": lists | {"client_secret": SECRET}}
    with WebhookSink() as sink:
        installation = Installation(
            tmp_path, {"cy": box(server, client_secret=SECRET, secret_expires="2099-03-01")}, hook=sink.url
        )
        with installation.path.open("a", encoding="utf-8") as config:
            config.write(f"directories: {json.dumps(directories)}\n")
        findings = json.loads(installation.command("check", "--json").stdout)["findings"]
        told = {
            name: " ".join(one["text"] for one in findings if one["subject"] == f"directory {name}")
            for name in directories
        }
        assert f"the client secret ends on {soon}: renew it before, or its list stays as it was" in told["theirs"]
        assert "nothing tells when the client secret ends: write the day beside it" in told["own"]
        with installation.daemon() as daemon:
            sink.wait(lambda post: f"access to directory theirs ends on {soon}" in post.raw.decode())
            assert "directory own ends" not in " ".join(post.raw.decode() for post in sink.posts)
            daemon.stop()


@pytest.mark.parametrize(
    ("source", "settings", "ends"),
    [
        ("google", {"unit": "/", "admin": "it@acme.test", "service_account": "{}"}, None),
        (
            "google",
            {"unit": "/", "admin": "it@acme.test", "service_account": "{}", "secret_expires": "2027-03-01"},
            datetime(2027, 3, 1, tzinfo=UTC),
        ),
        (
            "ews",
            {
                "auth": "oauth",
                "tenant": TENANT,
                "client_id": CLIENT_ID,
                "client_secret": SECRET,
                "secret_expires": "2027-03-01",
            },
            datetime(2027, 3, 1, tzinfo=UTC),
        ),
        ("ews", {"username": "reader", "password": SECRET}, None),
    ],
)
def test_each_directory_with_a_login_tells_its_end(
    source: str, settings: dict[str, Any], ends: datetime | None
) -> None:
    kind = load("directories", source)
    more = {"group": "sales@acme.test", "url": "https://mail.acme.test/EWS/Exchange.asmx"} if source == "ews" else {}
    made = kind(kind.settings.model_validate(settings | more), Context("staff", ""))
    assert isinstance(made, Expires)
    assert made.expires_at == ends


def test_a_certificate_that_cannot_be_read_leaves_the_end_unknown(server: GraphServer) -> None:
    mailbox = GraphMailbox(server)
    del mailbox.settings["client_secret"], mailbox.settings["secret_expires"]
    mailbox.settings["certificate"] = "no PEM at all"
    assert end_of(mailbox.connector(Reading())) is None


def test_ews_by_oauth_ends_and_by_password_does_not() -> None:
    server = EwsServer()
    try:
        oauth = {"auth": "oauth", "tenant": TENANT, "client_id": CLIENT_ID, "client_secret": SECRET}
        ends = EwsMailbox(server, **oauth, secret_expires="2027-03-01").connector(Reading())
        assert end_of(ends) == datetime(2027, 3, 1, tzinfo=UTC)
        assert end_of(EwsMailbox(server).connector(Reading())) is None
        with pytest.raises(ValidationError, match="secret_expires"):
            EwsMailbox(server, secret_expires="2027-03-01").connector(Reading())
    finally:
        server.close()


async def test_a_consent_for_a_time_ends_when_google_says_so() -> None:
    """Of OAuth clients in testing it is a week."""
    server = GmailServer()
    try:
        mailbox = GmailMailbox(server)
        del mailbox.settings["service_account"]
        mailbox.settings["oauth"] = server.tokens.consent(mailbox.address, {METADATA})
        mailbox.settings["token_url"] = f"{server.tokens.server.url}/token"
        one = mailbox.connector(Reading())
        await every(one, None)
        assert end_of(one) is None
        server.tokens.consents_last = 7 * 86400
        server.tokens.revoke()
        await every(one, None)
        end = end_of(one)
        assert end is not None
        assert timedelta(days=6, hours=23) < end - instant.now() <= 7 * DAY
        assert any("the consent ends on " in warning for warning in (await one.probe()).warnings)
    finally:
        server.close()


@pytest.mark.parametrize(
    ("oauth", "what", "ends"),
    [
        ({"client_secret": SECRET, "secret_expires": "2027-03-01"}, "client secret", date(2027, 3, 1)),
        ({"refresh_token": SECRET}, "refresh token", None),
        ({"certificate": certificate(5 * DAY)}, "certificate", (instant.now() + 5 * DAY).date()),
        ({"provider": "google", "service_account": "{}"}, "", None),
    ],
)
def test_imap_by_oauth_ends_as_its_login_does(oauth: dict[str, Any], what: str, ends: date | None) -> None:
    given = {"provider": "microsoft", "tenant": "t", "client_id": "c"} | oauth
    settings = ImapSettings.model_validate({"host": "127.0.0.1", "auth": "xoauth2", "oauth": given})
    assert settings.oauth is not None
    found = settings.oauth.expiry
    assert (found.what, found.at.date() if found.at else None) == (what, ends)
