"""A Salesforce org as the contract suite of lead feeds wants it: its people work with contacts, or with leads."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any, Literal

from connectors.leads.salesforce import Salesforce, SalesforceSettings
from inboxwatch.connector import Context
from inboxwatch.testing import Record
from tests.doubles.https_server import ca_file
from tests.doubles.salesforce import CLIENT_ID, SECRET, SalesforceOrg


def settings(org: SalesforceOrg, **further: Any) -> SalesforceSettings:
    """The feed's, which waits for nobody."""
    ours = {"url": org.url, "client_id": CLIENT_ID, "client_secret": SECRET, "ca_file": str(ca_file())}
    return SalesforceSettings.model_validate({**ours, "retry_for": "0.01s", **further})


def feed(org: SalesforceOrg, page: int = 10, **further: Any) -> Salesforce:
    """A fresh feed of small pages, named `crm`."""
    return Salesforce(settings(org, **further), Context("crm", ""), page)


class SalesforceLeads:
    """See Records, Merging and Purging: what people add are leads."""

    sobject = "Lead"

    def __init__(self) -> None:
        self.org = SalesforceOrg()
        self.users = {name: self.org.user(name) for name in ("ana@acme.test", "max@acme.test")}

    @property
    def secrets(self) -> tuple[str, ...]:
        return (SECRET, *self.org.tokens)

    def feed(self) -> Salesforce:
        return feed(self.org)

    def close(self) -> None:
        self.org.close()

    def add(self, record: Record) -> str:
        return self.org.put(self.sobject, **self._fields(record))

    def change(self, key: str, record: Record) -> None:
        self.org.change(key, **self._fields(record))

    def _fields(self, record: Record) -> dict[str, Any]:
        owner = self.users.get(record.owner)
        return {"Email": record.email or None, "Name": record.name, "Company": record.company, "OwnerId": owner}

    def delete(self, key: str) -> None:
        self.org.delete(key)

    def purge(self, key: str) -> None:
        self.org.purge(key)

    def merge(self, key: str, into: str) -> None:
        self.org.merge(key, into)

    def log(self, key: str, type: Literal["call", "meeting"], at: datetime, by: str) -> str:  # noqa: A002  (as told)
        who = {"WhoId": key, "OwnerId": self.users[by]}
        if type == "call":
            return self.org.put("Task", CompletedDateTime=at, **who)
        return self.org.put("Event", StartDateTime=at, EndDateTime=at, **who)

    def settle(self) -> None:
        self.org.ahead += timedelta(seconds=1)

    def let_a_day_pass(self) -> None:
        self.org.ahead += timedelta(hours=25)

    def break_connection(self) -> None:
        self.org.server.kill()

    def mend_connection(self) -> None:
        self.org.server.up()

    def snapshot(self) -> Any:
        return copy.deepcopy(self.org.records)


class SalesforceContacts(SalesforceLeads):
    """See Selling, too: what people add are contacts with an account."""

    sobject = "Contact"

    def _fields(self, record: Record) -> dict[str, Any]:
        fields = super()._fields(record)
        account = self.org.put("Account", Name=fields.pop("Company"))
        return {**fields, "AccountId": account}

    def open_opportunity(self, key: str, at: datetime) -> str:
        return self.org.open(key, at)

    def close_opportunity(self, id: str, won: bool, at: datetime) -> None:  # noqa: A002  (the word of the field)
        self.org.change(id, IsClosed=True, IsWon=won, CloseDate=at.date())

    def delete_opportunity(self, id: str) -> None:  # noqa: A002  (the word of the field)
        self.org.delete(id)
