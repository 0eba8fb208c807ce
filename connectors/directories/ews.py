"""The members of a distribution group on an Exchange Server, by the login of `connector: ews`; read-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from pydantic import field_validator, model_validator

from connectors.csv_table import address_in
from connectors.mail.ews import EwsLoginSettings
from connectors.mail.ews.login import account_of
from connectors.mail.login_expiry import LASTING, expiry
from inboxwatch.connector import Context, MailboxError, Member, MemberList, Reason, Settings

_GROUPS = ("PublicDL", "GroupMailbox")
_MAX_GROUPS = 1000
"""Within each other: one request each."""


class DistributionGroupSettings(EwsLoginSettings):
    """The people of a distribution group or a dynamic one, those of groups within it included. Contacts, public folders
    and one-off addresses are left out. Exchange tells names and addresses only: who gets another address leaves and
    joins.

    Where `mailboxes` are read by `connector: ews`, the login is theirs: what is not given here is taken from there. Any
    login may ask, unless the group is hidden from address lists or hides its members.
    """

    group: str
    """The group's address."""
    url: str = ""
    """`https://mail.acme.test/EWS/Exchange.asmx`. Default: that of `mailboxes`."""

    @field_validator("group")
    @classmethod
    def _address(cls, value: str) -> str:
        return address_in(value)

    @model_validator(mode="after")
    def _has_a_server(self) -> DistributionGroupSettings:
        if not self.url:
            raise ValueError("give `url` and a login, here or in `mailboxes` with `connector: ews`")
        return self


class DistributionGroup:
    """The directory `ews`."""

    settings: ClassVar[type[Settings]] = DistributionGroupSettings

    def __init__(self, settings: DistributionGroupSettings, context: Context) -> None:
        self._group = settings.group
        self._account = account_of(settings, "delegate", settings.group)
        ends = settings.auth == "oauth"
        self._expiry = expiry("client secret", settings.certificate, settings.secret_expires) if ends else LASTING

    @property
    def expires_at(self) -> datetime | None:
        """See Expires."""
        return self._expiry.at

    async def read(self) -> MemberList:
        """See MemberSource. Exchange expands one group at a time; each is asked for once, however groups are nested.

        It waits for a connection, and for no turn among the mailboxes: those may take longer than a list may wait.
        """
        found: dict[str, Member] = {}
        waiting, asked = [self._group], {self._group}
        while waiting:
            for one in await self._account.expanded(waiting.pop()):
                address = _address_of(one)
                if one.mailbox_type in _GROUPS and address not in asked:
                    asked.add(address)
                    waiting.append(address)
                elif one.mailbox_type == "Mailbox" and address:
                    found.setdefault(address, Member(address, address, " ".join((one.name or "").split())))
            if len(asked) > _MAX_GROUPS:
                raise MailboxError(Reason.CLIENT, f"{self._group} has more than {_MAX_GROUPS} groups within it")
        return self._expiry.added_to(MemberList(tuple(found[address] for address in sorted(found))))

    async def aclose(self) -> None:
        """See MemberSource. Connections belong to all mailboxes of a login."""


def _address_of(mailbox: Any) -> str:
    try:
        return address_in(mailbox.email_address or "")
    except ValueError:
        return ""
