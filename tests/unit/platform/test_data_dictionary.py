"""The data dictionary says something of every table and column, and nothing of others."""

from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse import dictionary, gold
from lakehouse.contract import load_contracts
from lakehouse.errors import ConfigurationError
from local.own_dictionary import run_dictionary

ROOT = Path(__file__).parents[3]


def test_the_committed_file_is_what_is_rendered() -> None:
    rendered = dictionary.render(load_contracts())
    assert (ROOT / "docs" / "data-dictionary.md").read_text() == rendered, "run: make docs"


def test_every_table_and_column_has_words() -> None:
    found = dictionary.entries(load_contracts())
    lacking = {f"{e.layer}.{e.name}": m for e in found if (m := e.undescribed())}
    assert lacking == {}, "add them to lakehouse/dictionary.toml"


def test_there_are_no_words_for_what_does_not_exist() -> None:
    assert dictionary.superfluous(load_contracts()) == []


def test_what_lacks_words_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    contracts = load_contracts()
    sales = contracts["fact_sales"]
    mute = {k: v for k, v in sales.descriptions.items() if k != "status"}
    with pytest.raises(ConfigurationError, match="bronze fact_sales has no words for status;"):
        dictionary.render({**contracts, "fact_sales": replace(sales, descriptions=mute)})
    monkeypatch.setitem(gold.GOLD, "receipts", {"run_id": "string"})
    with pytest.raises(ConfigurationError, match="gold receipts has no words for title, grain"):
        dictionary.render(contracts)
    monkeypatch.delitem(gold.GOLD, "receipts")
    monkeypatch.delitem(gold.GOLD, "daily_sales")
    assert dictionary.superfluous(contracts) == ["gold.daily_sales", "views.v_daily_sales"]


def test_every_key_is_a_column() -> None:
    for entry in dictionary.entries(load_contracts()):
        assert set(entry.key) <= set(entry.columns), entry.name


def test_personal_columns_are_marked() -> None:
    rendered = dictionary.render(load_contracts())
    assert rendered.count(" Personal. |") == 6  # three columns, in bronze and in silver


def test_gold_of_ones_own_stands_behind_the_platforms(capsys: pytest.CaptureFixture[str]) -> None:
    own_tables = ROOT / "tests" / "cases" / "own_tables"
    assert run_dictionary(str(own_tables)) == 0
    told = capsys.readouterr().out
    gold, views = told.index("## Gold"), told.index("## Views")
    assert gold < told.index("### table_health") < told.index("### group_amounts") < views
    assert views < told.index("### v_freshness") < told.index("### lines_by_day")
    assert "Grain: one row per group. Key: `group`." in told
    assert "| `doubled` | decimal | Twice the amounts, as the source has them. |" in told
