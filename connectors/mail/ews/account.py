"""An Exchange mailbox by exchangelib: blocking calls on threads, each one request, each within a time limit."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from connectors.mail.entra import Entra, Token
from connectors.mail.ews.errors import failure
from connectors.mail.exchange_folders import ExchangeFolder, ExchangeFolders, choose
from connectors.mail.quota_turns import MailboxTurns
from connectors.optional_package import optional_package
from connectors.worker_threads import workers
from inboxwatch.connector import MailboxError, Reason, Secret
from inboxwatch.core.model import FolderRole

Auth = Literal["ntlm", "kerberos", "basic", "oauth"]
Access = Literal["delegate", "impersonation"]
Version = Literal["2013", "2016", "2019"]
Result = TypeVar("Result")

_STEP_LIMIT = 100.0
"""Seconds for one request: the library can wait for a session without end."""
_ANSWER_LIMIT = 60
_AUTHORITIES: dict[str, str] = {}
"""Authorities' certificates by host and port: the library has one adapter for all connections of the process."""
_NEVER = ("drafts", "trash", "junk", "outbox")


@dataclass(frozen=True, slots=True)
class EwsLogin:
    """How to log in to an Exchange Server, and with how many connections at once."""

    url: str
    auth: Auth
    username: str
    password: Secret | None
    access: Access
    version: Version
    connections: int
    ca_file: Path | None


@dataclass(slots=True)
class EwsAccount:
    """One mailbox; no verb that could write is used."""

    login: EwsLogin
    address: str
    turns: MailboxTurns
    entra: Callable[[], Entra] | None = None
    """Gives OAuth tokens, with `auth: oauth`."""
    requests: int = 0
    _account: Any = None
    _token: Token | None = field(default=None)

    async def do(self, work: Callable[[Any], Result], doing: str) -> Result:
        """Runs a function of exchangelib's account on a thread; again where the server throttles or fails."""
        return await self.turns.retried(lambda: self._once(work, doing))

    async def _once(self, work: Callable[[Any], Result], doing: str) -> Result:
        token = await self.entra().token() if self.entra else None

        def alone() -> Result:
            self.requests += 1
            try:
                if self._account is None or self._token is not token:
                    self._account, self._token = _account(self.login, self.address, token), token
                return work(self._account)
            except MailboxError:
                raise
            except Exception as error:  # the library raises many kinds; unknown ones are raised again
                raise failure(error, doing) from error

        try:
            return await workers().run(self.login.url, alone, _STEP_LIMIT)
        except TimeoutError:
            self._account = None
            raise MailboxError(Reason.TIMEOUT, f"{doing}: no answer within {_STEP_LIMIT:.0f} s") from None

    async def expanded(self, group: str) -> list[Any]:
        """The members of a distribution group as exchangelib's Mailbox objects; groups among them are not expanded."""
        return await self.do(lambda account: account.protocol.expand_dl(group), f"listing the members of {group}")

    async def folders(self, patterns: Sequence[str], *, below: bool) -> ExchangeFolders:
        """The inbox, sent mail, and folders whose path below the mailbox or name a pattern matches.

        `below`: those below the inbox are looked at too, to tell which of them are not watched.
        """
        return await self.do(lambda account: _folders(account, patterns, below=below), "looking for folders")


def _folders(account: Any, patterns: Sequence[str], *, below: bool) -> ExchangeFolders:
    """Blocks."""
    inbox = _folder(account.inbox, FolderRole.INBOX, "")
    sent = _folder(account.sent, FolderRole.SENT, "")
    # Either makes the library keep every folder of the mailbox in memory.
    under = [_folder(one, FolderRole.OTHER, f"{inbox.name}/") for one in account.inbox.children] if below else []
    others: list[ExchangeFolder] = []
    if patterns:
        never = {getattr(account, name).id for name in _NEVER}
        top = account.msg_folder_root
        others = [_folder(one, FolderRole.OTHER, "", top.absolute) for one in top.walk() if one.id not in never]
    return choose(inbox, sent, under, others, patterns)


