"""A month of a stage in dollars, from its templates, its settings and a volume. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from lakehouse.contract import load_contracts
from lakehouse.cost.inventory import Inventory, Template, inventory
from lakehouse.cost.lines import Item, month
from lakehouse.cost.workload import Volume, generated_orders_a_day, workload
from lakehouse.errors import ConfigurationError
from lakehouse.gold import tables_of_views
from lakehouse.own_gold import Refresh, load_own_gold
from lakehouse.settings import Stage
from lakehouse.views import load_views

_CENT: Final = Decimal("0.01")


@dataclass(frozen=True)
class Estimate:
    """All lines, in the order of the data's path."""

    stage: str
    volume: Volume
    items: tuple[Item, ...]
    unpriced: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        """The sum of the lines as they are shown."""
        return sum((item.dollars for item in self.items), Decimal())

    @property
    def largest(self) -> tuple[Item, ...]:
        """The three most expensive lines."""
        return tuple(sorted(self.items, key=lambda item: -item.dollars)[:3])


def stated_volume(stage: Stage) -> Volume:
    """What the stage's file says that it will carry; not less than its own generator writes."""
    generated = generated_orders_a_day(stage)
    if generated > stage.cost.orders_a_day:
        raise ConfigurationError(
            f"stages/{stage.name}.toml: 'cost.orders_a_day' is {stage.cost.orders_a_day}, but the "
            f"generator makes {generated}; raise it, or slow the generator down"
        )
    return Volume(stage.cost.orders_a_day)


def estimate(
    stage: Stage, found: Inventory, tables: Iterable[str], views: int, volume: Volume
) -> Estimate:
    """The month; raises ConfigurationError for a setting that has no price."""
    names = tuple(tables)
    work = workload(stage, names, volume, views)
    rounded = tuple(
        replace(line, dollars=line.dollars.quantize(_CENT, ROUND_HALF_UP))
        for line in month(stage, found, work, volume, len(names), views)
    )
    return Estimate(stage.name, volume, rounded, found.unpriced)


def estimate_stage(stage: Stage, templates: Iterable[Template], volume: Volume) -> Estimate:
    """The month of a stage as synthesized, with its contracts and views."""
    contracts = load_contracts(stage.contracts)
    own = load_own_gold(stage.contracts).values()
    views = len(load_views(tables_of_views(contracts)))
    views += sum(one.refresh is Refresh.READ for one in own)
    return estimate(stage, inventory(templates), contracts, views, volume)


def check_ceiling(stage: Stage, made: Estimate) -> None:
    """Raises ConfigurationError if the month is dearer than the stage's ceiling."""
    ceiling = stage.cost.monthly_ceiling_usd
    if made.total <= ceiling:
        return
    largest = ", ".join(f"{item.service} {item.dollars}" for item in made.largest)
    raise ConfigurationError(
        f"stages/{stage.name}.toml: 'cost.monthly_ceiling_usd' is {ceiling}, but "
        f"{made.volume.orders_a_day} orders a day are estimated at {made.total} USD a month "
        f"(largest: {largest}); make these cheaper or raise the ceiling, make cost "
        f"STAGE={stage.name} shows all"
    )
