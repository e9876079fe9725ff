"""Table contracts and column types."""

from pathlib import Path

import pytest

from lakehouse.columns import INGESTED_AT
from lakehouse.contract import DIRECTORY, History, load_contracts
from lakehouse.errors import ConfigurationError
from lakehouse.types import canonical, column_type
from lakehouse.validation import check_contracts

GOOD = (DIRECTORY / "fact_sales.toml").read_text()


def test_the_shop_has_three_tables() -> None:
    contracts = check_contracts()
    assert list(contracts) == ["dim_products", "dim_users", "fact_sales"]
    assert contracts == load_contracts()
    assert contracts["dim_users"].history is History.SCD2
    assert contracts["fact_sales"].transitions_table == "fact_sales_status"


@pytest.mark.parametrize(
    ("was", "becomes", "telling"),
    [
        ('key = ["sale_id"]', 'key = ["id"]', "key names 'id', which is not among the columns"),
        ('key = ["sale_id"]', "key = []", "key is empty"),
        ('key = ["sale_id"]', "", "'key' is missing"),
        ('cursor = "updated_at"', 'cursor = "quantity"', "cursor 'quantity' is not a timestamptz"),
        ('history = "current"', 'history = "forever"', "'history': input should be 'scd2' or"),
        ('history = "current"', "keep = 3", "'keep' is not a known key"),
        (
            'quantity = "integer"',
            'quantity = "colour"',
            "type 'colour' is not known; if it is an enum",
        ),
        ('cursor = "updated_at"', "", "cursor is missing; name the column that every change"),
        ('history = "current"', 'capture = "snapshot"', "which needs none; remove one of them"),
        (
            'cursor = "updated_at"',
            'capture = "snapshot"\ndeletes = "audit"',
            "a snapshot sees every delete; remove it",
        ),
        ('cursor = "updated_at"', 'capture = "log"', "'capture': input should be 'cursor' or"),
        ('quantity = "integer"', 'Quantity = "integer"', "'Quantity' is no lower-case identifier"),
        ('quantity = "integer"', 'valid_to = "date"', "column 'valid_to' is a column of ours"),
        ('table = "fact_sales"', 'table = "Sales"', "and let source_table be 'Sales'"),
        (
            "[columns]",
            '[source_names]\ncount = "n"\n[columns]',
            "source_names names 'count', which is not among the columns",
        ),
        (
            "[columns]",
            '[source_names]\nquantity = "status"\n[columns]',
            "two columns are read from 'status' of the source",
        ),
        (
            "[columns]",
            'left_out = ["Qty"]\n[source_names]\nquantity = "Qty"\n[columns]',
            "left_out names 'Qty', which is among the columns",
        ),
        ('"numeric(12,2)"', '"numeric(40,2)"', "does not fit decimal(38)"),
        ('table = "fact_sales"', 'table = "sales"', "'table' is not the file's name"),
    ],
)
def test_a_wrong_contract_is_one_line(tmp_path: Path, was: str, becomes: str, telling: str) -> None:
    assert was in GOOD
    (tmp_path / "fact_sales.toml").write_text(GOOD.replace(was, becomes))
    (tmp_path / "fact_sales.dqdl").write_text((DIRECTORY / "fact_sales.dqdl").read_text())
    with pytest.raises(ConfigurationError) as wrong:
        check_contracts(tmp_path)
    assert "fact_sales.toml" in str(wrong.value)
    assert telling in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_a_table_may_have_other_names_in_its_source(tmp_path: Path) -> None:
    names = 'schema = "Shop"\nsource_table = "Order Lines"\n[source_names]\nquantity = "Qty"\n'
    told = GOOD.replace("[columns]", f"{names}[columns]").replace('cursor = "updated_at"', "")
    (tmp_path / "fact_sales.toml").write_text(f'capture = "snapshot"\n{told}')
    (tmp_path / "fact_sales.dqdl").write_text((DIRECTORY / "fact_sales.dqdl").read_text())
    contract = load_contracts(tmp_path)["fact_sales"]
    assert contract.relation == "Shop.Order Lines"
    assert [contract.in_source(name) for name in ("quantity", "status")] == ["Qty", "status"]
    assert contract.is_snapshot
    assert not contract.is_strict
    assert not contract.has_tombstones
    assert contract.change_column == INGESTED_AT


def test_a_contract_without_rules_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fact_sales.toml").write_text(GOOD)
    with pytest.raises(ConfigurationError, match=r"fact_sales\.dqdl are missing"):
        check_contracts(tmp_path)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("int8", "bigint"),
        ("TIMESTAMPTZ", "timestamp with time zone"),
        ("decimal( 10 , 2 )", "numeric(10,2)"),
        ("varchar(80)", "character varying(80)"),
        ("double  precision", "double precision"),
    ],
)
def test_aliases_become_what_postgresql_prints(text: str, name: str) -> None:
    assert canonical(text) == name
    assert column_type(text).source == name
