"""Who may ask what: the token, the board's cookie, other sites' pages, signed links."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch.notify.links import Grant, Links
from inboxwatch.web import make_app
from tests.support.in_process_daemon import MONDAY, InProcessDaemon

HOUR = timedelta(hours=1)
TOKEN = "sesame-open-please"  # a test's own
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PAGE = {"Accept": "text/html"}


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path, token=TOKEN)
    daemon.lead("bo@buyer.test", owner="ana", name="Bo Buyer")
    daemon.mail("bo@buyer.test", "ana@acme.test")
    yield daemon
    daemon.close()


@pytest.fixture
async def open_client(tmp_path: Path) -> AsyncIterator[TestClient[Any, Any]]:
    """A daemon without a token, on this machine only."""
    folder = tmp_path / "open"
    folder.mkdir()
    daemon = InProcessDaemon(folder, origin="https://watch.acme.test")
    daemon.lead("bo@buyer.test", owner="ana")
    daemon.mail("bo@buyer.test", "ana@acme.test")
    async with TestClient(TestServer(make_app(daemon))) as client:
        yield client
    daemon.close()


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/clocks", "/api/v1/leads", "/-/reload", "/events", "/nothing"])
async def test_without_the_token_only_health_is_told(client: TestClient[Any, Any], path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        answer = await client.request("POST" if path == "/-/reload" else "GET", path, headers=headers)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.content_type == "application/problem+json"
    for path in ("/healthz", "/readyz"):
        assert (await client.get(path)).status == 200


async def test_the_token_opens_everything(client: TestClient[Any, Any]) -> None:
    for path in ("/metrics", "/api/v1/clocks", "/"):
        assert (await client.get(path, headers=BEARER)).status == 200


async def test_entering_the_token_once_gives_the_browser_a_cookie(client: TestClient[Any, Any]) -> None:
    answer = await client.get("/?owner=ana", headers=PAGE, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=/?owner%3Dana")
    form = {"token": TOKEN, "next": "/?owner=ana"}
    answer = await client.post("/login", data=form, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/?owner=ana")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert (await client.get("/", headers=PAGE)).status == 200


async def test_a_wrong_token_gives_no_cookie(client: TestClient[Any, Any]) -> None:
    answer = await client.post("/login", data={"token": "wrong"}, allow_redirects=False)
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("forged", ["", "9999999999.", "9999999999.AAAA", "9999999999", "x.y", "٣.x"])
async def test_a_forged_cookie_opens_nothing(client: TestClient[Any, Any], forged: str) -> None:
    assert (await client.get("/api/v1/clocks", headers={"Cookie": f"inboxwatch={forged}"})).status == 401


async def test_a_cookie_ends_after_its_time_and_with_its_token(
    client: TestClient[Any, Any], daemon: InProcessDaemon, tmp_path: Path
) -> None:
    await client.post("/login", data={"token": TOKEN}, allow_redirects=False)
    assert (await client.get("/api/v1/clocks")).status == 200
    daemon.at += timedelta(days=31)
    assert (await client.get("/api/v1/clocks")).status == 401
    daemon.at -= timedelta(days=31)
    assert (await client.get("/api/v1/clocks")).status == 200
    another = InProcessDaemon(tmp_path, token="another-token-now")
    daemon.config = another.config
    assert (await client.get("/api/v1/clocks")).status == 401
    another.close()


async def test_a_cookie_in_another_spelling_or_of_another_time_opens_nothing(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    answer = await client.post("/login", data={"token": TOKEN}, allow_redirects=False)
    cookie = answer.cookies["inboxwatch"].value
    client.session.cookie_jar.clear()
    expires, mac = cookie.split(".")
    good = await client.get("/api/v1/clocks", headers={"Cookie": f"inboxwatch={cookie}"})
    assert good.status == 200
    longer = f"{int(expires) + 1}.{mac}"
    link_mac = link(daemon, "dismiss").rpartition(".")[2]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/="
    spellings = {f"{expires}.{mac[:-1]}{letter}" for letter in letters} | {f"{cookie}=", f"{expires}.*{mac}"}
    for forged in ({longer, f"{expires}.{link_mac}", f"0{cookie}"} | spellings) - {cookie}:
        answer = await client.get("/api/v1/clocks", headers={"Cookie": f"inboxwatch={forged}"})
        assert answer.status == 401, forged


@pytest.mark.parametrize(
    "onward", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/a\r\nb"]
)
async def test_signing_in_leads_nowhere_else(client: TestClient[Any, Any], onward: str) -> None:
    answer = await client.post("/login", data={"token": TOKEN, "next": onward}, allow_redirects=False)
    assert answer.headers["Location"] == "/"


async def test_another_sites_page_cannot_act(open_client: TestClient[Any, Any]) -> None:
    clock = (await (await open_client.get("/api/v1/clocks")).json())["items"][0]["id"]
    path = f"/api/v1/clocks/{clock}/dismiss"
    body = {"by": "ana", "reason": "x"}
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert (await open_client.post(path, json=body, headers=headers)).status == 403
    own = f"http://{open_client.host}:{open_client.port}"
    for headers in ({"Origin": own, "Sec-Fetch-Site": "same-origin"}, {"Origin": "https://watch.acme.test"}):
        assert (await open_client.post(path, json={"by": "ana"}, headers=headers)).status == 422
    assert (await open_client.post(path, json=body)).status == 200


async def test_a_name_that_resolves_here_by_trickery_is_refused(open_client: TestClient[Any, Any]) -> None:
    for host in ("evil.test", "evil.test:9842", "127.0.0.1.evil.test", ""):
        for path in ("/api/v1/clocks", "/metrics", "/healthz"):
            answer = await open_client.get(path, headers={"Host": host})
            assert answer.status == 421
            assert "set web.url" in (await answer.json())["detail"]
    for host in ("localhost:9842", "127.0.0.1", "[::1]:9842", "watch.acme.test"):
        assert (await open_client.get("/api/v1/clocks", headers={"Host": host})).status == 200


async def test_a_token_does_not_help_a_false_name(client: TestClient[Any, Any]) -> None:
    assert client.port is not None
    for host in ("evil.test", f"evil.test:{client.port}", "127.0.0.1.evil.test", "10.9.8.7", "[::1", ""):
        for path in ("/", "/login", "/api/v1/clocks", "/events", "/static/board.css", "/a/x"):
            assert (await client.get(path, headers=BEARER | {"Host": host})).status == 421, (host, path)
        assert (await client.post("/-/reload", headers=BEARER | {"Host": host})).status == 421
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await client.get(path, headers=BEARER | {"Host": host})).status == 200, "probes and scrapers"
    for host in (f"127.0.0.1:{client.port}", "localhost", "LOCALHOST:9842", "127.0.0.1"):
        assert (await client.get("/api/v1/clocks", headers=BEARER | {"Host": host})).status == 200


async def test_a_form_without_its_key_does_nothing(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    clock = daemon.only_wait("bo@buyer.test")
    form = {"by": "ben", "key": "x"}
    answer = await client.post(f"/waits/{clock}/acknowledge", data=form, headers=BEARER | PAGE)
    assert answer.status == 403
    assert "the form is too old" in await answer.text()
    with daemon.store.reading() as tx:
        row = tx.clocks.get(clock)
    assert row is not None
    assert row.owner == "ana"


@pytest.mark.parametrize("path", ["/", "/mailboxes", "/follow-ups", "/nothing", "/static/board.js"])
async def test_pages_run_nothing_but_our_own_script(open_client: TestClient[Any, Any], path: str) -> None:
    answer = await open_client.get(path, headers=PAGE)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if path != "/static/board.js":
        text = await answer.text()
        assert "style=" not in text
        assert "onclick" not in text
        assert "http://" not in text.replace("http://www.w3.org", "")


async def test_a_defect_is_told_without_anybodys_data(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A daemon that fails with a buyer's address in its words: neither the answer nor the log shows it."""

    class Broken(InProcessDaemon):
        async def read(self, query: Any, /, *args: Any, **kwargs: Any) -> Any:
            raise KeyError("bo@buyer.test")

    daemon = Broken(tmp_path)
    async with TestClient(TestServer(make_app(daemon))) as client:
        answer = await client.get("/api/v1/clocks")
        text = await answer.text()
    daemon.close()
    logged = "".join(capfd.readouterr())
    assert answer.status == 500
    assert "KeyError" in logged
    assert "api.py" in logged
    for words in (text, logged):
        assert "bo@buyer.test" not in words


