"""People who work with HubSpot, played on its double: the world of the contract suite."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

from connectors.leads.hubspot import HubSpot, HubSpotSettings
from inboxwatch.connector import Context, Reading
from inboxwatch.testing import Record
from tests.doubles.https_server import ca_file
from tests.doubles.hubspot import TOKEN, HubSpotServer


class QuickHubSpot(HubSpot):
    """Waits for no turn: the double has no limit of its own."""

    rates: ClassVar[tuple[float, float]] = (1e9, 1e9)


class HubSpotRecords:
    """See `inboxwatch.testing.Records`; Merging, Purging and Selling too."""

    secrets: tuple[str, ...] = (TOKEN,)

    def __init__(self, server: HubSpotServer, size: int = 10) -> None:
        self.double = server
        self.size = size

    def feed(self, **settings: Any) -> HubSpot:
        keys = {"token": TOKEN, "url": self.double.server.url, "ca_file": str(ca_file()), "retry_for": "0.001s"}
        found = HubSpotSettings.model_validate(keys | settings)
        return QuickHubSpot(found, Context("crm", "", Reading(batch_size=self.size)))

    def add(self, record: Record) -> str:
        return self.double.add("contacts", self._properties(record))

    def change(self, key: str, record: Record) -> None:
        self.double.change("contacts", key, self._properties(record))

    def delete(self, key: str) -> None:
        self.double.archive("contacts", key)

    def purge(self, key: str) -> None:
        self.double.purge("contacts", key)

    def log(self, key: str, type: Literal["call", "meeting"], at: datetime, by: str) -> str:  # noqa: A002  (as told)
        told = {"hs_timestamp": _iso(at), "hubspot_owner_id": self.double.owner(by)}
        told |= {"hs_call_status": "COMPLETED"} if type == "call" else {"hs_meeting_outcome": "COMPLETED"}
        return f"{type}-{self.double.add(f'{type}s', told, (key,))}"

    def open_opportunity(self, key: str, at: datetime) -> str:
        told = {"createdate": _iso(at), "hs_is_closed": "false", "hs_is_closed_won": "false"}
        return self.double.add("deals", told, (key,))

    def close_opportunity(self, id: str, won: bool, at: datetime) -> None:  # noqa: A002  (as told)
        told = {"closedate": _iso(at), "hs_is_closed": "true", "hs_is_closed_won": str(won).lower()}
        self.double.change("deals", id, told)

    def delete_opportunity(self, id: str) -> None:  # noqa: A002  (as told)
        self.double.archive("deals", id)

    def settle(self) -> None:
        self.double.ahead += timedelta(minutes=5)

    def let_a_day_pass(self) -> None:
        self.double.ahead += timedelta(days=1, minutes=1)

    def break_connection(self) -> None:
        self.double.server.kill()

    def mend_connection(self) -> None:
        self.double.server.up()

    def snapshot(self) -> Any:
        return repr(self.double.records)

    def _properties(self, record: Record) -> dict[str, str]:
        first, _, last = record.name.partition(" ")
        return {
            "email": record.email, "firstname": first, "lastname": last, "company": record.company,
            "hubspot_owner_id": self.double.owner(record.owner) if record.owner else "",
        }  # fmt: skip


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
