"""A month of a stage against figures that were worked out by hand, and what is refused."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lakehouse import prices
from lakehouse.cost.estimate import check_ceiling, estimate, stated_volume
from lakehouse.cost.inventory import Host, Inventory, inventory
from lakehouse.cost.workload import Volume, calls_a_day, workload
from lakehouse.errors import ConfigurationError
from lakehouse.settings import Stage, load_stage

TABLES = ("dim_products", "dim_users", "fact_sales")
VIEWS = 10
FOUND = Inventory(databases=1, secrets=1)


def stage(**changes: dict[str, Any]) -> Stage:
    """Production as it was when the figures below were worked out, whatever its file says today."""
    pinned: dict[str, dict[str, Any]] = {
        "source": {
            "instance_class": "db.t4g.micro",
            "storage_gib": 50,
            "multi_az": False,
            "backup_days": 14,
        },
        "generator": {"enabled": True, "schedule": "rate(5 minutes)", "new_sales": 34},
        "pipeline": {
            "schedule": "rate(15 minutes)",
            "merge_pending_rows": 20_000,
            "merge_max_age_minutes": 240,
            "chunk_rows": 5_000_000,
            "poll_seconds": 15,
        },
        "glue": {"workers": 2, "worker_type": "G.1X", "execution_class": "FLEX"},
        "maintenance": {"schedule": "cron(30 3 * * ? *)"},
        "functions": {
            "architecture": "arm64",
            "ingest_memory_mib": 1024,
            "generator_memory_mib": 256,
        },
        "dashboard": {"refresh_seconds": 60},
        "cost": {"monthly_ceiling_usd": Decimal(40), "orders_a_day": 10_000},
    }
    read = load_stage("prod")
    sections = {
        name: getattr(read, name).model_copy(update=values | changes.get(name, {}))
        for name, values in pinned.items()
    }
    return read.model_copy(update=sections)


def dollars(made: Stage, orders: int, found: Inventory = FOUND) -> dict[str, Decimal]:
    lines = estimate(made, found, TABLES, VIEWS, Volume(orders)).items
    return {line.service: line.dollars for line in lines}


def test_ten_thousand_orders_a_day() -> None:
    # A month has 730 / 24 = 30.41667 days; a day 10,000 x 3.38 = 33,800 rows and 96 runs; each run
    # brings a batch of each table: 288 batches a day, 8,760 a month, in 2,920 runs.
    # 20,000 rows wait after 852 minutes, so age decides: 1440 / 240 = 6 merges a day, 182.5 a
    # month, each of 5,633 rows: 180 s + 60 s x 0.005633 = 180.3, so 181 s.
    assert dollars(stage(), 10_000) == {
        "RDS instance": Decimal("11.68"),  # 730 x 0.016
        "RDS storage": Decimal("5.75"),  # 50 x 0.115
        # 2,920 x (8 + 3 x 3 + 4) + 8,760 live views + 182.5 x (2 + 10 + 3)
        # + 30.41667 crawls x (2 + 3 x 6 looks + 3) + 30.41667 x 3 = 73,608 x 0.000025
        "Step Functions": Decimal("1.84"),
        # 8,760 x (4 x (0.0000133334 + 1.5 x 0.0000000309) + 0.0000002) = 0.470578
        # 8,760 generators, 2,920 receipts: 11,680 x (3 x 0.25 x 0.0000133334 + 0.0000002) = 0.119
        "Lambda": Decimal("0.59"),
        "Glue crawler": Decimal("2.23"),  # 30.41667 x 600 / 3600 x 0.44
        "Glue job for merges": Decimal("5.32"),  # 182.5 x 2 x 181 / 3600 x 0.29 = 5.3219
        "Glue job for upkeep": Decimal("1.47"),  # 30.41667 x 2 x 300 / 3600 x 0.29 = 1.4701
        # 480 looks and 6 x 10 x 8 / 24 = 20 other queries a day: 15,208.3; 2,920 receipts
        # 18,128.3 x 10 / 1,048,576 x 5 = 0.864426
        "Athena": Decimal("0.86"),
        # (33,800 x 100 + 288 x 10,240) x 30.41667 x 4 x 12 = 8.6059 GiB x 0.023
        "S3 storage": Decimal("0.20"),
        # statements: 15,208.3 + 8,760 + 2,920 + 182.5 x 13 = 29,260.8
        # writes: 8,760 + 14,600 + 58,521.7 + 18,250 + 6,083.3 = 106,215 x 0.000005 = 0.531075
        # reads: 585,216.7 + 365,000 + 152,083.3 = 1,102,300 x 0.0000004 = 0.440920
        "S3 requests": Decimal("0.97"),
        # 8,760 x 6 and 2,920 x 2 + 182.5 x 12 = 8,030 writes: 60,590 x 0.000000625 = 0.037869
        # 35,040 reads x 0.000000125 = 0.004380; 105,120 KiB = 0.100250 GiB x 0.45 = 0.045113
        "DynamoDB": Decimal("0.09"),
        # 20,440 calls x 4 KiB + 212.917 jobs x 5 MiB = 1.117604 GiB x (0.50 + 12 x 0.15 x 0.03)
        "CloudWatch logs": Decimal("0.62"),
        "CloudWatch metrics": Decimal("3.30"),  # (3 + 6 + 4 x 182.5 / 730 + 1) x 0.30
        "X-Ray": Decimal("0.06"),  # 2,920 + 8,760 + 30.4 = 11,710.4 x 0.000005 = 0.058552
        "EventBridge Scheduler": Decimal("0.01"),  # 11,710.4 x 0.000001
        "Secrets Manager": Decimal("0.40"),
        "KMS": Decimal("0.00"),
    }
    assert estimate(stage(), FOUND, TABLES, VIEWS, Volume(10_000)).total == Decimal("35.39")


def test_nobody_orders() -> None:
    found = dollars(stage(), 0)
    nothing = ("Glue crawler", "Glue job for merges", "Athena", "S3 storage", "DynamoDB")
    assert {name: found[name] for name in nothing} == {
        "Glue crawler": 0,
        "Glue job for merges": 0,
        "Athena": 0,
        "S3 storage": 0,
        # 2,920 x 2 writes x 0.000000625 + 8,760 x 4 reads x 0.000000125 = 0.00803
        "DynamoDB": Decimal("0.01"),
    }
    assert found["Step Functions"] == Decimal("1.24")  # (2,920 x 17 + 91.25) x 0.000025 = 1.243281
    assert found["CloudWatch metrics"] == Decimal("0.90")  # 3 x 0.30
    assert found["RDS instance"] == Decimal("11.68")


def test_rows_decide_over_age_when_they_are_many() -> None:
    # 100,000 x 3.38 rows a day: 20,000 of them in 85.2 minutes, so 1440 / 85.2 = 16.9 merges a day.
    work = workload(stage(), TABLES, Volume(100_000), VIEWS)
    assert round(work.merges, 1) == Decimal("514.0")  # 338,000 / 20,000 x 30.41667
    assert work.merge_seconds == 182  # 180 + 60 x 0.02 = 181.2
    # Never more often than runs come: every 15 minutes.
    work = workload(stage(), TABLES, Volume(10_000_000), VIEWS)
    assert work.merges == work.runs


def test_a_batch_more_for_each_full_chunk() -> None:
    # 10,000 x 3 / 96 = 312.5 sales a run, in chunks of 100: 4 batches; the other tables one each.
    small = stage(pipeline={"chunk_rows": 100})
    work = workload(small, TABLES, Volume(10_000), VIEWS)
    assert round(work.batches) == 17_520  # 96 x (4 + 1 + 1) x 30.41667
    assert round(work.ingest_calls) == 17_520


def test_a_table_that_rarely_changes_has_a_crawl_of_its_own() -> None:
    # 1,000 orders: 30 products change a day, 0.3 in a run, users 3.6, sales 31.
    assert round(workload(stage(), TABLES, Volume(1_000), VIEWS).crawls, 1) == Decimal("60.8")
    assert round(workload(stage(), TABLES, Volume(10_000), VIEWS).crawls, 1) == Decimal("30.4")


@pytest.mark.parametrize(
    ("schedule", "times"),
    [
        ("rate(1 minute)", 1440),
        ("rate(6 hours)", 4),
        ("rate(168 hours)", Decimal(1) / 7),
        ("cron(* * * * ? *)", 1440),
        ("cron(30 3 * * ? *)", 1),
        ("cron(0/15 * * * ? *)", 96),
        ("cron(*/20 8-17 ? * MON-FRI *)", 30),
        ("cron(0,30 6,18 * * ? *)", 4),
    ],
)
def test_how_often_a_schedule_fires(schedule: str, times: Decimal) -> None:
    assert round(calls_a_day(schedule), 9) == round(Decimal(times), 9)


@pytest.mark.parametrize("schedule", ["rate(0 minutes)", "cron(0 3 * *)", "cron(x 3 * * ? *)"])
def test_a_schedule_that_cannot_be_counted_is_refused(schedule: str) -> None:
    with pytest.raises(ConfigurationError, match=r"schedule of|never ends|can't be read"):
        calls_a_day(schedule)


def test_alarms_dashboards_keys_and_a_second_zone() -> None:
    plain = dollars(stage(), 0)
    more = dollars(
        stage(source={"multi_az": True}),
        0,
        Inventory(
            databases=1,
            secrets=2,
            keys=1,
            alarm_metrics=12,
            composite_alarms=1,
            dashboards=5,
        ),
    )
    assert more["RDS instance"] == Decimal("23.36")
    assert more["RDS storage"] == Decimal("11.50")
    # 12 x 0.10 + 0.50 + (5 - 3) x 3.00
    assert more["CloudWatch metrics"] - plain["CloudWatch metrics"] == Decimal("7.70")
    assert more["Secrets Manager"] == Decimal("0.80")
    assert more["KMS"] == Decimal("1.00")


def test_a_host_of_the_dashboard() -> None:
    small = Host(Decimal("0.5"), Decimal(1))
    runner = dollars(stage(), 10_000, replace(FOUND, app_runner=small))
    # 730 h x 0.007 + 0.5 x 8 x 30.4 h x 0.064
    assert runner["Dashboard on App Runner"] == Decimal("12.90")
    idle = dollars(stage(), 0, replace(FOUND, app_runner=small))
    assert idle["Dashboard on App Runner"] == Decimal("5.11")
    task = dollars(stage(), 10_000, replace(FOUND, fargate=small, load_balancers=1))
    assert task["Dashboard on Fargate"] == Decimal("18.02")
    assert task["Load balancer"] == Decimal("16.72")
    assert task["Public addresses"] == Decimal("10.95")


def test_what_the_templates_hold() -> None:
    metric = {"MetricStat": {"Stat": "Sum"}}
    resources = {
        "Database": {"Type": "AWS::RDS::DBInstance"},
        "Plain": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}},
        "Formula": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {"Metrics": [{"Expression": "a + b"}, metric, metric]},
        },
        "Roles": {"Type": "Custom::DatabaseRoles"},
        "Gateway": {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "Gateway"}},
        "Door": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]},
        },
        "Nat": {"Type": "AWS::EC2::NatGateway"},
    }
    found = inventory([{"Resources": resources}, {"Resources": {}}])
    assert (found.databases, found.alarm_metrics) == (1, 3)
    assert found.unpriced == ("AWS::EC2::NatGateway",)
    assert found.endpoint_zones == 2


def test_a_month_above_the_ceiling_is_one_line_that_names_it_and_the_largest() -> None:
    made = estimate(stage(), FOUND, TABLES, VIEWS, Volume(10_000))
    check_ceiling(stage(cost={"monthly_ceiling_usd": Decimal("35.39")}), made)
    with pytest.raises(ConfigurationError) as refused:
        check_ceiling(stage(cost={"monthly_ceiling_usd": Decimal("35.38")}), made)
    assert str(refused.value) == (
        "stages/prod.toml: 'cost.monthly_ceiling_usd' is 35.38, but 10000 orders a day are "
        "estimated at 35.39 USD a month (largest: RDS instance 11.68, RDS storage 5.75, "
        "Glue job for merges 5.32); make these cheaper or raise the ceiling, make cost STAGE=prod "
        "shows all"
    )


def test_the_stated_volume_is_not_less_than_what_the_generator_makes() -> None:
    assert stated_volume(stage()).orders_a_day == 10_000  # it makes 288 x 34 = 9,792
    with pytest.raises(
        ConfigurationError, match=r"orders_a_day' is 9000, but the generator .*9792"
    ):
        stated_volume(stage(cost={"orders_a_day": 9_000}))
    resting = stage(cost={"orders_a_day": 9_000}, generator={"enabled": False})
    assert stated_volume(resting).orders_a_day == 9_000


@pytest.mark.parametrize(
    ("section", "change", "telling"),
    [
        ("source", {"instance_class": "db.x9.huge"}, "'source.instance_class' db.x9.huge has no"),
        (
            "glue",
            {"worker_type": "Z.9X"},
            "'glue.worker_type' Z.9X has no price; choose one of G.1X",
        ),
    ],
)
def test_what_has_no_price_is_named(section: str, change: dict[str, Any], telling: str) -> None:
    with pytest.raises(ConfigurationError, match=telling):
        dollars(stage(**{section: change}), 100)


def test_the_prices_say_where_they_are_from() -> None:
    assert prices.REGION == "us-east-1"
    assert all(page.startswith("https://aws.amazon.com/") for page in prices.PAGES)