def link(daemon: InProcessDaemon, action: str, *, later: timedelta = HOUR) -> str:
    links = Links(daemon.store.key, daemon.config.web.url)
    grant = Grant(daemon.only_wait("bo@buyer.test"), action, "ben", daemon.at + later)
    return f"/a/{links.sign(grant)}"


async def test_a_signed_link_shows_and_only_its_button_acts(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    path, clock = link(daemon, "acknowledge"), daemon.only_wait("bo@buyer.test")
    for _ in range(2):
        answer = await client.get(path)
        assert answer.status == 200
        page = await answer.text()
        assert "I have it" in page
        assert not [word for word in ("Ana", "Bo Buyer", "bo@buyer.test", "ana@acme.test") if word in page], (
            "a link may be forwarded: it shows neither the owner nor the buyer"
        )
    with daemon.store.reading() as tx:
        row = tx.clocks.get(clock)
        assert row is not None
        assert row.owner == "ana"
    answer = await client.post(path)
    assert answer.status == 200
    assert "Ben Ito has it now" in await answer.text()
    with daemon.store.reading() as tx:
        row = tx.clocks.get(clock)
        assert row is not None
        assert row.owner == "ben"


async def test_a_link_to_a_wait_that_is_over_says_so(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    path = link(daemon, "dismiss")
    refused = await client.post(path)
    assert (refused.status, "Say why no reply is owed." in await refused.text()) == (422, True)
    done = await client.post(path, data={"reason": "only said thanks"})
    assert done.status == 200
    undo = re.search(r'action="(/a/[^"]+)"', await done.text())
    answer = await client.get(path)
    assert "This wait is done" in await answer.text()
    answer = await client.post(path)
    assert answer.status == 409
    assert "Nothing was done" in await answer.text()
    assert undo is not None
    assert "Undo" in await (await client.get(undo[1])).text()
    assert (await client.post(undo[1])).status == 200
    with daemon.store.reading() as tx:
        (row,) = tx.clocks.listed({"state": "open"}, None, 10)
        assert (row.started_at, row.reopened) == (MONDAY, "reversed")


@pytest.mark.parametrize(
    ("action", "said", "stop_reason"),
    [("activity", "The call is noted", "activity"), ("stop", "nobody follows up any more", "dismissed")],
)
async def test_links_about_a_follow_up_do_what_is_done_to_one(
    action: str, said: str, stop_reason: str, tmp_path: Path
) -> None:
    daemon = InProcessDaemon(tmp_path, follow_up="16bh", origin="https://watch.acme.test")
    daemon.lead("bo@buyer.test", owner="ana")
    asked = daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.mail("ana@acme.test", "bo@buyer.test", parent=asked, after=HOUR)
    clock = daemon.only_follow_up("bo@buyer.test").id
    offered = Links(daemon.store.key, daemon.config.web.url).actions(clock, "ana", daemon.at, follow_up=True)
    assert [one.label for one in offered] == ["Called", "Stop following up"]
    path = offered[action == "stop"].url.removeprefix(daemon.config.web.url)
    async with TestClient(TestServer(make_app(daemon))) as client:
        if action == "stop":
            assert (await client.post(path)).status == 422, "it wants a reason"
        answer = await client.post(path, data={"reason": "they bought elsewhere"})
        assert (answer.status, said in await answer.text()) == (200, True)
    with daemon.store.reading() as tx:
        row = tx.clocks.get(clock)
        assert row is not None
        assert row.stop_reason == stop_reason
    daemon.close()


async def test_an_altered_or_expired_link_does_nothing(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    good, clock = link(daemon, "dismiss"), daemon.only_wait("bo@buyer.test")
    for path in (good[:-2], good.replace(".", "x", 1), "/a/x.y", link(daemon, "dismiss", later=-HOUR)):
        for method in ("GET", "POST"):
            assert (await client.request(method, path)).status == 403
    with daemon.store.reading() as tx:
        row = tx.clocks.get(clock)
        assert row is not None
        assert row.state == "running"
