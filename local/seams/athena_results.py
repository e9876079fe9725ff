"""What a query leaves behind: the objects that Athena writes to S3, and GetQueryResults."""

from typing import Any, Final

from ministack.core import responses
from ministack.services import athena

from local.engines.athena import AthenaError, Column, QueryResult

Response = tuple[int, dict[str, str], bytes]
FINAL: Final = ("SUCCEEDED", "FAILED", "CANCELLED")
"""The states in which an execution stays."""


def refused(message: str, code: str = "INVALID_INPUT") -> Response:
    """The emulator's InvalidRequestException."""
    response: Response = responses.error_response_json(
        "InvalidRequestException", message, 400, extra={"AthenaErrorCode": code}
    )
    return response


def verify_output(s3: Any, output: str) -> None:
    """As Athena does before it runs anything: the bucket of the results is there, for the caller.

    Raises AthenaError when it is not.
    """
    bucket = output.removeprefix("s3://").partition("/")[0]
    try:
        s3.get_bucket_location(Bucket=bucket)
    except s3.exceptions.ClientError as fault:
        raise AthenaError(
            "GENERIC_USER_ERROR", f"Unable to verify/create output bucket {bucket}: {fault}"
        ) from fault


def store(s3: Any, execution: dict[str, Any], result: QueryResult) -> None:
    """Keeps the result for GetQueryResults and writes the objects that Athena writes."""
    execution["SubstatementType"] = result.substatement_type
    execution["Statistics"]["DataScannedInBytes"] = result.scanned_bytes
    execution["_columns"] = [(c.name, c.type, c.precision, c.scale) for c in result.columns]
    execution["_rows"] = result.rows
    execution["_update_count"] = result.update_count
    location = execution["ResultConfiguration"]["OutputLocation"]
    described = "\n".join(f"{c.name}\t{c.type}" for c in result.columns)
    objects = {f"{location}.metadata": described}
    if result.written is not None:
        manifest = f"{location}-manifest.csv"
        execution["Statistics"]["DataManifestLocation"] = manifest
        objects[manifest] = "".join(f"{uri}\n" for uri in result.written)
    elif location.endswith(".csv"):
        objects[location] = _csv(result)
    else:
        lines = ("\t".join(value or "" for value in row) for row in result.rows)
        objects[location] = "".join(f"{line}\n" for line in lines)
    for uri, body in objects.items():
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
        except s3.exceptions.ClientError as fault:
            raise AthenaError(
                "GENERIC_USER_ERROR", f"Access denied when writing output to url: {uri}: {fault}"
            ) from fault


def _csv(result: QueryResult) -> str:
    """Every value between double quotes, NULL as nothing at all."""
    lines = [tuple(column.name for column in result.columns), *result.rows]
    quoted = (("" if v is None else '"' + v.replace('"', '""') + '"' for v in row) for row in lines)
    return "".join(",".join(row) + "\n" for row in quoted)


def get_query_results(data: dict[str, Any]) -> Response:
    """The emulator's GetQueryResults; a SELECT's first row is its column names."""
    query_id = data.get("QueryExecutionId", "")
    execution = athena._executions.get(query_id)
    if execution is None:
        return refused(f"QueryExecution {query_id} was not found")
    state = execution["Status"]["State"]
    if state != "SUCCEEDED":
        return refused(
            f"Query did not finish successfully. Final query state: {state}"
            if state in FINAL
            else f"Query has not yet finished. Current state: {state}"
        )
    columns = [Column(*values) for values in execution["_columns"]]
    lines = list(execution["_rows"])
    if execution["SubstatementType"] == "SELECT":  # the names come as the first row
        lines.insert(0, tuple(column.name for column in columns))
    start = int(data.get("NextToken") or 0)
    stop = start + int(data.get("MaxResults") or 1000)
    rows = [
        {"Data": [{} if value is None else {"VarCharValue": value} for value in line]}
        for line in lines[start:stop]
    ]
    body: dict[str, Any] = {
        "UpdateCount": execution["_update_count"],
        "ResultSet": {
            "Rows": rows,
            "ResultSetMetadata": {"ColumnInfo": [_column_info(column) for column in columns]},
        },
    }
    if stop < len(lines):
        body["NextToken"] = str(stop)
    response: Response = responses.json_response(body)
    return response


def _column_info(column: Column) -> dict[str, Any]:
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": column.name,
        "Label": column.name,
        "Type": column.type,
        "Precision": column.precision,
        "Scale": column.scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": column.case_sensitive,
    }
