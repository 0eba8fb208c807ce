"""Waking a Gmail mailbox by push: Gmail publishes changes to a topic, and a subscription to it is pulled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from connectors.mail.gmail.api import GmailApi
from connectors.mail.gmail.pubsub import SCOPE, PubSubSubscription, PushSettings
from connectors.mail.google_login import GoogleLogin
from connectors.retry import PushBackoff
from inboxwatch import now as instant
from inboxwatch.connector import MailboxError, Reason
from inboxwatch.core.backoff import Backoff

log = structlog.get_logger(__name__)

_RENEW = 86_400.0
"""Seconds after which Gmail is asked again, or sooner where it says so: it forgets after a week and advises a day
(developers.google.com/workspace/gmail/api/guides/push)."""
_REFUSED = Backoff(first=60.0, longest=3_600.0)
"""Pauses where Gmail refuses."""
_SHORT = 60.0
"""Seconds: a watch that ends sooner is a sign that a clock is wrong."""
_SHORT_AGAIN = Backoff(first=1.0, longest=3_600.0)
"""The shortest pauses where that happens again and again."""
_READ = "pubsub.subscriptions.consume"
_BEYOND = ("pubsub.subscriptions.delete", "pubsub.subscriptions.update", "pubsub.subscriptions.setIamPolicy")


class GmailPush:
    """Push for one mailbox. `wait` returns at news that no poll has read yet, once for each."""

    def __init__(
        self, name: str, api: GmailApi, settings: PushSettings, shared: Callable[[], PubSubSubscription]
    ) -> None:
        """`name`: of the mailbox in the config. `shared`: the subscription, on the event loop."""
        self._name = name
        self._api = api
        self._settings = settings
        self._shared = shared
        self._subscription: PubSubSubscription | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._newest = 0
        """The last position in the mailbox's history that push reported and no poll was begun for; 0: none."""
        self._read = 0
        """Position up to which polls have read."""

    def hear(self, history: int) -> None:
        """Push has reported a position in the mailbox's history."""
        self._newest = max(self._newest, history)
        self._news.set()

    def poll_begins(self) -> None:
        """A poll begins: it will find all that push reported so far."""
        self._newest = 0

    def poll_ended(self, history: int) -> None:
        """A poll has read up to this position."""
        self._read = history

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109  (the port's signature)
        """Whether there is news within `timeout` seconds."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())
        if self._keeper.done():
            self._keeper.result()  # a defect: let the caller tell it
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self._newest <= self._read:
                    self._news.clear()
                    await self._news.wait()
        news, self._newest = self._newest > self._read, 0
        return news

    async def close(self) -> None:
        """Ends the watch and leaves the subscription."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        if self._subscription is not None:
            await self._subscription.leave(self.hear)

    async def _keep(self) -> None:
        """Renews the watch. The answer to the first one reports what came before."""
        backoff, short = PushBackoff(_REFUSED), PushBackoff(_SHORT_AGAIN)
        while True:
            try:
                if self._subscription is None:
                    address = _address(await self._api.profile())
                    self._subscription = self._shared()
                    self._subscription.join(address, self.hear)
                answer = await self._api.watch(self._settings.topic)
                self.hear(_number(answer, "historyId"))
                left = _number(answer, "expiration") / 1000 - instant.now().timestamp()
            except MailboxError as error:
                pause = max(backoff.failed(), error.retry_after or 0.0)
                if backoff.failures == 1:
                    why = {"reason": error.reason.value, "error": str(error), "hint": error.hint}
                    log.warning("no push for this mailbox; it is polled", mailbox=self._name, **why)
            else:
                backoff.succeeded()
                pause = min(_RENEW, left / 2)
                if pause < _SHORT:
                    pause = max(pause, short.failed())
                else:
                    short.succeeded()
            await asyncio.sleep(pause)

    async def check(self, login: GoogleLogin) -> tuple[str, list[str]]:
        """For `Probe`: the state of the push, and warnings with the commands that repair it."""
        topic, subscription = self._settings.topic, self._settings.subscription
        member = (
            f"serviceAccount:{login.info['client_email']}" if login.kind == "service_account" else f"user:{login.user}"
        )
        warnings: list[str] = []
        try:
            granted = await self._shared().granted((_READ, *_BEYOND))
            wrong = "" if _READ in granted else f"push: {subscription} is not there, or this login may not read it"
            if beyond := sorted(granted & set(_BEYOND)):
                warnings.append(f"push: the login may do more than read the subscription: {', '.join(beyond)}")
        except MailboxError as error:
            wrong = f"{error}" + (f" ({error.hint})" if error.hint else "")
        if wrong:
            warnings.append(
                f"{wrong}; mail is found by polling only. Its login needs the scope {SCOPE} and one role:\n"
                f"  gcloud pubsub subscriptions create {subscription} --topic={topic} --expiration-period=never\n"
                f"  gcloud pubsub subscriptions add-iam-policy-binding {subscription} --member={member} "
                "--role=roles/pubsub.subscriber"
            )
        try:
            await self._api.watch(topic)
        except MailboxError as error:
            wrong = "refused"
            warnings.append(
                f"push: Gmail does not tell {topic} of news: {error}; mail is found by polling only. It needs:\n"
                f"  gcloud pubsub topics create {topic}\n"
                f"  gcloud pubsub topics add-iam-policy-binding {topic} "
                "--member=serviceAccount:gmail-api-push@system.gserviceaccount.com --role=roles/pubsub.publisher"
            )
        state = "does not work" if wrong else "works"
        return f"by Cloud Pub/Sub, pulled from {subscription}: {state}; needs the scope {SCOPE}", warnings


def _address(profile: Mapping[str, Any]) -> str:
    """Raises MailboxError."""
    address = profile.get("emailAddress")
    if not isinstance(address, str) or not address:
        raise MailboxError(Reason.PROTOCOL, "push: Gmail does not tell the mailbox's address")
    return address


def _number(answer: Mapping[str, Any], name: str) -> int:
    """Numbers of 64 bits come as texts. Raises MailboxError."""
    text = str(answer.get(name, 0))
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise MailboxError(Reason.PROTOCOL, f"push: `{name}` is no number of 64 bits")
    return int(text)
