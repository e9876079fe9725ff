"""The local RDS in the emulator's own process, driven by boto3 and CloudFormation."""

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pg8000.native
import pytest

from lakehouse.environment import DatabaseEnvironment
from lakehouse.errors import LocalError, SourceError, SourceUnavailableError
from lambdas import database
from local.seams.rds_instances import Instances, stop_leftovers
from tests.integration.source.conftest import refusal

REGION, ACCOUNT = "eu-central-1", "123456789012"
_LAUNCH = """
import sys
from pathlib import Path
from ministack import app
from local.seams import rds
rds.install(Path(sys.argv.pop()))
app.main()
"""
_TEMPLATE = {
    "Resources": {
        "Database": {
            "Type": "AWS::RDS::DBInstance",
            "DeletionPolicy": "Delete",
            "Properties": {
                "DBInstanceIdentifier": "by-template",
                "Engine": "postgres",
                "DBInstanceClass": "db.t4g.micro",
                "AllocatedStorage": "20",
                "DBName": "orders",
                "MasterUsername": "shop_admin",
                "MasterUserPassword": "first-password",
                "EnableIAMDatabaseAuthentication": True,
            },
        }
    },
    "Outputs": {
        "Host": {"Value": {"Fn::GetAtt": ["Database", "Endpoint.Address"]}},
        "Port": {"Value": {"Fn::GetAtt": ["Database", "Endpoint.Port"]}},
    },
}


@pytest.fixture(scope="module")
def rds_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rds")


