"""The cities of the example shop."""

from collections import Counter
from random import Random

from lakehouse.geography import cities
from lambdas.generator.people import _LOCALES, People


def test_cities_are_a_few_hundred_real_places() -> None:
    assert 300 <= len(cities()) <= 600
    for name, city in cities().items():
        assert name == city.city.strip()
        assert -60 < city.latitude < 72
        assert -180 <= city.longitude <= 180
        assert city.population > 40_000


def test_known_cities_are_where_they_are() -> None:
    for name, country, latitude, longitude in (
        ("Berlin", "Germany", 52.5, 13.4),
        ("Tokyo", "Japan", 35.7, 139.7),
        ("Buenos Aires", "Argentina", -34.6, -58.4),
    ):
        city = cities()[name]
        assert city.country == country
        assert abs(city.latitude - latitude) < 0.2
        assert abs(city.longitude - longitude) < 0.2


def test_every_country_has_a_locale() -> None:
    assert {city.country_code for city in cities().values()} == set(_LOCALES)


def test_cities_are_drawn_by_population() -> None:
    people = People(Random(1))
    drawn = Counter(people.city().city for _ in range(20_000))
    total = sum(city.population for city in cities().values())
    for name in ("Shanghai", "Delhi", "London"):
        expected = 20_000 * cities()[name].population / total
        assert 0.7 * expected < drawn[name] < 1.3 * expected
    assert len(drawn) > 300
