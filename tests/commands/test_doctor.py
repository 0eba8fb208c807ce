"""What `doctor` collects helps a maintainer, and nothing in it tells whose mail it is."""

from __future__ import annotations

import io
import json
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inboxwatch.cli import app
from inboxwatch.engine.delivery.claim import claim
from inboxwatch.engine.delivery.settle import Failure, failed
from inboxwatch.store.marks import DefectMark
from tests.support.in_process_daemon import InProcessDaemon

SUBJECT, SECRET, BUYER = "Prices of the blue boxes", "wh-s3cretPathOfTheHook", "bo.lind@buyer.test"
PRIVATE = (
    *(SUBJECT, SECRET, BUYER, "Bo Lind", "Buyer Works", "buyer.test"),
    *("acme.test", "Ana Diaz", "ana", "10.1.2.3", "mx7"),
)


def parts(archive: bytes) -> dict[str, Any]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
        files = {one.name: opened.extractfile(one) for one in opened.getmembers()}
        return {name.rpartition("/")[2]: json.load(file) for name, file in files.items() if file is not None}


@pytest.fixture
def folder(tmp_path: Path, database: str) -> Path:
    """A store in which servers have quoted all that they were told."""
    daemon = InProcessDaemon(tmp_path, store=database)
    daemon.lead(BUYER, owner="ana", name="Bo Lind", company="Buyer Works")
    daemon.mail(BUYER, "ana@acme.test", subject=SUBJECT)
    daemon.passes(timedelta(hours=2))
    words = f"550 10.1.2.3 mx7.acme.test: {SUBJECT} for Ana Diaz of {BUYER} (Bo Lind, Buyer Works) at /{SECRET} refused"
    with daemon.store.transaction() as tx:
        rows = claim(tx, "desk", daemon.at)
        failed(tx, daemon.engine.rules, rows, Failure(words, True, timedelta(0)), daemon.at)
        tx.health.failing("ana", daemon.at, "auth", f"LOGIN failed for ana@acme.test: {words}")
        tx.quarantine.add("ana", [("INBOX/1", f"no header in {SUBJECT}")], daemon.at)
        tx.marks.set(DefectMark("mx7"), "KeyError in poller.py:12 (poll)")
    daemon.close()
    hook = f'{{desk: {{type: webhook, url: "https://hooks.acme.test/{SECRET}", secret: {SECRET}}}}}'
    text = daemon.path.read_text().replace("{desk: {type: console}}", hook)
    daemon.path.write_text(text)
    return tmp_path


def test_nothing_private_is_in_the_file(folder: Path) -> None:
    file = folder / "doctor.tar.gz"
    done = CliRunner().invoke(app, ["doctor", "-c", str(folder / "inboxwatch.yaml"), str(file)])
    assert done.exit_code == 0, done.output
    assert file.stat().st_mode & 0o777 == 0o600
    found = parts(file.read_bytes())
    found["versions.json"].pop("packages")
    text = json.dumps(found, ensure_ascii=False).casefold()
    values = text.replace('"', " ").replace("/", " ").split()
    assert [one for one in PRIVATE if one.casefold() in (values if one == "ana" else text)] == []


def test_what_a_maintainer_needs_is_in_the_file(folder: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", "-c", str(folder / "inboxwatch.yaml"), "-"])
    found = parts(done.stdout_bytes)
    assert found["versions.json"].keys() >= {"inboxwatch", "python", "system"}
    assert found["versions.json"]["packages"]["SQLAlchemy"]
    config = found["config.json"]
    box = config["mailboxes"]["person1"]
    assert box["owner"] == "person1", "who is who is seen; the mailbox and the person have one name"
    assert box["address"] == config["people"]["person1"]["email"] == "address1@domain1"
    assert config["sla_policies"][0]["first_response"] == "2h"
    assert (config["channels"]["channel1"]["type"], config["channels"]["channel1"]["url"]) == ("webhook", "<text>")
    (box, _) = found["mailboxes.json"]
    assert (box["mailbox"], box["connector"], box["reason"], box["set_aside"]) == ("person1", "maildir", "auth", 1)
    assert box["error"].startswith("LOGIN failed for address")
    assert found["store.json"]["rows"]["message"] == 1
    assert found["store.json"]["version"]
    assert found["errors.json"]["deliveries"][0]["error"].startswith("550 ")
    assert found["store.json"]["ends"] == ["KeyError in poller.py:12 (poll)"]


def test_a_store_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path)
    daemon.close()
    (tmp_path / "inboxwatch.db").unlink()
    done = CliRunner().invoke(app, ["doctor", "-c", str(daemon.path), "-"])
    assert (done.exit_code, "does not exist yet" in parts(done.stdout_bytes)["store.json"]["error"]) == (0, True)
    assert not (tmp_path / "inboxwatch.db").exists()
