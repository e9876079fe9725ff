"""The figures that a choice leaves: the views themselves for everything, else sums of `v_sales`.

What is summed has the shape of the view that holds it for everything, so that the page draws both
alike. Money is summed in cents, exactly.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pandas

from dashboard.failures import EmptyLakeError
from dashboard.filters import Choice, Orders, Period, place
from dashboard.source import Snapshot
from dashboard.views import (
    CATEGORIES,
    CITIES,
    DAILY_SALES,
    ORDER_STATUS,
    OVERVIEW,
    PRODUCT_SALES,
    PRODUCTS,
    SALES,
)
from lakehouse.gold import UNKNOWN

_STATUSES: Final = ("PENDING", "SHIPPED", "DELIVERED", "CANCELLED")
_MONEY: Final = ("total_revenue", "net_revenue")
_COUNTS: Final = ("total_orders", "units_sold", "cancelled_orders")


@dataclass(frozen=True)
class Totals:
    """Sums over the chosen orders."""

    orders: int
    total_revenue: Decimal
    net_revenue: Decimal
    premium_share: Decimal
    """Premium revenue in percent of all; 0 where there is none."""
    cancelled: int
    cities: int

    @property
    def average(self) -> Decimal | None:
        """Revenue per order; None without orders."""
        return self.total_revenue / self.orders if self.orders else None

    @property
    def cancel_rate(self) -> Decimal | None:
        """Cancelled orders in percent of all; None without orders."""
        return Decimal(self.cancelled) * 100 / self.orders if self.orders else None


class Selection:
    """The figures of one choice, as of a day in UTC."""

    def __init__(self, data: Snapshot, choice: Choice, today: date) -> None:
        self.data, self.choice, self.today = data, choice, today

    def rows(self, back: int = 0) -> pandas.DataFrame:
        """Rows of `v_sales` that belong to the choice, or to the period `back` periods before."""
        return chosen(self.data[SALES], self.choice, self.today, back)

    def totals(self) -> Totals:
        """Sums over the choice; raises EmptyLakeError where the lake holds no order at all."""
        overview = self.data[OVERVIEW]
        if overview.empty or not overview.at[0, "total_orders"]:
            raise EmptyLakeError(f"{OVERVIEW.name} in {self.data.source.database} counts no orders")
        if self.choice.is_everything:
            row = overview.iloc[0]
            return Totals(
                int(row["total_orders"]),
                row["total_revenue"],
                row["net_revenue"],
                row["premium_market_share"],
                int(row["cancelled_orders"]),
                int(row["cities"]),
            )
        return totals(self.rows())

    def before(self) -> Totals | None:
        """Sums over the period before; None where the choice has no period."""
        return None if self.choice.period is Period.ALL else totals(self.rows(back=1))

    def cities(self) -> pandas.DataFrame:
        """As `v_city_performance`."""
        return self.data[CITIES] if self.choice.is_everything else by_city(self.rows())

    def daily(self) -> pandas.DataFrame:
        """As `v_daily_sales`; over all time with a filter, older days stand together by month."""
        return self.data[DAILY_SALES] if self.choice.is_everything else by_day(self.rows())

    def categories(self) -> pandas.DataFrame:
        """As `v_category_performance`, without the number of products where something is chosen."""
        return self.data[CATEGORIES] if self.choice.is_everything else by_category(self.rows())

    def statuses(self) -> pandas.DataFrame:
        """As `v_order_status`; the oldest order to the hour and of PENDING alone, if chosen."""
        return self.data[ORDER_STATUS] if self.choice.is_everything else by_status(self.rows())

    def products(self) -> pandas.DataFrame:
        """As `v_product_performance` in all cities, unsold ones with zeros, the best first."""
        products, choice = self.data[PRODUCTS], replace(self.choice, city=None, category=None)
        if not choice.is_everything:
            rows = chosen(self.data[PRODUCT_SALES], choice, self.today)
            products = by_product(rows, products)
        if self.choice.category is not None:
            products = products[products["category"] == self.choice.category]
        return products.reset_index(drop=True)

    @property
    def days(self) -> tuple[date, date] | None:
        """First and last day of the choice's period; None for all time."""
        if self.choice.period is Period.ALL:
            return None
        start, _ = self.choice.period.span(self.today)
        return start, self.today


def chosen(sales: pandas.DataFrame, choice: Choice, today: date, back: int = 0) -> pandas.DataFrame:
    """The rows of `v_sales` (or `v_product_sales`) that `choice` means."""
    keep = pandas.Series(True, index=sales.index)
    if choice.period is not Period.ALL:
        start, end = choice.period.span(today, back)
        keep &= (sales["sale_date"] >= start) & (sales["sale_date"] < end)
    if choice.orders is not Orders.ALL:
        keep &= sales["is_premium"] == (choice.orders is Orders.PREMIUM)
    if choice.category is not None and "category" in sales:
        keep &= sales["category"] == choice.category
    if choice.city is not None and "city" in sales:
        keep &= _is_place(sales, choice.city)
    return sales[keep]


