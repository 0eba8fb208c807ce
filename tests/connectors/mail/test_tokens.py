"""Whatever a token server answers: the reason is told, nothing secret is shown, no passing fault is permanent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from connectors.mail.entra import Application, Token, acquire
from connectors.mail.google_login import METADATA, GoogleLogin
from connectors.mail.imap.oauth import OAuthSettings, tokens_of
from connectors.mail.login_expiry import expiry
from connectors.optional_package import optional_package
from inboxwatch.connector import MailboxError, Reason, Secret
from tests.doubles.entra import CLIENT_ID, SECRET, TENANT, EntraServer
from tests.doubles.google_tokens import CLIENT_ID as GOOGLE_CLIENT
from tests.doubles.google_tokens import CLIENT_SECRET, REFRESH_TOKEN, GoogleTokenServer
from tests.doubles.https_server import Fault, HttpsServer, ca_file

Ask = Callable[[], Token | str]
STRANGE = [
    "",
    "<html>Welcome to the hotel's network</html>",
    "[]",
    "null",
    '"token"',
    "{}",
    '{"access_token": null}',
    '{"access_token": {"a": 1}, "expires_in": []}',
    '{"access_token": "t0k3n", "expires_in": "soon"}',
    '{"access_token": "t0k3n", "expires_in": 1e999}',
    '{"access_token": "t0k3n", "expires_in": {}}',
    '{"access_token": "t0k3n", "expires_in": -1e30}',
    '{"access_token": "t0k3n", "refresh_token_expires_in": "soon", "expires_in": 60}',
    '{"access_token": "t0k3n", "refresh_token_expires_in": 1e999, "expires_in": 60}',
    '{"access_token": "t0k3n", "scope": [1]}',
    "[" * 100_000,
    "\x00\ufffe",
]
"""Answers that no server should give, all with status 200."""


@pytest.fixture(scope="module")
def entra() -> Iterator[EntraServer]:
    server = EntraServer()
    yield server
    server.server.close()


@pytest.fixture(scope="module")
def google() -> Iterator[GoogleTokenServer]:
    server = GoogleTokenServer()
    yield server
    server.server.close()


def of_microsoft(server: HttpsServer) -> Token:
    secret = Secret(SECRET, "the test")
    scope = "https://graph.microsoft.com/.default"
    return acquire(Application(server.url, TENANT, CLIENT_ID, secret, None, scope, ca_file(), 5.0))


def of_a_person(server: HttpsServer) -> str:
    settings = OAuthSettings.model_validate(
        {"provider": "microsoft", "tenant": TENANT, "client_id": CLIENT_ID, "refresh_token": REFRESH_TOKEN}
        | {"token_url": server.url, "ca_file": str(ca_file())}
    )
    return tokens_of(settings, "ana@acme.test").fetch()[0]


def of_google(server: HttpsServer) -> str:
    consent = {"client_id": GOOGLE_CLIENT, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
    key = Secret(json.dumps(consent), "the test")
    login = GoogleLogin("oauth", key, "ana@acme.test", METADATA, f"{server.url}/token")
    http = optional_package("httplib2", "gmail").Http(timeout=5, ca_certs=str(ca_file()))
    try:
        found = login.token(http)
        assert isinstance(login.lasts, float)
        return found
    finally:
        http.close()
        shown = repr(login)
        assert not any(one in shown for one in (CLIENT_SECRET, REFRESH_TOKEN, "t0k3n"))


@pytest.mark.parametrize("body", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.parametrize("kind", [of_microsoft, of_a_person, of_google])
def test_an_answer_that_no_server_should_give_is_a_passing_fault_of_the_protocol(
    entra: EntraServer, google: GoogleTokenServer, kind: Callable[[HttpsServer], Token | str], body: str
) -> None:
    server = google.server if kind is of_google else entra.server
    server.fault = lambda request: Fault(200, body) if request.method == "POST" else None
    try:
        found = kind(server)
        assert "t0k3n" in body, "only what holds a token gives one"
        assert "t0k3n" not in repr(found) or found == "t0k3n"
    except MailboxError as error:
        assert (error.reason, error.permanent) == (Reason.PROTOCOL, False)
        shown = f"{error!r} {error.hint}"
        assert not any(one in shown for one in (SECRET, CLIENT_SECRET, REFRESH_TOKEN, "t0k3n"))
    finally:
        server.fault = lambda request: None


@pytest.mark.parametrize("renewed", ["null", '""', "[]", "{}", "7"])
def test_a_persons_refresh_token_is_kept_where_the_answer_holds_no_usable_new_one(
    entra: EntraServer, renewed: str
) -> None:
    body = '{"access_token": "t0k3n", "expires_in": 60, "refresh_token": %s}' % renewed  # noqa: UP031  (braces of JSON)
    entra.server.fault = lambda request: Fault(200, body) if request.method == "POST" else None
    application = Application(entra.server.url, TENANT, CLIENT_ID, None, None, "scope", ca_file(), 5.0)
    try:
        assert acquire(application, REFRESH_TOKEN).refresh == REFRESH_TOKEN
    finally:
        entra.server.fault = lambda request: None


def test_a_certificate_that_was_not_resolved_or_is_none_has_no_known_end() -> None:
    assert expiry("client secret", Secret(None, "$NOWHERE"), None).at is None
    assert expiry("client secret", Secret("-----BEGIN CERTIFICATE-----\nAAAA", "the test"), None).at is None


def test_a_consent_that_lasts_for_ever_by_what_is_told_breaks_nothing(google: GoogleTokenServer) -> None:
    consent = {"client_id": GOOGLE_CLIENT, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
    login = GoogleLogin("oauth", Secret(json.dumps(consent), "t"), "", METADATA, f"{google.server.url}/token")
    body = '{"access_token": "t0k3n", "expires_in": 60, "refresh_token_expires_in": 999999999}'
    google.server.fault = lambda request: Fault(200, body)
    http = optional_package("httplib2", "gmail").Http(timeout=5, ca_certs=str(ca_file()))
    login.token(http)
    http.close()
    google.server.fault = lambda request: None
    assert login.consent_ends is not None
    assert login.lasts < timedelta(minutes=2).total_seconds()
