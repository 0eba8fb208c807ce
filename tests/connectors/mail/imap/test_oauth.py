"""Logging in with OAuth tokens: real google-auth and msal against a token endpoint of ours, and a real Dovecot."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from connectors.mail.imap import Imap, ImapSettings
from inboxwatch.connector import Context, MailboxError, Reason
from inboxwatch.testing import every, ids, letter, message_id, taken
from tests.doubles.dovecot import Dovecot
from tests.doubles.entra import certificate
from tests.doubles.scripted_imap import Client, ScriptedImap
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE

SECRET = "the-secret-of-the-tests"


class TokenEndpoint:
    """Gives tokens named `token-1`, `token-2`, ...; `refuse` makes it answer with an error instead."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self.tls)
        self.ca_file = str(folder / "tokens-ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        self.port = free_port()
        self.asked: list[Mapping[str, str]] = []
        self.refuse: dict[str, str] = {}
        self.lasts = 3600

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[TokenEndpoint]:
        app = web.Application()
        app.router.add_post("/{tail:.*}", self._token)
        app.router.add_get("/{tail:.*}", self._metadata)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, ssl_context=self.tls).start()
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _token(self, request: web.Request) -> web.Response:
        self.asked.append({key: str(value) for key, value in (await request.post()).items()})
        if self.refuse:
            return web.json_response(self.refuse, status=400)
        token = {"access_token": f"token-{len(self.asked)}", "expires_in": self.lasts, "token_type": "Bearer"}
        return web.json_response(token)

    async def _metadata(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": f"{self.url}/t",
                "authorization_endpoint": f"{self.url}/t/authorize",
                "token_endpoint": f"{self.url}/t/token",
            }
        )


@pytest.fixture
async def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TokenEndpoint]:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # they would override `ca_file`
        monkeypatch.delenv(name, raising=False)
    async with TokenEndpoint(tmp_path).serve() as running:
        yield running


def service_account() -> str:
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "watch@project.iam.example.org",
            "private_key_id": "k1",
            "private_key": key.decode(),
            "token_uri": "unused",
        }
    )


GRANTS: dict[str, Callable[[], dict[str, Any]]] = {
    "google refresh token": lambda: {
        "provider": "google",
        "client_id": "c",
        "client_secret": SECRET,
        "refresh_token": SECRET,
    },
    "google service account": lambda: {"provider": "google", "service_account": service_account()},
    "microsoft client credentials": lambda: {
        "provider": "microsoft",
        "tenant": "t",
        "client_id": "c",
        "client_secret": SECRET,
    },
    "microsoft certificate": lambda: {
        "provider": "microsoft",
        "tenant": "t",
        "client_id": "c",
        "certificate": certificate(),
    },
    "microsoft refresh token": lambda: {
        "provider": "microsoft",
        "tenant": "t",
        "client_id": "c",
        "refresh_token": SECRET,
    },
}


def gate(good: str, seen: list[str]) -> Callable[[Client, str, str], Any]:
    """AUTHENTICATE as Gmail answers it: a wrong token gets a challenge that says why, then NO."""

    async def authenticate(client: Client, tag: str, _: str) -> None:
        await client.send("+ \r\n")
        seen.append(base64.b64decode(await client.line()).decode())
        if good in seen[-1]:
            await client.send(f"{tag} OK in\r\n")
            return
        reason = base64.b64encode(b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}').decode()
        await client.send(f"+ {reason}\r\n")
        seen.append(await client.line())
        await client.send(f"{tag} NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\r\n")

    return authenticate


def oauth(endpoint: TokenEndpoint, grant: dict[str, Any], mechanism: str = "xoauth2") -> dict[str, Any]:
    return {
        "auth": mechanism,
        "password": None,
        "oauth": grant | {"token_url": endpoint.url, "ca_file": endpoint.ca_file},
    }


