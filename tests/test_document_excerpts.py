"""What the documents show of the config, of TOML and of Python is taken by who reads it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from inboxwatch import config
from tests.support.certificates import Authority
from tests.support.documents import ROOT, blocks, documents, in_text

GENERATED = "config/README.md"
NO_CONFIG = {
    "type: ignore": "a comment of Python",
    "sender: true": "a field of a request",
    "leads: {crm: {source: NAME, ...}}": "to be filled in by who writes a source",
    "connector: post": "the connector that the reader writes",
}
"""What looks like a part of the config, and why it is none that could be read."""


def excerpts() -> Iterator[tuple[str, str]]:
    for document in documents():
        yield from ((document, block.text) for block in blocks(document) if block.language == "yaml")
        if document != GENERATED:
            yield from ((document, code) for code in in_text(document) if re.match(r"[a-z_]+: \S", code))


FOUND = {text: document for document, text in excerpts()}


def read(text: str) -> Any:
    """What three dots stand for is a text like another."""
    try:
        return YAML(typ="safe").load(text.replace("...}", "x}").replace("...", "x"))
    except YAMLError as error:
        pytest.fail(f"{text}: {error}")


SECTIONS = set(config.schema()["properties"])
KEYS = set(re.findall(r"^\| `(\w+)` \|", (ROOT / GENERATED).read_text(encoding="utf-8"), re.MULTILINE))
FORMS = re.compile(r"_(file|env|credential|command)$")


@pytest.mark.parametrize("text", sorted(set(FOUND) - set(NO_CONFIG)))
def test_every_excerpt_of_a_config_is_taken_in_its_place(text: str, tmp_path: Path) -> None:
    """A section stands in the annotated example, in the place of what it has; a key within one is known by its name."""
    shown = read(text)
    if text.startswith("mailboxes: {connector"):
        shown = {"directories": {"staff": {"source": "csv", "path": "staff.csv"} | shown}}
    if not set(shown) <= SECTIONS:
        assert {FORMS.sub("", key) for key in shown} <= KEYS, FOUND[text]
        return
    whole = YAML(typ="safe").load(config.example()) | shown
    whole["routing"] = {"fallback": "max", "rules": [{"assign": "mailbox.owner"}]}
    (tmp_path / "own-rules.yaml").write_text("rules: []\n")
    (tmp_path / "qualification.yaml").write_text("classes: []\n")
    (tmp_path / "tls").mkdir()
    Authority(tmp_path / "tls", certificate_name="fullchain.pem", key_name="privkey.pem").issue()
    with (tmp_path / "inboxwatch.yaml").open("w") as file:
        YAML().dump(whole, file)
    config.load(tmp_path / "inboxwatch.yaml", secrets=False)


def test_what_is_no_config_is_still_said() -> None:
    assert set(NO_CONFIG) <= set(FOUND)


def test_every_excerpt_of_toml_and_python_can_be_read() -> None:
    read = 0
    for document in documents():
        for block in blocks(document):
            if block.language == "toml":
                read += bool(tomllib.loads(block.text))
            elif block.language == "python":
                compile(block.text, document, "exec")
                read += 1
    assert read >= 3
