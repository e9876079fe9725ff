"""A script for the job: does several tasks in one session, which costs one start of the JVM.

`--tasks` is a JSON list of objects: a task's arguments, or `sql` to be run as it stands. The file
`--outcomes` gets a JSON list with an error's text, or null, for each.
"""

import json
import sys
from pathlib import Path

from awsglue.context import GlueContext
from awsglue.utils import getResolvedOptions
from pyspark import SparkContext

from glue_scripts import job

given = getResolvedOptions(sys.argv, ["tasks", "outcomes"])
spark = GlueContext(SparkContext.getOrCreate()).spark_session
outcomes: list[str | None] = []
for task in json.loads(given["tasks"]):
    for layer in ("silver", "gold"):
        for database in (f"test_{layer}", f"test_{layer}_rebuild"):
            # A job of its own would see what the one before it has swapped.
            for (name,) in (
                spark.sql(f"SHOW TABLES IN glue_catalog.{database}").select("tableName").collect()
            ):
                spark.catalog.refreshTable(f"glue_catalog.{database}.{name}")
    try:
        if "sql" in task:
            spark.sql(task["sql"])
        else:
            words = [word for name, value in task.items() for word in (f"--{name}", value)]
            job.main([*sys.argv, *words])
        outcomes.append(None)
    except Exception as error:
        outcomes.append(f"{type(error).__name__}: {error}")
    Path(given["outcomes"]).write_text(json.dumps(outcomes))
