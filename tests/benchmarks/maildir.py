"""A Maildir of 100,000 files: first reading, polls that find nothing, flags, restarts, memory.

python -m tests.benchmarks.maildir [MESSAGES]
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from connectors.mail.maildir import Maildir, MaildirSettings
from inboxwatch.connector import Batch, Context, Cursor, Reading
from inboxwatch.testing import letter

FLAGGED = 200
"""Messages that a person marks as read, one after the other."""


def resident() -> int:
    """Bytes of memory of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def fill(root: Path, messages: int) -> None:
    for folder in (root, root / ".Sent"):
        for part in ("tmp", "new", "cur"):
            (folder / part).mkdir(parents=True)
    for number in range(messages):
        name = f"{1_790_000_000 + number}.M{number}P1.host,S=900"
        (root / "cur" / f"{name}:2,S").write_bytes(letter(number))


def connector(root: Path) -> Maildir:
    return Maildir(MaildirSettings.model_validate({"path": str(root)}), Context("ana", "ana@acme.test", Reading()))


async def last_of(box: Maildir, cursor: Cursor | None) -> tuple[Batch, int]:
    """The last batch of a poll, and how many messages it read in all."""
    count = 0
    async for batch in box.poll(cursor):
        count += len(batch.messages)
    return batch, count


async def cost(work: Callable[[], Awaitable[object]], times: int = 5) -> float:
    """CPU seconds of one, the median of several."""
    spent: list[float] = []
    for _ in range(times):
        before = time.process_time()
        await work()
        spent.append(time.process_time() - before)
    return sorted(spent)[times // 2]


async def measure(root: Path, messages: int) -> None:
    before = resident()
    box = connector(root)
    start, cpu = time.perf_counter(), time.process_time()
    batch, count = await last_of(box, None)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    assert count == messages
    print(
        f"first reading of {messages}: {messages / seconds:.0f} messages/s, {cpu / messages * 1e6:.0f} us of CPU each"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    cursor = batch.cursor
    del batch
    held = (resident() - before) / 1e6
    print(f"memory: {(peak - before) / 1e6:.0f} MB more at most, {held:.1f} MB afterwards; cursor {len(cursor)} bytes")

    async def unchanged() -> None:
        nonlocal cursor
        found, fresh = await last_of(box, cursor)
        assert fresh == 0
        cursor = found.cursor

    await asyncio.sleep(2.5)
    await unchanged()
    print(f"a poll that finds nothing: {await cost(unchanged) * 1e3:.2f} ms of CPU")

    async def restarted() -> None:
        again = connector(root)
        assert (await last_of(again, cursor))[1] == 0
        await again.aclose()

    print(f"the first poll after a restart, nothing new: {await cost(restarted) * 1e3:.1f} ms of CPU")
    number = iter(range(messages, messages + 100))

    async def delivered() -> None:
        nonlocal cursor
        name = f"{1_790_000_000 + next(number)}.M1P1.host,S=900"
        (root / "tmp" / name).write_bytes(letter(1))
        (root / "tmp" / name).rename(root / "new" / name)
        assert await box.wait(10)
        found, fresh = await last_of(box, cursor)
        assert fresh == 1
        cursor = found.cursor

    print(f"one message delivered and read: {await cost(delivered) * 1e3:.1f} ms of CPU")
    await flags(root, box, cursor)
    await box.aclose()


async def flags(root: Path, box: Maildir, cursor: Cursor) -> None:
    """A person reads mail: names in `cur` change, and nothing is new."""

    files = sorted((root / "cur").iterdir())[:FLAGGED]

    async def rename() -> None:
        for file in files:
            file.rename(file.with_name(file.name.replace(":2,S", ":2,FS")))
            await asyncio.sleep(0.005)

    cpu, polls, task = time.process_time(), 0, asyncio.create_task(rename())
    while not task.done():
        if await box.wait(0.2):
            polls += 1
            found, fresh = await last_of(box, cursor)
            assert fresh == 0
            cursor = found.cursor
    spent = time.process_time() - cpu
    print(f"{FLAGGED} messages flagged: {polls} polls woken, {spent:.2f} s of CPU")
    cpu = time.process_time()
    assert (await last_of(box, cursor))[1] == 0
    print(f"the poll after that: {(time.process_time() - cpu) * 1e3:.1f} ms of CPU")


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "Maildir"
        fill(root, messages)
        asyncio.run(measure(root, messages))


if __name__ == "__main__":
    main()
