"""The accounts of a Dovecot: as `doveadm user '*'` prints them, or as they stand in a passwd-file."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from connectors.csv_table import address_in, decoded
from connectors.error_text import one_line
from inboxwatch.connector import ConfigPath, Context, MailboxError, Member, MemberList, Reason, Settings
from inboxwatch.settings import COMMAND_LIMIT


class DovecotAccountsSettings(Settings):
    """The accounts of a mail server, one a line: `doveadm user '*'` prints them where the userdb can list its users,
    and a passwd-file of Dovecot (or /etc/passwd) holds them, with names in its fifth field. Accounts closed by
    `nologin` are left out. Their mailboxes are read by a master user, `mailboxes: {connector: imap, master_user: ...}`;
    where accounts have no domain, with `username: "{user}"`.
    """

    path: ConfigPath | None = None
    """The file; exactly one of `path` and `command`."""
    command: str = ""
    """A program that prints them within 30 s, without a shell: `ssh mail.acme.test doveadm user '*@acme.test'`. It runs
    as the user of this process and with its rights."""
    domain: str = Field(default="", pattern=r"^[^@\s]*$")
    """Of accounts without one."""
    first_uid: int = Field(500, ge=0)
    """Of a passwd-file: accounts with a lower uid are the system's, as Dovecot's `first_valid_uid` says."""

    @field_validator("command")
    @classmethod
    def _words(cls, value: str) -> str:
        if value and not shlex.split(value):  # raises ValueError for a quotation mark that is missing
            raise ValueError("names no program")
        return value

    @model_validator(mode="after")
    def _from_one_place(self) -> DovecotAccountsSettings:
        if (self.path is None) == (not self.command):
            raise ValueError("give exactly one of `path` and `command`")
        return self


class DovecotAccounts:
    """The directory `dovecot`."""

    settings: ClassVar[type[Settings]] = DovecotAccountsSettings
    connector: ClassVar[str] = "imap"

    def __init__(self, settings: DovecotAccountsSettings, context: Context) -> None:
        self._settings = settings
        self._place = settings.path.name if settings.path else shlex.split(settings.command)[0]

    async def read(self) -> MemberList:
        """See MemberSource."""
        content = await (self._printed() if self._settings.path is None else asyncio.to_thread(self._content))
        found: dict[str, Member] = {}
        refused: list[tuple[str, str]] = []
        for number, line in enumerate(decoded(content).splitlines(), 1):
            try:
                for member in self._members(line):
                    found.setdefault(member.ref, member)
            except ValueError as error:
                refused.append((f"{self._place}:{number}", str(error)))
        return MemberList(tuple(found.values()), tuple(refused))

    async def aclose(self) -> None:
        """See MemberSource."""

    def _members(self, line: str) -> Iterator[Member]:
        """The account of a line, if it is one that is wanted. Raises ValueError where it cannot be read."""
        line = line.strip()
        if not line or line.startswith("#"):
            return
        account, _, further = line.partition(":")
        # user:password:uid:gid:gecos:home:shell:extra fields
        _, uid, _, gecos, _, _, extra = [*further.split(":", 6), *[""] * 7][:7]
        if (uid.isdecimal() and int(uid) < self._settings.first_uid) or _is_closed(extra):
            return
        account = account.lower()
        domain = self._settings.domain.lower()
        address = f"{account}@{domain}" if domain and "@" not in account else account
        if "@" not in address:
            raise ValueError(f"{account[:80]!r} has no domain: give `domain`")
        yield Member(ref=account, address=address_in(address), name=" ".join(gecos.partition(",")[0].split()))

    def _content(self) -> bytes:
        path = self._settings.path
        assert path is not None  # noqa: S101  (it is asked for where there is one)
        try:
            return path.read_bytes()
        except OSError as error:
            raise MailboxError(Reason.CLIENT, f"{path}: {error.strerror}") from error

    async def _printed(self) -> bytes:
        """What the program prints. Raises MailboxError, with its own first words where it fails."""
        words = shlex.split(self._settings.command)
        pipe = asyncio.subprocess.PIPE
        doing = f"{words[0]}: listing the accounts"
        try:
            process = await asyncio.create_subprocess_exec(
                *words, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
            )
        except OSError as error:
            raise MailboxError(Reason.CLIENT, f"{doing}: {error.strerror}") from error
        try:
            async with asyncio.timeout(COMMAND_LIMIT):
                printed, said = await process.communicate()
        except TimeoutError:
            raise MailboxError(Reason.TIMEOUT, f"{doing}: not done within {COMMAND_LIMIT:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            why = one_line(said.decode("utf-8", "replace")) or "it says nothing"
            hint = "run it by hand as the user of this process; doveadm needs the right to use the socket auth-userdb"
            raise MailboxError(Reason.CLIENT, f"{doing}: ended with {process.returncode}: {why}", hint=hint)
        return printed


def _is_closed(extra: str) -> bool:
    """Whether the extra fields of a passwd-file close the account (`nologin`)."""
    return any(one.lower() in ("nologin", "nologin=y", "nologin=yes") for one in extra.split())
