"""Objects of the bronze bucket, written so that an attempt which lost its batch can't overwrite."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lakehouse.errors import LandingError, LedgerBusyError
from lakehouse.ledger import File

_LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})


@dataclass(frozen=True)
class Bronze:
    """The bronze bucket, reached by `client` (a boto3 S3 client).

    Errors are LandingError with bucket, operation and AWS's own words, and LedgerBusyError when
    another attempt has written the object in the meantime.
    """

    client: Any
    bucket: str

    def etag(self, key: str) -> str | None:
        """The object's entity tag, or None where there is no object."""
        try:
            with self._named("HeadObject", key):
                tag: str = self.client.head_object(Bucket=self.bucket, Key=key)["ETag"]
                return tag
        except _MissingObjectError:
            return None

    def put(self, path: Path, key: str, rows: int, replaces: str | None) -> File:
        """Uploads `path`, only if the object still is what `replaces` says (None: no object).

        One conditional PUT, streamed from disk: chunks stay far below its limit of 5 GB, and the
        transfer manager's multipart upload can't carry the condition.
        """
        condition = {"IfMatch": replaces} if replaces else {"IfNoneMatch": "*"}
        with self._named("PutObject", key), path.open("rb") as body:
            answer = self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **condition)
        return File(key, rows, path.stat().st_size, answer["ETag"].strip('"'))

    def get(self, key: str, path: Path) -> None:
        """Downloads an object."""
        with self._named("GetObject", key):
            self.client.download_file(self.bucket, key, str(path))

    @contextmanager
    def _named(self, operation: str, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as refused:
            code = refused.response["Error"]["Code"]
            if code in _MISSING and operation == "HeadObject":
                raise _MissingObjectError from None
            if code in _LOST and operation == "PutObject":
                raise LedgerBusyError(
                    f"s3://{self.bucket}/{key} was written by another attempt in the meantime; "
                    "this one stops, nothing is lost, run it again"
                ) from refused
            raise LandingError(f"{operation} s3://{self.bucket}/{key}: {refused}") from refused
        except BotoCoreError as broken:
            raise LandingError(f"{operation} s3://{self.bucket}/{key}: {broken}") from broken


class _MissingObjectError(Exception):
    """There is no such object."""
