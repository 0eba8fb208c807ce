"""The words that people read, in their language: English stands in the code and the templates, every other language
is one file beside this one (`de.po`, `es.po`), written by translators and read as it is.

A language is a value that is handed down (`Wording`), never a setting of the process: two readers get two languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from babel import Locale
from babel.dates import parse_pattern
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import NumberPattern

FOLDER = Path(__file__).parent
SOURCE = "en"
"""The language of the texts in the code."""
LANGUAGES = (SOURCE, *sorted(path.stem for path in FOLDER.glob("*.po")))
"""Codes of the languages that are spoken: ISO 639."""


def english(text: str) -> str:
    """Names a text of a table for the catalogue; `Wording.say` translates it where it is used."""
    return text


@dataclass(frozen=True, slots=True)
class Wording:
    """One language: its sentences, its counts, its dates and lengths of time.

    `%(name)s` in a text is replaced by the value of that name, as it is: what a stranger wrote is cleaned before and
    escaped after, by whoever shows it. What a translator wrote is trusted.
    """

    language: str
    """One of LANGUAGES."""
    catalogue: NullTranslations

    def say(self, text: str, **values: object) -> str:
        """A sentence by its English text."""
        said = self.catalogue.gettext(text) if text else ""
        return said % values if values else said

    def count(self, one: str, many: str, count: int, **values: object) -> str:
        """A sentence about a number, which is `%(count)s` in it, by its English singular and plural."""
        return self.catalogue.ngettext(one, many, count) % {"count": count, **values}

    def when(self, moment: datetime | None) -> str:
        """An instant in the zone it carries: `Tue 3 Nov 14:03 GMT`. Empty for none."""
        return f"{self.dated(INSTANT, moment)} {moment:%Z}" if moment else ""

    def day(self, day: date) -> str:
        """`Tue 3 Nov`."""
        return self.dated(DAY, day)

    def span(self, seconds: float) -> str:
        """A length of time in its two highest units: `45 s`, `12 min`, `2 h 05 min`, `3 d 4 h`."""
        whole = int(abs(seconds))
        if whole >= 86400:
            hours = whole // 3600 % 24
            return self.say(SPANS["dh" if hours else "d"], days=whole // 86400, hours=hours)
        if whole >= 60:
            return self.hours(whole)
        return self.say(SPANS["s"], seconds=whole)

    def hours(self, seconds: float) -> str:
        """A length of business time: it has no days of 24 hours. `183 h`, `2 h 05 min`, `12 min`."""
        whole = int(abs(seconds))
        hours, minutes = whole // 3600, whole // 60 % 60
        if hours:
            return self.say(SPANS["hm" if minutes else "h"], hours=hours, minutes=f"{minutes:02}")
        return self.say(SPANS["m"], minutes=minutes) if minutes else self.say(SPANS["s"], seconds=whole)

    @property
    def name(self) -> str:
        """What the language calls itself, such as `Deutsch`."""
        name = _locale(self.language).get_display_name() or self.language
        return name[:1].upper() + name[1:]

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        """How it is written."""
        return "rtl" if _locale(self.language).text_direction == "rtl" else "ltr"

    def dated(self, pattern: str, moment: date) -> str:
        """A date or an instant as the language writes what a CLDR pattern asks for; the catalogue has its own."""
        return parse_pattern(self.say(pattern)).apply(moment, _locale(self.language))

    def percent(self, share: float, digits: int = 0) -> str:
        """A share (0..1) with so many digits behind the point: `93%`, `93,5 %`."""
        said: str = _percents(self.language, digits).apply(share, _locale(self.language))
        return said


SPANS = MappingProxyType(
    {
        "dh": english("%(days)s d %(hours)s h"),
        "d": english("%(days)s d"),
        "hm": english("%(hours)s h %(minutes)s min"),
        "h": english("%(hours)s h"),
        "m": english("%(minutes)s min"),
        "s": english("%(seconds)s s"),
    }
)
"""Lengths of time by the units that they have."""
INSTANT, DAY = english("EEE d MMM HH:mm"), english("EEE d MMM")
"""CLDR patterns of dates: weekday, day, month, hours, minutes. Source:
https://unicode.org/reports/tr35/tr35-dates.html"""


@cache
def words(language: str) -> Wording:
    """A language by its code. Raises LookupError for one that is not spoken."""
    if language not in LANGUAGES:
        raise LookupError(f"no words in the language {language!r}; there are {', '.join(LANGUAGES)}")
    if language == SOURCE:
        return ENGLISH
    with (FOLDER / f"{language}.po").open("rb") as written:
        catalogue = read_po(written, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Wording(language, GNUTranslations(compiled))


def spoken(wanted: Iterable[str]) -> str | None:
    """The first of some languages (`de`, `de-AT`, `es_MX`) that is spoken here, or None."""
    bases = (one.replace("_", "-").partition("-")[0].strip().lower() for one in wanted)
    return next((base for base in bases if base in LANGUAGES), None)


def preferred(accepted: str) -> list[str]:
    """The languages of an Accept-Language header (RFC 9110, 12.5.4), best liked first; broken parts are left out."""
    found: list[tuple[float, int, str]] = []
    for part in accepted[:1000].split(","):
        language, _, weight = part.partition(";")
        liked = re.fullmatch(r"\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", weight) if weight else None
        if language.strip() and (liked or not weight) and (quality := float(liked[1]) if liked else 1.0):
            found.append((-quality, len(found), language.strip()))
    return [language for *_, language in sorted(found)]


_locale = cache(Locale.parse)


@cache
def _percents(language: str, digits: int) -> NumberPattern:
    """How a language writes shares."""
    pattern: NumberPattern = copy(_locale(language).percent_formats[None])
    pattern.frac_prec = (digits, digits)
    return pattern


ENGLISH = Wording(SOURCE, NullTranslations())
"""For logs, commands and whoever names no language."""
