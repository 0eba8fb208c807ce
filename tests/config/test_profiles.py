"""Each profile is a whole config that `check` takes as it stands, and is told where people look for one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inboxwatch import config
from inboxwatch.cli import app

ROOT = Path(__file__).parents[2]
SECRETS = {"store": "postgresql+psycopg://iw:of-the-store@db.acme.test/iw", "slack-bot": "xoxb-1-of-slack"}


def written(folder: Path, profile: str) -> Path:
    """What the command prints, in a file with the list of leads that it may name."""
    done = CliRunner().invoke(app, ["config", "example", "--profile", profile])
    assert done.exit_code == 0, done.output
    (folder / "leads.csv").write_text("email,owner\n", encoding="utf-8")
    path = folder / "inboxwatch.yaml"
    path.write_text(done.stdout, encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("profile", config.profiles())
def test_a_profile_is_accepted_by_check_as_it_stands(profile: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", "--offline", "--json", "-c", str(written(tmp_path, profile))])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["problems"] == []


@pytest.mark.parametrize("profile", config.profiles())
def test_a_profile_loads_once_its_secrets_are_there(
    profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, profile)
    text = path.read_text(encoding="utf-8")
    (credentials := tmp_path / "credentials").mkdir()
    names = re.findall(r"_credential: ([\w-]+)", text)
    assert names, "a config without a secret reads no mailbox"
    for name in names:
        (credentials / name).write_text(SECRETS.get(name, "0123456789-of-the-test"), encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    loaded = config.load(path)
    assert loaded.mailboxes or loaded.directories


@pytest.mark.parametrize("document", ["README.md", "deploy/README.md"])
def test_the_profiles_are_named_where_one_looks_for_them(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert "config example --profile" in text
    told = CliRunner().invoke(app, ["config", "example", "--help"], env={"COLUMNS": "200"}).output
    for profile in config.profiles():
        assert profile in (text if document == "deploy/README.md" else told)


def test_an_unknown_profile_is_refused_with_those_that_there_are() -> None:
    done = CliRunner().invoke(app, ["config", "example", "--profile", "huge"])
    assert (done.exit_code, "there are small, team, google-workspace" in done.output) == (2, True)
