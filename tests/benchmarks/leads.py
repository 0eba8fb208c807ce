"""What a million known leads cost: a start of the daemon, its memory, and a batch of mail, against a thousand.

python -m tests.benchmarks.leads [LEADS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median

from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import FolderRole, Lead, LeadId, MailboxId, RawMessage
from inboxwatch.store import Store
from tests.benchmarks.imap_backfill import NOW, opened
from tests.support.installation import DaemonProcess, Installation

FEW = 1_000
MESSAGES, BATCHES = 200, 25
ANA = MailboxId("ana")


def leads(count: int) -> Iterator[Lead]:
    """Three of each company."""
    for number in range(count):
        company = f"company{number // 3}.test"
        yield Lead(LeadId(f"person{number}@{company}"), f"Person {number}", f"Company {number // 3}", company)


def fill(store: Store, count: int) -> None:
    part: list[Lead] = []
    for lead in leads(count):
        part.append(lead)
        if len(part) == 20_000:
            with store.transaction() as tx:
                tx.leads.put(part, NOW)
            part.clear()
    with store.transaction() as tx:
        tx.leads.put(part, NOW)


def batch(turn: int) -> Batch:
    """Mail of known people, of their colleagues and of strangers, a third each."""
    raws = []
    for place in range(MESSAGES):
        number = turn * MESSAGES + place
        company = f"company{number * 7 % (FEW // 3)}.test"
        known = number * 7 % FEW
        senders = (f"person{known}@company{known // 3}.test", f"n{number}@{company}", f"s{number}@x.test")
        names = f"Message-ID: <m{number}@x.test>\r\nSubject: Offer {number}"
        head = f"From: {senders[place % 3]}\r\nTo: ana@acme.test\r\n{names}"
        at = NOW - timedelta(days=1) + timedelta(seconds=number)
        raws.append(RawMessage(str(number), FolderRole.INBOX, at, f"{head}\r\n\r\n".encode()))
    return Batch(tuple(raws), Cursor(str(turn)))


def cost_of_a_batch(count: int) -> float:
    """Milliseconds of CPU, the median of many batches."""
    with tempfile.TemporaryDirectory() as name:
        store, engine = opened(Path(name))
        fill(store, count)
        cursor, spent = engine.begin_history(ANA, NOW - timedelta(days=30), NOW).cursor, []
        for turn in range(BATCHES):
            given = batch(turn)
            begun = time.process_time()
            engine.ingest_history(ANA, given, cursor, NOW)
            spent.append((time.process_time() - begun) * 1000)
            cursor = given.cursor
        store.close()
    return median(spent[3:])


def ready(daemon: DaemonProcess) -> bool:
    return daemon.status("/readyz") == 200


def start(count: int) -> tuple[float, float, float]:
    """Seconds until the daemon is ready, with its list read anew and read before; and its memory then, in MB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("cur", "new", "tmp"):
            (folder / "mail" / part).mkdir(parents=True)
        rows = (f"{lead.id},{lead.name},{lead.company},{lead.domain}" for lead in leads(count))
        text = "\n".join(["email,name,company,domain", *rows, ""])
        box = {"connector": "maildir", "address": "ana@acme.test", "owner": "ana", "path": str(folder / "mail")}
        installed = Installation(folder, {"ana": box}, leads=text, channels={"desk": {"type": "console"}})
        taken = []
        memory = 0.0
        for _ in range(2):
            begun = time.monotonic()
            with installed.daemon(wait=False) as daemon:
                daemon.wait(partial(ready, daemon), timeout=1800)
                taken.append(time.monotonic() - begun)
                status = Path(f"/proc/{daemon.process.pid}/status").read_text(encoding="ascii")
                memory = int(status.partition("VmRSS:")[2].split()[0]) / 1000
                daemon.stop()
    return taken[0], taken[1], memory


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    few_ms, many_ms = cost_of_a_batch(FEW), cost_of_a_batch(many)
    costs = f"{few_ms:.1f} ms of CPU with {FEW} leads, {many_ms:.1f} with {many}"
    print(f"a batch of {MESSAGES} messages: {costs}: {many_ms / few_ms:.2f} times")
    (_, few_s, few_mb), (first_s, many_s, many_mb) = start(FEW), start(many)
    once = f"{first_s:.0f} s when the list is new"
    print(f"figure 12: ready in {few_s:.1f} s with {FEW} leads, in {many_s:.1f} s with {many} ({once})")
    print(f"memory of the daemon: {few_mb:.0f} MB with {FEW} leads, {many_mb:.0f} MB with {many}")


if __name__ == "__main__":
    main()
