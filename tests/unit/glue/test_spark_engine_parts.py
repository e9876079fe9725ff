import sys
from pathlib import Path

import pytest

from lakehouse import spark_conf
from lakehouse.errors import ConfigurationError
from lakehouse.views import create_statement, load_views
from local.engines.spark import RUNTIME, jvm_options
from local.engines.spark_errors import error_message

sys.path.insert(0, str(RUNTIME))

TRACEBACK = """INFO something
Traceback (most recent call last):
  File "job.py", line 3, in <module>
    main()
lakehouse.errors.QualityError: dim_users: rule X failed
"""
CHAINED = f"""{TRACEBACK}
The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "job.py", line 9, in <module>
MergeError: dim_users: QualityError
late words of the JVM
"""
JAVA = """Traceback (most recent call last):
  File "job.py", line 3, in <module>
py4j.protocol.Py4JJavaError: An error occurred while calling o51.sql.
: org.apache.spark.SparkException: Exception thrown in awaitResult
\tat org.apache.spark.util.Utils.run(Utils.scala:1)
Caused by: java.lang.IllegalStateException: the disk is full
\tat java.base/java.lang.Thread.run(Unknown Source)
"""
SYNTAX = """  File "job.py", line 1
    def (:
        ^
SyntaxError: invalid syntax
"""


def test_only_a_run_with_more_workers_than_its_job_gets_the_second_compiler() -> None:
    job = {"NumberOfWorkers": 2}
    quick = "-XX:TieredStopAtLevel=1"
    assert quick in jvm_options(job, None)
    assert quick in jvm_options(job, 2)
    assert quick not in jvm_options(job, 4)


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (TRACEBACK, "QualityError: dim_users: rule X failed"),
        (CHAINED, "MergeError: dim_users: QualityError"),
        (
            JAVA,
            "Py4JJavaError: An error occurred while calling o51.sql. "
            "java.lang.IllegalStateException: the disk is full",
        ),
        (SYNTAX, "SyntaxError: invalid syntax"),
        ("Traceback (most recent call last):\n  File\nKeyboardInterrupt\n", "KeyboardInterrupt"),
        ("nothing to see", "Command failed with exit code 3"),
    ],
)
def test_error_message(log: str, message: str) -> None:
    assert error_message(log, 3) == message


def test_options_are_read_as_glue_reads_them() -> None:
    from awsglue.utils import GlueArgumentError, getResolvedOptions

    given = ["job.py", "--a", "1", "--b=2", "--other", "x", "--c", "--not-a-name"]
    assert getResolvedOptions(given, ["a", "b", "c"]) == {"a": "1", "b": "2", "c": "--not-a-name"}
    with pytest.raises(GlueArgumentError, match="required: --run_id"):
        getResolvedOptions(given, ["a", "run_id"])


def test_settings_fit_into_one_argument() -> None:
    argument = spark_conf.glue_argument("s3://silver")
    parsed = dict(part.split("=", 1) for part in argument.split(" --conf "))
    assert parsed == spark_conf.spark_conf("s3://silver")


@pytest.mark.parametrize("name", load_views())
def test_a_view_has_a_title_and_becomes_a_statement(name: str) -> None:
    assert load_views()[name].startswith("-- ")
    statement = create_statement(name, "a_silver", "a_gold")
    assert statement.startswith(f"CREATE OR REPLACE VIEW a_gold.{name} AS\n")
    assert "$" not in statement
    assert "--" not in statement


def test_views_refuse_names_that_need_quotes() -> None:
    with pytest.raises(ConfigurationError, match="'my-silver' is not usable"):
        create_statement("v_overview", "my-silver", "gold")
    with pytest.raises(ConfigurationError, match="no view 'v_x'; known: v_category"):
        create_statement("v_x", "silver", "gold")


def test_the_job_imports_from_a_zip_without_pydantic(tmp_path: Path) -> None:
    import subprocess
    import zipfile

    root = Path(__file__).parents[3]
    archive = tmp_path / "modules.zip"
    with zipfile.ZipFile(archive, "w") as modules:
        for file in (root / "lakehouse").rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                modules.write(file, file.relative_to(root))
    code = (
        "import sys; sys.modules['pydantic'] = None\n"
        "from lakehouse.contract import load_contracts\n"
        "from lakehouse.quality.ruleset import load_ruleset\n"
        "from lakehouse.views import load_views\n"
        "from lakehouse import gold, ledger_client, spark_conf\n"
        "assert all(load_ruleset(c) for c in load_contracts().values()) and load_views()\n"
        "print(load_contracts.__code__.co_filename)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(archive)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "modules.zip" in result.stdout
