"""The source: PostgreSQL in isolated subnets, and the generator that writes a shop into it."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from lakehouse import roles
from lakehouse.environment import BootstrapEnvironment, GeneratorEnvironment
from lakehouse.settings import ExistingSource, Stage
from stacks.blocks.keys import customer_key
from stacks.blocks.private_network import PrivateNetwork
from stacks.blocks.python_function import PythonFunction
from stacks.blocks.schedule import Schedule
from stacks.blocks.statements import allow


class SourceStack(cdk.Stack):
    """Network, database, database roles and generator."""

    network: PrivateNetwork
    """Isolated subnets with gateway endpoints; no way in or out of the account's network."""
    database: rds.DatabaseInstance | None
    """The PostgreSQL instance, whose password logins are for the bootstrap alone; None where the
    stage names an existing one."""
    key: kms.Key | None
    """The stage's own key, or None where the services' own keys do."""
    clients: ec2.SecurityGroup
    """Whoever wears this group may reach the database, S3 and DynamoDB, and nothing else."""
    dead_letters: sqs.Queue
    """Where every schedule of the stage leaves what it could not start."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, **kwargs: object):
        super().__init__(scope, construct_id, **kwargs)  # type: ignore[arg-type]
        self._stage = stage
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=f"{stage.prefix}-dead-letters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
        self.network = PrivateNetwork(self, "Network", stage=stage)
        self.clients = self.network.group("Clients", "reaches the source database")
        self.key = self.database = None
        if stage.source.existing is not None:
            self._reach(stage.source.existing)
            return
        server = self.network.group("Server", "the source database")
        server.add_ingress_rule(self.clients, ec2.Port.tcp(5432), "PostgreSQL from its clients")
        self.clients.add_egress_rule(server, ec2.Port.tcp(5432), "PostgreSQL")
        self.key = customer_key(self, "Key", stage, "the source", "rds", "secretsmanager")
        self.database = self._database(server)
        bootstrapped = self._bootstrap()
        if stage.generator.enabled:
            self._generator().node.add_dependency(bootstrapped)

    @property
    def address(self) -> dict[str, object]:
        """Host, port and database name, as the Lambdas' environments ask for them."""
        if self.database is None:
            existing = self._stage.source.existing
            assert existing is not None
            return {
                "database_host": existing.host,
                "database_port": existing.port,
                "database_name": existing.database,
                "database_secret": existing.secret or "",
                "database_tls": existing.tls,
            }
        return {
            "database_host": self.database.db_instance_endpoint_address,
            "database_port": self.database.db_instance_endpoint_port,
            "database_name": self._stage.source.database,
        }

    @property
    def reader(self) -> str:
        """Who the ingest logs in as."""
        existing = self._stage.source.existing
        return existing.user if existing else roles.INGEST

    def allow_connect(self, grantee: iam.IGrantable, database_user: str) -> None:
        """Lets `grantee` log in as `database_user` on this database only.

        By IAM tokens; of an existing one with a secret, by reading that.
        """
        existing = self._stage.source.existing
        if existing and existing.secret:
            read = allow("OwnPassword", ["secretsmanager:GetSecretValue"], existing.secret)
            grantee.grant_principal.add_to_principal_policy(read)
            return
        resource = existing.resource if existing else None
        if self.database is not None:
            resource = self.database.instance_resource_id
        user = self.format_arn(
            service="rds-db",
            resource="dbuser",
            resource_name=f"{resource}/{database_user}",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        statement = allow("ConnectAsOwnUser", ["rds-db:connect"], user)
        grantee.grant_principal.add_to_principal_policy(statement)

    def _reach(self, existing: ExistingSource) -> None:
        """Lets the clients out to a database that is there, and into its security group."""
        port = ec2.Port.tcp(existing.port)
        server: ec2.IPeer = ec2.Peer.any_ipv4()
        if existing.security_group:
            group = ec2.SecurityGroup.from_security_group_id(
                self, "Server", existing.security_group
            )
            group.add_ingress_rule(self.clients, port, "PostgreSQL from its clients")
            server = group
        if not existing.is_near:
            self.clients.add_egress_rule(server, port, "PostgreSQL")
            if existing.secret:
                self.network.reach_secrets(self.clients)

    def _database(self, server: ec2.SecurityGroup) -> rds.DatabaseInstance:
        settings, data = self._stage.source, self._stage.data
        version = rds.PostgresEngineVersion.of("18.4", "18")
        return rds.DatabaseInstance(
            self,
            "Database",
            instance_identifier=f"{self._stage.prefix}-source",
            engine=rds.DatabaseInstanceEngine.postgres(version=version),
            instance_type=ec2.InstanceType(settings.instance_class.removeprefix("db.")),
            database_name=settings.database,
            credentials=rds.Credentials.from_generated_secret(
                settings.admin,
                secret_name=f"{self._stage.prefix}/source/admin",
                encryption_key=self.key,
            ),
            vpc=self.network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[server],
            publicly_accessible=False,
            iam_authentication=True,
            allocated_storage=settings.storage_gib,
            max_allocated_storage=settings.storage_gib * 4,
            storage_type=rds.StorageType.GP3,
            storage_encrypted=True,
            storage_encryption_key=self.key,
            multi_az=settings.multi_az,
            backup_retention=cdk.Duration.days(settings.backup_days),
            copy_tags_to_snapshot=True,
            auto_minor_version_upgrade=True,
            deletion_protection=data.deletion_protection,
            removal_policy=(
                cdk.RemovalPolicy.DESTROY if data.may_die else cdk.RemovalPolicy.SNAPSHOT
            ),
            delete_automated_backups=data.may_die,
            parameters={"rds.force_ssl": "1", "track_activities": "1"},
        )

    def _bootstrap(self) -> cdk.CustomResource:
        assert self.database is not None
        secret = self.database.secret
        assert secret is not None  # generated credentials always have one
        function = PythonFunction(
            self,
            "Bootstrap",
            stage=self._stage,
            name="bootstrap",
            description="Creates the database roles once, at deployment",
            environment=BootstrapEnvironment.model_construct(**self.address),
            memory_mib=256,
            timeout=cdk.Duration.minutes(5),
            vpc=self.network.vpc,
            security_groups=[self.clients],
        )
        resource = cdk.CustomResource(
            self,
            "DatabaseRoles",
            resource_type="Custom::DatabaseRoles",
            service_token=function.function_arn,
            properties={
                "AdminUser": self._stage.source.admin,
                # Resolved by CloudFormation while deploying; nobody reads it at run time.
                "AdminPassword": secret.secret_value_from_json("password").unsafe_unwrap(),
                "Revision": roles.REVISION,
            },
        )
        resource.node.add_dependency(self.database, self.network.endpoints)
        return resource

    def _generator(self) -> PythonFunction:
        settings = self._stage.generator
        function = PythonFunction(
            self,
            "Generator",
            stage=self._stage,
            name="generator",
            description="Writes a believable shop into the source database",
            environment=GeneratorEnvironment.model_construct(
                **self.address,
                database_user=roles.GENERATOR,
                **settings.model_dump(exclude={"enabled", "schedule"}),
            ),
            memory_mib=self._stage.functions.generator_memory_mib,
            timeout=cdk.Duration.minutes(2),
            vpc=self.network.vpc,
            security_groups=[self.clients],
        )
        self.allow_connect(function, roles.GENERATOR)
        cdk.CustomResource(
            self,
            "FirstRows",
            resource_type="Custom::FirstRows",
            service_token=function.function_arn,
        )
        Schedule(
            self,
            "GeneratorSchedule",
            name=f"{self._stage.prefix}-generator",
            expression=settings.schedule,
            target_arn=function.function_arn,
            action="lambda:InvokeFunction",
            resources=[function.function_arn],
            dead_letters=self.dead_letters,
        )
        cdk.CfnOutput(self, "GeneratorFunction", value=function.function_name)
        return function
