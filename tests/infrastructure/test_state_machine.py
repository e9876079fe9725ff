"""The run's definition: readable, failing with a cause, retrying only what passes by itself."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infrastructure.templates import definition
from tests.pipeline_states import evaluated

Templates = dict[str, dict[str, Any]]


@pytest.fixture
def machine(templates: Templates) -> dict[str, Any]:
    return definition(templates["orchestration"])


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in machine["States"].items():
        yield name, state
        if state["Type"] == "Map":
            yield from states(state["ItemProcessor"])


def test_names_read_as_sentences(machine: dict[str, Any]) -> None:
    for name, _ in states(machine):
        assert " " in name
        assert name[0].isupper()


def test_the_run_as_a_whole_has_a_time_limit(machine: dict[str, Any]) -> None:
    assert machine["TimeoutSeconds"] > 0


def test_a_large_run_gets_more_workers(machine: dict[str, Any]) -> None:
    asked = machine["States"]["Merge into silver and gold"]["Arguments"]
    assert asked["WorkerType"] == "G.1X"
    assert evaluated(asked["NumberOfWorkers"], pending_rows=1_999_999) == 2
    assert evaluated(asked["NumberOfWorkers"], pending_rows=2_000_000) > 2


def test_only_named_transient_errors_are_retried(machine: dict[str, Any]) -> None:
    for name, state in states(machine):
        for retry in state.get("Retry", []):
            assert not {"States.ALL", "States.TaskFailed"} & set(retry["ErrorEquals"]), name
            assert retry["MaxAttempts"] > 0


def test_every_failure_keeps_its_cause_and_gives_the_lease_back(machine: dict[str, Any]) -> None:
    inside = ("Another run is at work", "Release the lease", "Release the lease after the failure")
    for name, state in machine["States"].items():
        if "receipt" in name or state["Type"] not in ("Task", "Map"):
            continue
        if name in ("Take the lease", *inside):
            continue
        last = state["Catch"][-1]
        assert last["ErrorEquals"] == ["States.ALL"], name
        assert set(last["Assign"]) == {"failed_state", "error", "cause"}, name
        assert last["Assign"]["failed_state"] == name
        assert last["Next"] == "Release the lease after the failure"


def test_a_receipt_that_fails_harms_no_run(machine: dict[str, Any]) -> None:
    after = {"": "Did every table succeed?", " of the failure": "Run failed"}
    for suffix, following in after.items():
        make = machine["States"][f"Make the receipt{suffix}"]
        store = machine["States"][f"Store the receipt{suffix}"]
        for state in (make, store):
            (caught,) = state["Catch"]
            assert caught["ErrorEquals"] == ["States.ALL"]
            assert caught["Next"] == following, "the run ends as it would have"
            assert state["TimeoutSeconds"] <= 120
        assert make["Next"] == f"Store the receipt{suffix}"
        assert store["Next"] == following
    release = machine["States"]["Release the lease after the failure"]
    assert release["Next"] == "Make the receipt of the failure", "the lease is given back first"
    ways = machine["States"]["Did every table succeed?"]["Choices"]
    assert ways[0]["Next"] == "Make the receipt"
    assert machine["States"]["Make the receipt"]["Assign"] == {"receipt_due": False}
    assert machine["States"]["Make the receipt"]["Catch"][0]["Assign"] == {"receipt_due": False}


def test_an_idle_run_passes_no_state_of_the_receipt(machine: dict[str, Any]) -> None:
    assert machine["States"]["Take the lease"]["Assign"]["receipt_due"] is False
    assert machine["States"]["Release the lease"]["Next"] == "Did every table succeed?"


def test_a_failing_table_does_not_stop_the_others(machine: dict[str, Any]) -> None:
    ingest = machine["States"]["Ingest every table"]["ItemProcessor"]["States"]["Ingest a batch"]
    assert ingest["Catch"][-1]["Next"] == "Table is done"
    assert "failure" in ingest["Catch"][-1]["Output"]


def test_idle_takes_the_short_way(machine: dict[str, Any]) -> None:
    named = machine["States"]
    assert named["A new table, column or day?"]["Default"] == "Merge due?"
    assert named["Merge due?"]["Default"] == "Release the lease"


def test_every_next_exists(machine: dict[str, Any]) -> None:
    def check(level: dict[str, Any]) -> None:
        names = set(level["States"])
        for state in level["States"].values():
            targets = [state.get("Next"), state.get("Default")]
            targets += [c["Next"] for c in state.get("Choices", []) + state.get("Catch", [])]
            assert {t for t in targets if t} <= names
            if state["Type"] == "Map":
                check(state["ItemProcessor"])

    check(machine)
