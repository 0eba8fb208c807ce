"""What a login may do in Gmail beyond reading, and how to take it away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from connectors.mail.google_login import GoogleLogin

_ALL = "https://mail.google.com/"
_CONSOLE = "https://admin.google.com/ac/owl/domainwidedelegation"


def warnings(login: GoogleLogin, beyond: Sequence[str]) -> Iterator[str]:
    """What is granted beyond the need, with the steps that make it smaller."""
    if not beyond:
        return
    names = ", ".join("full access" if one == _ALL else one.rpartition("/")[2] for one in beyond)
    need = login.scope.rpartition("/")[2]
    if login.kind == "service_account":
        yield (
            f"the delegation lets this service account do more than read, as every user of the domain: {names}. "
            f"inboxwatch needs {need} only.\nThe smaller grant, as a super administrator: open\n"
            f"  {_CONSOLE}?clientIdToAdd={login.client_id}&clientScopeToAdd={quote(login.scope, safe='')}"
            "&overwriteClientId=true\n"
            "and authorise; it replaces the scopes of this client. Others that need them get a service account "
            "of their own:\n"
            f"  gcloud iam service-accounts create inboxwatch --project {login.project}"
        )
    else:
        yield (
            f"the user consented to more than reading headers: {names}. inboxwatch needs {need} only.\n"
            "The smaller grant: remove the consent at https://myaccount.google.com/connections, then\n"
            f"  gcloud auth application-default login --client-id-file=client.json --scopes={login.scope}"
        )
