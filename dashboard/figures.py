"""Figures as people read them: formatting, and the few numbers derived from the views.

Amounts are `Decimal` all the way to the text; nothing here touches a float.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Any, Final

import pandas

MISSING: Final = "n/a"
SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£"}
_SCALES: Final = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))


def optional(value: Any) -> Any:
    """`value`, or None for any of pandas' missing values."""
    return None if pandas.api.types.is_scalar(value) and pandas.isna(value) else value


def money(amount: Decimal | None, currency: str) -> str:
    """`1284330.5` as `$1,284,330.50`; a currency without a known sign keeps its code."""
    if optional(amount) is None:
        return MISSING
    assert amount is not None
    cents = amount.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return f"{'-' if cents < 0 else ''}{_sign(currency)}{abs(cents):,}"


def short_money(amount: Decimal | None, currency: str) -> str:
    """`1284330.5` as `$1.3M`, for labels whose exact figure is a tooltip away."""
    if optional(amount) is None:
        return MISSING
    assert amount is not None
    for scale, letter in _SCALES:
        if abs(amount) >= scale:
            return f"{'-' if amount < 0 else ''}{_sign(currency)}{abs(amount) / scale:,.1f}{letter}"
    return money(amount, currency)


def count(number: int | None) -> str:
    """`12345` as `12,345`."""
    return MISSING if optional(number) is None else f"{int(number or 0):,}"


def percent(share: Decimal | None) -> str:
    """`41.27`, already in percent, as `41.3%`."""
    if optional(share) is None:
        return MISSING
    assert share is not None
    return f"{share.quantize(Decimal('0.1'), ROUND_HALF_EVEN):,}%"


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago `moment` was, in its two largest units: `3 h 12 min`."""
    if optional(moment) is None:
        return MISSING
    assert moment is not None
    return duration(now - moment)


def duration(span: timedelta) -> str:
    """A span in its two largest units; a negative one counts as none."""
    minutes = max(int(span.total_seconds()) // 60, 0)
    days, hours = minutes // 1440, minutes % 1440 // 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{minutes} min" if minutes else "under 1 min"


def ago(moment: datetime | None, now: datetime) -> str:
    """`age` with its direction; `never` for a missing moment."""
    return "never" if optional(moment) is None else f"{age(moment, now)} ago"


def instant(moment: datetime | None) -> str:
    """A moment in UTC to the second, for tooltips and tables."""
    if optional(moment) is None:
        return MISSING
    assert moment is not None
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@dataclass(frozen=True)
class Sales:
    """Sums over a span of days; `average` is None when nothing was ordered."""

    total_revenue: Decimal
    net_revenue: Decimal
    orders: int

    @property
    def average(self) -> Decimal | None:
        """Revenue per order."""
        return self.total_revenue / self.orders if self.orders else None


def sales(daily: pandas.DataFrame, start: date, end: date) -> Sales:
    """The sales of the days in `[start, end)`."""
    chosen = daily[daily["sale_date"].map(lambda day: start <= day < end).astype(bool)]
    return Sales(
        sum(chosen["total_revenue"].dropna(), Decimal(0)),
        sum(chosen["net_revenue"].dropna(), Decimal(0)),
        int(chosen["total_orders"].sum()),
    )


def week_on_week(daily: pandas.DataFrame, today: date) -> tuple[Sales, Decimal] | None:
    """The last seven full days, and their revenue's change in percent against the seven before.

    None while there are not fourteen full days, or when the seven before sold nothing.
    """
    start, middle = today - timedelta(days=14), today - timedelta(days=7)
    if daily.empty or min(daily["sale_date"]) > start:
        return None
    before, last = sales(daily, start, middle), sales(daily, middle, today)
    if not before.total_revenue:
        return None
    change = (last.total_revenue - before.total_revenue) * 100 / before.total_revenue
    return last, change


def change(new: Decimal | int | None, old: Decimal | int | None) -> float | None:
    """From `old` to `new` in percent; None where there is nothing to compare."""
    if optional(new) is None or not optional(old):
        return None
    assert new is not None
    assert old is not None
    return float((Decimal(new) - Decimal(old)) * 100 / Decimal(old))


class Level(StrEnum):
    """How far the page may be relied upon."""

    GOOD = "good"
    ATTENTION = "attention"
    STALE = "stale"


@dataclass(frozen=True)
class Trust:
    """What the trust bar says. Ages are against `now`; counts are over all tables."""

    level: Level
    headline: str
    last_change_at: datetime | None
    last_ingested_at: datetime | None
    quarantined_keys: int
    failing_rules: int
    evaluated_rules: int
    compared_tables: int
    differing_tables: int
    compared_at: datetime | None


def trust(
    freshness: pandas.DataFrame,
    quality: pandas.DataFrame,
    reconciliation: pandas.DataFrame,
    now: datetime,
    stale_after: timedelta,
) -> Trust:
    """Weighs what does not add up first, then age, then quarantine and quality rules."""
    failing = len(failed(quality))
    differing = int((~reconciliation["is_reconciled"]).sum())
    quarantined = int(freshness["quarantined_keys"].fillna(0).sum())
    ingested = latest(freshness["last_ingested_at"])
    if differing:
        names = ", ".join(reconciliation.loc[~reconciliation["is_reconciled"], "source_table"])
        level, headline = Level.STALE, f"The figures do not add up: {names}"
    elif ingested is None or now - ingested > stale_after:
        level, headline = Level.STALE, "The figures are out of date"
    elif quarantined or failing:
        level, headline = Level.ATTENTION, f"Fresh, but {_blemishes(quarantined, failing)}"
    else:
        level, headline = Level.GOOD, "The figures are fresh and complete"
    return Trust(
        level,
        headline,
        latest(freshness["last_change_at"]),
        ingested,
        quarantined,
        failing,
        len(quality),
        len(reconciliation),
        differing,
        latest(reconciliation["checked_at"]),
    )


def _blemishes(quarantined: int, failing: int) -> str:
    rows = f"{quarantined:,} {'row is' if quarantined == 1 else 'rows are'} held back"
    rules = f"{failing:,} {'rule fails' if failing == 1 else 'rules fail'}"
    return " and ".join([rows] * bool(quarantined) + [rules] * bool(failing))


def latest(moments: Iterable[Any]) -> datetime | None:
    """The newest of `moments`; None when there is none."""
    return max((moment for moment in moments if optional(moment) is not None), default=None)


def failed(quality: pandas.DataFrame) -> pandas.DataFrame:
    """The rules whose newest outcome is anything but passed."""
    return quality[quality["outcome"] != "Passed"]


def _sign(currency: str) -> str:
    return SYMBOLS.get(currency, f"{currency} ")