def _folder(handle: Any, role: FolderRole, prefix: str, top: str = "") -> ExchangeFolder:
    name = handle.absolute.removeprefix(f"{top}/") if top else prefix + str(handle.name)
    rights = handle.effective_rights
    may_write = rights is not None and any(
        getattr(rights, one, False) for one in ("create_contents", "create_associated", "delete", "modify")
    )
    return ExchangeFolder(str(handle.id), name, role, int(handle.total_count or 0), handle=handle, may_write=may_write)


def _account(login: EwsLogin, address: str, token: Token | None) -> Any:
    """exchangelib's account; does no IO. Raises MailboxError."""
    library = _library()
    versions = {
        "2013": library.version.EXCHANGE_2013_SP1,
        "2016": library.version.EXCHANGE_2016,
        "2019": library.version.EXCHANGE_2019,
    }
    if login.ca_file is not None:
        _AUTHORITIES[urlsplit(login.url).netloc] = str(login.ca_file)
    password = login.password.reveal() if login.password else ""
    if token is not None:
        credentials = library.OAuth2AuthorizationCodeCredentials(access_token={"access_token": token.text})
    else:
        credentials = library.Credentials(login.username, password) if login.auth != "kerberos" else None
    return library.Account(
        primary_smtp_address=address,
        access_type=library.IMPERSONATION if login.access == "impersonation" else library.DELEGATE,
        autodiscover=False,
        locale="en",
        default_timezone=library.UTC,
        config=library.Configuration(
            service_endpoint=login.url,
            credentials=credentials,
            auth_type=_auth_type(login),
            version=library.Version(versions[login.version]),
            retry_policy=library.FailFast(),
            max_connections=login.connections,
        ),
    )


def _auth_type(login: EwsLogin) -> str:
    library = _library()
    if login.auth == "kerberos":
        known = optional_package("exchangelib.transport", "ews").AUTH_TYPE_MAP
        if library.GSSAPI not in known:
            hint = "pip install 'exchangelib[kerberos]', which builds gssapi: apt-get install gcc libkrb5-dev before"
            raise MailboxError(Reason.CLIENT, "Kerberos is missing", hint=hint, permanent=True)
        logging.getLogger("requests_gssapi").setLevel(logging.CRITICAL)
        # Exchange 2019 CU14 and later refuse tokens that are not bound to the TLS connection (Extended Protection).
        negotiate = optional_package("requests_gssapi", "ews").HTTPSPNEGOAuth
        known[library.GSSAPI] = functools.partial(negotiate, channel_bindings="tls-server-end-point")
    types = {"ntlm": library.NTLM, "basic": library.BASIC, "oauth": library.OAUTH2, "kerberos": library.GSSAPI}
    return str(types[login.auth])


@functools.cache
def _library() -> Any:
    """exchangelib, with certificates by server and a time limit for answers."""
    # Of what surprises it the library logs whole requests and answers: addresses, subjects, texts.
    logging.getLogger("exchangelib").setLevel(logging.CRITICAL)
    library, adapters = optional_package("exchangelib", "ews"), optional_package("requests.adapters", "ews")
    protocol = optional_package("exchangelib.protocol", "ews").BaseProtocol

    class Adapter(adapters.HTTPAdapter):  # type: ignore[misc, name-defined]  # it is known at run time only
        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            # Given here, for the environment could replace the authority otherwise.
            super().cert_verify(conn, url, _AUTHORITIES.get(urlsplit(url).netloc, verify), cert)

    protocol.HTTP_ADAPTER_CLS = Adapter
    protocol.TIMEOUT = _ANSWER_LIMIT
    protocol.RETRY_WAIT = 0  # where the server asks for no pause, `retry` chooses one
    return library
