"""The config file as plain data: YAML 1.2 with the line of every value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from inboxwatch.config.problem import ConfigError, ConfigProblem, dotted
from inboxwatch.config.problem import Path as Place

_TAG = "tag:yaml.org,2002:"
_TEXTS = {"str", "timestamp", "value"}
"""Dates stay text as times of day do: what they mean is for the key that they stand at."""
_LARGEST = 4 * 1024 * 1024
_DEEPEST = 50
_MOST = 500_000
"""Values in a file, those that anchors repeat included."""


@dataclass(slots=True)
class Document:
    """What the config says: `data` are dicts, lists and scalars; keys are text; `lines` tells where each value stands.

    `files` tells the file of what a drop-in has brought, by the place of the section or the entry; the rest stands in
    the config file itself.
    """

    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[ConfigProblem] = field(default_factory=list)
    files: dict[Place, str] = field(default_factory=dict)

    def problem(self, path: Place, message: str, at: tuple[str, int] | None = None) -> None:
        """Records a mistake at a place, or where that does not exist in the file at the nearest one above it.

        `at` is the file and the line, where another one than that of the value is meant.
        """
        known = next((path[:end] for end in range(len(path), -1, -1) if path[:end] in self.lines), ())
        file, line = at or (self.file_of(known), self.lines.get(known) if known else None)
        self.problems.append(ConfigProblem(dotted(path), message, line, file))

    def file_of(self, path: Place) -> str:
        """The drop-in that a place stands in; empty for the config file itself."""
        return next((self.files[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.files), "")

    def fill(self, path: Place, node: Node) -> Any:
        """The value of a node, with what is wrong in it recorded."""
        self.lines[path] = node.start_mark.line + 1
        if len(self.lines) > _MOST:
            raise ConfigError([ConfigProblem(dotted(path), "repeats too much by its anchors")])
        if len(path) > _DEEPEST:
            self.problem(path, "is nested too deep")
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(path, node)
        if isinstance(node, MappingNode):
            return self._mapping(path, node)
        return [self.fill((*path, position), item) for position, item in enumerate(node.value)]

    def _mapping(self, path: Place, node: MappingNode) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.problem(path, f"a key must be a text (line {key.start_mark.line + 1})")
                continue
            place = (*path, key.value)
            if key.tag == f"{_TAG}merge":
                for part in self._merged(path, value):
                    merged = part | merged
            elif key.value in found:
                first = self.lines[place]
                self.lines[place] = key.start_mark.line + 1
                self.problem(place, f"is given twice, first on line {first}")
            else:
                found[key.value] = self.fill(place, value)
                self.lines[place] = key.start_mark.line + 1
        return merged | found

    def _merged(self, path: Place, node: Node) -> Iterator[dict[str, Any]]:
        """The mappings that `<<` puts in; what stands beside it goes before them."""
        for part in [node] if isinstance(node, MappingNode) else node.value:
            if isinstance(part, MappingNode):
                yield self._mapping(path, part)
            else:
                self.problem(path, "`<<` takes a mapping or a list of mappings")

    def _scalar(self, path: Place, node: ScalarNode) -> Any:
        kind, text = str(node.tag).removeprefix(_TAG), node.value
        if kind in _TEXTS:
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind in {"int", "float"}:
            return _number(text)
        self.problem(path, f"the tag {node.tag} means nothing here")
        return None


def _number(text: str) -> int | float:
    plain = text.replace("_", "")
    if re.fullmatch(r"[-+]?0[ox].+", plain):
        return int(plain, 0)
    if re.fullmatch(r"[-+]?[0-9]+", plain):
        return int(plain)
    return float(re.sub(r"\.(inf|nan)$", r"\1", plain.lower()))


def read(path: Path) -> Document:
    """Reads a config file. Raises ConfigError where it cannot be read, or is no YAML at all."""
    document = Document()
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigError([ConfigProblem(str(path), "is too large for a config")])
        root = YAML(typ="safe", pure=True).compose(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError([ConfigProblem(str(path), f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([ConfigProblem(str(path), f"is not UTF-8 (byte {error.start})")]) from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        why = " ".join(filter(None, [error.problem, error.context]))
        raise ConfigError([ConfigProblem(str(path), f"is no YAML: {why}", line)]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([ConfigProblem(str(path), f"is no YAML: {error}")]) from None
    if root is not None and not isinstance(root, MappingNode):
        raise ConfigError([ConfigProblem(str(path), "must be a mapping of sections, such as `mailboxes:`")])
    if root is not None:
        # A section that is named and left empty is the same as one that is not there.
        document.data = {key: value for key, value in document.fill((), root).items() if value is not None}
    return document
