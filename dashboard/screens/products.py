"""Products: categories, what sells best and worst, and how prices have changed."""

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

import pandas
import streamlit

from dashboard import charts, definitions, figures, filters, markup, prices, shell, states
from dashboard.filters import Field
from dashboard.screens import overview, parts
from dashboard.screens.parts import Tile
from dashboard.selection import Selection
from dashboard.settings import DashboardEnvironment
from dashboard.source import Snapshot
from dashboard.views import CATEGORIES, CITIES, OVERVIEW, PRICES, PRODUCTS
from lakehouse.gold import UNKNOWN

SUBTITLE = "Products"
VIEWS = (OVERVIEW, CITIES, CATEGORIES, PRODUCTS, PRICES)
NEWEST_CHANGES: Final = 8


def draw(settings: DashboardEnvironment) -> None:
    """Draws the page."""
    shell.page(settings, SUBTITLE, VIEWS, _body)


def _body(data: Snapshot, settings: DashboardEnvironment, now: datetime) -> None:
    currency = settings.currency
    choice = parts.bar(data, list(Field))
    selection = Selection(data, choice, now.date())
    categories, products = selection.categories(), selection.products()
    sold = products[products["total_orders"] > 0]
    if not selection.totals().orders:
        states.show_nothing(str(choice))
    elif categories.empty:
        streamlit.caption(parts.NOTHING)
    else:
        parts.tiles(_key_figures(categories, products, sold, currency))
        overview.categories(categories, currency)
        if choice.city:
            streamlit.caption(
                "Single products below are told for all cities: the city bears on the categories."
            )
        parts.side_by_side(
            (1, 1), partial(_best, sold, currency), partial(_worst, products, sold, currency)
        )
    _history(data[PRICES], products, currency, now)


def _key_figures(
    categories: pandas.DataFrame, products: pandas.DataFrame, sold: pandas.DataFrame, currency: str
) -> list[Tile]:
    units = int(categories["units_sold"].sum())
    revenue = sum(categories["total_revenue"], Decimal(0))
    best = sold.iloc[0] if len(sold) else None
    leading = categories.iloc[0]
    return [
        Tile(
            "Products sold",
            figures.count(len(sold)),
            f"of {figures.count(len(products))} in the catalogue",
            definitions.PRODUCTS_SOLD,
        ),
        Tile(
            "Units sold",
            figures.count(units),
            f"{figures.money(revenue / units if units else None, currency)} each",
            definitions.UNITS_SOLD,
        ),
        Tile(
            "Best category",
            charts.known(leading["category"]),
            f"{figures.percent(leading['total_revenue'] * 100 / revenue if revenue else None)} "
            "of revenue",
            definitions.BEST_CATEGORY,
        ),
        Tile(
            "Best product",
            figures.MISSING if best is None else charts.known(best["name"]),
            "" if best is None else figures.money(best["total_revenue"], currency),
            definitions.BEST_PRODUCT,
        ),
    ]


def _best(sold: pandas.DataFrame, currency: str) -> None:
    with parts.card("Best products", definitions.PRODUCTS, sold):
        if sold.empty:
            streamlit.caption(parts.NO_ORDERS)
            return
        streamlit.altair_chart(
            charts.top_products(sold, currency, shell.theme()),
            key="best",
            alt="Products with the most revenue, net and cancelled",
        )


def _worst(products: pandas.DataFrame, sold: pandas.DataFrame, currency: str) -> None:
    least = sold.iloc[::-1]
    with parts.card("Worst products", definitions.WORST_PRODUCTS, least):
        if not sold.empty:
            streamlit.altair_chart(
                charts.top_products(least, currency, shell.theme(), worst_first=True),
                key="worst",
                alt="Products with the least revenue that were sold at all",
            )
        unsold = len(products) - len(sold)
        streamlit.html(
            markup.callout(
                "Products without an order",
                figures.count(unsold) if unsold else "none",
                definitions.UNSOLD,
            )
        )


def _history(
    changes: pandas.DataFrame, products: pandas.DataFrame, currency: str, now: datetime
) -> None:
    named = {
        int(row["product_id"]): f"{row['name']} (no. {row['product_id']})"
        for row in products.to_dict("records")
        if row["name"] != UNKNOWN
    }
    changes = changes[changes["product_id"].isin(list(named))]
    if changes.empty:
        return
    parts.side_by_side(
        (3, 2),
        partial(_one_history, changes, named, currency, now),
        partial(_newest_changes, changes, named, currency, now),
    )


def _one_history(
    changes: pandas.DataFrame, named: dict[int, str], currency: str, now: datetime
) -> None:
    counts = changes["product_id"].value_counts()
    # First the one with the most to tell; then in the order of the ranking.
    ids = sorted((i for i in named if i in counts.index), key=lambda i: -int(counts[i]))
    shown = changes[changes["product_id"].isin(ids)]
    with parts.card("Price history", definitions.PRICE_HISTORY, shown):
        by_name = {named[product]: product for product in ids}
        chosen = by_name[filters.pick("Product", "product", list(by_name))]
        own = changes[changes["product_id"] == chosen]
        streamlit.altair_chart(
            prices.price_steps(own, currency, now, shell.theme()),
            key="prices",
            alt="Price of the product over time",
        )
        newest, oldest = own.iloc[0], own.iloc[-1]
        steps = len(own) - 1
        told = f"{figures.money(newest['price'], currency)} now, "
        told += f"{steps} {'change' if steps == 1 else 'changes'}"
        if steps:
            moved = figures.change(newest["price"], oldest["price"])
            told += f", {moved:+.1f}% since {figures.instant(oldest['valid_from'])}"
        streamlit.caption(parts.markdown(told))


def _newest_changes(
    changes: pandas.DataFrame, named: dict[int, str], currency: str, now: datetime
) -> None:
    changed = changes[changes["previous_price"].notna()]
    shown = changed.assign(product=changed["product_id"].map(named))
    with parts.card("Newest price changes", definitions.PRICE_CHANGES, shown):
        if shown.empty:
            streamlit.caption("No price has changed yet.")
            return
        streamlit.html(
            markup.table(
                ("Product", "From", "To", "Change", "When"),
                [
                    _change(row, currency, now)
                    for row in shown.head(NEWEST_CHANGES).to_dict("records")
                ],
                numeric=(1, 2, 3, 4),
            )
        )
        streamlit.caption(f"{len(shown):,} changes of {shown['product_id'].nunique():,} products.")


def _change(row: dict[str, Any], currency: str, now: datetime) -> tuple[str, ...]:
    moved = figures.change(row["price"], row["previous_price"])
    return (
        row["product"].rsplit(" (no.", 1)[0],
        figures.money(row["previous_price"], currency),
        figures.money(row["price"], currency),
        figures.MISSING if moved is None else f"{moved:+.1f}%",
        figures.ago(row["valid_from"], now),
    )
