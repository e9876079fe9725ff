"""RDS: a PostgreSQL instance is a real one, and its endpoint asks for TLS and IAM tokens.

    CreateDBInstance, AWS::RDS::DBInstance  -> a cluster of its own, and a front on a free port
    Stop, Start, RebootDBInstance           -> the server and its front stop and start
    DeleteDBInstance, deletion of the stack -> both are gone, data included

Other engines and Aurora stay as the emulator has them.
"""

import atexit
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator, rds_iam
from ministack.core.responses import request_scope
from ministack.services import rds
from ministack.services.cloudformation import provisioners

from lakehouse.errors import LocalError
from local.seams.contract import Seam, check
from local.seams.rds_instances import Instances, stop_leftovers

__all__ = ["CA_FILE_VARIABLE", "SEAMS", "install", "stop_leftovers"]

logger = logging.getLogger(__name__)

CA_FILE_VARIABLE = "PGSSLROOTCERT"
"""Where PostgreSQL clients, the Lambdas among them, look for the authority they trust."""
_TYPE = "AWS::RDS::DBInstance"
Response = tuple[int, dict[str, str], bytes]
Action = Callable[[dict[str, Any]], Response]

SEAMS = (
    Seam(rds, "_create_db_instance", ("p",)),
    Seam(rds, "_delete_db_instance", ("p",)),
    Seam(rds, "_start_db_instance", ("p",)),
    Seam(rds, "_stop_db_instance", ("p",)),
    Seam(rds, "_finish_instance_reboot", ("instance", "cluster")),
    Seam(rds, "_rotate_instance_password", ("instance", "old_pass", "new_pass")),
    Seam(rds, "_start_rds_container_for_instance", ("db_id", "instance")),
    Seam(rds, "_single_instance_response", ("root_tag", "result_tag", "instance")),
    Seam(rds, "_resolve_instance", ("db_id",)),
    Seam(rds, "_error", ("code", "message", "status")),
    Seam(rds, "_p", ("params", "key", "default")),
    Seam(rds, "reset", ()),
    Seam(provisioners, "_rds_db_instance_create", ("logical_id", "props", "stack_name")),
    Seam(provisioners, "_rds_db_instance_update",
         ("physical_id", "old_props", "new_props", "stack_name", "logical_id")),
    Seam(provisioners, "_rds_db_instance_delete", ("physical_id", "props")),
    Seam(provisioners, "_rds_db_instance_attrs", ("instance",)),
    Seam(rds_iam, "verify_rds_iam_token",
         ("token", "hostname", "port", "db_user", "region", "account_id")),
    Seam(iam_evaluator, "resolve_principal", ("access_key_id", "account_id", "credential")),
    Seam(iam_evaluator, "evaluate", ("ctx", "policies", "limits")),
)  # fmt: skip


def install(state_directory: Path) -> Instances:
    """Puts PostgreSQL behind RDS; data, certificates and `<db id>.json` lie in `state_directory`.

    Raises LocalError naming the seam when the emulator is not the version this was written for.
    """
    check(SEAMS)
    instances = Instances(state_directory, _verify)
    os.environ[CA_FILE_VARIABLE] = str(instances.ca_file)
    _install_actions(instances)
    _install_cloudformation(instances)
    atexit.register(instances.stop_all)
    return instances


def _install_actions(instances: Instances) -> None:
    create, delete = rds._create_db_instance, rds._delete_db_instance
    start, stop = rds._start_db_instance, rds._stop_db_instance
    finish_reboot, reset = rds._finish_instance_reboot, rds.reset
    resume, rotate = rds._start_rds_container_for_instance, rds._rotate_instance_password

    def create_db_instance(p: dict[str, Any]) -> Response:
        response: Response = create(p)
        instance = rds._instances.get(rds._p(p, "DBInstanceIdentifier"))
        if response[0] != 200 or not _is_ours(instance):
            return response
        try:
            instances.create(instance)
        except LocalError as failed:
            del rds._instances[instance["DBInstanceIdentifier"]]
            return _failure(failed)
        # Told again: the endpoint is known only now.
        return _single("CreateDBInstance", instance)

    def delete_db_instance(p: dict[str, Any]) -> Response:
        instance = rds._resolve_instance(rds._p(p, "DBInstanceIdentifier"))
        response: Response = delete(p)
        if response[0] == 200 and _is_ours(instance):
            instances.delete(instance)
        return response

    def acting(verb: str, original: Action, act: Callable[[dict[str, Any]], None]) -> Action:
        def action(p: dict[str, Any]) -> Response:
            instance = rds._resolve_instance(rds._p(p, "DBInstanceIdentifier"))
            if _is_ours(instance):
                try:
                    act(instance)
                except LocalError as failed:
                    instance["DBInstanceStatus"] = "failed"
                    return _failure(failed)
            return original(p)

        action.__name__ = verb
        return action

    def finish_instance_reboot(instance: dict[str, Any], cluster: Any) -> None:
        if _is_ours(instance):
            try:
                instances.restart(instance)
            except LocalError:
                logger.exception("reboot of %s failed", instance["DBInstanceIdentifier"])
                instance["DBInstanceStatus"] = "failed"
        finish_reboot(instance, cluster)

    def resume_instance(db_id: str, instance: dict[str, Any]) -> None:
        """The emulator came back with its state: the instance goes on with its data."""
        if _is_ours(instance) and instance.get("DBInstanceStatus") != "stopped":
            instances.create(instance)
        resume(db_id, instance)

    def rotate_password(instance: dict[str, Any], old: str, new: str) -> None:
        if _is_ours(instance):
            instances.set_password(instance, new)
        else:
            rotate(instance, old, new)

    def reset_all() -> None:
        instances.delete_all()
        reset()

    rds._finish_instance_reboot = finish_instance_reboot
    rds._start_rds_container_for_instance = resume_instance
    rds._rotate_instance_password = rotate_password
    rds.reset = reset_all
    rds._ACTION_MAP.update(
        CreateDBInstance=create_db_instance,
        DeleteDBInstance=delete_db_instance,
        StartDBInstance=acting("start_db_instance", start, instances.start),
        StopDBInstance=acting("stop_db_instance", stop, instances.stop),
    )


