"""A secret that is typed where its place belongs (`password_env: hunter2`) is neither shown nor kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inboxwatch import config, notify
from inboxwatch.cli import app
from inboxwatch.config.models import ConfigModel
from inboxwatch.config.reading import models_within
from inboxwatch.connector import load
from inboxwatch.settings import FORMS, Settings

MARK = "h4nterOfTheWrongKey"
PLAIN = Path(__file__).parents[2] / "config/minimal.yaml"
MINIMAL = PLAIN.read_text(encoding="utf-8")
LIKE_A_SECRET = (MARK, f"~{MARK}", f"${{{MARK}}}", f"{MARK}/with/a-path", f"/{MARK}", f"pa ss'{MARK}", MARK * 30)
CHANNELS = ("webhook", "email", "slack", "apprise", "alertmanager", "console")


def secrets_of(model: type[Settings], at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every secret within a model: where, and its name."""
    yield from ((at, name) for name in model.secret_fields())
    for name, field in model.model_fields.items():
        for inner in models_within(field.annotation):
            yield from secrets_of(inner, (*at, field.alias or name))


@cache
def all_secrets() -> tuple[tuple[str, str, tuple[str, ...], str], ...]:
    """(section, what it is read by, place within the entry, name of the secret) of whatever the program knows."""
    found = []
    for section, group, key in (
        ("mailboxes", "mail", "connector"),
        ("leads", "leads", "source"),
        ("directories", "directories", "source"),
    ):
        for entry in entry_points(group=f"inboxwatch.{group}"):
            places = secrets_of(load(group, entry.name).settings)
            found += [(section, f"{key}: {entry.name}", place, name) for place, name in places]
    for kind in CHANNELS:
        found += [("channels", f"type: {kind}", place, name) for place, name in secrets_of(notify.load(kind).settings)]
    for section in ("web", "store"):
        for model in models_within(ConfigModel.model_fields[section].annotation):
            found += [(section, "", place, name) for place, name in secrets_of(model)]
    return tuple(found)


def nested(place: tuple[str, ...], leaf: Mapping[str, Any]) -> Mapping[str, Any]:
    for step in reversed(place):
        leaf = {step: leaf}
    return leaf


def documents(form: str, value: str) -> Iterator[tuple[str, list[str]]]:
    """Configs in which a value stands at every such key, with the names of these keys."""
    whole, keys = json.loads(json.dumps(config.document.read(PLAIN).data)), []
    for number, (section, kind, place, name) in enumerate(all_secrets()):
        entry, key = dict(nested(place, {f"{name}_{form}": value})), f"{name}_{form}"
        if kind:
            by, _, of = kind.partition(": ")
            whole.setdefault(section, {})[f"planted{number}"] = {by: of, **entry}
            keys.append(f"{section}.planted{number}.{'.'.join((*place, key))}: ")
        else:
            yield f"{MINIMAL}\n{section}: {json.dumps(entry)}\n", [f"{section}.{'.'.join((*place, key))}: "]
    yield json.dumps(whole), keys


def test_every_secret_of_the_program_is_among_those_tried() -> None:
    kinds = {kind for _, kind, _, _ in all_secrets()}
    assert {"connector: imap", "connector: graph", "connector: gmail", "connector: ews", "type: slack", ""} <= kinds


@pytest.mark.parametrize("form", FORMS)
def test_no_problem_of_any_key_quotes_what_stands_at_it(form: str, tmp_path: Path) -> None:
    path, tried = tmp_path / "inboxwatch.yaml", 0
    for value in LIKE_A_SECRET:
        for text, keys in documents(form, value):
            path.write_text(text, encoding="utf-8")
            with pytest.raises(config.ConfigError) as refused:
                config.load(path)
            told = str(refused.value)
            assert MARK not in told, value
            assert [key for key in keys if key not in told] == [], "each is refused"
            tried += len(keys)
    assert tried == len(all_secrets()) * len(LIKE_A_SECRET)


@pytest.mark.parametrize("form", FORMS)
def test_no_command_says_or_writes_it(form: str, tmp_path: Path) -> None:
    """Each is given a config that is right but for the secret's place."""
    hook = f'{{type: webhook, url: "http://127.0.0.1:9", secret_{form}: {MARK}}}'
    text = MINIMAL.replace("password_env: ANA_PASSWORD", f"password_{form}: {MARK}")
    (path := tmp_path / "inboxwatch.yaml").write_text(
        f"{text}\nchannels: {{desk: {hook}}}\nweb: {{token_{form}: {MARK}}}\n", encoding="utf-8"
    )
    packed = tmp_path / "doctor.tar.gz"
    for words in (
        *(["check"], ["check", "--json"], ["check", "--offline"], ["run"], ["reload"], ["clocks", "list"]),
        *(["config", "diff"], ["config", "diff", "--json"], ["leads", "list"], ["doctor", str(packed)]),
        *(["store", "backup", str(tmp_path / "kept.db")], ["audit", "list"], ["backfill", "--since", "1d"]),
    ):
        done = CliRunner().invoke(app, [*words, "-c", str(path)])
        assert done.exception is None or isinstance(done.exception, SystemExit), words
        assert MARK not in done.output, words
    assert MARK not in json.dumps(config.load(path, secrets=False).outline)


@pytest.mark.parametrize("login", [f"ana:{MARK}@", f"{MARK}@"])
def test_an_address_that_is_sent_to_everybody_bears_no_login_and_is_not_quoted(login: str, tmp_path: Path) -> None:
    (path := tmp_path / "inboxwatch.yaml").write_text(
        f'{MINIMAL}web: {{url: "https://{login}watch.acme.test"}}\n', "utf-8"
    )
    with pytest.raises(config.ConfigError) as refused:
        config.load(path)
    assert "web.url: must bear no login" in str(refused.value)
    assert MARK not in str(refused.value)
