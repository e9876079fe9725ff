"""Glue's stand-in: spark-submit of the deployed script with the job's own arguments.

Everything that differs from Glue is set here and nowhere else: where S3 and the catalog answer, the
stand-ins of the Python modules that exist only on Glue, and sizes that suit a laptop.
"""

import os
import queue
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.engines.spark_classes import ClassArchive
from local.engines.spark_errors import error_message
from local.engines.spark_jars import SPARK_HOME, base_environment, resolve_jars

__all__ = ["JobOutcome", "resolve_jars", "run_job"]

RUNTIME: Final = Path(__file__).parent.parent / "glue_runtime"
"""The packages awsglue and awsgluedq."""

_NOT_FOR_THE_SCRIPT: Final = ("--conf", "--extra-py-files", "--datalake-formats", "--extra-jars")
_JVM: Final = (
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    # The first compiler alone is given 48 MB, which the statements of some twenty tables fill; from
    # then on everything new is interpreted.
    "-XX:ReservedCodeCacheSize=256m",
    f"-Dlog4j2.configurationFile={RUNTIME / 'conf' / 'log4j2.properties'}",
    "-Dfile.encoding=UTF-8",
    "-Duser.timezone=UTC",
)
_SHORT: Final = "-XX:TieredStopAtLevel=1"
"""A job of seconds: the second compiler would only take the cores from the work. One of minutes
works three times as fast with it."""


@dataclass(frozen=True)
class JobOutcome:
    """How a run ended: SUCCEEDED, FAILED, STOPPED or TIMEOUT, as Glue names it."""

    state: str
    error_message: str
    """Empty unless FAILED or TIMEOUT; the exception as `Type: text`."""
    log_path: Path


