"""Calls of the Gmail API by Google's client library: blocking work on threads, connections shared by all mailboxes."""

from __future__ import annotations

import functools
import json
import logging
import queue
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any, TypeVar

from connectors.mail.error_text import one_line
from connectors.mail.gmail.quota import UNITS, RateLimiter
from connectors.mail.google_login import GoogleLogin
from connectors.mail.http_errors import parse_retry_after, refused, unreached
from connectors.mail.optional_package import optional_package
from connectors.mail.quota_turns import MailboxTurns
from connectors.mail.worker_threads import workers
from inboxwatch.connector import MailboxError, Reason

_STEP_LIMIT = 120.0
BATCH = 50
"""Reads in one HTTP request: Google's advice."""
_THROTTLES = {"ratelimitexceeded", "userratelimitexceeded", "quotaexceeded", "dailylimitexceeded", "resource_exhausted"}
_HINTS = {
    "insufficientpermissions": "the token's scope does not allow it: check `scope` and what was delegated",
    "accessnotconfigured": "the Gmail API is off in the project: gcloud services enable gmail.googleapis.com",
    "domainpolicy": "the domain's administrators have turned off the Gmail API for this user",
    "failedprecondition": "the user has no Gmail: it may lack a licence, or its mail is elsewhere",
    "dailylimitexceeded": "the project's quota of the day is used up",
}

Result = TypeVar("Result")


class GmailError(MailboxError):
    """A refusal with the status and Google's reason, in lower case."""

    status: int = 0
    why: str = ""


class GmailApi:
    """One mailbox. Reads only: the service object is not given away."""

    def __init__(
        self, login: GoogleLogin, url: str, ca_file: Path | None, timeout: float, turns: MailboxTurns,
        pace: Callable[[], RateLimiter],
    ) -> None:  # fmt: skip
        self._login = login
        self._url = url
        self._ca_file = ca_file
        self._timeout = timeout
        self._turns = turns
        self._pace = pace
        self.requests = 0
        """HTTP requests so far, those for tokens not counted."""

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
        """A page of changes since a position. Raises GmailError with status 404 where Gmail no longer knows it."""
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

    async def messages(self, names: Sequence[str], **how: object) -> dict[str, Mapping[str, Any] | GmailError]:
        """Many messages in few requests: by id, each as JSON or as the refusal."""
        found: dict[str, Mapping[str, Any] | GmailError] = {}
        pending = list(names)

        async def round_() -> None:
            nonlocal pending
            refusals: list[GmailError] = []
            again: list[str] = []
            for at in range(0, len(pending), BATCH):
                share = pending[at : at + BATCH]
                await self._pace().take(UNITS["get"] * len(share), self._turns.left)
                for name, one in (await self._do(functools.partial(self._batch, share, how))).items():
                    found[name] = one
                    if isinstance(one, GmailError) and one.reason in (Reason.RATE_LIMITED, Reason.SERVER, Reason.AUTH):
                        refusals.append(one)
                        again.append(name)
            pending = again
            if refusals:
                throttled = [one for one in refusals if one.reason is Reason.RATE_LIMITED]
                raise (throttled or refusals)[0]

        try:
            await self._turns.retried(round_)
        except GmailError as error:
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
        return await self._turns.retried(lambda: self._do(self._login.granted_beyond))

    async def _called(self, kind: str, make: Callable[[Any], Any], doing: str) -> Mapping[str, Any]:
        async def once() -> Mapping[str, Any]:
            await self._pace().take(UNITS[kind], self._turns.left)
            return await self._do(lambda http: self._executed(make, http, doing))

        return await self._turns.retried(once)

    async def _do(self, work: Callable[[Any], Result]) -> Result:
        return await on_a_thread(self._url, self._ca_file, self._timeout, work)

    def _executed(self, make: Callable[[Any], Any], http: Any, doing: str) -> Mapping[str, Any]:
        """Blocks."""
        result = self._sent(lambda bearer: make(_service(self._url).users()).execute(http=bearer), http, doing)
        if not isinstance(result, dict):
            raise MailboxError(Reason.PROTOCOL, f"{doing}: the answer is no JSON object")
        return result

    def _batch(self, names: Sequence[str], how: Mapping[str, object], http: Any) -> dict[str, Any]:
        """Blocks. The answer as a whole may be fine where parts of it are not."""
        doing = "reading messages"
        found: dict[str, Any] = {}

        def take(name: str, result: Any, error: Any) -> None:
            found[name] = result if error is None else _failure(error, doing)

        def execute(bearer: _Bearer) -> None:
            batch = optional_package("googleapiclient.http", "gmail").BatchHttpRequest(
                take, batch_uri=f"{self._url}/batch"
            )
            for name in names:
                batch.add(_service(self._url).users().messages().get(userId="me", id=name, **how), request_id=name)
            batch.execute(http=bearer)
            for one in found.values():
                if isinstance(one, GmailError) and one.status == 401:
                    raise one

        self._sent(execute, http, doing)
        return found

    def _sent(self, send: Callable[[_Bearer], Result], http: Any, doing: str) -> Result:
        """Blocks. A token that is refused before its time is renewed once; a second refusal is raised."""
        for renew in (False, True):
            try:
                bearer = _Bearer(http, self._login.token(http, renew=renew))
                self.requests += 1
                return send(bearer)
            except GmailError as error:
                if renew or error.status != 401:
                    raise
            except _errors() as error:
                found = _failure(error, doing)
                if renew or not (isinstance(found, GmailError) and found.status == 401):
                    raise found from error
        raise AssertionError("unreachable")


