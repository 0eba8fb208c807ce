"""What is wrong with a config: every problem with its path, all in one report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Where in the document: keys and list positions from the top."""


def dotted(path: Path) -> str:
    """`sla_policies[0].when.tier`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One mistake, as `path: message`."""

    path: str
    message: str
    line: int | None = None
    """Of the file, from 1."""
    file: str = ""
    """The drop-in it stands in, such as `conf.d/emea.yaml`; empty for the config file itself."""

    def __str__(self) -> str:
        place = ", ".join(filter(None, [self.file, f"line {self.line}" if self.line else ""]))
        return f"{self.path}: {self.message}" + (f" ({place})" if place else "")


class ConfigError(Exception):
    """A config that cannot be used; `problems` are all of them, in the order of the files."""

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.file, problem.line or 0)))
        super().__init__("\n".join(map(str, self.problems)))
