"""Public holidays by country and subdivision, with their names, for any year that is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from inboxwatch.config.fields import meant

if TYPE_CHECKING:
    from holidays import HolidayBase


OFFICES_CLOSE = {"HK": ("public", "optional"), "SE": ("public", "de_facto")}
"""Where offices close on more than the package counts as public: general holidays, and eves by custom."""


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    """Call it with a day for its holiday's name (in English where that is known), or None.

    `country` is an ISO 3166-1 code, `subdivision` the part of an ISO 3166-2 code after the hyphen. A holiday that is
    observed on another date counts on that date. Raises ValueError for what the package `holidays` does not know.
    """

    country: str
    subdivision: str | None = None
    categories: tuple[str, ...] = ()
    """The package's categories that count; where none are named, those on which the country's offices close."""
    others: tuple[str, ...] = field(init=False)
    """What else the package knows of the country, and does not count."""
    _feed: HolidayBase = field(init=False, repr=False, compare=False)
    """Works out a year when one of its days is first asked for."""

    def __post_init__(self) -> None:
        # Imported here: only a config with holidays pays for it.
        from holidays import country_holidays, list_supported_countries

        supported = list_supported_countries()
        if self.country not in supported:
            raise ValueError(f"no public holidays are known for {self.country!r}: write a country's code, such as GB")
        try:
            feed = country_holidays(self.country, subdiv=self.subdivision)
        except NotImplementedError:
            known = supported[self.country]
            hint = meant(self.subdivision, known) or f"; known are {', '.join(known) or 'none'}"
            raise ValueError(f"{self.country} has no subdivision {self.subdivision!r}{hint}") from None
        chosen = self.categories or OFFICES_CLOSE.get(self.country, ("public",))
        offered = sorted(feed.supported_categories)
        if unknown := next((one for one in chosen if one not in offered), None):
            hint = meant(unknown, offered) or f"; known are {', '.join(offered)}"
            raise ValueError(f"{self.country} has no holidays of the category {unknown!r}{hint}")
        feed = country_holidays(self.country, subdiv=self.subdivision, language="en_US", categories=chosen)
        object.__setattr__(self, "categories", chosen)
        object.__setattr__(self, "others", tuple(one for one in offered if one not in chosen))
        object.__setattr__(self, "_feed", feed)

    def __call__(self, day: date) -> str | None:
        return self._feed.get(day)
