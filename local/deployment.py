"""Puts the app into the local account with the real CDK CLI, and takes it out again."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from lakehouse.errors import LocalError
from lakehouse.settings import Stage
from local import layout, toolchain
from local.account import Account
from local.progress import Step
from local.stage import HOSTED, directory, write_hosted

_CDK_OUTPUTS: Final = layout.STATE / "cdk-outputs.json"

_OUTPUTS: Final = {
    # Key of outputs.json: name of a stack output.
    "state_machine_arn": "StateMachineArn",
    "upkeep_machine_arn": "UpkeepMachineArn",
    "bronze_bucket": "BronzeBucket",
    "silver_bucket": "SilverBucket",
    "gold_bucket": "GoldBucket",
    "watermark_table": "WatermarkTable",
    "bronze_database": "BronzeDatabaseName",
    "silver_database": "SilverDatabaseName",
    "gold_database": "GoldDatabaseName",
    "crawler": "Crawler",
    "glue_job": "GlueJob",
    "workgroup": "Workgroup",
    "generator_function": "GeneratorFunction",
    "ingest_function": "IngestFunction",
    "dashboard_role": "DashboardRole",
}


def synth(stage: str, extra: Sequence[str] = (), *, step: Step | None = None) -> None:
    """`cdk synth` of a stage into `.local/cdk.out/<stage>`; needs no credentials."""
    chosen = {"stage": stage}
    if stage == layout.STAGE:
        chosen["stages"] = str(directory())
    _synth(stage, chosen, extra, step)


def synth_besides(step: Step) -> None:
    """What no stage file says, beside the stages, into `cdk.out`: sign-in, fargate, delivery.

    The stage `local` with readers who sign in to its dashboard, and with its dashboard on Fargate;
    the stack of GitHub's jobs in an account that holds this stage alone, and knows GitHub already.
    """
    for host in HOSTED:
        with TemporaryDirectory() as folder:
            write_hosted(Path(folder), host)
            chosen = {"stage": layout.STAGE, "stages": folder, "ceiling": "unchecked"}
            _synth(host, chosen, (), step)
    account = {"stages": layout.STAGE, "provider": "existing"}
    _synth("delivery", {"delivery": "true", "repository": "OWNER/NAME", **account}, (), step)


def deploy(account: Account, stage: Stage, step: Step) -> None:
    """Bootstraps the account while the app synthesizes, then deploys all stacks."""
    environment = toolchain.tool_environment() | account.environment()
    environment["CDK_DOCKER"] = str(toolchain.container_program())
    place = f"aws://{layout.ACCOUNT}/{layout.REGION}"
    with ThreadPoolExecutor(2) as pool:
        bootstrap = pool.submit(
            _cdk, ["bootstrap", place, "--app", ""], environment, None, layout.STATE
        )
        synth(stage.name, step=step)
        bootstrap.result()
    _cdk(
        [
            "deploy",
            "--all",
            "--app",
            str(layout.CDK_OUT / stage.name),
            "--require-approval",
            "never",
            "--concurrency",
            "4",
            "--asset-parallelism",
            "--outputs-file",
            str(_CDK_OUTPUTS),
        ],
        environment,
        step,
    )


def destroy(account: Account, stage: Stage, step: Step) -> None:
    """`cdk destroy` of all stacks."""
    _cdk(
        ["destroy", "--all", "--force", "--app", str(layout.CDK_OUT / stage.name)],
        toolchain.tool_environment() | account.environment(),
        step,
    )


def stage_outputs(
    cdk_outputs: Path, state: Path, prefix: str, source: str | None = None
) -> dict[str, str]:
    """The part of `outputs.json` that differs between the stages of a local account.

    `source` is the DSN of an own database.
    """
    stacks = json.loads(cdk_outputs.read_text())
    values = {name: value for stack in stacks.values() for name, value in stack.items()}
    if source is None:
        source = json.loads((state / "rds" / f"{prefix}-source.json").read_text())["dsn"]
    # App Runner ends TLS, which nothing does here.
    address = values.get("DashboardAddress")
    return {
        **{key: values[output] for key, output in _OUTPUTS.items() if output in values},
        "database_dsn": source,
        **({"dashboard_url": f"http://{address}"} if address else {}),
    }


def write_outputs(account: Account, stage: Stage, source: str | None = None) -> dict[str, str]:
    """Writes `.local/outputs.json`: all that a client needs, as one flat object."""
    outputs = {
        "endpoint_url": account.endpoint_url,
        "region": layout.REGION,
        "aws_access_key_id": account.access_key,
        "aws_secret_access_key": account.secret_key,
        **stage_outputs(_CDK_OUTPUTS, layout.STATE, stage.prefix, source),
    }
    # Written whole or not at all: whoever waits for the file reads a complete one.
    unfinished = layout.OUTPUTS.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(outputs, indent=2) + "\n")
    unfinished.chmod(0o600)
    unfinished.replace(layout.OUTPUTS)
    return outputs


def pass_through(arguments: Sequence[str]) -> int:
    """The pinned CDK CLI with the caller's own AWS configuration; its exit code."""
    toolchain.ensure_cdk()
    own = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    environment = toolchain.tool_environment() | own
    return subprocess.run(
        [*_command(), *arguments], env=environment, cwd=layout.ROOT, check=False
    ).returncode


def _synth(name: str, context: Mapping[str, str], extra: Sequence[str], step: Step | None) -> None:
    chosen = [part for key, value in context.items() for part in ("-c", f"{key}={value}")]
    _cdk(
        ["synth", "--quiet", *chosen, "--output", str(layout.CDK_OUT / name), *extra],
        toolchain.tool_environment(),
        step,
    )


def _command() -> list[str]:
    return [str(toolchain.node_directory() / "node"), str(toolchain.ensure_cdk())]


def _cdk(
    arguments: Sequence[str],
    environment: dict[str, str],
    step: Step | None,
    directory: Path = layout.ROOT,
) -> None:
    process = subprocess.Popen(
        [*_command(), "--no-notices", "--ci", "--progress", "events", *arguments],
        env={**environment, layout.MARKER: str(layout.HOME)},
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    assert process.stdout is not None
    layout.LOGS.mkdir(parents=True, exist_ok=True)
    with (layout.LOGS / "cdk.log").open("a") as log:
        for line in process.stdout:
            log.write(line)
            text = re.sub(r"\x1b\[[0-9;]*m", "", line).strip()
            if text:
                lines.append(text)
                if step:
                    step.note(_news(text))
    if process.wait():
        raise LocalError(f"cdk {arguments[0]}: {_cause(lines)}")


def _news(text: str) -> str:
    """The part of a CDK line worth a glance: which resource of which stack is being made."""
    event = re.search(r"(\S+) \| +[\d/]+ .*\| (\S+) +\| (AWS::\S+|Custom::\S+)", text)
    return f"{event[1]} {event[3]} {event[2]}" if event else text[:100]


def _cause(lines: Sequence[str]) -> str:
    """The line of CDK's output that tells why it failed."""
    telling = [line for line in lines if re.search(r"error:|FAILED|❌|Error", line)]
    return " | ".join((telling or list(lines))[-3:]) or "it printed nothing"
