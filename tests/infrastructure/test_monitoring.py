"""Alarms: told to one topic, explained in the handbook; schedules leave dead letters."""

import re
from typing import Any

from lakehouse.measures import NAMESPACE_VARIABLE
from lakehouse.settings import load_stage
from tests.infrastructure.conftest import ROOT
from tests.infrastructure.templates import definition, of_type, only

Templates = dict[str, dict[str, Any]]
HANDBOOK = (ROOT / "docs" / "operations.md").read_text()


def alarms(templates: Templates, stage_name: str) -> dict[str, dict[str, Any]]:
    found = of_type(templates["monitoring"], "AWS::CloudWatch::Alarm").values()
    prefix = f"lakehouse-{stage_name}-"
    return {alarm["AlarmName"].removeprefix(prefix): alarm for alarm in found}


def test_platform_alarms_has_its_chapter_and_every_chapter_its_alarm(
    templates: Templates, stage_name: str
) -> None:
    chapters = re.findall(r"^## (.+)$", HANDBOOK, re.MULTILINE)
    assert set(chapters) == set(alarms(templates, stage_name))
    for name, alarm in alarms(templates, stage_name).items():
        assert f"docs/operations.md, '{name}'" in alarm["AlarmDescription"]


def test_every_command_of_the_handbook_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"make ([a-z][a-z-]+)", HANDBOOK))
    assert named >= {"repair", "pause", "resume", "quarantine-replay"}
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_platform_alarms_is_told_when_it_begins_and_when_it_ends(
    templates: Templates, stage_name: str
) -> None:
    (topic,) = of_type(templates["monitoring"], "AWS::SNS::Topic")
    for alarm in alarms(templates, stage_name).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": topic}]


def test_alarms_look_at_the_stages_own_metrics(templates: Templates, stage_name: str) -> None:
    namespace = load_stage(stage_name).metrics_namespace
    used = {
        metric["Namespace"]
        for alarm in alarms(templates, stage_name).values()
        for metric in [
            *([alarm] if "Namespace" in alarm else []),
            *(m["MetricStat"]["Metric"] for m in alarm.get("Metrics", []) if "MetricStat" in m),
        ]
    }
    assert used == {namespace, "AWS/RDS", "AWS/SQS", "AWS/States", "AWS/Lambda"}
    for template in templates.values():
        for function in of_type(template, "AWS::Lambda::Function").values():
            environment = function.get("Environment", {}).get("Variables", {})
            if "POWERTOOLS_LOG_LEVEL" in environment:
                assert environment[NAMESPACE_VARIABLE] == namespace
    job = only(templates["transform"], "AWS::Glue::Job")
    assert job["DefaultArguments"]["--metrics_namespace"] == namespace


def test_every_schedule_leaves_what_it_could_not_start(templates: Templates) -> None:
    schedules = [
        schedule
        for template in templates.values()
        for schedule in of_type(template, "AWS::Scheduler::Schedule").values()
    ]
    assert len(schedules) == 3
    for schedule in schedules:
        assert schedule["Target"]["DeadLetterConfig"]["Arn"]
    queue = only(templates["source"], "AWS::SQS::Queue")
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_every_task_has_a_time_limit(templates: Templates) -> None:
    def tasks(machine: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        inner = [
            found
            for state in machine["States"].values()
            if state["Type"] == "Map"
            for found in tasks(state["ItemProcessor"])
        ]
        own = [(n, s) for n, s in machine["States"].items() if s["Type"] == "Task"]
        return own + inner

    for stack in ("orchestration", "upkeep"):
        machine = definition(templates[stack])
        for name, state in tasks(machine):
            assert 0 < state["TimeoutSeconds"] <= machine["TimeoutSeconds"], name


def test_the_logs_can_be_asked(templates: Templates, stage_name: str) -> None:
    questions = of_type(templates["monitoring"], "AWS::Logs::QueryDefinition").values()
    assert len(questions) == 4
    groups = {
        group["LogGroupName"]
        for template in templates.values()
        for group in of_type(template, "AWS::Logs::LogGroup").values()
    }
    for question in questions:
        assert question["Name"].startswith(f"lakehouse-{stage_name}/")
        assert set(question["LogGroupNames"]) <= groups
