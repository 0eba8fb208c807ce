"""Every configured secret is cut out of whatever is shown, logged or stored, however a server quotes it."""

from __future__ import annotations

import base64
import io
import json
import sys
from urllib.parse import quote

import pytest
import structlog

from inboxwatch.connector import MailboxError, Reason
from inboxwatch.daemon import logs
from inboxwatch.hidden import hidden
from inboxwatch.notify import ChannelError
from inboxwatch.notify.text import said
from inboxwatch.settings import Secret
from inboxwatch.store import StoreError

PLANTED = "plant-7Xq9/ä+zQ1"
HOOK = "https://hooks.acme.test/services/T0AB12/B9CD34/s3cretPathOfTheHook?key=anotherOne77"
POSTGRES = "postgresql+psycopg://watch:pgP4ss%2Fword9@db.acme.test/inboxwatch"


@pytest.fixture(autouse=True)
def planted() -> None:
    for text in (PLANTED, HOOK, POSTGRES):
        Secret(text, "the config")


def coded(before: str) -> str:
    return base64.b64encode(f"{before}{PLANTED}".encode()).decode()


QUOTED = {
    "as it is": (f"denied: Authorization: Bearer {PLANTED}", PLANTED),
    "in other case": (f"unknown user {PLANTED.upper()}", PLANTED.upper()),
    "in a path": (f"Cannot GET /x/{quote(PLANTED, safe='')}", quote(PLANTED, safe="")),
    "in base64": (f"535 bad: {coded('')} for you", coded("")[:-4]),
    "behind one byte": (f"535 bad: {coded('a')} for you", coded("a")[4:-4]),
    "behind two bytes": (f"535 bad: {coded('ab')} for you", coded("ab")[4:-4]),
    "a webhook's path": ("Cannot POST /services/T0AB12/B9CD34/s3cretPathOfTheHook", "s3cretPathOfTheHook"),
    "a part of the path": ("no hook s3cretPathOfTheHook here", "s3cretPathOfTheHook"),
    "a query": ("bad key=anotherOne77", "anotherOne77"),
    "a database's password": ("password pgP4ss/word9 is wrong", "pgP4ss/word9"),
    "cut at its end": ("token was plant-7Xq9/ä", "plant-7Xq9"),
}


@pytest.mark.parametrize("name", QUOTED)
def test_what_a_server_quotes_is_cut_out_of_every_error(name: str) -> None:
    words, secret = QUOTED[name]
    told = [
        str(MailboxError(Reason.AUTH, words)),
        MailboxError(Reason.AUTH, "x", hint=words).hint,
        str(ChannelError(words)),
        str(StoreError(words)),
        said(words),
        said(words, len(words) - 2),
        hidden(words),
    ]
    for text in told:
        assert secret not in text
        assert "<secret>" in text


@pytest.mark.parametrize("name", QUOTED)
def test_the_log_holds_no_secret_however_deep(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words, secret = QUOTED[name]
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    logs.configure("debug")
    structlog.get_logger().warning(words, error=ValueError(words), nested={"x": [words]})
    assert secret not in json.loads(written.getvalue()).__repr__()


@pytest.mark.parametrize("text", ["the server refused the password", "LOGIN failed for ana@acme.test", "plant", "x"])
def test_what_is_no_secret_stays(text: str) -> None:
    Secret("password", "the config")
    assert hidden(text) == text
