"""Invented customers."""

import re
from collections import Counter
from random import Random

from lakehouse.geography import cities
from lambdas.generator.people import People

_EMAIL = re.compile(r"[a-z0-9._-]+\.(\d+)@example\.(com|net|org)")


def test_people_fit_their_country_and_belong_to_no_one() -> None:
    people = People(Random(5))
    for number in range(500):
        person = people.person(number)
        found = _EMAIL.fullmatch(person.email)
        assert found, person.email
        assert int(found[1]) == number
        assert cities()[person.city].country == person.country
        assert person.name
        assert person.address
        assert "\n" not in person.address


def test_the_same_seed_gives_the_same_people() -> None:
    def drawn(seed: int) -> list[object]:
        people = People(Random(seed))
        return [people.person(1), people.move("Berlin"), people.person(2)]

    first = drawn(3)
    People(Random(99)).person(1)  # a shared Faker that another invocation has used meanwhile
    assert drawn(3) == first
    assert drawn(4) != first


def test_movers_mostly_stay_near() -> None:
    people = People(Random(2))
    moves = Counter(
        "here" if place.city == "Berlin" else place.country_code
        for _, place in (people.move("Berlin") for _ in range(2000))
    )
    assert moves["here"] > 1000
    assert moves["DE"] > 300
    assert sum(moves.values()) - moves["here"] - moves["DE"] > 20


def test_an_unknown_city_is_no_obstacle() -> None:
    address, place = People(Random(1)).move("Atlantis")
    assert address
    assert place.city in cities()
