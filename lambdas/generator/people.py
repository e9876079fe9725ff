"""Invented customers: names and addresses in the manner of their country, cities by population."""

from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random
from typing import Final

from faker import Factory, Generator

from lakehouse.geography import City, cities

ABROAD_SHARE: Final = 0.1
"""Share of those who, changing city, change country too."""
NEW_CITY_SHARE: Final = 0.4
"""Share of movers who leave their city; the others move within it."""
_PROVIDERS: Final = tuple(f"faker.providers.{name}" for name in ("person", "address", "internet"))
_LOCALES: Final = {
    "AE": "en_US", "AR": "es_AR", "AT": "de_AT", "AU": "en_AU", "BE": "nl_BE", "BR": "pt_BR",
    "CA": "en_CA", "CH": "de_CH", "CL": "es_CL", "CN": "zh_CN", "CO": "es_CO", "CZ": "cs_CZ",
    "DE": "de_DE", "DK": "da_DK", "EG": "en_US", "ES": "es_ES", "FI": "fi_FI", "FR": "fr_FR",
    "GB": "en_GB", "GR": "el_GR", "HU": "hu_HU", "ID": "id_ID", "IE": "en_IE", "IL": "he_IL",
    "IN": "en_IN", "IT": "it_IT", "JP": "ja_JP", "KE": "en_KE", "KR": "ko_KR", "MX": "es_MX",
    "MY": "en_US", "NG": "en_NG", "NL": "nl_NL", "NO": "no_NO", "NZ": "en_NZ", "PE": "es_CO",
    "PH": "en_US", "PL": "pl_PL", "PT": "pt_PT", "RO": "ro_RO", "SA": "en_US", "SE": "sv_SE",
    "SG": "en_US", "TH": "th_TH", "TR": "tr_TR", "UA": "uk_UA", "US": "en_US", "VN": "vi_VN",
    "ZA": "en_GB",
}  # fmt: skip
"""Faker's locale by country; English where Faker has no addresses of the country."""
_DOMAINS: Final = ("example.com", "example.net", "example.org")


@dataclass(frozen=True, slots=True)
class Person:
    """One customer's data, none of it real."""

    name: str
    email: str
    """Always in a domain that is reserved for examples."""
    address: str
    city: str
    country: str


class People:
    """Draws customers; the same `rng` state gives the same people."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def city(self) -> City:
        """A city, drawn by population."""
        return self._draw(None)

    def person(self, number: int) -> Person:
        """A new customer; `number` keeps the e-mail addresses apart."""
        city = self.city()
        faker = self._faker(city)
        word = str(faker.format("user_name")).encode("ascii", "ignore").decode() or "customer"
        email = f"{word}.{number}@{self._rng.choice(_DOMAINS)}"
        return Person(str(faker.format("name")), email, _line(faker), city.city, city.country)

    def move(self, city: str | None) -> tuple[str, City]:
        """Where a customer of `city` moves: the new street and the city, often the same one."""
        place = cities().get(city or "") or self.city()
        if self._rng.random() < NEW_CITY_SHARE:
            abroad = self._rng.random() < ABROAD_SHARE
            place = self._draw(None if abroad else place.country_code)
        return _line(self._faker(place)), place

    def _draw(self, country_code: str | None) -> City:
        places, weights = _weights(country_code)
        return self._rng.choices(places, cum_weights=weights)[0]

    def _faker(self, city: City) -> Generator:
        faker = _generator(_LOCALES[city.country_code])
        # Faker's generators are costly to make and therefore shared: each draw seeds its own.
        faker.seed_instance(self._rng.getrandbits(64))
        return faker


@cache
def _weights(country_code: str | None) -> tuple[list[City], list[int]]:
    places = [c for c in cities().values() if country_code in (None, c.country_code)]
    return places, list(accumulate(place.population for place in places))


@cache
def _generator(locale: str) -> Generator:
    return Factory.create(locale, providers=list(_PROVIDERS))


def _line(faker: Generator) -> str:
    return " ".join(str(faker.format("street_address")).split())
