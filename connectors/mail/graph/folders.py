"""The folders of a mailbox that are watched through Microsoft Graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.mail.exchange_folders import ExchangeFolder, ExchangeFolders, choose
from connectors.mail.graph.client import GraphClient
from inboxwatch.core.model import FolderRole

_FIELDS = "id,displayName,totalItemCount,childFolderCount"
_MAX_PAGES = 200
_NEVER = ("drafts", "deleteditems", "junkemail", "outbox")
"""Well-known folders that a pattern does not mean."""


async def find_folders(client: GraphClient, user: str, patterns: Sequence[str]) -> ExchangeFolders:
    """The inbox, sent mail, and folders whose path or name a pattern (`Deals`, `Inbox/*`) matches."""
    inbox = await _known(client, user, "inbox", FolderRole.INBOX)
    sent = await _known(client, user, "sentitems", FolderRole.SENT)
    below = await _children(
        client, f"{user}/mailFolders/{inbox.id}/childFolders", f"{inbox.name}/", deep=bool(patterns)
    )
    others: list[ExchangeFolder] = []
    if patterns:
        never = {(await _known(client, user, name, FolderRole.OTHER)).name.lower() for name in _NEVER}
        all_ = await _children(client, f"{user}/mailFolders", "", deep=True)
        others = [one for one in all_ if one.name.lower().partition("/")[0] not in never]
    return choose(inbox, sent, below, others, patterns)


async def _known(client: GraphClient, user: str, name: str, role: FolderRole) -> ExchangeFolder:
    found = await client.get(f"{user}/mailFolders/{name}", {"$select": _FIELDS}, doing=f"looking for the folder {name}")
    return _folder(found, "", role)


async def _children(client: GraphClient, path: str, prefix: str, *, deep: bool) -> list[ExchangeFolder]:
    found: list[ExchangeFolder] = []
    page = await client.get(path, {"$select": _FIELDS, "$top": "100"}, doing="listing folders")
    for _ in range(_MAX_PAGES):
        found += [_folder(one, prefix, FolderRole.OTHER) for one in page.get("value") or ()]
        link = page.get("@odata.nextLink")
        if not link:
            break
        page = await client.get(str(link), doing="listing folders")
    if deep:
        user = path.partition("/mailFolders")[0]
        for one in list(found):
            if one.children:
                found += await _children(client, f"{user}/mailFolders/{one.id}/childFolders", f"{one.name}/", deep=True)
    return found


def _folder(item: dict[str, Any], prefix: str, role: FolderRole) -> ExchangeFolder:
    return ExchangeFolder(
        str(item["id"]),
        prefix + str(item.get("displayName") or item["id"]),
        role,
        int(item.get("totalItemCount") or 0),
        int(item.get("childFolderCount") or 0),
    )
