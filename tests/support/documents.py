"""The code in our Markdown: fenced blocks, commands, and what stands in the text as code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
SHELL = ("sh", "console")


class Block(NamedTuple):
    """A fenced or indented block."""

    language: str
    text: str


class Commands:
    """Those of a document, as its blocks for the shell give them: without `sudo`, without comments."""

    def __init__(self, document: str) -> None:
        self.all = [line for block in blocks(document) if block.language in SHELL for line in _lines(block.text)]

    def starting(self, *words: str) -> list[str]:
        return [line for line in self.all if line.startswith(words)]


def documents() -> list[str]:
    """Every Markdown file of the tree, by its path from the root."""
    skipped = {".venv", "build", "dist", "node_modules"}
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    return sorted(str(path) for path in found if not skipped & set(path.parts) and ".pytest_cache" not in path.parts)


def blocks(document: str) -> Iterator[Block]:
    for token in MarkdownIt("commonmark").parse((ROOT / document).read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block"):
            yield Block(token.info.strip(), token.content)


def in_text(document: str) -> Iterator[str]:
    """Each piece of code within a sentence or a table."""
    for token in MarkdownIt("commonmark").enable("table").parse((ROOT / document).read_text(encoding="utf-8")):
        for child in token.children or ():
            if child.type == "code_inline":
                yield child.content


def _lines(text: str) -> Iterator[str]:
    for line in text.replace("\\\n", " ").splitlines():
        command = " ".join(line.split("#")[0].replace("sudo ", "").split())
        if command:
            yield command
