"""The command line of the local AWS; `make` calls it, `python -m local --help` lists it."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from lakehouse.errors import LakehouseError
from lakehouse.settings import stage_names
from local import deployment, progress


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 when it did what was asked, 1 with one clear message when it did not."""
    chosen = _parser().parse_args(arguments)
    try:
        code: int = chosen.run(chosen)
        return code
    except LakehouseError as error:
        progress.fail(chosen.command, str(error), _remedy(chosen.command))
        return 1
    except KeyboardInterrupt:
        progress.console.print("\ninterrupted; what runs goes on (make status), make down stops it")
        return 130


def _remedy(command: str) -> str:
    return {
        "up": "make down, then make up",
        "demo": "make logs, then make down",
        "run": "make logs WHAT=ingest, make logs WHAT=glue",
        "destroy": "make status",
        "synth": "mend the file that is named, then make synth again",
        "synth-besides": "mend the file that is named, then make permissions again",
        "cost": "mend the file that is named, then make cost again",
        "pause": "what is said above; make pause may be repeated",
        "resume": "what is said above; make resume may be repeated",
        "contracts": "what is said above, then make contracts again",
        "doctor": "what is said above, then make doctor again",
        "prepare-source": "what is said above, then make prepare-source again",
    }.get(command, "make status")


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no number; write 0 or more, such as 10000")
    return int(text)


def _said(name: str) -> str:
    """What `make NAME=...` said; make hands it on in the environment, where no shell reads it."""
    return os.environ.get(name, "")


def _is_said(name: str) -> bool:
    return _said(name) not in ("", "0")


