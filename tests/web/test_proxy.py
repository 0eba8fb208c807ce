"""A proxy in front that signs people in: whom its header names, and from where it is believed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch import config as configuration
from inboxwatch.web import make_app
from tests.support.proxied_daemon import ANA, BEARER, BEN, HEADER, PUBLIC, TOKEN, Proxied

PAGE = {"Accept": "text/html"}

Client = TestClient[Any, Any]
Open = Callable[..., Any]


@pytest.fixture
async def open_house(tmp_path: Path) -> AsyncIterator[Open]:
    """Opens a daemon and a client of it that connects from 127.0.0.1."""
    async with AsyncExitStack() as stack:

        async def opened(peers: str = "[127.0.0.1]", token: str = TOKEN) -> tuple[Client, Proxied]:
            daemon = Proxied(tmp_path, peers, token)
            stack.callback(daemon.close)
            return await stack.enter_async_context(TestClient(TestServer(make_app(daemon)))), daemon

        yield opened


def form_key(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("peers", ["[127.0.0.1]", "[127.0.0.0/8]", '["10.1.2.3", "::1", "127.0.0.1/32"]'])
@pytest.mark.parametrize("user", ["ana", "ana@acme.test", "Ana@ACME.test", " ana "])
async def test_the_proxys_word_is_enough_for_board_and_api(open_house: Open, peers: str, user: str) -> None:
    client, daemon = await open_house(peers)
    for path in ("/", f"/waits/{daemon.wait}", "/mailboxes", "/api/v1/clocks", "/metrics"):
        assert (await client.get(path, headers={HEADER: user} | PAGE, allow_redirects=False)).status == 200
    answer = await client.get("/login?next=/mailboxes", headers={HEADER: user} | PAGE, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/mailboxes")


@pytest.mark.parametrize("peers", ["[10.1.2.3]", "[127.0.0.2]", '["127.0.0.2/31", "::1"]'])
async def test_from_anywhere_else_the_header_is_ignored(open_house: Open, peers: str) -> None:
    client, daemon = await open_house(peers)
    assert (await client.get("/api/v1/clocks", headers=ANA)).status == 401
    answer = await client.get("/", headers=ANA | PAGE, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=/")
    assert (await client.post(f"/waits/{daemon.wait}/acknowledge", data={"by": "ana"}, headers=ANA)).status == 401
    for headers in (BEARER | ANA, BEARER | {HEADER: "nobody"}):
        answer = await client.get(f"/waits/{daemon.wait}", headers=headers | PAGE)
        assert answer.status == 200
        assert '<select name="by"' in await answer.text()
    forwarded = {"X-Forwarded-For": "10.1.2.3", "Forwarded": "for=10.1.2.3", "X-Real-IP": "10.1.2.3"}
    assert (await client.get("/api/v1/clocks", headers=ANA | forwarded)).status == 401


async def test_without_the_header_the_token_rules_hold_for_the_proxy_too(open_house: Open) -> None:
    client, _ = await open_house()
    assert (await client.get("/api/v1/clocks")).status == 401
    assert (await client.get("/", headers=PAGE, allow_redirects=False)).status == 303
    assert (await client.get("/api/v1/clocks", headers={"X-Remote-User": "ana"})).status == 401
    assert (await client.get("/api/v1/clocks", headers=BEARER)).status == 200


@pytest.mark.parametrize(
    "user", ["eve", "ANA", "Ana Diaz", "ana@buyer.test", "ana, ben", "", "<script>alert(1)</script>"]
)
@pytest.mark.parametrize("token", [TOKEN, ""])
async def test_whom_the_config_does_not_name_is_told_so(open_house: Open, user: str, token: str) -> None:
    client, _ = await open_house(token=token)
    answer = await client.get("/", headers={HEADER: user} | PAGE, allow_redirects=False)
    assert answer.status == 403
    text = await answer.text()
    assert "the proxy signed you in as" in text
    assert "not the id or e-mail of one of `people`" in text
    assert "<script>alert" not in text
    answer = await client.get("/api/v1/clocks", headers={HEADER: user} | BEARER)
    assert (answer.status, answer.content_type) == (403, "application/problem+json")
    assert (await client.get("/healthz", headers={HEADER: user})).status == 200


async def test_a_header_beside_the_proxys_own_is_refused(open_house: Open) -> None:
    client, _ = await open_house()
    answer = await client.get("/api/v1/clocks", headers=[(HEADER, "max"), (HEADER, "ana")])
    assert answer.status == 403


async def test_a_deed_on_the_board_is_of_whom_the_proxy_named(open_house: Open) -> None:
    client, daemon = await open_house()
    path = f"/waits/{daemon.wait}"
    page = await (await client.get(path, headers=BEN | PAGE)).text()
    assert "You are <b>Ben Ito</b>" in page
    assert 'name="by"' not in page
    form = {"key": form_key(page), "reason": "mine"}
    answer = await client.post(f"{path}/acknowledge", data=form | {"by": "ana"}, headers=BEN | PAGE)
    assert answer.status == 403
    assert "you are signed in as ben and cannot act as" in await answer.text()
    assert daemon.owner == "max"
    answer = await client.post(f"{path}/acknowledge", data=form, headers=BEN | PAGE, allow_redirects=False)
    assert answer.status == 303
    assert daemon.owner == "ben"


async def test_a_deed_by_the_api_is_of_whom_the_proxy_named(open_house: Open) -> None:
    client, daemon = await open_house()
    path = f"/api/v1/clocks/{daemon.wait}/acknowledge"
    for by in ("ana", "max", 7, None, ["ben"]):
        assert (await client.post(path, json={"by": by}, headers=BEN)).status == 403
    assert daemon.owner == "max"
    for body in ({}, {"by": "ben"}, {"by": "ben@acme.test"}):
        assert (await client.post(path, json=body, headers=BEN)).status == 200
        assert daemon.owner == "ben"
    assert (await client.post(path, json={}, headers=BEARER)).status == 422
    at = "2026-05-04T08:30:00Z"
    answer = await client.post(
        "/api/v1/activities", json={"lead": "bo@buyer.test", "type": "call", "at": at}, headers=ANA
    )
    assert (answer.status, (await answer.json())["by"]) == (200, "ana")


async def test_anothers_form_does_nothing(open_house: Open) -> None:
    client, daemon = await open_house()
    path = f"/waits/{daemon.wait}"
    keys = [form_key(await (await client.get(path, headers=headers | PAGE)).text()) for headers in (BEARER, ANA)]
    for key in (*keys, "", "x"):
        assert (await client.post(f"{path}/acknowledge", data={"key": key}, headers=BEN)).status == 403
    assert daemon.owner == "max"


async def test_another_sites_page_cannot_act_through_the_proxy(open_house: Open) -> None:
    client, daemon = await open_house()
    page = await (await client.get(f"/waits/{daemon.wait}", headers=BEN | PAGE)).text()
    api, board = f"/api/v1/clocks/{daemon.wait}/acknowledge", f"/waits/{daemon.wait}/acknowledge"
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert (await client.post(api, json={}, headers=BEN | headers)).status == 403
        assert (await client.post(board, data={"key": form_key(page)}, headers=BEN | headers)).status == 403
    assert daemon.owner == "max"
    own = {"Origin": PUBLIC, "Sec-Fetch-Site": "same-origin", "Host": "watch.acme.test"}
    assert (await client.post(api, json={}, headers=BEN | own)).status == 200


async def test_a_name_that_resolves_here_by_trickery_cannot_name_a_person(open_house: Open) -> None:
    """A page of such a name, in a browser on the proxy's machine, may set any header and asks from its address."""
    client, _ = await open_house()
    for host in ("evil.test", "evil.test:9842"):
        assert (await client.get("/api/v1/clocks", headers=ANA | {"Host": host})).status == 421
        assert (await client.get("/metrics", headers=ANA | {"Host": host})).status == 421
        assert (await client.get("/metrics", headers=BEARER | {"Host": host})).status == 200


