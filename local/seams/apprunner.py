"""App Runner: a service of CloudFormation is a process of its image, behind a proxy.

The process gets the service's environment and its instance role's credentials. A service without
its roles' trust and permissions fails to be made, as on AWS. What the service's own API would tell
(`aws apprunner`) nobody here asks for.
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.core import responses
from ministack.services import ecr, iam
from ministack.services.cloudformation import provisioners, stacks

from lakehouse.errors import LocalError
from local.engines.images import Image
from local.engines.services import Services
from local.seams.contract import Seam, check
from local.seams.identity import FUNCTION_SESSION_SECONDS, assume, may

SEAMS = (
    Seam(ecr, "_find_image", ("repo_name", "image_id")),
    Seam(ecr, "_repo_arn", ("name",)),
    Seam(ecr, "_describe_images", ("data",)),
    Seam(responses, "get_region", ()),
    Seam(responses, "get_account_id", ()),
    Seam(stacks, "_runs_on_worker_thread", ("resource_type",)),
)
_SERVICE = "AWS::AppRunner::Service"
_PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability")
_PULLER, _TASKS = "build.apprunner.amazonaws.com", "tasks.apprunner.amazonaws.com"
Properties = dict[str, Any]


def install() -> None:
    """Registers the service and its scaling, of which one instance is all there is."""
    check(SEAMS)
    ecr._describe_images = _telling_absence(ecr._describe_images)
    services = Services()

    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
        name = properties.get("ServiceName") or f"{stack}-{logical_id}"
        address = _deploy(services, name, properties)
        arn = _arn(f"service/{name}/local")
        attributes = {"ServiceArn": arn, "ServiceId": name, "ServiceUrl": address}
        return arn, {**attributes, "Status": "RUNNING"}

    def update(
        physical_id: str, _old: Properties, new: Properties, stack: str
    ) -> tuple[str, Properties]:
        name = physical_id.split("/")[1]
        return create(name, {**new, "ServiceName": name}, stack)

    def delete(physical_id: str, _properties: Properties) -> None:
        services.remove(physical_id.split("/")[1])

    handlers = provisioners._RESOURCE_HANDLERS
    handlers[_SERVICE] = {"create": create, "update": update, "delete": delete}
    handlers["AWS::AppRunner::AutoScalingConfiguration"] = {
        "create": _create_scaling,
        "update": lambda physical_id, _old, new, stack: _create_scaling(physical_id, new, stack),
        "delete": lambda _physical_id, _properties: None,
    }
    on_worker_thread = stacks._runs_on_worker_thread
    # The process takes seconds to get healthy, in which everything else goes on.
    stacks._runs_on_worker_thread = lambda kind: kind == _SERVICE or on_worker_thread(kind)


def _telling_absence(describe: Callable[..., Any]) -> Callable[..., Any]:
    """An image that is not there is an error, by which the CDK CLI knows that it has to push it."""

    def described(data: Properties) -> Any:
        repository = data.get("repositoryName", "")
        for wanted in data.get("imageIds") or []:
            if repository in ecr._repositories and ecr._find_image(repository, wanted) is None:
                told = f"The image {wanted} does not exist within the repository '{repository}'"
                return responses.error_response_json("ImageNotFoundException", told, 400)
        return describe(data)

    return described


def _create_scaling(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
    if int(properties.get("MaxSize", 25)) != 1:
        raise ValueError("MaxSize: the local App Runner has one instance of a service; write 1")
    name = logical_id.rsplit("/", 1)[-1].removeprefix(f"{stack}-")
    arn = _arn(f"autoscalingconfiguration/{stack}-{name}")
    return arn, {"AutoScalingConfigurationArn": arn, "Latest": True}


def _deploy(services: Services, name: str, properties: Properties) -> str:
    source = properties["SourceConfiguration"]
    repository = source["ImageRepository"]
    puller = source["AuthenticationConfiguration"]["AccessRoleArn"]
    role = properties["InstanceConfiguration"]["InstanceRoleArn"]
    _require_trust(puller, _PULLER)
    _require_trust(role, _TASKS)
    image = _image(repository["ImageIdentifier"], puller)
    given = repository.get("ImageConfiguration", {}).get("RuntimeEnvironmentVariables", [])
    session = assume(role, name, FUNCTION_SESSION_SECONDS)
    variables = {pair["Name"]: str(pair["Value"]) for pair in given}
    live = properties.get("HealthCheckConfiguration", {}).get("Path", "/")
    try:
        return services.deploy(name, image, {**session.environment(), **variables}, live)
    except LocalError as failed:
        raise ValueError(str(failed)) from failed


def _image(identifier: str, puller: str) -> Image:
    repository, _, tag = identifier.partition("/")[2].rpartition(":")
    arn = ecr._repo_arn(repository)
    for action, resource in (("ecr:GetAuthorizationToken", "*"), *((one, arn) for one in _PULL)):
        if not may(puller, action, resource):
            refused = f"{puller} is not authorized to perform: {action} on {resource}"
            raise ValueError(f"{identifier} can't be fetched: {refused}")
    found = ecr._find_image(repository, {"imageTag": tag})
    if found is None:
        raise ValueError(f"{identifier} is not in ECR")
    return Image.from_json(json.loads(found["imageManifest"])["annotations"]["local.image"])


def _require_trust(role_arn: str, service: str) -> None:
    role = iam._roles.get(role_arn.rsplit("/", 1)[-1])
    document = (role or {}).get("AssumeRolePolicyDocument", {})
    document = json.loads(document) if isinstance(document, str) else document
    for statement in document.get("Statement", []):
        named = statement["Principal"].get("Service", []) if statement["Principal"] != "*" else []
        if service in ([named] if isinstance(named, str) else named):
            return
    raise ValueError(f"{role_arn} does not let {service} take it")


def _arn(resource: str) -> str:
    place = f"{responses.get_region()}:{responses.get_account_id()}"
    return f"arn:aws:apprunner:{place}:{resource}"
