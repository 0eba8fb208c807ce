"""What an application may do in a tenant beyond reading, and how to take it away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ALLOWED = {"basic": {"Mail.ReadBasic", "Mail.ReadBasic.All"}, "read": {"Mail.Read"}}
_ROLE = {"basic": "Application Mail.ReadBasic", "read": "Application Mail.Read"}
_MAIL = ("Mail.", "MailboxSettings.", "MailboxItem.", "MailboxFolder.", "full_access_as_app", "IMAP.", "POP.", "SMTP.")


def roles(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The application permissions that Entra consented to for the whole tenant, as the token tells."""
    found = claims.get("roles")
    return tuple(sorted(str(one) for one in found)) if isinstance(found, list) else ()


def warnings(claims: Mapping[str, Any], permission: str, client_id: str, address: str) -> Iterator[str]:
    """What is granted beyond the need, each with the commands that make it smaller."""
    granted = roles(claims)
    writing = [one for one in granted if _writes(one)]
    reading = [one for one in granted if one.startswith(_MAIL) and one not in writing]
    beyond = [one for one in granted if one not in writing and one not in reading]
    if writing:
        yield (
            f"the application may do more than read in every mailbox of the tenant: {', '.join(writing)}. "
            f"inboxwatch needs {_ROLE[permission]} only. {_smaller(claims, permission, client_id, address, granted)}"
        )
    elif reading:
        excess = [one for one in reading if one not in _ALLOWED[permission]]
        more = f", and more of them than `permission: {permission}` needs" if excess else ""
        yield (
            f"the application may read every mailbox of the tenant ({', '.join(reading)}){more}. "
            f"{_smaller(claims, permission, client_id, address, granted)}"
        )
    if beyond:
        yield f"the application has permissions that have nothing to do with mail: {', '.join(beyond)}; remove them"


def _writes(role: str) -> bool:
    return role.startswith(_MAIL) and (
        "Write" in role or role.startswith(("Mail.Send", "full_access", "IMAP.", "POP.", "SMTP."))
    )


def _smaller(claims: Mapping[str, Any], permission: str, client_id: str, address: str, granted: Sequence[str]) -> str:
    """The commands: RBAC for Applications with a scope in Exchange Online, then the tenant-wide consent removed."""
    principal = str(claims.get("oid") or "OBJECT_ID_OF_THE_ENTERPRISE_APPLICATION")
    removed = " -or ".join(f"$_.Value -eq '{one}'" for one in granted if one.startswith(_MAIL))
    return "\n".join(
        (
            "The smaller grant, in Exchange Online PowerShell (Connect-ExchangeOnline), with CustomAttribute1 set to "
            "`inboxwatch` on the mailboxes to watch:",
            f"  Set-Mailbox -Identity {address} -CustomAttribute1 inboxwatch",
            f"  New-ServicePrincipal -AppId {client_id} -ObjectId {principal} -DisplayName inboxwatch",
            "  New-ManagementScope -Name inboxwatch -RecipientRestrictionFilter \"CustomAttribute1 -eq 'inboxwatch'\"",
            f"  New-ManagementRoleAssignment -App {principal} -Role '{_ROLE[permission]}' "
            "-CustomResourceScope inboxwatch",
            f"  Test-ServicePrincipalAuthorization -Identity {principal} -Resource {address}",
            "Then, for the two grants add up, remove the consent in Microsoft Graph PowerShell "
            "(Connect-MgGraph -Scopes AppRoleAssignment.ReadWrite.All,Application.Read.All):",
            "  $graph = Get-MgServicePrincipal -Filter \"appId eq '00000003-0000-0000-c000-000000000000'\"",
            f"  $ids = ($graph.AppRoles | Where-Object {{ {removed} }}).Id",
            f"  Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId {principal} | Where-Object AppRoleId -in "
            f"$ids | ForEach-Object {{ Remove-MgServicePrincipalAppRoleAssignment -ServicePrincipalId {principal} "
            "-AppRoleAssignmentId $_.Id }",
        )
    )
