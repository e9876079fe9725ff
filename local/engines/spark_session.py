"""A Spark session in this process, with the job's settings, over a catalog in a folder."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.spark_conf import CATALOG, spark_conf
from local.engines.spark import RUNTIME
from local.engines.spark_jars import JAVA_HOME

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def folder_session(directory: Path, jars: str, settings: Mapping[str, str]) -> "SparkSession":
    """Two cores; `jars` is a Java class path, `settings` go before those of the job."""
    if str(RUNTIME) not in sys.path:
        sys.path.insert(0, str(RUNTIME))
    from pyspark.sql import SparkSession

    os.environ["JAVA_HOME"] = str(JAVA_HOME)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["SPARK_CONF_DIR"] = str(RUNTIME / "conf")
    catalog = f"spark.sql.catalog.{CATALOG}"
    ours = spark_conf(str(directory / "lake"))
    ours = {k: v for k, v in ours.items() if not k.endswith(("-impl", "warehouse"))}
    ours |= {
        f"{catalog}.type": "hadoop",
        f"{catalog}.warehouse": str(directory / "lake"),
        "spark.driver.extraClassPath": jars,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(directory / "local"),
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
        **settings,
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in ours.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
