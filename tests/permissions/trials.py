"""For each statement of each role: what is run without it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tests.permissions import besides
from tests.permissions.lab import Lab, Told

Probe = Callable[[Lab], Told]
IN_NETWORK = ("ingest", "bootstrap", "generator")


@dataclass(frozen=True)
class Trial:
    """`role` begins the role's title in docs/permissions.md."""

    role: str
    sid: str
    ran: str
    """In words, for the document."""
    control: str
    """Trials of one name share a control: the same with the statement in place."""
    probe: Probe


def trials() -> Iterator[Trial]:
    """All of them, those of one control in a row."""
    yield from _functions()
    yield from _dashboard()
    yield from _delivery()
    yield from _schedules()
    yield from _crawler()
    yield from _machines()
    yield from _job()


def _functions() -> Iterator[Trial]:
    for name in ("ingest", "bootstrap", "generator", "receipt", "emptier"):
        role = f"{name.capitalize()} Lambda"
        log = partial(Lab.function_log, name=name)
        yield Trial(role, "OwnLog", "the Lambda", f"log of {name}", log)
        deployed = partial(Lab.reconfigure, function=name, in_network=name in IN_NETWORK)
        deployment = "its configuration, deployed again"
        yield Trial(role, "Traces", deployment, f"deploy {name}", deployed)
        if name in IN_NETWORK:
            yield Trial(role, "NetworkInterfaces", deployment, f"deploy {name}", deployed)
            yield Trial(
                role,
                "NoInterfacesForTheCode",
                "other code, put into the Lambda",
                f"code of {name}",
                partial(Lab.interface_by_code, function=name),
            )
    generator = "Generator Lambda"
    yield Trial(generator, "ConnectAsOwnUser", "the Lambda", "generator", Lab.generator)
    yield Trial("Receipt Lambda", "ReadOwnHistory", "the Lambda", "receipt", Lab.receipt)
    for sid in ("Find", "Empty"):
        yield Trial("Emptier Lambda", sid, "a stack's deletion", "emptier", Lab.emptier)
    for sid in ("ConnectAsOwnUser", "Ledger", "Land"):
        yield Trial("Ingest Lambda", sid, "a batch", "ingest", Lab.ingest)
    again = "a second attempt at a batch"
    yield Trial("Ingest Lambda", "Look", again, "second attempt", Lab.second_attempt)


def _dashboard() -> Iterator[Trial]:
    for sid in ("Query", "ReadTheCatalog", "FindFiles", "ReadTables", "OwnResults"):
        yield Trial("Dashboard", sid, "the page's queries", "dashboard", Lab.dashboard)
    words = "the server's look-up of its client, before it leads a reader to sign in"
    yield Trial("Dashboard", "FindTheClient", words, "sign-in", besides.look_up)
    for sid in ("LogIn", "FetchTheImage"):
        yield Trial("App Runner", sid, "a service of the same image", "service", Lab.service)
    for sid in ("LogIn", "FetchTheImage", "OwnLog"):
        yield Trial("ECS", sid, "the calls of ECS before a task runs", "task", besides.task)


def _delivery() -> Iterator[Trial]:
    role = "Deploys lakehouse-<stage>"
    again = "a deployment of what is there"
    yield Trial(role, "Deploy", again, "deployment", besides.deployment_again)
    for sid in ("StartTheSmokeRun", "FollowIt", "ReadTheViews"):
        yield Trial(role, sid, "the smoke run", "smoke run", besides.smoke_run)
    words = "the diff of a pull request"
    yield Trial("Compares a pull request", "ReadTemplates", words, "diff", besides.diff)


def _schedules() -> Iterator[Trial]:
    for name in ("generator", "pipeline", "maintenance"):
        yield Trial(
            f"Schedule lakehouse-<stage>-{name}",
            "StartTheTarget",
            "the schedule",
            f"schedule {name}",
            partial(Lab.schedule, name=name),
        )
        yield Trial(
            f"Schedule lakehouse-<stage>-{name}",
            "KeepDeadLetters",
            "the schedule, with a target it may not start",
            f"dead letter of {name}",
            partial(Lab.dead_letter, name=name),
        )


def _crawler() -> Iterator[Trial]:
    for sid in ("FindFiles", "ReadBronze", "DescribeBronze"):
        yield Trial("Glue crawler", sid, "a crawl", "crawl", Lab.crawl)
    yield Trial("Glue crawler", "Logs", "a crawl", "log of the crawl", Lab.crawler_log)


def _machines() -> Iterator[Trial]:
    for name in ("pipeline", "upkeep"):
        role = f"State machine lakehouse-<stage>-{name}"
        logging = partial(Lab.deliver_log, machine=name)
        words = "its logging, deployed again"
        yield Trial(role, "LogDelivery", words, f"logging of {name}", logging)
        traced = partial(Lab.trace, machine=name)
        yield Trial(role, "Traces", "a run", f"trace of {name}", traced)
    run = "State machine lakehouse-<stage>-pipeline"
    for sid in ("Lease", "CallFunctions"):
        yield Trial(run, sid, "a run", "idle run", Lab.quiet_run)
    yield Trial(run, "Crawl", "a run that finds a new table", "crawling run", Lab.crawling_run)
    for sid in (
        "FindTheCatalog", "Query", "MakeViews", "LookBelow", "FindFiles", "OwnResults",
        "ReadTables", "RunTheJob", "WriteReceipts",
    ):  # fmt: skip
        yield Trial(run, sid, "a run that merges", "merging run", Lab.run)
    for sid in ("Lease", "RunTheJob"):
        upkeep = "State machine lakehouse-<stage>-upkeep"
        yield Trial(upkeep, sid, "maintenance", "maintenance", Lab.maintain)


def _job() -> Iterator[Trial]:
    for sid in (
        "OwnCode", "FindFiles", "ReadBronze", "KeepTheTables", "DescribeTables", "Ledger",
        "JobMetrics",
    ):  # fmt: skip
        yield Trial("Glue job", sid, "a merge", "job", Lab.job)
    yield Trial("Glue job", "Logs", "a merge", "log of the job", Lab.job_log)
    yield Trial("Glue job", "PlaceOfARebuild", "a rebuild", "rebuild", Lab.rebuild)
