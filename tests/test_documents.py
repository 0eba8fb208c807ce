"""What the documents name exists: files, folders, links, and modules to run."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    "README.md",
    "CHANGELOG.md",
    ".github/CONTRIBUTING.md",
    "deploy/README.md",
    "inboxwatch/README.md",
    "inboxwatch/core/RULES.md",
    "inboxwatch/core/mail/README.md",
    "inboxwatch/store/README.md",
]
CHAPTERS = ("core/sla", "core/ownership")
"""Folders of inboxwatch/ in which a document has just said to look."""


@pytest.fixture(params=DOCUMENTS)
def document(request: pytest.FixtureRequest) -> Path:
    """One of them."""
    return ROOT / str(request.param)


def test_every_file_and_folder_named_is_there(document: Path) -> None:
    package = ROOT / "inboxwatch"
    bases = (ROOT, document.parent, package, ROOT / "tests", *(package / name for name in CHAPTERS))
    named = re.findall(r"`([\w.-]+(?:/[\w.-]+)*(?:/|\.(?:py|md|toml|html|css)))`", document.read_text(encoding="utf-8"))
    to_write = re.compile(r"NAME|own-rules")  # what the reader is told to write
    gone = {name for name in named if not to_write.search(name) and not any((base / name).exists() for base in bases)}
    assert gone == set()


def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for name, anchor in re.findall(r"\]\((?!https?:)([\w./-]*)(?:#([\w-]+))?\)", text):
        target = document.parent / name if name else document
        assert target.exists(), name
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}, anchor


def test_every_module_to_run_is_there(document: Path) -> None:
    modules = set(re.findall(r"python -m ([\w.]+)", document.read_text(encoding="utf-8")))
    assert {module for module in modules if find_spec(module) is None} == set()
