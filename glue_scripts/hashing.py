"""Spark's hash of an integer, to say which task gets which rows.

`repartition(n, column)` sends a row to the task `pmod(hash(column), n)`. Rows that are to share a
file, and no others, get a number whose hash names a task of their own.
"""

from itertools import count


def spread_over(parts: int) -> list[int]:
    """One integer for each of `parts` tasks, in the order of the tasks."""
    found: dict[int, int] = {}
    for number in count():
        found.setdefault(_hash(number) % parts, number)
        if len(found) == parts:
            return [found[task] for task in range(parts)]
    raise AssertionError


def _hash(value: int) -> int:
    """Murmur3 (x86, 32 bits) of a 4-byte integer with Spark's seed 42, as a signed number."""
    mixed = _rotated(value * 0xCC9E2D51, 15) * 0x1B873593 & 0xFFFFFFFF
    state = (_rotated(42 ^ mixed, 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    state ^= 4
    state = (state ^ state >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    state = (state ^ state >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    state ^= state >> 16
    return state - (1 << 32) if state >> 31 else state


def _rotated(value: int, by: int) -> int:
    value &= 0xFFFFFFFF
    return (value << by | value >> (32 - by)) & 0xFFFFFFFF
