"""A page with one filter, as large as the dashboard's: figures, a chart and a table of cities."""

import pandas
import streamlit


@streamlit.cache_data
def cities() -> pandas.DataFrame:
    """400 cities with figures that are made up, the same each time."""
    numbers = range(1, 401)
    return pandas.DataFrame(
        {
            "city": [f"City {n}" for n in numbers],
            "revenue": [float(n * 7919 % 10_007) for n in numbers],
            "orders": [n * 104_729 % 997 for n in numbers],
        }
    )


state = streamlit.session_state
state.setdefault("runs", 0)
state.runs += 1
least = streamlit.slider("Orders at least", 0, 1000, 0)
shown = cities().query("orders >= @least")
streamlit.metric("Revenue", f"{shown['revenue'].sum():,.2f}")
streamlit.metric("Cities", len(shown))
streamlit.bar_chart(shown.head(12), x="city", y="revenue")
streamlit.dataframe(shown)
streamlit.text(f"run {state.runs} for {least}")
