"""Stage files: what is wrong is said in one line that names file, key and expectation."""

import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse.errors import ConfigurationError
from lakehouse.settings import DIRECTORY, load_stage, stage_names

ROOT = Path(__file__).parent.parent.parent.parent
GOOD = (DIRECTORY / "dev.toml").read_text()
NETWORK = """
[network]
vpc = "vpc-00000001"
endpoints = "create"
[[network.subnets]]
id = "subnet-00000001"
zone = "eu-west-1a"
route_table = "rtb-00000001"
[[network.subnets]]
id = "subnet-00000002"
zone = "eu-west-1b"
route_table = "rtb-00000002"
"""


EXISTING = """
[source.existing]
host = "shop.example.com"
database = "Shop"
user = "reader"
auth = "secret"
secret = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop"
"""


@pytest.mark.parametrize("name", stage_names())
def test_every_stage_loads(name: str) -> None:
    assert load_stage(name).name == name


@pytest.mark.parametrize(
    ("was", "becomes", "telling"),
    [
        ("storage_gib = 20", "storage_gb = 20", "'source.storage_gb' is not a known key"),
        ("storage_gib = 20", 'storage_gib = "much"', "'source.storage_gib': input should"),
        ("storage_gib = 20", "", "storage_gib is missing; say it, or name your own"),
        ("storage_gib = 20", "storage_gib = 5", "greater than or equal to 20"),
        ("rate(30 minutes)", "every hour", "'pipeline.schedule'"),
        ('host = "none"', 'host = "moon"', "'dashboard.host': input should be 'none'"),
        ('host = "none"', 'host = "fargate"', "needs domain and certificate"),
        ('host = "none"', 'host = "none"\ncertificate = "x"', "'dashboard.certificate'"),
        ("deletion_protection = false", "deletion_protection = true", "contradicts"),
        ("monthly_ceiling_usd = 35", "monthly_ceiling_usd = 0", "'cost.monthly_ceiling_usd'"),
        ("window_minutes = 60", 'window_minutes = 60\nemail = "me"', "'alarms.email'"),
        ("lease_minutes = 120", "lease_minutes = 90", "less than a lease may last: 91 minutes"),
        ("large_workers = 4", "large_workers = 1", "'glue.large_workers': input should be greater"),
        ("workers = 2", "workers = 5", "large_workers = 4 is less than workers = 5"),
        ("bronze_immutable = false", "bronze_immutable = true", "contradicts bronze_immutable"),
        ('keys = "service"', 'keys = "customer"', "needs a region"),
        ("[source]", f"{NETWORK}[source]", "[network] needs a region"),
        ("[source]", 'region = "eu-west-2"' + f"{NETWORK}[source]", "001 is in eu-west-1a"),
        (
            "[source]",
            'region = "eu-west-1"' + NETWORK.replace("1b", "1a") + "[source]",
            "two availability zones",
        ),
        ("[generator]", EXISTING + "[generator]", "would write the shop into [source.existing]"),
        (
            "[generator]\nenabled = true",
            EXISTING + "[generator]\nenabled = false",
            "name its network in [network]",
        ),
        ("[generator]", EXISTING.replace('secret"', 'iam"') + "[generator]", "needs resource"),
        ("[generator]", EXISTING + 'tls = "off"\n[generator]', "let the server have a certificate"),
        ("[generator]", EXISTING.replace("arn:", "") + "[generator]", "'source.existing.secret'"),
        ("[glue]", "[glue", "Expected ']'"),
    ],
)  # fmt: skip
def test_a_wrong_stage_file_is_one_line(
    tmp_path: Path, was: str, becomes: str, telling: str
) -> None:
    assert was in GOOD
    (tmp_path / "dev.toml").write_text(GOOD.replace(was, becomes))
    with pytest.raises(ConfigurationError) as wrong:
        load_stage("dev", tmp_path)
    message = str(wrong.value)
    assert "dev.toml" in message
    assert telling in message
    assert "\n" not in message


def test_an_immutable_bronze_needs_versions(tmp_path: Path) -> None:
    prod = (DIRECTORY / "prod.toml").read_text()
    (tmp_path / "prod.toml").write_text(
        prod.replace("keep_replaced_days = 7", "keep_replaced_days = 0")
    )
    with pytest.raises(ConfigurationError, match="needs keep_replaced_days > 0"):
        load_stage("prod", tmp_path)


def test_an_unknown_stage_lists_those_that_exist() -> None:
    with pytest.raises(ConfigurationError, match="the stages are: dev, local, prod"):
        load_stage("staging")


def test_the_app_says_it_before_anything_is_deployed() -> None:
    result = subprocess.run(
        [sys.executable, "-c", "import os, sys; sys.path.insert(0, '.'); import app; app.main()"],
        cwd=ROOT,
        env={**_environment(), "CDK_CONTEXT_JSON": '{"stage": "staging"}'},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.strip().splitlines()[-1] == (
        "error: stage 'staging' does not exist; the stages are: dev, local, prod"
    )


def _environment() -> dict[str, str]:
    from local.toolchain import tool_environment

    return tool_environment()