MINIMAL = """
people: {ana: {name: Ana Diaz, email: ana@acme.test}}
routing: {fallback: ana}
sla_policies: [{name: default, first_response: 4h, next_response: 4h, escalation: standard}]
escalation_policies: {standard: {steps: [{at: 100%, notify: [owner]}]}}
stop_conditions: [answered]
"""


def problems(folder: Path, web: str) -> list[str]:
    (path := folder / "inboxwatch.yaml").write_text(f"{MINIMAL}web: {web}\n", encoding="utf-8")
    with pytest.raises(configuration.ConfigError) as refused:
        configuration.load(path)
    return [str(one).removesuffix(" (line 7)") for one in refused.value.problems]


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        ("{}", ["web.proxy.header: is required", "web.proxy.from: is required"]),
        ("{header: X-User}", ["web.proxy.from: is required"]),
        ("{from: [127.0.0.1]}", ["web.proxy.header: is required"]),
        ("{header: X-User, from: []}", ["web.proxy.from: must not be empty"]),
        ("{header: X-User, from: 127.0.0.1}", ["web.proxy.from: must be a list"]),
        *(
            (
                f"{{header: {word!r}, from: [127.0.0.1]}}",
                [f"web.proxy.header: {word!r} is no header's name: write one such as X-Forwarded-User"],
            )
            for word in ("", "X User", "X-User:", "Bénutzer", "X(User)")
        ),
        *(
            (
                f"{{header: X-User, from: [127.0.0.1, {word}]}}",
                [
                    f"web.proxy.from[1]: {word.strip(chr(39))!r} is no address or network: "
                    "write one such as 127.0.0.1 or 10.1.2.0/24"
                ],
            )
            for word in ("'localhost'", "'10.1.2.3/24'", "'10.0.0.0/33'", "'127.0.0.1:80'", "''")
        ),
        (
            "{header: X-User, from: [5]}",
            ["web.proxy.from[0]: 5 is no address or network: write one such as 127.0.0.1 or 10.1.2.0/24"],
        ),
        *(
            (
                f"{{header: X-User, from: ['{word}']}}",
                [
                    f"web.proxy.from[0]: '{word}' is the whole world, which could name itself as anybody: "
                    "write the proxy's address"
                ],
            )
            for word in ("0.0.0.0/0", "::/0")
        ),
    ],
)
def test_a_proxy_that_cannot_be_told_apart_is_refused(tmp_path: Path, proxy: str, told: list[str]) -> None:
    assert problems(tmp_path, f"{{proxy: {proxy}}}") == told


def test_a_proxy_does_not_spare_an_open_listener_its_token(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, '{listen: "0.0.0.0:9842", proxy: {header: X-User, from: [10.1.2.3]}}')
    assert told.startswith("web.token: is required")


def test_a_proxy_is_read_and_the_schema_knows_it(tmp_path: Path) -> None:
    (path := tmp_path / "inboxwatch.yaml").write_text(
        f'{MINIMAL}web: {{proxy: {{header: X-User, from: [127.0.0.1, "fd00::/8"]}}}}\n', encoding="utf-8"
    )
    proxy = configuration.load(path).web.proxy
    assert proxy == configuration.ProxyConfig("X-User", (ip_network("127.0.0.1/32"), ip_network("fd00::/8")))
    described = configuration.schema()["$defs"]["ProxyModel"]
    assert (set(described["properties"]), set(described["required"])) == ({"header", "from"}, {"header", "from"})
