"""Stage settings: one TOML file per stage says all in which one deployment differs from another."""

import platform
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from lakehouse.errors import ConfigurationError
from lakehouse.validation import check

APP = "lakehouse"
DIRECTORY = Path(__file__).parent.parent / "stages"

Schedule = Annotated[str, Field(pattern=r"^(rate\(\d+ (minute|minutes|hour|hours)\)|cron\(.+\))$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExistingSource(_Section):
    """A PostgreSQL that is there already: the stage makes no instance, no role and no traffic."""

    host: str = Field(min_length=1)
    port: int = Field(default=5432, ge=1, le=65535)
    database: str = Field(min_length=1)
    user: str = Field(min_length=1)
    """Who the ingest logs in as; it needs to read the tables, and `pg_read_all_stats`."""
    auth: Literal["iam", "secret"]
    """`iam`: by tokens that are signed offline (RDS, Aurora). `secret`: by what `secret` holds."""
    resource: str | None = Field(default=None, pattern=r"^(db|cluster|prx)-[A-Za-z0-9-]+$")
    """Of RDS, its resource id, which `iam` is allowed for."""
    secret: str | None = Field(default=None, pattern=r"^arn:aws[a-z-]*:secretsmanager:")
    """ARN of a secret: JSON with a `password`, as RDS keeps it, or the bare password."""
    security_group: str | None = Field(default=None, pattern=r"^sg-[0-9a-f]{8,17}$")
    """The database's; it is opened for the ingest, and for nothing else."""
    instance: str | None = None
    """Of RDS, its identifier; its storage and its sessions then have their alarms."""
    tls: Literal["verify-full", "off"] = "verify-full"
    """`off` only where the connection does not leave the machine."""

    @property
    def is_near(self) -> bool:
        """Whether it is on the machine that the ingest runs on."""
        return self.host in ("127.0.0.1", "localhost", "::1")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        wanted = "resource" if self.auth == "iam" else "secret"
        if getattr(self, wanted) is None:
            raise ValueError(f'auth = "{self.auth}" needs {wanted}')
        if self.tls == "off" and not self.is_near:
            raise ValueError(
                f'tls = "off" sends the data of {self.host} readable through the network; '
                "let the server have a certificate and remove it"
            )
        return self


class SourceSettings(_Section):
    """The PostgreSQL instance, and what is taken from it."""

    contracts: str = "lakehouse/contracts"
    """Folder of the table contracts, from the repository's root on; the shop's, unless it says
    another."""
    existing: ExistingSource | None = None
    """None makes an instance, of which the other settings tell."""
    database: str = Field(default="shop", pattern=r"^[a-z][a-z0-9_]*$")
    instance_class: str = Field(default="db.t4g.micro", pattern=r"^db\.")
    storage_gib: int = Field(default=20, ge=20)
    multi_az: bool = False
    backup_days: int = Field(default=1, ge=0, le=35)
    admin: str = Field(default="lakehouse_admin", pattern=r"^[a-z][a-z0-9_]*$")

    @model_validator(mode="after")
    def _told(self) -> Self:
        instance = ("database", "instance_class", "storage_gib", "multi_az", "backup_days")
        missing = [name for name in instance if name not in self.model_fields_set]
        if self.existing is None and missing:
            raise ValueError(
                f"{missing[0]} is missing; say it, or name your own database in [source.existing]"
            )
        return self


class SubnetSettings(_Section):
    """A subnet that is there already."""

    id: str = Field(pattern=r"^subnet-[0-9a-f]{8,17}$")
    zone: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$")
    """Its availability zone, such as `eu-west-1a`."""
    route_table: str = Field(pattern=r"^rtb-[0-9a-f]{8,17}$")


class NetworkSettings(_Section):
    """A network that is there already; without this section the stage makes one of its own.

    All of it is written down, so that `cdk synth` asks no account.
    """

    vpc: str = Field(pattern=r"^vpc-[0-9a-f]{8,17}$")
    subnets: tuple[SubnetSettings, ...] = Field(min_length=2)
    """For the database and the functions beside it; none needs a way to the internet."""
    endpoints: Literal["create", "existing"]
    """Gateway endpoints to S3 and DynamoDB. A route table takes only one of each: `existing`, if
    it has them; what they let through is then up to whoever made them."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if len({subnet.zone for subnet in self.subnets}) < 2:
            raise ValueError("a database needs subnets in two availability zones; name both")
        return self


class GeneratorSettings(_Section):
    """The shop's simulated traffic; counts are rows per invocation."""

    enabled: bool
    schedule: Schedule
    new_users: PositiveInt
    new_sales: PositiveInt
    status_changes: PositiveInt
    changed_addresses: PositiveInt
    changed_prices: PositiveInt
    products: PositiveInt
    seed: int = 0


class PipelineSettings(_Section):
    """When a run starts, when it merges, and how careful it is."""

    schedule: Schedule
    chunk_rows: PositiveInt
    """Rows of one batch at most."""
    chunk_seconds: PositiveInt
    """Seconds that one batch may take; the statement's timeout is to be twice that or more."""
    horizon_margin_seconds: float = Field(ge=1)
    statement_timeout_seconds: PositiveInt
    merge_pending_rows: PositiveInt
    """Merge as soon as this many rows wait in bronze, ..."""
    merge_max_age_minutes: int = Field(ge=0)
    """... or as soon as the oldest of them waits this long."""
    run_timeout_minutes: PositiveInt
    """A run that takes longer fails; its lease expires a minute later."""
    poll_seconds: PositiveInt
    """How often a run looks whether the crawler is done."""
    quality_mode: Literal["warn", "stop"]
    """What a failing table-level rule does to the table's merge."""

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if self.statement_timeout_seconds < 2 * self.chunk_seconds:
            raise ValueError(
                f"statement_timeout_seconds = {self.statement_timeout_seconds} is less than twice "
                f"chunk_seconds = {self.chunk_seconds}; a slow chunk would be cut off"
            )
        return self


class GlueSettings(_Section):
    """The PySpark job."""

    workers: int = Field(ge=2)
    worker_type: str
    large_rows: PositiveInt
    """A run over so many waiting rows or more (a first load, a reload) is given ..."""
    large_workers: int = Field(ge=2)
    """... so many workers: it costs about the same and is over sooner."""
    timeout_minutes: PositiveInt
    execution_class: Literal["STANDARD", "FLEX"]

    @model_validator(mode="after")
    def _no_fewer(self) -> Self:
        if self.large_workers < self.workers:
            raise ValueError(
                f"large_workers = {self.large_workers} is less than workers = {self.workers}; "
                "a large run would be slower than a small one"
            )
        return self


class MaintenanceSettings(_Section):
    """Compaction, expiry of snapshots and removal of orphans in silver and gold."""

    schedule: Schedule
    keep_snapshots: PositiveInt
    """At least so many snapshots of each table stay, ..."""
    keep_hours: int = Field(ge=0)
    """... all that are younger, and all since those that gold was computed from."""
    orphan_hours: int = Field(ge=24)
    """Files that belong to no snapshot are removed when they are older; Iceberg's least is 24."""
    file_mib: PositiveInt
    """Data files are brought to this size."""


class LambdaSettings(_Section):
    """Runtime of every Lambda. `host` follows the machine that synthesizes."""

    python: Literal["3.11", "3.12", "3.13", "host"]
    architecture: Literal["arm64", "x86_64", "host"]
    ingest_memory_mib: int = Field(ge=256, le=10240)
    generator_memory_mib: int = Field(ge=128, le=10240)

    @property
    def python_version(self) -> str:
        """Such as `3.12`."""
        major, minor, _ = platform.python_version_tuple()
        return f"{major}.{minor}" if self.python == "host" else self.python

    @property
    def machine(self) -> Literal["arm64", "x86_64"]:
        """The processor architecture."""
        if self.architecture != "host":
            return self.architecture
        return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


class AthenaSettings(_Section):
    """The workgroup."""

    scan_limit_mib: int = Field(ge=10)
    """A single query that would scan more is cut off; Athena's least is 10 MiB."""


class DashboardSettings(_Section):
    """The Streamlit dashboard."""

    host: Literal["none", "apprunner", "fargate"]
    """`none`: not in the account; whoever may take the dashboard's role runs it where they like.
    `apprunner`: for accounts that have App Runner, which is closed to new customers.
    `fargate`: a task behind a load balancer; needs `domain` and `certificate`."""
    refresh_seconds: int = Field(ge=5)
    sign_in: Literal["cognito", "none"] = "cognito"
    """Where there is a host: by a user pool of the stage's own, or open to whoever finds it."""
    domain: str | None = Field(default=None, pattern=r"^([a-z0-9-]+\.)+[a-z]{2,}$")
    """Name that readers type; it is to lead to the load balancer."""
    certificate: str | None = Field(default=None, pattern=r"^arn:aws[a-z-]*:acm:[^:]+:\d{12}:.+$")
    """ARN of ACM's certificate for the domain, in the stage's region."""

    @model_validator(mode="after")
    def _hosted(self) -> Self:
        if self.host == "fargate" and not (self.domain and self.certificate):
            raise ValueError(
                'host = "fargate" needs domain and certificate (the ARN of one in ACM for that '
                "domain): sign-in goes by HTTPS only"
            )
        return self


class DataSettings(_Section):
    """What becomes of data when a stack goes; they die only if both settings agree."""

    destroyable: bool
    deletion_protection: bool
    log_retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 180, 365]
    keys: Literal["service", "customer"]
    """Keys of database, buckets and ledger: AWS's own, or the stage's (1 USD a month each).

    Decide before the first deployment: another key means another database instance.
    """
    keep_replaced_days: int = Field(ge=0)
    """Days that a replaced or deleted object stays as an older version; 0 keeps no versions."""
    bronze_immutable: bool
    """Nobody deletes an object of bronze, except principals tagged `break-glass` = `bronze`."""
    bronze_infrequent_after_days: int | None = Field(default=None, ge=30)
    """Bronze moves to infrequent access, which only a rebuild or a repair reads; None: never."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for setting in ("deletion_protection", "bronze_immutable"):
            if self.destroyable and getattr(self, setting):
                raise ValueError(
                    f"destroyable = true contradicts {setting} = true; set one of them"
                )
        if self.bronze_immutable and not self.keep_replaced_days:
            raise ValueError(
                "bronze_immutable = true needs keep_replaced_days > 0: "
                "without versions, what is overwritten is gone"
            )
        return self

    @property
    def may_die(self) -> bool:
        """Whether destroying the stacks deletes the data."""
        return self.destroyable and not self.deletion_protection


class CostSettings(_Section):
    """What a month may cost, and the volume that this is checked for."""

    monthly_ceiling_usd: Decimal = Field(gt=0)
    """`cdk synth` fails when the estimate is higher; the account's budget has the same limit."""
    orders_a_day: int = Field(ge=0)
    """The stated volume; the generator's, where it is on."""
    budget_covers: Literal["account", "stage"] = "account"
    """`stage` needs the tags `application` and `stage` to be active cost allocation tags."""


class AlarmSettings(_Section):
    """When somebody is to look, and who."""

    email: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$")
    """Who is told of alarms and of a bill that approaches the ceiling; None: nobody by mail."""
    window_minutes: int = Field(ge=1, le=1440)
    """Failed runs, rows held back and a held horizon are looked for in so many last minutes."""
    no_success_minutes: int = Field(ge=1, le=1440)
    """So long without a run that ended well."""
    lease_minutes: int = Field(ge=1, le=1440)
    """So long runs end without reading anything, since something else holds the lease."""
    quarantined_percent: float = Field(gt=0, le=100)
    """Of the rows that arrived within the window."""
    horizon_held_minutes: float = Field(gt=0)
    """So long a transaction of the source keeps newer changes from being read."""
    free_storage_gib: float = Field(gt=0)
    """The database has less than this left."""
    connections: PositiveInt
    """More sessions than this at once in the database."""


class Stage(_Section):
    """One deployment of the platform."""

    name: str = Field(pattern=r"^[a-z][a-z0-9]{1,11}$")
    region: str | None = Field(default=None, pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    """None takes the region of the command line's environment."""
    network: NetworkSettings | None = None
    """None makes a network of the stage's own."""
    source: SourceSettings
    generator: GeneratorSettings
    pipeline: PipelineSettings
    glue: GlueSettings
    maintenance: MaintenanceSettings
    functions: LambdaSettings
    athena: AthenaSettings
    dashboard: DashboardSettings
    data: DataSettings
    cost: CostSettings
    alarms: AlarmSettings

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if self.data.keys == "customer" and self.region is None:
            raise ValueError('keys = "customer" needs a region; a key belongs to one')
        if self.network is not None:
            if self.region is None:
                raise ValueError("[network] needs a region; a network belongs to one")
            for subnet in self.network.subnets:
                if subnet.zone[:-1] != self.region:
                    raise ValueError(
                        f"{subnet.id} is in {subnet.zone}, the stage in {self.region}; "
                        "name subnets of the stage's region"
                    )
        return self

    @model_validator(mode="after")
    def _reached(self) -> Self:
        existing = self.source.existing
        if existing is None:
            return self
        if self.generator.enabled:
            raise ValueError(
                "generator.enabled = true would write the shop into [source.existing]; set it false"
            )
        if not existing.is_near and self.network is None:
            raise ValueError(
                f"{existing.host} is beyond the stage's own network; name its network in [network]"
            )
        return self

    @model_validator(mode="after")
    def _alarms_in_time(self) -> Self:
        lease = self.pipeline.run_timeout_minutes + 1
        if self.alarms.lease_minutes < lease:
            raise ValueError(
                f"alarms.lease_minutes = {self.alarms.lease_minutes} is less than a lease may "
                f"last: {lease} minutes by pipeline.run_timeout_minutes"
            )
        return self

    @property
    def contracts(self) -> Path:
        """Folder of the table contracts."""
        return DIRECTORY.parent / self.source.contracts

    def database(self, layer: Literal["bronze", "silver", "gold"]) -> str:
        """Name of a layer's Glue database."""
        return f"{APP}_{self.name}_{layer}"

    def rebuild_database(self, layer: Literal["silver", "gold"]) -> str:
        """Name of the Glue database in which a layer is made again beside the live one."""
        return f"{self.database(layer)}_rebuild"

    def reader_role(self, region: str) -> str:
        """Name of the dashboard's role; roles are the account's, so it carries the region."""
        return f"{self.prefix}-dashboard-{region}"

    @property
    def metrics_namespace(self) -> str:
        """CloudWatch namespace of the metrics that the stage puts itself."""
        return self.prefix

    @property
    def prefix(self) -> str:
        """Start of every physical name of this stage; a region has it once."""
        return f"{APP}-{self.name}"


def stage_names(directory: Path = DIRECTORY) -> list[str]:
    """The stages that exist."""
    return sorted(path.stem for path in directory.glob("*.toml"))


def load_stage(name: str, directory: Path = DIRECTORY) -> Stage:
    """Reads and checks a stage; raises ConfigurationError naming file, key and expectation."""
    path = directory / f"{name}.toml"
    if name not in stage_names(directory):
        raise ConfigurationError(
            f"stage {name!r} does not exist; the stages are: {', '.join(stage_names(directory))}"
        )
    try:
        data = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as broken:
        raise ConfigurationError(f"{path.name}: {broken}") from None
    return check(Stage, {"name": name, **data}, f"stages/{path.name}")
