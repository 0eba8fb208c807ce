"""The members of a group or an organisational unit of Google Workspace, by the Admin SDK; read-only by its scopes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field, field_validator, model_validator

from connectors.csv_table import address_in
from connectors.mail.google_api import GoogleApi, GoogleError
from connectors.mail.google_login import GoogleLogin
from connectors.mail.login_expiry import LASTING, expiry
from connectors.retry import retried
from connectors.setting_types import HttpsHost, HttpsUrlOrEmpty, Seconds
from inboxwatch.connector import ConfigPath, Context, MailboxError, Member, MemberList, Reason, Secret, Settings

PEOPLE = "https://www.googleapis.com/auth/admin.directory.user.readonly"
MEMBERS = "https://www.googleapis.com/auth/admin.directory.group.member.readonly"
_CONSOLE = "https://admin.google.com/ac/owl/domainwidedelegation"
_MAX_PAGES = 10_000
_ASKED = (
    "id,primaryEmail,name(fullName),aliases,nonEditableAliases,suspended,archived,orgUnitPath,organizations,relations"
)
"""Of a user; the library's `fields`."""
_HINTS = {
    "accessnotconfigured": "the Admin SDK is off in the project: gcloud services enable admin.googleapis.com",
    "insufficientpermissions": "the token's scope does not allow it: check what was delegated",
    "forbidden": "`admin` must be an administrator with the privileges Users: Read and Groups: Read",
    "domainpolicy": "the domain's administrators have turned off access by API",
}
Page = Mapping[str, Any]


class GoogleDirectorySettings(Settings):
    """The people of a Google group, those of groups within it included, or of an organisational unit with those below
    it. People of other domains, suspended and archived users are left out.

    Where `mailboxes` are read by `connector: gmail`, the key of the service account is theirs. Its domain delegates the
    scopes `admin.directory.user.readonly` and, for a group, `admin.directory.group.member.readonly`.
    """

    group: str = ""
    """The group's address or id; exactly one of `group` and `unit`."""
    unit: str = ""
    """The path of an organisational unit, such as `/Sales`; `/` is everybody."""
    admin: str = Field(min_length=1)
    """In whose name it is asked: an administrator who may read users, and groups for `group`."""
    team_from: Literal["department", "unit"] | None = None
    """What of a person names their team: the department, or the last part of the unit's path. Default: `team` of the
    directory."""
    service_account: Secret | None = None
    """JSON of a service account's key. Default: that of `mailboxes`."""
    secret_expires: date | None = None
    """The day on which the key ends, where a policy of the organisation makes it end. Default: that of `mailboxes`."""
    directory_url: HttpsHost = "https://admin.googleapis.com"
    """The address of the API."""
    token_url: HttpsUrlOrEmpty = ""
    """Default: that of the key, else Google's."""
    ca_file: ConfigPath | None = None
    """PEM file of certificate authorities to trust beside the system's."""
    retry_for: Seconds = 20.0
    """How long a request waits in all for a server that throttles it."""
    read_timeout: Seconds = 30.0
    """How long an answer of the server may take."""

    @field_validator("unit")
    @classmethod
    def _path(cls, value: str) -> str:
        if value and not value.startswith("/"):
            raise ValueError("must be a path that begins with a slash, such as /Sales")
        return value

    @model_validator(mode="after")
    def _whole(self) -> GoogleDirectorySettings:
        if bool(self.group) == bool(self.unit):
            raise ValueError("give exactly one of `group` and `unit`")
        if self.service_account is None:
            raise ValueError("give `service_account`, here or in `mailboxes` with `connector: gmail`")
        return self