def _source_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--dsn", default=_said("DSN"), help="postgresql://user:password@host:5432/database"
    )
    command.add_argument(
        "--tables", default=_said("TABLES"), help="such as: orders,sales.*  (all, if not given)"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], int], description: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=description, description=description)
        command.set_defaults(run=run)
        return command

    # Commands import what they need: `synth` must not wait for the engines of `up`.
    def up(chosen: argparse.Namespace) -> int:
        from local.lifecycle import up as bring_up

        bring_up(source=chosen.source, contracts=chosen.contracts)
        return 0

    def down(_: argparse.Namespace) -> int:
        from local.lifecycle import down as take_down

        take_down()
        return 0

    def destroy(_: argparse.Namespace) -> int:
        from local.lifecycle import destroy as take_out

        take_out()
        return 0

    def run(chosen: argparse.Namespace) -> int:
        from local.operations import run_now

        return run_now(force_merge=not chosen.when_due)

    def status(_: argparse.Namespace) -> int:
        from local.operations import show_status

        return show_status()

    def logs(chosen: argparse.Namespace) -> int:
        from local.operations import show_logs

        return show_logs(chosen.what, chosen.lines)

    def dashboard(_: argparse.Namespace) -> int:
        from local.lifecycle import show_dashboard

        return show_dashboard()

    def demo(chosen: argparse.Namespace) -> int:
        from local.demo import demonstrate

        return demonstrate(once=chosen.once)

    def ledger(chosen: argparse.Namespace) -> int:
        from local.ledger_desk import run_ledger

        return run_ledger(chosen.table, chosen.action, chosen.watermarks)

    def backfill(chosen: argparse.Namespace) -> int:
        from local.ledger_desk import run_backfill

        return run_backfill(chosen.table, chosen.start, chosen.watermarks)

    def quarantine(chosen: argparse.Namespace) -> int:
        from local.quarantine import run_quarantine

        return run_quarantine(chosen.table)

    def quarantine_replay(chosen: argparse.Namespace) -> int:
        from local.quarantine import run_replay

        return run_replay(chosen.table)

    def repair(chosen: argparse.Namespace) -> int:
        from local.repair import run_repair

        return run_repair(chosen.table, chosen.batch)

    def audit(chosen: argparse.Namespace) -> int:
        from local.audit import run_audit

        return run_audit(chosen.table)

    def parity(_: argparse.Namespace) -> int:
        from local.parity import run_parity

        return run_parity()

    def maintain(_: argparse.Namespace) -> int:
        from local.upkeep import run_maintain

        return run_maintain()

    def rebuild(chosen: argparse.Namespace) -> int:
        from local.upkeep import run_rebuild

        return run_rebuild(swap=chosen.swap, step=chosen.step)

    def synth(chosen: argparse.Namespace) -> int:
        with progress.step(f"synth {chosen.stage}") as step:
            deployment.synth(chosen.stage, step=step)
            step.say(f"templates are in .local/cdk.out/{chosen.stage}")
        return 0

    def synth_besides(_: argparse.Namespace) -> int:
        with progress.step("synth what no stage file says") as step:
            deployment.synth_besides(step)
            step.say("templates are in .local/cdk.out: sign-in, fargate and delivery")
        return 0

    def cost(chosen: argparse.Namespace) -> int:
        from local.cost import run_cost

        return run_cost(chosen.stage, chosen.orders, chosen.months, chosen.watched)

    def pause(chosen: argparse.Namespace) -> int:
        from local.pause import run_pause

        return run_pause(chosen.stage)

    def resume(chosen: argparse.Namespace) -> int:
        from local.pause import run_resume

        return run_resume(chosen.stage)

    def contracts(chosen: argparse.Namespace) -> int:
        from local.onboard import run_contracts

        return run_contracts(
            chosen.dsn, chosen.tables, chosen.out, force=chosen.force, activate=chosen.activate
        )

    def prepare_source(chosen: argparse.Namespace) -> int:
        from local.onboard import run_prepare

        return run_prepare(
            chosen.dsn, chosen.tables, chosen.role,
            small=chosen.small, changes=chosen.apply, back=chosen.undo,
        )  # fmt: skip

    def doctor(chosen: argparse.Namespace) -> int:
        from local.doctor import run_doctor

        return run_doctor(chosen.stage, chosen.dsn, chosen.contracts, chosen.role)

    def dictionary(chosen: argparse.Namespace) -> int:
        from local.own_dictionary import run_dictionary

        return run_dictionary(chosen.contracts)

    def cdk(chosen: argparse.Namespace) -> int:
        return deployment.pass_through(chosen.arguments)

    command = add("up", up, "start the local AWS and deploy the app into it; leaves it running")
    command.add_argument("--source", help="DSN of an own database, instead of the shop's")
    command.add_argument("--contracts", help="folder of the contracts of its tables")
    add("down", down, "stop the local AWS and forget its state; downloads stay")
    add("destroy", destroy, "cdk destroy every stack; the empty local AWS goes on running")
    add("run", run, "one pipeline run now, told state by state").add_argument(
        "--when-due", action="store_true", help="merge only if it is due, as a schedule does"
    )
    add("status", status, "what runs, what is deployed, the last runs, the watermarks")
    command = add("logs", logs, "the last lines of one component's log")
    command.add_argument("what", nargs="?", default="all", help="a component; 'all' lists them")
    command.add_argument("--lines", type=int, default=40)
    add("dashboard", dashboard, "say where the dashboard is")
    add("demo", demo, "everything: up, wait for the schedules, run, reconcile").add_argument(
        "--once", action="store_true", help="stop after the first reconciled run; JSON at the end"
    )
    command = add("ledger", ledger, "a table's batches; adopt or reload another source")
    command.add_argument("table")
    command.add_argument("action", nargs="?", default="show", choices=("show", "adopt", "reload"))
    command.add_argument("--watermarks", help="DynamoDB table of an account, by its credentials")
    command = add("backfill", backfill, "read a table again from a moment on, as new batches")
    command.add_argument("table")
    command.add_argument("start", help="ISO time with an offset, or a transaction id")
    command.add_argument("--watermarks", help="DynamoDB table of an account, by its credentials")
    command = add("quarantine", quarantine, "rows held back: rules, counts, examples")
    command.add_argument("table", nargs="?")
    command = add(
        "quarantine-replay", quarantine_replay, "have a table's held-back rows judged again"
    )
    command.add_argument("table")
    command = add("repair", repair, "mend what a reconciliation named")
    command.add_argument("table", help="a table, or: gold")
    command.add_argument("batch", nargs="?", type=int, help="a batch of bronze that is at fault")
    command = add("audit", audit, "every row of the source against silver; names the keys")
    command.add_argument("table", nargs="?")
    add("parity", parity, "compare every view with a real Trino's answer (fetches 500 MB once)")
    add("maintain", maintain, "compact silver and gold, forget old snapshots, remove orphans")
    command = add("rebuild", rebuild, "silver and gold again from bronze, compared with the live")
    command.add_argument("--swap", action="store_true", help="let the copies take their place")
    command.add_argument("--step", type=int, default=0, help="batches merged at once; 0: all")
    add("synth", synth, "the stage's CloudFormation templates; needs no credentials").add_argument(
        "stage", help=f"one of {', '.join(stage_names())}"
    )
    add("synth-besides", synth_besides, "templates of the delivery, of other dashboards")
    stages = f"one of {', '.join(stage_names())}"
    command = add("cost", cost, "what a stage costs in a month, by service")
    command.add_argument("stage", help=stages)
    command.add_argument("--orders", type=_count, help="orders a day (the stage's, if not given)")
    command.add_argument("--months", type=_count, default=12, help="data of so many months")
    command.add_argument("--watched", type=_count, default=8, help="hours of the dashboard a day")
    add("pause", pause, "schedules off and database stopped").add_argument("stage", help=stages)
    add("resume", resume, "database started and schedules on").add_argument("stage", help=stages)
    command = add("contracts", contracts, "drafts the contracts of an existing database's tables")
    _source_options(command)
    command.add_argument("--out", default=_said("OUT"), help="folder (contracts/<database>)")
    command.add_argument(
        "--force", action="store_true", default=_is_said("FORCE"),
        help="write files anew that were edited by hand",
    )  # fmt: skip
    command.add_argument(
        "--activate", action="store_true", default=_said("RULES") == "sample",
        help="make rules of what only the sample shows, too",
    )  # fmt: skip
    command = add(
        "prepare-source", prepare_source, "triggers, indexes and roles that exact capture needs"
    )
    _source_options(command)
    command.add_argument(
        "--role", default=_said("ROLE"), help="who shall read (lakehouse_ingest); none: no role"
    )
    for name, text in (
        ("small", "prepare small tables too, which a snapshot would do for"),
        ("apply", "run it: one transaction, then the indexes"),
        ("undo", "the way back"),
    ):
        command.add_argument(
            f"--{name}", action="store_true", default=_is_said(name.upper()), help=text
        )
    command = add(
        "doctor", doctor, "what stands in the way of a source's first run; changes nothing"
    )
    command.add_argument("--stage", default="", help=stages)
    command.add_argument(
        "--dsn", default=_said("DSN"), help="postgresql://user:password@host:5432/database"
    )
    command.add_argument(
        "--contracts", default=_said("CONTRACTS"), help="folder (the stage's, contracts/<database>)"
    )
    command.add_argument("--role", default=_said("ROLE"), help="who reads (the stage's, the DSN's)")
    command = add("dictionary", dictionary, "tables, views and columns of a folder of contracts")
    command.add_argument(
        "--contracts", default=_said("CONTRACTS"), help="folder (the local stage's)"
    )
    command = add("cdk", cdk, "the pinned CDK CLI with your own AWS credentials")
    command.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    sys.exit(main())
