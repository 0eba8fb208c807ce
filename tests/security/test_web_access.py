"""Who may do what over HTTP: a proxy's word, tokens, roles, and deeds that are told too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch import config as configuration
from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon

TOKEN = "sesame-open-please"  # a test's own
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HEADER = "X-Forwarded-User"

Client = TestClient[Any, Any]
Open = Callable[..., Any]


class House(InProcessDaemon):
    """Ana's mailbox with one wait of Ana's; Eve is one of the people, in no team. A proxy on this machine signs in."""

    def __init__(self, folder: Path, *, token: str, proxy: bool) -> None:
        super().__init__(folder, token=token, origin="http://127.0.0.1:9842")
        text = self.path.read_text(encoding="utf-8")
        text = text.replace("people:\n", "people:\n  eve: {name: Eve Other, email: eve@acme.test}\n")
        if proxy:
            text = text.replace("web: {", f"web: {{proxy: {{header: {HEADER}, from: [127.0.0.1]}}, ")
        self.path.write_text(text, encoding="utf-8")
        self.config = configuration.load(self.path)
        self.lead("bo@buyer.test", owner="ana")
        self.mail("bo@buyer.test", "ana@acme.test")

    @property
    def wait(self) -> str:
        return self.only_wait("bo@buyer.test")


@pytest.fixture
async def open_house(tmp_path: Path) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def opened(*, token: str = TOKEN, proxy: bool = True) -> tuple[Client, House]:
            daemon = House(tmp_path, token=token, proxy=proxy)
            stack.callback(daemon.close)
            return await stack.enter_async_context(TestClient(TestServer(make_app(daemon)))), daemon

        yield opened


async def status(client: Client, method: str, path: str, person: str = "", body: Any = None, **headers: str) -> int:
    given = {HEADER: person} if person else {}
    answer = await client.request(method, path, json=body, headers=given | headers, allow_redirects=False)
    await answer.read()
    return answer.status


@pytest.mark.parametrize("path", ["/api/v1/clocks", "/metrics", "/", "/events", "/mailboxes"])
@pytest.mark.parametrize("token", ["", TOKEN])
async def test_a_request_from_the_proxy_that_names_nobody_is_nobodys(open_house: Open, path: str, token: str) -> None:
    client, _ = await open_house(token=token)
    assert await status(client, "GET", path) == 401
    assert await status(client, "GET", path, **{"Accept": "text/html"}) in (303, 401)
    assert await status(client, "GET", "/healthz") == 200


async def test_without_proxy_and_token_this_machine_may_still_ask(open_house: Open) -> None:
    client, _ = await open_house(token="", proxy=False)
    assert await status(client, "GET", "/api/v1/clocks") == 200


@pytest.mark.parametrize(
    "peers",
    ['["0.0.0.0/1", "128.0.0.0/1"]', '["64.0.0.0/2"]', '["8.0.0.0/7"]', '["2000::/3"]', '["::/1", "8000::/1"]'],
)
def test_a_proxy_at_half_the_internet_is_refused(tmp_path: Path, peers: str) -> None:
    assert "could name itself as anybody" in refusal(tmp_path, f"proxy: {{header: X-User, from: {peers}}}")


@pytest.mark.parametrize(
    "peers", ["[127.0.0.1]", '["10.0.0.0/8"]', '["192.168.0.0/16", "fd00::/8"]', '["203.0.113.7"]']
)
def test_a_proxy_at_its_place_is_taken(tmp_path: Path, peers: str) -> None:
    assert refusal(tmp_path, f"proxy: {{header: X-User, from: {peers}}}") == ""


@pytest.mark.parametrize(
    "header", ["Host", "cookie", "Authorization", "User-Agent", "X-Forwarded-For", "Accept", "Sec-Fetch-Site", "Origin"]
)
def test_a_header_that_browsers_send_names_nobody(tmp_path: Path, header: str) -> None:
    assert "sent by every browser" in refusal(tmp_path, f"proxy: {{header: {header}, from: [127.0.0.1]}}")


@pytest.mark.parametrize("token", ["a", "abc", "1234567", "aaaaaaaaaaaaaaaa", "'        '"])
def test_a_token_that_is_guessed_is_refused(tmp_path: Path, token: str) -> None:
    assert "can be guessed" in refusal(tmp_path, f"token: {token if not token.isdigit() else repr(token)}")


def refusal(folder: Path, web: str) -> str:
    InProcessDaemon(folder).close()
    path = folder / "inboxwatch.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace('listen: "127.0.0.1:0"', web), encoding="utf-8")
    try:
        configuration.load(path)
    except configuration.ConfigError as error:
        return "; ".join(map(str, error.problems))
    return ""


ACTIONS = {
    "acknowledge": {},
    "snooze": {"for": "2h"},
    "assign": {"owner": "eve"},
    "dismiss": {"reason": "no"},
}


@pytest.mark.parametrize("action", ACTIONS)
async def test_whom_a_wait_does_not_concern_may_not_act_on_it(open_house: Open, action: str) -> None:
    client, daemon = await open_house()
    path = f"/api/v1/clocks/{daemon.wait}/{action}"
    assert await status(client, "POST", path, "eve", {"by": "eve", **ACTIONS[action]}) == 403
    assert await status(client, "POST", path, "ana", {"by": "ana", **ACTIONS[action]}) == 200


async def test_the_board_holds_the_same_authority(open_house: Open) -> None:
    client, daemon = await open_house()
    page = await (await client.get(f"/waits/{daemon.wait}", headers={HEADER: "eve"})).text()
    key = page.partition('name="key" value="')[2].partition('"')[0]
    form = {"key": key, "by": "eve", "reason": "no"}
    answer = await client.post(
        f"/waits/{daemon.wait}/dismiss", data=form, headers={HEADER: "eve"}, allow_redirects=False
    )
    assert answer.status == 403
    assert daemon.wait


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/-/reload", None),
        ("PUT", "/api/v1/leads/new@buyer.test", {}),
        ("DELETE", "/api/v1/leads/bo@buyer.test", None),
        ("POST", "/api/v1/dead-letters/1/resend", None),
    ],
)
async def test_only_an_admin_reloads_edits_leads_and_sends_again(
    open_house: Open, method: str, path: str, body: Any
) -> None:
    client, _ = await open_house()
    for person in ("ana", "eve"):
        assert await status(client, method, path, person, body) == 403
    # Where the config names no admin, the fallback person is one; whoever has the token has every right.
    assert await status(client, method, path, "max", body) != 403
    assert await status(client, method, path, "", body, **BEARER) != 403


@pytest.mark.parametrize("path", ["/api/v1/matches/m@b.test/split", "/api/v1/kinds/m@b.test/confirm"])
async def test_only_managers_correct_decisions(open_house: Open, path: str) -> None:
    client, _ = await open_house()
    assert await status(client, "POST", path, "eve", {"by": "eve"}) == 403
    assert await status(client, "POST", path, "max", {"by": "max"}) != 403


async def test_a_call_is_logged_by_whom_the_lead_concerns(open_house: Open) -> None:
    client, daemon = await open_house()
    body = {"lead": "bo@buyer.test", "type": "call", "at": daemon.now().isoformat()}
    assert await status(client, "POST", "/api/v1/activities", "eve", body | {"by": "eve"}) == 403
    assert await status(client, "POST", "/api/v1/activities", "ana", body | {"by": "ana"}) == 200


@pytest.mark.parametrize("headers", [BEARER, {HEADER: "ana"}])
async def test_a_call_that_is_told_after_a_breach_does_not_undo_it(open_house: Open, headers: dict[str, str]) -> None:
    client, daemon = await open_house()
    asked = daemon.now()
    daemon.passes(timedelta(hours=9))
    path = f"/api/v1/clocks/{daemon.wait}"
    called = {"lead": "bo@buyer.test", "type": "call", "by": "ana", "at": (asked + timedelta(minutes=1)).isoformat()}
    assert (await (await client.get(path, headers=headers)).json())["breached"]
    assert (await client.post("/api/v1/activities", json=called, headers=headers)).status == 200
    shown = await (await client.get(path, headers=headers)).json()
    assert (shown["stop_reason"], shown["breached"]) == ("activity", True)


async def test_a_call_that_is_told_in_time_counts_from_when_it_was(open_house: Open) -> None:
    client, daemon = await open_house()
    asked = daemon.now()
    daemon.passes(timedelta(minutes=30))
    path = f"/api/v1/clocks/{daemon.wait}"
    called = {"lead": "bo@buyer.test", "type": "call", "by": "ana", "at": (asked + timedelta(minutes=10)).isoformat()}
    assert (await client.post("/api/v1/activities", json=called, headers=BEARER)).status == 200
    shown = await (await client.get(path, headers=BEARER)).json()
    assert (shown["stop_reason"], shown["breached"]) == ("activity", False)


async def test_wrong_tokens_are_counted_and_slowed(open_house: Open) -> None:
    client, daemon = await open_house(proxy=False)
    codes = [
        await status(client, "GET", "/api/v1/clocks", **{"Authorization": f"Bearer wrong-{number}"})
        for number in range(8)
    ]
    assert codes[:5] == [401] * 5
    assert codes[-1] == 429
    answer = await client.get("/api/v1/clocks", headers=BEARER)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) >= 1
    counted = daemon.metrics.process().decode()
    assert 'inboxwatch_web_login_failures_total{outcome="wrong"}' in counted


@pytest.mark.parametrize("value", ["Bearer \udcff\udcfe", "Bearer \udce9", "Bearer é"])
async def test_odd_bytes_in_credentials_are_wrong_credentials(open_house: Open, value: str) -> None:
    client, _ = await open_house(proxy=False)
    reader, writer = await open_connection(client)
    head = f"GET /api/v1/clocks HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {value}\r\nCookie: inboxwatch=1.\udcff"
    writer.write(head.encode("utf-8", "surrogateescape") + b"\r\nConnection: close\r\n\r\n")
    assert b" 401 " in await reader.readline()
    writer.close()


async def open_connection(client: Client) -> Any:
    return await asyncio.open_connection("127.0.0.1", client.port)


async def test_a_browser_can_sign_out(open_house: Open) -> None:
    client, _ = await open_house(proxy=False)
    jar = {"Accept": "text/html"}
    assert (await client.post("/login", data={"token": TOKEN}, allow_redirects=False)).status == 303
    page = await (await client.get("/", headers=jar)).text()
    key = page.partition('name="key" value="')[2].partition('"')[0]
    assert 'action="/logout"' in page
    assert (await client.post("/logout", data={"key": "x"}, allow_redirects=False)).status == 403
    assert (await client.post("/logout", data={"key": key}, allow_redirects=False)).status == 303
    assert (await client.get("/", headers=jar, allow_redirects=False)).status == 303


async def test_no_answer_tells_a_version(open_house: Open) -> None:
    client, _ = await open_house()
    for path in ("/healthz", "/nothing", "/static/board.css", "/api/v1/clocks"):
        assert (await client.get(path)).headers["Server"] == "inboxwatch"
