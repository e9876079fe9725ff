"""What is shown, as a file that a spreadsheet opens."""

from typing import Final

import pandas
import streamlit

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so would be computed by the spreadsheet instead of shown."""


def csv(frame: pandas.DataFrame) -> bytes:
    """`frame` with a header line, in UTF-8 with the mark that spreadsheets ask for."""
    texts = {
        name: frame[name].map(_harmless)
        for name in frame.columns
        if frame[name].dtype == object or isinstance(frame[name].dtype, pandas.StringDtype)
    }
    return frame.assign(**texts).to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def button(frame: pandas.DataFrame, name: str) -> None:
    """Draws a small button that gives `frame` as `<name>.csv`; the file is made when asked for."""
    streamlit.download_button(
        "CSV",
        lambda: csv(frame),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"csv of {name}",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
        help=f"Download what is shown here, {len(frame):,} rows",
    )


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
