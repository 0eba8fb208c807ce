"""`report` says what is wrong with its options, an empty store, a file that cannot be written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.commands.report import ReportChoice, run_report
from tests.support.in_process_daemon import InProcessDaemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    yield daemon
    daemon.close()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ({"since": "yesterday"}, "--since"),
        ({"since": "30bh"}, "--since"),
        ({"since": "2999-01-01"}, "--since"),
        ({"since": "30d", "until": "tomorrow"}, "--until"),
        ({"since": "30d", "compare": "2001-01-01"}, "--compare"),
        ({"named": "soon"}, "--period"),
        ({"named": "2099-01"}, "--period"),
        ({"named": "last-week", "until": "2026-05-05"}, "--until"),
        ({"named": "last-week", "compare": "2001-01-01"}, "--compare"),
        ({"team": "nobody"}, "--team"),
        ({"language": "xx"}, "--language"),
    ],
)
def test_an_option_that_makes_no_period_is_refused_by_name(
    daemon: InProcessDaemon, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: dict[str, str], problem: str
) -> None:
    assert run_report(daemon.config, ReportChoice(**words), tmp_path / "report.html") == 2
    assert problem in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()


def test_a_store_without_waits_gives_a_page_that_says_what_to_do(
    daemon: InProcessDaemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_report(daemon.config, ReportChoice(), tmp_path / "report.html") == 0
    assert "backfill" in capsys.readouterr().err
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert re.search(r"No wait began in this period", text)


def test_the_page_and_the_figures_are_in_the_language_asked_for(
    daemon: InProcessDaemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_report(daemon.config, ReportChoice(language="de"), tmp_path / "report.html") == 0
    assert "Erste und weitere Antworten" in capsys.readouterr().out
    assert '<html lang="de" dir="ltr">' in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_is_named(
    daemon: InProcessDaemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_report(daemon.config, ReportChoice(), tmp_path / "nowhere" / "report.html") == 1
    assert "nowhere" in capsys.readouterr().err


def test_a_week_and_a_team_can_be_asked_for_by_name(
    daemon: InProcessDaemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.lead("bo@buyer.test", owner="ana")
    daemon.lead("cy@other.test", owner="ben")
    daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.mail("cy@other.test", "sales@acme.test", mailbox="sales")
    daemon.path.write_text(
        daemon.path.read_text().replace(
            "  emea: {members: [ana, ben]", "  apac: {members: [ben]}\n  emea: {members: [ana]"
        )
    )
    config = configuration.load(daemon.path)
    for team, waits in (("", 2), ("emea", 1), ("apac", 1)):
        assert run_report(config, ReportChoice(named="2026-W19", team=team), tmp_path / "report.html") == 0
        assert f": {waits} waits" in capsys.readouterr().err
