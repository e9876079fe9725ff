"""Composes every stage under cdk-nag's AwsSolutions pack, and `prod` as no stage file has it: with
keys of its own, in networks that are there already, with a host of the dashboard.

Run as a program with a folder: it leaves `findings.json` there and the templates of each variant.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from lakehouse.settings import APP, Stage, load_stage, stage_names
from stacks.platform import compose

ROOT = Path(__file__).parent.parent.parent
CUSTOMER = "prod with keys of its own"
NETWORK = "prod in a network that was there"
ENDPOINTS = "prod in a network that had endpoints"
APP_RUNNER = "prod with a dashboard on App Runner"
FARGATE = "prod with a dashboard on Fargate"
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/0001"
BY_TOKEN = "prod over a database that was there, by tokens"
BY_SECRET = "prod over a database that was there, by a secret"
SECRET = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop"
VPC = "vpc-0123456789abcdef0"
SUBNETS = [
    {"id": f"subnet-{n:017x}", "zone": f"eu-west-1{zone}", "route_table": f"rtb-{n:017x}"}
    for n, zone in ((1, "a"), (2, "b"))
]


def variants() -> Iterator[tuple[str, Stage]]:
    """Every stage, and what no stage chooses."""
    for name in stage_names():
        yield name, load_stage(name)
    prod = load_stage("prod").model_dump()
    place = prod | {"region": "eu-west-1"}
    own = {"data": prod["data"] | {"keys": "customer"}}
    yield CUSTOMER, Stage.model_validate(place | own)
    for variant, endpoints in ((NETWORK, "create"), (ENDPOINTS, "existing")):
        network = {"vpc": VPC, "subnets": SUBNETS, "endpoints": endpoints}
        yield variant, Stage.model_validate(place | {"network": network})
    dashboard = prod["dashboard"] | {"domain": "figures.example.com", "certificate": CERTIFICATE}
    for variant, host in ((APP_RUNNER, "apprunner"), (FARGATE, "fargate")):
        yield variant, Stage.model_validate(place | {"dashboard": dashboard | {"host": host}})
    network = {"vpc": VPC, "subnets": SUBNETS, "endpoints": "create"}
    quiet = {"network": network, "generator": prod["generator"] | {"enabled": False}}
    there = {"host": "shop.example.com", "database": "Shop", "user": "reader"}
    for variant, login in (
        (BY_TOKEN, {"auth": "iam", "resource": "db-ABC", "security_group": f"sg-{1:017x}"}),
        (BY_SECRET, {"auth": "secret", "secret": SECRET, "instance": "shop"}),
    ):
        source = {"contracts": "tests/cases/own_tables", "existing": there | login}
        yield variant, Stage.model_validate(place | quiet | {"source": source})


def findings(stage: Stage, folder: Path) -> list[str]:
    """Construct and rule of everything that is found in the stage."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = cdk.App(outdir=str(folder), context=context)
    compose(app, stage)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with suppress(RuntimeError):  # that the validation failed; its report says why
        app.synth()
    report: dict[str, Any] = json.loads((folder / "validation-report.json").read_text())
    return sorted(
        f"{_short(place['constructPath'])} {_named(violation['ruleName'], stage.name)}"
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for place in violation["violatingConstructs"]
    )


def _short(path: str) -> str:
    return path.removesuffix("/Resource").removesuffix("/DefaultPolicy")


def _named(rule: str, stage: str) -> str:
    """The rule without what differs by stage, account or digest."""
    for name in (f"{APP}-{stage}", f"{APP}_{stage}"):
        rule = rule.replace(name, "<stage>")
    rule = re.sub(
        r"<stage>-\w+:ExportsOutputFnGetAtt(\w+?)[0-9A-F]{8}Arn[0-9A-F]{8}", r"<\1>", rule
    )
    rule = re.sub(r"<(\w+?)[0-9A-F]{8}\.Arn>", r"<\1>", rule)
    place = r"arn:<AWS::Partition>:(\w+):(?:<AWS::Region>|[\w-]+):<AWS::AccountId>:"
    return re.sub(place, r"\1:", rule)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    found = {name: findings(stage, target / name) for name, stage in variants()}
    (target / "findings.json").write_text(json.dumps(found))
