"""The ruleset of a table contract: read, checked against the contract, split by scope."""

from collections.abc import Iterable
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
            if unknown := [name for name in leaf.columns if name not in known]:
                raise DqdlError(
                    f"{origin}:{leaf.line}: {leaf.type} names {unknown[0]!r}, which is not a "
                    f"column of {contract.table}; columns: {', '.join(contract.columns)}"
                )
    return rules


def of_scope(rules: Iterable[Rule], scope: Scope) -> tuple[Rule, ...]:
    """The rules that judge rows one by one, or those that judge the set."""
    return tuple(rule for rule in rules if rule.scope is scope)


def document(rules: Iterable[Rule]) -> str:
    """A DQDL document of these rules, each in the words of its file."""
    body = ",\n".join(f"    {rule.text}" for rule in rules)
    return f"Rules = [\n{body}\n]\n"
