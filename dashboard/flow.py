"""How orders move: how long they wait, how long each step took, how many are called off."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import altair
import pandas

from dashboard import figures
from dashboard.charts import known
from dashboard.drawing import PADDING, color, ranking, texts, utc_day

Steps = Sequence[tuple[str, float]]
"""Names of ages with their upper ends in minutes, the last without one."""

WAITING: Final[Steps] = (
    ("Up to 1 h", 60), ("1 to 6 h", 360), ("6 to 24 h", 1440), ("1 to 3 days", 4320),
    ("3 to 7 days", 10080), ("Over 7 days", float("inf")),
)  # fmt: skip
TAKING: Final[Steps] = (
    ("Under 5 min", 5), ("5 to 15 min", 15), ("15 to 60 min", 60), ("1 to 6 h", 360),
    ("6 to 24 h", 1440), ("1 to 3 days", 4320), ("Over 3 days", float("inf")),
)  # fmt: skip
STUCK_AFTER: Final = timedelta(days=1)
"""An order that is pending for longer waits for somebody, not for its turn."""


def pending_by_age(rows: pandas.DataFrame, now: datetime) -> pandas.DataFrame:
    """Pending orders of `v_sales` by how long they wait: `age, orders`, every age once.

    The age counts from the full hour in which the order was placed.
    """
    counts = {name: 0 for name, _ in WAITING}
    for since, orders in _pending(rows):
        counts[_step((now - since).total_seconds() / 60, WAITING, inclusive=True)] += orders
    return pandas.DataFrame({"age": counts.keys(), "orders": counts.values()})


def stuck(rows: pandas.DataFrame, now: datetime) -> int:
    """Pending orders that wait for more than `STUCK_AFTER`."""
    return sum(orders for since, orders in _pending(rows) if now - since > STUCK_AFTER)


def _pending(rows: pandas.DataFrame) -> Iterable[tuple[datetime, int]]:
    waiting = rows[rows["pending_orders"] > 0]
    for since, orders in waiting[["pending_since", "pending_orders"]].itertuples(index=False):
        yield since, int(orders)


def _step(minutes: float, steps: Steps, *, inclusive: bool = False) -> str:
    return next(name for name, end in steps if minutes < end or (inclusive and minutes == end))


def step_times(times: pandas.DataFrame) -> pandas.DataFrame:
    """Each step of `v_status_times`: `from_status, to_status, orders, half, most` (minutes).

    Half of the orders took at most `half` minutes, nine of ten at most `most`.
    """
    rows = []
    for (before, after), group in times.groupby(["from_status", "to_status"], sort=True):
        pairs = sorted(group[["minutes", "orders"]].itertuples(index=False, name=None))
        rows.append(
            {
                "from_status": before,
                "to_status": after,
                "orders": sum(int(orders) for _, orders in pairs),
                "half": quantile(pairs, 50),
                "most": quantile(pairs, 90),
            }
        )
    columns = ["from_status", "to_status", "orders", "half", "most"]
    return pandas.DataFrame(rows, columns=columns).sort_values(
        "orders", ascending=False, kind="stable", ignore_index=True
    )


def quantile(pairs: Sequence[tuple[int, int]], percent: int) -> int:
    """The least value that `percent` of all reach; `pairs` are (value, how many), in order."""
    total = sum(many for _, many in pairs)
    reached = 0
    for value, many in pairs:
        reached += many
        if reached * 100 >= total * percent:
            return int(value)
    raise ValueError("a quantile of nothing")


def waiting_chart(ages: pandas.DataFrame, theme: str) -> altair.LayerChart:
    """Pending orders by age, the youngest first."""
    total = int(ages["orders"].sum())
    rows = [
        {
            "name": name,
            "series": "Pending",
            "rank": rank,
            "amount": orders,
            "total": orders,
            "label": f"{figures.count(orders)}  ·  "
            f"{figures.percent(Decimal(orders) * 100 / total if total else Decimal(0))}",
            "Orders": figures.count(orders),
        }
        for rank, (name, orders) in enumerate(ages.itertuples(index=False))
    ]
    return ranking(
        rows, ["Pending"], ("Orders",), theme=theme, title="Waiting", room=0.45,
        sort=altair.EncodingSortField("rank", op="min", order="ascending"), legend=False,
        row_height=34,
    )  # fmt: skip


def taking_chart(times: pandas.DataFrame) -> altair.Chart:
    """How many orders took how long, by the status that they reached."""
    counts: dict[tuple[str, str], int] = {}
    for minutes, after, orders in times[["minutes", "to_status", "orders"]].itertuples(index=False):
        key = (_step(float(minutes), TAKING), str(after).capitalize())
        counts[key] = counts.get(key, 0) + int(orders)
    reached = [name for name in ("Shipped", "Delivered", "Cancelled")
               if any(after == name for _, after in counts)]  # fmt: skip
    rows = [
        {"step": step, "series": after, "orders": orders, "Orders": figures.count(orders)}
        for (step, after), orders in counts.items()
    ]
    drawn: altair.Chart = (
        altair.Chart(pandas.DataFrame(rows))
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=altair.X(
                "step:O", title=None, sort=None,
                scale=altair.Scale(domain=[name for name, _ in TAKING]),
                axis=altair.Axis(labelAngle=0, ticks=False, domain=False, labelLimit=90),
            ),
            xOffset=altair.XOffset("series:N", sort=reached),
            y=altair.Y(
                "orders:Q", title=None,
                axis=altair.Axis(
                    tickCount=4, tickMinStep=1, domain=False, ticks=False, format=",d"
                ),
            ),
            color=color(reached),
            tooltip=[
                altair.Tooltip("series:N", title="Reached"),
                altair.Tooltip("step:O", title="After"),
                *texts("Orders"),
            ],
        )
        .properties(height=250, padding=PADDING)
    )  # fmt: skip
    return drawn


def cancel_rate(daily: pandas.DataFrame, days: tuple[date, date] | None) -> altair.Chart:
    """Cancelled orders of each day in percent of those placed on it."""
    rows = [
        {
            "day": str(day.sale_date),
            "series": "Cancelled",
            "rate": float(_rate(day.cancelled_orders, day.total_orders)),
            "Rate": figures.percent(_rate(day.cancelled_orders, day.total_orders)),
            "Cancelled orders": figures.count(day.cancelled_orders),
            "Orders": figures.count(day.total_orders),
        }
        for day in daily.itertuples()
    ]
    first, last = days or (min(daily["sale_date"]), max(daily["sale_date"]))
    start = min(first, last - timedelta(days=6))
    drawn: altair.Chart = (
        altair.Chart(pandas.DataFrame(rows))
        .mark_bar(cornerRadiusEnd=2, binSpacing=3)
        .encode(
            x=altair.X(
                "utcyearmonthdate(day):T", title=None,
                scale=altair.Scale(
                    type="utc", domain=[utc_day(start), utc_day(last + timedelta(days=1))],
                    nice=False,
                ),
                axis=altair.Axis(format="%b %-d", grid=False, tickCount=7, labelFlush=False),
            ),
            y=altair.Y(
                "rate:Q", title=None,
                axis=altair.Axis(
                    labelExpr="datum.value + '%'", tickCount=4, domain=False, ticks=False
                ),
            ),
            color=color(["Cancelled"], legend=False),
            tooltip=[
                altair.Tooltip("utcyearmonthdate(day):T", title="Placed on", format="%Y-%m-%d"),
                *texts("Rate", "Cancelled orders", "Orders"),
            ],
        )
        .properties(height=250, padding=PADDING)
    )  # fmt: skip
    return drawn


def cancelled_by_category(categories: pandas.DataFrame, theme: str) -> altair.LayerChart:
    """The categories by their cancel rate, the highest first."""
    rows: list[dict[str, Any]] = []
    for row in categories.to_dict("records"):
        rate = _rate(row["cancelled_orders"], row["total_orders"])
        rows.append(
            {
                "name": known(row["category"]),
                "series": "Cancelled",
                "rank": 0,
                "amount": float(rate),
                "total": float(rate),
                "label": f"{figures.percent(rate)}  ·  {figures.count(row['cancelled_orders'])} of "
                f"{figures.count(row['total_orders'])}",
                "Cancel rate": figures.percent(rate),
                "Orders": figures.count(row["total_orders"]),
            }
        )
    return ranking(
        rows, ["Cancelled"], ("Cancel rate", "Orders"), theme=theme, title="Category", room=0.6,
        legend=False, row_height=30,
    )  # fmt: skip


def _rate(part: Any, whole: Any) -> Decimal:
    return Decimal(int(part)) * 100 / int(whole) if whole else Decimal(0)
