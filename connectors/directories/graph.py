"""The members of a group in Microsoft Entra, through Microsoft Graph; read-only, by the login of `connector: graph`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field, model_validator

from connectors.csv_table import address_in
from connectors.mail.graph import Graph, GraphSettings
from connectors.mail.graph.client import GraphError
from connectors.mail.login_expiry import expiry
from inboxwatch.connector import Context, MailboxError, Member, MemberList, Reason, Settings

_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PAGE = 999
_MAX_PAGES = 1000
_USER = "#microsoft.graph.user"
_ASKED = "id,displayName,mail,proxyAddresses,accountEnabled,userType,department,officeLocation"
_RIGHT = "grant the application GroupMember.Read.All and User.Read.All (application permissions, with admin consent)"


class GraphGroupSettings(GraphSettings):
    """The members of a group of the tenant, those of groups within it included. Guests, devices, contacts, disabled
    accounts and people without an address are left out.

    Where `mailboxes` are read by `connector: graph`, the login is theirs: what is not given here is taken from there.
    """

    group: str = Field(min_length=1)
    """The group's id, or its address."""
    tenant: str = Field(default="", pattern=r"^[A-Za-z0-9.-]*$")
    """The tenant's id or one of its domains. Default: that of `mailboxes`."""
    client_id: str = ""
    """The application's id. Default: that of `mailboxes`."""
    team_from: Literal["department", "officeLocation"] | None = None
    """What of a person names their team. Default: `team` of the directory."""

    @model_validator(mode="after")
    def _can_log_in(self) -> GraphGroupSettings:
        if not self.tenant or not self.client_id:
            raise ValueError("give `tenant` and `client_id`, here or in `mailboxes` with `connector: graph`")
        return self


class GraphGroup:
    """The directory `graph`."""

    settings: ClassVar[type[Settings]] = GraphGroupSettings

    def __init__(self, settings: GraphGroupSettings, context: Context) -> None:
        self._settings = settings
        self._graph = Graph(settings, context)
        self._expiry = expiry("client secret", settings.certificate, settings.secret_expires)

    @property
    def expires_at(self) -> datetime | None:
        """See Expires."""
        return self._expiry.at

    async def read(self) -> MemberList:
        """See MemberSource."""
        try:
            return self._expiry.added_to(await self._read(await self._group()))
        except GraphError as error:
            hint = {403: _RIGHT, 404: "no group has this id: check `group`"}.get(error.status, error.hint)
            raise MailboxError(error.reason, str(error), hint=hint, retry_after=error.retry_after) from error

    async def _read(self, group: str) -> MemberList:
        members: list[Member] = []
        path, query = f"/groups/{group}/transitiveMembers", {"$select": _ASKED, "$top": str(_PAGE)}
        users = 0
        for _ in range(_MAX_PAGES):
            page = await self._graph.client.get(path, query, doing="listing the members of the group")
            found = page.get("value")
            if not isinstance(found, list):
                raise MailboxError(Reason.PROTOCOL, "listing the members of the group: the answer holds no list")
            users += sum(one.get("@odata.type", _USER) == _USER for one in found)
            members += self._members(found)
            if (link := page.get("@odata.nextLink")) is None:
                break
            path, query = str(link), {}
        else:
            raise MailboxError(Reason.PROTOCOL, "listing the members of the group: it never ends")
        if users and not members:
            raise MailboxError(Reason.AUTH, f"the group has {users} people, and none with an address", hint=_RIGHT)
        return MemberList(tuple(members))

    async def aclose(self) -> None:
        """See MemberSource."""
        await self._graph.aclose()

    async def _group(self) -> str:
        """The group's id."""
        named = self._settings.group
        if _ID.fullmatch(named):
            return named
        try:
            address = address_in(named)
        except ValueError:
            hint = "give the object id that the Entra admin centre shows"
            raise MailboxError(Reason.CLIENT, f"{named!r} is neither an id nor an address", hint=hint) from None
        query = {"$filter": f"mail eq '{address.replace(chr(39), chr(39) * 2)}'", "$select": "id"}
        page = await self._graph.client.get("/groups", query, doing="looking for the group")
        found = [str(one["id"]) for one in page.get("value") or () if "id" in one]
        if len(found) != 1:
            hint = "check `group`, or give the group's object id"
            raise MailboxError(Reason.CLIENT, f"{len(found)} groups have the address {address}", hint=hint)
        return quote(found[0], safe="")

    def _members(self, found: Iterable[dict[str, Any]]) -> Iterator[Member]:
        for one in found:
            wanted = one.get("@odata.type", _USER) == _USER and one.get("userType") != "Guest"
            wanted = wanted and one.get("accountEnabled") is not False
            if not wanted or not isinstance(mail := one.get("mail"), str) or not isinstance(one.get("id"), str):
                continue
            try:
                address = address_in(mail)
            except ValueError:
                continue
            yield Member(
                ref=one["id"],
                address=address,
                name=" ".join(str(one.get("displayName") or "").split()),
                aliases=_aliases(one.get("proxyAddresses"), address),
                team=str(one.get(self._settings.team_from) or "") if self._settings.team_from else "",
            )


def _aliases(found: object, address: str) -> tuple[str, ...]:
    """Further addresses of a mailbox: Exchange writes `SMTP:` before the first and `smtp:` before the others."""
    words = [str(one) for one in found] if isinstance(found, list) else []
    smtp = [word.partition(":")[2].lower() for word in words if word.lower().startswith("smtp:")]
    return tuple(sorted({one for one in smtp if "@" in one} - {address}))
