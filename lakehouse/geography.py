"""A few hundred real cities: where the example shop's customers live, and where maps draw them.

The figures come from GeoNames (geonames.org, CC BY 4.0): the largest cities of some
fifty countries, no two with the same name, suburbs left out.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "data" / "cities.csv"


@dataclass(frozen=True, slots=True)
class City:
    """One city; its name alone identifies it."""

    city: str
    country: str
    country_code: str
    """ISO 3166, two letters."""
    latitude: float
    """Degrees, north positive."""
    longitude: float
    """Degrees, east positive."""
    population: int


@cache
def cities() -> dict[str, City]:
    """All cities by name, in the file's order: by country, the largest first."""
    with FILE.open(encoding="utf-8", newline="") as rows:
        return {
            row["city"]: City(
                row["city"],
                row["country"],
                row["country_code"],
                float(row["latitude"]),
                float(row["longitude"]),
                int(row["population"]),
            )
            for row in csv.DictReader(rows)
        }
