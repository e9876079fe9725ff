"""What a stage costs in a month: its own templates, synthesized anew, at a stated volume."""

import json
import textwrap
from typing import Any

from lakehouse import prices
from lakehouse.cost.estimate import Estimate, estimate_stage, stated_volume
from lakehouse.cost.inventory import read_templates
from lakehouse.cost.workload import DAYS, Volume, calls_a_day
from lakehouse.settings import Stage, load_stage
from local import deployment, layout, progress


def run_cost(name: str, orders: int | None, months: int, watched: int) -> int:
    """Prints the lines, the assumptions and, last, one JSON object; 0 also above the ceiling."""
    stage = load_stage(name)
    volume = Volume(
        stated_volume(stage).orders_a_day if orders is None else orders, months, watched
    )
    with progress.step(f"synth {name}") as step:
        # The ceiling is not this command's matter: it has to show an estimate that is too high.
        deployment.synth(name, ("-c", "ceiling=unchecked"), step=step)
    made = estimate_stage(stage, read_templates(layout.CDK_OUT / name), volume)
    print(rendered(stage, made))
    print(json.dumps(document(stage, made)))
    return 0


def rendered(stage: Stage, made: Estimate) -> str:
    """The estimate as people read it: a line each, aligned, then what was assumed."""
    width = max(len(item.service) for item in made.items)
    rows = [f"{item.service:<{width}}  {item.dollars:>8}  {item.how}" for item in made.items]
    ceiling = stage.cost.monthly_ceiling_usd
    verdict = "within" if made.total <= ceiling else "ABOVE"
    title = f"stage {stage.name}, {made.volume.orders_a_day} orders a day: USD a month"
    end = f"{'total':<{width}}  {made.total:>8}  {verdict} the stage's ceiling of {ceiling}"
    told = [textwrap.fill(line, 98, subsequent_indent="  ") for line in assumptions(stage, made)]
    return "\n".join([title, *rows, end, "", "assumed:", *told])


def assumptions(stage: Stage, made: Estimate) -> list[str]:
    """What the figures rest on, beside the lines' own counts."""
    volume = made.volume
    found = [
        f"- list prices of {prices.REGION} as of {prices.AS_OF} (lakehouse/prices.py), no free "
        "tier of the account, no discount, no tax; a month has 730 hours",
        f"- {calls_a_day(stage.pipeline.schedule):.0f} runs a day ({stage.pipeline.schedule}); an "
        f"order is one new row, two changes of its status, 0.35 rows of users, 0.03 of products",
        f"- a merge when {stage.pipeline.merge_pending_rows} rows wait or the oldest waits "
        f"{stage.pipeline.merge_max_age_minutes} minutes; seconds of job and Lambdas are guesses "
        "from a laptop's, not measured in an account",
        f"- one crawl for each day with new rows; data of {volume.months} months in the lake, 100 "
        "bytes a row and 10 KiB a file in bronze",
        "- nobody orders: the generator rests, and nobody looks"
        if not volume.orders_a_day
        else f"- the dashboard is open {volume.watched_hours} hours a day"
        + ("; it has no host" if stage.dashboard.host == "none" else ""),
        "- not in it: the first load, repairs and rebuilds, transfer between zones, other regions",
    ]
    if made.unpriced:
        found.append(f"- NOT PRICED, add them to lakehouse/cost: {', '.join(made.unpriced)}")
    return found


def document(stage: Stage, made: Estimate) -> dict[str, Any]:
    """The same for programs."""
    return {
        "stage": made.stage,
        "orders_a_day": made.volume.orders_a_day,
        "months": made.volume.months,
        "watched_hours": made.volume.watched_hours,
        "days_a_month": round(float(DAYS), 2),
        "region": prices.REGION,
        "prices_as_of": prices.AS_OF,
        "usd_by_service": {item.service: float(item.dollars) for item in made.items},
        "usd_total": float(made.total),
        "usd_ceiling": float(stage.cost.monthly_ceiling_usd),
        "unpriced": list(made.unpriced),
    }