async def on_a_thread(url: str, ca_file: Path | None, timeout: float, work: Callable[[Any], Result]) -> Result:  # noqa: ASYNC109  (of answers)
    """Runs blocking work on a thread with a connection to itself. One that failed is not used again."""

    def alone() -> Result:
        connections = _connections(ca_file, timeout)
        http = connections.get()
        try:
            result = work(http)
        except GmailError:
            connections.put(http)
            raise
        except BaseException:
            http.close()
            connections.drain()  # what ended this connection ended the idle ones as well
            raise
        connections.put(http)
        return result

    try:
        return await workers().run(url, alone, _STEP_LIMIT)
    except TimeoutError:
        raise MailboxError(Reason.TIMEOUT, f"a step took more than {_STEP_LIMIT:.0f} s") from None


class _Bearer:
    """An httplib2.Http that adds the token, and through which the library finds no credentials to renew by itself."""

    def __init__(self, http: Any, token: str) -> None:
        self._http = http
        self._token = token

    def request(self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **_: object) -> Any:
        given = {**(headers or {}), "authorization": f"Bearer {self._token}"}
        return self._http.request(uri, method, body=body, headers=given, redirections=0)


class _Connections:
    """Idle connections, the last one used first."""

    def __init__(self, ca_file: Path | None, timeout: float) -> None:
        self._ca_file = ca_file
        self._timeout = timeout
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue()

    def get(self) -> Any:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            pass
        return optional_package("httplib2", "gmail").Http(
            timeout=self._timeout, ca_certs=str(self._ca_file) if self._ca_file else None
        )

    def put(self, http: Any) -> None:
        self._idle.put(http)

    def drain(self) -> None:
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return


_connections = functools.cache(_Connections)
"""For each authority and time limit: each connection has a TLS context, of 880 kB."""


@functools.cache
def _service(url: str) -> Any:
    """The library's view of the API; it makes requests and sends none."""
    # It logs the reasons of refusals, which MailboxError carries.
    logging.getLogger("googleapiclient").setLevel(logging.ERROR)
    return optional_package("googleapiclient.discovery", "gmail").build(
        "gmail",
        "v1",
        http=optional_package("httplib2", "gmail").Http(),
        cache_discovery=False,
        static_discovery=True,
        client_options={"api_endpoint": url},
    )


def _errors() -> tuple[type[Exception], ...]:
    """What the library raises."""
    library = optional_package("googleapiclient.errors", "gmail")
    below = optional_package("httplib2", "gmail").HttpLib2Error
    return library.HttpError, library.BatchError, below, HTTPException, OSError, ValueError


def _failure(error: Exception, doing: str) -> MailboxError:
    response, content = getattr(error, "resp", None), getattr(error, "content", b"")
    status = int(getattr(response, "status", 0) or 0)
    if status:
        return refusal(status, content, response.get("retry-after") if response is not None else None, doing)
    found = unreached(error, doing)
    if found is not None:
        return found
    if isinstance(error, ValueError):
        return MailboxError(Reason.PROTOCOL, f"{doing}: the answer cannot be read")
    name = type(error).__name__
    if name == "ServerNotFoundError":
        return MailboxError(Reason.UNAVAILABLE, f"{doing}: {one_line(str(error))}", hint="check the name server")
    if name in ("BatchError", "RedirectMissingLocation", "RelativeURIError"):
        return MailboxError(Reason.PROTOCOL, f"{doing}: the answer cannot be read ({name})")
    return MailboxError(Reason.UNAVAILABLE, f"{doing}: the connection ended early ({name})")


def refusal(status: int, content: bytes, retry_after: str | None, doing: str) -> GmailError:
    """The error for an answer of a Google server with a status of 400 or more."""
    why, text = _words(content)
    plain = refused(
        status,
        f"{why}: {text}" if why else text,
        doing,
        hint=_HINTS.get(why, ""),
        retry_after=parse_retry_after(retry_after),
    )
    found = GmailError(plain.reason, str(plain), hint=plain.hint, retry_after=plain.retry_after)
    found.status, found.why = status, why
    if why in _THROTTLES:
        found.reason = Reason.RATE_LIMITED
    return found


def _words(content: bytes) -> tuple[str, str]:
    """Google's reason in lower case, and what it says."""
    try:
        error = json.loads(content)["error"]
        details = error.get("errors") or [{}]
        return str(details[0].get("reason") or error.get("status") or "").lower(), str(error.get("message") or "")
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        return "", one_line(content[:200].decode("utf-8", "replace")) or "refused"
