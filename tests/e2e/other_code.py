"""Other code in a deployed Lambda: what a thief could do with its role."""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.account import Deployment

STAGE = "local"


@contextmanager
def other_code(deployment: Deployment, function: str, code: str) -> Iterator[None]:
    """The function of `lambdas/<function>` runs this `handler` meanwhile, with its own role."""
    client, name = deployment.client("lambda"), f"lakehouse-{STAGE}-{function}"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for package in ("lambdas", f"lambdas/{function}"):
            zipped.writestr(f"{package}/__init__.py", "")
        zipped.writestr(f"lambdas/{function}/handler.py", code)
    client.update_function_code(FunctionName=name, ZipFile=archive.getvalue())
    try:
        yield
    finally:
        client.update_function_code(FunctionName=name, **_deployed(deployment, name))


def _deployed(deployment: Deployment, name: str) -> dict[str, str]:
    """Where the stack's own code of the function lies."""
    for path in (deployment.home / "cdk.out" / STAGE).glob("*.template.json"):
        for resource in json.loads(path.read_text())["Resources"].values():
            if resource.get("Properties", {}).get("FunctionName") == name:
                code = resource["Properties"]["Code"]
                bucket = code["S3Bucket"]
                if isinstance(bucket, dict):
                    bucket = bucket["Fn::Sub"]
                bucket = bucket.replace("${AWS::AccountId}", "0" * 12)
                region = deployment.outputs["region"]
                return {
                    "S3Bucket": bucket.replace("${AWS::Region}", region),
                    "S3Key": code["S3Key"],
                }
    raise AssertionError(f"no stack has the function {name}")
