"""Which functions one message passes from poll to send, in a real daemon: `python -m tests.support.trace`.

A daemon with one Maildir and the console as its channel is started in this process; a buyer's message is put into the
Maildir, and its answer falls due four seconds later. Each call of a function of inboxwatch/ or connectors/ is recorded,
also across tasks and threads, until the notice is recorded as sent. Loops that have nothing to do with the message
(census, housekeeping, leads, web) are left out.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import io
import os
import sys
import tempfile
import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple, TypeVar, TypeVarTuple
from weakref import WeakKeyDictionary

import grimp
import structlog

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

ROOT = Path(__file__).parents[2]

CONFIG = """
organization: {domains: [acme.test]}
people:
  ana: {name: Ana Diaz, email: ana@acme.test}
mailboxes:
  ana: {connector: maildir, address: ana@acme.test, owner: ana, path: ana}
leads: {}
routing: {rules: [{assign: mailbox.owner}], fallback: ana}
sla_policies: [{name: default, first_response: 4s, next_response: 4s, escalation: standard}]
escalation_policies:
  standard: {steps: [{at: 100%, notify: [owner]}], in_hours_only: false}
stop_conditions: [answered, dismissed]
unknown_senders: always
channels: {desk: {type: console}}
notify_by: [desk]
store: {url: "sqlite:///trace.db"}
web: {listen: "127.0.0.1:0"}
"""
LETTER = (
    b"From: Bo Lee <bo@buyer.test>\nTo: ana@acme.test\nSubject: An offer\nMessage-ID: <1@buyer.test>\n\nHow much?\n"
)
LIMIT = 60.0
"""Seconds after which a message that has not come through is given up."""


class Place(NamedTuple):
    """A function of the tree."""

    module: str
    name: str
    """Qualified, as `Poller.poll`."""

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"

    @classmethod
    def of(cls, text: str) -> Place:
        """The function called `module:name`."""
        module, _, name = text.partition(":")
        return cls(module, name)


APP = Place("inboxwatch.daemon.app", "App")


@dataclass(frozen=True)
class Layout:
    """Where a tree keeps what the trace must know by name."""

    app: Place = APP
    loops: tuple[str, ...] = ("MailboxLoops._watch", "Supervisor._schedule", "Sender.deliver")
    """The loops of the daemon that a message passes through, by their qualified names."""
    doors: Mapping[str, Place] = field(
        default_factory=lambda: {
            "poll": Place("inboxwatch.daemon.poller", "Poller.poll"),
            "ingest": Place("inboxwatch.engine.ingest", "ingest"),
            "schedule": Place("inboxwatch.daemon.scheduler", "Scheduler.once"),
            "evaluate": Place("inboxwatch.engine.evaluate", "evaluate_due"),
            "enqueue": Place("inboxwatch.engine.delivery.enqueue", "Notices.step"),
            "claim": Place("inboxwatch.engine.delivery.claim", "claim"),
            "compose": Place("inboxwatch.engine.delivery.compose", "Composer.bundle"),
            "send": Place("inboxwatch.notify.console", "Console.send"),
            "settle": Place("inboxwatch.engine.delivery.settle", "sent"),
        }
    )
    """The function by which each stage is entered, in order. When the last one returns, the message is through."""


class Call(NamedTuple):
    """One function called by another, at its first time."""

    stage: str
    """The stage by whose door the call was reached; `` between stages, in the loops themselves."""
    caller: Place
    callee: Place


@dataclass
class Trace:
    """What one message passed."""

    calls: list[Call] = field(default_factory=list)
    """In order of first entry."""
    entries: list[str] = field(default_factory=list)
    """The stages whose doors were entered, in order, with repetitions: loops that are woken also look in vain."""

    def passes(self, stages: Sequence[str]) -> bool:
        """Whether the doors of these stages were entered one after the other, whatever came between them."""
        entries = iter(self.entries)
        return all(stage in entries for stage in stages)

    def modules(self, stage: str | None = None) -> set[str]:
        """The modules passed through, of one stage or of all."""
        return {call.callee.module for call in self.calls if stage in (None, call.stage)}

    def rooms(self, stage: str) -> set[str]:
        """The packages of inboxwatch/ (and connectors) passed through in a stage."""
        return {room_of(module) for module in self.modules(stage)}


def room_of(module: str) -> str:
    """`inboxwatch.engine.delivery.claim` -> `engine`; `connectors.mail.imap` -> `connectors`."""
    top, _, rest = module.partition(".")
    return top if top == "connectors" or not rest else rest.partition(".")[0]


class Recorder:
    """Records calls while it is armed, on whichever thread and in whichever task."""

    def __init__(self, root: Path, layout: Layout) -> None:
        self.trace = Trace()
        self.armed = False
        self.through = threading.Event()
        self._root = f"{root}{os.sep}"
        self._loops = layout.loops
        self._doors = {door: stage for stage, door in layout.doors.items()}
        self._last = list(layout.doors.values())[-1]
        self._places: dict[CodeType, Place | None] = {}
        self._above: WeakKeyDictionary[asyncio.Task[Any], tuple[Place, ...]] = WeakKeyDictionary()
        self._handed = threading.local()
        self._seen: set[Call] = set()
        self._entered: list[FrameType] = []
        """The door's own frames: a coroutine that goes on enters nothing anew."""

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        threading.setprofile(self._event)
        sys.setprofile(self._event)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def begun(self, task: asyncio.Task[Any]) -> None:
        """Remembers who made a task: what it does is done on their behalf."""
        self._above[task] = self._stack(sys._getframe(1))

    def handed_over(self, work: Callable[[*Arguments], Result]) -> Callable[[*Arguments], Result]:
        """`work` as a thread does it on behalf of whoever asks now."""
        above = self._stack(sys._getframe(1))

        def run(*args: *Arguments) -> Result:
            self._handed.above = above
            try:
                return work(*args)
            finally:
                self._handed.above = ()

        return run

    def _event(self, frame: FrameType, event: str, _value: object) -> None:
        if not self.armed or event not in ("call", "return"):
            return
        place = self._place(frame.f_code)
        if place is None:
            return
        if event == "return":
            if place == self._last:
                self.armed = False
                self.through.set()
            return
        stack = self._stack(frame.f_back)
        if not stack or not any(one.name in self._loops for one in stack):
            return
        if place in self._doors and not any(frame is one for one in self._entered):
            self._entered.append(frame)
            self.trace.entries.append(self._doors[place])
        stage = next((self._doors[one] for one in (place, *reversed(stack)) if one in self._doors), "")
        call = Call(stage, stack[-1], place)
        if call not in self._seen:
            self._seen.add(call)
            self.trace.calls.append(call)

    def _stack(self, frame: FrameType | None) -> tuple[Place, ...]:
        """The functions of the tree that led to a frame, the outermost first, across tasks and threads."""
        found: list[Place] = []
        while frame is not None:
            place = self._place(frame.f_code)
            if place is not None:
                found.append(place)
            frame = frame.f_back
        found.reverse()
        return (*self._on_behalf(), *found)

    def _on_behalf(self) -> tuple[Place, ...]:
        try:
            task = asyncio.current_task()
        except RuntimeError:  # no loop runs in this thread
            return getattr(self._handed, "above", ())
        return self._above.get(task, ()) if task is not None else ()

    def _place(self, code: CodeType) -> Place | None:
        if code not in self._places:
            self._places[code] = self._named(code)
        return self._places[code]

    def _named(self, code: CodeType) -> Place | None:
        file = code.co_filename
        if not file.startswith(self._root) or not file.endswith(".py") or code.co_name == "<module>":
            return None
        parts = Path(file.removeprefix(self._root)).with_suffix("").parts
        if parts[0] not in ("inboxwatch", "connectors"):
            return None
        return Place(".".join(parts[:-1] if parts[-1] == "__init__" else parts), code.co_qualname)


