"""Roles beside those of the app's stacks: of GitHub's jobs, of a dashboard on Fargate, and what
the dashboard's role may do besides where readers sign in on App Runner."""

import base64
import json
import subprocess
import sys
import time
import uuid
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from stacks.blocks.github import AUDIENCE, ISSUER
from tests.e2e.account import ROOT, Deployment
from tests.permissions.attached import DIFFER, STAGE
from tests.permissions.lab import Lab, Told, attempt

DEPLOYER = f"lakehouse-{STAGE}-delivery"
FARGATE = f"lakehouse-{STAGE}-fargate"
SIGN_IN = f"lakehouse-{STAGE}-sign-in"
_STARTER = ("HostStarter", "HostLog")
"""In the template: ECS's role with its policy, and the log that the policy names."""
_READERS = ("Readers", "ReaderDefaultPolicy")
"""In the template: the pool with its domain and client, and the policy of the dashboard's role."""
_LOOK_UP = """
from dashboard.server.composition import client_id
from dashboard.server.settings import HostEnvironment

print(client_id(HostEnvironment.read())(), end="")
"""


def deploy(deployment: Deployment) -> None:
    """The delivery's stack by the CDK CLI, and of each other dashboard what its trial needs."""
    subprocess.run(
        [sys.executable, "-m", "local", "synth-besides"],
        cwd=ROOT,
        env=deployment.environment,
        check=True,
    )
    # The stack is synthesized for an account that knows GitHub already.
    deployment.client("iam").create_open_id_connect_provider(
        Url=f"https://{ISSUER}", ClientIDList=[AUDIENCE]
    )
    administrator = {
        "AWS_ACCESS_KEY_ID": deployment.outputs["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": deployment.outputs["aws_secret_access_key"],
    }
    folder = deployment.home / "cdk.out"
    arguments = f"deploy --app {folder / 'delivery'} --all --require-approval never"
    deployment.make("cdk", f"ARGS={arguments}", **administrator, **_place(deployment))
    _deploy_a_part(deployment, FARGATE, {"Resources": _part(deployment, "fargate", _STARTER)})
    _deploy_a_part(deployment, SIGN_IN, _sign_in(deployment))


def deployment_again(lab: Lab) -> Told:
    """What stage.yml does, for the one stack that has templates, assets and an image."""
    stack = f"--app {_assembly(lab.deployment)} --exclusively Dashboard"
    arguments = f"deploy {stack} --require-approval never --verbose"
    return _typed(
        lab, DEPLOYER, f"environment:{STAGE}", "the deployment fails", "cdk", f"ARGS={arguments}"
    )


def smoke_run(lab: Lab) -> Told:
    """What stage.yml does after it; a run that it has started and may not follow comes to rest."""
    lab.rest("pipeline")
    typed = ("smoke", f"STAGE={STAGE}")
    told = _typed(lab, DEPLOYER, f"environment:{STAGE}", "the smoke run fails", *typed)
    lab.rest("pipeline")
    return told


def diff(lab: Lab) -> Told:
    """What diff.yml does with the templates of a pull request."""
    arguments = f"diff --app {_assembly(lab.deployment)} --method template --no-color"
    return _typed(lab, DIFFER, "pull_request", "the diff fails", "cdk", f"ARGS={arguments}")


def task(lab: Lab) -> Told:
    """What ECS does with its role before a task runs: logs in, fetches the image, opens the log."""
    made = lab.client("cloudformation").describe_stack_resources(StackName=FARGATE)
    names = {one["ResourceType"]: one["PhysicalResourceId"] for one in made["StackResources"]}
    client = _as_ecs(lab, names["AWS::IAM::Role"])
    address, tag = lab.image()
    repository = {"repositoryName": address.partition("/")[2]}
    stream = {
        "logGroupName": names["AWS::Logs::LogGroup"],
        "logStreamName": f"dashboard/Dashboard/{uuid.uuid4().hex}",
    }

    def start() -> None:
        ecr, logs = client("ecr"), client("logs")
        ecr.get_authorization_token()
        (image,) = ecr.batch_get_image(**repository, imageIds=[{"imageTag": tag}])["images"]
        layer = json.loads(image["imageManifest"])["config"]["digest"]
        ecr.batch_check_layer_availability(**repository, layerDigests=[layer])
        ecr.get_download_url_for_layer(**repository, layerDigest=layer)
        logs.create_log_stream(**stream)
        line = {"timestamp": int(time.time() * 1000), "message": "it runs"}
        logs.put_log_events(**stream, logEvents=[line])

    return attempt(start, "the task does not start")


def look_up(lab: Lab) -> Told:
    """What the server does before it leads the first reader to sign in, set up as its service is.

    No page is asked for: at the issuer's own address, which is Cognito's, nothing answers here.
    """
    formation = lab.client("cloudformation")
    (stack,) = formation.describe_stacks(StackName=SIGN_IN)["Stacks"]
    told = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    names = ("SIGN_IN", "OIDC_ISSUER", "OIDC_CLIENT", "USER_POOL")
    result = lab.by_dashboard(_LOOK_UP, **{name: told[_key(name)] for name in names})
    if result.returncode:
        return Told("the look-up fails", result.stderr)
    assert result.stdout == told["Client"], result.stdout
    return Told("")


def job_session(deployment: Deployment, role: str, subject: str) -> dict[str, str]:
    """Environment of a job that was given the role for GitHub's token of what kind of job it is.

    The role's trust is held against what the token says; nobody here could check who signed it.
    """
    said = {"iss": f"https://{ISSUER}", "aud": AUDIENCE, "sub": f"repo:OWNER/NAME:{subject}"}
    token = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none"}, said, {})
    )
    account = deployment.outputs["dashboard_role"].split(":")[4]
    taken = boto3.client(
        "sts",
        endpoint_url=deployment.outputs["endpoint_url"],
        region_name=deployment.outputs["region"],
        config=Config(signature_version=UNSIGNED),
    ).assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{account}:role/{role}",
        RoleSessionName="job",
        WebIdentityToken=token,
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
        "AWS_SESSION_TOKEN": taken["SessionToken"],
        **_place(deployment),
    }


