"""Who is told of what: alarms and their topic, one board of graphs, saved questions to the logs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lakehouse import measures
from lakehouse.contract import TableContract
from lakehouse.settings import Stage
from stacks.source import SourceStack

HANDBOOK: Final = "docs/operations.md"
_DAY: Final = cdk.Duration.days(1)
_ABOVE: Final = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_BELOW: Final = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_QUESTIONS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    # Name: the functions whose logs are asked, and the question.
    "errors": (
        ("generator", "ingest", "receipt"),
        'fields @timestamp, level, message, exception_name, exception | filter level = "ERROR"'
        " | sort @timestamp desc | limit 50",
    ),
    "slowest-ingests": (
        ("ingest",),
        "filter @type = 'REPORT' | fields @timestamp, @duration, @maxMemoryUsed / 1000 / 1000 as mb"
        " | sort @duration desc | limit 20",
    ),
    "rows-by-table": (
        ("ingest",),
        'filter message = "ingested" | stats sum(rows) as ingested, sum(quarantined) as held_back,'
        " max(horizon_held_seconds) as horizon by table, bin(1h)",
    ),
    "who-holds-the-horizon": (
        ("ingest",),
        "filter horizon_held_seconds > 60 | fields @timestamp, horizon_culprit, horizon_pid,"
        " horizon_application, horizon_held_seconds | sort @timestamp desc | limit 20",
    ),
}


@dataclass(frozen=True)
class Watch:
    """One alarm: what is looked at, when it is told, and what silence means."""

    name: str
    what: str
    metric: cloudwatch.IMetric
    threshold: float
    comparison: cloudwatch.ComparisonOperator = _ABOVE
    silence: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING


class MonitoringStack(cdk.Stack):
    """Alarms, all to one topic; what each means and what mends it is said in the handbook."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        contracts: Mapping[str, TableContract],
        source: SourceStack,
        machines: Sequence[sfn.StateMachine],
        **kwargs: object,
    ):
        super().__init__(scope, construct_id, **kwargs)  # type: ignore[arg-type]
        self._stage, self._source = stage, source
        self._tables, self._machines = list(contracts), machines
        existing = stage.source.existing
        instance = existing.instance if existing else f"{stage.prefix}-source"
        self._database = {"DBInstanceIdentifier": instance} if instance else {}
        self._run = {"StateMachineArn": machines[0].state_machine_arn}
        self._ingest = {"FunctionName": f"{stage.prefix}-ingest"}
        topic = self._topic()
        alarms = [self._alarm(watch, topic) for watch in self._watches()]
        self._board(alarms)
        for name, (functions, question) in _QUESTIONS.items():
            logs.CfnQueryDefinition(
                self,
                f"Ask-{name}",
                name=f"{stage.prefix}/{name}",
                query_string=question,
                log_group_names=[
                    f"/aws/lambda/{stage.prefix}-{one}"
                    for one in functions
                    if one != "generator" or stage.generator.enabled
                ],
            )
        cdk.CfnOutput(self, "AlarmTopic", value=topic.topic_arn)

    def _topic(self) -> sns.Topic:
        topic = sns.Topic(
            self, "Alarms", topic_name=f"{self._stage.prefix}-alarms", enforce_ssl=True
        )
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        if email := self._stage.alarms.email:
            topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic

    def _alarm(self, watch: Watch, topic: sns.Topic) -> cloudwatch.Alarm:
        prefix = self._stage.prefix
        alarm = cloudwatch.Alarm(
            self,
            watch.name,
            alarm_name=f"{prefix}-{watch.name}",
            alarm_description=f"{watch.what} {HANDBOOK}, '{watch.name}', says what to do.",
            metric=watch.metric,
            threshold=watch.threshold,
            comparison_operator=watch.comparison,
            evaluation_periods=1,
            treat_missing_data=watch.silence,
        )
        action = actions.SnsAction(topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        return alarm

    def _watches(self) -> Iterable[Watch]:
        """In the order of the data's path; all that a reader of the handbook finds there."""
        stage, alarms = self._stage, self._stage.alarms
        window = cdk.Duration.minutes(alarms.window_minutes)
        yield from self._of_the_database()
        held = {f"h{n}": self._of_table(measures.HORIZON_HELD, t, window, "Maximum")
                for n, t in enumerate(self._tables)}  # fmt: skip
        yield Watch(
            "horizon-held",
            f"A transaction has kept changes of the last {alarms.horizon_held_minutes:g} minutes "
            "or more from being read.",
            _formula(f"MAX([{', '.join(held)}])", held, window),
            alarms.horizon_held_minutes * 60,
        )
        yield Watch(
            "rows-held-back",
            f"More than {alarms.quarantined_percent:g} % of what arrived is in quarantine.",
            self._share_held_back(window),
            alarms.quarantined_percent,
        )
        dead = {"QueueName": self._source.dead_letters.queue_name}
        yield Watch(
            "dead-letters",
            "A schedule could not start its target.",
            _metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", dead, "Maximum", 60),
            0,
        )
        ended = {
            f"e{n}{kind[0].lower()}": _metric(
                "AWS/States", f"Executions{kind}",
                {"StateMachineArn": machine.state_machine_arn}, "Sum", window,
            )
            for n, machine in enumerate(self._machines)
            for kind in ("Failed", "TimedOut")
        }  # fmt: skip
        failed = f"SUM([{', '.join(ended)}])"
        yield Watch("run-failed", "A run or an upkeep failed.", _formula(failed, ended, window), 0)
        silence = cdk.Duration.minutes(alarms.no_success_minutes)
        yield Watch(
            "no-success",
            f"No run has ended well for {alarms.no_success_minutes} minutes.",
            _metric("AWS/States", "ExecutionsSucceeded", self._run, "Sum", silence),
            1,
            _BELOW,
            cloudwatch.TreatMissingData.BREACHING,
        )
        lease = cdk.Duration.minutes(alarms.lease_minutes)
        # A run that finds the lease taken ends well, without a call of the ingest.
        yield Watch(
            "lease-stuck",
            f"Nothing has been read for {alarms.lease_minutes} minutes; where runs end well all "
            "the same, something holds the lease.",
            _metric("AWS/Lambda", "Invocations", self._ingest, "Sum", lease),
            1,
            _BELOW,
            cloudwatch.TreatMissingData.BREACHING,
        )
        compared = {f"r{n}": self._of_table(measures.RECONCILIATION_FAILED, t, window, "Maximum",
                                            service=False)
                    for n, t in enumerate([*self._tables, "gold"])}  # fmt: skip
        yield Watch(
            "reconciliation-failed",
            "Source, bronze, silver and gold do not agree.",
            _formula(f"MAX([{', '.join(compared)}])", compared, window),
            0,
            # Only a run that compares again can say that they agree.
            silence=cloudwatch.TreatMissingData.IGNORE,
        )
        share = stage.cost.monthly_ceiling_usd / 30
        yield Watch(
            "runs-cost-too-much",
            f"The runs of a day cost more than {share:.2f} USD, a day's share of the ceiling.",
            _metric(stage.metrics_namespace, measures.RUN_DOLLARS,
                    {"service": measures.SERVICE}, "Sum", _DAY),
            float(share.quantize(Decimal("0.01"))),
        )  # fmt: skip

    def _of_the_database(self) -> Iterable[Watch]:
        """Of RDS; nothing of a database that is elsewhere."""
        alarms = self._stage.alarms
        if not self._database:
            return
        yield Watch(
            "database-storage",
            f"The source database has less than {alarms.free_storage_gib:g} GiB left.",
            _metric("AWS/RDS", "FreeStorageSpace", self._database, "Minimum", 300),
            alarms.free_storage_gib * 1024**3,
            _BELOW,
        )
        yield Watch(
            "database-connections",
            f"The source database has more than {alarms.connections} sessions.",
            _metric("AWS/RDS", "DatabaseConnections", self._database, "Maximum", 60),
            alarms.connections,
        )

    def _share_held_back(self, window: cdk.Duration) -> cloudwatch.MathExpression:
        aside = {f"q{n}": self._of_table(measures.ROWS_QUARANTINED, t, window, "Sum")
                 for n, t in enumerate(self._tables)}  # fmt: skip
        landed = {f"i{n}": self._of_table(measures.ROWS_INGESTED, t, window, "Sum")
                  for n, t in enumerate(self._tables)}  # fmt: skip
        bad, all_of_them = f"SUM([{', '.join(aside)}])", f"SUM([{', '.join(aside | landed)}])"
        share = f"IF({bad} > 0, 100 * {bad} / {all_of_them}, 0)"
        return _formula(share, aside | landed, window)

    def _of_table(
        self, name: str, table: str, period: cdk.Duration, statistic: str, *, service: bool = True
    ) -> cloudwatch.Metric:
        own = {"service": measures.SERVICE} if service else {}
        dimensions = {measures.TABLE_DIMENSION: table} | own
        return _metric(self._stage.metrics_namespace, name, dimensions, statistic, period)

    def _board(self, alarms: Sequence[cloudwatch.Alarm]) -> None:
        five = cdk.Duration.minutes(5)
        stage = self._stage

        def graph(
            title: str, metrics: Iterable[cloudwatch.Metric], width: int = 8
        ) -> cloudwatch.GraphWidget:
            return cloudwatch.GraphWidget(title=title, left=list(metrics), width=width)

        board = cloudwatch.Dashboard(self, "Board", dashboard_name=stage.prefix)
        board.add_widgets(
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=24, height=4)
        )
        board.add_widgets(
            graph("Runs", (_metric("AWS/States", f"Executions{kind}", self._run, "Sum", five)
                           for kind in ("Succeeded", "Failed", "TimedOut"))),
            graph("Milliseconds of a run",
                  [_metric("AWS/States", "ExecutionTime", self._run, "Maximum", five)]),
            graph("Dollars of the runs of a day",
                  [_metric(stage.metrics_namespace, measures.RUN_DOLLARS,
                           {"service": measures.SERVICE}, "Sum", _DAY)]),
        )  # fmt: skip
        board.add_widgets(
            *(graph(title, (self._of_table(name, t, five, statistic) for t in self._tables))
              for title, name, statistic in (
                  ("Rows ingested", measures.ROWS_INGESTED, "Sum"),
                  ("Rows held back", measures.ROWS_QUARANTINED, "Sum"),
                  ("Seconds that the horizon is held", measures.HORIZON_HELD, "Maximum"),
              ))
        )  # fmt: skip
        board.add_widgets(
            graph("Ingest: calls and errors",
                  (_metric("AWS/Lambda", name, self._ingest, "Sum", five)
                   for name in ("Invocations", "Errors", "Throttles"))),
            *([
                graph("Database: free bytes",
                      [_metric("AWS/RDS", "FreeStorageSpace", self._database, "Minimum", five)]),
                graph("Database: sessions and processor",
                      (_metric("AWS/RDS", name, self._database, "Maximum", five)
                       for name in ("DatabaseConnections", "CPUUtilization"))),
            ] if self._database else []),
        )  # fmt: skip


def _metric(
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    statistic: str,
    period: cdk.Duration | int,
) -> cloudwatch.Metric:
    if isinstance(period, int):
        period = cdk.Duration.seconds(period)
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dict(dimensions),
        statistic=statistic,
        period=period,
    )


def _formula(
    expression: str, using: Mapping[str, cloudwatch.Metric], period: cdk.Duration
) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=expression, using_metrics=dict(using), period=period
    )
