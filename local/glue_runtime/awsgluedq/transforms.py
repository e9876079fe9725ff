"""EvaluateDataQuality with the outcomes, NULLs and row-level results of AWS's documents."""

from collections.abc import Mapping
from typing import Any

from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection

from awsgluedq.evaluation import evaluate
from lakehouse.quality.dqdl import parse

Options = Mapping[str, Any] | None


class EvaluateDataQuality:
    """Evaluates a DQDL ruleset over a frame. Publishing and tuning options change nothing."""

    @classmethod
    def apply(
        cls,
        frame: DynamicFrame,
        ruleset: str,
        publishing_options: Options = None,  # noqa: ARG003
        **_: Any,
    ) -> DynamicFrame:
        """One row per rule: Rule, Outcome, FailureReason, EvaluatedMetrics, EvaluatedRule."""
        return cls().process_rows(frame, ruleset).select("ruleOutcomes")

    def process_rows(
        self,
        frame: DynamicFrame,
        ruleset: str,
        additional_data_sources: Mapping[str, DynamicFrame] | None = None,
        publishing_options: Options = None,  # noqa: ARG002
        additional_options: Options = None,  # noqa: ARG002
    ) -> DynamicFrameCollection:
        """Frames `originalData`, `ruleOutcomes` and `rowLevelOutcomes`."""
        sources = {name: source.toDF() for name, source in (additional_data_sources or {}).items()}
        outcomes, rows = evaluate(frame.toDF(), parse(ruleset), sources)
        context = frame.glue_ctx
        return DynamicFrameCollection(
            {
                "originalData": frame,
                "ruleOutcomes": DynamicFrame(outcomes, context, "ruleOutcomes"),
                "rowLevelOutcomes": DynamicFrame(rows, context, "rowLevelOutcomes"),
            },
            context,
        )
