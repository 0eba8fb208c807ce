"""Calls of APIs by Google's client library: blocking work on threads, connections shared by all of a process."""

from __future__ import annotations

import functools
import json
import logging
import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any, TypeVar

from connectors.error_text import one_line
from connectors.http_errors import parse_retry_after, refused, unreached
from connectors.mail.google_login import GoogleLogin
from connectors.optional_package import optional_package
from connectors.worker_threads import workers
from inboxwatch.connector import MailboxError, Reason

_STEP_LIMIT = 120.0
_THROTTLES = {"ratelimitexceeded", "userratelimitexceeded", "quotaexceeded", "dailylimitexceeded", "resource_exhausted"}
_HINTS = {
    "insufficientpermissions": "the token's scope does not allow it: check `scope` and what was delegated",
    "dailylimitexceeded": "the project's quota of the day is used up",
}

Result = TypeVar("Result")


class GoogleError(MailboxError):
    """A refusal with the status and Google's reason, in lower case."""

    status: int = 0
    why: str = ""


@dataclass(slots=True)
class GoogleApi:
    """One API in the name of one login."""

    name: str
    """As the library calls it: `gmail`."""
    version: str
    url: str
    login: GoogleLogin
    ca_file: Path | None
    timeout: float
    """Seconds for an answer."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """What to do, by Google's reason."""
    requests: int = 0
    """HTTP requests so far, those for tokens not counted."""

    async def called(self, make: Callable[[Any], Any], doing: str) -> Mapping[str, Any]:
        """The answer to the request that `make` makes of the library's service object."""
        return await self.do(lambda http: self._executed(make, http, doing))

    async def do(self, work: Callable[[Any], Result]) -> Result:
        """Runs blocking work on a thread with a connection to itself."""
        return await on_a_thread(self.url, self.ca_file, self.timeout, work)

    def service(self) -> Any:
        """The library's view of the API; it makes requests and sends none."""
        return _service(self.name, self.version, self.url)

    def sent(self, send: Callable[[TokenHttp], Result], http: Any, doing: str) -> Result:
        """Blocks. A token that is refused before its time is renewed once; a second refusal is raised."""
        for renew in (False, True):
            try:
                authorized = TokenHttp(http, self.login.token(http, renew=renew))
                self.requests += 1
                return send(authorized)
            except GoogleError as error:
                if renew or error.status != 401:
                    raise
            except _errors() as error:
                found = self.failure(error, doing)
                if renew or not (isinstance(found, GoogleError) and found.status == 401):
                    raise found from error
        raise AssertionError("unreachable")

    def failure(self, error: Exception, doing: str) -> MailboxError:
        """What the library raised, in the words of the port."""
        return _failure(error, doing, self.hints)

    def _executed(self, make: Callable[[Any], Any], http: Any, doing: str) -> Mapping[str, Any]:
        """Blocks."""
        result = self.sent(lambda bearer: make(self.service()).execute(http=bearer), http, doing)
        if not isinstance(result, dict):
            raise MailboxError(Reason.PROTOCOL, f"{doing}: the answer is no JSON object")
        return result


async def on_a_thread(url: str, ca_file: Path | None, timeout: float, work: Callable[[Any], Result]) -> Result:  # noqa: ASYNC109  (of answers)
    """Runs blocking work on a thread with a connection to itself. One that failed is not used again."""

    def alone() -> Result:
        connections = _connections(ca_file, timeout)
        http = connections.get()
        try:
            result = work(http)
        except GoogleError:
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


class TokenHttp:
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
def _service(name: str, version: str, url: str) -> Any:
    # It logs the reasons of refusals, which MailboxError carries.
    logging.getLogger("googleapiclient").setLevel(logging.ERROR)
    return optional_package("googleapiclient.discovery", "gmail").build(
        name,
        version,
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


def _failure(error: Exception, doing: str, hints: Mapping[str, str]) -> MailboxError:
    response, content = getattr(error, "resp", None), getattr(error, "content", b"")
    status = int(getattr(response, "status", 0) or 0)
    if status:
        return refusal(status, content, response.get("retry-after") if response is not None else None, doing, hints)
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


def refusal(status: int, content: bytes, retry_after: str | None, doing: str, hints: Mapping[str, str]) -> GoogleError:
    """The error for an answer of a Google server with a status of 400 or more."""
    why, text = _words(content)
    plain = refused(
        status,
        f"{why}: {text}" if why else text,
        doing,
        hint=hints.get(why) or _HINTS.get(why, ""),
        retry_after=parse_retry_after(retry_after),
    )
    found = GoogleError(plain.reason, str(plain), hint=plain.hint, retry_after=plain.retry_after)
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