@pytest.fixture(scope="module")
def aws(rds_state: Path) -> Iterator[boto3.Session]:
    """The root's session at an emulator that enforces IAM, named by `AWS_ENDPOINT_URL`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = {"AWS_ACCESS_KEY_ID": "AKIAROOTROOTROOTROOT", "AWS_SECRET_ACCESS_KEY": "root-secret"}
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **root,
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "false",
        "SFTP_ENABLED": "false",
        "LOG_LEVEL": "WARNING",
    }
    process = subprocess.Popen([sys.executable, "-c", _LAUNCH, str(rds_state)], env=environment)
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    patch.setenv("AWS_DEFAULT_REGION", REGION)
    try:
        deadline = time.monotonic() + 30
        while _is_closed(port):
            assert process.poll() is None, "the emulator did not start"
            assert time.monotonic() < deadline, "the emulator does not answer"
            time.sleep(0.1)
        yield boto3.Session(root["AWS_ACCESS_KEY_ID"], root["AWS_SECRET_ACCESS_KEY"])
    finally:
        patch.undo()
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        left = stop_leftovers(rds_state)
        assert left == 0, "the emulator left PostgreSQL running"


@pytest.fixture(scope="module")
def instance(aws: boto3.Session) -> dict[str, Any]:
    created = aws.client("rds").create_db_instance(
        DBInstanceIdentifier="by-api",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        DBName="orders",
        MasterUsername="shop_admin",
        MasterUserPassword="secret-password",
        EnableIAMDatabaseAuthentication=True,
    )["DBInstance"]
    with pg8000.native.Connection(**_by_dsn(aws, created, "secret-password")) as admin:
        admin.run("CREATE ROLE reader LOGIN")
        admin.run("CREATE ROLE other LOGIN")
        admin.run("GRANT rds_iam TO reader, other")
    return dict(created)


def _by_dsn(aws: boto3.Session, instance: dict[str, Any], password: str) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=os.environ[database.CA_FILE_VARIABLE])
    return {
        "user": instance["MasterUsername"],
        "password": password,
        "host": instance["Endpoint"]["Address"],
        "port": instance["Endpoint"]["Port"],
        "database": instance["DBName"],
        "ssl_context": context,
    }


@pytest.fixture(scope="module", autouse=True)
def authority(rds_state: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(database.CA_FILE_VARIABLE, str(rds_state / "ca.pem"))
        yield


@pytest.fixture(scope="module")
def role(aws: boto3.Session, instance: dict[str, Any]) -> dict[str, str]:
    """Credentials of a role that may connect as `reader`, and as nobody else."""
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    made = iam.create_role(
        RoleName="reader", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )["Role"]
    resource = f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:{instance['DbiResourceId']}/reader"
    allow = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}
    iam.put_role_policy(
        RoleName="reader",
        PolicyName="connect",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    keys = aws.client("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="test")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def _target(instance: dict[str, Any], user: str) -> DatabaseEnvironment:
    return DatabaseEnvironment(
        database_host=instance["Endpoint"]["Address"],
        database_port=instance["Endpoint"]["Port"],
        database_name=instance["DBName"],
        database_user=user,
    )


@pytest.fixture
def as_role(role: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in role.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return monkeypatch


def test_a_real_token_of_an_allowed_role_lets_in(
    instance: dict[str, Any], as_role: pytest.MonkeyPatch
) -> None:
    connection = database.connect(_target(instance, "reader"), "test", 10)
    assert connection.run("SELECT current_user") == [["reader"]]
    connection.close()


def test_the_policy_decides_which_user(
    instance: dict[str, Any], as_role: pytest.MonkeyPatch
) -> None:
    assert 'PAM authentication failed for user "other"' in _refused(_target(instance, "other"))


def test_a_token_with_a_wrong_signature_is_refused(
    instance: dict[str, Any], as_role: pytest.MonkeyPatch
) -> None:
    as_role.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    assert "PAM authentication failed" in _refused(_target(instance, "reader"))


def test_a_token_for_another_endpoint_is_refused(
    instance: dict[str, Any], as_role: pytest.MonkeyPatch
) -> None:
    good = _target(instance, "reader")
    other = good.model_copy(update={"database_port": good.database_port + 1})
    token = database.auth_token(other)
    as_role.setattr(database, "auth_token", lambda target: token)
    assert "PAM authentication failed" in _refused(good)


def test_other_programs_find_the_instance(instance: dict[str, Any], rds_state: Path) -> None:
    told = json.loads((rds_state / "by-api.json").read_text())
    assert told.keys() == {"dsn", "front_port", "backend_port", "ca_file", "pid"}
    assert told["front_port"] == instance["Endpoint"]["Port"]
    assert told["dsn"] == (
        f"postgresql://shop_admin:secret-password@127.0.0.1:{told['backend_port']}/orders"
    )
    os.kill(told["pid"], 0)
    assert Path(told["ca_file"]) == rds_state / "ca.pem"


def test_stop_start_and_reboot_are_real(
    aws: boto3.Session, instance: dict[str, Any], as_role: pytest.MonkeyPatch
) -> None:
    rds = aws.client("rds")
    target = _target(instance, "reader")
    live = database.connect(target, "test", 10)
    rds.stop_db_instance(DBInstanceIdentifier="by-api")
    _is_dead(live)
    said = _refused(target, SourceUnavailableError)
    assert said.startswith(
        f"database 'orders' at localhost:{target.database_port} refused 'reader'"
    )
    rds.start_db_instance(DBInstanceIdentifier="by-api")
    live = database.connect(target, "test", 10)
    rds.reboot_db_instance(DBInstanceIdentifier="by-api")
    deadline = time.monotonic() + 20
    while _status(aws) != "available":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    _is_dead(live)
    database.connect(target, "test", 10).close()


def test_a_new_master_password_counts(aws: boto3.Session, instance: dict[str, Any]) -> None:
    aws.client("rds").modify_db_instance(
        DBInstanceIdentifier="by-api", MasterUserPassword="another-one", ApplyImmediately=True
    )
    with pg8000.native.Connection(**_by_dsn(aws, instance, "another-one")) as admin:
        assert admin.run("SELECT 1") == [[1]]


def test_a_template_makes_and_removes_a_real_one(aws: boto3.Session, rds_state: Path) -> None:
    formation = aws.client("cloudformation")
    formation.create_stack(StackName="source", TemplateBody=json.dumps(_TEMPLATE))
    formation.get_waiter("stack_create_complete").wait(
        StackName="source", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    (stack,) = formation.describe_stacks(StackName="source")["Stacks"]
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    assert outputs["Host"] == "localhost"
    told = json.loads((rds_state / "by-template.json").read_text())
    assert int(outputs["Port"]) == told["front_port"]
    formation.delete_stack(StackName="source")
    formation.get_waiter("stack_delete_complete").wait(
        StackName="source", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    assert not (rds_state / "by-template").exists()
    assert not (rds_state / "by-template.json").exists()
    for port in (told["backend_port"], told["front_port"]):
        assert _is_closed(port)


def test_a_server_that_does_not_start_is_a_clear_error(state: Path) -> None:
    instances = Instances(state, lambda *_: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (state / "busy.json").write_text(json.dumps({"backend_port": taken.getsockname()[1]}))
        with pytest.raises(LocalError, match="Address already in use"):
            instances.create(
                {
                    "DBInstanceIdentifier": "busy",
                    "DBName": "orders",
                    "MasterUsername": "admin_user",
                    "_MasterUserPassword": "x",
                    "Endpoint": {},
                }
            )


def _refused(target: DatabaseEnvironment, failure: type[Exception] = SourceError) -> str:
    return refusal(failure, lambda: database.connect(target, "test", 10))


def _is_dead(connection: pg8000.native.Connection) -> None:
    with pytest.raises((pg8000.exceptions.Error, OSError)):
        connection.run("SELECT 1")
    with contextlib.suppress(pg8000.exceptions.InterfaceError):
        connection.close()


def _is_closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _status(aws: boto3.Session) -> str:
    found = aws.client("rds").describe_db_instances(DBInstanceIdentifier="by-api")
    return str(found["DBInstances"][0]["DBInstanceStatus"])
