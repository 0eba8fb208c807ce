"""What the feed makes of an org: whoever changes, merges, converts or leaves, and however the server pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from inboxwatch.connector import Cursor
from inboxwatch.lead_feed import LeadBatch
from inboxwatch.testing.mirror import Mirror
from tests.doubles.salesforce import SalesforceOrg
from tests.support.salesforce_records import feed

QUIET_LOOK = 9
"""Requests of a look that finds nothing: users, and eight questions."""


async def looked(
    org: SalesforceOrg, mirror: Mirror | None = None, page: int = 10, **further: Any
) -> tuple[Mirror, list[LeadBatch]]:
    """A look from where the mirror is, taken over."""
    mirror = mirror or Mirror()
    crm = feed(org, page, **further)
    batches = [batch async for batch in crm.changes(mirror.cursor)]
    await crm.aclose()
    mirror.take(batches)
    return mirror, batches


def contact(org: SalesforceOrg, number: int, **fields: Any) -> str:
    return org.put("Contact", Email=f"p{number}@buyer.test", Name=f"Person {number}", **fields)


async def test_thousands_of_records_of_one_time_stamp_are_all_told_once_a_look(org: SalesforceOrg) -> None:
    contact(org, 0, SystemModstamp=org.now - timedelta(hours=1))
    mirror, _ = await looked(org)
    at = org.now
    keys = [contact(org, number, SystemModstamp=at) for number in range(1, 12_001)]
    _, batches = await looked(org, mirror, page=2000)
    told = [row.key for batch in batches for row in batch.rows]
    assert sorted(told) == keys


async def test_a_record_that_was_committed_late_is_told_though_its_time_stamp_is_older(org: SalesforceOrg) -> None:
    contact(org, 1)
    mirror, _ = await looked(org)
    org.ahead += timedelta(minutes=1)
    late = contact(org, 2, SystemModstamp=org.now - timedelta(minutes=4))
    await looked(org, mirror)
    assert late in mirror.rows


async def test_a_look_without_news_is_one_batch_and_a_question_for_each_kind(org: SalesforceOrg) -> None:
    for number in range(25):
        contact(org, number)
    mirror, _ = await looked(org)
    org.ahead += timedelta(minutes=6)
    await looked(org, mirror)  # these were not older than the overlap before
    org.server.requests.clear()
    _, batches = await looked(org, mirror)
    assert [len(batch.rows) for batch in batches] == [0]
    assert org.server.requests == {"POST token": 1, "GET query": QUIET_LOOK}


async def test_records_that_the_server_keeps_back_are_asked_for_again(org: SalesforceOrg) -> None:
    org.page = 3
    keys = {contact(org, number) for number in range(25)}
    mirror, _ = await looked(org)
    assert mirror.rows.keys() == keys


async def test_a_query_that_runs_out_of_time_is_asked_for_less(org: SalesforceOrg) -> None:
    keys = {contact(org, number) for number in range(250)}
    org.slow = 40
    mirror, _ = await looked(org, page=200)
    assert mirror.rows.keys() == keys


async def test_a_record_that_moves_while_pages_are_read_is_told_as_it_is(org: SalesforceOrg) -> None:
    keys = [contact(org, number) for number in range(25)]
    mirror, _ = await looked(org)
    moves = iter(keys)

    def move(soql: str) -> None:
        if "FROM Contact" in soql and (key := next(moves, None)):
            org.change(key, Name="Moved", SystemModstamp=org.now + timedelta(seconds=1))

    org.answered = move
    for key in keys:
        org.change(key, Title="Buyer")
    await looked(org, mirror)
    org.answered = lambda soql: None
    moved = {key for key in keys if org.record(key)["Name"] == "Moved"}
    await looked(org, mirror)
    assert {key for key, row in mirror.rows.items() if row.lead.name == "Moved"} == moved != set()


async def test_a_converted_lead_goes_on_as_a_contact_and_is_an_opportunity(org: SalesforceOrg) -> None:
    lead = org.put("Lead", Email="bo@buyer.test", Name="Bo Lind", Company="Buyer Ltd")
    call = org.put("Task", WhoId=lead, CompletedDateTime=org.now)
    mirror, _ = await looked(org)
    assert mirror.activities[call].key == lead
    contact_id = org.convert(lead)
    await looked(org, mirror)
    (deal,) = org.records["Opportunity"]
    assert mirror.into == {lead: contact_id}
    assert mirror.leads == {contact_id: "bo@buyer.test"}
    (outcome,) = mirror.outcomes.values()
    assert (outcome.id, outcome.key, outcome.what) == (deal, contact_id, "opportunity")
    assert outcome.at == org.record(deal)["CreatedDate"]


async def test_a_converted_lead_that_is_changed_later_opens_nothing_again(org: SalesforceOrg) -> None:
    lead = org.put("Lead", Email="bo@buyer.test")
    mirror, _ = await looked(org)
    key = org.convert(lead)
    deal = org.record(lead)["ConvertedOpportunityId"]
    org.change(deal, IsClosed=True, IsWon=True)
    await looked(org, mirror)
    org.ahead += timedelta(hours=1)
    org.change(lead, Title="Buyer")
    await looked(org, mirror)
    assert mirror.outcomes[deal, key].what == "won"
    org.delete(deal)
    await looked(org, mirror)
    org.change(lead, Title="Director")
    await looked(org, mirror)
    assert mirror.outcomes == {}


async def test_a_conversion_without_an_opportunity_is_one_of_its_own_on_its_day(org: SalesforceOrg) -> None:
    lead = org.put("Lead", Email="bo@buyer.test", Name="Bo Lind")
    mirror, _ = await looked(org)
    contact_id = org.convert(lead, opportunity=False)
    await looked(org, mirror)
    (outcome,) = mirror.outcomes.values()
    assert (outcome.id, outcome.key, outcome.what) == (lead, contact_id, "opportunity")
    assert outcome.at.date() == org.record(lead)["ConvertedDate"]


async def test_an_opportunity_that_is_opened_again_is_open(org: SalesforceOrg) -> None:
    key = contact(org, 1)
    deal = org.open(key)
    mirror, _ = await looked(org)
    org.change(deal, IsClosed=True, IsWon=True)
    await looked(org, mirror)
    assert mirror.outcomes[deal, key].what == "won"
    org.change(deal, IsClosed=False, IsWon=False)
    await looked(org, mirror)
    assert mirror.outcomes[deal, key].what == "opportunity"


async def test_a_contact_who_joins_an_old_opportunity_is_told_with_it(org: SalesforceOrg) -> None:
    key, other = contact(org, 1), contact(org, 2)
    deal = org.open(key)
    mirror, _ = await looked(org)
    org.ahead += timedelta(hours=1)
    org.put("OpportunityContactRole", ContactId=other, OpportunityId=deal)
    await looked(org, mirror)
    assert mirror.outcomes.keys() == {(deal, key), (deal, other)}


async def test_a_planned_meeting_counts_once_it_is_over_though_nothing_was_changed(org: SalesforceOrg) -> None:
    key = contact(org, 1)
    begins = org.now + timedelta(hours=2)
    meeting = org.put("Event", WhoId=key, StartDateTime=begins, EndDateTime=begins + timedelta(hours=1))
    mirror, _ = await looked(org)
    assert mirror.activities == {}
    org.ahead += timedelta(hours=2, minutes=30)
    await looked(org, mirror)
    assert mirror.activities == {}
    org.ahead += timedelta(hours=1)
    await looked(org, mirror)
    assert (mirror.activities[meeting].type, mirror.activities[meeting].at) == ("meeting", begins)


async def test_tasks_that_are_no_calls_or_not_done_are_nobodys_activity(org: SalesforceOrg) -> None:
    key = contact(org, 1)
    org.put("Task", WhoId=key, TaskSubtype="Email", CompletedDateTime=org.now)
    planned = org.put("Task", WhoId=key, IsClosed=False)
    org.put("Task", CompletedDateTime=org.now)
    mirror, _ = await looked(org)
    assert mirror.activities == {}
    org.change(planned, IsClosed=True, CompletedDateTime=org.now)
    await looked(org, mirror)
    assert mirror.activities.keys() == {planned}


async def test_queues_and_colleagues_who_left_are_named_and_nobody_of_ours(org: SalesforceOrg) -> None:
    ana, max_ = org.user("Ana@acme.test"), org.user("max@acme.test")
    hers, his = contact(org, 1, OwnerId=ana), contact(org, 2, OwnerId=max_)
    queued = contact(org, 3, OwnerId="00G000000000001AAA")
    mirror, _ = await looked(org)
    assert {key: row.owner for key, row in mirror.rows.items()} == {
        hers: "ana@acme.test",
        his: "max@acme.test",
        queued: "queue Inbound",
    }
    org.ahead += timedelta(hours=2)
    org.records["User"][max_]["IsActive"] = False
    await looked(org, mirror)
    assert mirror.rows[his].owner == "max@acme.test (inactive)"
    assert mirror.rows[hers].owner == "ana@acme.test"


async def test_a_restored_record_is_told_again(org: SalesforceOrg) -> None:
    key = contact(org, 1)
    mirror, _ = await looked(org)
    org.delete(key)
    await looked(org, mirror)
    assert mirror.rows == {}
    org.change(key, IsDeleted=False)
    await looked(org, mirror)
    assert mirror.rows.keys() == {key}


async def test_a_whole_pass_asks_for_ids_each_day_and_for_whole_records_each_week(org: SalesforceOrg) -> None:
    account = org.put("Account", Name="Buyer Ltd")
    key = contact(org, 1, AccountId=account, SystemModstamp=org.now - timedelta(hours=1))
    mirror, _ = await looked(org)
    org.records["Account"][account]["Name"] = "Buyer Group"  # no time stamp of the contact
    org.ahead += timedelta(hours=25)
    _, batches = await looked(org, mirror)
    assert [batch.present for batch in batches] == [(key,)]
    assert mirror.rows[key].lead.company == "Buyer Ltd"
    org.ahead += timedelta(days=7)
    await looked(org, mirror)
    assert mirror.rows[key].lead.company == "Buyer Group"


async def test_fields_of_the_config_stand_beside_the_defaults_and_company_fields_are_the_accounts(
    org: SalesforceOrg,
) -> None:
    account = org.put("Account", Name="Buyer", Website="https://www.Buyer.test/en", Rating="Hot", NumberOfEmployees=250)
    org.put("Lead", Email="l@x.test", Company="X", Website="x.test", Rating="Cold", Phone="1", Level__c="gold")
    org.put("Contact", Email="c@buyer.test", AccountId=account, MailingCountry="Chile", MobilePhone="2", Level__c="tin")
    mapped = {"level": "Level__c", "phone": ["Lead.Phone", "Contact.MobilePhone"], "industry": "", "kind": "Rating"}
    mirror, _ = await looked(org, fields=mapped)
    known = {str(row.lead.id): row.lead for row in mirror.rows.values()}
    lead, person = known["l@x.test"], known["c@buyer.test"]
    assert (lead.company, lead.domain, lead.tier) == ("X", "x.test", "cold")
    assert dict(lead.attributes) == {"level": "gold", "phone": "1", "kind": "Cold"}
    assert (person.company, person.domain, person.tier, person.country) == ("Buyer", "buyer.test", "hot", "Chile")
    assert dict(person.attributes) == {"level": "tin", "phone": "2", "kind": "Hot", "employees": "250"}


async def test_conditions_of_the_config_are_added_to_ours_in_brackets(org: SalesforceOrg) -> None:
    kept = org.put("Lead", Email="a@x.test", Status="Open")
    junk = org.put("Lead", Email="b@x.test", Status="Junk")
    called = contact(org, 1)
    org.put("Task", WhoId=called, CompletedDateTime=org.now)
    where = {"Lead": "Status = 'Open' OR Status = 'New (2)'", "Task": "WhoId = null"}
    mirror, _ = await looked(org, where=where)
    assert mirror.leads.keys() == {kept, called}
    assert mirror.activities == {}
    org.change(junk, Status="New (2)")
    await looked(org, mirror, where=where)
    assert mirror.leads.keys() == {kept, called, junk}
    org.change(kept, Status="Junk")
    org.ahead += timedelta(hours=25)
    await looked(org, mirror, where=where)
    assert mirror.leads.keys() == {called, junk}


async def test_a_first_look_says_who_goes_on_in_whose_place_though_all_was_known_before(org: SalesforceOrg) -> None:
    first, second, third = contact(org, 1), contact(org, 2), org.put("Lead", Email="bo@buyer.test")
    mirror, _ = await looked(org)
    org.merge(first, second)
    into = org.convert(third)
    org.ahead += timedelta(days=3)
    mirror.cursor = None  # as for a new version of the program
    await looked(org, mirror)
    assert mirror.into == {first: second, third: into}


async def test_other_settings_read_everything_again_and_lose_no_merge(org: SalesforceOrg) -> None:
    first, second = contact(org, 1, Level__c="gold"), contact(org, 2)
    deal = org.open(second)
    mirror, _ = await looked(org, objects=["Contact"])
    assert mirror.outcomes == {}
    org.merge(first, second)
    org.ahead += timedelta(hours=1)
    _, batches = await looked(org, mirror, objects=["Contact", "Opportunity"], fields={"level": "Level__c"})
    assert (batches[0].begins, batches[-1].whole) == (True, True)
    assert mirror.into == {first: second}
    assert mirror.outcomes.keys() == {(deal, second)}


async def test_an_address_that_is_none_is_refused_with_its_place_and_the_others_are_told(org: SalesforceOrg) -> None:
    good, bad = contact(org, 1), contact(org, 2)
    mirror, _ = await looked(org)
    org.change(bad, Email="see notes")
    _, batches = await looked(org, mirror)
    assert [one for batch in batches for one in batch.refused] == [
        (f"Contact {bad}", "'see notes' is no e-mail address")
    ]
    assert mirror.rows.keys() == {good}


@pytest.mark.parametrize("part", ["last", "after", "since", "at"])
async def test_a_cursor_whose_parts_are_no_ids_or_instants_is_a_beginning(org: SalesforceOrg, part: str) -> None:
    key = contact(org, 1)
    crm = feed(org, 1)
    first = await anext(crm.changes(None))
    await crm.aclose()
    assert f'"{part}":"' in first.cursor
    left, _, rest = first.cursor.partition(f'"{part}":"')
    forged = Cursor(f'{left}"{part}":"x\' OR Id != \'{rest}')
    mirror = Mirror()
    mirror.cursor = forged
    _, batches = await looked(org, mirror)
    assert batches[0].begins
    assert mirror.rows.keys() == {key}
