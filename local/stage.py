"""The stage of the local account, and its contracts: the repository's, or an own database's.

`make up SOURCE=postgresql://… CONTRACTS=folder` writes the stage `local` anew with that database as
its existing source; the file lives and goes with the account's state.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from lakehouse.contract import TableContract, load_contracts
from lakehouse.errors import LocalError
from lakehouse.settings import DIRECTORY, Stage, load_stage
from lakehouse.validation import check_contracts
from local import layout
from local.account import Account

STAGES: Final = layout.STATE / "stages"
"""Where the stage file of an own database lies."""
HOSTED: Final = {
    "sign-in": {"sign_in": "cognito"},
    "fargate": {
        "host": "fargate",
        "domain": "figures.example.com",
        "certificate": f"arn:aws:acm:{layout.REGION}:{layout.ACCOUNT}:certificate/0001",
    },
}
"""Settings of a dashboard as no stage has it: with sign-in on App Runner, and on Fargate."""
_SECRET: Final = f"lakehouse-{layout.STAGE}/source/existing"
_NO_CEILING: Final = 1_000_000
_POSTGRESQL: Final = ("postgresql", "postgres")


def directory() -> Path:
    """The folder of the local stage's file."""
    return STAGES if (STAGES / f"{layout.STAGE}.toml").is_file() else DIRECTORY


def local_stage() -> Stage:
    """The stage of the local account."""
    return load_stage(layout.STAGE, directory())


def local_contracts() -> dict[str, TableContract]:
    """The contracts of the local account's tables."""
    return load_contracts(local_stage().contracts)


def check_source(dsn: str, contracts: str | None) -> None:
    """Raises one line where an own database can't be used as it is said."""
    parts = urlsplit(dsn)
    if parts.scheme not in _POSTGRESQL or not parts.hostname or not parts.path.strip("/"):
        raise LocalError("SOURCE is no postgresql://user:password@host:port/database")
    if not parts.username:
        raise LocalError("SOURCE names no user; write postgresql://user:password@host/database")
    if not contracts:
        raise LocalError(
            "SOURCE needs CONTRACTS=, the folder of its tables' contracts; make contracts writes it"
        )
    check_contracts(Path(contracts).resolve())


def use_source(account: Account, dsn: str, contracts: str) -> Stage:
    """Keeps the password in Secrets Manager and writes the stage; returns it."""
    parts = urlsplit(dsn)
    host = parts.hostname or ""
    secret = _keep(account, unquote(parts.password or ""))
    existing = {
        "host": host,
        "port": parts.port or 5432,
        "database": unquote(parts.path.strip("/")),
        "user": unquote(parts.username or ""),
        "auth": "secret",
        "secret": secret,
        "tls": "off" if host in ("127.0.0.1", "localhost", "::1") else "verify-full",
    }
    document = _document()
    document["source"] = {"contracts": str(Path(contracts).resolve()), "existing": existing}
    document["generator"]["enabled"] = False
    # nobody pays for a laptop, however many tables are looked at each minute
    document["cost"]["monthly_ceiling_usd"] = _NO_CEILING
    _write(STAGES, document)
    return local_stage()


def write_hosted(folder: Path, host: str) -> None:
    """The repository's stage `local` into `folder`, with its dashboard on one of HOSTED."""
    document = _document()
    document["dashboard"] |= HOSTED[host]
    _write(folder, document)


def _document() -> dict[str, Any]:
    return tomllib.loads((DIRECTORY / f"{layout.STAGE}.toml").read_text())


def _write(folder: Path, document: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{layout.STAGE}.toml").write_text(_toml(document))


def _keep(account: Account, password: str) -> str:
    secrets = account.client("secretsmanager")
    try:
        made = secrets.create_secret(Name=_SECRET, SecretString=password)
    except secrets.exceptions.ResourceExistsException:
        made = secrets.put_secret_value(SecretId=_SECRET, SecretString=password)
    arn: str = made["ARN"]
    return arn


def _toml(document: Mapping[str, Any], path: str = "") -> str:
    """A document of nested tables; TOML's texts and numbers are JSON's."""
    plain = {name: value for name, value in document.items() if not isinstance(value, dict)}
    lines = [f"[{path}]"] if path and plain else []
    lines += [f"{name} = {json.dumps(value)}" for name, value in plain.items()]
    nested = [
        _toml(value, f"{path}.{name}" if path else name)
        for name, value in document.items()
        if isinstance(value, dict)
    ]
    return "\n".join([*lines, "", *nested])
