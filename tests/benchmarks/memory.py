"""Memory of the whole daemon over simulated days, a week as asked for: RSS at the start and after each, one line each.

Time is virtual, all else is real: the program, Maildirs, a SQLite store, HTTP over loopback. Threads do their work at
once, in the loop's own thread, so that time stands still meanwhile. What is kept is kept for a day, so that the store
is as large after the second day as after the last.

python -m tests.benchmarks.memory [DAYS] [MAILBOXES]
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from inboxwatch import config as configuration
from inboxwatch.daemon import logs
from inboxwatch.daemon.app import App
from inboxwatch.engine.actions import Acting, acknowledge, dismiss
from tests.support.message_bytes import message_bytes
from tests.support.ports import free_port
from tests.support.team_mail import MaildirTeamMail
from tests.support.virtual_time import VirtualTimeLoop

Done = TypeVar("Done")
HOUR = 3600.0
MAIL_AN_HOUR = 20
"""Of the whole team, day and night; every other one is answered within the hour."""
SCRAPE_EVERY, RELOAD_EVERY, ACT_EVERY = 600.0, HOUR, 1200.0


class OneThreadLoop(VirtualTimeLoop):
    """Does in its own thread what others would do, and gives loopback a moment before it moves on."""

    def __init__(self) -> None:
        super().__init__(moment=0.0005)

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Done], *args: Any) -> asyncio.Future[Done]:  # type: ignore[override]
        done: asyncio.Future[Done] = self.create_future()
        try:
            done.set_result(func(*args))
        except BaseException as error:  # noqa: BLE001  (it belongs to whoever awaits)
            done.set_exception(error)
        return done


class House:
    """A team, its Maildirs, the daemon, and who talks to it: buyers, reps, Prometheus, an administrator."""

    def __init__(self, folder: Path, mailboxes: int, loop: OneThreadLoop) -> None:
        self.loop = loop
        self.reps = [f"rep{number}@acme.test" for number in range(mailboxes)]
        self.mail = MaildirTeamMail(folder / "mail", self.reps)
        self.path, self.port, self.hooks = folder / "inboxwatch.yaml", free_port(), 0
        self.hook_port = free_port()
        self.counts = dict.fromkeys(("mails", "answers", "scrapes", "reloads", "deeds"), 0)
        self.write()

    def write(self) -> None:
        """The config; each time with another target, so that a reload changes something."""
        hook = f"http://127.0.0.1:{self.hook_port}/"
        people = "".join(f"  {self.name(rep)}: {{name: Rep, email: {rep}}}\n" for rep in self.reps)
        boxes = "".join(f"  {name}: {box | {'poll_every': '5m'}}\n" for name, box in self.mail.mailboxes().items())
        target = 60 + self.counts["reloads"] % 7
        self.path.write_text(
            f"organization: {{domains: [acme.test]}}\npeople:\n{people}mailboxes:\n{boxes}"
            "routing: {rules: [{assign: mailbox.owner}], fallback: rep0}\nunknown_senders: always\n"
            f"sla_policies: [{{name: default, first_response: {target}m, next_response: 2h, escalation: ladder}}]\n"
            "escalation_policies: {ladder: {in_hours_only: false, steps: [{at: 100%, notify: [owner]}]}}\n"
            f"stop_conditions: [answered, dismissed]\nhistory: {{look_back: 1d, keep: 1d}}\n"
            f'channels: {{desk: {{type: webhook, url: "{hook}", secret: not-a-secret-at-all}}}}\n'
            f'notify_by: [desk]\nweb: {{listen: "127.0.0.1:{self.port}"}}\n'
        )

    @staticmethod
    def name(rep: str) -> str:
        return rep.partition("@")[0]

    async def live(self, app: App) -> None:
        await asyncio.gather(self.buyers(), self.prometheus(), self.administrator(app), self.people(app))

    async def buyers(self) -> None:
        while True:
            await asyncio.sleep(HOUR / MAIL_AN_HOUR)
            number = self.counts["mails"] = self.counts["mails"] + 1
            rep, buyer, id_ = (
                self.reps[number % len(self.reps)],
                f"buyer{number}@b{number % 500}.test",
                f"m{number}@b.test",
            )
            self.mail.deliver(rep, message_bytes(buyer, rep, id=id_, at=self.loop.now()), at=self.loop.now())
            if number % 2:
                self.loop.call_later(HOUR / 2, self.answer, rep, buyer, id_)

    def answer(self, rep: str, buyer: str, id_: str) -> None:
        self.counts["answers"] += 1
        raw = message_bytes(rep, buyer, id=f"a{id_}", answers=id_, at=self.loop.now())
        self.mail.deliver(rep, raw, "Sent", at=self.loop.now())

    async def prometheus(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                await asyncio.sleep(SCRAPE_EVERY)
                for page in ("/metrics", "/", "/api/v1/clocks") if self.counts["scrapes"] % 10 == 0 else ("/metrics",):
                    async with session.get(f"http://127.0.0.1:{self.port}{page}") as answer:
                        await answer.read()
                self.counts["scrapes"] += 1

    async def administrator(self, app: App) -> None:
        while True:
            await asyncio.sleep(RELOAD_EVERY)
            self.counts["reloads"] += 1
            self.write()
            assert not await app.reload()

    async def people(self, app: App) -> None:
        while True:
            await asyncio.sleep(ACT_EVERY)
            waits = await app.read(lambda tx: [(row.id, row.owner) for row in tx.clocks.running()])
            for place, (wait, owner) in enumerate(waits[:10]):
                deed = dismiss if place % 2 else acknowledge
                await app.write(deed, app.rules, wait, Acting(owner or "rep0", app.now(), "no answer is owed"))
                self.counts["deeds"] += 1

    async def sink(self, request: web.Request) -> web.Response:
        self.hooks += 1
        await request.read()
        return web.Response()


def megabytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def week(house: House, days: int) -> list[float]:
    """RSS at the start and after each day, in MB."""
    server = web.Application()
    server.router.add_post("/", house.sink)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", house.hook_port).start()
    app = App(house.path, configuration.load(house.path), house.loop.now)
    started = asyncio.Event()
    serving = asyncio.create_task(app.serve(lambda _: started.set()))
    await started.wait()
    living = asyncio.create_task(house.live(app))
    figures = [megabytes()]
    print(f"memory: at the start {figures[0]:.1f} MB")
    for day in range(1, days + 1):
        begun = time.monotonic()
        await asyncio.sleep(24 * HOUR)
        if living.done() or serving.done():
            break
        figures.append(megabytes())
        seen = ", ".join(f"{count} {what}" for what, count in house.counts.items())
        print(
            f"memory: after day {day} {figures[-1]:.1f} MB; {len(gc.get_objects())} objects, {house.hooks} notices, "
            f"{seen} ({time.monotonic() - begun:.0f} s)",
            flush=True,
        )
    for task in (living, serving):
        if task.done():
            task.result()
    living.cancel()
    app.stop()
    await serving
    await runner.cleanup()
    return figures


def main() -> None:
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    mailboxes = int(sys.argv[2]) if len(sys.argv) > 2 else 6
    logs.configure("error")
    with tempfile.TemporaryDirectory() as name, asyncio.Runner(loop_factory=OneThreadLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, OneThreadLoop)
        figures = runner.run(week(House(Path(name), mailboxes, loop), days))
    print(f"memory: {figures[-1] - figures[1]:+.1f} MB from the first day's end to the last's")


if __name__ == "__main__":
    main()
