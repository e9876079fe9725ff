"""The ruleset of a table contract: read, checked against the contract, split by scope."""

from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from lakehouse.columns import METADATA
from lakehouse.contract import TableContract
from lakehouse.quality.dqdl import DqdlError, parse
from lakehouse.quality.rules import Rule, Scope


def default_directory() -> Traversable:
    """Where the rulesets of the contracts lie; inside a zip as well."""
    return files("lakehouse") / "contracts"


def load_ruleset(contract: TableContract, directory: Traversable | None = None) -> tuple[Rule, ...]:
    """Rules of `<table>.dqdl`; a table without the file has none.

    Raises DqdlError, naming file and line, for a typo or a column that the contract lacks.
    """
    file = (directory or default_directory()) / f"{contract.table}.dqdl"
    if not file.is_file():
        return ()
    origin = f"{contract.table}.dqdl"
    rules = parse(file.read_text(encoding="utf-8"), origin)
    known = {*contract.columns, *METADATA}
    for rule in rules:
        for leaf in rule.leaves():
            named = (*leaf.columns, *(name for found in leaf.references for name in found.columns))
            if unknown := [name for name in named if name not in known]:
                raise DqdlError(
                    f"{origin}:{leaf.line}: {leaf.type} names {unknown[0]!r}, which is not a "
                    f"column of {contract.table}; columns: {', '.join(contract.columns)}"
                )
    return rules


def check_references(
    contract: TableContract, rules: Iterable[Rule], contracts: Mapping[str, TableContract]
) -> None:
    """Raises DqdlError for a rule that looks for its columns where there are none such."""
    for leaf in (leaf for rule in rules for leaf in rule.leaves()):
        for reference in leaf.references:
            place = f"{contract.table}.dqdl:{leaf.line}: {leaf.type}"
            if reference.table not in contracts:
                raise DqdlError(
                    f"{place} looks into {reference.table!r}, which is no table of the contracts: "
                    f"{', '.join(contracts)}"
                )
            columns = contracts[reference.table].columns
            if unknown := [name for name in reference.keys if name not in columns]:
                raise DqdlError(
                    f"{place} looks for {unknown[0]!r}, which is not a column of "
                    f"{reference.table}; columns: {', '.join(columns)}"
                )
            if len(reference.keys) != len(reference.columns):
                raise DqdlError(
                    f"{place} compares {len(reference.columns)} column(s) with "
                    f"{len(reference.keys)}; name as many on both sides"
                )


def of_scope(rules: Iterable[Rule], scope: Scope) -> tuple[Rule, ...]:
    """The rules that judge rows one by one, or those that judge the set."""
    return tuple(rule for rule in rules if rule.scope is scope)


def document(rules: Iterable[Rule]) -> str:
    """A DQDL document of these rules, each in the words of its file."""
    body = ",\n".join(f"    {rule.text}" for rule in rules)
    return f"Rules = [\n{body}\n]\n"
