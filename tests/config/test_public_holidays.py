"""Holidays: those on which a country's offices close, and what a config names besides."""

from __future__ import annotations

from datetime import date

import pytest

from inboxwatch.config.public_holidays import PublicHolidays


@pytest.mark.parametrize(
    ("country", "day", "closed"),
    [
        ("HK", date(2027, 3, 26), True),  # Good Friday, a general holiday
        ("HK", date(2027, 10, 1), True),
        ("SE", date(2027, 6, 25), True),  # Midsummer Eve, by custom
        ("SE", date(2027, 1, 5), False),  # half a day in banks
        ("BE", date(2027, 12, 26), False),
        ("US", date(2027, 2, 14), False),
        ("GB", date(2027, 12, 27), True),
    ],
)
def test_offices_close_on_what_they_really_close_on(country: str, day: date, closed: bool) -> None:
    assert (PublicHolidays(country)(day) is not None) is closed


def test_a_config_names_further_categories() -> None:
    banks = PublicHolidays("BE", categories=("public", "bank"))
    assert banks(date(2027, 12, 26))
    assert banks(date(2027, 7, 21))
    assert "bank" in PublicHolidays("BE").others
    assert "bank" not in banks.others


def test_a_category_that_the_country_lacks_is_told() -> None:
    with pytest.raises(ValueError, match="did you mean 'optional'"):
        PublicHolidays("HK", categories=("optionl",))
