"""Composes all stacks of one stage; this file is the data's path in ten lines."""

import aws_cdk as cdk

from lakehouse.gold import is_shop
from lakehouse.settings import APP, Stage
from lakehouse.validation import check_contracts
from stacks.budget import BudgetStack
from stacks.dashboard import DashboardStack
from stacks.ingest import IngestStack
from stacks.monitoring import MonitoringStack
from stacks.orchestration import OrchestrationStack
from stacks.own_sql import check_own_gold
from stacks.source import SourceStack
from stacks.storage import StorageStack
from stacks.transform import TransformStack
from stacks.upkeep import UpkeepStack


def compose(app: cdk.App, stage: Stage) -> None:
    """Adds the stage's stacks to `app`, in the order the data travels."""
    contracts = check_contracts(stage.contracts)
    own_gold = check_own_gold(stage.contracts, contracts)
    place = cdk.Environment(region=stage.region)

    def named(layer: str) -> dict[str, object]:
        return {
            "stack_name": f"{stage.prefix}-{layer}",
            "env": place,
            "termination_protection": stage.data.deletion_protection,
        }

    source = SourceStack(app, "Source", stage=stage, **named("source"))
    storage = StorageStack(app, "Storage", stage=stage, **named("storage"))
    ingest = IngestStack(
        app, "Ingest", stage=stage, source=source, storage=storage, **named("ingest")
    )
    transform = TransformStack(
        app, "Transform", stage=stage, storage=storage, contracts=contracts, **named("transform")
    )
    orchestration = OrchestrationStack(
        app,
        "Orchestration",
        stage=stage,
        contracts=contracts,
        own_gold=own_gold,
        storage=storage,
        source=source,
        ingest=ingest,
        transform=transform,
        **named("orchestration"),
    )
    upkeep = UpkeepStack(
        app,
        "Upkeep",
        stage=stage,
        source=source,
        storage=storage,
        transform=transform,
        **named("upkeep"),
    )
    DashboardStack(
        app,
        "Dashboard",
        stage=stage,
        own_gold=own_gold,
        has_shop=is_shop(contracts),
        storage=storage,
        transform=transform,
        **named("dashboard"),
    )
    MonitoringStack(
        app,
        "Monitoring",
        stage=stage,
        contracts=contracts,
        source=source,
        machines=(orchestration.machine, upkeep.machine),
        **named("monitoring"),
    )
    BudgetStack(app, "Budget", stage=stage, **named("budget"))
    cdk.Tags.of(app).add("application", APP)
    cdk.Tags.of(app).add("stage", stage.name)
