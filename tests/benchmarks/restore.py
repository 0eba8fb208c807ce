"""A backup while the daemon reads mail as fast as it can, then its restore: seconds, and what is missing afterwards.

python -m tests.benchmarks.restore [MESSAGES] [postgresql]
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.doubles.postgres import Postgres
from tests.support.installation import Installation
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, MaildirTeamMail

BUYERS = 500
LIMIT = 600.0


@contextlib.contextmanager
def database(kind: str) -> Iterator[str]:
    if kind != "postgresql":
        yield "sqlite:///store.db"
        return
    with Postgres.start() as server:
        yield server.database()


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 12000
    kind = sys.argv[2] if len(sys.argv) > 2 else "sqlite"
    with tempfile.TemporaryDirectory() as name, database(kind) as url:
        folder = Path(name)
        mail = MaildirTeamMail(folder / "mail", [ANA])
        leads = "email,owner\n" + "".join(f"b{number}@b{number}.test,ana\n" for number in range(BUYERS))
        house = Installation(
            folder, mail.mailboxes(), channels={"desk": {"type": "console"}}, target="4h", store=url, leads=leads
        )

        def deliver() -> None:
            for number in range(most):
                buyer = f"b{number % BUYERS}@b{number % BUYERS}.test"
                mail.deliver(ANA, message_bytes(buyer, ANA, id=f"m{number}@b.test", subject=f"Question {number}"))

        with house.daemon() as daemon:
            load = threading.Thread(target=deliver)
            load.start()
            daemon.wait(lambda: daemon.metric("inboxwatch_messages_total") > most / 4, "mail is read", LIMIT)
            begun, before = time.monotonic(), daemon.metric("inboxwatch_messages_total")
            done = house.command("store", "backup", str(folder / "kept.db"), timeout=LIMIT)
            seconds, after = time.monotonic() - begun, daemon.metric("inboxwatch_messages_total")
            assert done.returncode == 0, done.stderr
            print(f"restore: {kind}: backup in {seconds:.1f} s, while {after - before:.0f} messages were read on")
            load.join()
            daemon.wait(lambda: daemon.metric("inboxwatch_messages_total") >= most, "all is read", LIMIT)
            waits = {one["id"] for one in daemon.clocks()}
            daemon.stop()
        begun = time.monotonic()
        done = house.command("store", "restore", str(folder / "kept.db"), "--replace", timeout=LIMIT)
        assert done.returncode == 0, done.stderr
        print(f"restore: {kind}: {time.monotonic() - begun:.1f} s; {' '.join(done.stdout.split())[:200]}")
        begun = time.monotonic()
        with house.daemon() as daemon:
            daemon.wait(lambda: daemon.metric("inboxwatch_messages_total") >= most, "all is read again", LIMIT)
            missing = waits ^ {one["id"] for one in daemon.clocks()}
            seconds = time.monotonic() - begun
        print(f"restore: {kind}: read on in {seconds:.1f} s; waits that are others than before: {len(missing)}")


if __name__ == "__main__":
    main()
