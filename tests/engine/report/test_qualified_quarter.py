"""A quarter of inquiries through the engine, beside a recount of its plan that knows nothing of the program."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

from inboxwatch.core.model import MessageId
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.core.statistics.qualification import QualificationFigures, QualificationPeriod
from inboxwatch.core.statistics.share import Share
from inboxwatch.engine.qualification import read_qualification
from tests.support.facts import at
from tests.support.qualified_desk import Done, QualifiedDesk
from tests.support.qualified_house import ANA, CONFIG, House
from tests.support.qualified_quarter import AUDIT, RULES, TEXTS, WEEKS, Planned, QuarterRecount, quarter

END = 7 * WEEKS
MINUTE = timedelta(minutes=1)


def lived(folder: Path, planned: list[Planned], config: str = "") -> QualifiedDesk:
    """A desk that has read the quarter's mail, and on which people judged when they did."""
    house = House(folder)
    house.audit = f"{AUDIT}%"
    house.config = config or house.config
    for one in planned:
        house.letter(one.id, f"{one.hour}:00", TEXTS[one.about], sender=one.sender, day=one.day)
        if one.answer is not None:
            answered = f"{one.hour + one.answer // 60}:{one.answer % 60:02}"
            house.letter(
                f"a{one.id}", answered, sender=ANA, to=one.sender, answers=one.id, subject="Re: Question", day=one.day
            )
    desk = QualifiedDesk(house)
    desk.now = at("9:00", END)
    desk.read(quiet=True)
    for one in planned:
        id_ = MessageId(one.id)
        for after, who, gives in one.verdicts:
            when = at(f"{one.hour}:00", one.day) + after * MINUTE
            clock = clock_id(id_, Metric.FIRST_RESPONSE)
            desk.record(Done(id_, when, (Action(when, ActionKind.QUALIFIED, who, clock, inquiry_class=gives),)))
    return desk


def told(desk: QualifiedDesk) -> QualificationFigures:
    rules = desk.engine.rules
    assert rules.qualification is not None
    with desk.store.reading() as tx:
        return read_qualification(tx, rules, rules.qualification, QualificationPeriod(at("0:00"), desk.now))


def test_the_figures_of_a_quarter_are_those_of_a_recount(tmp_path: Path) -> None:
    planned = quarter(seed=4)
    desk, mine = lived(tmp_path, planned), QuarterRecount(planned, END)
    found = told(desk)
    times = found.to_verdict
    assert found.classes == mine.classes()
    assert (times.clocks, times.judged, times.in_target) == (*mine.to_verdict()[:2], Share(*mine.to_verdict()[2]))
    for name, minutes in (("5m", 5), ("15m", 15), ("60m", 60)):
        value = found.answers.business[name].value
        assert value is not None and abs(value - mine.answered_by(minutes)) < 1e-9
    assert found.filter.share == Share(*mine.filtered())
    assert found.filter.precision == Share(*mine.audit())
    assert found.filter.precision.of >= 3, "the audit has drawn some"
    assert found.filter.contradicted == Share(*mine.contradicted())
    assert 0 < found.filter.contradicted.hits < found.filter.contradicted.of
    assert found.reversed_of == {who: Share(*counts) for who, counts in mine.reversals().items()}
    with desk.store.reading() as tx:
        counted = tx.statistics.figures(desk.now)
    inquiries = Counter[tuple[str, str]]()
    for (_, about, by), count in counted.inquiries.items():
        inquiries[about, by] += count
    assert inquiries == Counter((one.came_as, one.by) for one in planned)
    assert counted.rule_inquiries == Counter(RULES[one.about] for one in planned if one.about in RULES)
    said = Counter((who, gives) for one in planned for _, who, gives in one.verdicts)
    given = Counter[tuple[str, str]]()
    for (who, _, gives), count in counted.verdicts.items():
        given[who, gives] += count
    assert given == said
    desk.close()


def test_in_shadow_it_is_told_what_each_rule_would_filter_and_what_of_it_was_answered(tmp_path: Path) -> None:
    planned = quarter(seed=9, inquiries=40)
    for one in planned:
        one.verdicts.clear()
    config = CONFIG.replace("vendor: {clock: none}", "vendor: {}").replace(
        "recruiting: {clock: none}", "recruiting: {}"
    )
    desk, mine = lived(tmp_path, planned, config), QuarterRecount(planned, END)
    found = told(desk).shadow
    assert found.armed == ()
    assert {name: found.classes[name] for name in ("vendor", "recruiting")} == {
        name: Share(*mine.shadow(name)) for name in ("vendor", "recruiting")
    }
    desk.close()