@pytest.mark.parametrize("grant", GRANTS)
async def test_a_token_of_each_grant_opens_the_mailbox(endpoint: TokenEndpoint, grant: str) -> None:
    seen: list[str] = []
    async with ScriptedImap({"AUTHENTICATE": gate("token-1", seen)}) as server:
        server.mail["INBOX"].append(letter(1).decode())
        connector = server.connector(**oauth(endpoint, GRANTS[grant]()))
        assert len(taken(await every(connector, None))) == 1
        await connector.aclose()
    assert seen == ["user=ana@acme.test\x01auth=Bearer token-1\x01\x01"]
    (asked,) = endpoint.asked
    expected = {
        "google refresh token": "refresh_token",
        "google service account": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "microsoft client credentials": "client_credentials",
        "microsoft certificate": "client_credentials",
        "microsoft refresh token": "refresh_token",
    }
    assert asked["grant_type"] == expected[grant]
    if grant == "google service account":
        claims = json.loads(base64.urlsafe_b64decode(asked["assertion"].split(".")[1] + "=="))
        assert claims["sub"] == "ana@acme.test"
        assert claims["scope"] == "https://mail.google.com/"
    assert ("client_assertion" in asked) is (grant == "microsoft certificate")


async def test_oauthbearer_is_spoken_where_it_is_asked_for(endpoint: TokenEndpoint) -> None:
    seen: list[str] = []
    async with ScriptedImap({"AUTHENTICATE": gate("token-1", seen)}) as server:
        connector = server.connector(**oauth(endpoint, GRANTS["google refresh token"](), "oauthbearer"))
        await every(connector, None)
        await connector.aclose()
    assert seen == ["n,a=ana@acme.test,\x01auth=Bearer token-1\x01\x01"]


async def test_a_kept_token_that_the_server_refuses_is_renewed_once(endpoint: TokenEndpoint) -> None:
    seen: list[str] = []
    async with ScriptedImap({"AUTHENTICATE": gate("token-1", seen)}) as server:
        connector = server.connector(**oauth(endpoint, GRANTS["google refresh token"]()))
        cursor = (await every(connector, None))[-1].cursor
        server.on["AUTHENTICATE"] = gate("token-2", seen)
        server.cut()
        with pytest.raises(MailboxError):
            await every(connector, cursor)
        await every(connector, cursor)
        await connector.aclose()
    assert len(endpoint.asked) == 2
    assert seen[1:3] == ["user=ana@acme.test\x01auth=Bearer token-1\x01\x01", ""]  # an empty line ends the refusal


async def test_a_refused_token_is_told_in_the_servers_words(endpoint: TokenEndpoint) -> None:
    async with ScriptedImap({"AUTHENTICATE": gate("never", [])}) as server:
        connector = server.connector(**oauth(endpoint, GRANTS["google refresh token"]()))
        with pytest.raises(MailboxError, match=r"https://mail\.google\.com/") as caught:
            await every(connector, None)
        await connector.aclose()
    assert caught.value.reason is Reason.AUTH
    assert "token-1" not in str(caught.value)


@pytest.mark.parametrize(
    ("grant", "error", "words"),
    [
        ("google refresh token", {"error": "invalid_grant", "error_description": "Token has been revoked."}, "revoked"),
        ("google service account", {"error": "unauthorized_client", "error_description": "not delegated"}, "delegated"),
        (
            "microsoft client credentials",
            {"error": "invalid_client", "error_description": "AADSTS7000222: The secret is expired."},
            "AADSTS7000222",
        ),
        (
            "microsoft refresh token",
            {"error": "invalid_grant", "error_description": "AADSTS700082: The refresh token has expired."},
            "AADSTS700082",
        ),
    ],
)
async def test_a_refused_grant_is_told_in_the_providers_words(
    endpoint: TokenEndpoint, grant: str, error: dict[str, str], words: str
) -> None:
    endpoint.refuse = error
    async with ScriptedImap() as server:
        connector = server.connector(**oauth(endpoint, GRANTS[grant]()))
        with pytest.raises(MailboxError, match=words) as caught:
            await every(connector, None)
        await connector.aclose()
    assert caught.value.reason is Reason.AUTH
    assert caught.value.hint
    assert SECRET not in f"{caught.value!r}{caught.value.hint}"