class TracedLoop(asyncio.SelectorEventLoop):
    """An event loop that tells a recorder who makes each task and who hands work to threads."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder
        self.set_task_factory(self._task)

    def _task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, **more)
        self._recorder.begun(task)
        return task

    def run_in_executor(
        self, executor: Any, func: Callable[[*Arguments], Result], *args: *Arguments
    ) -> asyncio.Future[Result]:
        return super().run_in_executor(executor, self._recorder.handed_over(func), *args)


def traced(root: Path = ROOT, layout: Layout | None = None) -> Trace:
    """What a message passes in the tree at `root`, whose `inboxwatch` must be the one that is imported."""
    layout = layout or Layout()
    before = structlog.get_config()
    structlog.configure(processors=[_dropped])
    try:
        with tempfile.TemporaryDirectory(prefix="trace-") as folder, contextlib.redirect_stdout(io.StringIO()):
            recorder = Recorder(root, layout)
            with asyncio.Runner(loop_factory=lambda: TracedLoop(recorder)) as runner:
                runner.run(_play(Path(folder), recorder, layout))
    finally:
        structlog.configure(**before)
    return recorder.trace


async def _play(folder: Path, recorder: Recorder, layout: Layout) -> None:
    for name in ("cur", "new", "tmp"):
        (folder / "ana" / name).mkdir(parents=True)
    path = folder / "trace.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    configuration = importlib.import_module("inboxwatch.config")
    app = getattr(importlib.import_module(layout.app.module), layout.app.name)(path, configuration.load(path))
    with recorder.listening():
        serving = asyncio.create_task(app.serve())
        try:
            async with asyncio.timeout(LIMIT):
                await _until(app.ready, serving)
                recorder.armed = True
                _deliver(folder / "ana")
                await _until(recorder.through.is_set, serving)
        finally:
            recorder.armed = False
            app.stop()
            await serving


async def _until(true: Callable[[], bool], serving: asyncio.Task[None]) -> None:
    while not true():
        if serving.done():
            await serving
            raise RuntimeError("the daemon has ended before the message was through")
        await asyncio.sleep(0.01)


def _deliver(maildir: Path) -> None:
    """Puts the message into `new`, as a delivery agent does."""
    letter = maildir / "tmp" / "1"
    letter.write_bytes(LETTER)
    letter.rename(maildir / "new" / "1")


def _dropped(_logger: Any, _name: str, _event: Any) -> Any:
    raise structlog.DropEvent


class Direction:
    """Which calls go back up: into a higher layer, or within one to a module that itself imports the caller's."""

    def __init__(self, root: Path = ROOT) -> None:
        contracts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
        layers = next(one for one in contracts["contracts"] if one["type"] == "layers")
        self._ranks: dict[str, float] = {}
        """Packages and modules by their height; the highest layer is the first."""
        for height, names in enumerate(reversed(layers["layers"])):
            for name in names.split("|"):
                self._ranks[".".join([*layers.get("containers", ()), name.strip()])] = height
        self._ranks["connectors"] = self._ranks["inboxwatch.connector"] + 0.5  # plug-ins see the port and what is below
        self._graph = grimp.build_graph("inboxwatch", "connectors", exclude_type_checking_imports=True, cache_dir=None)

    def layer(self, module: str) -> float | None:
        """The height of a module's layer, the lowest is 0; None where pyproject.toml gives it none."""
        while module and module not in self._ranks:
            module = module.rpartition(".")[0]
        return self._ranks.get(module)

    def depth(self, room: str) -> tuple[float, str]:
        """A key that sorts rooms from the highest to the lowest."""
        return -(self.layer(room if room == "connectors" else f"inboxwatch.{room}") or 0.0), room

    def upward(self, calls: Sequence[Call]) -> list[Call]:
        """Those of the calls that go back up, each pair of functions once, in order."""
        pairs = {(call.caller, call.callee): call for call in reversed(calls)}
        return [call for call in reversed(pairs.values()) if self._up(call.caller.module, call.callee.module)]

    def _up(self, caller: str, callee: str) -> bool:
        if caller == callee:
            return False
        here, there = self.layer(caller), self.layer(callee)
        if here is not None and there is not None and here != there:
            return there > here
        return self._imports(callee, caller) and not self._imports(caller, callee)

    def _imports(self, importer: str, imported: str) -> bool:
        return self._graph.chain_exists(importer=importer, imported=imported)


def lines(trace: Trace, direction: Direction, layout: Layout, *, every_call: bool = False) -> Iterator[str]:
    """The trace in lines for people."""
    for stage, door in layout.doors.items():
        rooms = sorted(trace.rooms(stage), key=direction.depth)
        yield f"{stage:10} {door}  ({len(trace.modules(stage))} files in {', '.join(rooms)})"
        if every_call:
            yield from (f"{'':12}{call.callee}" for call in trace.calls if call.stage == stage)
    back = direction.upward(trace.calls)
    between = sum(direction.layer(call.caller.module) != direction.layer(call.callee.module) for call in back)
    yield f"the stages in this order: {'yes' if trace.passes(list(layout.doors)) else 'NO'}"
    yield f"files touched by one message: {len(trace.modules())}"
    yield f"calls that go back up: {len(back)} ({between} into a higher layer, {len(back) - between} within one)"
    yield from (f"  {call.caller} -> {call.callee}" for call in back)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", action="store_true", help="also the functions of each stage, in order")
    every_call = parser.parse_args().calls
    layout = Layout()
    for line in lines(traced(layout=layout), Direction(), layout, every_call=every_call):
        print(line)


if __name__ == "__main__":
    main()
