"""A budget in the local CloudFormation: made, changed, made anew and removed."""

from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import budgets
from ministack.services.cloudformation import provisioners

from local.seams import cloudformation
from local.seams.contract import Seam

STACK = "lakehouse-local-budget"


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    budgets.reset()
    yield
    budgets.reset()


def properties(amount: float, *addresses: str) -> dict[str, Any]:
    budget = {
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": amount, "Unit": "USD"},
    }
    told = [
        {
            "Notification": {
                "NotificationType": "ACTUAL",
                "ComparisonOperator": "GREATER_THAN",
                "Threshold": 80,
            },
            "Subscribers": [{"SubscriptionType": "EMAIL", "Address": address}],
        }
        for address in addresses
    ]
    return {"Budget": budget} | ({"NotificationsWithSubscribers": told} if told else {})


def limits() -> dict[str, str]:
    return {name: found["BudgetLimit"]["Amount"] for name, found in budgets._budgets.items()}


@pytest.mark.parametrize("seam", cloudformation.SEAMS, ids=lambda seam: seam.name)
def test_the_seam_is_where_it_was(seam: Seam) -> None:
    assert seam.fault() is None


def test_a_budget_lives_as_its_stack_does() -> None:
    made, _ = cloudformation.create_budget("Monthly", properties(40), STACK)
    assert limits() == {made: "40"}
    changed, _ = cloudformation.update_budget(made, properties(40), properties(55), STACK)
    assert (changed, limits()) == (made, {made: "55"})
    cloudformation.delete_budget(made, properties(55))
    assert limits() == {}
    cloudformation.delete_budget(made, properties(55))


def test_another_address_makes_it_anew() -> None:
    first, other = properties(40, "a@example.com"), properties(40, "b@example.com")
    made, _ = cloudformation.create_budget("Monthly", first, STACK)
    cloudformation.update_budget(made, first, other, STACK)
    (entry,) = budgets._notification_store[made]
    assert entry["subscribers"] == other["NotificationsWithSubscribers"][0]["Subscribers"]


def test_what_the_service_refuses_fails_the_stack() -> None:
    with pytest.raises(ValueError, match="TimeUnit must be one of"):
        cloudformation.create_budget(
            "Monthly", {"Budget": {"BudgetType": "COST", "TimeUnit": "SOMETIMES"}}, STACK
        )


def test_it_is_registered_with_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioners, "_RESOURCE_HANDLERS", {})
    cloudformation.install()
    assert set(provisioners._RESOURCE_HANDLERS["AWS::Budgets::Budget"]) == {
        "create",
        "update",
        "delete",
    }
