"""Renders docs/permissions.md from synthesized templates: who may do what on what, and why.

python -m stacks.permissions .local/cdk.out
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lakehouse.settings import APP

Templates = dict[str, dict[str, Any]]

_HEAD = """# Permissions

Rendered by `make permissions` from the templates, and kept equal to them by a test: the roles of
every stage hold these statements, and the emptier is only where the data may die. `<Name>` is a
resource of the templates; ARNs are shortened to service and resource. A statement's name says what
it is for.

Who deploys takes the roles of the account's CDK bootstrap stack (`cdk-hnb659fds-…-role-…`), which
these templates neither make nor widen; CloudFormation itself acts with its execution role. To
delete an object of an immutable bronze, a principal must carry the tag `break-glass` = `bronze`.

## Roles
"""
_HOSTED_HEAD = """
## Roles with a host of the dashboard

Of App Runner, as the `local` stage has it and with Cognito's sign-in, then of Fargate. A role of
above that stands here too differs in who may take it, or in what the sign-in asks for.
"""
_DELIVERY_HEAD = """
## Roles of the delivery

Of GitHub's jobs, in [a stack of their own](delivery.md): as in an account that holds one stage and
knows GitHub already, for the repository `OWNER/NAME`. A role may be taken with a token of GitHub's
that says what is asked for here, and by nobody else.
"""
_TRIED_HEAD = """
## Tried without

Each statement was taken away from its role in the local AWS, where IAM is enforced, and what needs
it was run; then it was put back. All {count} statements were denied so, each after the same had
passed with the statement in place. To do it again: `make test-permissions`. A test holds that no
statement is without its row.

Athena's catalog and X-Ray are asked for where AWS's documents say that Step Functions does.

GitHub's jobs take their roles with a token whose claims are held against the role's trust; who
signed it nobody checks there. No ECS runs there: its calls are made with the role as it makes them.
Cognito has a pool and its client there, but no page to sign in: the dashboard's code looks the
client up with its role.

| role | statement | what was run | denied | how that is told |
|---|---|---|---|---|
"""
TRIED = Path(__file__).parent.parent / "docs" / "permissions-tried.json"
"""What `make test-permissions` has found, a row for each statement."""
_POLICIES = {
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::EC2::VPCEndpoint": "PolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
}


def read(folder: Path) -> Templates:
    """The templates of one stage by stack."""
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text())
        for path in sorted(folder.glob("*.template.json"))
    }


def page(assemblies: Path) -> str:
    """The whole document: the roles of `dev`, what others have besides, policies of `prod`.

    `local` has a host of the dashboard, another one in `sign-in` and in `fargate`; `delivery` is of
    no stage.
    """
    head = "\n## Resources of `prod`\n"
    told = list(roles(read(assemblies / "dev"), "dev"))
    parts = [_HEAD, *told]
    hosted = ("local", "sign-in", "fargate")
    for heading, names in ((_HOSTED_HEAD, hosted), (_DELIVERY_HEAD, ("delivery",))):
        parts.append(heading)
        for name in names:
            besides = [one for one in roles(read(assemblies / name), "local") if one not in told]
            told += besides
            parts += besides
    parts.append(head)
    return "\n".join([*parts, _resources(read(assemblies / "prod"), "prod"), _tried_table()])


def tried() -> list[dict[str, Any]]:
    """The rows of `TRIED`: role, statement, its actions, and what came of its absence."""
    rows: list[dict[str, Any]] = json.loads(TRIED.read_text()) if TRIED.is_file() else []
    return rows


def _tried_table() -> str:
    rows, lines = tried(), []
    for row in rows:
        denied = ", ".join(f"`{action}`" for action in row["denied"])
        role = row["role"].partition(":")[0]
        cells = [role, row["statement"], row["ran"], denied, row["told"]]
        lines.append(f"| {' | '.join(cells)} |")
    return _TRIED_HEAD.format(count=len(rows)) + "\n".join(lines) + "\n"


def roles(templates: Templates, stage: str) -> Iterator[str]:
    """Each role, who may take it and its statements."""
    for stack, template in templates.items():
        resources = template["Resources"]
        for role_id, resource in resources.items():
            if resource["Type"] != "AWS::IAM::Role":
                continue
            role = resource["Properties"]
            takers = ", ".join(_takers(role["AssumeRolePolicyDocument"], stage))
            head = f"### {title(role['Description'], stage)}\n\nStack {stack}, taken by {takers}.\n"
            yield f"{head}\n{_table(of_role(resources, role_id), stage)}"


def _takers(trust: dict[str, Any], stage: str) -> Iterator[str]:
    for statement in trust["Statement"]:
        condition = _condition(statement.get("Condition", {}), stage)
        only_if = f" (only if {condition})" if condition else ""
        for taker in statement["Principal"].values():
            yield f"`{plain(taker, stage)}`{only_if}"


def statements(templates: Templates, stage: str) -> dict[tuple[str, str], list[str]]:
    """The actions of each statement of each role, by the role's title and the statement's Sid."""
    return {
        (title(resource["Properties"]["Description"], stage), statement["Sid"]): sorted(
            _several(statement["Action"])
        )
        for template in templates.values()
        for role_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
        for statement in of_role(template["Resources"], role_id)
    }


def title(description: str, stage: str) -> str:
    """How a role is called here: its description, without a schedule's times."""
    return re.split(r": (?:rate|cron)\(", plain(description, stage))[0]


