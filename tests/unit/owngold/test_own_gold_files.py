"""SQL files of one's own: what is taken, and the one line that refuses the rest."""

from pathlib import Path

import pytest

from lakehouse.contract import DIRECTORY, load_contracts
from lakehouse.errors import ConfigurationError
from lakehouse.own_gold import Chart, OwnGold, Refresh, load_own_gold, parse
from stacks.own_sql import check_own_gold, columns_of

HEAD = """-- What each city brings in.
-- name: city_revenue
-- grain: city, category
-- refresh: run
-- revenue: Sum of all orders.
"""
SQL = """SELECT u.city, p.category, sum(s.total_amount) AS revenue, count(*) AS orders
FROM ${silver}.fact_sales AS s
JOIN ${silver}.dim_users AS u ON u.user_id = s.user_id AND u.is_current
JOIN ${silver}.dim_products AS p ON p.product_id = s.product_id AND p.is_current
GROUP BY u.city, p.category
"""
FILE = "city_revenue.sql"
CONTRACTS = load_contracts()


def test_a_file_is_what_its_header_says() -> None:
    own = parse(FILE, HEAD + "-- chart: bar\n\n" + SQL.strip() + ";\n")
    assert own == OwnGold(
        name="city_revenue",
        title="What each city brings in.",
        grain=("city", "category"),
        refresh=Refresh.RUN,
        sql=SQL.strip(),
        chart=Chart.BAR,
        meanings={"revenue": "Sum of all orders."},
    )
    assert own.inputs == [
        ("silver", "fact_sales"), ("silver", "dim_users"), ("silver", "dim_products"),
    ]  # fmt: skip
    assert "FROM catalog.shop_silver.fact_sales AS s" in own.select("catalog.shop_silver", "gold")
    assert not own.tells_time


@pytest.mark.parametrize("clock", ["current_date", "NOW()", "CURRENT_TIMESTAMP"])
def test_what_reads_a_clock_is_known(clock: str) -> None:
    assert parse(FILE, f"{HEAD}SELECT {clock} AS city FROM ${{silver}}.dim_users").tells_time


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (SQL, "the title is missing; let the first line be '-- What it tells.'"),
        (HEAD.replace("-- What each city brings in.\n", "") + SQL, "the title is missing"),
        (HEAD.replace("-- refresh: run\n", "") + SQL, "'refresh' is missing; write '-- refresh:"),
        (HEAD.replace("refresh: run", "refresh: daily"), "'refresh' is 'daily'; known: run, read"),
        (HEAD + "-- chart: pie\n", "'chart' is 'pie'; known: auto, line, bar, none"),
        (HEAD + "-- and more words\n", "'-- and more words' is no 'name: value'"),
        (HEAD + "-- grain: city\n", "'grain' stands twice"),
        (HEAD.replace("city_revenue", "revenue"), "'name' is 'revenue', not the file's name"),
        (HEAD.replace("city, category", "City"), "'grain' names 'City'; use columns of a-z"),
    ],
)
def test_a_wrong_header_is_one_line(text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse(FILE, text)
    assert str(refused.value).startswith(f"{FILE}: {fault}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["v_mine", "table_health", "daily_sales"])
def test_names_of_the_platform_are_taken(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is a name of the platform's own"):
        parse(f"{name}.sql", HEAD.replace("city_revenue", name) + SQL)


def _of(sql: str, refresh: Refresh = Refresh.RUN) -> OwnGold:
    return OwnGold("city_revenue", "What.", ("city",), refresh, sql)


@pytest.mark.parametrize("refresh", Refresh)
def test_columns_are_told_with_their_kinds(refresh: Refresh) -> None:
    found = columns_of(_of(SQL, refresh), CONTRACTS)
    text = "string" if refresh is Refresh.RUN else "varchar"
    assert found["orders"] == "bigint"
    assert found["revenue"] == "decimal"
    assert found["city"] in (text, "text")


@pytest.mark.parametrize(
    "own",
    [
        _of("SELECT city, part FROM ${silver}.dim_users LATERAL VIEW explode(split(name, ' ')) t "
            "AS part"),
        _of("SELECT city, part FROM ${silver}.dim_users CROSS JOIN UNNEST(split(name, ' ')) "
            "AS t (part)", Refresh.READ),
        _of("WITH u AS (SELECT * FROM ${silver}.dim_users) SELECT city, max(name) AS n FROM u "
            "GROUP BY city"),
        _of("SELECT city FROM ${gold}.city_performance"),
        _of("SELECT source_table AS city FROM ${silver}.quarantine"),
    ],
)  # fmt: skip
def test_what_the_engines_know_is_taken(own: OwnGold) -> None:
    assert "city" in columns_of(own, CONTRACTS)


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("SELECT city, ago FROM ${silver}.dim_users", "Column 'ago' could not be resolved"),
        ("SELECT city FROM ${silver}.dim_user", "no silver table 'dim_user'; known: dim_products"),
        ("SELECT city FROM ${gold}.dim_users", "no gold table 'dim_users'; known: city_perf"),
        ("SELECT city FROM ${bronze}.dim_users", "has the placeholder 'bronze'; known: silver"),
        ("SELECT 1 AS city", "reads no table; write FROM ${silver}.<table>"),
        ("SELECT city FROM", "reads no table"),
        ("SELECT city, FROM WHERE ${silver}.dim_users", "(read as the SQL of Spark)"),
        ("DELETE FROM ${silver}.dim_users", "is not one SELECT"),
        ("SELECT city FROM ${silver}.dim_users; SELECT 1", "is not one SELECT"),
        ("SELECT city, count(*) FROM ${silver}.dim_users GROUP BY 1", "needs a name of its own"),
        ("SELECT city, city FROM ${silver}.dim_users", "column 'city' needs a name of its own"),
        ("SELECT name FROM ${silver}.dim_users", "'grain' names 'city'; its columns are name"),
    ],
)
def test_what_can_not_be_gold_is_refused_at_synth(tmp_path: Path, sql: str, fault: str) -> None:
    head = HEAD.replace(", category", "").replace("-- revenue: Sum of all orders.\n", "")
    (tmp_path / FILE).write_text(head + sql)
    with pytest.raises(ConfigurationError) as refused:
        check_own_gold(tmp_path, CONTRACTS)
    assert fault in str(refused.value)
    assert str(refused.value).startswith(FILE)
    assert "\n" not in str(refused.value)


def test_words_for_a_column_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(HEAD.replace("revenue: S", "turnover: S") + SQL)
    with pytest.raises(ConfigurationError, match="the header describes 'turnover'; its columns"):
        check_own_gold(tmp_path, CONTRACTS)


def test_files_are_few_enough_to_travel(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(HEAD + SQL + "-- long\n" * 20_000)
    with pytest.raises(ConfigurationError, match="more than 120,000 together"):
        check_own_gold(tmp_path, CONTRACTS)


def test_the_shop_has_none() -> None:
    assert load_own_gold(DIRECTORY) == {}
