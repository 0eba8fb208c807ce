"""Calls of the Gmail API, paced by its quota; reads only."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.mail.gmail.quota import UNITS, RateLimiter
from connectors.mail.google_api import GoogleApi, GoogleError, TokenHttp
from connectors.mail.google_login import GoogleLogin
from connectors.mail.quota_turns import MailboxTurns
from connectors.optional_package import optional_package
from inboxwatch.connector import Reason

BATCH = 50
"""Reads in one HTTP request: Google's advice."""
HINTS = {
    "accessnotconfigured": "the Gmail API is off in the project: gcloud services enable gmail.googleapis.com",
    "domainpolicy": "the domain's administrators have turned off the Gmail API for this user",
    "failedprecondition": "the user has no Gmail: it may lack a licence, or its mail is elsewhere",
}


class GmailApi:
    """One mailbox. Reads only: the service object is not given away."""

    def __init__(
        self, login: GoogleLogin, url: str, ca_file: Path | None, timeout: float, turns: MailboxTurns,
        pace: Callable[[], RateLimiter],
    ) -> None:  # fmt: skip
        self._google = GoogleApi("gmail", "v1", url, login, ca_file, timeout, HINTS)
        self._turns = turns
        self._pace = pace

    @property
    def requests(self) -> int:
        """HTTP requests so far, those for tokens not counted."""
        return self._google.requests

    async def profile(self) -> Mapping[str, Any]:
        """`emailAddress`, `messagesTotal`, `historyId` (users.getProfile)."""
        return await self._called("profile", lambda users: users.getProfile(userId="me"), "looking at the mailbox")

    async def labels(self) -> Sequence[Mapping[str, Any]]:
        """All labels, with `id` and `name`."""
        found = await self._called("labels", lambda users: users.labels().list(userId="me"), "listing labels")
        return tuple(found.get("labels") or ())

    async def listed(self, page: str | None, *, spam_and_trash: bool) -> Mapping[str, Any]:
        """A page of message ids, newest first."""
        return await self._called(
            "list",
            lambda users: users.messages().list(
                userId="me", maxResults=500, pageToken=page, includeSpamTrash=spam_and_trash
            ),
            "listing messages",
        )

    async def history(self, since: str, page: str | None) -> Mapping[str, Any]:
        """A page of changes since a position. Raises GoogleError with status 404 where Gmail no longer knows it."""
        return await self._called(
            "history",
            lambda users: users.history().list(
                userId="me",
                startHistoryId=since,
                pageToken=page,
                maxResults=500,
                historyTypes=["messageAdded", "labelAdded", "labelRemoved"],
            ),
            "reading what is new",
        )

    async def message(self, name: str, **how: object) -> Mapping[str, Any]:
        """One message by its id; `how` are parameters of users.messages.get."""
        return await self._called(
            "get", lambda users: users.messages().get(userId="me", id=name, **how), "reading a message"
        )

    async def attachment(self, message: str, name: str) -> Mapping[str, Any]:
        """A part's bytes, as base64url in `data`."""
        return await self._called(
            "attachment",
            lambda users: users.messages().attachments().get(userId="me", messageId=message, id=name),
            "reading a part",
        )

    async def messages(self, names: Sequence[str], **how: object) -> dict[str, Mapping[str, Any] | GoogleError]:
        """Many messages in few requests: by id, each as JSON or as the refusal."""
        found: dict[str, Mapping[str, Any] | GoogleError] = {}
        pending = list(names)

        async def round_() -> None:
            nonlocal pending
            refusals: list[GoogleError] = []
            again: list[str] = []
            for at in range(0, len(pending), BATCH):
                share = pending[at : at + BATCH]
                await self._pace().take(UNITS["get"] * len(share), self._turns.left)
                for name, one in (await self._google.do(functools.partial(self._batch, share, how))).items():
                    found[name] = one
                    if isinstance(one, GoogleError) and one.reason in (Reason.RATE_LIMITED, Reason.SERVER, Reason.AUTH):
                        refusals.append(one)
                        again.append(name)
            pending = again
            if refusals:
                throttled = [one for one in refusals if one.reason is Reason.RATE_LIMITED]
                raise (throttled or refusals)[0]

        try:
            await self._turns.retried(round_)
        except GoogleError as error:
            # What is left was refused one by one: the caller finds out whether it is the messages' fault.
            if error.reason is not Reason.SERVER or not found.keys() >= set(pending):
                raise
        return found

    async def watch(self, topic: str) -> Mapping[str, Any]:
        """Makes Gmail publish changes to a topic of Cloud Pub/Sub, for a week. It changes nothing in the mailbox."""
        return await self._called(
            "watch", lambda users: users.watch(userId="me", body={"topicName": topic}), "push: asking Gmail to tell"
        )

    async def beyond(self) -> list[str]:
        """See GoogleLogin.granted_beyond."""
        return await self._turns.retried(lambda: self._google.do(self._google.login.granted_beyond))

    async def _called(self, kind: str, make: Callable[[Any], Any], doing: str) -> Mapping[str, Any]:
        async def once() -> Mapping[str, Any]:
            await self._pace().take(UNITS[kind], self._turns.left)
            return await self._google.called(lambda service: make(service.users()), doing)

        return await self._turns.retried(once)

    def _batch(self, names: Sequence[str], how: Mapping[str, object], http: Any) -> dict[str, Any]:
        """Blocks. The answer as a whole may be fine where parts of it are not."""
        doing = "reading messages"
        found: dict[str, Any] = {}

        def take(name: str, result: Any, error: Any) -> None:
            found[name] = result if error is None else self._google.failure(error, doing)

        def execute(authorized: TokenHttp) -> None:
            batch = optional_package("googleapiclient.http", "gmail").BatchHttpRequest(
                take, batch_uri=f"{self._google.url}/batch"
            )
            for name in names:
                batch.add(self._google.service().users().messages().get(userId="me", id=name, **how), request_id=name)
            batch.execute(http=authorized)
            for one in found.values():
                if isinstance(one, GoogleError) and one.status == 401:
                    raise one

        self._google.sent(execute, http, doing)
        return found
