"""How good labels are: agreement of members, and what follows from it.

Pure functions over iterables: they need neither a store nor a job, and read labels from wherever
they come, as (task, member, value).

>>> from itagflow import quality
>>> labels = [(1, "ann", "cat"), (1, "bob", "cat"), (2, "ann", "dog"), (2, "bob", "dog")]
>>> quality.alpha(labels).value
1.0

What is computed over many labels needs NumPy: ``pip install 'itagflow[quality]'``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itagflow.model.plan import AcceptancePlan, LotPlan, PlanDecision, PlanVerdict, Severity
    from itagflow.quality.aggregation import (
        Majority,
        majority,
        position_bias,
        truth,
        weigh_members,
    )
    from itagflow.quality.agreement import (
        DistanceWeights,
        Level,
        Measure,
        alpha,
        by_label,
        by_member,
        by_pair,
        by_question,
        cohen,
        fleiss,
        gwet_ac1,
        raw,
    )
    from itagflow.quality.errors_left import error_left
    from itagflow.quality.forecasting import Forecast, JobForecast, forecast
    from itagflow.quality.iso_plans import (
        InspectionLevel,
        Iso2859,
        Iso2859LotPlan,
        SwitchingState,
        iso2859,
    )
    from itagflow.quality.labels import LabelRow, LabelTable
    from itagflow.quality.matching import Marks, f1, match
    from itagflow.quality.merging import merge_marks
    from itagflow.quality.plans import SinglePlan
    from itagflow.quality.sequential_plans import SequentialPlan, sequential
    from itagflow.quality.statements import Rate, Statement, StatementLine, WorkBy
    from itagflow.quality.table_plans import PlanRow, TablePlan
    from itagflow.quality.values import (
        Agreement,
        Cluster,
        ErrorLeft,
        Inspection,
        Match,
        MatchAgreement,
        Matching,
        MemberSkill,
        MergedMarks,
        PairAgreement,
        PositionBias,
        QuestionAgreement,
        Skipped,
        StatisticsOf,
        StatisticsUnit,
        Truth,
    )

__all__ = [
    "AcceptancePlan",
    "Agreement",
    "Cluster",
    "DistanceWeights",
    "ErrorLeft",
    "Forecast",
    "Inspection",
    "InspectionLevel",
    "Iso2859",
    "Iso2859LotPlan",
    "JobForecast",
    "LabelRow",
    "LabelTable",
    "Level",
    "LotPlan",
    "Majority",
    "Marks",
    "Match",
    "MatchAgreement",
    "Matching",
    "Measure",
    "MemberSkill",
    "MergedMarks",
    "PairAgreement",
    "PlanDecision",
    "PlanRow",
    "PlanVerdict",
    "PositionBias",
    "QuestionAgreement",
    "Rate",
    "SequentialPlan",
    "Severity",
    "SinglePlan",
    "Skipped",
    "Statement",
    "StatementLine",
    "StatisticsOf",
    "StatisticsUnit",
    "SwitchingState",
    "TablePlan",
    "Truth",
    "WorkBy",
    "alpha",
    "by_label",
    "by_member",
    "by_pair",
    "by_question",
    "cohen",
    "error_left",
    "f1",
    "fleiss",
    "forecast",
    "gwet_ac1",
    "iso2859",
    "majority",
    "match",
    "merge_marks",
    "position_bias",
    "raw",
    "sequential",
    "truth",
    "weigh_members",
]

# Merging votes needs the matching of regions only: what else is here is imported when it is asked
# for.
_HOMES = {
    name: module
    for module, names in {
        "aggregation": ("Majority", "majority", "position_bias", "truth", "weigh_members"),
        "agreement": (
            "DistanceWeights",
            "Level",
            "Measure",
            "alpha",
            "by_label",
            "by_member",
            "by_pair",
            "by_question",
            "cohen",
            "fleiss",
            "gwet_ac1",
            "raw",
        ),
        "errors_left": ("error_left",),
        "forecasting": ("Forecast", "JobForecast", "forecast"),
        "iso_plans": (
            "InspectionLevel",
            "Iso2859",
            "Iso2859LotPlan",
            "SwitchingState",
            "iso2859",
        ),
        "labels": ("LabelRow", "LabelTable"),
        "matching": ("Marks", "f1", "match"),
        "merging": ("merge_marks",),
        "plans": ("SinglePlan",),
        ".model.plan": ("AcceptancePlan", "LotPlan", "PlanDecision", "PlanVerdict", "Severity"),
        "sequential_plans": ("SequentialPlan", "sequential"),
        "statements": ("Rate", "Statement", "StatementLine", "WorkBy"),
        "table_plans": ("PlanRow", "TablePlan"),
        "values": (
            "Agreement",
            "Cluster",
            "ErrorLeft",
            "Inspection",
            "Match",
            "MatchAgreement",
            "Matching",
            "MemberSkill",
            "MergedMarks",
            "PairAgreement",
            "PositionBias",
            "QuestionAgreement",
            "Skipped",
            "StatisticsOf",
            "StatisticsUnit",
            "Truth",
        ),
    }.items()
    for name in names
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    if isinstance(found, type):
        found.__module__ = __name__  # a class reports the place where users import it
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
