"""What the feed does when the server refuses, is slow or counts its calls: one fault, one answer of ours."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from inboxwatch.connector import MailboxError, Reason
from inboxwatch.testing.mirror import Mirror
from tests.doubles.https_server import Fault
from tests.doubles.salesforce import CLIENT_ID, FAULTS, SECRET, SalesforceOrg
from tests.support.salesforce_records import feed

REASONS = {
    "429 that says when": Reason.RATE_LIMITED,
    "429 that says later": Reason.RATE_LIMITED,
    "429 that says nothing": Reason.RATE_LIMITED,
    "no calls left": Reason.RATE_LIMITED,
    "500": Reason.SERVER,
    "503": Reason.SERVER,
    "502 of a proxy": Reason.SERVER,
    "query that ran out of time": Reason.TIMEOUT,
    "cut before the answer": Reason.UNAVAILABLE,
    "cut within the answer": Reason.UNAVAILABLE,
}


def fill(org: SalesforceOrg) -> set[str]:
    return {org.put("Contact", Email=f"p{number}@buyer.test") for number in range(25)}


def is_query(request: web.Request) -> bool:
    return request.path.endswith("/queryAll")


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_ends_the_look_with_its_reason_and_the_next_goes_on_from_there(
    org: SalesforceOrg, name: str
) -> None:
    keys = fill(org)
    mirror, count = Mirror(), itertools.count()
    org.server.fault = lambda request: FAULTS[name] if is_query(request) and next(count) >= 2 else None
    crm = feed(org)
    with pytest.raises(MailboxError) as failed:
        async for batch in crm.changes(None):
            mirror.take([batch])
    assert failed.value.reason is REASONS[name]
    assert SECRET not in f"{failed.value} {failed.value.hint}"
    org.server.fault = lambda request: None
    mirror.take([batch async for batch in crm.changes(mirror.cursor)])
    await crm.aclose()
    assert mirror.rows.keys() == keys
    assert mirror.passes == 1


@pytest.mark.parametrize("name", ["429 that says when", "500", "503", "cut within the answer"])
async def test_a_fault_that_passes_is_not_told(org: SalesforceOrg, name: str) -> None:
    keys = fill(org)
    mirror, count = Mirror(), itertools.count()
    org.server.fault = lambda request: FAULTS[name] if is_query(request) and next(count) == 2 else None
    crm = feed(org, retry_for="20s")
    mirror.take([batch async for batch in crm.changes(None)])
    await crm.aclose()
    assert mirror.rows.keys() == keys


async def test_when_the_days_calls_are_used_up_it_is_asked_again_in_a_quarter_of_an_hour(org: SalesforceOrg) -> None:
    org.server.fault = lambda request: FAULTS["no calls left"] if is_query(request) else None
    crm = feed(org, retry_for="20s")
    with pytest.raises(MailboxError, match="REQUEST_LIMIT_EXCEEDED") as failed:
        await anext(aiter(crm.changes(None)))
    await crm.aclose()
    assert failed.value.retry_after == timedelta(minutes=15).total_seconds()
    assert "`every`" in failed.value.hint


async def test_a_token_that_ends_in_the_middle_is_renewed_once(org: SalesforceOrg) -> None:
    keys = fill(org)
    mirror = Mirror()
    crm = feed(org)
    async for batch in crm.changes(None):
        mirror.take([batch])
        org.tokens.clear()
    await crm.aclose()
    assert mirror.rows.keys() == keys
    assert org.server.requests["POST token"] > 1


async def test_a_token_that_is_refused_at_once_is_a_failed_login(org: SalesforceOrg) -> None:
    org.server.fault = lambda request: org.tokens.clear() if is_query(request) else None
    crm = feed(org)
    with pytest.raises(MailboxError, match="INVALID_SESSION_ID") as failed:
        await anext(aiter(crm.changes(None)))
    await crm.aclose()
    assert failed.value.reason is Reason.AUTH
    assert org.server.requests["POST token"] == 2


@pytest.mark.parametrize(
    ("given", "words", "hint"),
    [
        ({"client_secret": "another-secret"}, "invalid_client", "consumer secret"),
        ({"client_id": "another-consumer-key"}, "invalid_client_id", "consumer key"),
    ],
)
async def test_a_login_that_is_refused_says_which_part_of_it(
    org: SalesforceOrg, given: dict[str, Any], words: str, hint: str
) -> None:
    crm = feed(org, **given)
    with pytest.raises(MailboxError, match=words) as failed:
        await crm.probe()
    await crm.aclose()
    assert failed.value.reason is Reason.AUTH
    assert hint in failed.value.hint
    assert not [secret for secret in (SECRET, CLIENT_ID, *given.values()) if secret in str(failed.value)]


async def test_without_a_run_as_user_the_login_says_how_to_name_one(org: SalesforceOrg) -> None:
    org.change(org.reader, IsActive=False)
    crm = feed(org)
    with pytest.raises(MailboxError, match="no client credentials user enabled") as failed:
        await crm.probe()
    await crm.aclose()
    assert "run-as user" in failed.value.hint


async def test_calls_of_the_org_are_shown_and_above_four_fifths_it_is_asked_less_often(org: SalesforceOrg) -> None:
    crm = feed(org, every="30s")
    org.used = 40_000
    batches = [batch async for batch in crm.changes(None)]
    assert batches[-1].facts == (("API calls of the last 24 hours", "40,013 of 100,000 (40%)"),)
    assert crm.every == timedelta(seconds=30)
    org.used = 81_000
    batches = [batch async for batch in crm.changes(batches[-1].cursor)]
    await crm.aclose()
    assert batches[-1].facts[0][1].startswith("81,009 of 100,000 (81%); asked less often")
    assert crm.every == timedelta(seconds=150)


async def test_the_last_calls_of_an_org_are_left_to_others(org: SalesforceOrg) -> None:
    crm = feed(org)
    org.used = 96_000
    with pytest.raises(MailboxError, match="left to others") as failed:
        await anext(aiter(crm.changes(None)))
    assert (failed.value.reason, failed.value.retry_after) == (Reason.RATE_LIMITED, 900)
    assert org.server.requests["GET query"] == 1
    org.used = 100
    assert [batch async for batch in crm.changes(None)]
    await crm.aclose()


async def test_a_whole_pass_waits_a_day_for_an_org_whose_calls_run_short(org: SalesforceOrg) -> None:
    crm, mirror = feed(org), Mirror()
    for hours, used, passes in ((0, 100, 1), (25, 81_000, 1), (24, 81_000, 2), (25, 100, 3)):
        org.ahead += timedelta(hours=hours)
        org.used = used
        mirror.take([batch async for batch in crm.changes(mirror.cursor)])
        assert mirror.passes == passes
    await crm.aclose()


async def test_a_silent_server_is_a_time_out(org: SalesforceOrg) -> None:
    org.server.fault = lambda request: Fault(delay=5) if is_query(request) else None
    crm = feed(org, read_timeout="0.1s")
    with pytest.raises(MailboxError) as failed:
        await anext(aiter(crm.changes(None)))
    await crm.aclose()
    assert failed.value.reason is Reason.TIMEOUT


@pytest.mark.parametrize("text", ["<html>maintenance</html>", "[]", '{"records": 1}', '{"records": [{}]}', "[" * 9999])
async def test_an_answer_that_is_none_is_told_as_such(org: SalesforceOrg, text: str) -> None:
    org.server.fault = lambda request: Fault(200, text) if is_query(request) else None
    crm = feed(org)
    with pytest.raises(MailboxError) as failed:
        await anext(aiter(crm.changes(None)))
    await crm.aclose()
    assert failed.value.reason is Reason.PROTOCOL


async def test_a_token_that_the_server_quotes_is_not_shown(org: SalesforceOrg) -> None:
    def quote(request: web.Request) -> Fault | None:
        words = f'[{{"errorCode": "ODD", "message": "{request.headers.get("Authorization")}"}}]'
        return Fault(400, words) if is_query(request) else None

    org.server.fault = quote
    crm = feed(org)
    with pytest.raises(MailboxError, match="Bearer <secret>"):
        await anext(aiter(crm.changes(None)))
    await crm.aclose()


async def test_no_other_server_is_given_the_token(org: SalesforceOrg) -> None:
    elsewhere = {"Location": "https://evil.test/"}
    org.server.fault = lambda request: Fault(302, "", elsewhere) if is_query(request) else None
    crm = feed(org)
    with pytest.raises(MailboxError, match="HTTP 302"):
        await anext(aiter(crm.changes(None)))
    await crm.aclose()
