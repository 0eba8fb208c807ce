"""SyncFolderItems page by page: `folder.sync_items` reads to the end at once, and takes an old state for none."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from connectors.optional_package import optional_package


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """What came into a folder, by item id, and the state after it."""

    state: str
    came: tuple[str, ...]
    last: bool
    """There is no more."""


def changes(account: Any, folder: Any, state: str, limit: int) -> FolderChanges:
    """The next changes of a folder since a state; an empty one is before all. Blocks; raises what exchangelib does."""
    service = _service()(account=account)
    found = list(
        service.call(
            folder=folder,
            shape="IdOnly",
            additional_fields=None,
            sync_state=state or None,
            ignore=None,
            max_changes_returned=limit,
            sync_scope="NormalItems",
        )
    )
    came = tuple([name for kind, name in found if kind == service.CREATE and name])
    after = str(service.sync_state)
    # Some servers give the same state again and again, and say that there is more.
    return FolderChanges(after, came, bool(service.includes_last_item_in_range) or after == state)


@functools.cache
def _service() -> Any:
    services, common = (
        optional_package("exchangelib.services", "ews"),
        optional_package("exchangelib.services.common", "ews"),
    )
    state = f"{{{optional_package('exchangelib.util', 'ews').MNS}}}SyncState"

    item_id = optional_package("exchangelib.properties", "ews").ItemId.response_tag()

    class Service(services.SyncFolderItems):  # type: ignore[misc, name-defined]  # it is known at run time only
        def _elem_to_obj(self, elem: Any) -> tuple[str, str]:
            # The id is all that is wanted; the library would make a whole item of it, in half a millisecond.
            kind = self.change_types_map[elem.tag]
            found = elem[0].find(item_id) if kind == self.CREATE else None
            return kind, "" if found is None else str(found.get("Id"))

        def _get_element_container(self, message: Any, name: str | None = None) -> Any:
            if message.find(state) is None:
                # An error without a state, over which the library would trip.
                return common.EWSService._get_element_container(self, message, name)
            return super()._get_element_container(message, name)

    return Service
