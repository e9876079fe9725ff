"""What empties a bucket before its deletion: every version, marker and page, or the reason."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lakehouse.errors import LandingError


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="lake")
        yield client


def test_versions_and_markers_go_over_all_pages(s3: Any) -> None:
    from lambdas.emptier.handler import empty

    s3.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
    for number in range(1001):
        s3.put_object(Bucket="lake", Key=f"bronze/{number}", Body=b"1")
    s3.put_object(Bucket="lake", Key="bronze/1", Body=b"2")
    s3.delete_object(Bucket="lake", Key="bronze/2")
    assert empty(s3, "lake") == 1003
    s3.delete_bucket(Bucket="lake")


def test_a_bucket_without_versions_is_emptied_too(s3: Any) -> None:
    from lambdas.emptier.handler import empty

    s3.put_object(Bucket="lake", Key="gold/1", Body=b"1")
    assert empty(s3, "lake") == 1
    assert empty(s3, "lake") == 0
    assert empty(s3, "gone-already") == 0


def test_what_is_refused_is_named(s3: Any) -> None:
    from lambdas.emptier.handler import empty

    s3.put_object(Bucket="lake", Key="gold/1", Body=b"1")
    refused = {"Errors": [{"Key": "gold/1", "Message": "Access Denied"}]}

    class Refusing:
        list_object_versions = s3.list_object_versions

        def delete_objects(self, **_: Any) -> dict[str, Any]:
            return refused

    with pytest.raises(LandingError, match="s3://lake/gold/1 can't be deleted: Access Denied"):
        empty(Refusing(), "lake")


def test_only_a_delete_touches_anything(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from lambdas.emptier import handler

    told: list[str] = []
    monkeypatch.setattr(handler, "s3", s3)
    monkeypatch.setattr(handler, "respond", lambda _, act: told.extend(map(act, requests)))
    s3.put_object(Bucket="lake", Key="gold/1", Body=b"1")
    requests = ["Create", "Update", "Delete"]

    class Context:
        function_name = "emptier"
        memory_limit_in_mb = 256
        invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:emptier"
        aws_request_id = "1"

    handler.handler({"ResourceProperties": {"Buckets": ["lake"]}}, Context())
    assert told == ["emptied when the stack goes"] * 2 + ["1 objects and versions deleted"]
