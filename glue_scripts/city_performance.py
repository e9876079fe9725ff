"""Orders and revenue by city, split into premium and standard orders."""

from decimal import Decimal
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from glue_scripts import measures
from glue_scripts.change import Change
from glue_scripts.snapshots import WEIGHT
from lakehouse.gold import COUNT, GOLD, MONEY, PERCENT, UNKNOWN

PREMIUM_FROM: Final = Decimal(500)
"""An order of this total or more is a premium order."""

PLACE: Final = ("city", "country")
KINDS: Final = ("premium", "standard")
_KIND: Final = "__kind"
_SUMS: Final = {
    "total_orders": COUNT,
    "premium_orders": COUNT,
    "standard_orders": COUNT,
    "premium_revenue": MONEY,
    "standard_revenue": MONEY,
    "net_revenue": MONEY,
    "cancelled_orders": COUNT,
}
_ALWAYS: Final = -(2**62)
"""Microseconds; before every order."""


def with_city(sales: DataFrame, users: DataFrame) -> DataFrame:
    """Adds `city` and `country` where each sale's user lived when it was placed.

    `users` is the history (`user_id, city, country, valid_from`). A sale older than its user's
    history counts for the earliest known city; one whose user is not known at all for UNKNOWN.
    """
    placed = sales.join(_histories(users), "user_id", "left")
    until = fn.filter("__history", lambda known: known["valid_from"] <= fn.col("created_at"))
    home = fn.coalesce(fn.get(until, fn.size(until) - 1), fn.get("__history", fn.lit(0)))
    return placed.withColumns(
        {name: fn.coalesce(home[name], fn.lit(UNKNOWN)) for name in PLACE}
    ).drop("__history")


def _histories(users: DataFrame) -> DataFrame:
    version = fn.struct("valid_from", *PLACE)
    return users.groupBy("user_id").agg(fn.sort_array(fn.collect_list(version)).alias("__history"))


def city_performance(sales: DataFrame, users: DataFrame) -> DataFrame:
    """One row per city and country with the columns of the gold table.

    Gross figures count every sale; `net_revenue` leaves CANCELLED ones out. Premium and standard
    orders are aggregated apart and joined, and a city with only one kind keeps its row.
    """
    return _finished(_sums(with_city(measures.whole(sales), users)))


def after_change(held: DataFrame, sales: Change, users: Change) -> DataFrame:
    """`city_performance` of now from that of before (`held`).

    The sales that appeared or vanished count where their users lived by the histories of *before*;
    then all sales whose place is another by the histories of now move there. A user who was not
    known before has no sales to move unless the table has sales of unknown users.
    """
    buyers = sales.rows.select("user_id").union(users.rows.select("user_id")).distinct()
    known = users.before_of(buyers.localCheckpoint()).localCheckpoint()
    if users.is_empty:
        placed = with_city(sales.rows, known)
    else:
        known_now = _after(known, users)
        moved = _moved(known, known_now, users).localCheckpoint()
        unknown = [held[name] == UNKNOWN for name in PLACE]
        if held.where(reduce(lambda a, b: a & b, unknown)).isEmpty():
            new = moved.where("__is_new").select("user_id")
            known = known.unionByName(known_now.join(new, "user_id", "left_semi"))
            moved = moved.where("NOT __is_new")
        placed = with_city(sales.rows, known)
        first = moved.agg(fn.min("__since")).first()
        if first is not None and first[0] is not None:
            again = measures.whole(_sales_since(sales, moved, first[0])).select(*sales.rows.columns)
            leaving = again.withColumn(WEIGHT, -fn.col(WEIGHT))
            placed = placed.unionByName(with_city(leaving, known))
            placed = placed.unionByName(with_city(again, known_now))
    sums = measures.add(held, _sums(placed), PLACE, _SUMS, "total_orders", "city_performance")
    return _finished(sums)


def _sales_since(sales: Change, moved: DataFrame, first: int) -> DataFrame:
    """The sales of now of each moved user, placed at or after the moment in `__since`."""
    rows = sales.after()
    if first != _ALWAYS:
        rows = rows.where(fn.col("created_at") >= fn.timestamp_micros(fn.lit(first)))
    joined = rows.join(fn.broadcast(moved), "user_id")
    since = fn.col("__since")
    return joined.where((since == _ALWAYS) | (fn.unix_micros("created_at") >= since))


