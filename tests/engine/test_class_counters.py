"""Inquiries, answers and verdicts as they happen: no counter of classes falls at any instant (rule 54)."""

from __future__ import annotations

from pathlib import Path

from inboxwatch.core.statistics.figures import Figures
from inboxwatch.engine.actions import Acting
from inboxwatch.engine.erasure import forget
from tests.support.class_counters import counters, fallen
from tests.support.facts import at
from tests.support.qualified_desk import QualifiedDesk
from tests.support.qualified_house import ANA, House
from tests.support.qualified_quarter import TEXTS, Planned

MORNING = (
    # Filtered by a rule, answered all the same, and judged after that.
    Planned(1, "vendor", 0, 9, 9, [(35, "cas", "sales"), (40, "tia", "support")]),
    # Two hours are over before anybody judges: those who were told had not to be.
    Planned(2, "unknown", 0, 9, 161, [(150, "tia", "support"), (170, "cas", "sales")]),
    Planned(3, "vendor", 0, 10, 9, [(5, "tia", "recruiting"), (35, "cas", "sales")]),
    Planned(4, "recruiting", 0, 10, None),
)
Event = tuple[int, int, str, tuple[str, ...]]
"""(day, minute of the day, what, of what)."""


def clock_time(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"


def events(one: Planned) -> list[Event]:
    """What happens of an inquiry."""
    day, begun = one.day, 60 * one.hour
    found: list[Event] = [(day, begun, "read", (one.id,))]
    if one.answer is not None:
        found.append((day, begun + one.answer, "read", (f"a{one.id}",)))
    return found + [(day, begun + after, "judge", (gives, one.id, who)) for after, who, gives in one.verdicts]


def figures(desk: QualifiedDesk) -> Figures:
    with desk.store.reading() as tx:
        return tx.statistics.figures(desk.now)


def test_no_counter_of_classes_falls_whatever_is_said_reloaded_or_forgotten(tmp_path: Path) -> None:
    house = House(tmp_path)
    for one in MORNING:
        house.letter(one.id, f"{one.hour}:00", TEXTS[one.about], sender=one.sender)
        if one.answer is not None:
            answered = clock_time(60 * one.hour + one.answer)
            house.letter(f"a{one.id}", answered, sender=ANA, to=one.sender, answers=one.id, subject="Re: Q")
    desk = QualifiedDesk(house)
    before = figures(desk)
    for day, minute, what, of in sorted(event for one in MORNING for event in events(one)):
        desk.passes(clock_time(minute), day)
        desk.read(*of) if what == "read" else desk.judge(*of)
        now = figures(desk)
        assert fallen(before, now) == [], (day, clock_time(minute), what, of)
        before = now
    desk.passes("17:00")
    last = counters(figures(desk))
    assert all(last.values()), f"each of them has counted something: {last}"
    assert sum(last["inquiries"].values()) == len(MORNING)
    desk.engine.reload(house.loaded())
    desk.now = at("9:00", 1)
    assert counters(figures(desk)) == last
    for one in MORNING:
        desk.engine.write(forget, desk.engine.rules, one.sender, Acting("max", desk.now), with_open_waits=True)
    assert fallen(before, figures(desk)) == [], "who is forgotten stays in the counts"
    desk.close()
