"""Every language says all that the program says, and nothing else; the same names stand in each translation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from inboxwatch.words import FOLDER, LANGUAGES, SOURCE

ROOT = Path(__file__).parents[2] / "inboxwatch"
TRANSLATED = [one for one in LANGUAGES if one != SOURCE]
_CALLED = {"say": 1, "english": 1, "count": 2, "_": 1, "gettext": 1, "ngettext": 2}
"""What takes texts, and how many."""

Text = str | tuple[str, str]


@cache
def spoken() -> frozenset[Text]:
    """The texts of code and templates, by another way than `make words` finds them."""
    found: set[Text] = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                found |= set(_texts(name, [one.value for one in node.args if isinstance(one, ast.Constant)]))
    for path in templates():
        environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=False)
        for call in environment.parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name):
                given = [one.value for one in call.args if isinstance(one, nodes.Const)]
                found |= set(_texts(call.node.name, given))
    return frozenset(found)


def _texts(name: str, given: list[object]) -> Iterator[Text]:
    texts = [one for one in given if isinstance(one, str)][: _CALLED.get(name, 0)]
    if _CALLED.get(name) == len(texts) and texts[0]:
        yield texts[0] if len(texts) == 1 else (texts[0], texts[1])


def templates() -> list[Path]:
    return [path for path in ROOT.rglob("templates/*") if path.suffix in (".html", ".txt")]


@cache
def catalogue(language: str) -> Catalog:
    with (FOLDER / f"{language}.po").open("rb") as written:
        return read_po(written, locale=language, abort_invalid=True)


def messages(language: str) -> list[Message]:
    return [one for one in catalogue(language) if one.id]


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_language_has_every_text_once_translated_and_no_other(language: str) -> None:
    """Where this fails after a change of texts: `make words`, then translate what is empty."""
    known = {tuple(one.id) if one.pluralizable else str(one.id) for one in messages(language)}
    assert known == spoken()
    assert catalogue(language).obsolete == {}
    empty = [one.id for one in messages(language) for said in _said(one) if not said.strip()]
    assert empty == []
    assert [one.id for one in messages(language) if one.fuzzy] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_names_what_the_english_text_names(language: str) -> None:
    """The same placeholders in every form, the same commands, and white space at its ends as in English."""
    number = catalogue(language).num_plurals
    wrong: list[tuple[str, str]] = []
    for one in messages(language):
        english, forms = str(one.id[0] if one.pluralizable else one.id), _said(one)
        if one.pluralizable and len(forms) != number:
            wrong.append((english, f"{len(forms)} of {number} forms"))
        wrong += [(english, said) for said in forms if _named(said) != _named(english) or _ends(said) != _ends(english)]
    assert wrong == []


def _ends(text: str) -> tuple[bool, bool]:
    return text[:1].isspace(), text[-1:].isspace()


def test_no_template_says_a_word_past_the_catalogues() -> None:
    """Text between tags, and what browsers and screen readers say of attributes."""
    found = []
    for path in templates():
        source = path.read_text(encoding="utf-8")
        environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=False)
        data = " ".join(one.data for one in environment.parse(source).find_all(nodes.TemplateData))
        read = _Read()
        read.feed(data)
        texts = [re.sub(r"inboxwatch|data-live(?:\s*=\S+)?", "", text) for text in read.texts]
        found += [(path.name, text) for text in texts if re.search(r"[^\W\d_]{2}", text)]
    assert found == []


class _Read(HTMLParser):
    """What people read of a page whose values are gone."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value or "" for name, value in attrs if name in ("aria-label", "placeholder", "title", "alt")]


def _said(one: Message) -> tuple[str, ...]:
    return tuple(one.string or ()) if one.pluralizable else (str(one.string),)


def _named(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s|%%|`[^`]+`", text)) - {"%(count)s"}  # which a singular may leave out


def test_what_people_read_has_none_of_the_words_of_the_api_and_of_statistics() -> None:
    """The API keeps them: overdue, due soon, can't tell, done, elapsed, on time, answered only are said instead."""
    banned = re.compile(
        r"\b(breach(ed)?|warned|unverified|attainment|naive|wall time)\b|No wait is like", re.IGNORECASE
    )
    texts = (part for text in spoken() for part in ([text] if isinstance(text, str) else text))
    assert [text for text in texts if banned.search(re.sub(r"%\(\w+\)s", "", text))] == []
