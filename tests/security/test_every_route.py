"""Every page and every deed of the web, found by its routes: strangers' text stays text, foreign pages do nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch import config as configuration
from inboxwatch.core.model import Lead, LeadId, PersonId
from inboxwatch.notify.links import LABELS, Grant, Links
from inboxwatch.web import make_app
from inboxwatch.web.links import REOPEN
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.proxied_daemon import ANA, BEARER, HEADER, PUBLIC, TOKEN, Proxied

Client = TestClient[Any, Any]
SCRIPT = '"><script>xss()</script><img src=x onerror=xss()> \' onmouseover=xss() x="'
WEIRD = "javascript:xss()//%0d%0aSet-Cookie:x=1"
BO = "bo@buyer.test"
SAFE = {"GET", "HEAD"}
ADDRESSES = {"href", "src", "action", "formaction", "data", "poster", "srcset"}


@dataclass
class Shown(HTMLParser):
    """What a browser would make of a page."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    @classmethod
    def of(cls, text: str) -> Shown:
        shown = cls()
        shown.feed(text)
        return shown

    def links(self) -> Iterator[str]:
        yield from (link for tag, values in self.tags if tag == "a" and (link := values.get("href")))


def assert_harmless(page: str, text: str) -> None:
    assert "<script>xss" not in text, page
    for tag, values in Shown.of(text).tags:
        assert not (tag == "script" and not (values.get("src") or "").startswith("/static/")), (page, values)
        assert tag not in {"iframe", "object", "embed", "base"}, (page, tag)
        assert not any(name.startswith("on") for name in values), (page, tag, values)
        assert "style" not in values, (page, tag, values)
        assert not (tag == "img" and values.get("src") == "x"), page
        for name in ADDRESSES & values.keys():
            assert urlsplit(values[name] or "").scheme in ("", "http", "https", "mailto"), (page, tag, values[name])


