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
    ".github/SECURITY.md",
    "deploy/FAQ.md",
    "deploy/README.md",
    "deploy/RELEASING.md",
    "deploy/prometheus/README.md",
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


def test_every_answer_to_a_frequent_question_names_the_test_or_the_page_that_holds_it() -> None:
    answers = (ROOT / "deploy/FAQ.md").read_text(encoding="utf-8").split("\n## ")[1:]
    assert len(answers) >= 12
    held = re.compile(r"`tests/[\w/.]+`|\]\([\w./-]+(#[\w-]+)?\)")
    assert [answer.splitlines()[0] for answer in answers if not held.search(answer)] == []
    named = set(re.findall(r"`(tests/[\w/.]+)`", "\n".join(answers)))
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_alert_that_is_named_anywhere_is_one_and_has_its_runbook() -> None:
    rules = (ROOT / "deploy/prometheus/inboxwatch.alerts.yml").read_text(encoding="utf-8")
    alerts = {name: rule for name, _, rule in (one.partition("\n") for one in rules.split("- alert: ")[1:])}
    assert {name for name, rule in alerts.items() if "runbook: " not in rule} == set()
    documents = [*ROOT.glob("deploy/**/*.md"), ROOT / "README.md", ROOT / "inboxwatch/web/README.md"]
    named = set(re.findall(r"runbook: See (Inboxwatch\w+)", rules))
    for one in documents:
        named |= set(re.findall(r"`(Inboxwatch[A-Z]\w+)`", one.read_text(encoding="utf-8")))
    assert named
    assert named <= set(alerts)
