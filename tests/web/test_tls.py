"""The listener's own TLS: who is let in, what a reload changes, and what a handshake that never comes may take."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization

from inboxwatch import config as configuration
from inboxwatch.config.certificate import Chain
from inboxwatch.web import connections, make_app
from inboxwatch.web.connections import Runner
from tests.support.certificates import Authority
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.waiting import PATIENCE

TOKEN = "sesame-open-please"  # a test's own


class Encrypted(InProcessDaemon):
    """A daemon with a certificate, behind the very runner that a real one uses."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, token=TOKEN)
        self.authority = Authority(folder)
        self.first = self.authority.issue()
        self.port = 0
        self.set_tls(self.authority.config)

    def set_tls(self, tls: str) -> None:
        """Writes `web.tls` anew and takes it over; without words there is none."""
        lines = [line for line in self.path.read_text("utf-8").splitlines() if not line.startswith("web:")]
        part = f", tls: {tls}" if tls else ""
        lines.append(f'web: {{listen: "127.0.0.1:0", token: {TOKEN}{part}}}')
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.take_over()

    def take_over(self) -> None:
        self.config = configuration.load(self.path)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    async def certificate(self) -> bytes | None:
        """What a new connection is shown, as DER."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.authority.trusting())
        shown: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return shown


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Encrypted]:
    daemon = Encrypted(tmp_path)
    runner = Runner(make_app(daemon), lambda: daemon.config.web)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    daemon.port = runner.addresses[0][1]
    yield daemon
    await runner.cleanup()
    daemon.close()


async def test_the_board_answers_by_https_and_its_cookies_stay_there(daemon: Encrypted) -> None:
    assert daemon.config.web.url == "https://127.0.0.1:0"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        trusting = daemon.authority.trusting()
        form = {"token": TOKEN, "next": "/"}
        async with session.post(f"{daemon.url}/login", data=form, ssl=trusting, allow_redirects=False) as answer:
            assert answer.status == 303
            cookies = answer.headers.getall("Set-Cookie")
        assert cookies
        assert all("Secure" in one and "HttpOnly" in one for one in cookies)
        async with session.get(daemon.url, ssl=trusting) as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientError):
            await session.get(daemon.url.replace("https:", "http:"))
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(daemon.url)


@pytest.mark.parametrize(
    ("version", "taken"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
async def test_old_versions_of_tls_are_refused(daemon: Encrypted, version: ssl.TLSVersion, taken: bool) -> None:
    context = daemon.authority.trusting()
    context.set_ciphers("ALL:@SECLEVEL=0")  # the client would speak it
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_1, version
    opening = asyncio.open_connection("127.0.0.1", daemon.port, ssl=context)
    if not taken:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await opening
        return
    _, writer = await opening
    assert writer.get_extra_info("ssl_object").version() == version.name.replace("_", ".")
    writer.close()


async def test_a_reload_takes_a_new_certificate_and_open_connections_stay(daemon: Encrypted) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port, ssl=daemon.authority.trusting())
    assert await daemon.certificate() == daemon.first
    second = daemon.authority.issue()
    assert await daemon.certificate() == daemon.first, "what lies in the file is nothing before a reload"
    daemon.take_over()
    assert await daemon.certificate() == second
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert b"200 OK" in await reader.read()
    writer.close()


async def test_a_reload_may_begin_or_end_encryption(daemon: Encrypted) -> None:
    daemon.set_tls("")
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{daemon.port}/healthz") as answer:
            assert answer.status == 200
        daemon.set_tls(daemon.authority.config)
        async with session.get(f"{daemon.url}/healthz", ssl=daemon.authority.trusting()) as answer:
            assert answer.status == 200


async def test_who_never_shakes_hands_is_counted(daemon: Encrypted, monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio's own TLS servers count nobody before the handshake."""
    monkeypatch.setattr(connections, "HEAD_TIME", 10 * PATIENCE)  # none is given up, however slow this machine is
    opened = [await asyncio.open_connection("127.0.0.1", daemon.port) for _ in range(connections.limit() // 2)]
    with pytest.raises((ssl.SSLError, ConnectionError)):  # the peer has its share
        await daemon.certificate()
    for _, writer in opened:
        writer.close()

    async with asyncio.timeout(PATIENCE):
        while True:  # until the daemon has seen them go
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                if await daemon.certificate() == daemon.first:
                    break


async def test_a_handshake_that_never_comes_is_given_up(daemon: Encrypted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_TIME", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()


async def test_a_head_that_never_ends_is_given_up_behind_tls_too(
    daemon: Encrypted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_TIME", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port, ssl=daemon.authority.trusting())
    writer.write(b"GET / HTTP/1.1\r\nX: ")
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert await reader.read() == b""
    writer.close()


def problems(daemon: Encrypted) -> list[str]:
    with pytest.raises(configuration.ConfigError) as refused:
        configuration.load(daemon.path)
    return [str(one).partition(" (line")[0] for one in refused.value.problems]


async def test_a_pair_that_does_not_work_is_refused_and_says_why(daemon: Encrypted, open_folder: Path) -> None:
    authority = daemon.authority
    certificate, key = authority.certificate.read_bytes(), authority.key.read_bytes()
    authority.issue()
    authority.certificate.write_bytes(certificate)
    assert problems(daemon) == ["web.tls.key: is not the key of certificate.pem"]
    authority.key.write_text("nothing of the kind", encoding="ascii")
    assert problems(daemon) == [
        "web.tls.key: is no private key that can be read: write it as PEM, without a passphrase"
    ]
    authority.key.write_bytes(key)
    authority.certificate.write_bytes(b"\xff\x00")
    assert problems(daemon) == [
        "web.tls.certificate: certificate.pem is no PEM file: it begins with -----BEGIN CERTIFICATE-----"
    ]
    authority.certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert problems(daemon) == [
        "web.tls.certificate: certificate.pem holds no certificate that can be read: write it as PEM, yours first"
    ]
    authority.certificate.unlink()
    assert problems(daemon) == ["web.tls.certificate: cannot read certificate.pem: No such file or directory"]


def test_a_key_with_a_passphrase_is_refused_and_asks_nobody(tmp_path: Path) -> None:
    daemon = Encrypted(tmp_path)
    key = serialization.load_pem_private_key(daemon.authority.key.read_bytes(), None)
    daemon.authority.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"a passphrase"),
        )
    )
    assert problems(daemon) == ["web.tls.key: is encrypted: write it without a passphrase"]
    daemon.close()


def test_a_key_that_everybody_can_read_is_refused(open_folder: Path) -> None:
    daemon = Encrypted(open_folder)
    daemon.authority.key.chmod(0o644)
    assert problems(daemon) == [
        f"web.tls.key: can be read by everybody on this machine: chmod o-rwx {daemon.authority.key}"
    ]
    daemon.authority.key.chmod(0o640)
    daemon.take_over()
    daemon.close()


def test_names_and_wildcards_of_a_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.issue("*.acme.test", "watch.example.test", "10.1.2.3")
    chain = Chain(authority.certificate, authority.certificate.read_text("ascii"))
    for host in ("watch.acme.test", "WATCH.acme.test", "watch.example.test", "10.1.2.3"):
        assert chain.is_for(host), host
    for host in ("acme.test", "a.b.acme.test", "example.test", "10.1.2.4", "", "test", ".acme.test.evil"):
        assert not chain.is_for(host), host
