"""The Glue job: bronze to silver to gold. Plain PySpark in functions that a test can call."""
