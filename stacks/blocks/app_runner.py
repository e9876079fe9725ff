"""The dashboard on App Runner: one instance, HTTP only, sign-in in the server itself."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_apprunner as apprunner
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_iam as iam
from constructs import Construct

from lakehouse.settings import Stage
from stacks.blocks.dashboard_image import CPU_UNITS, MEMORY_MIB, PORT
from stacks.blocks.reader_pool import ReaderPool
from stacks.blocks.statements import allow

LIVE = "/health/live"
REQUESTS_AT_ONCE = 200
"""Each open page waits in one request; the server's own limit of sessions is below."""


class AppRunnerHost(Construct):
    """The service; `reader` is the role of what runs in it."""

    service: apprunner.CfnService
    """The App Runner service."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        image: assets.DockerImageAsset,
        environment: Mapping[str, str],
        reader: iam.Role,
        readers: ReaderPool | None,
    ) -> None:
        super().__init__(scope, construct_id)
        name = f"{stage.prefix}-dashboard"
        variables = {
            **environment,
            "TRANSPORT": "http",
            # Nobody but App Runner's own proxy reaches the port.
            "TRUSTED_PROXIES": "*",
        }
        if readers is not None:
            # The client's address is the service's, so the service can only know the client's name.
            variables |= {
                "SIGN_IN": "code",
                "OIDC_ISSUER": readers.issuer,
                "OIDC_CLIENT": name,
                "USER_POOL": readers.pool.user_pool_id,
            }
            reader.add_to_policy(
                allow(
                    "FindTheClient", ["cognito-idp:ListUserPoolClients"], readers.pool.user_pool_arn
                )
            )
        puller = _puller(self, image)
        one = apprunner.CfnAutoScalingConfiguration(
            self,
            "One",
            # Sessions live in the process's memory.
            min_size=1,
            max_size=1,
            max_concurrency=REQUESTS_AT_ONCE,
        )
        self.service = apprunner.CfnService(
            self,
            "Service",
            service_name=name,
            source_configuration=apprunner.CfnService.SourceConfigurationProperty(
                authentication_configuration=apprunner.CfnService.AuthenticationConfigurationProperty(
                    access_role_arn=puller.role_arn
                ),
                # A deployment changes the image, and nothing else does.
                auto_deployments_enabled=False,
                image_repository=apprunner.CfnService.ImageRepositoryProperty(
                    image_identifier=image.image_uri,
                    image_repository_type="ECR",
                    image_configuration=apprunner.CfnService.ImageConfigurationProperty(
                        port=str(PORT),
                        runtime_environment_variables=[
                            apprunner.CfnService.KeyValuePairProperty(name=key, value=value)
                            for key, value in sorted(variables.items())
                        ],
                    ),
                ),
            ),
            instance_configuration=apprunner.CfnService.InstanceConfigurationProperty(
                cpu=str(CPU_UNITS), memory=str(MEMORY_MIB), instance_role_arn=reader.role_arn
            ),
            health_check_configuration=apprunner.CfnService.HealthCheckConfigurationProperty(
                protocol="HTTP", path=LIVE, interval=10, timeout=5, unhealthy_threshold=5
            ),
            auto_scaling_configuration_arn=one.attr_auto_scaling_configuration_arn,
        )
        # It fetches the image and begins to read at once.
        for role in (puller, reader):
            self.service.node.add_dependency(role.node.find_child("DefaultPolicy"))
        address = self.service.attr_service_url
        if readers is not None:
            readers.client(
                "Client", name=name, callback=f"https://{address}/oauth2/callback", secret=False
            )
        cdk.CfnOutput(cdk.Stack.of(self), "DashboardAddress", value=address)


def _puller(scope: Construct, image: assets.DockerImageAsset) -> iam.Role:
    """App Runner's own role for fetching the image."""
    role = iam.Role(
        scope,
        "Puller",
        description="App Runner: fetches the dashboard's image",
        assumed_by=iam.ServicePrincipal("build.apprunner.amazonaws.com"),
    )
    role.add_to_policy(allow("LogIn", ["ecr:GetAuthorizationToken"], "*"))
    role.add_to_policy(
        allow(
            "FetchTheImage",
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:DescribeImages",
                "ecr:GetDownloadUrlForLayer",
            ],
            image.repository.repository_arn,
        )
    )
    return role
