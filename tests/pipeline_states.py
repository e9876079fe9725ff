"""The state machine's own expressions, evaluated as Step Functions does: what a run would ask."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonata

from lakehouse.contract import TableContract
from lakehouse.live import live_views, statement
from lambdas.ingest.models import LiveViewEvent
from stacks.blocks.filling import fill

DEFINITION = Path(__file__).parents[1] / "stacks" / "pipeline.asl.json"


def evaluated(expression: str, **variables: Any) -> Any:
    """What Step Functions makes of `{% … %}`."""
    compiled = jsonata.Jsonata.jsonata(expression.removeprefix("{%").removesuffix("%}").strip())
    for name, value in variables.items():
        compiled.assign(name, value)
    return compiled.evaluate(None)


class Machine:
    """A definition, and the variables that it has after an ingest."""

    def __init__(self, definition: Mapping[str, Any], templates: Mapping[str, str]) -> None:
        self.states: Mapping[str, Any] = definition["States"]
        self.variables: dict[str, Any] = {}
        self.templates = templates
        """Of the live views, as the ingest function has them."""

    @classmethod
    def of(
        cls, contracts: Mapping[str, TableContract], bronze: str, silver: str, gold: str
    ) -> "Machine":
        """The product's definition over other databases, without the views of gold."""
        filled: Any = fill(json.loads(DEFINITION.read_text()), {"Views": []})
        return cls(filled, live_views(contracts, bronze, silver, gold))

    def ingested(self, run_id: str, results: Sequence[Mapping[str, Any]]) -> None:
        """Takes the results of a run's ingest, one a table."""
        assigned = self.states["Decide what is due"]["Assign"]
        views = evaluated(assigned["live_views"], states={"input": list(results)})
        self.variables = {
            "run_id": run_id,
            "live_views": views,
            "views": self.states["Merge into silver and gold"]["Assign"]["views"],
        }

    @property
    def refreshes_without_a_crawl(self) -> bool:
        """Whether a run that needs no crawler goes to the live views' refresh."""
        choices = self.states["A new table, column or day?"]["Choices"]
        (condition,) = [c["Condition"] for c in choices if c["Next"] == "Refresh the live views"]
        return bool(evaluated(condition, **self.variables))

    def before_a_merge(self) -> list[str]:
        """The statements of the live views' refresh."""
        return self._statements("Refresh the live views")

    def after_a_merge(self) -> list[str]:
        """The statements of the refresh of all views."""
        views = self.states["Refresh the views"]
        query = views["ItemProcessor"]["States"]["Refresh a view"]["Arguments"]["QueryString"]
        items = evaluated(views["Items"], **self.variables)
        told = [evaluated(query, states={"input": item}) for item in items]
        return told + self._statements("Settle the live views")

    def _statements(self, name: str) -> list[str]:
        items = evaluated(self.states[name]["Items"], **self.variables)
        asked = [LiveViewEvent.model_validate(item) for item in items]
        return [statement(self.templates[a.table], a.values, a.live_view) for a in asked]
