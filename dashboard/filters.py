"""What a reader narrows the figures down to, kept in the address so that a view can be shared.

Streamlit binds each control to its parameter. A value that is none of the control's options counts
as not given: the page shows everything and says so. Nothing of the address reaches a query.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

import streamlit

from dashboard import markup
from dashboard.figures import Level
from lakehouse.gold import UNKNOWN

EVERY_CITY: Final = "All cities"
EVERY_CATEGORY: Final = "All categories"
_KEEPING: Final = "filters of other pages"
_PAGE: Final = "page of these filters"
_REFUSED: Final = "filters that were refused"


class Period(StrEnum):
    """A span of whole UTC days that ends with today."""

    ALL = "All time"
    MONTH = "30 days"
    WEEK = "7 days"
    TODAY = "Today"

    @property
    def days(self) -> int | None:
        """Its length; None for everything ever."""
        return {Period.MONTH: 30, Period.WEEK: 7, Period.TODAY: 1}.get(self)

    def span(self, today: date, back: int = 0) -> tuple[date, date]:
        """`[start, end)` of the period, or of the one that lies `back` periods before it."""
        if self.days is None:
            return date.min, date.max
        end = today + timedelta(days=1 - back * self.days)
        return end - timedelta(days=self.days), end

    @property
    def before(self) -> str:
        """What the period before it is called."""
        return "yesterday" if self is Period.TODAY else f"the {self.value} before"


class Orders(StrEnum):
    """Which orders count."""

    ALL = "All orders"
    PREMIUM = "Premium"
    STANDARD = "Standard"


class Field(StrEnum):
    """A filter: its name in the address and its control's key."""

    PERIOD = "period"
    CITY = "city"
    CATEGORY = "category"
    ORDERS = "orders"


@dataclass(frozen=True)
class Choice:
    """What is shown; by default everything."""

    period: Period = Period.ALL
    city: str | None = None
    """As `place` writes it."""
    category: str | None = None
    orders: Orders = Orders.ALL

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Choice()

    def __str__(self) -> str:
        """In words, for captions: `7 days, London, United Kingdom, Premium`."""
        parts = [
            self.period.value if self.period is not Period.ALL else "",
            self.city or "",
            self.category or "",
            self.orders.value if self.orders is not Orders.ALL else "",
        ]
        return " · ".join(part for part in parts if part)


def place(city: str, country: str) -> str:
    """A city as it is offered and shared: with its country, since names repeat."""
    return "Unknown" if city == UNKNOWN else f"{city}, {country}"


def arrive(page: str) -> None:
    """Carries the filters of the page before over to `page`; an address with filters wins."""
    state = streamlit.session_state
    if state.get(_PAGE) == page:
        return
    state[_PAGE] = page
    if not any(field.value in streamlit.query_params for field in Field):
        for field, value in state.get(_KEEPING, {}).items():
            state[field.value] = value
            streamlit.query_params[field.value] = value


def bar(fields: Sequence[Field], cities: Iterable[str], categories: Iterable[str]) -> Choice:
    """Draws the controls of `fields`; the choice among them, everything where there is no control.

    `cities` are names by `place`, `categories` those of the views.
    """
    options: dict[Field, list[str]] = {
        Field.PERIOD: [period.value for period in Period],
        Field.CITY: [EVERY_CITY, *sorted(cities)],
        Field.CATEGORY: [EVERY_CATEGORY, *sorted(categories)],
        Field.ORDERS: [orders.value for orders in Orders],
    }
    _look_for_unknown({field.value: options[field] for field in fields})
    with streamlit.container(
        horizontal=True, key="filters", vertical_alignment="bottom", gap="medium"
    ):
        chosen = {field: _control(field, options[field]) for field in fields}
        if any(chosen[field] != options[field][0] for field in fields):
            streamlit.button(
                "Clear filters", type="tertiary", icon=":material/close:", on_click=clear
            )
    streamlit.session_state[_KEEPING] = {
        field: value for field, value in chosen.items() if value != options[field][0]
    }
    _tell_unknown(*[field.value for field in fields])
    city, category = chosen.get(Field.CITY), chosen.get(Field.CATEGORY)
    return Choice(
        Period(chosen.get(Field.PERIOD, Period.ALL)),
        None if city == EVERY_CITY else city,
        None if category == EVERY_CATEGORY else category,
        Orders(chosen.get(Field.ORDERS, Orders.ALL)),
    )


def pick(label: str, key: str, options: Sequence[str]) -> str:
    """Draws a choice of one of `options` that is kept in the address under `key`."""
    _look_for_unknown({key: list(options)})
    chosen = streamlit.selectbox(
        label, options, key=key, bind="query-params", on_change=_forget_unknown
    )
    _tell_unknown(key)
    return str(chosen)


def clear() -> None:
    """Shows everything again."""
    streamlit.session_state.pop(_KEEPING, None)
    streamlit.session_state.pop(_REFUSED, None)
    for field, everything in (
        (Field.PERIOD, Period.ALL.value),
        (Field.CITY, EVERY_CITY),
        (Field.CATEGORY, EVERY_CATEGORY),
        (Field.ORDERS, Orders.ALL.value),
    ):
        streamlit.session_state[field.value] = everything


def choose(field: Field, value: str) -> None:
    """Sets a filter from elsewhere on the page; for callbacks."""
    streamlit.session_state[field.value] = value


def _control(field: Field, options: list[str]) -> str:
    label = field.value.capitalize()
    if field in (Field.PERIOD, Field.ORDERS):
        chosen = streamlit.segmented_control(
            label, options, default=options[0], required=True, key=field.value,
            bind="query-params", on_change=_forget_unknown,
        )  # fmt: skip
    else:
        chosen = streamlit.selectbox(
            label, options, key=field.value, bind="query-params", width=190,
            on_change=_forget_unknown,
        )  # fmt: skip
    return str(chosen or options[0])


def _look_for_unknown(options: Mapping[str, list[str]]) -> None:
    refused = streamlit.session_state.setdefault(_REFUSED, {})
    for key, known in options.items():
        asked = streamlit.query_params.get(key)
        if asked is not None and asked not in known:
            refused[key] = asked


def _forget_unknown() -> None:
    streamlit.session_state.pop(_REFUSED, None)


def _tell_unknown(*keys: str) -> None:
    refused: dict[str, str] = streamlit.session_state.get(_REFUSED, {})
    for key in keys:
        if key not in refused:
            continue
        asked = refused[key]
        shown = asked if len(asked) <= 40 else f"{asked[:40]}…"
        streamlit.html(
            markup.notice(
                Level.ATTENTION,
                "A filter of this address is not known",
                f"There is no {key} “{shown}” in the figures, so it is left out.",
            )
        )
