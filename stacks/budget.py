"""What a month may cost: a budget of the account with the stage's ceiling."""

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from constructs import Construct

from lakehouse.settings import Stage

_WARNINGS = (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
"""Told when so many percent are spent, or will be by the end of the month."""


class BudgetStack(cdk.Stack):
    """One monthly budget: it tells, it stops nothing."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, **kwargs: object):
        super().__init__(scope, construct_id, **kwargs)  # type: ignore[arg-type]
        cost = stage.cost
        # No name of its own: another address replaces the budget, and two can't have one name.
        budgets.CfnBudget(
            self,
            "Monthly",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(
                    amount=float(cost.monthly_ceiling_usd), unit="USD"
                ),
                cost_filters=(
                    {"TagKeyValue": [f"user:stage${stage.name}"]}
                    if cost.budget_covers == "stage"
                    else None
                ),
            ),
            notifications_with_subscribers=_notifications(stage),
        )


def _notifications(
    stage: Stage,
) -> list[budgets.CfnBudget.NotificationWithSubscribersProperty] | None:
    if stage.alarms.email is None:
        return None
    return [
        budgets.CfnBudget.NotificationWithSubscribersProperty(
            notification=budgets.CfnBudget.NotificationProperty(
                notification_type=kind,
                comparison_operator="GREATER_THAN",
                threshold=percent,
                threshold_type="PERCENTAGE",
            ),
            subscribers=[
                budgets.CfnBudget.SubscriberProperty(
                    subscription_type="EMAIL", address=stage.alarms.email
                )
            ],
        )
        for kind, percent in _WARNINGS
    ]