class Hostile(InProcessDaemon):
    """Whatever a buyer, a list or a server may write is written to do harm."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, follow_up="1bh")
        text = self.path.read_text(encoding="utf-8")
        opens = "https://webmail.acme.test/?id={message_id}&box={address}"
        text = text.replace("owner: ana, path: ana", f'owner: ana, path: ana, open: "{opens}"')
        self.path.write_text(text, encoding="utf-8")
        self.config = configuration.load(self.path)
        lead = Lead(LeadId(BO), SCRIPT, SCRIPT, owner=PersonId("ana"), tier=SCRIPT, status="open", source="known")
        self.knows(lead, Lead(LeadId("cy@other.test"), WEIRD, WEIRD, owner=PersonId("ben"), tier=WEIRD, source="known"))
        evil = f'"{SCRIPT.replace(chr(34), "")}" <{BO}>'
        self.mail(evil, "ana@acme.test", subject=SCRIPT, message_id="q<script>xss()</script>'1@buyer.test")
        self.mail("cy@other.test", "sales@acme.test", mailbox="sales", subject=WEIRD)
        self.mail("ana@acme.test", "cy@other.test", subject="Re: other", after=timedelta(hours=1))
        self.mail(evil, "ana@acme.test", subject=f"Re: {SCRIPT}", after=timedelta(hours=1))
        self.mail(f"x <{SCRIPT[2:10]}@stranger.test>", "ana@acme.test", subject=SCRIPT)
        with self.store.transaction() as tx:
            tx.quarantine.add("ana", [(SCRIPT, SCRIPT)], self.at)
            tx.health.failing("sales", self.at, "auth", SCRIPT)
        for _ in range(3):
            self.passes(timedelta(hours=2))


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Hostile]:
    daemon = Hostile(tmp_path)
    yield daemon
    daemon.close()


async def test_no_page_makes_anything_of_what_strangers_wrote(hostile: Hostile) -> None:
    """Every page that can be reached from the first, and those of the routes that have no link there."""
    async with TestClient(TestServer(make_app(hostile))) as client:
        ways = [resource.canonical for resource in client.app.router.resources()] if client.app else []
        todo = [way for way in ways if "{" not in way and not way.startswith(("/api/", "/events", "/oidc"))]
        todo += ["/waits?state=all", f"/leads?q={quote(SCRIPT)}", f"/waits?lead={quote(SCRIPT)}", "/leads?q=buyer"]
        todo += [f"/login?next={quote(SCRIPT)}", f"/waits?owner={quote(SCRIPT)}", f"/leads/{quote(SCRIPT, safe='')}"]
        seen: set[str] = set()
        shapes: set[str] = set()
        while todo and len(seen) < 60:
            path = todo.pop(0)
            async with client.get(path, headers={"Accept": "text/html"}) as answer:
                seen.add(path)
                assert answer.status < 500, path
                if answer.content_type != "text/html":
                    continue
                assert "script-src 'self'" in answer.headers["Content-Security-Policy"], path
                text = await answer.text()
            assert_harmless(path, text)
            shapes.add(re.sub(r"/(waits|leads)/.*", r"/\1/{}", urlsplit(path).path))
            for link in Shown.of(text).links():
                here = urlsplit(urljoin(path, link))
                if not here.netloc and (onward := here._replace(fragment="").geturl()) not in seen:
                    todo.append(onward)
    assert {"/", "/waits", "/waits/{}", "/leads", "/leads/{}", "/matches", "/review", "/report"} <= shapes
    assert {"/follow-ups", "/mailboxes", "/login"} <= shapes


async def test_a_link_of_a_message_shows_nothing_that_runs(hostile: Hostile) -> None:
    async with TestClient(TestServer(make_app(hostile))) as client:
        for action in (*LABELS, REOPEN):
            for clock in (hostile.only_wait(BO), SCRIPT):
                token = Links(hostile.key, "").sign(Grant(clock, action, "ana", hostile.at + timedelta(hours=1)))
                for answer in (await client.get(f"/a/{token}"), await client.post(f"/a/{token}", data={"for": SCRIPT})):
                    assert answer.status < 500
                    assert_harmless(f"/a/ {action}", await answer.text())


async def test_a_report_as_a_file_shows_nothing_that_runs(hostile: Hostile, tmp_path: Path) -> None:
    async with TestClient(TestServer(make_app(hostile))) as client:
        for query in ("", "?every=month", f"?every={quote(SCRIPT)}", f"?team={quote(SCRIPT)}", f"?day={quote(SCRIPT)}"):
            answer = await client.get(f"/report{query}", headers={"Accept": "text/html"})
            assert answer.status < 500
            assert_harmless(query, await answer.text())


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Proxied]:
    daemon = Proxied(tmp_path, "[127.0.0.1]", TOKEN)
    yield daemon
    daemon.close()


def deeds(client: Client, clock: str) -> list[tuple[str, str]]:
    """Every way by which something is changed: the method, and a path of that kind."""
    found = []
    assert client.app is not None
    for route in client.app.router.routes():
        if route.method in {*SAFE, "OPTIONS"} or route.resource is None:
            continue
        pattern = str(route.resource.get_info().get("formatter", route.resource.canonical))
        values = {"clock": clock, "email": BO, "message": "m1@buyer.test", "id": "1", "token": "x.y"}
        regex = route.resource.get_info().get("pattern")
        for action in re.findall(r"\(\?P<action>([^)]*)\)", regex.pattern if regex else "") or [""]:
            found += [(route.method, pattern.format(**values, action=one)) for one in action.split("|")]
    assert len(found) > 30
    return found


def state(daemon: InProcessDaemon) -> list[tuple[Any, ...]]:
    """What deeds change: waits, leads, what people said."""
    with daemon.store.reading() as tx:
        kinds = ("clock", "lead", "act", "kind_fact", "match_fact", "delivery")
        names = [name for name in kinds if name in tx.diagnosis.rows()]
        return [tuple(row) for name in names for row in tx.connection.exec_driver_sql(f"SELECT * FROM {name}")]


FOREIGN = (
    *({"Origin": "https://evil.test"}, {"Origin": "null"}, {"Origin": f"{PUBLIC}.evil.test"}),
    *({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}),
)


@pytest.mark.parametrize("who", [ANA, BEARER], ids=["proxy", "token"])
async def test_another_sites_page_does_no_deed_of_any_route(
    client: Client, daemon: Proxied, who: dict[str, str]
) -> None:
    before = state(daemon)
    for method, path in deeds(client, daemon.wait):
        for number, foreign in enumerate(FOREIGN):
            given: dict[str, Any] = {"json": {}} if number % 2 else {"data": {"by": "ana"}}
            answer = await client.request(method, path, headers=who | foreign, allow_redirects=False, **given)
            assert answer.status == 403, (method, path, foreign, answer.status)
    assert state(daemon) == before


async def test_no_form_of_a_page_is_taken_without_its_key(client: Client, daemon: Proxied) -> None:
    """A page of ours on which a stranger has smuggled a form in could not send one either."""
    before, forms = state(daemon), 0
    for method, path in deeds(client, daemon.wait):
        if path.startswith(("/api/", "/-/", "/a/", "/login", "/oidc")):
            continue
        forms += 1
        for key in ({}, {"key": ""}, {"key": "x"}, {"form": "x"}):
            answer = await client.request(method, path, headers=ANA, data=key, allow_redirects=False)
            assert answer.status in (403, 404, 422), (path, answer.status)
    assert forms > 15
    assert state(daemon) == before


async def test_who_is_nobody_here_does_no_deed_of_any_route(client: Client, daemon: Proxied) -> None:
    before = state(daemon)
    for method, path in deeds(client, daemon.wait):
        if path in ("/login", "/logout") or path.startswith("/a/"):
            continue
        for who in ({}, {HEADER: "eve"}, {"Authorization": "Bearer wrong-token-of-somebody"}):
            answer = await client.request(method, path, headers=who, json={}, allow_redirects=False)
            assert answer.status in (401, 403, 429), (method, path, who, answer.status)
    assert state(daemon) == before
