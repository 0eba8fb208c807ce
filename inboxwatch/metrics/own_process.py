"""The metrics of the process (`process_*`), also where a sandbox hides `/proc/stat`."""

from __future__ import annotations

import time

from prometheus_client import ProcessCollector

from inboxwatch.now import now


class OwnProcess(ProcessCollector):
    """The library leaves all of them out where it cannot read when the machine was booted, as under `ProcSubset=pid`:
    the kernel's own clock knows it too.
    """

    def _boot_time(self) -> float:
        try:
            found: float | None = super()._boot_time()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        except OSError:
            found = None
        return found or now().timestamp() - time.clock_gettime(time.CLOCK_BOOTTIME)
