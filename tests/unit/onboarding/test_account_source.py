"""What an account says of the source that a stage names, against the API's own shapes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lakehouse.settings import ExistingSource, Stage, load_stage
from local.account_source import account_findings
from onboarding.findings import Level


@dataclass(frozen=True)
class Account:
    host: str
    resource: str
    secret: str

    def stage(self, **changes: Any) -> Stage:
        said = {
            "host": self.host, "database": "mine", "user": "reader", "auth": "secret",
            "secret": self.secret, "instance": "mine",
        } | changes  # fmt: skip
        stage = load_stage("dev")
        source = stage.source.model_copy(update={"existing": ExistingSource(**said)})
        return stage.model_copy(update={"source": source, "region": "eu-west-1"})


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        rds = boto3.client("rds", region_name="eu-west-1")
        made = rds.create_db_instance(
            DBInstanceIdentifier="mine", DBInstanceClass="db.t4g.micro", Engine="postgres",
            MasterUsername="owner", MasterUserPassword="not-a-secret", AllocatedStorage=20,
        )["DBInstance"]  # fmt: skip
        secrets = boto3.client("secretsmanager", region_name="eu-west-1")
        arn = secrets.create_secret(Name="mine", SecretString="not-a-secret")["ARN"]
        yield Account(made["Endpoint"]["Address"], made["DbiResourceId"], arn)


def test_a_source_as_the_stage_says(account: Account) -> None:
    found = account_findings(account.stage())
    assert [f.level for f in found] == [Level.OK, Level.OK]
    assert "not-a-secret" not in "".join(map(str, found))
    assert account_findings(load_stage("dev")) == []


@pytest.mark.parametrize(("changes", "words"), [
    ({"instance": "other"}, "FAIL  RDS other: is not there; correct source.existing.instance"),
    ({"host": "elsewhere"}, "not at elsewhere; correct source.existing.host"),
    ({"security_group": "sg-0123abcd"}, "sg-0123abcd; correct source.existing.security_group"),
    ({"secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:none"},
     "FAIL  secret: is not there; correct source.existing.secret"),
    ({"auth": "iam", "resource": "db-OTHER"}, "takes no IAM tokens; switch IAM database auth"),
    ({"auth": "iam", "resource": "db-OTHER"}, "not db-OTHER; correct source.existing.resource"),
])  # fmt: skip
def test_a_source_that_is_not_as_the_stage_says(
    account: Account, changes: dict[str, str], words: str
) -> None:
    found = [str(finding) for finding in account_findings(account.stage(**changes))]
    assert any(words in line for line in found), found
