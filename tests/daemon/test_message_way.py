"""`inboxwatch/README.md` tells the way of one message as it is: compared with a trace of a real daemon."""

from __future__ import annotations

import multiprocessing
import re
import tomllib
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.support.trace import ROOT, Direction, Layout, Place, Trace, traced

README = (ROOT / "inboxwatch" / "README.md").read_text(encoding="utf-8")
STAGES = {
    stage: (Place.of(door), set(rooms.split(", ")))
    for stage, door, rooms in re.findall(r"^\| (\w+) \| `([\w.:]+)` \| ([\w, ]+) \|$", README, re.MULTILINE)
}


@pytest.fixture(scope="module")
def trace() -> Trace:
    """Made in a process of its own, for a daemon tunes its process for good."""
    layout = Layout(doors={stage: door for stage, (door, _) in STAGES.items()})
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(traced, layout=layout).result()


def test_a_message_enters_each_stage_by_its_door_in_the_order_of_the_document(trace: Trace) -> None:
    assert list(STAGES) == ["poll", "ingest", "schedule", "evaluate", "enqueue", "claim", "compose", "send", "settle"]
    assert set(trace.entries) == set(STAGES)
    assert trace.passes(list(STAGES)), trace.entries


def test_each_stage_passes_through_the_rooms_that_the_document_names(trace: Trace) -> None:
    assert {stage: trace.rooms(stage) for stage in STAGES} == {stage: rooms for stage, (_, rooms) in STAGES.items()}


def test_every_call_that_goes_back_up_is_owned_up_to(trace: Trace) -> None:
    told = README[README.index("**Where the way turns back.**") : README.index("## The layers")]
    back = {str(call.callee.name) for call in Direction().upward(trace.calls)}
    # A function inside another is told by its own name, a nameless one by that of the function around it.
    names = {name: name.removesuffix(".<locals>.<lambda>").rpartition("<locals>.")[2] for name in back}
    assert [name for name, short in names.items() if f"`{short}`" not in told] == []


def test_the_layers_are_those_that_import_linter_holds() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    held = [layer.split(" | ") for layer in contracts["contracts"][0]["layers"]]
    section = README[README.index("## The layers") : README.index("## Where to find what")]
    told = [re.findall(r"`(\w+)`", row) for row in re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)]
    assert told == held
