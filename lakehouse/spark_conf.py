"""Spark settings of the Glue job: the deployed job, local runs and tests use the same."""

from typing import Final

CATALOG: Final = "glue_catalog"
"""Name of the Iceberg catalog in SQL: `glue_catalog.<database>.<table>`."""

SHUFFLE_PARTITIONS: Final = 8
"""Two G.1X workers run four tasks at once (one worker is the driver), so eight are two waves:
enough to balance a skewed key, few enough that a delta of thousands of rows pays no overhead.
Adaptive execution joins them further by size; the default of 200 costs seconds of scheduling."""

FILE_BYTES: Final = 8 * 1024 * 1024
"""Size of a file of silver: some 200,000 sales. A delta rewrites whole files, so a file is what the
smallest delta costs: two cores rewrite one of 8 MiB in about two seconds, and 10 million sales are
some 40 files, whose bounds one manifest holds. Larger files would suit scans of the whole table."""


SMALL_ROWS: Final = 100_000
"""Waiting rows up to which a run is an ordinary delta: planning takes longer than the work."""

SMALL: Final = {
    # Adaptive execution plans each stage anew and waits for each shuffle: that suits rows that are
    # many. One task per shuffle also ends in one file; what rewrites files says its own number.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    # Java code is written and compiled for each stage of each statement: that pays for itself over
    # many rows, and takes a quarter of the processor's time of a run over few.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # Each statement's plan is also written out as text for Spark's pages: in short.
    "spark.sql.ui.explainMode": "simple",
}
"""Settings of a run over at most `SMALL_ROWS` rows, set by the job itself."""


def large(cores: int) -> dict[str, str]:
    """Settings of a run over more rows, on so many cores in all; set by the job itself."""
    return {
        "spark.sql.shuffle.partitions": str(max(SHUFFLE_PARTITIONS, 2 * cores)),
        # Partitions are joined until each core has one, not until one has 64 MB: rows by the
        # million are little by their bytes, and one core would bring them together alone.
        "spark.sql.adaptive.coalescePartitions.parallelismFirst": "true",
        # A table of some hundred thousand rows goes to each core whole: otherwise the millions that
        # it is joined with are sorted for it.
        "spark.sql.autoBroadcastJoinThreshold": str(64 * 1024 * 1024),
    }


def spark_conf(warehouse: str) -> dict[str, str]:
    """The settings with `warehouse` (`s3://bucket`) for databases that have no location."""
    catalog = f"spark.sql.catalog.{CATALOG}"
    return {
        "spark.sql.extensions": (
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        ),
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
        f"{catalog}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        f"{catalog}.warehouse": warehouse,
        # Sessions of a job are short and it is the only writer: a cached table saves a GetTable per
        # statement, and each commit refreshes it.
        f"{catalog}.cache-enabled": "true",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(SHUFFLE_PARTITIONS),
        # It joins shuffle partitions until one has 64 MB, its default, not until each core has one:
        # a delta then ends in one task per stage and one file, a first load still spreads.
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
        # DuckDB writes bronze in the calendar that Spark 3 itself uses, and no INT96: old times and
        # dates are to be read as they stand.
        "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
        # A value that does not fit its column must stop the run, never turn into NULL.
        "spark.sql.ansi.enabled": "true",
    }


def glue_argument(warehouse: str) -> str:
    """The settings as the value of a Glue job's one `--conf` argument."""
    return " --conf ".join(f"{name}={value}" for name, value in spark_conf(warehouse).items())