@pytest.mark.parametrize("grant", ["google refresh token", "microsoft client credentials"])
async def test_a_token_endpoint_out_of_reach_is_not_lost_auth(endpoint: TokenEndpoint, grant: str) -> None:
    settings = oauth(endpoint, GRANTS[grant]())
    settings["oauth"]["token_url"] = f"https://127.0.0.1:{free_port()}"
    async with ScriptedImap() as server:
        connector = server.connector(**settings)
        with pytest.raises(MailboxError) as caught:
            await every(connector, None)
        await connector.aclose()
    assert caught.value.reason is Reason.UNAVAILABLE


@pytest.mark.parametrize(
    ("grant", "warned"),
    [("microsoft refresh token", True), ("microsoft certificate", False), ("google refresh token", False)],
)
async def test_a_login_whose_end_nobody_knows_is_warned_of(endpoint: TokenEndpoint, grant: str, warned: bool) -> None:
    async with ScriptedImap({"AUTHENTICATE": gate("token-1", [])}) as server:
        connector = server.connector(**oauth(endpoint, GRANTS[grant]()))
        probe = await connector.probe()
        await connector.aclose()
    assert any("`secret_expires: " in warning for warning in probe.warnings) is warned
    assert ("certificate ends" in dict(probe.facts)) is (grant == "microsoft certificate")


@pytest.mark.parametrize(
    "settings",
    [
        {"auth": "xoauth2"},
        {"auth": "xoauth2", "password": "x", "oauth": {"provider": "google", "service_account": "{}"}},
        {"auth": "xoauth2", "oauth": {"provider": "google", "client_id": "c"}},
        {"auth": "oauthbearer", "oauth": {"provider": "microsoft", "client_id": "c", "client_secret": "s"}},
        {"auth": "xoauth2", "oauth": {"provider": "google", "service_account": "{}", "certificate": "c"}},
        {"password": "x", "oauth": {"provider": "google", "service_account": "{}"}},
        {},
        {"password": "x", "security": "none", "host": "mail.buyer.test"},
        {"password": "x", "read_timeout": "60"},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ImapSettings.model_validate({"host": "127.0.0.1"} | settings)


def signed(claims: dict[str, Any], key: bytes) -> str:
    """A JWT that Dovecot checks by itself."""

    def part(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    body = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
    mark = base64.urlsafe_b64encode(hmac.new(key, body, hashlib.sha256).digest()).rstrip(b"=")
    return (body + b"." + mark).decode()


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
async def test_dovecot_takes_tokens_and_tells_why_it_refuses_them(mechanism: str) -> None:
    files = {
        "keys/default/HS256/default": base64.b64encode(SECRET.encode()).decode(),
        "oauth2.ext": "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=BASE/keys/\n"
        "username_attribute = email\nusername_format = %u\n",
    }
    passdb = (
        "auth_mechanisms = oauthbearer xoauth2\n"
        "passdb {\n  driver = oauth2\n  mechanisms = oauthbearer xoauth2\n  args = BASE/oauth2.ext\n}\n"
    )

    class Given:
        def __init__(self) -> None:
            self.expires(600)

        def expires(self, seconds: int) -> None:
            now = int(time.time())
            self.token = signed({"sub": "1", "email": "ana", "exp": now + seconds, "iat": now - 900}, SECRET.encode())

        def fetch(self) -> tuple[str, float]:
            return self.token, 600.0

    with Dovecot.start(["ana"], passdb=passdb, files=files) as server:
        server.deliver("ana", letter(1))
        given = {
            "host": "127.0.0.1",
            "port": server.port,
            "security": "none",
            "auth": mechanism.lower(),
            "oauth": {"provider": "google", "service_account": "{}"},
        }
        tokens = Given()
        connector = Imap(ImapSettings.model_validate(given), Context("ana", "ana"), tokens=tokens)
        assert ids(taken(await every(connector, None))) == [message_id(1)]
        await connector.aclose()
        tokens.expires(-600)
        connector = Imap(ImapSettings.model_validate(given), Context("ana", "ana"), tokens=tokens)
        with pytest.raises(MailboxError) as caught:
            async with asyncio.timeout(PATIENCE):
                await every(connector, None)
        assert caught.value.reason is Reason.AUTH
        await connector.aclose()