def _part(deployment: Deployment, host: str, prefixes: tuple[str, ...]) -> dict[str, Any]:
    """Resources of the dashboard's template with this host."""
    file = deployment.home / "cdk.out" / host / "Dashboard.template.json"
    found: dict[str, Any] = json.loads(file.read_text())["Resources"]
    return {name: found[name] for name in found if name.startswith(prefixes)}


def _deploy_a_part(deployment: Deployment, stack: str, template: dict[str, Any]) -> None:
    formation = deployment.client("cloudformation")
    formation.create_stack(
        StackName=stack,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM"],
    )
    formation.get_waiter("stack_create_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def _sign_in(deployment: Deployment) -> dict[str, Any]:
    """The pool, its client for the service that runs, and the policy for the role that it has.

    What CloudFormation would tell the service in its environment, it tells as outputs.
    """
    resources = _part(deployment, "sign-in", _READERS)
    (client,) = (name for name in resources if _is(resources[name], "Cognito::UserPoolClient"))
    address = deployment.outputs["dashboard_url"].replace("http://", "https://")
    resources[client]["Properties"]["CallbackURLs"] = [f"{address}/oauth2/callback"]
    (policy,) = (name for name in resources if _is(resources[name], "IAM::Policy"))
    role = deployment.outputs["dashboard_role"].rpartition("/")[2]
    resources[policy]["Properties"]["Roles"] = [role]
    (service,) = _part(deployment, "sign-in", ("HostService",)).values()
    image = service["Properties"]["SourceConfiguration"]["ImageRepository"]["ImageConfiguration"]
    variables = {
        _key(pair["Name"]): {"Value": pair["Value"]}
        for pair in image["RuntimeEnvironmentVariables"]
    }
    outputs = {**variables, "Client": {"Value": {"Ref": client}}}
    return {"Resources": resources, "Outputs": outputs}


def _is(resource: dict[str, Any], kind: str) -> bool:
    return bool(resource["Type"] == f"AWS::{kind}")


def _key(variable: str) -> str:
    """A variable's name as an output's, which has no underscore."""
    return variable.replace("_", "")


def _typed(lab: Lab, role: str, subject: str, otherwise: str, *arguments: str) -> Told:
    """`make ...` in a job of this kind."""
    session = job_session(lab.deployment, role, subject)
    ended = lab.deployment.make(*arguments, check=False, timeout=600, **session)
    return Told(otherwise, ended.stdout + ended.stderr) if ended.returncode else Told("")


def _place(deployment: Deployment) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": deployment.outputs["endpoint_url"],
        "AWS_REGION": deployment.outputs["region"],
    }


def _assembly(deployment: Deployment) -> str:
    return str(deployment.home / "cdk.out" / STAGE)


def _as_ecs(lab: Lab, role: str) -> Any:
    """A maker of clients with the role, which trusts ECS alone.

    An administrator lets the account take it for that moment.
    """
    iam = lab.client("iam")
    found = iam.get_role(RoleName=role)["Role"]
    account = found["Arn"].split(":")[4]
    trusting = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    widened = found["AssumeRolePolicyDocument"] | {"Statement": [trusting]}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(widened))
    try:
        taken = lab.client("sts").assume_role(RoleArn=found["Arn"], RoleSessionName="task")
    finally:
        trust = json.dumps(found["AssumeRolePolicyDocument"])
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust)
    session = boto3.Session(
        aws_access_key_id=taken["Credentials"]["AccessKeyId"],
        aws_secret_access_key=taken["Credentials"]["SecretAccessKey"],
        aws_session_token=taken["Credentials"]["SessionToken"],
        region_name=lab.deployment.outputs["region"],
    )
    endpoint = lab.deployment.outputs["endpoint_url"]
    return lambda service: session.client(service, endpoint_url=endpoint)
