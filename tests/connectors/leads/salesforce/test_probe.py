"""What `check` says of an org: what may be seen, what could be changed, and the steps to the right grant."""

from __future__ import annotations

import pytest

from inboxwatch.connector import MailboxError, Probe
from tests.doubles.salesforce import SalesforceOrg
from tests.support.salesforce_records import feed


async def probed(org: SalesforceOrg) -> Probe:
    crm = feed(org)
    try:
        return await crm.probe()
    finally:
        await crm.aclose()


async def test_a_user_who_may_only_read_is_named_with_what_it_reads_and_warned_of_nothing(org: SalesforceOrg) -> None:
    org.put("Lead", Email="bo@buyer.test")
    probe = await probed(org)
    facts = dict(probe.facts)
    assert facts["signed in as"] == "inboxwatch@acme.test.crm (profile Minimum Access - API Only Integrations)"
    assert facts["scopes of the token"] == "api"
    assert facts["Lead:"] == "can be read"
    assert facts["Contact:"] == "none there, or none that the user may see"
    assert facts["API calls of the last 24 hours"].endswith("of 100,000 (0%)")
    assert probe.warnings == ()


async def test_a_user_who_may_write_is_warned_of_with_the_steps_to_the_smaller_grant(org: SalesforceOrg) -> None:
    org.writable = {"Lead", "Task"}
    org.scope = "api full refresh_token"
    writing, scopes = (await probed(org)).warnings
    assert "Lead (create, edit, delete); Task (create, edit, delete)" in writing
    assert "Salesforce Integration" in writing
    assert "View All" in writing
    assert "Lead: Id, " in writing
    assert "full, refresh_token" in scopes


async def test_everything_that_cannot_be_seen_is_named_at_once(org: SalesforceOrg) -> None:
    org.hidden = {"Opportunity", "Lead.Rating", "Account.Website"}
    with pytest.raises(MailboxError) as failed:
        await probed(org)
    assert str(failed.value) == "the user may not see Account.Website, Lead.Rating, Opportunity"
    assert "permission" in failed.value.hint.lower()


async def test_a_field_that_is_hidden_later_ends_the_look_with_what_to_do(org: SalesforceOrg) -> None:
    org.hidden = {"Contact.Title"}
    crm = feed(org)
    with pytest.raises(MailboxError, match="INVALID_FIELD: No such column 'Title'") as failed:
        await anext(aiter(crm.changes(None)))
    await crm.aclose()
    assert "`fields`" in failed.value.hint