class GoogleDirectory:
    """The directory `google`."""

    settings: ClassVar[type[Settings]] = GoogleDirectorySettings
    connector: ClassVar[str] = "gmail"

    def __init__(self, settings: GoogleDirectorySettings, context: Context) -> None:
        assert settings.service_account is not None  # noqa: S101  (the settings are whole)
        self._settings = settings
        self._scopes = f"{PEOPLE} {MEMBERS}" if settings.group else PEOPLE
        self._login = GoogleLogin(
            "service_account", settings.service_account, settings.admin, self._scopes, settings.token_url
        )
        self._expiry = expiry("key", None, settings.secret_expires) if settings.secret_expires else LASTING
        url, timeout = settings.directory_url, settings.read_timeout
        self._api = GoogleApi("admin", "directory_v1", url, self._login, settings.ca_file, timeout, _HINTS)

    @property
    def expires_at(self) -> datetime | None:
        """See Expires."""
        return self._expiry.at

    async def read(self) -> MemberList:
        """See MemberSource."""
        try:
            return self._expiry.added_to(MemberList(tuple([one async for one in self._read()])))
        except GoogleError as error:
            hint = "check `group`: none has this address or id" if error.status == 404 else error.hint
            if error.status in (400, 404) and self._settings.unit:
                hint = "check `unit`: it is the path that the admin console shows"
            raise MailboxError(error.reason, str(error), hint=hint, retry_after=error.retry_after) from error
        except MailboxError as error:
            if error.reason is Reason.AUTH and "scope" in error.hint:
                error.hint = self._delegate()
            elif "`address`" in error.hint:
                error.hint = "no user of the domain has the address of `admin`"
            raise

    async def _read(self) -> AsyncIterator[Member]:
        """People are asked for in pages of 500, whether of a group or a unit: one by one they would cost more."""
        group = self._settings.group
        wanted = {str(one.get("id")) async for one in self._members()} if group else None
        unit = self._settings.unit.replace("\\", "\\\\").replace("'", "\\'")
        asked = {"customer": "my_customer", "maxResults": 500, "orderBy": "email"}
        asked |= {"fields": f"nextPageToken,users({_ASKED})"} | ({} if group else {"query": f"orgUnitPath='{unit}'"})
        async for one in self._pages("users", lambda api, page: api.users().list(**asked, pageToken=page)):
            if wanted is None or str(one.get("id")) in wanted:
                for member in self._member(one):
                    yield member

    def _members(self) -> AsyncIterator[Page]:
        asked = {"groupKey": self._settings.group, "includeDerivedMembership": True, "maxResults": 200}
        return self._pages("members", lambda api, page: api.members().list(**asked, pageToken=page))

    async def _pages(self, what: str, make: Callable[[Any, str | None], Any]) -> AsyncIterator[Page]:
        """The entries of all pages. Raises MailboxError: a part of them never stands for the whole."""
        doing = f"listing the {'members of the group' if what == 'members' else 'users'}"
        token: str | None = None
        for _ in range(_MAX_PAGES):
            at = token

            async def ask(at: str | None = at) -> Page:
                return await self._api.called(lambda api: make(api, at), doing)

            page = await retried(ask, self._settings.retry_for, lambda: float("inf"))
            found = page.get(what) or []
            if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
                raise MailboxError(Reason.PROTOCOL, f"{doing}: the answer holds no list")
            for one in found:
                yield one
            if not (token := page.get("nextPageToken")):
                return
        raise MailboxError(Reason.PROTOCOL, f"{doing}: it never ends")

    def _member(self, one: Page) -> Iterator[Member]:
        if one.get("suspended") or one.get("archived") or not isinstance(one.get("id"), str):
            return
        try:
            address = address_in(str(one.get("primaryEmail") or ""))
        except ValueError:
            return
        aliases = {str(alias).lower() for name in ("aliases", "nonEditableAliases") for alias in one.get(name) or ()}
        yield Member(
            ref=one["id"],
            address=address,
            name=" ".join(str((one.get("name") or {}).get("fullName") or "").split()),
            aliases=tuple(sorted({alias for alias in aliases if "@" in alias} - {address})),
            team=self._team(one),
            manager=_of(one, "relations", "value", type="manager").lower(),
        )

    def _team(self, one: Page) -> str:
        if self._settings.team_from == "department":
            return _of(one, "organizations", "department", primary=True) or _of(one, "organizations", "department")
        return str(one.get("orgUnitPath") or "").rpartition("/")[2] if self._settings.team_from else ""

    def _delegate(self) -> str:
        scopes = quote(self._scopes.replace(" ", ","), safe="")
        link = f"{_CONSOLE}?clientIdToAdd={self._login.client_id}&clientScopeToAdd={scopes}"
        return f"delegate {self._scopes.replace(' ', ' and ')} to the service account, beside those it has: {link}"

    async def aclose(self) -> None:
        """See MemberSource. Connections belong to all who use this authority."""


def _of(one: Page, what: str, key: str, **like: object) -> str:
    """A key of the first entry of a list that is like that; empty where there is none."""
    for entry in one.get(what) or ():
        if isinstance(entry, dict) and entry.get(key) and all(entry.get(name) == value for name, value in like.items()):
            return str(entry[key]).strip()
    return ""
