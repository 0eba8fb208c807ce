"""The log's level by area, which a reload changes while the daemon runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from inboxwatch import config as configuration
from inboxwatch.daemon.logs import configure, set_areas
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.installation import Installation

NAMES = ("connectors.mail.imap.push", "connectors.leads.csv", "inboxwatch.web.auth", "inboxwatch.engine.ingest")


@pytest.fixture
def quiet() -> Iterator[None]:
    configure("info")
    yield
    set_areas({})


def said(capsys: pytest.CaptureFixture[str]) -> set[tuple[str, str]]:
    """(who, at which level) of what reaches the log when everybody speaks at each level."""
    capsys.readouterr()
    for name in NAMES:
        for level in ("debug", "info", "warning", "error"):
            getattr(structlog.get_logger(name), level)("spoke", who=name)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    return {(line["who"], line["level"]) for line in lines}


@pytest.mark.usefixtures("quiet")
def test_an_area_speaks_from_its_own_level_on_and_the_longest_name_counts(capsys: pytest.CaptureFixture[str]) -> None:
    usual = {(name, level) for name in NAMES for level in ("info", "warning", "error")}
    assert said(capsys) == usual
    set_areas({"connectors": "warning", "connectors.mail": "debug", "web": "error"})
    imap, leads, web, engine = NAMES
    assert said(capsys) == {
        *((imap, level) for level in ("debug", "info", "warning", "error")),
        *((leads, level) for level in ("warning", "error")),
        (web, "error"),
        *((engine, level) for level in ("info", "warning", "error")),
    }
    set_areas({"default": "error"})
    assert said(capsys) == {(name, "error") for name in NAMES}
    set_areas({})
    assert said(capsys) == usual, "the command line's level again"


def test_a_reload_takes_the_levels_over(tmp_path: Path) -> None:
    home = Installation(tmp_path, {}, channels={"desk": {"type": "console"}})
    with home.daemon() as daemon:
        daemon.wait(lambda: '"started"' in daemon.log)
        home.path.write_text(home.path.read_text() + "log: {default: error}\n")
        assert daemon.call("POST", "/-/reload")[0] == 200
        daemon.stop()
        assert '"config reloaded"' not in daemon.log
        assert '"stopped"' not in daemon.log


def test_an_area_that_is_none_is_a_problem_of_the_config(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path)
    daemon.close()
    for words, expected in (("{mail: debug}", "is no area"), ("{web: loud}", "log")):
        daemon.path.write_text(daemon.path.read_text().partition("\nlog:")[0] + f"\nlog: {words}\n")
        with pytest.raises(configuration.ConfigError) as refused:
            configuration.load(daemon.path)
        assert expected in str(refused.value.problems[0])
