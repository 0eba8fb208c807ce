"""The daemon of a small sales team whose people sign in at an OpenID provider, and browsers that do so."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from inboxwatch import config as configuration
from inboxwatch.web import make_app
from tests.doubles.openid import CLIENT, SECRET, OpenIdProvider, openid_provider
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.ports import free_port

TOKEN = "sesame-open-please"  # a test's own
PAGE = {"Accept": "text/html"}


class Answer:
    """What a browser was answered."""

    def __init__(self, answer: aiohttp.ClientResponse, text: str) -> None:
        self.status, self.text = answer.status, text
        self.location = answer.headers.get("Location", "")
        self.cookies: SimpleCookie = answer.cookies
        self.headers = answer.headers

    @property
    def form_key(self) -> str:
        found = re.search(r'name="key" value="([^"]+)"', self.text)
        assert found is not None, self.text
        return found[1]


class OidcHouse(InProcessDaemon):
    """One wait, of Bo for Max, of which nobody else is concerned but Ana's colleagues."""

    def __init__(self, folder: Path, provider: OpenIdProvider) -> None:
        self.port = free_port()
        super().__init__(folder)
        self.provider = provider
        self.plain = self.path.read_text(encoding="utf-8").partition("web: ")[0]
        self.set_web()
        self.lead("bo@buyer.test", owner="max")
        self.mail("bo@buyer.test", "ana@acme.test")

    def set_web(self, oidc: str = "", *, token: str = TOKEN, more: str = "") -> None:
        """Takes over another config: further keys of `web.oidc`, and further sections."""
        keys = f'issuer: "{self.provider.url}", client_id: {CLIENT}, client_secret: "{SECRET}"'
        keys += f", {oidc}" if oidc else ""
        entry = f", token: {token}" if token else ""
        lines = f'web: {{listen: "127.0.0.1:{self.port}"{entry}, oidc: {{{keys}}}}}\n{more}\n'
        self.path.write_text(self.plain + lines, encoding="utf-8")
        self.config = configuration.load(self.path)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def wait(self) -> str:
        return self.only_wait("bo@buyer.test")


class Browser:
    """Keeps cookies as a browser does, and goes nowhere by itself."""

    def __init__(self, house: OidcHouse) -> None:
        self.house = house
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, **more: Any) -> Answer:
        return await self.ask("POST", path, **more)

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        url = path if path.startswith("http") else self.house.url + path
        headers = PAGE | more.pop("headers", {})
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **more) as answer:
            return Answer(answer, await answer.text())

    async def to_the_provider(self, onward: str = "/") -> str:
        """Begins a sign-in, and signs in there; returns the address by which it sends the browser back."""
        started = await self.get("/oidc/start", params={"next": onward})
        assert started.status == 303, started.text
        assert started.location.startswith(f"{self.house.provider.url}/authorize?")
        back = await self.get(started.location)
        assert back.status == 303
        assert urlsplit(back.location).path == "/oidc/callback"
        return back.location

    async def sign_in(self, onward: str = "/") -> Answer:
        """The whole way; returns what stands at its end."""
        return await self.get(await self.to_the_provider(onward))


@asynccontextmanager
async def oidc_house(folder: Path) -> AsyncIterator[OidcHouse]:
    """Serves the board of such a daemon."""
    known: list[OidcHouse] = []
    async with openid_provider(lambda: known[0].now()) as provider:
        house = OidcHouse(folder, provider)
        known.append(house)
        runner = web.AppRunner(make_app(house), access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", house.port).start()
        try:
            yield house
        finally:
            await runner.cleanup()
            house.close()
