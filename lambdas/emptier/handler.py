"""Custom resource that empties the buckets of a stage whose data may die with its stacks."""

from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from lakehouse.errors import LandingError
from lambdas.custom_resource import respond
from lambdas.telemetry import logger, tracer

s3 = boto3.client("s3")


@logger.inject_lambda_context
@tracer().capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Delete empties them, since S3 deletes no bucket that holds something; the rest waits."""

    def act(request: str) -> str:
        if request != "Delete":
            return "emptied when the stack goes"
        buckets: list[str] = event["ResourceProperties"]["Buckets"]
        return f"{sum(empty(s3, bucket) for bucket in buckets)} objects and versions deleted"

    respond(event, act)


def empty(client: Any, bucket: str) -> int:
    """Deletes every version of every object; how many. LandingError names what was refused."""
    deleted = 0
    try:
        while objects := _first_page(client, bucket):
            answer = client.delete_objects(Bucket=bucket, Delete={"Objects": objects})
            for refused in answer.get("Errors", [])[:1]:
                raise LandingError(
                    f"s3://{bucket}/{refused['Key']} can't be deleted: {refused['Message']}; "
                    "mend that and destroy the stack again"
                )
            deleted += len(objects)
    except ClientError as refused:
        if refused.response["Error"]["Code"] != "NoSuchBucket":
            raise LandingError(f"s3://{bucket} can't be emptied: {refused}") from None
    return deleted


def _first_page(client: Any, bucket: str) -> list[dict[str, str]]:
    page = client.list_object_versions(Bucket=bucket)
    found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    return [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