def run_job(
    *,
    job: Mapping[str, Any],
    arguments: Mapping[str, str],
    script: Path,
    extra_py_files: Sequence[Path],
    work_directory: Path,
    endpoint_url: str,
    credentials: Mapping[str, str],
    jars_directory: Path,
    workers: int | None = None,
    on_line: Callable[[str], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    timeout_seconds: float = 3600,
) -> JobOutcome:
    """Runs a Glue job's script to its end; never raises for what the script does.

    `arguments` (names with their dashes) override the job's DefaultArguments. `credentials` are the
    AWS_* variables of the job's role. `workers` are those that this run was given; here it has the
    machine's cores, but more than the job's own announce much work. The whole output goes to
    `job.log` in `work_directory`, line by line to `on_line`. `stopped` is asked several times a
    second; once true, or when the time is over, the whole process group is killed.
    """
    work_directory.mkdir(parents=True, exist_ok=True)
    jars = resolve_jars(jars_directory)
    jvm = jvm_options(job, workers)
    archive = ClassArchive(jars_directory / "classes", jars, jvm)
    given = {**job.get("DefaultArguments", {}), **arguments}
    given.setdefault("--JOB_NAME", str(job.get("Name", "job")))
    settings = _settings(given, work_directory, endpoint_url, credentials, jars)
    started = time.monotonic()
    process = subprocess.Popen(
        _command(given, script, settings, [*jvm, *archive.options()]),
        env=_environment(extra_py_files, work_directory, endpoint_url, credentials),
        cwd=work_directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    log_path = work_directory / "job.log"
    try:
        state = _follow(process, log_path, on_line, stopped, time.monotonic() + timeout_seconds)
    finally:
        _kill(process)
    archive.ended(state == "SUCCEEDED", time.monotonic() - started)
    if state == "TIMEOUT":
        return JobOutcome(state, f"the job took longer than {timeout_seconds:.0f} s", log_path)
    if state == "FAILED":
        log = log_path.read_text(encoding="utf-8", errors="replace")
        return JobOutcome(state, error_message(log, process.returncode), log_path)
    return JobOutcome(state, "", log_path)


def jvm_options(job: Mapping[str, Any], workers: int | None) -> tuple[str, ...]:
    """Options of the JVM of a run that was given so many workers."""
    is_large = workers is not None and workers > job.get("NumberOfWorkers", workers)
    return _JVM if is_large else (_SHORT, *_JVM)


def _command(
    given: Mapping[str, str], script: Path, settings: Mapping[str, str], java_options: Sequence[str]
) -> list[str]:
    command = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", "local[2]"]
    command += ["--driver-memory", f"{_heap_mib()}m"]
    command += ["--driver-java-options", shlex.join(java_options)]
    for name, value in settings.items():
        command += ["--conf", f"{name}={value}"]
    command.append(str(script))
    for name, value in given.items():
        if name not in _NOT_FOR_THE_SCRIPT:
            command += [name, value]
    return command


def _heap_mib() -> int:
    """A sixth of the machine: 1.5 GiB suits deltas, a first load of millions sorts in 4."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return max(1536, min(machine // 6, 4096))


def _settings(
    given: Mapping[str, str],
    work_directory: Path,
    endpoint_url: str,
    credentials: Mapping[str, str],
    jars: Sequence[Path],
) -> dict[str, str]:
    # Glue takes many settings in its one --conf argument: "a=b --conf c=d".
    asked = [part.strip() for part in given.get("--conf", "").split("--conf ") if part.strip()]
    settings = dict(part.split("=", 1) for part in asked)
    region = credentials.get("AWS_REGION") or credentials.get("AWS_DEFAULT_REGION") or "us-east-1"
    catalogs = [
        name
        for name, value in settings.items()
        if name.startswith("spark.sql.catalog.") and value.endswith("SparkCatalog")
    ]
    return {
        **settings,
        **{f"{catalog}.s3.path-style-access": "true" for catalog in catalogs},
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint": endpoint_url,
        "spark.hadoop.fs.s3a.endpoint.region": region,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        # A column is asked for by its range; else each is read to the end of its file.
        "spark.hadoop.fs.s3a.experimental.input.fadvise": "random",
        "spark.hadoop.fs.s3a.aws.credentials.provider": (
            "com.amazonaws.auth.EnvironmentVariableCredentialsProvider"
        ),
        # A file that is missing is an error, not a reason to ask again for minutes.
        "spark.hadoop.fs.s3a.attempts.maximum": "3",
        "spark.hadoop.fs.s3a.retry.limit": "3",
        "spark.driver.extraClassPath": os.pathsep.join(str(jar) for jar in jars),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(work_directory / "spark"),
        "spark.sql.warehouse.dir": str(work_directory / "warehouse"),
    }


def _environment(
    extra_py_files: Sequence[Path],
    work_directory: Path,
    endpoint_url: str,
    credentials: Mapping[str, str],
) -> dict[str, str]:
    temporary = work_directory / "tmp"
    temporary.mkdir(exist_ok=True)
    region = credentials.get("AWS_REGION") or credentials.get("AWS_DEFAULT_REGION") or "us-east-1"
    return {
        **base_environment(),
        **credentials,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": os.pathsep.join([*(str(path) for path in extra_py_files), str(RUNTIME)]),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(temporary),
        # It stands in the class path: a folder with files would keep classes from being archived.
        "SPARK_CONF_DIR": str(RUNTIME / "no-conf"),
    }


def _follow(
    process: "subprocess.Popen[str]",
    log_path: Path,
    on_line: Callable[[str], None],
    stopped: Callable[[], bool],
    deadline: float,
) -> str:
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    with log_path.open("w", encoding="utf-8") as log:
        while True:
            if stopped():
                return "STOPPED"
            if time.monotonic() > deadline:
                return "TIMEOUT"
            try:
                line = lines.get(timeout=0.2)
            except queue.Empty:
                continue
            if line is None:
                return "SUCCEEDED" if process.wait() == 0 else "FAILED"
            log.write(line)
            log.flush()
            on_line(line.rstrip("\n"))


def _kill(process: "subprocess.Popen[str]") -> None:
    # The group outlives its leader when spark-submit was killed from outside and left Python.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
