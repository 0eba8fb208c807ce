"""What `check` says of this machine's part: the store with the waits in it, and the port of the web."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING

from inboxwatch.commands.daemon_address import daemon_address
from inboxwatch.commands.finding import Finding
from inboxwatch.engine.departures import Departure, departures
from inboxwatch.engine.erasure_clock import Reckoned, reckon
from inboxwatch.engine.rules import Rules
from inboxwatch.now import now
from inboxwatch.store import Store, StoreError, StoreMissingError, file_of_url

if TYPE_CHECKING:
    from pathlib import Path

    from inboxwatch.config import Config, WebConfig

LOW = 100 * 2**20
"""Free bytes of a disk below which a store may soon be full."""
ANSWER = 5.0
"""Seconds for whoever listens on our port to say that they are inboxwatch."""


def check_store(config: Config, *, offline: bool) -> Iterator[Finding]:
    """The store as it is, without a change to it; offline only where it is a file of this machine."""
    url = config.store_url
    if not url.resolved:
        yield Finding("store", "ok", "not looked at: its address is a secret that is not here")
        return
    file = file_of_url(url.reveal())
    if file is not None:
        yield from _disk(file)
    elif offline:
        return
    try:
        found, ahead = _look(config)
    except StoreMissingError as missing:
        yield Finding("store", "ok", str(missing))
    except StoreError as error:
        yield Finding("store", "failed", str(error))
    else:
        yield Finding("store", "ok", "can be opened, and its tables are those of this version")
        yield from _age(config, ahead)
        yield from (Finding("open waits", "warning", str(one), "see before you reload") for one in found)


def list_departures(config: Config) -> list[Departure]:
    """What open waits need that the config no longer names; the store is opened as it is. Raises StoreError."""
    return _look(config)[0]


def _look(config: Config) -> tuple[list[Departure], Reckoned]:
    store = Store(config.store_url.reveal(), migrate=False)
    try:
        with store.reading() as tx:
            return departures(tx, Rules.connect(config), now()), reckon(tx, now())
    finally:
        store.close()


def _age(config: Config, age: Reckoned) -> Iterator[Finding]:
    if age.held and (config.keep is not None or config.keep_audit is not None):
        text = f"this machine's clock is {age.ahead.days} days ahead of the time at which inboxwatch was last at work: "
        text += f"age is counted by {age.at:%Y-%m-%d %H:%M} UTC, so that a wrong clock erases nothing"
        yield Finding("history", "warning", text, "where the clock is right, run `inboxwatch store trust-clock`")


def check_port(config: Config) -> Iterator[Finding]:
    """Whether the web can listen; a daemon of ours that listens already is well."""
    listen = config.web.listen
    if listen.port == 0:
        return
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((listen.host, listen.port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE and _ours(config.web):
            yield Finding("web", "ok", f"a daemon answers on {listen} already")
        elif error.errno == errno.EADDRINUSE:
            yield Finding("web", "failed", f"another program listens on {listen}", "end it, or change web.listen")
        else:
            yield Finding("web", "failed", f"cannot listen on {listen}: {error.strerror}", "change web.listen")
    else:
        yield Finding("web", "ok", f"{listen} is free")


def _disk(file: Path) -> Iterator[Finding]:
    folder = file.parent
    if not folder.is_dir():
        return  # the store says so when it is opened
    target = file if file.exists() else folder
    if not os.access(target, os.W_OK) or not os.access(folder, os.W_OK | os.X_OK):
        yield Finding("store", "failed", f"{target} cannot be written by this user", "give it to the daemon's user")
    if (free := shutil.disk_usage(folder).free) < LOW:
        yield Finding(
            "store", "warning", f"only {free // 2**20} MB are free in {folder}", "make room, or move the store"
        )


def _ours(web: WebConfig) -> bool:
    address = daemon_address(web)
    own: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    own += [urllib.request.HTTPSHandler(context=address.ssl)] if address.ssl is not None else []
    try:
        with urllib.request.build_opener(*own).open(f"{address.url}/healthz", timeout=ANSWER) as answer:
            return bool(answer.read(10) == b"ok\n")
    except (OSError, ValueError):
        return False
