"""Bringing the local AWS up, with everything deployed, and taking it down without a trace."""

import shutil
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.error import URLError

from lakehouse.errors import LocalError
from local import deployment, emulator, layout, processes, progress, toolchain
from local.account import Account
from local.stage import check_source, local_stage, use_source

_START_SECONDS = 60


def up(
    seconds: dict[str, float] | None = None, source: str | None = None, contracts: str | None = None
) -> Account:
    """Tools, emulator, deployment; the running account. Repeating it deploys anew.

    `source` is the DSN of an own database, `contracts` the folder of its tables' contracts.
    """
    if source:
        check_source(source, contracts)
    if not processes.is_running("emulator"):
        processes.end_all()
        shutil.rmtree(layout.STATE, ignore_errors=True)
        layout.OUTPUTS.unlink(missing_ok=True)
        processes.require_free_port(layout.gateway_port(), "LAKEHOUSE_PORT")
        processes.require_free_port(layout.dashboard_port(), "LAKEHOUSE_DASHBOARD_PORT")
    with progress.step("tools", seconds), ThreadPoolExecutor() as pool:
        jars = pool.submit(toolchain.ensure_jars)
        toolchain.ensure_cdk()
        jars.result()
    with progress.step("local AWS", seconds):
        account = _start_emulator()
    with progress.step("deploy", seconds) as step:
        stage = use_source(account, source, str(contracts)) if source else local_stage()
        own = source or (account.outputs["database_dsn"] if stage.source.existing else None)
        deployment.deploy(account, stage, step)
        outputs = deployment.write_outputs(account, stage, own)
    progress.console.print(f"dashboard: [bold]{outputs['dashboard_url']}[/bold]")
    progress.console.print(
        "endpoint, names and credentials: .local/outputs.json; the schedules fire each minute"
    )
    return account


def down() -> None:
    """Ends every process and deletes the state; harmless when nothing runs."""
    with progress.step("stop") as step:
        count = processes.end_all()
        shutil.rmtree(layout.STATE, ignore_errors=True)
        layout.OUTPUTS.unlink(missing_ok=True)
        step.say(f"{count} processes ended; downloads are kept (make clean removes them)")


def destroy() -> None:
    """Removes every stack; the account stays, empty."""
    account = Account.load()
    stage = local_stage()
    if not (layout.CDK_OUT / stage.name).is_dir():
        raise LocalError("nothing was deployed from here; deploy it with: make up")
    with progress.step("destroy") as step:
        deployment.destroy(account, stage, step)
        layout.OUTPUTS.unlink(missing_ok=True)


def show_dashboard() -> int:
    """Prints the address of the dashboard's service."""
    print(Account.load().outputs["dashboard_url"])
    return 0


def _start_emulator() -> Account:
    if processes.is_running("emulator"):
        return Account.load()
    account = Account.create()
    processes.start(
        "emulator",
        [sys.executable, "-m", "local.emulator"],
        emulator.environment(account.access_key, account.secret_key),
    )
    processes.wait_for_port(layout.gateway_port(), "emulator", _START_SECONDS)
    try:
        urllib.request.urlopen(f"{account.endpoint_url}/_ministack/health", timeout=10).close()
    except URLError as refused:
        raise LocalError(f"the emulator does not answer: {refused}") from None
    return account
