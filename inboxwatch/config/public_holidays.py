"""Public holidays by country and subdivision, with their names, for any year that is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from inboxwatch.config.fields import meant

if TYPE_CHECKING:
    from holidays import HolidayBase


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    """Call it with a day for its holiday's name (in English where that is known), or None.

    `country` is an ISO 3166-1 code, `subdivision` the part of an ISO 3166-2 code after the hyphen. A holiday that is
    observed on another date counts on that date. Raises ValueError for what the package `holidays` does not know.
    """

    country: str
    subdivision: str | None = None
    _feed: HolidayBase = field(init=False, repr=False, compare=False)
    """Works out a year when one of its days is first asked for."""

    def __post_init__(self) -> None:
        # Imported here: only a config with holidays pays for it.
        from holidays import country_holidays, list_supported_countries

        supported = list_supported_countries()
        if self.country not in supported:
            raise ValueError(f"no public holidays are known for {self.country!r}: write a country's code, such as GB")
        try:
            feed = country_holidays(self.country, subdiv=self.subdivision, language="en_US")
        except NotImplementedError:
            known = supported[self.country]
            hint = meant(self.subdivision, known) or f"; known are {', '.join(known) or 'none'}"
            raise ValueError(f"{self.country} has no subdivision {self.subdivision!r}{hint}") from None
        object.__setattr__(self, "_feed", feed)

    def __call__(self, day: date) -> str | None:
        return self._feed.get(day)