def _is_place(sales: pandas.DataFrame, city: str) -> "pandas.Series[bool]":
    pairs = sales[["city", "country"]].drop_duplicates()
    meant = [(c, n) for c, n in pairs.itertuples(index=False) if place(c, n) == city]
    if not meant:
        return pandas.Series(False, index=sales.index)
    ((name, country),) = meant[:1]
    return (sales["city"] == name) & (sales["country"] == country)


def totals(rows: pandas.DataFrame) -> Totals:
    """Sums over rows of `v_sales`."""
    gross = int(rows["total_revenue"].sum())
    premium = int(rows.loc[rows["is_premium"], "total_revenue"].sum())
    pairs = rows.loc[rows["city"] != UNKNOWN, ["city", "country"]].drop_duplicates()
    return Totals(
        int(rows["total_orders"].sum()),
        money(gross),
        money(rows["net_revenue"].sum()),
        Decimal(premium) * 100 / gross if gross else Decimal(0),
        int(rows["cancelled_orders"].sum()),
        len(pairs),
    )


def by_city(rows: pandas.DataFrame) -> pandas.DataFrame:
    """Rows of `v_sales` as those of `v_city_performance`, the greatest revenue first."""
    place_of = ["city", "country"]
    found = _sums(rows, place_of, (*_MONEY, "total_orders", "cancelled_orders"))
    for kind, is_premium in (("premium", True), ("standard", False)):
        part = rows[rows["is_premium"] == is_premium]
        sums = _sums(part, place_of, ("total_orders", "total_revenue")).set_index(place_of)
        index = pandas.MultiIndex.from_frame(found[place_of])
        found[f"{kind}_orders"] = sums["total_orders"].reindex(index, fill_value=0).to_numpy()
        found[f"{kind}_revenue"] = sums["total_revenue"].reindex(index, fill_value=0).to_numpy()
    found = found.sort_values(["total_revenue", "city"], ascending=[False, True], kind="stable")
    found["premium_market_share"] = [
        Decimal(int(premium)) * 100 / int(total) if total else Decimal(0)
        for premium, total in zip(found["premium_revenue"], found["total_revenue"], strict=True)
    ]
    return _as_decimals(found, (*_MONEY, "premium_revenue", "standard_revenue"))


def by_day(rows: pandas.DataFrame) -> pandas.DataFrame:
    """Rows of `v_sales` as those of `v_daily_sales`, in order."""
    return _as_decimals(_sums(rows, ["sale_date"], (*_COUNTS, *_MONEY)), _MONEY)


def by_category(rows: pandas.DataFrame) -> pandas.DataFrame:
    """Rows of `v_sales` as those of `v_category_performance`, the greatest revenue first."""
    found = _sums(rows, ["category"], (*_COUNTS, *_MONEY))
    found = found.sort_values(["total_revenue", "category"], ascending=[False, True], kind="stable")
    return _as_decimals(found, _MONEY)


def by_product(rows: pandas.DataFrame, products: pandas.DataFrame) -> pandas.DataFrame:
    """Rows of `v_product_sales` as those of `v_product_performance`, names taken from `products`.

    Every product of `products` is there; one that is not named there stands as UNKNOWN.
    """
    sums = ("total_orders", "units_sold", *_MONEY)
    sold = _sums(rows, ["product_id"], sums)
    named = products[["product_id", "name", "category"]]
    found = named.merge(sold, on="product_id", how="outer")
    found[["name", "category"]] = found[["name", "category"]].fillna(UNKNOWN)
    found[list(sums)] = found[list(sums)].fillna(0)
    found = found.sort_values(
        ["total_revenue", "product_id"], ascending=[False, True], kind="stable"
    )
    return _as_decimals(found, _MONEY)


def by_status(rows: pandas.DataFrame) -> pandas.DataFrame:
    """Rows of `v_sales` as those of `v_order_status`, without the revenue of each."""
    counts = {status: int(rows[f"{status.lower()}_orders"].sum()) for status in _STATUSES}
    counts = {status: count for status, count in counts.items() if count}
    total = sum(counts.values())
    oldest = rows["pending_since"].min()
    return pandas.DataFrame(
        [
            {
                "status": status,
                "orders": count,
                "share": Decimal(count) * 100 / total,
                "oldest_created_at": oldest if status == "PENDING" else pandas.NaT,
            }
            for status, count in counts.items()
        ],
        columns=["status", "orders", "share", "oldest_created_at"],
    )


def money(cents: Any) -> Decimal:
    """`1234` hundredths as `12.34`."""
    return Decimal(int(cents)).scaleb(-2)


def _sums(rows: pandas.DataFrame, keys: list[str], columns: tuple[str, ...]) -> pandas.DataFrame:
    summed = rows.groupby(keys, observed=True, sort=True)[list(columns)].sum().reset_index()
    for key in keys:
        if isinstance(summed[key].dtype, pandas.CategoricalDtype):
            summed[key] = summed[key].astype(object)
    return summed


def _as_decimals(frame: pandas.DataFrame, columns: tuple[str, ...]) -> pandas.DataFrame:
    changed = {name: [money(cents) for cents in frame[name]] for name in columns}
    whole = frame.assign(
        **{name: pandas.Series(v, dtype=object, index=frame.index) for name, v in changed.items()}
    )
    return whole.reset_index(drop=True)
