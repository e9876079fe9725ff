"""The month of each stage as synthesized, its ceiling at synth, and its budget."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lakehouse.cost import lines
from lakehouse.cost.estimate import Estimate, estimate_stage, stated_volume
from lakehouse.cost.inventory import read_templates
from lakehouse.cost.workload import Volume
from lakehouse.settings import load_stage
from local.toolchain import tool_environment
from stacks.ingest import STORAGE_MIB
from tests import shell
from tests.infrastructure.conftest import ROOT
from tests.infrastructure.templates import definition, of_type, only

Templates = dict[str, dict[str, Any]]
Refused = tuple[subprocess.CompletedProcess[str], Path]
IDLE = Volume(0)


def month(synthesized: Path, name: str, volume: Volume | None = None) -> Estimate:
    stage = load_stage(name)
    templates = read_templates(synthesized / name)
    return estimate_stage(stage, templates, volume or stated_volume(stage))


def test_production_at_ten_thousand_orders_a_day_is_at_most_40(synthesized: Path) -> None:
    assert load_stage("prod").cost.orders_a_day == 10_000
    assert month(synthesized, "prod").total <= 40


def test_an_idle_dev_is_at_most_20(synthesized: Path) -> None:
    assert month(synthesized, "dev", IDLE).total <= 20


def test_every_stage_is_within_its_ceiling_and_nothing_is_without_a_price(
    synthesized: Path, stage_name: str
) -> None:
    made = month(synthesized, stage_name)
    assert made.total <= load_stage(stage_name).cost.monthly_ceiling_usd
    assert made.unpriced == ()
    assert {item.service for item in made.items} >= {"RDS instance", "RDS storage"}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Refused:
    """The app for a stage whose ceiling is 7 and whose budget tells somebody; and its output."""
    out = tmp_path_factory.mktemp("refused")
    changes = {
        "monthly_ceiling_usd": "7",
        "budget_covers": "stage",
    }
    told = {"email": "owner@example.com"}
    code = f"""
import sys
sys.path.insert(0, ".")
import app
load = app.load_stage
def changed(*place):
    stage = load(*place)
    cost = stage.cost.model_dump() | {changes!r}
    alarms = stage.alarms.model_copy(update={told!r})
    return stage.model_copy(update={{"cost": type(stage.cost)(**cost), "alarms": alarms}})
app.load_stage = changed
app.main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=tool_environment()
        | {
            "CDK_CONTEXT_JSON": json.dumps({"stage": "local"}),
            "CDK_OUTDIR": str(out),
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return ended, out


def test_a_ceiling_that_is_too_low_ends_the_synthesis(refused: Refused) -> None:
    ended, _ = refused
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("error: stages/local.toml: 'cost.monthly_ceiling_usd' is 7, but 216000 ")
    assert re.search(r"\(largest: \D+[\d.]+, \D+[\d.]+, \D+[\d.]+\); make these cheaper", last)


def test_an_address_in_the_stage_is_told_at_80_and_100_percent(refused: Refused) -> None:
    template = json.loads((refused[1] / "Budget.template.json").read_text())
    budget = only(template, "AWS::Budgets::Budget")
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:stage$local"]}
    told = [
        (found["Notification"]["NotificationType"], found["Notification"]["Threshold"])
        for found in budget["NotificationsWithSubscribers"]
    ]
    assert told == [("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert {
        subscriber["Address"]
        for found in budget["NotificationsWithSubscribers"]
        for subscriber in found["Subscribers"]
    } == {"owner@example.com"}


def test_the_assumed_states_are_those_of_the_definitions(templates: Templates) -> None:
    run, upkeep = definition(templates["orchestration"]), definition(templates["upkeep"])
    idle = [
        "Take the lease",
        "Ingest every table",
        "Decide what is due",
        "A new table, column or day?",
        "Merge due?",
        "Release the lease",
        "Did every table succeed?",
        "Run succeeded",
    ]
    working = ["Refresh the live views", "Make the receipt", "Store the receipt"]
    merge = ["Merge into silver and gold", "Refresh the views", "Settle the live views"]
    crawl = ["Start the crawler", "Remember what is catalogued"]
    look = ["Wait for the crawler", "Look at the crawler", "Is the crawler done?"]
    ends = {"Another run is at work", "A table failed", "Run failed"}
    ends |= {name for name in run["States"] if name.endswith("the failure")}
    assert set(run["States"]) - ends == {*idle, *working, *merge, *crawl, *look}
    by_table = run["States"]["Ingest every table"]["ItemProcessor"]["States"]
    assert {
        "run": len(idle),
        "table": len(by_table),
        "live view": len(run["States"]["Refresh the live views"]["ItemProcessor"]["States"]),
        "working": len(working) + 1,  # whether every table succeeded is asked again
        "merge": len(merge),
        "crawl": len(crawl),
        "maintenance": len({"Wait for the lease", "Do the task in the job", "Release the lease"}),
    } == lines.STATES
    assert len(look) == lines.STATES_PER_LOOK
    assert "Wait for the lease" in upkeep["States"]


def test_the_assumed_disk_is_that_of_the_ingest(templates: Templates) -> None:
    function = only(templates["ingest"], "AWS::Lambda::Function")
    assert function["EphemeralStorage"]["Size"] == lines.INGEST_DISK_MIB == STORAGE_MIB


def test_glue_puts_no_metrics_of_its_own(templates: Templates) -> None:
    # They are billed as custom metrics, some 0.30 USD a month each; the receipt has the seconds.
    arguments = only(templates["transform"], "AWS::Glue::Job")["DefaultArguments"]
    assert "--enable-metrics" not in arguments


def test_the_budget_is_the_ceiling_and_tells_only_who_is_named(
    templates: Templates, stage_name: str
) -> None:
    cost = load_stage(stage_name).cost
    (budget,) = of_type(templates["budget"], "AWS::Budgets::Budget").values()
    assert budget["Budget"]["BudgetLimit"] == {
        "Amount": float(cost.monthly_ceiling_usd),
        "Unit": "USD",
    }
    assert budget["Budget"]["TimeUnit"] == "MONTHLY"
    assert "BudgetName" not in budget["Budget"]
    told = budget.get("NotificationsWithSubscribers", [])
    assert bool(told) is (load_stage(stage_name).alarms.email is not None)


def test_the_command_prints_a_table_and_then_json(tmp_path: Path, synthesized: Path) -> None:
    ended = subprocess.run(
        ["make", "cost", "STAGE=dev", "ARGS=--orders 60000 --months 24"],
        cwd=ROOT,
        env=shell.environment(LAKEHOUSE_HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        check=True,
    )
    *told, last = ended.stdout.splitlines()
    document = json.loads(last)
    made = month(synthesized, "dev", Volume(60_000, 24))
    assert document["usd_total"] == float(made.total)
    assert (document["orders_a_day"], document["months"]) == (60_000, 24)
    assert f"total                  {made.total:>8}  ABOVE the stage's ceiling" in ended.stdout
    assert any("runs a day" in line for line in told)
    assert max(map(len, told)) < 130
