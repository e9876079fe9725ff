"""A network with no way in or out: isolated subnets, and gateway endpoints to S3 and DynamoDB."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, DependencyGroup

from lakehouse.settings import NetworkSettings, Stage
from stacks.blocks.statements import allow


class PrivateNetwork(Construct):
    """Isolated subnets, the stage's own two or those that its settings name.

    No NAT gateway, no internet gateway, no interface endpoint is made.
    """

    vpc: ec2.IVpc
    """The network."""
    endpoints: DependencyGroup
    """The gateway endpoints; depend on it before code in the network calls S3 or DynamoDB."""
    s3: ec2.GatewayVpcEndpoint | None
    """Lets through what was allowed, and the answers of custom resources; None if it was there."""
    dynamodb: ec2.GatewayVpcEndpoint | None
    """Lets through what was allowed; None if it was there."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage):
        super().__init__(scope, construct_id)
        settings = stage.network
        self.vpc = self._made() if settings is None else self._named(settings)
        self.s3 = self.dynamodb = None
        self.endpoints = DependencyGroup()
        if settings is None or settings.endpoints == "create":
            service = ec2.GatewayVpcEndpointAwsService
            self.s3 = self.vpc.add_gateway_endpoint("S3", service=service.S3)
            self.dynamodb = self.vpc.add_gateway_endpoint("DynamoDb", service=service.DYNAMODB)
            self.endpoints.add(self.s3, self.dynamodb)
        # CloudFormation waits for the answer of a custom resource in a bucket of its own.
        region = cdk.Fn.join("", cdk.Fn.split("-", cdk.Stack.of(self).region))
        answers = f"arn:aws:s3:::cloudformation-custom-resource-response-{region}/*"
        self.let_through(self.s3, "AnswersToCloudFormation", ["s3:PutObject"], answers)

    def _made(self) -> ec2.Vpc:
        return ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=0,
            create_internet_gateway=False,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24
                )
            ],
        )

    def _named(self, settings: NetworkSettings) -> ec2.IVpc:
        subnets = settings.subnets
        return ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id=settings.vpc,
            availability_zones=[subnet.zone for subnet in subnets],
            isolated_subnet_ids=[subnet.id for subnet in subnets],
            isolated_subnet_route_table_ids=[subnet.route_table for subnet in subnets],
        )

    def let_through(
        self,
        endpoint: ec2.GatewayVpcEndpoint | None,
        sid: str,
        actions: Sequence[str],
        *resources: str,
    ) -> None:
        """Lets anyone in the network ask this of the endpoint; their own roles still decide.

        An endpoint that was there (None) is not ours to change.
        """
        if endpoint is None:
            return
        statement = allow(sid, actions, *resources)
        statement.add_any_principal()
        endpoint.add_to_policy(statement)

    def reach_secrets(self, clients: ec2.SecurityGroup) -> None:
        """Lets `clients` ask Secrets Manager; by an interface endpoint, if endpoints are ours."""
        if self.s3 is None:
            return
        group = ec2.SecurityGroup(
            self,
            "SecretsServer",
            vpc=self.vpc,
            description="Secrets Manager endpoint",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(clients, ec2.Port.tcp(443), "HTTPS from the clients")
        self.vpc.add_interface_endpoint(
            "SecretsManager",
            service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
            subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[group],
            open=False,
        )

    def group(self, construct_id: str, what: str) -> ec2.SecurityGroup:
        """A security group that lets HTTPS out (the gateway endpoints) and nothing in."""
        group = ec2.SecurityGroup(
            self, construct_id, vpc=self.vpc, description=what, allow_all_outbound=False
        )
        # A gateway endpoint has public addresses: with no other route, this reaches only them.
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "S3 and DynamoDB endpoints")
        cdk.Tags.of(group).add("Name", f"{cdk.Stack.of(self).stack_name}/{construct_id}")
        return group
