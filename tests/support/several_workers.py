"""Several daemons over one PostgreSQL and the same Maildirs, each a process of its own, as a larger house runs them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from inboxwatch.core.shards import SHARDS, House, shard_of
from inboxwatch.store import Store, tables
from tests.support.installation import DaemonProcess, Installation
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import BO, MaildirTeamMail
from tests.support.waiting import wait


class SeveralWorkers:
    """Ana's mailboxes `box0`, `box1`, ..., and the workers that read them."""

    def __init__(self, folder: Path, url: str, *, boxes: int = 6, **settings: Any) -> None:
        """`settings` are those of `Installation`."""
        self.folder = folder
        self.users = [f"box{number}@acme.test" for number in range(boxes)]
        self.mail = MaildirTeamMail(folder / "mail", self.users)
        self.settings = settings | {"store": url}
        self.store = Store(url)
        self.workers: list[DaemonProcess] = []

    def mailboxes(self, **changed: Any) -> dict[str, dict[str, Any]]:
        return {name: box | {"owner": "ana"} | changed for name, box in self.mail.mailboxes().items()}

    @contextlib.contextmanager
    def running(self, count: int, **changed: Any) -> Iterator[Sequence[DaemonProcess]]:
        """So many workers that share the mailboxes; `changed` are keys of every mailbox."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.store.close)
            for number in range(count):
                place = self.folder / f"worker{number}"
                place.mkdir()
                installation = Installation(place, self.mailboxes(**changed), **self.settings)
                self.workers.append(stack.enter_context(installation.daemon(wait=False)))
            for worker in self.workers:
                worker.wait_ready()
            self.shared_by(count)
            yield self.workers

    def asks(self, name: str) -> None:
        """A question to each mailbox, in a thread of its own."""
        for number, user in enumerate(self.users):
            id_ = f"{name}{number}@buyer.test"
            self.mail.deliver(user, message_bytes(BO, user, id=id_, subject=f"Question {name}{number}"))

    def house(self) -> House:
        with self.store.reading() as tx:
            return tx.workers.house()

    def shared_by(self, count: int) -> House:
        """Waits until so many workers read everything, each about as much as the others."""

        def well() -> bool:
            house = self.house()
            shares = [len(house.owned(one)) for one in house.workers]
            return len(shares) == count and sum(shares) == SHARDS and max(shares) - min(shares) <= 1

        wait(well, lambda: f"the house is not shared: {self.house()}")
        return self.house()

    def readers(self) -> set[int]:
        """The workers that read these mailboxes."""
        owners = self.house().owners
        return {owners[shard_of(name)] for name in self.mail.mailboxes()}

    def claiming(self) -> set[int]:
        """The process ids of the workers that have deliveries in hand."""
        with self.store.reading() as tx:
            names = {worker.number: worker.name for worker in tx.workers.all()}
            held = select(tables.delivery.c.claimed_by).where(tables.delivery.c.state == "claimed")
            return {int(names[number].rpartition("/")[2]) for number in tx.connection.execute(held).scalars()}
