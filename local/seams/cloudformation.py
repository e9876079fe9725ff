"""CloudFormation: types and attributes that the templates use and the emulator does not know."""

import json
from typing import Any

from ministack.services import budgets, ec2
from ministack.services.cloudformation import provisioners

from local.seams.contract import Seam, check

SEAMS = (
    Seam(budgets, "_create_budget", ("data",)),
    Seam(budgets, "_update_budget", ("data",)),
    Seam(budgets, "_delete_budget", ("data",)),
    Seam(provisioners, "_cognito_user_pool_attributes", ("pid",)),
)

_TYPES = {
    "AWS::EC2::SecurityGroupIngress": "IpPermissions",
    "AWS::EC2::SecurityGroupEgress": "IpPermissionsEgress",
}


def install() -> None:
    """Registers create, update and delete of each missing type, and adds the missing attribute."""
    check(SEAMS)
    attributes = provisioners._cognito_user_pool_attributes

    def with_issuer(pid: str) -> dict[str, str]:
        found: dict[str, str] = attributes(pid)
        return {**found, "ProviderURL": f"https://{found['ProviderName']}"}

    provisioners._cognito_user_pool_attributes = with_issuer
    provisioners._RESOURCE_HANDLERS["AWS::Budgets::Budget"] = {
        "create": create_budget,
        "update": update_budget,
        "delete": delete_budget,
    }
    provisioners._RESOURCE_HANDLERS["AWS::Logs::QueryDefinition"] = {
        # Nobody asks the local logs by it; the console of an account does.
        "create": lambda logical_id, _properties, stack_name: (f"{stack_name}-{logical_id}", {}),
        "update": lambda physical_id, _old, _new, _stack: (physical_id, {}),
        "delete": lambda _physical_id, _properties: None,
    }
    for resource_type, direction in _TYPES.items():
        provisioners._RESOURCE_HANDLERS[resource_type] = _rule_handlers(direction)


def _rule_handlers(direction: str) -> dict[str, Any]:
    peer = "SourceSecurityGroupId" if direction == "IpPermissions" else "DestinationSecurityGroupId"

    def permission(properties: dict[str, Any]) -> dict[str, Any]:
        groups = [{"GroupId": properties[peer]}] if properties.get(peer) else []
        ranges = [{"CidrIp": properties["CidrIp"]}] if properties.get("CidrIp") else []
        return {
            "IpProtocol": properties["IpProtocol"],
            "FromPort": int(properties.get("FromPort", -1)),
            "ToPort": int(properties.get("ToPort", -1)),
            "UserIdGroupPairs": groups,
            "IpRanges": ranges,
            "Ipv6Ranges": [],
            "PrefixListIds": [],
        }

    def create(
        logical_id: str, properties: dict[str, Any], _stack: str
    ) -> tuple[str, dict[str, Any]]:
        group = ec2._security_groups[properties["GroupId"]]
        group[direction].append(permission(properties))
        return f"{properties['GroupId']}/{direction}/{logical_id}", {}

    def delete(_physical_id: str, properties: dict[str, Any]) -> None:
        group = ec2._security_groups.get(properties.get("GroupId"))
        rule = permission(properties)
        if group and rule in group[direction]:
            group[direction].remove(rule)

    def update(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        delete(physical_id, old)
        return create(physical_id.rsplit("/", 1)[-1], new, stack_name)

    return {"create": create, "update": update, "delete": delete}


def create_budget(
    logical_id: str, properties: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    """A budget under the name that CloudFormation gives it, unless it has one."""
    name = properties["Budget"].get("BudgetName") or f"{stack_name}-{logical_id}"
    _done(budgets._create_budget(_request(properties, name)))
    return name, {}


def update_budget(
    physical_id: str, old: dict[str, Any], new: dict[str, Any], _stack: str
) -> tuple[str, dict[str, Any]]:
    """Another limit is changed in place; other notifications or another name make it anew."""
    name = new["Budget"].get("BudgetName") or physical_id
    replaced = "NotificationsWithSubscribers", "ResourceTags"
    if name == physical_id and all(old.get(key) == new.get(key) for key in replaced):
        _done(budgets._update_budget({"NewBudget": _request(new, name)["Budget"]}))
    else:
        delete_budget(physical_id, old)
        _done(budgets._create_budget(_request(new, name)))
    return name, {}


def delete_budget(physical_id: str, _properties: dict[str, Any]) -> None:
    """Harmless when it is gone."""
    if physical_id in budgets._budgets:
        _done(budgets._delete_budget({"BudgetName": physical_id}))


def _request(properties: dict[str, Any], name: str) -> dict[str, Any]:
    """As the service's API takes it: amounts are texts there."""
    budget = properties["Budget"] | {"BudgetName": name}
    if limit := budget.get("BudgetLimit"):
        budget["BudgetLimit"] = limit | {"Amount": str(limit["Amount"])}
    return properties | {"Budget": budget}


def _done(response: tuple[int, dict[str, str], bytes]) -> None:
    """Raises what the service answers, so that the stack fails with it."""
    status, _, body = response
    if status != 200:
        told = json.loads(body)
        raise ValueError(f"AWS::Budgets::Budget: {told.get('message') or told.get('Message')}")
