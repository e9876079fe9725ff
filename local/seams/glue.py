"""Glue: a job run is spark-submit of the deployed script, a crawler reads the real Parquet."""

import contextvars
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.services import glue

from local.engines import spark
from local.engines.crawler import Crawler
from local.seams.contract import Seam, check
from local.seams.identity import RoleSession, assume, endpoint_url
from local.seams.role_log import RoleLog

SEAMS = (
    Seam(glue, "_start_job_run", ("data",)),
    Seam(glue, "_batch_stop_job_run", ("data",)),
    Seam(glue, "_start_crawler", ("data",)),
)
_FINAL = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR")


def install(state_directory: Path, jars_directory: Path) -> None:
    """Replaces StartJobRun, BatchStopJobRun and StartCrawler; logs go below `state_directory`."""
    check(SEAMS)
    jobs = JobRunner(state_directory / "glue", jars_directory)
    glue._start_job_run = jobs.start
    glue._batch_stop_job_run = jobs.stop
    glue._start_crawler = start_crawler


class JobRunner:
    """Starts, watches and stops job runs in the emulator's own store of runs."""

    def __init__(self, work_directory: Path, jars_directory: Path) -> None:
        self._work_directory = work_directory
        self._jars_directory = jars_directory
        self._stops: dict[str, threading.Event] = {}

    def start(self, data: dict[str, Any]) -> Any:
        """StartJobRun: refuses a second run at once, as `MaxConcurrentRuns = 1` does."""
        name = data.get("JobName")
        job = glue._jobs.get(name)
        if job is None:
            return glue.error_response_json("EntityNotFoundException", f"Job {name} not found", 400)
        runs = glue._job_runs.setdefault(name, [])
        if any(run["JobRunState"] not in _FINAL for run in runs):
            return glue.error_response_json(
                "ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}", 400
            )
        run_id = f"jr_{glue.new_uuid().replace('-', '')}"
        now = time.time()
        run = {
            "Id": run_id,
            "JobName": name,
            "Attempt": 0,
            "StartedOn": now,
            "LastModifiedOn": now,
            "JobRunState": "RUNNING",
            "Arguments": data.get("Arguments", {}),
            "ExecutionTime": 0,
            "Timeout": job["Timeout"],
            "WorkerType": data.get("WorkerType", job["WorkerType"]),
            "NumberOfWorkers": data.get("NumberOfWorkers", job["NumberOfWorkers"]),
            "GlueVersion": job["GlueVersion"],
            "LogGroupName": "/aws-glue/jobs",
            "PredecessorRuns": [],
        }
        runs.append(run)
        self._stops[run_id] = threading.Event()
        _in_background(lambda: self._run(job, run))
        return glue.json_response({"JobRunId": run_id})

    def stop(self, data: dict[str, Any]) -> Any:
        """BatchStopJobRun: kills the run's process group."""
        stopped = []
        for run_id in data.get("JobRunIds", []):
            if event := self._stops.get(run_id):
                event.set()
                stopped.append({"JobName": data["JobName"], "JobRunId": run_id})
        return glue.json_response({"SuccessfulSubmissions": stopped, "Errors": []})

    def _run(self, job: dict[str, Any], run: dict[str, Any]) -> None:
        try:
            state, message = self._execute(job, run)
        except Exception as error:
            state, message = "FAILED", f"{type(error).__name__}: {error}"
        ended = time.time()
        run |= {
            "ErrorMessage": message,
            "CompletedOn": ended,
            "LastModifiedOn": ended,
            "ExecutionTime": int(ended - run["StartedOn"]),
        }
        # Last, since whoever polls reads the rest once the state is final.
        run["JobRunState"] = state
        self._stops.pop(run["Id"], None)

    def _execute(self, job: dict[str, Any], run: dict[str, Any]) -> tuple[str, str]:
        session = assume(job["Role"], "GlueJobRunnerSession")
        directory = self._work_directory / run["Id"]
        directory.mkdir(parents=True)
        arguments = {**job["DefaultArguments"], **run["Arguments"]}
        arguments |= {"--JOB_NAME": job["Name"], "--JOB_RUN_ID": run["Id"]}
        script = _download(session, job["Command"]["ScriptLocation"], directory)
        modules = [
            _download(session, location, directory)
            for location in arguments.get("--extra-py-files", "").split(",")
            if location
        ]
        stop = self._stops[run["Id"]]
        groups = arguments.get("--custom-logGroup-prefix", run["LogGroupName"])
        log = RoleLog(session, f"{groups}/output", run["Id"])
        outcome = spark.run_job(
            job=job,
            arguments=arguments,
            script=script,
            extra_py_files=modules,
            work_directory=directory,
            endpoint_url=endpoint_url(),
            credentials=session.environment(),
            jars_directory=self._jars_directory,
            workers=run["NumberOfWorkers"],
            on_line=log.add,
            stopped=stop.is_set,
            timeout_seconds=job["Timeout"] * 60,
        )
        log.write()
        return outcome.state, outcome.error_message


def start_crawler(data: dict[str, Any]) -> Any:
    """StartCrawler: reads the crawler's S3 targets with its role and writes what it finds."""
    name = data.get("Name")
    crawler = glue._crawlers.get(name)
    if crawler is None:
        return glue.error_response_json("EntityNotFoundException", f"Crawler {name} not found", 400)
    if crawler["State"] != "READY":
        return glue.error_response_json(
            "CrawlerRunningException", f"Crawler with name {name} has already started", 400
        )
    crawler["State"] = "RUNNING"

    def crawl() -> None:
        started = time.time()
        status, message = "SUCCEEDED", ""
        session = assume(crawler["Role"], "AWSCrawler")
        log = RoleLog(session, "/aws-glue/crawlers", name)
        try:
            Crawler(session.client("s3"), session.client("glue")).crawl(
                crawler["DatabaseName"],
                [target["Path"] for target in crawler["Targets"]["S3Targets"]],
            )
        except Exception as error:
            status, message = "FAILED", f"{type(error).__name__}: {error}"
        log.add(f"crawl of {crawler['DatabaseName']}: {status} {message}".rstrip())
        log.write()
        crawler["LastCrawl"] = {
            "Status": status,
            "ErrorMessage": message,
            "LogGroup": "/aws-glue/crawlers",
            "LogStream": name,
            "StartTime": started,
        }
        crawler["CrawlElapsedTime"] = int((time.time() - started) * 1000)
        crawler["State"] = "READY"

    _in_background(crawl)
    return glue.json_response({})


def _download(session: RoleSession, location: str, directory: Path) -> Path:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    path = directory / key.rsplit("/", 1)[-1]
    session.client("s3").download_file(bucket, key, str(path))
    return path


def _in_background(work: Callable[[], None]) -> None:
    # The emulator's stores are scoped by account and region through context variables.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), daemon=True).start()
