"""Why an action of a person cannot be done."""

from __future__ import annotations

from datetime import datetime

from inboxwatch.notify import messages
from inboxwatch.words import Wording, english


class Refused(Exception):  # noqa: N818  (the contract's word: exit code 1 "refused")
    """An action that cannot be done; `status` is the HTTP status that says why: 404 unknown, 409 over, 422 unusable.

    `%(name)s` in the text is replaced by the value of that name. As a string it is English, for the API and logs.
    """

    def __init__(self, status: int, text: str, **values: object) -> None:
        super().__init__(text % values if values else text)
        self.status = status
        self._text = text
        self._values = values

    def said(self, words: Wording) -> str:
        """The same to a reader of a language."""
        return words.say(self._text, **self._values)


class NoSuchWait(Refused):
    """No wait has an id."""

    def __init__(self, clock: str) -> None:
        super().__init__(404, english("no wait has the id %(id)s"), id=clock)


class NoSuchMessage(Refused):
    """No message of a lead has an id."""

    def __init__(self, message_id: str) -> None:
        super().__init__(404, english("no message of a lead has the id %(id)s"), id=message_id)


class WaitOver(Refused):
    """There is nothing left to do to a wait."""

    def __init__(self, stop_reason: str, at: datetime) -> None:
        super().__init__(409, f"the wait is over: {stop_reason} at {at:%Y-%m-%d %H:%M:%S} UTC")
        self._stop_reason = stop_reason

    def said(self, words: Wording) -> str:
        return messages.wait_over(stop_reason=self._stop_reason, words=words)
