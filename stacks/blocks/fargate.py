"""The dashboard on Fargate: one task behind a load balancer that signs its readers in."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_elasticloadbalancingv2_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from lakehouse.settings import Stage
from stacks.blocks.dashboard_image import CPU_UNITS, MEMORY_MIB, PORT
from stacks.blocks.python_function import retention
from stacks.blocks.reader_pool import SIGNED_IN_HOURS, ReaderPool
from stacks.blocks.statements import allow

LIVE = "/health/live"


class FargateHost(Construct):
    """Cluster, task and load balancer in a network of their own, which holds nothing else.

    The task has a public address for its way out to Athena, Glue and S3, since the way by a NAT
    gateway or by interface endpoints costs more than all the rest; nothing but the load balancer
    gets in.
    """

    service: ecs.FargateService
    """The one task."""

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
        assert stage.dashboard.domain is not None
        assert stage.dashboard.certificate is not None
        vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=0,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    cidr_mask=26,
                    map_public_ip_on_launch=False,
                )
            ],
        )
        outside = ec2.SecurityGroup(
            self, "Outside", vpc=vpc, description="Readers", allow_all_outbound=False
        )
        inside = ec2.SecurityGroup(
            self, "Inside", vpc=vpc, description="Dashboard", allow_all_outbound=False
        )
        for port in (80, 443):
            outside.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(port), "readers")
        outside.add_egress_rule(inside, ec2.Port.tcp(PORT), "to the dashboard")
        outside.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "to Cognito")
        inside.add_ingress_rule(outside, ec2.Port.tcp(PORT), "from the load balancer")
        inside.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "to AWS")
        balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=vpc,
            internet_facing=True,
            security_group=outside,
            drop_invalid_header_fields=True,
            deletion_protection=stage.data.deletion_protection,
        )
        variables = {**environment, "TRUSTED_PROXIES": "*"}
        client = None
        if readers is not None:
            client = readers.client(
                "Client",
                name=f"{stage.prefix}-dashboard",
                callback=f"https://{stage.dashboard.domain}/oauth2/idpresponse",
                secret=True,
            )
            region = cdk.Stack.of(self).region
            variables |= {
                "SIGN_IN": "load-balancer",
                "OIDC_ISSUER": readers.issuer,
                "OIDC_CLIENT": client.user_pool_client_id,
                "LOAD_BALANCER": balancer.load_balancer_arn,
                "LOAD_BALANCER_KEYS": f"https://public-keys.auth.elb.{region}.amazonaws.com",
            }
        self.service = self._service(stage, vpc, inside, image, variables, reader)
        self._listen(stage, balancer, readers, client)
        cdk.CfnOutput(cdk.Stack.of(self), "DashboardAddress", value=balancer.load_balancer_dns_name)

    def _service(
        self,
        stage: Stage,
        vpc: ec2.Vpc,
        group: ec2.SecurityGroup,
        image: assets.DockerImageAsset,
        variables: Mapping[str, str],
        reader: iam.Role,
    ) -> ecs.FargateService:
        log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/ecs/{stage.prefix}-dashboard",
            retention=retention(stage),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        starter = _starter(self, image, log)
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            family=f"{stage.prefix}-dashboard",
            cpu=CPU_UNITS,
            memory_limit_mib=MEMORY_MIB,
            task_role=reader.without_policy_updates(),
            execution_role=starter.without_policy_updates(),
        )
        task.add_container(
            "Dashboard",
            image=ecs.ContainerImage.from_docker_image_asset(image),
            environment=dict(variables),
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            logging=ecs.LogDrivers.aws_logs(stream_prefix="dashboard", log_group=log),
        )
        service = ecs.FargateService(
            self,
            "Service",
            cluster=ecs.Cluster(self, "Cluster", vpc=vpc),
            task_definition=task,
            # Sessions live in the process's memory; while a new one starts, the old one serves.
            desired_count=1,
            min_healthy_percent=100,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            assign_public_ip=True,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_groups=[group],
        )
        # It fetches the image and begins to read at once.
        for role in (starter, reader):
            service.node.add_dependency(role.node.find_child("DefaultPolicy"))
        return service

    def _listen(
        self,
        stage: Stage,
        balancer: elb.ApplicationLoadBalancer,
        readers: ReaderPool | None,
        client: object,
    ) -> None:
        assert stage.dashboard.certificate is not None
        target = elb.ApplicationTargetGroup(
            self,
            "Target",
            vpc=balancer.vpc,
            protocol=elb.ApplicationProtocol.HTTP,
            port=PORT,
            targets=[self.service],
            # While two tasks run, a browser stays with one.
            stickiness_cookie_duration=cdk.Duration.hours(SIGNED_IN_HOURS),
            deregistration_delay=cdk.Duration.seconds(10),
            health_check=elb.HealthCheck(path=LIVE, interval=cdk.Duration.seconds(15)),
        )
        action = elb.ListenerAction.forward([target])
        if readers is not None:
            action = actions.AuthenticateCognitoAction(
                user_pool=readers.pool,
                user_pool_client=client,  # type: ignore[arg-type]
                user_pool_domain=readers.domain,
                scope="openid",
                session_timeout=cdk.Duration.hours(SIGNED_IN_HOURS),
                next=action,
            )
        balancer.add_listener(
            "Https",
            port=443,
            certificates=[
                acm.Certificate.from_certificate_arn(
                    self, "Certificate", stage.dashboard.certificate
                )
            ],
            ssl_policy=elb.SslPolicy.TLS13_RES,
            open=False,
            default_action=action,
        )
        balancer.add_listener(
            "Http",
            port=80,
            open=False,
            default_action=elb.ListenerAction.redirect(
                protocol="HTTPS", port="443", permanent=True
            ),
        )


def _starter(scope: Construct, image: assets.DockerImageAsset, log: logs.LogGroup) -> iam.Role:
    """ECS's own role for fetching the image and writing the log."""
    role = iam.Role(
        scope,
        "Starter",
        description="ECS: fetches the dashboard's image, writes its log",
        assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
    )
    role.add_to_policy(allow("LogIn", ["ecr:GetAuthorizationToken"], "*"))
    role.add_to_policy(
        allow(
            "FetchTheImage",
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            image.repository.repository_arn,
        )
    )
    role.add_to_policy(
        allow("OwnLog", ["logs:CreateLogStream", "logs:PutLogEvents"], log.log_group_arn)
    )
    return role
