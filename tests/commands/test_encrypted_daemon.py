"""A real daemon that speaks https: commands reach it, a signal renews its certificate, `check` says what it thinks."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inboxwatch.cli import app
from inboxwatch.now import now
from tests.support.certificates import Authority
from tests.support.installation import DaemonProcess, Installation

TOKEN = "sesame-open-please"  # a test's own


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "ana" / name).mkdir(parents=True)
    box = {"connector": "maildir", "address": "ana@acme.test", "owner": "ana", "path": str(tmp_path / "ana")}
    made = Installation(tmp_path, {"ana": box}, channels={"desk": {"type": "console"}})
    set_web(made, f"tls: {Authority(tmp_path).config}, token: {TOKEN}")
    return made


def set_web(installation: Installation, more: str) -> None:
    installation.write()
    text = installation.path.read_text(encoding="utf-8").rstrip().removesuffix("}")
    installation.path.write_text(f"{text}, {more}}}\n", encoding="utf-8")


@pytest.fixture
def authority(installation: Installation) -> Authority:
    made = Authority(installation.folder)
    made.issue()
    return made


@pytest.fixture
def daemon(installation: Installation, authority: Authority) -> Iterator[DaemonProcess]:
    with installation.daemon(wait=False) as daemon:
        daemon.wait(lambda: '"event": "started"' in daemon.log, "not started")
        yield daemon


def shown(installation: Installation) -> bytes:
    """The certificate that a new connection is shown, as DER."""
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", installation.port)))


def test_commands_reach_it_and_a_reload_renews_its_certificate(
    daemon: DaemonProcess, installation: Installation, authority: Authority
) -> None:
    listed = installation.command("clocks", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    found = findings(installation)
    assert ("web", "ok", f"a daemon answers on 127.0.0.1:{installation.port} already") in found
    second = authority.issue("watch.acme.test", ends=now() + timedelta(days=90))
    # The daemon still shows the one before, which is not in any file any more.
    assert shown(installation) != second
    done = installation.command("reload")
    assert done.returncode == 0, done.stderr
    assert shown(installation) == second
    third = authority.issue()
    daemon.reload()
    daemon.wait(lambda: shown(installation) == third, "the signal renewed nothing")
    authority.key.write_text("half a file", encoding="ascii")
    refused = installation.command("reload")
    assert refused.returncode == 2
    assert "web.tls.key: is no private key" in refused.stderr
    assert shown(installation) == third
    assert "half a file" not in daemon.log


def findings(installation: Installation) -> list[tuple[str, str, str]]:
    done = CliRunner().invoke(app, ["check", "-c", str(installation.path), "--json"])
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return [(one["subject"], one["verdict"], one["text"]) for one in found]


@pytest.mark.parametrize(
    ("names", "lasts", "url", "told"),
    [
        (["127.0.0.1"], 90, "", [("ok", "for 127.0.0.1; ends on END; its key fits")]),
        (["127.0.0.1"], 13, "", [("warning", "certificate.pem ends on END"), ("ok", "")]),
        (["127.0.0.1"], -1, "", [("failed", "certificate.pem has ended on END: browsers refuse it"), ("ok", "")]),
        (
            ["watch.acme.test"],
            90,
            "https://board.acme.test",
            [("warning", "is for watch.acme.test, not for board.acme.test of web.url: browsers will warn"), ("ok", "")],
        ),
        (["*.acme.test"], 90, "https://board.acme.test", [("ok", "for *.acme.test; ends on END; its key fits")]),
        (
            ["watch.acme.test"],
            90,
            "http://watch.acme.test",
            [("failed", "web.url is http://watch.acme.test"), ("ok", "")],
        ),
    ],
)
def test_check_says_for_whom_the_certificate_is_and_until_when(
    installation: Installation,
    authority: Authority,
    names: list[str],
    lasts: int,
    url: str,
    told: list[tuple[str, str]],
) -> None:
    ends: datetime = now() + timedelta(days=lasts)
    authority.issue(*names, ends=ends)
    set_web(installation, f"tls: {authority.config}, token: {TOKEN}" + (f', url: "{url}"' if url else ""))
    found = [(verdict, text) for subject, verdict, text in findings(installation) if subject == "certificate"]
    assert len(found) == len(told)
    for (verdict, text), (expected, words) in zip(found, told, strict=True):
        assert verdict == expected
        assert text.startswith(words.replace("END", f"{ends:%Y-%m-%d %H:%M} UTC"))


def test_check_warns_of_a_listener_that_others_reach_unencrypted(installation: Installation) -> None:
    text = installation.path.read_text(encoding="utf-8").partition("web: ")[0]
    installation.path.write_text(f'{text}web: {{listen: "0.0.0.0:{installation.port}", token: {TOKEN}}}\n')
    assert any(
        subject == "web" and verdict == "warning" and "is not encrypted" in text
        for subject, verdict, text in findings(installation)
    )
