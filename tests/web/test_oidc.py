"""People sign in at an OpenID provider: who is let in, as what, until when, and how they leave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.engine.audit import Door
from inboxwatch.store.audit import AuditFilter
from inboxwatch.store.audit_record import AuditRecord
from inboxwatch.web.oidc import provider as oidc_provider
from tests.support.oidc_house import TOKEN, Browser, OidcHouse, oidc_house

BEARER = {"Authorization": f"Bearer {TOKEN}"}
GUEST = {"sub": "9", "email": "it@acme.test", "email_verified": True}
PROVIDER_ROLES = "roles_claim: groups, roles: {viewer: [all], rep: [sales], manager: [leads], admin: [it, root]}"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[OidcHouse]:
    async with oidc_house(tmp_path) as house:
        yield house


@pytest.fixture
async def browser(house: OidcHouse) -> AsyncIterator[Browser]:
    browser = Browser(house)
    yield browser
    await browser.session.close()


async def test_a_person_of_the_config_signs_in_and_acts_in_their_own_name(house: OidcHouse, browser: Browser) -> None:
    first = await browser.get("/mailboxes")
    assert (first.status, first.location) == (303, "/login?next=/mailboxes")
    assert 'href="/oidc/start?next=%2Fmailboxes"' in (await browser.get(first.location)).text
    end = await browser.sign_in("/mailboxes")
    assert end.status == 200
    assert 'content="0;url=/mailboxes"' in end.text
    cookie = end.cookies["inboxwatch-person"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Strict", str(12 * 3600))
    page = await browser.get(f"/waits/{house.wait}")
    assert "You are <b>Ana Diaz</b>" in page.text
    # The wait is Max's, in Ana's own mailbox and none of a team's: it does not concern her.
    form = {"key": page.form_key, "reason": "mine", "by": "max"}
    path = f"/waits/{house.wait}/acknowledge"
    assert (await browser.post(path, data=form)).status == 403
    assert (await browser.post(path, data=form | {"by": ""})).status == 403
    house.provider.person = {"sub": "8", "email": "MAX@acme.test", "email_verified": True}
    await browser.sign_in()
    page = await browser.get(f"/waits/{house.wait}")
    assert (await browser.post(path, data={"key": page.form_key})).status == 303
    deeds = [(row.deed, row.door, row.by, row.outcome) for row in audit(house)]
    assert deeds[-1] == ("wait.acknowledge", "oidc", "max", "done")
    assert [one for one in deeds if one[0] == "sign_in"] == [
        ("sign_in", Door.OIDC, "ana", "done"),
        ("sign_in", Door.OIDC, "max", "done"),
    ]


def audit(house: OidcHouse) -> list[AuditRecord]:
    with house.store.reading() as tx:
        return tx.audit.page(AuditFilter(), 100, after=0)


async def test_programs_use_the_token_and_without_one_nobody_comes_in_unsigned(
    house: OidcHouse, browser: Browser
) -> None:
    assert (await browser.get("/api/v1/clocks", headers=BEARER)).status == 200
    for token in (TOKEN, ""):
        house.set_web(token=token)
        for path in ("/api/v1/clocks", "/metrics", "/events"):
            assert (await browser.get(path, headers={"Accept": "*/*"})).status == 401
        assert (await browser.get("/", headers=BEARER if not token else {})).status == 303
        assert ('name="token"' in (await browser.get("/login")).text) == bool(token)
        assert (await browser.post("/login", data={"token": ""})).status == 403
    await browser.sign_in()
    assert (await browser.get("/api/v1/clocks")).status == 200
    assert (await browser.get("/healthz")).status == 200


async def test_the_providers_groups_give_roles_to_who_is_none_of_people(house: OidcHouse, browser: Browser) -> None:
    house.set_web(PROVIDER_ROLES)
    for groups, opens in (
        (["all"], []),
        ("sales", []),
        (["all", "leads"], ["audit"]),
        (["root", "all", 7, None], ["audit", "reload"]),
    ):
        house.provider.person = GUEST | {"groups": groups}
        assert (await browser.sign_in()).status == 200
        assert (await browser.get("/")).status == 200
        statuses = {
            "audit": (await browser.get("/api/v1/audit")).status,
            "reload": (await browser.post("/-/reload")).status,
        }
        assert [name for name, status in statuses.items() if status == 200] == opens, groups
        # Nobody acts on waits who is no person of the config, whatever their role.
        assert 'id="act"' not in (await browser.get(f"/waits/{house.wait}")).text
        for body in ({}, {"by": "max"}, {"by": "it@acme.test"}):
            assert (await browser.post(f"/api/v1/clocks/{house.wait}/acknowledge", json=body)).status == 403
        assert (await browser.post("/api/v1/leads/bo@buyer.test/forget", json={"by": "max"})).status == 403
    (by,) = [row.by for row in audit(house) if (row.deed, row.outcome) == ("config.reload", "done")]
    assert by.startswith("oidc:")
    assert "it@acme.test" not in by, "the log holds no address"


async def test_who_is_neither_of_people_nor_of_a_known_group_stays_outside(house: OidcHouse, browser: Browser) -> None:
    house.set_web(PROVIDER_ROLES)
    for groups in (["other"], {"it": "yes"}, 7, True, [["it"]], None):
        house.provider.person = GUEST | ({"groups": groups} if groups is not None else {})
        end = await browser.sign_in()
        assert end.status == 403, groups
        assert "you are signed in as it@acme.test, who is none of `people` in the config" in end.text
        assert (await browser.get("/")).status == 303


async def test_a_viewer_changes_nothing_even_where_it_concerns_them(house: OidcHouse, browser: Browser) -> None:
    house.set_web(PROVIDER_ROLES)
    house.provider.person = {"sub": "8", "email": "max@acme.test", "email_verified": True, "groups": ["all"]}
    await browser.sign_in()
    path = f"/api/v1/clocks/{house.wait}/acknowledge"
    assert (await browser.post(path, json={})).status == 403
    report = await browser.get("/report")
    assert (report.status, "first replies on time" in report.text) == (200, True), "whoever is signed in reads it"
    house.provider.person["groups"] = ["sales"]
    await browser.sign_in()
    assert (await browser.post(path, json={})).status == 200


async def test_a_default_role_lets_in_whoever_the_provider_knows(house: OidcHouse, browser: Browser) -> None:
    house.set_web("default_role: viewer")
    house.provider.person = GUEST
    assert (await browser.sign_in()).status == 200
    assert (await browser.get("/")).status == 200
    house.set_web()
    assert (await browser.get("/")).status == 303, "out at once where the config says so"


async def test_a_nested_claim_and_a_claim_of_ones_own(house: OidcHouse, browser: Browser) -> None:
    house.set_web("claim: upn, roles_claim: realm_access.roles, roles: {admin: [boss]}")
    house.provider.person = {"sub": "7", "upn": "Ana@ACME.test", "realm_access": {"roles": ["boss"]}}
    assert (await browser.sign_in()).status == 200
    assert (await browser.post("/-/reload")).status == 200


async def test_what_the_id_token_leaves_out_is_asked_of_the_user_info(house: OidcHouse, browser: Browser) -> None:
    house.provider.person = {"sub": "7"}
    house.provider.info = {"email": "ana@acme.test", "email_verified": True}
    assert (await browser.sign_in()).status == 200
    house.provider.info["sub"] = "another"
    assert (await browser.sign_in()).status == 403


async def test_a_session_ends_by_time_by_the_config_and_by_another_provider(house: OidcHouse, browser: Browser) -> None:
    house.set_web("lasts: 2h")
    await browser.sign_in()
    house.at += timedelta(hours=2) - timedelta(seconds=1)
    assert (await browser.get("/")).status == 200
    house.at += timedelta(seconds=2)
    assert (await browser.get("/")).status == 303
    await browser.sign_in()
    plain = house.plain
    house.plain = plain.replace("ana@acme.test", "anna@acme.test")
    house.set_web("lasts: 2h")
    assert (await browser.get("/")).status == 303, "who left `people` is out at once"
    house.plain = plain
    house.set_web("lasts: 2h")
    assert (await browser.get("/")).status == 200
    text = house.path.read_text(encoding="utf-8")
    house.path.write_text(text.replace("client_id: inboxwatch", "client_id: other"), encoding="utf-8")
    house.config = configuration.load(house.path)
    assert (await browser.get("/")).status == 303


async def test_signing_out_ends_the_session_here_and_offers_to_end_it_there(house: OidcHouse, browser: Browser) -> None:
    await browser.sign_in()
    page = await browser.get("/")
    assert (await browser.post("/logout", data={"key": "guessed"})).status == 403
    end = await browser.post("/logout", data={"key": page.form_key})
    assert end.status == 200
    assert f"{house.provider.url}/end?client_id=inboxwatch&amp;post_logout_redirect_uri=" in end.text
    assert (await browser.get("/")).status == 303
    assert [(row.deed, row.by) for row in audit(house)][-1] == ("sign_out", "ana")
    house.set_web("lasts: 3h")  # asked anew
    house.provider.about = {"end_session_endpoint": None}
    await browser.sign_in()
    end = await browser.post("/logout", data={"key": (await browser.get("/")).form_key})
    assert "Sign out there too" not in end.text


async def test_keys_that_the_provider_changes_are_asked_for_again(
    house: OidcHouse, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc_provider, "PAUSE", 0.0)
    for _ in range(2):
        assert (await browser.sign_in()).status == 200
    assert house.provider.asked.count("/keys") == 1
    house.provider.rotate()
    assert (await browser.sign_in()).status == 200
    assert house.provider.asked.count("/keys") == 2
    assert house.provider.asked.count("/.well-known/openid-configuration") == 1


async def test_a_provider_that_is_away_or_wrong_is_said_so(
    house: OidcHouse, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc_provider, "PAUSE", 0.0)
    house.provider.about = {"issuer": "https://evil.test"}
    start = await browser.get("/oidc/start")
    assert start.status == 503
    assert "web.oidc.issuer must be exactly that" in start.text
    house.provider.about = {"token_endpoint": "http://evil.test/token", "authorization_endpoint": 7}
    assert (await browser.get("/oidc/start")).status == 503
    text = house.path.read_text(encoding="utf-8").replace(house.provider.url, "http://127.0.0.1:9")
    house.path.write_text(text, encoding="utf-8")
    house.config = configuration.load(house.path)
    start = await browser.get("/oidc/start")
    assert (start.status, start.headers["Retry-After"]) == (503, "10")
    assert "cannot be reached" in start.text


@pytest.mark.parametrize(
    ("oidc", "told"),
    [
        ('issuer: "http://login.acme.test"', "web.oidc.issuer: must begin with https://"),
        ("issuer: login.acme.test", "web.oidc.issuer: 'login.acme.test' is no issuer"),
        ("scopes: [email]", "web.oidc.scopes: lacks `openid`"),
        ("roles: {admin: [it]}", "web.oidc.roles: needs `roles_claim`"),
        ("default_role: boss", "web.oidc.default_role: must be"),
        ("roles_claim: groups, roles: {owner: [it]}", "web.oidc.roles.owner: is no known key"),
    ],
)
def test_a_config_that_would_let_in_the_wrong_people_is_refused(tmp_path: Path, oidc: str, told: str) -> None:
    keys = {"issuer": '"https://login.acme.test"', "client_id": "inboxwatch", "client_secret": "s3cr3t of the client"}
    name, _, value = oidc.partition(": ")
    given = ", ".join(f"{key}: {text}" for key, text in (keys | {name: value}).items())
    assert told in problems(tmp_path, f'{{url: "https://watch.acme.test", oidc: {{{given}}}}}')


def test_the_provider_sends_people_back_by_https_only(tmp_path: Path) -> None:
    oidc = "oidc: {issuer: 'https://login.acme.test', client_id: a, client_secret: s3cr3t of the client}"
    told = "web.oidc: needs `web.url` to begin with https://"
    assert told in problems(tmp_path, f"{{url: 'http://watch.acme.test', {oidc}}}")
    assert told in problems(tmp_path, f"{{listen: '10.1.2.3:9842', token: {TOKEN}, {oidc}}}")
    for fine in ("url: 'https://watch.acme.test'", "listen: '127.0.0.1:9842'", "url: 'http://localhost:9842'"):
        assert problems(tmp_path, f"{{{fine}, {oidc}}}") == ""


def problems(folder: Path, web: str) -> str:
    (folder / "ana/new").mkdir(parents=True, exist_ok=True)
    path = folder / "inboxwatch.yaml"
    path.write_text(
        "people: {ana: {name: Ana Diaz, email: ana@acme.test}}\nrouting: {fallback: ana}\n"
        "sla_policies: [{name: default, first_response: 4h, next_response: 4h, escalation: standard}]\n"
        "escalation_policies: {standard: {steps: [{at: 100%, notify: [owner]}]}}\nstop_conditions: [answered]\n"
        f"web: {web}\n",
        encoding="utf-8",
    )
    try:
        configuration.load(path)
    except configuration.ConfigError as refused:
        return "\n".join(map(str, refused.problems))
    return ""
