"""App Runner: an image that was built and pushed runs as its service says, until the stack goes."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.engines.images import build
from tests.integration.local_aws.conftest import ROOT, LocalAws, wait_for

REPOSITORY = "services"
IMAGE = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{REPOSITORY}:first"
DOCKERFILE = """
FROM python:3.11.13-slim-bookworm
# A comment.
ENV GREETING="from the image" \\
    KEPT=yes
RUN useradd --system --uid 10001 server
WORKDIR /srv
COPY app app
USER server
EXPOSE 8000
HEALTHCHECK CMD ["true"]
CMD ["python", "-m", "app.serve"]
"""
PROGRAM = """
import http.server, importlib.util, json, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        found = {**os.environ, "pid": os.getpid(), "headers": dict(self.headers)}
        found["others"] = importlib.util.find_spec("ministack") is not None
        self.wfile.write(json.dumps(found).encode())
place = os.environ["ADDRESS"], int(os.environ["PORT"])
http.server.ThreadingHTTPServer(place, Answer).serve_forever()
"""
PULLER, TASKS = "build.apprunner.amazonaws.com", "tasks.apprunner.amazonaws.com"
PULL = {
    "Effect": "Allow",
    "Resource": "*",
    "Action": [
        "ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
        "ecr:BatchCheckLayerAvailability",
    ],
}  # fmt: skip


def docker(aws: LocalAws, *arguments: str, directory: Path = ROOT) -> int:
    """What the CDK CLI calls in docker's place; its exit code."""
    environment = os.environ | {
        "LAKEHOUSE_HOME": str(aws.home),
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": "ROOTKEY",
        "AWS_SECRET_ACCESS_KEY": "rootsecret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "local.container", *arguments]
    ended = subprocess.run(command, env=environment, cwd=directory, input=b"", check=False)
    return ended.returncode


def context(directory: Path, dockerfile: str = DOCKERFILE, program: str = PROGRAM) -> Path:
    """A folder to build from."""
    (directory / "app").mkdir(parents=True, exist_ok=True)
    (directory / "app" / "serve.py").write_text(program)
    (directory / "Dockerfile").write_text(dockerfile)
    return directory


@pytest.fixture(scope="module")
def image(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = context(tmp_path_factory.mktemp("context"))
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName=REPOSITORY)
    wanted: dict[str, Any] = {"repositoryName": REPOSITORY, "imageIds": [{"imageTag": "first"}]}
    with pytest.raises(ecr.exceptions.ImageNotFoundException):  # so the CDK CLI knows to push
        ecr.describe_images(**wanted)
    assert docker(aws, "inspect", "asset:one") == 1
    assert docker(aws, "build", "--tag", "asset:one", ".", directory=folder) == 0
    assert docker(aws, "inspect", "asset:one") == 0
    assert docker(aws, "login", "--username", "AWS", "--password-stdin", "host") == 0
    assert docker(aws, "tag", "asset:one", IMAGE) == 0
    assert docker(aws, "push", IMAGE) == 0
    assert ecr.describe_images(**wanted)["imageDetails"][0]["imageTags"] == ["first"]
    return IMAGE


def template(image: str, puller: str, role: str, greeting: str = "from the service") -> str:
    service = {
        "SourceConfiguration": {
            "AuthenticationConfiguration": {"AccessRoleArn": puller},
            "ImageRepository": {
                "ImageIdentifier": image,
                "ImageRepositoryType": "ECR",
                "ImageConfiguration": {
                    "Port": "8000",
                    "RuntimeEnvironmentVariables": [{"Name": "GREETING", "Value": greeting}],
                },
            },
        },
        "InstanceConfiguration": {"InstanceRoleArn": role},
        "HealthCheckConfiguration": {"Protocol": "HTTP", "Path": "/health/live"},
        "AutoScalingConfigurationArn": {"Fn::GetAtt": ["One", "AutoScalingConfigurationArn"]},
    }
    one = {"Type": "AWS::AppRunner::AutoScalingConfiguration", "Properties": {"MaxSize": 1}}
    resources = {"One": one, "Service": {"Type": "AWS::AppRunner::Service", "Properties": service}}
    address = {"Address": {"Value": {"Fn::GetAtt": ["Service", "ServiceUrl"]}}}
    return json.dumps({"Resources": resources, "Outputs": address})


def settled(aws: LocalAws, stack: str) -> dict[str, Any]:
    """The stack once nothing is in progress."""

    def look() -> dict[str, Any] | None:
        (found,) = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return None if found["StackStatus"].endswith("IN_PROGRESS") else found

    ended: dict[str, Any] = wait_for(look)
    return ended


def ask(address: str) -> dict[str, Any]:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    request = urllib.request.Request(f"http://{address}/", headers=upgrade)
    with urllib.request.urlopen(request, timeout=10) as answer:
        told: dict[str, Any] = json.loads(answer.read())
    return told


def test_a_service_runs_with_its_role_behind_its_proxy_until_its_stack_goes(
    aws: LocalAws, image: str
) -> None:
    formation = aws.client("cloudformation")
    puller, role = aws.role("puller", PULLER, PULL), aws.role("runner", TASKS)
    formation.create_stack(StackName="run", TemplateBody=template(image, puller, role))
    made = settled(aws, "run")
    assert made["StackStatus"] == "CREATE_COMPLETE"
    address = made["Outputs"][0]["OutputValue"]
    first = ask(address)
    assert (first["GREETING"], first["KEPT"], first["others"]) == ("from the service", "yes", False)
    assert "upgrade" not in {name.lower() for name in first["headers"]}
    caller = boto3.client(
        "sts",
        endpoint_url=first["AWS_ENDPOINT_URL"],
        region_name=first["AWS_REGION"],
        aws_access_key_id=first["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=first["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=first["AWS_SESSION_TOKEN"],
    ).get_caller_identity()
    assert ":assumed-role/runner/" in caller["Arn"]

    os.kill(first["pid"], signal.SIGKILL)

    def another() -> dict[str, Any] | None:
        try:
            told = ask(address)
        except (urllib.error.URLError, OSError):
            return None
        return told if told["pid"] != first["pid"] else None

    wait_for(another)
    changed = template(image, puller, role, "another")
    formation.update_stack(StackName="run", TemplateBody=changed)
    assert settled(aws, "run")["StackStatus"] == "UPDATE_COMPLETE"
    assert ask(address)["GREETING"] == "another"
    formation.delete_stack(StackName="run")
    formation.get_waiter("stack_delete_complete").wait(
        StackName="run", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    with pytest.raises(OSError, match="refused"):
        ask(address)


def test_a_service_without_its_roles_or_its_image_is_not_made(aws: LocalAws, image: str) -> None:
    formation = aws.client("cloudformation")
    puller, role = aws.role("may-pull", PULLER, PULL), aws.role("may-run", TASKS)
    for name, properties, telling in (
        (
            "no-pull",
            (image, aws.role("no-pull", PULLER), role),
            "not authorized to perform: ecr:Get",
        ),
        ("no-trust", (image, puller, aws.role("no-trust", PULLER)), f"does not let {TASKS} take"),
        ("no-image", (image.replace("first", "second"), puller, role), "is not in ECR"),
    ):
        formation.create_stack(StackName=name, TemplateBody=template(*properties))
        assert settled(aws, name)["StackStatus"] == "ROLLBACK_COMPLETE"
        events = formation.describe_stack_events(StackName=name)["StackEvents"]
        assert any(telling in event.get("ResourceStatusReason", "") for event in events), telling


@pytest.mark.parametrize(
    ("was", "becomes", "telling"),
    [
        ("python:3.11.13-slim-bookworm", "python:3.13.1-slim", "Python 3.11 and nothing else"),
        ("RUN useradd", "RUN apt-get install x #", "does not know 'RUN apt-get"),
        ("COPY app", "COPY missing", "COPY missing: it is not in the image's context"),
        ("WORKDIR /srv", "WORKDIR /srv\nRUN pip install -r none.lock", "none.lock"),
    ],
)
def test_a_dockerfile_that_it_does_not_know_is_refused(
    tmp_path: Path, was: str, becomes: str, telling: str
) -> None:
    folder = context(tmp_path / "context", DOCKERFILE.replace(was, becomes))
    with pytest.raises(Exception, match=telling):
        build(folder, folder / "Dockerfile", tmp_path / "image")


def test_the_dashboards_own_dockerfile_is_built_with_what_it_names(tmp_path: Path) -> None:
    image = build(ROOT, ROOT / "dashboard" / "Dockerfile", tmp_path / "image")
    command, environment, directory = image.process({"PORT": "high"})
    ended = subprocess.run(
        command, env=environment, cwd=directory, capture_output=True, text=True, check=False
    )
    # It imports all that it needs, from the image alone, before it reads its settings.
    assert ended.stderr.startswith("error: environment of HostEnvironment: 'port'")
    assert not (directory / "stages").exists()
