"""Which files an upsert rewrites, over many random tables, without Spark."""

import random
from bisect import bisect_right

import pytest

from glue_scripts.hashing import spread_over
from glue_scripts.ranges import MOST_RANGES, Group, Keys
from glue_scripts.upsert import lay_out
from lakehouse.spark_conf import FILE_BYTES


def _table(draw: random.Random) -> list[Group]:
    """Files that do not overlap, with gaps between some, small and full ones."""
    found, low = [], 0
    for _ in range(draw.randint(0, 200)):
        low += draw.choice((1, 1, 50))
        high = low + draw.randint(0, 30)
        size = draw.choice((1000, FILE_BYTES // 3, FILE_BYTES, FILE_BYTES, FILE_BYTES + 9))
        found.append(Group(low, high, size, 10))
        low = high
    return found


@pytest.mark.parametrize("seed", range(200))
def test_a_plan_reads_whole_files_and_never_lays_one_over_another(seed: int) -> None:
    draw = random.Random(seed)
    found = _table(draw)
    end = found[-1].high + 100 if found else 100
    values = sorted(draw.sample(range(end), min(end, draw.choice((1, 3, 40, 150)))))
    are_many = draw.random() < 0.2
    keys = Keys("k", "bigint", [values[0], values[-1]] if are_many else values, are_many)
    plan = lay_out(found, keys)

    assert len(plan.spans) <= MOST_RANGES
    assert plan.starts == sorted(set(plan.starts))
    touched = [g for g in found if any(a <= g.high and g.low <= b for a, b in plan.spans)]
    stays = [g for g in found if g not in touched]
    assert all(any(a <= g.low and g.high <= b for a, b in plan.spans) for g in touched)
    # A key that a file may hold is merged with that file.
    assert not [(v, g) for v in values for g in stays if g.low <= v <= g.high]
    written: dict[int, list[int]] = {}
    for key in [*values, *(edge for g in touched for edge in (g.low, g.high))]:
        written.setdefault(bisect_right(plan.starts, key), []).append(key)
    # A key of many may lie anywhere between the outermost two: all those files are touched.
    for part in written.values():
        assert not [g for g in stays if min(part) <= g.high and g.low <= max(part)]
    assert plan.size == sum(g.size for g in touched)


def test_new_keys_fill_the_small_file_beside_them_and_leave_full_ones_alone() -> None:
    full, small = Group(1, 10, FILE_BYTES, 10), Group(11, 20, 5000, 10)

    def plan(found: list[Group], *values: int) -> list[tuple[int, int]]:
        return lay_out(found, Keys("k", "bigint", sorted(values), False)).spans

    assert plan([full], 30) == []
    assert plan([full, small], 30) == [(11, 20)]
    assert plan([full, small], 5) == [(1, 20)], "the small neighbour is taken along"
    assert plan([small, Group(21, 30, FILE_BYTES, 10)], 1) == [(11, 20)]


def test_the_nearest_ranges_are_joined_when_there_are_too_many() -> None:
    found = [Group(10 * n, 10 * n + 5, FILE_BYTES, 10) for n in range(400)]
    keys = Keys("k", "bigint", [10 * n for n in range(0, 400, 2)], False)
    assert len(lay_out(found, keys).spans) == MOST_RANGES


def test_each_task_has_a_number_that_hashes_to_it() -> None:
    # As Spark says: SELECT hash(0), hash(1) -> 933211791, -559580957
    assert spread_over(1) == [0]
    assert spread_over(7).index(0) == 933211791 % 7
    assert len(set(spread_over(100))) == 100
