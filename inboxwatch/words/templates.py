"""The words within templates: `_()`, `ngettext()` and dates, in the language that a rendering is given as `words`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jinja2 import Environment, pass_context
from jinja2.runtime import Context

from inboxwatch.words import Wording


def teach(environment: Environment) -> None:
    """Lets the templates of an environment speak. One environment serves every language.

    Values that a text names are escaped where the environment escapes; the text itself, a translator's, is not.
    """
    environment.add_extension("jinja2.ext.i18n")
    install: Any = environment.install_gettext_callables  # type: ignore[attr-defined]  # of the extension
    install(_gettext, _ngettext, newstyle=True)
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters.update(when=_when, span=_span, hours=_hours, said=_said)


def _words(context: Context) -> Wording:
    words: Wording = context["words"]
    return words


@pass_context
def _gettext(context: Context, text: str) -> str:
    return _words(context).say(text)


@pass_context
def _ngettext(context: Context, one: str, many: str, number: int) -> str:
    return _words(context).catalogue.ngettext(one, many, number)


@pass_context
def _said(context: Context, text: str) -> str:
    """A text of a table, which is none of the template's own: unlike `_()` it is escaped, for it may be anything."""
    return _words(context).say(str(text))


@pass_context
def _when(context: Context, moment: datetime | None) -> str:
    return _words(context).when(moment)


@pass_context
def _span(context: Context, seconds: float) -> str:
    return _words(context).span(seconds)


@pass_context
def _hours(context: Context, seconds: float) -> str:
    return _words(context).hours(seconds)
