import shutil
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from lakehouse.contract import DIRECTORY, load_contracts
from lakehouse.quality.dqdl import DqdlError, parse
from lakehouse.quality.rules import Condition, Duration, Moment, Rule, Scope
from lakehouse.quality.ruleset import document, load_ruleset, of_scope
from lakehouse.validation import check_contracts

CASES = tomllib.loads((Path(__file__).parents[2] / "cases/dqdl/parse.toml").read_text())["case"]


def _value(value: object) -> str:
    match value:
        case Moment():
            return f"now{value.offset}{value.unit}"
        case Duration():
            return f"{value.amount}{value.unit}"
    return str(value)


def _condition(condition: Condition | None) -> str:
    if condition is None:
        return ""
    return f"{condition.operator} {','.join(map(_value, condition.values))}"


def _shown(rule: Rule) -> str:
    if rule.is_composite:
        return f"{rule.type}({'; '.join(map(_shown, rule.nested))})"
    parts = [
        rule.type,
        ",".join(rule.parameters),
        _condition(rule.condition),
        rule.where or "",
        _condition(rule.threshold),
    ]
    return " ".join(" | ".join(parts).split())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_case(case: dict[str, object]) -> None:
    text = str(case["given"])
    if "error" in case:
        with pytest.raises(DqdlError) as refused:
            parse(text, "case.dqdl")
        assert str(refused.value) == str(case["error"]).strip()
    else:
        assert [_shown(rule) for rule in parse(text)] == case["expect"]


@pytest.mark.parametrize("table", load_contracts())
def test_rulesets_of_the_contracts_survive_a_round_trip(table: str) -> None:
    rules = load_ruleset(load_contracts()[table])
    assert [_shown(rule) for rule in parse(document(rules))] == [_shown(rule) for rule in rules]


def test_a_column_that_the_contract_lacks_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "dim_users.dqdl").write_text('Rules = [\n  RowCount > 0,\n  IsComplete "town"\n]')
    with pytest.raises(DqdlError, match=r"dim_users\.dqdl:3: IsComplete names 'town'"):
        load_ruleset(load_contracts()["dim_users"], tmp_path)


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('IsComplete "user_id",', 'IsComplete "user_id"', ":4: expected ']' or ','"),
        ('"quantity" > 0', '"quantity" >', ":5: expected a value"),
        ("dim_users.user_id", "users.user_id", ":9: ReferentialIntegrity looks into 'users'"),
        ("dim_users.user_id", "dim_users.id", ":9: ReferentialIntegrity looks for 'id'"),
        ("dim_users.user_id", "dim_users.{user_id,city}", ":9: ReferentialIntegrity compares 1"),
        ('Integrity "user_id"', 'Integrity "buyer"', ":9: ReferentialIntegrity names 'buyer'"),
    ],
)
def test_a_fault_of_the_shops_rules_is_named(
    tmp_path: Path, was: str, becomes: str, told: str
) -> None:
    shutil.copytree(Path(str(DIRECTORY)), tmp_path, dirs_exist_ok=True)
    file = tmp_path / "fact_sales.dqdl"
    assert file.read_text().count(was) == 1
    file.write_text(file.read_text().replace(was, becomes))
    with pytest.raises(DqdlError) as refused:
        check_contracts(tmp_path)
    assert str(refused.value).startswith(f"fact_sales.dqdl{told}")


def test_a_rule_that_tolerates_rows_speaks_of_the_set() -> None:
    rules = parse(
        'Rules = [ IsComplete "a", IsComplete "a" with threshold > 0.9, IsUnique "a", '
        '(IsComplete "a") or (ColumnValues "b" > 1), (IsComplete "a") or (RowCount > 1) ]'
    )
    assert [rules.index(rule) for rule in of_scope(rules, Scope.ROW)] == [0, 3]


def test_numbers_are_exact() -> None:
    (rule,) = parse('Rules = [ ColumnValues "a" > 0.1 ]')
    assert rule.condition == Condition(">", (Decimal("0.1"),))
