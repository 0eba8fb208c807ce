"""What systemd is told of a daemon that it started with `Type=notify` (sd_notify(3)); without systemd nothing happens.

The library for it would be libsystemd; the protocol is one datagram of `NAME=VALUE` lines to a socket.
"""

from __future__ import annotations

import asyncio
import os
import socket

import structlog

log = structlog.get_logger(__name__)


def tell(**values: str | int) -> None:
    """Sends values such as `READY=1`. Never raises: a daemon must not end because nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    text = "\n".join(f"{name}={value}" for name, value in values.items())
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
            speaker.settimeout(1)
            speaker.sendto(text.encode(), "\0" + address[1:] if address.startswith("@") else address)
    except OSError as error:
        log.warning("systemd cannot be told", error=str(error))


def watchdog_period() -> float | None:
    """Seconds within which systemd wants a sign of life (`WatchdogSec`); None where it wants none of this process."""
    period, process = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    meant = not process or process == str(os.getpid())
    return int(period) / 1e6 if period.isdecimal() and int(period) > 0 and meant else None


async def show_life() -> None:
    """Gives signs of life from the loop that does the work, until cancelled: one that hangs gives none."""
    period = watchdog_period()
    while period is not None:
        tell(WATCHDOG=1)
        await asyncio.sleep(period / 3)