def _install_cloudformation(instances: Instances) -> None:
    create = provisioners._rds_db_instance_create
    delete = provisioners._rds_db_instance_delete
    update = provisioners._RESOURCE_HANDLERS[_TYPE]["update"]

    def create_resource(
        logical_id: str, props: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        created: tuple[str, dict[str, Any]] = create(logical_id, props, stack_name)
        instance = rds._instances[created[0]]
        if not _is_ours(instance):
            return created
        try:
            instances.create(instance)
        except LocalError:
            delete(created[0], props)
            raise
        return created[0], provisioners._rds_db_instance_attrs(instance)

    def delete_resource(physical_id: str, props: dict[str, Any]) -> None:
        instance = rds._instances.get(physical_id)
        delete(physical_id, props)
        if _is_ours(instance):
            instances.delete(instance)

    def update_resource(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **named: Any
    ) -> tuple[str, dict[str, Any]]:
        updated: tuple[str, dict[str, Any]] = update(physical_id, old, new, *rest, **named)
        instance = rds._instances.get(updated[0])
        password = new.get("MasterUserPassword")
        if _is_ours(instance) and updated[0] == physical_id and password is not None:
            instances.set_password(instance, password)
        return updated

    # By name for updates that replace the instance, in the table for everything else.
    provisioners._rds_db_instance_create = create_resource
    provisioners._rds_db_instance_delete = delete_resource
    provisioners._RESOURCE_HANDLERS[_TYPE].update(
        create=create_resource, update=update_resource, delete=delete_resource
    )


def _verify(instance: dict[str, Any], user: str, token: str) -> str | None:
    """Judges an IAM token as RDS does: signature, age, endpoint, and `rds-db:connect`."""
    if instance.get("IAMDatabaseAuthenticationEnabled") is not True:
        return "IAM database authentication is not enabled on the instance"
    _, _, _, region, account, *_ = instance["DBInstanceArn"].split(":")
    endpoint = instance["Endpoint"]
    verified = rds_iam.verify_rds_iam_token(
        token,
        hostname=endpoint["Address"],
        port=endpoint["Port"],
        db_user=user,
        region=region,
        account_id=account,
    )
    if isinstance(verified, rds_iam.RdsIamTokenError):
        return str(verified.code)
    arn = f"arn:aws:rds-db:{region}:{account}:dbuser:{instance['DbiResourceId']}/{user}"
    with request_scope(account, region):
        principal = iam_evaluator.resolve_principal(verified.access_key_id, account)
        if isinstance(principal, iam_evaluator.AuthError):
            return str(principal.code)
        if principal.policies is None:
            return None
        context = iam_evaluator.EvalContext(
            principal_arn=principal.arn,
            principal_type=principal.type,
            principal_account=account,
            action="rds-db:connect",
            resource_arn=arn,
            region=region,
            principal_keys=principal.keys,
        )
        result = iam_evaluator.evaluate(context, principal.policies, *principal.limits)
    return (
        None if result.decision == "Allow" else f"{principal.arn} may not rds-db:connect to {arn}"
    )


def _is_ours(instance: dict[str, Any] | None) -> bool:
    return (
        instance is not None
        and instance.get("Engine") == "postgres"
        and not instance.get("DBClusterIdentifier")
    )


def _single(action: str, instance: dict[str, Any]) -> Response:
    told: Response = rds._single_instance_response(f"{action}Response", f"{action}Result", instance)
    return told


def _failure(failed: LocalError) -> Response:
    # 400, not 500: a client would try again, and the cause does not go away by that.
    error: Response = rds._error("InternalFailure", str(failed).replace("<", "("), 400)
    return error
