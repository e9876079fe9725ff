"""S3 and DynamoDB behind an HTTP port: moto's services, one request at a time.

A killed client leaves them as AWS would be left: with whole requests or none. `fault` may answer a
request in the service's place, or break its connection.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from unittest.mock import patch

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from botocore.config import Config
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

REGION: Final = "eu-central-1"
BUCKET: Final = "bronze"
LEDGER: Final = "watermarks"

_SESSION: Final = boto3.Session()
"""Shared, since each session reads the services' models anew."""

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""


class BreakError(Exception):
    """Raised by a fault: the connection ends without an answer."""


@dataclass
class Aws:
    """The running services. `fault` is asked before each request, by operation name."""

    url: str
    fault: Callable[[str], Answer | None] = field(default=lambda _: None)

    def client(self, service: str) -> Any:
        """A boto3 client of them."""
        return client(service, self.url)


def client(service: str, url: str, retries: int = 2) -> Any:
    """A boto3 client with the retries of a Lambda's, but no waiting for seconds."""
    return _SESSION.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": retries, "mode": "standard"},
        ),
    )


@contextmanager
def serving() -> Iterator[Aws]:
    """Serves a fresh account with a bucket and a ledger table until the block ends."""
    aws = Aws("")
    with mock_aws(), patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION}):
        server = _Server(("127.0.0.1", 0), _handler(aws))
        aws.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            make_bucket_and_ledger(boto3.client("s3"), boto3.client("dynamodb"))
            yield aws
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def make_bucket_and_ledger(s3: Any, dynamodb: Any, suffix: str = "") -> None:
    """Creates what the storage stack creates for the ingest."""
    s3.create_bucket(
        Bucket=BUCKET + suffix, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    make_ledger(dynamodb, suffix)


def make_ledger(dynamodb: Any, suffix: str = "") -> None:
    """Creates the watermark table."""
    dynamodb.create_table(
        TableName=LEDGER + suffix,
        KeySchema=[
            {"AttributeName": "source_table", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("source_table", "item")
        ],
        BillingMode="PAY_PER_REQUEST",
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed between two requests is no error here."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _handler(aws: Aws) -> type[BaseHTTPRequestHandler]:
    services, turn = BotocoreStubber(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            try:
                body = self._body()
                operation = _operation(self.command, self.path, self.headers)
                answer = aws.fault(operation)
                if answer is None:
                    with turn:  # moto checks a condition and writes in two steps
                        answer = self._answer(body)
            except (BreakError, ConnectionError):
                self.close_connection = True
                return
            self._send(*answer)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_request

        def _body(self) -> bytes:
            if self.headers.get("Expect") == "100-continue":
                self.send_response_only(100)
                self.end_headers()
            if self.headers.get("Transfer-Encoding") != "chunked":
                length = int(self.headers.get("Content-Length") or 0)
                data = self.rfile.read(length)
                if len(data) < length:  # the client was killed
                    raise BreakError
                return data
            parts = []
            while size := int(self.rfile.readline() or b"0", 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _answer(self, body: bytes) -> Answer:
            service = "dynamodb" if "X-Amz-Target" in self.headers else "s3"
            headers = HTTPHeaders()
            for name, value in self.headers.items():
                if name not in ("Host", "Expect", "Transfer-Encoding"):
                    headers[name] = value
            request = AWSPreparedRequest(
                method=self.command,
                url=f"https://{service}.{REGION}.amazonaws.com{self.path}",
                headers=headers,
                body=body,
                stream_output=False,
            )
            answered = services.process_request(request)
            assert answered is not None, f"moto does not know {self.command} {self.path}"
            status, given, content = answered
            data = content.encode() if isinstance(content, str) else content
            return int(status), {str(n): str(v) for n, v in given.items()}, data

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            try:
                self.send_response_only(status)
                given = {name.lower(): value for name, value in headers.items()}
                if self.command != "HEAD" or "content-length" not in given:
                    given["content-length"] = str(len(body))
                for name, value in given.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)
            except ConnectionError:  # the client was killed before the answer
                self.close_connection = True

    return Handler


def _operation(method: str, path: str, headers: Any) -> str:
    """Such as `UpdateItem`, or `PutObject bronze/...`."""
    if target := headers.get("X-Amz-Target"):
        return str(target).rpartition(".")[2]
    name = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject"}.get(method, method)
    return f"{name} {path.lstrip('/').partition('/')[2]}"
