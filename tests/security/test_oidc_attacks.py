"""What must never sign anybody in: bent tokens, forged and replayed sign-ins, other people's browsers."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from inboxwatch.web.oidc import provider as oidc_provider
from inboxwatch.web.oidc import sign_in
from tests.support.oidc_house import Answer, Browser, OidcHouse, oidc_house

Claims = dict[str, Any]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[OidcHouse]:
    async with oidc_house(tmp_path) as house:
        yield house


@pytest.fixture
async def browser(house: OidcHouse) -> AsyncIterator[Browser]:
    browser = Browser(house)
    yield browser
    await browser.session.close()


async def refused(browser: Browser, end: Answer, why: str = "") -> None:
    """No cookie was given, and the board stays shut; the page says what to do."""
    assert end.status == 403, (why, end.text)
    assert "inboxwatch-person" not in end.cookies, why
    assert (await browser.get("/")).status == 303, why
    assert any(word in end.text for word in ("sign in again", "ask your administrator", "your administrator can"))


BENT: dict[str, Callable[[Claims], Claims]] = {
    "the nonce of another sign-in": lambda claims: claims | {"nonce": "another"},
    "no nonce": lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
    "for another client": lambda claims: claims | {"aud": "another"},
    "for others as well, and not made for us": lambda claims: claims | {"aud": ["inboxwatch", "x"], "azp": "x"},
    "for another client, at our wish": lambda claims: claims | {"aud": "another", "azp": "inboxwatch"},
    "no audience": lambda claims: {name: value for name, value in claims.items() if name != "aud"},
    "of another issuer": lambda claims: claims | {"iss": "https://evil.test"},
    "of the issuer with a slash more": lambda claims: claims | {"iss": claims["iss"] + "/"},
    "ended": lambda claims: claims | {"exp": claims["iat"] - 3600, "iat": claims["iat"] - 7200},
    "never ends": lambda claims: {name: value for name, value in claims.items() if name != "exp"},
    "issued tomorrow": lambda claims: claims | {"iat": claims["iat"] + 86400, "exp": claims["iat"] + 90000},
    "not valid yet": lambda claims: claims | {"nbf": claims["iat"] + 86400},
    "of nobody": lambda claims: {name: value for name, value in claims.items() if name != "sub"},
    "an address not verified": lambda claims: claims | {"email_verified": False},
    "an address of which nothing is said": lambda claims: {k: v for k, v in claims.items() if k != "email_verified"},
    "an address verified by a word": lambda claims: claims | {"email_verified": "true"},
    "a list of addresses": lambda claims: claims | {"email": ["ana@acme.test"]},
    "no address": lambda claims: {name: value for name, value in claims.items() if name != "email"},
    "an address with a line break": lambda claims: claims | {"email": "ana@acme.test\n"},
    "a stranger's address": lambda claims: claims | {"email": "eve@evil.test"},
    "an id of the config": lambda claims: claims | {"email": "ana"},
}


async def test_a_token_that_says_something_else_lets_nobody_in(house: OidcHouse, browser: Browser) -> None:
    for name, bent in BENT.items():
        house.provider.bent = bent
        await refused(browser, await browser.sign_in(), name)
        await as_it_should_be(house)


async def as_it_should_be(house: OidcHouse) -> None:
    """Somebody else signs in as one should, so that failures before do not slow what follows."""
    house.provider.bent, house.provider.signed = lambda claims: claims, None
    other = Browser(house)
    assert (await other.sign_in()).status == 200
    await other.session.close()


async def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    house: OidcHouse, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc_provider, "PAUSE", 0.0)
    provider = house.provider
    for forged in (provider.unsigned, provider.by_public_key, provider.by_anothers_key, lambda claims: "no token"):
        provider.signed = forged
        await refused(browser, await browser.sign_in(), str(forged))
        await as_it_should_be(house)


def with_query(address: str, **changed: str | None) -> str:
    query = dict(parse_qsl(urlsplit(address).query)) | changed
    kept = {name: value for name, value in query.items() if value is not None}
    return address.partition("?")[0] + "?" + urlencode(kept)


async def test_a_forged_state_lets_nobody_in_and_costs_the_provider_nothing(house: OidcHouse, browser: Browser) -> None:
    for state in ("", "forged", None):
        back = await browser.to_the_provider()
        await refused(browser, await browser.get(with_query(back, state=state)), str(state))
    assert "/token" not in house.provider.asked


async def test_another_browsers_sign_in_is_not_ones_own(house: OidcHouse, browser: Browser) -> None:
    """Else an attacker could sign a victim in as the attacker, or take a code that leaked."""
    back = await browser.to_the_provider()
    other = Browser(house)
    await refused(other, await other.get(back))
    await other.to_the_provider()
    await refused(other, await other.get(back))
    await other.session.close()
    assert (await browser.get(back)).status == 200


async def test_a_code_is_of_use_once(house: OidcHouse, browser: Browser) -> None:
    back = await browser.to_the_provider()
    kept = {cookie.key: cookie.value for cookie in browser.session.cookie_jar}
    assert (await browser.get(back)).status == 200
    assert len(house.provider.redeemed) == 1
    thief = Browser(house)
    await refused(thief, await thief.get(back))
    # Also of whoever has copied the cookie of the sign-in before.
    await refused(thief, await thief.get(back, cookies=kept))
    assert len(house.provider.redeemed) == 1
    await thief.session.close()


async def test_a_code_of_another_sign_in_does_not_fit(house: OidcHouse, browser: Browser) -> None:
    """PKCE: a code that was stolen is of no use with a sign-in of the thief's own."""
    stolen = dict(parse_qsl(urlsplit(await browser.to_the_provider()).query))["code"]
    thief = Browser(house)
    own = await thief.to_the_provider()
    await refused(thief, await thief.get(with_query(own, code=stolen)))
    await thief.session.close()


