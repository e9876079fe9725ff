"""CloudFormation: resource types that the templates use and the emulator does not know."""

from typing import Any

from ministack.services import ec2
from ministack.services.cloudformation import provisioners

_TYPES = {
    "AWS::EC2::SecurityGroupIngress": "IpPermissions",
    "AWS::EC2::SecurityGroupEgress": "IpPermissionsEgress",
}


def install() -> None:
    """Registers create, update and delete of each missing type."""
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
