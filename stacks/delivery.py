"""Who may deploy from GitHub: no keys, a role per stage, and one that only reads for `cdk diff`.

An administrator deploys it once per account; no stage contains it:

    cdk deploy -c delivery=true -c repository=OWNER/NAME
"""

import re
from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from lakehouse.errors import ConfigurationError
from lakehouse.settings import APP, Stage, load_stage
from stacks.blocks.github import AUDIENCE, ISSUER

_STAGES = "dev,prod"
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
"""No wildcard: it would let other repositories in."""
_BOOTSTRAP_ROLES = ("deploy-role", "file-publishing-role", "image-publishing-role", "lookup-role")
"""What the CDK CLI takes on; CloudFormation alone takes the fifth, which may do everything."""


class DeliveryStack(cdk.Stack):
    """GitHub as an identity provider, the roles of its jobs, and nothing that holds data."""

    deployers: Mapping[str, iam.Role]
    """By stage: for jobs of the repository that run in the GitHub environment of that name."""
    differ: iam.Role
    """For jobs of pull requests: reads deployed templates, and neither data nor anything else."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        repository: str,
        stages: Sequence[Stage],
        provider_exists: bool,
        **kwargs: object,
    ):
        super().__init__(scope, construct_id, **kwargs)  # type: ignore[arg-type]
        self._repository = repository
        self._provider = self._identity_provider(provider_exists)
        self.deployers = {stage.name: self._deployer(stage) for stage in stages}
        self.differ = self._differ(stages)

    def _identity_provider(self, exists: bool) -> str:
        """ARN of the account's one provider for GitHub."""
        if exists:
            return self.format_arn(
                service="iam", region="", resource="oidc-provider", resource_name=ISSUER
            )
        provider = iam.CfnOIDCProvider(
            self, "GitHub", url=f"https://{ISSUER}", client_id_list=[AUDIENCE]
        )
        return provider.attr_arn

    def _deployer(self, stage: Stage) -> iam.Role:
        machine = f"{stage.prefix}-pipeline"
        role = self._role(
            f"Deploy{stage.name.capitalize()}",
            f"{stage.prefix}-delivery",
            f"Deploys {stage.prefix} and tries it by one run",
            f"environment:{stage.name}",
        )
        for sid, actions, resources in (
            (
                "Deploy",
                ["sts:AssumeRole"],
                [self._role_arn(name) for name in self._bootstrap_roles(stage)],
            ),
            (
                "StartTheSmokeRun",
                ["states:StartExecution"],
                [self._states_arn(stage, "stateMachine", machine)],
            ),
            (
                "FollowIt",
                ["states:DescribeExecution", "states:GetExecutionHistory"],
                [self._states_arn(stage, "execution", f"{machine}:*")],
            ),
            # It then reads what the dashboard reads, as the dashboard.
            (
                "ReadTheViews",
                ["sts:AssumeRole"],
                [self._role_arn(stage.reader_role(stage.region or self.region))],
            ),
        ):
            role.add_to_policy(iam.PolicyStatement(sid=sid, actions=actions, resources=resources))
        cdk.CfnOutput(self, f"DeployRole{stage.name.capitalize()}", value=role.role_arn)
        return role

    def _differ(self, stages: Sequence[Stage]) -> iam.Role:
        role = self._role(
            "Diff",
            f"{APP}-diff",
            "Compares a pull request with what is deployed",
            "pull_request",
        )
        # Not the bootstrap's lookup role: that one reads the account, its data too.
        role.add_to_policy(
            iam.PolicyStatement(
                sid="ReadTemplates",
                actions=["cloudformation:DescribeStacks", "cloudformation:GetTemplate"],
                resources=[
                    self.format_arn(
                        service="cloudformation",
                        region=stage.region or self.region,
                        resource="stack",
                        resource_name=f"{stage.prefix}-*",
                    )
                    for stage in stages
                ],
            )
        )
        cdk.CfnOutput(self, "DiffRole", value=role.role_arn)
        return role

    def _role(self, construct_id: str, name: str, description: str, subject: str) -> iam.Role:
        return iam.Role(
            self,
            construct_id,
            role_name=name,
            description=description,
            # A database takes a while to be made, and a first run to merge.
            max_session_duration=cdk.Duration.hours(2),
            assumed_by=iam.WebIdentityPrincipal(
                self._provider,
                {
                    "StringEquals": {
                        f"{ISSUER}:aud": AUDIENCE,
                        f"{ISSUER}:sub": f"repo:{self._repository}:{subject}",
                    }
                },
            ),
        )

    def _bootstrap_roles(self, stage: Stage) -> list[str]:
        qualifier = (
            self.node.try_get_context("@aws-cdk/core:bootstrapQualifier")
            or cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
        )
        region = stage.region or self.region
        return [f"cdk-{qualifier}-{role}-{self.account}-{region}" for role in _BOOTSTRAP_ROLES]

    def _role_arn(self, name: str) -> str:
        return self.format_arn(service="iam", region="", resource="role", resource_name=name)

    def _states_arn(self, stage: Stage, resource: str, name: str) -> str:
        return self.format_arn(
            service="states",
            region=stage.region or self.region,
            resource=resource,
            resource_name=name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )


def compose_delivery(app: cdk.App) -> None:
    """Adds the one stack; raises ConfigurationError if the context does not say whom to trust.

    Context: `repository` (OWNER/NAME), `stages` (those that this account holds, `dev,prod`),
    `provider` (`existing` where the account knows GitHub already).
    """
    repository = str(app.node.try_get_context("repository") or "")
    if not repository:
        raise ConfigurationError("say which GitHub repository may deploy: -c repository=OWNER/NAME")
    if not _REPOSITORY.fullmatch(repository):
        raise ConfigurationError(f"repository {repository!r} is not of the form OWNER/NAME")
    provider = app.node.try_get_context("provider")
    if provider not in (None, "existing"):
        raise ConfigurationError(f"provider is {provider!r}; leave it out, or say: existing")
    names = str(app.node.try_get_context("stages") or _STAGES).split(",")
    stack = DeliveryStack(
        app,
        "Delivery",
        repository=repository,
        stages=[load_stage(name) for name in names],
        provider_exists=provider == "existing",
        stack_name=f"{APP}-delivery",
        description="Lets GitHub's jobs deploy, without keys",
        termination_protection=True,
    )
    cdk.Tags.of(stack).add("application", APP)