def of_role(resources: dict[str, Any], role_id: str) -> Iterator[dict[str, Any]]:
    """The statements of one role, wherever they are attached."""
    role = resources[role_id]["Properties"]
    for inline in role.get("Policies", []):
        yield from inline["PolicyDocument"]["Statement"]
    for resource in resources.values():
        if resource["Type"] == "AWS::IAM::Policy" and {"Ref": role_id} in (
            resource["Properties"].get("Roles", [])
        ):
            yield from resource["Properties"]["PolicyDocument"]["Statement"]
    for managed in role.get("ManagedPolicyArns", []):
        yield {"Sid": "ManagedPolicy", "Effect": "Allow", "Action": "*", "Resource": managed}


def _resources(templates: Templates, stage: str) -> str:
    told = []
    for stack, template in templates.items():
        for name, resource in template["Resources"].items():
            document = resource.get("Properties", {}).get(_POLICIES.get(resource["Type"], ""))
            if document:
                kind = resource["Type"].removeprefix("AWS::").replace("::", " ")
                told.append(f"### {_bare(name)}\n\nStack {stack}, {kind}.\n")
                told.append(_table(document["Statement"], stage))
    return "\n".join(told)


def _table(statements: Any, stage: str) -> str:
    lines = ["| what for | actions | on | only if |", "|---|---|---|---|"]
    for statement in statements:
        not_allowed = "**denied:** " if statement["Effect"] == "Deny" else ""
        cells = (
            statement.get("Sid", ""),
            not_allowed + _codes(statement["Action"], stage),
            _codes(statement["Resource"], stage),
            _condition(statement.get("Condition", {}), stage),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _codes(values: Any, stage: str) -> str:
    return ", ".join(sorted(f"`{plain(value, stage)}`" for value in _several(values)))


def _several(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


def _condition(condition: dict[str, dict[str, Any]], stage: str) -> str:
    return "; ".join(
        f"`{key}` {operator} {_codes(value, stage)}"
        for operator, keys in condition.items()
        for key, value in keys.items()
    )


def plain(value: Any, stage: str) -> str:
    """A template's value as one word: resources as `<Name>`, ARNs without partition and account."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "<digest>", _resolved(value))
    text = re.sub(r"(<AWS::AccountId>|-dashboard)-[a-z]{2}(-[a-z]+)+-\d", r"\1-<AWS::Region>", text)
    for name in (f"{APP}-{stage}", f"{APP}_{stage}", f"environment:{stage}"):
        text = text.replace(name, name.replace(stage, "<stage>"))
    return re.sub(
        r"arn:(?:<AWS::Partition>|aws):([\w-]+):(?:<AWS::Region>|[\w-]*):(?:<AWS::AccountId>)?:",
        r"\1:",
        text,
    )


def _resolved(value: Any) -> str:
    match value:
        case {"Ref": name}:
            return f"<{_bare(name)}>"
        case {"Fn::GetAtt": [name, _]}:
            return f"<{_bare(name)}>"
        case {"Fn::ImportValue": exported}:
            found = re.search(r"ExportsOutput(?:Ref|FnGetAtt)(\w+)", exported)
            assert found, exported
            return f"<{_bare(re.split('(?<=[0-9A-F]{8})', found[1])[0])}>"
        case {"Fn::Join": [separator, [*parts]]}:
            return str(separator).join(_resolved(part) for part in parts)
        case {"Fn::Join": [_, {"Fn::Split": [separator, whole]}]}:
            return f"{_resolved(whole)[:-1]} without {separator}>"
        case {"Fn::Sub": text}:
            return re.sub(r"\$\{([^}]+)\}", r"<\1>", text)
        case str():
            return value
    raise ValueError(f"no plain word for {value!r}")


def _bare(logical_id: str) -> str:
    return re.sub(r"[0-9A-F]{8}$", "", logical_id)


if __name__ == "__main__":
    sys.stdout.write(page(Path(sys.argv[1])))
