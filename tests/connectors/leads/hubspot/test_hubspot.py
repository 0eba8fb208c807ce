"""The lead source `hubspot` against the double of its API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.leads.hubspot import HubSpotSettings
from connectors.leads.hubspot.api import RequestPace
from inboxwatch import now as instant
from inboxwatch.connector import MailboxError, Reason
from inboxwatch.testing import LeadFeedContract, Mirror, Record, Records, feeding, looked, mirrored
from tests.doubles.https_server import Fault
from tests.doubles.hubspot import GRANT, TOKEN, HubSpotServer
from tests.support.hubspot_records import HubSpotRecords

BUYER = Record("bo@buyer.test", "Bo Lind")


class TestContract(LeadFeedContract):
    @pytest.fixture
    def records(self, hubspot: HubSpotServer) -> Records:
        return HubSpotRecords(hubspot)


async def test_twelve_thousand_records_of_one_time_stamp_are_all_read(
    hubspot: HubSpotServer, records: HubSpotRecords
) -> None:
    """More than a search gives by pages, and no time tells them apart."""
    records.size = 500
    mirror = await mirrored(records)
    at = hubspot.clock
    for number in range(12_000):
        hubspot.change("contacts", hubspot.add("contacts", {"email": f"p{number}@buyer.test"}), {}, at)
    records.settle()
    await mirrored(records, mirror)
    assert len(mirror.rows) == 12_000


async def test_a_record_that_changes_between_the_pages_of_a_search_is_right_after_the_next_look(
    hubspot: HubSpotServer, records: HubSpotRecords
) -> None:
    mirror = await mirrored(records)
    keys = [records.add(Record(f"p{number}@buyer.test", "Pat")) for number in range(40)]
    records.settle()

    def work(what: str, kind: str, answer: Any) -> None:
        if (what, kind) == ("search", "contacts"):
            for key in (keys[0], keys[-1]):
                records.change(key, Record(f"new{key}@buyer.test", "Changed"))

    hubspot.on_answer = work
    await mirrored(records, mirror)
    hubspot.on_answer = lambda what, kind, answer: None
    records.settle()
    await mirrored(records, mirror)
    assert len(mirror.rows) == 40
    assert {mirror.rows[key].lead.name for key in (keys[0], keys[-1])} == {"Changed"}


async def test_a_change_that_the_index_does_not_show_yet_is_read_once_it_does(
    hubspot: HubSpotServer, records: HubSpotRecords
) -> None:
    key = records.add(BUYER)
    records.settle()
    mirror = await mirrored(records)
    records.change(key, Record("new@buyer.test"))
    for _ in range(9):
        hubspot.ahead += timedelta(seconds=30)
        await mirrored(records, mirror)
    assert mirror.leads == {key: "new@buyer.test"}


async def test_merged_contacts_go_on_as_one_of_a_new_id(hubspot: HubSpotServer, records: HubSpotRecords) -> None:
    first, second, third = (records.add(Record(f"p{number}@buyer.test")) for number in range(3))
    deal = records.open_opportunity(second, instant.now() - timedelta(days=1))
    records.settle()
    mirror = await mirrored(records)
    key = hubspot.merge(first, second)
    records.settle()
    await mirrored(records, mirror)
    last = hubspot.merge(key, third)
    records.settle()
    await mirrored(records, mirror)
    assert mirror.leads == {last: "p0@buyer.test"}
    assert (mirror.into[first], mirror.into[second]) == (last, last)
    assert mirror.into[third] == last
    assert mirror.rows[last].lead.aliases == ("p1@buyer.test", "p2@buyer.test")
    records.close_opportunity(deal, True, instant.now())
    records.settle()
    await mirrored(records, mirror)
    assert mirror.outcomes[deal, last].what == "won"


async def test_who_owns_a_contact_and_is_nobody_active_is_named_in_words(
    hubspot: HubSpotServer, records: HubSpotRecords
) -> None:
    keys = [records.add(Record(f"p{number}@buyer.test")) for number in range(3)]
    ids = [hubspot.owner("left@acme.test", archived=True), hubspot.owner("emea@acme.test", type="QUEUE"), "999"]
    for key, owner in zip(keys, ids, strict=True):
        hubspot.change("contacts", key, {"hubspot_owner_id": owner})
    mirror = await mirrored(records)
    assert [mirror.rows[key].owner for key in keys] == ["left@acme.test (inactive)", "Queue emea", "unknown owner 999"]


async def test_fields_are_mapped_beside_the_defaults(hubspot: HubSpotServer, records: HubSpotRecords) -> None:
    told = {"email": "Bo@Buyer.test", "firstname": "Bo", "company": "Buyer", "hs_language": "de", "country": "DE",
            "hs_priority": "hot", "seats": "40", "hs_lead_status": "IN_PROGRESS",
            "hs_additional_emails": "b@buyer.test;no address;Bo@buyer.test"}  # fmt: skip
    key = hubspot.add("contacts", told)
    fields = {"tier": "hs_priority", "employees": "seats", "status": "hs_lead_status"}
    async with feeding(records) as _:
        feed = records.feed(fields=fields)
        mirror = Mirror([batch async for batch in feed.changes(None)])
        await feed.aclose()
    lead = mirror.rows[key].lead
    assert (lead.id, lead.name, lead.company, lead.language, lead.country) == (
        "bo@buyer.test", "Bo", "Buyer", "de", "DE",
    )  # fmt: skip
    assert (lead.tier, lead.status, lead.aliases) == ("hot", "open", ("b@buyer.test",))
    assert lead.attributes == (("employees", "40"),)


@pytest.mark.parametrize(
    "keys",
    [{"fields": {"email": "x"}}, {"fields": {"tier": "Not A Name"}}, {"url": "http://api.acme.test"}, {"url": "x"}],
)
def test_settings_that_cannot_be_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HubSpotSettings.model_validate({"token": TOKEN} | keys)


async def test_what_is_no_address_is_refused_with_its_place(hubspot: HubSpotServer, records: HubSpotRecords) -> None:
    key = hubspot.add("contacts", {"email": "nobody"})
    (batch,) = await looked(records)
    assert batch.refused[0][0] == f"crm: contact {key}"
    assert key in batch.gone


async def test_what_was_not_held_or_nobody_reached_is_no_activity_until_it_is(
    hubspot: HubSpotServer, records: HubSpotRecords
) -> None:
    key, at = records.add(BUYER), instant.now()
    call = records.log(key, "call", at, "ana@acme.test")
    meeting = records.log(key, "meeting", at, "ana@acme.test")
    later = records.log(key, "meeting", at + timedelta(hours=3), "ana@acme.test")
    hubspot.change("calls", call.partition("-")[2], {"hs_call_status": "NO_ANSWER"})
    hubspot.change("meetings", meeting.partition("-")[2], {"hs_meeting_outcome": "CANCELED"})
    records.settle()
    mirror = await mirrored(records)
    assert mirror.activities == {}
    hubspot.change("calls", call.partition("-")[2], {"hs_call_status": "COMPLETED"})
    records.settle()
    assert (await mirrored(records, mirror)).activities.keys() == {call}
    hubspot.ahead += timedelta(hours=4)  # nobody touched the meeting: its time has come
    assert (await mirrored(records, mirror)).activities.keys() == {call, later}


async def test_a_deal_of_many_contacts_is_told_for_each(hubspot: HubSpotServer, records: HubSpotRecords) -> None:
    hubspot.association_page = 2
    keys = [records.add(Record(f"p{number}@buyer.test")) for number in range(5)]
    deal = records.open_opportunity(keys[0], instant.now())
    hubspot.records["deals"][deal].contacts = list(keys)
    call = records.log(keys[0], "call", instant.now(), "ana@acme.test")
    hubspot.records["calls"][call.partition("-")[2]].contacts = keys[:2]
    records.settle()
    mirror = await mirrored(records)
    assert {key for _, key in mirror.outcomes} == {*keys}
    assert {one.key for one in mirror.activities.values()} == {*keys[:2]}


async def test_without_the_scope_of_deals_leads_come_and_deals_follow_once_it_is_there(
    hubspot: HubSpotServer, records: HubSpotRecords
) -> None:
    hubspot.scopes = GRANT - {"crm.objects.deals.read"}
    key = records.add(BUYER)
    deal = records.open_opportunity(key, instant.now())
    records.settle()
    batches = await looked(records)
    mirror = Mirror(batches)
    assert mirror.leads == {key: BUYER.email}
    assert "crm.objects.deals.read" in dict(batches[0].facts)["deals"]
    hubspot.scopes = GRANT
    batches = await looked(records, mirror.cursor)
    mirror.take(batches)
    assert mirror.outcomes.keys() == {(deal, key)}
    assert dict(batches[-1].facts)["deals"] == "read"


async def test_the_share_of_the_days_requests_is_told(hubspot: HubSpotServer, records: HubSpotRecords) -> None:
    hubspot.day = 10
    (batch,) = await looked(records)
    assert dict(batch.facts)["requests"].endswith("% of 10 a day")


@pytest.mark.parametrize(
    ("fault", "reason", "wait"),
    [
        (Fault(429, '{"message": "You have reached your secondly limit.", "policyName": "SECONDLY"}'),
         Reason.RATE_LIMITED, 10),
        (Fault(429, "{}", {"Retry-After": "7"}), Reason.RATE_LIMITED, 7),
        (Fault(429, '{"message": "x", "policyName": "DAILY"}'), Reason.RATE_LIMITED, 900),
        (Fault(500, "oops"), Reason.SERVER, None),
        (Fault(503, "", {"Retry-After": "5"}), Reason.RATE_LIMITED, 5),
        (Fault(200, "<html>"), Reason.PROTOCOL, None),
        (Fault(200, '{"results": 5}'), Reason.PROTOCOL, None),
        (Fault(cut=0.5), Reason.UNAVAILABLE, None),
    ],
    ids=["secondly", "with a time", "daily", "500", "503", "no JSON", "no results", "cut"],
)  # fmt: skip
async def test_a_refusal_is_told_with_its_reason_and_how_long_to_wait(
    hubspot: HubSpotServer, records: HubSpotRecords, fault: Fault, reason: Reason, wait: float | None
) -> None:
    hubspot.server.fault = lambda request: fault
    with pytest.raises(MailboxError) as failed:
        await looked(records)
    assert (failed.value.reason, failed.value.retry_after) == (reason, wait)
    assert TOKEN not in f"{failed.value} {failed.value.hint}"


async def test_a_short_refusal_is_waited_out_within_the_look(hubspot: HubSpotServer, records: HubSpotRecords) -> None:
    records.add(BUYER)
    faults = [Fault(429, "{}", {"Retry-After": "0"}), Fault(500, ""), Fault(cut=0.0)]
    hubspot.server.fault = lambda request: faults.pop() if faults else None
    feed = records.feed(retry_for="30s")
    assert [batch async for batch in feed.changes(None)][-1].whole
    await feed.aclose()


async def test_a_token_that_is_no_more_and_a_scope_that_lacks_are_named(
    hubspot: HubSpotServer, records: HubSpotRecords
) -> None:
    hubspot.scopes = GRANT - {"crm.objects.owners.read"}
    with pytest.raises(MailboxError, match=r"crm\.objects\.owners\.read") as failed:
        await looked(records)
    assert (failed.value.reason, "nothing else" in failed.value.hint) == (Reason.AUTH, True)
    hubspot.token = "another"
    with pytest.raises(MailboxError) as failed:
        await looked(records)
    assert failed.value.reason is Reason.AUTH
    assert "service key" in failed.value.hint


async def test_the_probe_names_scopes_and_warns_of_what_lacks_and_what_could_write(
    hubspot: HubSpotServer, records: HubSpotRecords
) -> None:
    async with feeding(records) as feed:
        good = await feed.probe()
        hubspot.scopes = GRANT | {"crm.objects.contacts.write", "tickets.read", "oauth"}
        mighty = await feed.probe()
        hubspot.scopes = GRANT - {"crm.objects.deals.read"}
        poor = await feed.probe()
        hubspot.tells_scopes = False
        silent = await feed.probe()
        hubspot.refused.clear()
    assert (good.warnings, dict(good.facts)["scopes"]) == ((), ", ".join(sorted(GRANT)))
    assert "could write (crm.objects.contacts.write)" in mighty.warnings[0]
    assert "Create service key" in mighty.warnings[0]
    assert poor.warnings == ("the token lacks crm.objects.deals.read",)
    assert "crm.objects.deals.read" in silent.warnings[0]


async def test_requests_keep_their_pace() -> None:
    waits: list[float] = []
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        waits.append(seconds)
        now += seconds

    pace = RequestPace(3, lambda: now, sleep)
    for _ in range(10):
        await pace.turn()
    assert now == pytest.approx(3)
    now += 60
    await pace.turn()
    assert len(waits) == 9, "who was idle does not wait"