async def test_a_sign_in_that_took_too_long_or_was_refused_there_says_so(house: OidcHouse, browser: Browser) -> None:
    back = await browser.to_the_provider()
    house.at += timedelta(minutes=11)
    await refused(browser, await browser.get(back))
    back = await browser.to_the_provider()
    await refused(browser, await browser.get(with_query(back, iss="https://evil.test")))
    house.provider.answer = {"error": "access_denied", "error_description": "<script>alert(1)</script>"}
    end = await browser.sign_in()
    assert "did not let you in" in end.text
    assert "<script>alert" not in end.text
    await refused(browser, end)


async def test_a_cookie_that_was_changed_is_none(house: OidcHouse, browser: Browser) -> None:
    await browser.sign_in()
    (cookie,) = [one.value for one in browser.session.cookie_jar if one.key == "inboxwatch-person"]
    body, _, mac = cookie.partition(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    other = Browser(house)

    def sealed(payload: Claims) -> str:
        return base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")

    for value in (
        f"{sealed(said | {'address': 'max@acme.test'})}.{mac}",
        f"{sealed(said | {'role': 'ADMIN'})}.{mac}",
        f"{sealed(said | {'until': said['until'] + 9})}.{mac}",
        body,
        f"{body}.",
        f".{mac}",
        f"{body}.{mac}x",
        "\u00fc.\u00fc",
        "x" * 9000,
    ):
        answer = await other.get("/", headers={"Cookie": f"inboxwatch-person={value}"})
        assert answer.status in (303, 400), value[:50]
    # A cookie of a sign-in that has begun is no session either.
    await other.get("/oidc/start")
    (begun,) = [one.value for one in other.session.cookie_jar if one.key == "inboxwatch-signing-in"]
    assert (await other.get("/", headers={"Cookie": f"inboxwatch-person={begun}"})).status == 303
    assert (await other.get("/", headers={"Cookie": f"inboxwatch-person={cookie}"})).status == 200
    await other.session.close()


async def test_one_goes_on_within_this_site_only(house: OidcHouse, browser: Browser) -> None:
    for onward in ("//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", '/"x'):
        end = await browser.sign_in(onward)
        assert end.status == 200
        for part in ("evil.test", "javascript:", '/"x'):
            assert part not in end.text


async def test_another_sites_page_does_nothing_by_the_session(house: OidcHouse, browser: Browser) -> None:
    house.provider.person["email"] = "max@acme.test"
    await browser.sign_in()
    path = f"/api/v1/clocks/{house.wait}/acknowledge"
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await browser.post(path, json={}, headers=headers)).status == 403
    assert (await browser.get("/", headers={"Host": "evil.test"})).status == 421


async def test_sign_ins_that_fail_are_slowed_and_cost_the_provider_nothing(house: OidcHouse, browser: Browser) -> None:
    statuses = [(await browser.get("/oidc/callback?state=forged&code=x")).status for _ in range(sign_in.FREE + 1)]
    assert statuses == [403] * sign_in.FREE + [429]
    assert "/token" not in house.provider.asked
    assert (await browser.get("/oidc/callback?state=forged&code=x")).headers["Retry-After"] == "1"


async def test_nothing_of_a_sign_in_is_in_the_log(
    house: OidcHouse, browser: Browser, capfd: pytest.CaptureFixture[str]
) -> None:
    house.provider.bent = lambda claims: claims | {"email": "eve@evil.test"}
    back = await browser.to_the_provider()
    await browser.get(back)
    house.provider.bent = lambda claims: claims | {"nonce": "x"}
    await browser.sign_in()
    told = "".join(capfd.readouterr())
    assert "a sign-in came to nothing" in told
    code = dict(parse_qsl(urlsplit(back).query))["code"]
    for secret in ("eve@evil.test", "ana@acme.test", code, "s3cr3t", "the access token"):
        assert secret not in told
