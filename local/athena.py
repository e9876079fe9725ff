"""Asks the deployed Athena, as any client would."""

from collections.abc import Callable
from typing import Any

import awswrangler as wr
import boto3

from lakehouse.errors import LocalError
from local.account import Account

Ask = Callable[[str], list[dict[str, Any]]]
"""A statement to its rows, as column to value. Raises LocalError with what Athena says."""


def asker(account: Account) -> Ask:
    """Questions to the account's workgroup, with the gold database as the default."""
    outputs = account.outputs
    session = boto3.Session(
        aws_access_key_id=account.access_key,
        aws_secret_access_key=account.secret_key,
        region_name=outputs["region"],
    )
    wr.config.s3_endpoint_url = account.endpoint_url
    wr.config.athena_endpoint_url = account.endpoint_url
    wr.config.glue_endpoint_url = account.endpoint_url
    wr.config.sts_endpoint_url = account.endpoint_url
    wr.config.athena_query_wait_polling_delay = 0.1

    def ask(sql: str) -> list[dict[str, Any]]:
        try:
            frame = wr.athena.read_sql_query(
                sql,
                database=outputs["gold_database"],
                workgroup=outputs["workgroup"],
                ctas_approach=False,
                boto3_session=session,
            )
        except wr.exceptions.QueryFailed as failed:
            raise LocalError(
                f"Athena: {failed}; tables and views are there after the first: make run"
            ) from None
        rows: list[dict[str, Any]] = frame.to_dict("records")
        return rows

    return ask
