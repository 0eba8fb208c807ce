"""Secrets of the config: where they may come from, and what is said where one cannot be had."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from inboxwatch import config
from inboxwatch.commands.private_files import exposed

MINIMAL = (Path(__file__).parents[2] / "config/minimal.yaml").read_text(encoding="utf-8")


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Reads a config whose web has a token of a given form."""
    monkeypatch.setenv("ANA_PASSWORD", "hunter-of-the-mailbox")

    def loaded(form: str, *, secrets: bool = True) -> config.Config:
        path = tmp_path / "inboxwatch.yaml"
        path.write_text(MINIMAL + f"web: {{{form}}}\n")
        return config.load(path, secrets=secrets)

    return loaded


def secret(loaded: config.Config) -> Any:
    return loaded.web.token


def refusal(load: Any, form: str) -> str:
    with pytest.raises(config.ConfigError) as refused:
        load(form)
    (problem,) = refused.value.problems
    return re.sub(r" \(line \d+\)$", "", str(problem))


def program(code: str) -> str:
    """`token_command` of a Python program."""
    return f"token_command: {json.dumps(shlex.join([sys.executable, '-c', code]))}"


@pytest.mark.parametrize("name", ["desk", "secret_desk"])
def test_a_credential_of_systemd_is_read_by_its_name_alone_or_from_a_loaded_folder(
    name: str, load: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / name).write_text("hunter-of-the-credential\n")
    assert secret(load("token_credential: desk")).reveal() == "hunter-of-the-credential"


def test_a_credential_that_is_not_there_is_named_with_what_to_do(load: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert "set it to the folder of your secrets" in refusal(load, "token_credential: desk")
    assert not secret(load("token_credential: desk", secrets=False)).resolved
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert refusal(load, "token_credential: desk") == (
        f"web.token_credential: cannot read the credential that it names, looked for in {tmp_path}: "
        "No such file or directory; the name of a credential belongs here, never the secret itself"
    )


def test_a_credential_that_may_not_be_read_is_told_as_such(load: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """So it is for the process that systemd starts for a reload: it knows the folder, and may not look into it."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "secret"))
    (tmp_path / "secret").write_text("no folder, which root may not look into either")
    assert "/secret: Not a directory; " in refusal(load, "token_credential: desk")


def test_a_credential_is_no_way_to_other_files(load: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    (tmp_path / "credentials").mkdir()
    (tmp_path / "other").write_text("hunter-elsewhere")
    assert refusal(load, "token_credential: ../other").startswith("web.token_credential: is no name of a credential; ")


def test_a_folder_of_secrets_that_everybody_can_read_is_told(load: Any, open_folder: Path, monkeypatch: Any) -> None:
    """`check` by hand sets $CREDENTIALS_DIRECTORY to the files from which systemd makes credentials."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(open_folder))
    file = open_folder / "desk"
    file.write_text("hunter-of-the-credential")
    file.chmod(0o644)
    assert (file, "a secret") in list(exposed(load("token_credential: desk")))


def test_a_program_prints_a_secret_and_gets_no_shell(load: Any) -> None:
    assert secret(load(program("print('hunter-of-the-command')"))).reveal() == "hunter-of-the-command"
    assert secret(load("token_command: echo $HOME; and-nothing")).reveal() == "$HOME; and-nothing"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (program("print('hunter-1'); raise SystemExit(3)"), "the command ended with 3"),
        (program("pass"), "what the command printed is empty"),
        (program("import sys; sys.stdout.buffer.write(bytes([255]))"), "the command printed no UTF-8"),
        ("token_command: /nowhere/at-all", "the command cannot be run: No such file or directory"),
        ("token_command: 'pass \"show'", "the command cannot be read as words"),
        ("token_command: ''", "must name a command"),
    ],
)
def test_a_program_that_gives_no_secret_is_told_without_what_it_printed(load: Any, form: str, told: str) -> None:
    refused = refusal(load, form)
    assert refused.startswith(f"web.token_command: {told}")
    assert "hunter" not in refused


def test_no_program_is_run_where_no_secret_is_needed(load: Any, tmp_path: Path) -> None:
    """`check --offline` is safe for a config of somebody else's."""
    mark = tmp_path / "ran"
    form = program(f"open({str(mark)!r}, 'w'); print('hunter-of-the-command')")
    assert not secret(load(form, secrets=False)).resolved
    assert not mark.exists()
    load(form)
    assert mark.exists()


def test_exactly_one_form_is_given(load: Any) -> None:
    assert "give exactly one of token_credential, token_command" in refusal(
        load, "token_credential: desk, token_command: 'pass show desk'"
    )
