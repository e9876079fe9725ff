"""The local account: its endpoint, its root credentials and clients for it."""

import json
import secrets
from functools import cached_property
from typing import Any

import boto3

from lakehouse.errors import LocalError
from local import layout

_CREDENTIALS = layout.STATE / "root.json"


class Account:
    """A running local AWS. `outputs` is the content of `.local/outputs.json`."""

    def __init__(self, access_key: str, secret_key: str) -> None:
        self.access_key = access_key
        self.secret_key = secret_key

    @classmethod
    def create(cls) -> "Account":
        """New root credentials for a new account."""
        account = cls(f"LOCAL{secrets.token_hex(8).upper()}", secrets.token_urlsafe(24))
        layout.TEMPORARY.mkdir(parents=True, exist_ok=True)
        _CREDENTIALS.touch(mode=0o600)
        _CREDENTIALS.write_text(json.dumps([account.access_key, account.secret_key]))
        return account

    @classmethod
    def load(cls) -> "Account":
        """The account that `up` made; raises LocalError when there is none."""
        if not _CREDENTIALS.is_file():
            raise LocalError("the local AWS is not running; start it with: make up")
        return cls(*json.loads(_CREDENTIALS.read_text()))

    @property
    def endpoint_url(self) -> str:
        """Address of every service."""
        return f"http://127.0.0.1:{layout.gateway_port()}"

    def environment(self) -> dict[str, str]:
        """AWS variables that point any SDK, the CDK CLI included, at this account as root."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": layout.REGION,
            "AWS_DEFAULT_REGION": layout.REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """A boto3 client as root."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=layout.REGION,
        )

    @cached_property
    def outputs(self) -> dict[str, str]:
        """Names and addresses of all that was deployed."""
        if not layout.OUTPUTS.is_file():
            raise LocalError("nothing is deployed; deploy it with: make up")
        outputs: dict[str, str] = json.loads(layout.OUTPUTS.read_text())
        return outputs
