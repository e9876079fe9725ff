"""A bucket of the lake: private, encrypted, TLS only, with a lifecycle by its layer and stage."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from lakehouse.settings import Stage

BREAK_GLASS = "break-glass"
"""Tag of a principal that may delete from an immutable bronze; its value is `bronze`."""


class LayerBucket(s3.Bucket):
    """Object ownership is the bucket's; unfinished uploads go after a day.

    `versioned`: what is replaced or deleted stays for the stage's `keep_replaced_days`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        key: kms.IKey | None,
        versioned: bool = True,
        expires_after: cdk.Duration | None = None,
        infrequent_after_days: int | None = None,
    ) -> None:
        data = stage.data
        keeps_versions = versioned and data.keep_replaced_days > 0
        rules = [
            s3.LifecycleRule(
                abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                expiration=expires_after,
            )
        ]
        if keeps_versions:
            days = cdk.Duration.days(data.keep_replaced_days)
            rules.append(
                s3.LifecycleRule(
                    noncurrent_version_expiration=days, expired_object_delete_marker=True
                )
            )
        if infrequent_after_days:
            cheaper = s3.Transition(
                storage_class=s3.StorageClass.INFREQUENT_ACCESS,
                transition_after=cdk.Duration.days(infrequent_after_days),
            )
            rules.append(s3.LifecycleRule(transitions=[cheaper]))
        super().__init__(
            scope,
            construct_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=True if key else None,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=keeps_versions or None,
            lifecycle_rules=rules,
            removal_policy=(
                cdk.RemovalPolicy.DESTROY if data.may_die else cdk.RemovalPolicy.RETAIN
            ),
        )

        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="TlsOnly",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:*"],
                resources=[self.bucket_arn, self.arn_for_objects("*")],
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            )
        )

    def make_immutable(self, layer: str) -> None:
        """Denies deleting to everyone in every account but principals tagged for this layer."""
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="NobodyDeletes",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:DeleteObject", "s3:DeleteObjectVersion"],
                resources=[self.arn_for_objects("*")],
                conditions={"StringNotEquals": {f"aws:PrincipalTag/{BREAK_GLASS}": layer}},
            )
        )