def _after(known: DataFrame, users: Change) -> DataFrame:
    """The histories of now: those of before with what appeared, without what vanished."""
    both = measures.whole(known).unionByName(users.rows)
    summed = both.groupBy(*known.columns).agg(fn.sum(WEIGHT).alias(WEIGHT))
    return summed.where(fn.col(WEIGHT) > 0).drop(WEIGHT).localCheckpoint()


def _moved(known: DataFrame, known_now: DataFrame, users: Change) -> DataFrame:
    """Users whose city at some time is now another: `user_id, __since` (microseconds), `__is_new`.

    `__since` is the earliest such time. Changes of anything else of a user are none.
    """
    changed = fn.broadcast(users.rows.select("user_id").distinct())
    before = _timelines(known.join(changed, "user_id", "left_semi"), "__old")
    after = _timelines(known_now.join(changed, "user_id", "left_semi"), "__new")
    both = before.join(after, "user_id", "full_outer")
    is_new = fn.col("__old").isNull()
    none = fn.filter(fn.coalesce("__old", "__new"), lambda _: fn.lit(False))
    old, new = fn.coalesce("__old", none), fn.coalesce("__new", none)
    differing = fn.concat(fn.array_except(old, new), fn.array_except(new, old))
    since = fn.array_min(fn.transform(differing, lambda entry: entry["since"]))
    found = both.select("user_id", since.alias("__since"), is_new.alias("__is_new"))
    return found.where(fn.col("__since").isNotNull())


def _timelines(users: DataFrame, name: str) -> DataFrame:
    """Each user's places in order of time, neighbours differ; the first counts from ever."""
    history = fn.col("__history")

    def place(version: Column) -> Column:
        return fn.struct(*[version[name] for name in PLACE])

    def is_another(version: Column, index: Column) -> Column:
        before = fn.get(history, index - 1)
        return (index == 0) | ~place(version).eqNullSafe(place(before))

    def entry(version: Column, index: Column) -> Column:
        begins = fn.when(index == 0, fn.lit(_ALWAYS)).otherwise(
            fn.unix_micros(version["valid_from"])
        )
        return fn.struct(begins.alias("since"), *[version[n].alias(n) for n in PLACE])

    steps = fn.transform(fn.filter(history, is_another), entry)
    return _histories(users).select("user_id", steps.alias(name))


def _sums(placed: DataFrame) -> DataFrame:
    amount = fn.coalesce(fn.col("total_amount"), fn.lit(0))
    kind = fn.when(amount >= PREMIUM_FROM, "premium").otherwise("standard")
    # Held, or each of the two kinds would look for the cities of all sales again.
    found = placed.groupBy(*PLACE, kind.alias(_KIND)).agg(
        measures.orders().alias("orders"),
        measures.gross().alias("revenue"),
        measures.net().alias("net_revenue"),
        measures.cancelled().alias("cancelled_orders"),
    )
    found = found.localCheckpoint()
    premium, standard = (_of_kind(found, name) for name in KINDS)
    both = premium.join(standard, [*PLACE], "full_outer")
    return both.select(
        *PLACE,
        _together("orders").alias("total_orders"),
        *[_zero(f"{kind}_{name}") for name in ("orders", "revenue") for kind in KINDS],
        _together("net_revenue").cast(MONEY).alias("net_revenue"),
        _together("cancelled_orders").alias("cancelled_orders"),
    )


def _of_kind(found: DataFrame, kind: str) -> DataFrame:
    figures = ("orders", "revenue", "net_revenue", "cancelled_orders")
    named = [fn.col(name).alias(f"{kind}_{name}") for name in figures]
    return found.where(fn.col(_KIND) == kind).select(*PLACE, *named)


def _finished(sums: DataFrame) -> DataFrame:
    total = (fn.col("premium_revenue") + fn.col("standard_revenue")).cast(MONEY)
    share = fn.when(total == 0, fn.lit(0)).otherwise(fn.col("premium_revenue") * 100 / total)
    return sums.withColumns(
        {"total_revenue": total, "premium_market_share": share.cast(PERCENT)}
    ).select(*GOLD["city_performance"])


def _zero(name: str) -> Column:
    return fn.coalesce(fn.col(name), fn.lit(0)).alias(name)


def _together(name: str) -> Column:
    return _zero(f"premium_{name}") + _zero(f"standard_{name}")
