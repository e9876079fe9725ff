"""Checks data from files and environments against a typed model, with one clear line per fault."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from lakehouse.contract import DIRECTORY, TableContract, load_contracts
from lakehouse.errors import ConfigurationError
from lakehouse.quality.compiler import compile_rules
from lakehouse.quality.ruleset import check_references, load_ruleset

T = TypeVar("T")


def check(model: type[T], data: dict[str, Any], origin: Path | str) -> T:
    """Builds `model` from `data`; raises ConfigurationError naming origin, key and expectation."""
    try:
        return TypeAdapter(model).validate_python(data)
    except ValidationError as invalid:
        faults = "; ".join(_fault(dict(error)) for error in invalid.errors())
        raise ConfigurationError(f"{origin}: {faults}") from None
    except ConfigurationError as refused:
        raise ConfigurationError(f"{origin}: {refused}") from None


def _fault(error: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "(top level)"
    match error["type"]:
        case "missing":
            return f"'{key}' is missing"
        case "extra_forbidden" | "unexpected_keyword_argument":
            return f"'{key}' is not a known key"
        case "value_error":
            return f"'{key}': {error['ctx']['error']}"
        case _:
            message = error["msg"][0].lower() + error["msg"][1:]
            return f"'{key}': {message}, got {error['input']!r}"


def check_contracts(directory: Path = Path(str(DIRECTORY))) -> dict[str, TableContract]:
    """All contracts of a directory, checked; raises ConfigurationError for the first wrong file."""
    if not any(directory.glob("*.toml")):
        raise ConfigurationError(
            f"{directory} has no contract; write <table>.toml and <table>.dqdl there, or correct "
            "'source.contracts' of the stage"
        )
    for path in sorted(directory.glob("*.toml")):
        try:
            data = tomllib.loads(path.read_text())
        except tomllib.TOMLDecodeError as broken:
            raise ConfigurationError(f"{path.name}: {broken}") from None
        if check(TableContract, data, path.name).table != path.stem:
            raise ConfigurationError(f"{path.name}: 'table' is not the file's name")
        if not path.with_suffix(".dqdl").is_file():
            raise ConfigurationError(
                f"{path.name}: the rules {path.stem}.dqdl are missing beside it"
            )
    contracts = load_contracts(directory)
    for contract in contracts.values():
        rules = load_ruleset(contract, directory)
        check_references(contract, rules, contracts)
        compile_rules(contract, rules)
    return contracts
