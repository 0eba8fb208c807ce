"""`audit list` and `audit export`: what commands on the store leave in the log, and how it is read."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inboxwatch.cli import app
from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.store.audit_record import AuditRecord
from tests.support.batched_daemon import BatchedDaemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[BatchedDaemon]:
    daemon = BatchedDaemon(tmp_path, "sqlite:///inboxwatch.db")
    daemon.reads(daemon.asks("q1@buyer.test", 0, sender="Bo Lind <bo@buyer.test>", subject="Prices"))
    yield daemon
    daemon.close()


def told(daemon: BatchedDaemon, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "-c", str(daemon.path)])
    assert done.exit_code == ExitCode.OK, done.output
    return done.stdout


def test_a_person_is_forgotten_on_record_and_the_record_names_them_no_more(daemon: BatchedDaemon) -> None:
    told(daemon, "forget", "bo@buyer.test", "--by", "max", "--with-open-waits")
    told(daemon, "clocks", "repolicy")
    text = told(daemon, "audit", "export")
    forgotten, moved = map(json.loads, text.splitlines())
    assert (forgotten["deed"], forgotten["by"], forgotten["door"]) == ("lead.forget", "max", "cli")
    assert (moved["deed"], moved["by"].startswith("os:")) == ("wait.repolicy", True)
    assert "buyer" not in text
    shown = told(daemon, "audit", "list", "--json", "--lead", "bo@buyer.test")
    assert [json.loads(line)["deed"] for line in shown.splitlines()] == ["lead.forget"]


def test_a_rehearsed_move_of_policies_leaves_no_row(daemon: BatchedDaemon) -> None:
    told(daemon, "clocks", "repolicy", "--dry-run")
    assert told(daemon, "audit", "export") == ""


def test_an_export_as_csv_is_text_to_a_spreadsheet(daemon: BatchedDaemon, tmp_path: Path) -> None:
    at = datetime(2026, 5, 4, 12, tzinfo=UTC)
    with daemon.store.transaction() as tx:
        tx.audit.add(AuditRecord(0, at, "token", "=2+3", "PUT @SUM(A1)", "", None, None, "refused", 404, 1))
        tx.audit.add(AuditRecord(0, at, "token", "ana", "wait.snooze", "", None, None, "done", None, 1))
    target = tmp_path / "audit.csv"
    told(daemon, "audit", "export", "--format", "csv", "-o", str(target), "--until", "2026-05-05T00:00:00Z")
    with target.open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["by"], first["status"], second["by"]) == ("'=2+3", "404", "ana")


def test_verify_names_the_first_row_that_does_not_fit(daemon: BatchedDaemon) -> None:
    told(daemon, "clocks", "repolicy")
    told(daemon, "clocks", "repolicy")
    said = told(daemon, "audit", "verify").strip()
    rows, _, last = said.partition("; the last is ")
    assert rows.endswith("rows fit")
    assert last == "{id}:{hash}".format(**json.loads(told(daemon, "audit", "export").splitlines()[-1]))
    told(daemon, "clocks", "repolicy")
    told(daemon, "audit", "verify", "--expect", last)
    number, _, hashed = last.partition(":")
    for wrong in (f"{number}:{hashed[::-1]}", f"{int(number) + 9}:{hashed}"):
        done = CliRunner().invoke(app, ["audit", "verify", "-c", str(daemon.path), "--expect", wrong])
        assert done.exit_code == ExitCode.FAILED
        assert "is not the one with that hash" in done.output
    for word in ("17", "x:y", ":", "17:"):
        done = CliRunner().invoke(app, ["audit", "verify", "-c", str(daemon.path), "--expect", word])
        assert done.exit_code == 2
    with daemon.store.transaction() as tx:
        tx.connection.exec_driver_sql("DROP TRIGGER audit_update")
        tx.connection.exec_driver_sql(f"UPDATE audit SET by = 'eve' WHERE id = {number}")
    done = CliRunner().invoke(app, ["audit", "verify", "-c", str(daemon.path)])
    assert done.exit_code == ExitCode.FAILED
    assert f"row {number} does not fit" in done.output
