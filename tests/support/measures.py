"""How the tree is built, in figures: `python -m tests.support.measures [PATH]`, for another checkout by its path.

For this checkout the way of one message is traced too (`tests.support.trace`).
"""

from __future__ import annotations

import argparse
import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

from tests.support.trace import ROOT, Direction, traced

Function = ast.FunctionDef | ast.AsyncFunctionDef

MOST_LINES, MOST_PARAMETERS = 60, 6
EDGES = ("config/", "cli.py", "connector.py", "web/bodies.py")
"""Where values of any type come in: below inboxwatch/."""
SHOWN = 6
"""So many names are shown beside a figure."""


@dataclass(frozen=True)
class Module:
    """One file of Python."""

    path: str
    """From the root of the checkout, with slashes."""
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Every function and method with its name, those inside functions too."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield f"{self.path}:{node.name}", node

    def public(self) -> Iterator[tuple[str, Function]]:
        """The functions, and the methods of classes, that others may call; `__init__` among them."""
        for node in self.tree.body:
            inside = [(f"{node.name}.", one) for one in node.body] if isinstance(node, ast.ClassDef) else [("", node)]
            if isinstance(node, ast.ClassDef) and node.name.startswith("_"):
                continue
            for prefix, one in inside:
                if isinstance(one, Function) and (not one.name.startswith("_") or one.name == "__init__"):
                    yield f"{self.path}:{prefix}{one.name}", one

    def classes(self) -> Iterator[str]:
        """The names of its public classes."""
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name

    def imports(self, package: str) -> bool:
        """Whether it imports a package, for its types alone too."""
        names: list[str] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.append(node.module)
        return any(name.partition(".")[0] == package for name in names)


def parameters(function: Function) -> int:
    """How many it takes, `self` and `cls` aside."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in named)


def anythings(function: Function) -> int:
    """How many annotations of its signature hold `Any`."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    annotations = [one.annotation for one in every if one is not None] + [function.returns]
    return sum(
        any(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(annotation))
        for annotation in annotations
        if annotation is not None
    )


def table(root: Path) -> Iterator[tuple[str, str]]:
    """(what, figure) of the checkout at `root`."""
    modules = [
        Module(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
        for package in ("inboxwatch", "connectors")
        for path in sorted((root / package).rglob("*.py"))
    ]
    ours = [one for one in modules if one.path.startswith("inboxwatch/")]
    rooms = sorted({one.path.split("/")[1] for one in ours if one.path.count("/") > 1})
    yield "rooms at the top of inboxwatch/", _counted(rooms, shown=len(rooms))
    top = [Path(one.path).name for one in ours if one.path.count("/") == 1 and not one.path.endswith("__init__.py")]
    yield "files at the top of inboxwatch/", _counted(top, shown=len(top))

    sizes = {one.path: one.lines for one in modules}
    longest = max(sizes, key=lambda path: sizes[path])
    yield "modules of inboxwatch/ and connectors/", str(len(modules))
    yield "lines of a module: median, longest", f"{median(sizes.values()):.0f}, {sizes[longest]} ({longest})"
    every = [named for one in modules for named in one.functions()]
    long = [name for name, function in every if (function.end_lineno or 0) - function.lineno + 1 > MOST_LINES]
    yield f"functions over {MOST_LINES} lines", _counted(long)
    many = [name for name, function in every if parameters(function) > MOST_PARAMETERS]
    yield f"functions with more than {MOST_PARAMETERS} parameters", _counted(many)
    speaking = [
        one.path for one in modules if one.imports("sqlalchemy") and not one.path.startswith("inboxwatch/store/")
    ]
    yield "modules that import SQLAlchemy outside store/", _counted(speaking)
    inner = [one for one in ours if not one.path.removeprefix("inboxwatch/").startswith(EDGES)]
    vague = Counter({name: anythings(function) for one in inner for name, function in one.public()})
    yield (
        "`Any` in public signatures outside the edges",
        _counted([name for name in vague if vague[name]], vague.total()),
    )
    classes = Counter(name for one in modules for name in one.classes())
    yield "public class names that occur twice", _counted(sorted(name for name in classes if classes[name] > 1))
    if root == ROOT:
        trace = traced()
        yield "files that one message passes from poll to send", str(len(trace.modules()))
        yield "calls of its way that go back up", str(len(Direction().upward(trace.calls)))


def _counted(names: Sequence[str], count: int | None = None, shown: int = SHOWN) -> str:
    """A figure and the first of the names behind it; `count` where the names are not what is counted."""
    number = str(len(names) if count is None else count)
    more = [f"{len(names) - shown} more"] if len(names) > shown else []
    return f"{number} ({', '.join([*names[:shown], *more])})" if names else number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path", nargs="?", type=Path, default=ROOT, help="the root of a checkout; without it, this one")
    print("| what | figure |\n| --- | --- |")
    for what, figure in table(parser.parse_args().path.resolve()):
        print(f"| {what} | {figure} |")


if __name__ == "__main__":
    main()
