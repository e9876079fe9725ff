"""Data safety: versions, lifecycles, backups, and what dies with its stack."""

import json
from typing import Any

from lakehouse.settings import load_stage
from tests.infrastructure.templates import of_type, only

Templates = dict[str, dict[str, Any]]


def _buckets(templates: Templates) -> dict[str, dict[str, Any]]:
    return {n[:-8]: b for n, b in of_type(templates["storage"], "AWS::S3::Bucket").items()}


def _rules(bucket: dict[str, Any], key: str) -> list[Any]:
    rules = bucket["LifecycleConfiguration"]["Rules"]
    return [rule[key] for rule in rules if key in rule and rule["Status"] == "Enabled"]


def test_what_is_replaced_or_deleted_stays_for_the_stages_days(
    templates: Templates, stage_name: str
) -> None:
    days = load_stage(stage_name).data.keep_replaced_days
    for layer, bucket in _buckets(templates).items():
        versions = bucket.get("VersioningConfiguration", {}).get("Status")
        if layer == "Results" or not days:
            assert versions is None
            assert not _rules(bucket, "NoncurrentVersionExpiration")
        else:
            assert versions == "Enabled"
            # Versions that never expire would be paid for with every compaction.
            assert _rules(bucket, "NoncurrentVersionExpiration") == [{"NoncurrentDays": days}]
            assert _rules(bucket, "ExpiredObjectDeleteMarker") == [True]


def test_only_results_expire_and_only_bronze_gets_cheaper(
    templates: Templates, stage_name: str
) -> None:
    after = load_stage(stage_name).data.bronze_infrequent_after_days
    for layer, bucket in _buckets(templates).items():
        assert _rules(bucket, "AbortIncompleteMultipartUpload") == [{"DaysAfterInitiation": 1}]
        assert _rules(bucket, "ExpirationInDays") == ([7] if layer == "Results" else [])
        cheaper = [{"StorageClass": "STANDARD_IA", "TransitionInDays": after}]
        wanted = [cheaper] if layer == "Bronze" and after else []
        assert _rules(bucket, "Transitions") == wanted


def test_prod_keeps_versions_and_an_immutable_bronze_and_the_others_may_be_emptied() -> None:
    assert load_stage("prod").data.keep_replaced_days >= 7
    assert load_stage("prod").data.bronze_immutable
    for stage in ("local", "dev"):
        assert not load_stage(stage).data.bronze_immutable


def test_ledger_and_source_are_backed_up(templates: Templates, stage_name: str) -> None:
    stage = load_stage(stage_name)
    table = only(templates["storage"], "AWS::DynamoDB::GlobalTable")
    (replica,) = table["Replicas"]
    assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    database = only(templates["source"], "AWS::RDS::DBInstance")
    assert database["BackupRetentionPeriod"] == stage.source.backup_days
    assert database["CopyTagsToSnapshot"] is True
    assert database["DeleteAutomatedBackups"] is stage.data.may_die


def test_protection_is_one_setting_for_database_ledger_and_stacks(
    templates: Templates, stage_name: str
) -> None:
    protected = load_stage(stage_name).data.deletion_protection
    assert protected is (stage_name == "prod")
    database = only(templates["source"], "AWS::RDS::DBInstance")
    assert database["DeletionProtection"] is protected
    (replica,) = only(templates["storage"], "AWS::DynamoDB::GlobalTable")["Replicas"]
    assert replica.get("DeletionProtectionEnabled", False) is protected


def test_what_is_replaced_by_an_update_is_kept_as_what_is_deleted(templates: Templates) -> None:
    stores = ("AWS::S3::Bucket", "AWS::DynamoDB::GlobalTable", "AWS::RDS::DBInstance")
    for template in templates.values():
        for name, resource in template["Resources"].items():
            if resource["Type"] in stores:
                assert resource["UpdateReplacePolicy"] == resource["DeletionPolicy"], name


def test_queries_die_with_their_workgroup_only_where_data_may(
    templates: Templates, stage_name: str
) -> None:
    workgroup = only(templates["transform"], "AWS::Athena::WorkGroup")
    assert workgroup["RecursiveDeleteOption"] is load_stage(stage_name).data.may_die
    assert json.dumps(workgroup).count("athena/") == 1


def test_buckets_are_emptied_only_where_data_may_die(templates: Templates, stage_name: str) -> None:
    storage = templates["storage"]
    emptied = of_type(storage, "Custom::EmptyBuckets")
    assert len(emptied) == load_stage(stage_name).data.may_die
    for name, properties in emptied.items():
        buckets = [bucket["Ref"] for bucket in properties["Buckets"]]
        assert sorted(buckets) == sorted(of_type(storage, "AWS::S3::Bucket"))
        # Their policies too: they go after it, so that deleting still needs TLS.
        before = set(storage["Resources"][name]["DependsOn"])
        assert before >= set(buckets) | set(of_type(storage, "AWS::S3::BucketPolicy"))
