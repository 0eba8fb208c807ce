"""The tree keeps its promises: one clock, no stray words, files of a readable size."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
CODE = (ROOT / "inboxwatch", ROOT / "connectors")


def sources() -> Iterator[Path]:
    for folder in CODE:
        yield from folder.rglob("*.py")


def test_the_time_is_asked_for_in_one_place() -> None:
    asking = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(|[^.\w]time\.time\(")
    found = [path.relative_to(ROOT) for path in sources() if asking.search(path.read_text(encoding="utf-8"))]
    assert found == [Path("inboxwatch/now.py")]


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "common", "misc", "manager", "base"}
    assert [path for path in sources() if path.stem.strip("_") in drawers] == []


def test_files_stay_readable() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {name: lines for name, lines in long.items() if lines > 450 and "/words/" not in name} == {}


def test_no_two_public_classes_have_one_name() -> None:
    nodes = (node for path in sources() for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = Counter(node.name for node in nodes if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))
    assert [name for name, times in names.items() if times > 1] == []


def test_a_function_of_many_lines_or_parameters_says_why() -> None:
    unexplained = []
    for path in sources():
        if "migrations" in path.parts:  # frozen as they were released
            continue
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                parameters = len([one for one in given if one.arg not in ("self", "cls")])
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                reason = f"{ast.get_docstring(node) or ''} {lines[node.lineno - 1]}".casefold()
                if (parameters > 6 and " parameters" not in reason) or (length > 60 and " lines" not in reason):
                    unexplained.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert unexplained == []


def test_no_exception_is_swallowed_without_a_word() -> None:
    silent = re.compile(r"except( Exception| BaseException)?:\s*\n\s+pass\b")
    assert [path for path in sources() if silent.search(path.read_text(encoding="utf-8"))] == []


def test_tests_share_helpers_of_one_name_each_and_patch_nothing_of_ours() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")}
    shared = re.compile(r"^(from|import) tests\.([\w.]*\.)?test_", re.MULTILINE)
    patched = re.compile(r"""monkeypatch\.setattr\(\s*["'](inboxwatch|connectors)\.""")
    assert [path for path, text in sources.items() if shared.search(text) or patched.search(text)] == []
    helpers = [text for path, text in sources.items() if path.relative_to(ROOT).parts[1] in ("support", "doubles")]
    names = Counter(re.findall(r"^class ([A-Z]\w*)", "\n".join(helpers), re.MULTILINE))
    assert [name for name, times in names.items() if times > 1] == []
