import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.engines.spark import RUNTIME
from local.engines.spark_jars import resolve_jars
from local.engines.spark_session import folder_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DQDL_PARSER = "software.amazon.glue:dqdl:1.0.0"
"""AWS's own parser of rulesets; Spark brings all that it needs, so its jar stands alone."""
sys.path.insert(0, str(RUNTIME))


@pytest.fixture(scope="session")
def dqdl_jar(jars: Path) -> Path:
    directory = (jars / "dqdl").absolute()
    resolve_jars(directory, [DQDL_PARSER])
    (jar,) = directory.glob("*dqdl-*.jar")
    return jar


@pytest.fixture(scope="session")
def spark(
    jars: Path, dqdl_jar: Path, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[SparkSession]":
    """One session with the job's settings over a catalog in a folder."""
    session = folder_session(
        tmp_path_factory.mktemp("spark"),
        f"{jars}/*:{dqdl_jar}",
        {
            # With the first compiler alone the cache is 48 MB, which a session of many queries
            # fills.
            "spark.driver.extraJavaOptions": (
                "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -Duser.timezone=UTC"
            ),
            "spark.driver.memory": "1g",
            "spark.sql.shuffle.partitions": "2",
        },
    )
    yield session
    session.stop()


@pytest.fixture(scope="session")
def glue_context(spark: "SparkSession") -> Any:
    from awsglue.context import GlueContext

    return GlueContext(spark.sparkContext)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Py4J leaves the closing of its sockets to the garbage collector.
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))
