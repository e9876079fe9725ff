"""Policy statements that say what they are for."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam


def allow(
    sid: str,
    actions: Sequence[str],
    *resources: str,
    conditions: Mapping[str, Mapping[str, object]] | None = None,
) -> iam.PolicyStatement:
    """Allows `actions` on `resources`; `sid` says what for, in docs/permissions.md too."""
    return iam.PolicyStatement(
        sid=sid, actions=list(actions), resources=list(resources), conditions=conditions
    )


def traces(*, sampled: bool = False) -> iam.PolicyStatement:
    """Lets traces go to X-Ray, which knows no narrower resource."""
    actions = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    if sampled:
        actions += ["xray:GetSamplingRules", "xray:GetSamplingTargets"]
    return allow("Traces", actions, "*")
