"""How the functions of `itagflow.quality` are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from values.callables import P
from values.scene import Scene

Arguments = Mapping[str, Any]
ROWS = [(1, "ann", 1), (1, "bob", 1), (2, "ann", 2), (2, "bob", 3)]
DRAWS = {"bootstrap": 5, "seed": 1}


def of(**arguments: Any) -> Callable[[Scene], Arguments]:
    """Return what gives these arguments."""
    return lambda _: arguments


def fields_of(make: Callable[[], Any]) -> Callable[[Scene], Arguments]:
    """Return what gives the fields of a value."""
    return lambda _: attrs.asdict(make(), recurse=False)


def boxes() -> Any:
    return P.Regions([P.Box(0, 0, 5, 5, label="car")], width=100, height=100)


def marked(_: Scene) -> Arguments:
    return {
        "labels": [(1, "ann", boxes()), (1, "bob", boxes())],
        "threshold": 0.5,
        "same_label": False,
        "distance": 5,
    }


def matched(_: Scene) -> Arguments:
    return {
        "first": boxes(),
        "second": boxes(),
        "threshold": 0.5,
        "same_label": False,
        "distance": 5,
    }


def line() -> Any:
    return P.StatementLine(account="ben", job="cats", job_id=1, stage=P.Stage.LABEL, count=2)


QUALITY: Mapping[str, Callable[[Scene], Arguments]] = {
    "Forecast": fields_of(lambda: P.Forecast(left=3.0, pace=1.5, days=2.0, observed=4)),
    "JobForecast": fields_of(lambda: P.JobForecast(stages={P.Stage.LABEL: P.Forecast()})),
    "quality.forecast": of(counts=[3, 4.0, 5], left=10, level=0.9),
    "Rate": of(item=0.05, hour=12.0),
    "StatementLine": fields_of(line),
    "Statement": fields_of(lambda: P.Statement(after=0, until=9, lines=(line(),))),
    "Agreement": fields_of(lambda: P.Agreement()),
    "PairAgreement": of(first="ann", second="bob", tasks=3, raw=0.5, cohen=None),
    "LabelTable": of(labels=ROWS),
    "Match": of(first=0, second=1, overlap=0.5),
    "Matching": fields_of(lambda: P.Matching()),
    "MatchAgreement": fields_of(lambda: P.MatchAgreement()),
    "QuestionAgreement": fields_of(
        lambda: P.QuestionAgreement(
            **dict.fromkeys(("raw", "alpha", "cohen", "fleiss", "gwet_ac1"), P.Agreement())
        )
    ),
    "quality.raw": of(labels=ROWS, **DRAWS),
    "quality.alpha": of(labels=ROWS, level="ordinal", order=[1, 2, 3], **DRAWS),
    "quality.fleiss": of(labels=ROWS, **DRAWS),
    "quality.gwet_ac1": of(labels=ROWS, **DRAWS),
    "quality.cohen": of(
        labels=ROWS, members=["ann", "bob"], weights="linear", order=[1, 2, 3], **DRAWS
    ),
    "quality.by_question": of(questions={"kind": ROWS}, measure="raw"),
    "quality.by_label": of(labels=ROWS, measure="raw"),
    "quality.by_pair": of(labels=ROWS),
    "quality.by_member": of(labels=ROWS),
    "quality.f1": marked,
    "quality.match": matched,
    "PlanDecision": lambda _: {"verdict": P.PlanVerdict.MORE, "more": 1},
    "SinglePlan": of(sample=10, accept=1, lot=50),
    "SinglePlan.for_lot": of(lot=50),
    "SinglePlan.decide": of(checked=5, wrong=1),
    "SinglePlan.oc": of(p=0.1, lot=50),
    "PlanRow": of(up_to=90, sample=5, accept=0),
    "TablePlan": lambda _: {"rows": [(90, 5, 0), (None, 20, 1)]},
    "TablePlan.for_lot": of(lot=50),
    "TablePlan.oc": of(p=0.1, lot=50),
    "Iso2859": of(aql=1.0, level="II"),
    "Iso2859.for_lot": of(lot=50, severity="tightened"),
    "Iso2859.oc": of(p=0.1, lot=50, severity="tightened"),
    "Iso2859.explain": of(lot=50),
    "Iso2859.switch": lambda _: {
        "state": P.SwitchingState(),
        "lot": 50,
        "wrong": 0,
        "is_steady": True,
        "may_reduce": False,
    },
    "Iso2859LotPlan": fields_of(lambda: P.quality.iso2859(1.0).for_lot(1000)),
    "Iso2859LotPlan.decide": of(checked=5, wrong=1),
    "Iso2859LotPlan.oc": of(p=0.1, lot=50),
    "SwitchingState": fields_of(lambda: P.SwitchingState()),
    "SequentialPlan": of(p0=0.02, p1=0.08, alpha=0.05, beta=0.1, lot=50),
    "SequentialPlan.for_lot": of(lot=50),
    "SequentialPlan.decide": of(checked=5, wrong=1),
    "SequentialPlan.oc": of(p=0.1, lot=50),
    "SequentialPlan.expect_looks": of(p=0.1, lot=50),
    "Majority": of(tasks=[1], values=["a"], winners=[0], confidence=[1.0]),
    "MemberSkill": of(accuracy=0.5, labels=3, confusion={}),
    "Truth": of(labels={}, confidence={}, members={}, shares={}, log_likelihoods=(), why="too few"),
    "PositionBias": fields_of(lambda: P.PositionBias()),
    "Cluster": of(part=None, voters=(0, 1), has_one_label=True),
    "MergedMarks": fields_of(lambda: P.MergedMarks()),
    "quality.majority": of(labels=ROWS, min_votes=1, weights={"ann": 1, "bob": 2}),
    "quality.weigh_members": of(known={"ann": (3, 5)}, values=2),
    "quality.truth": of(labels=ROWS, known={1: 1}, iterations=5, tolerance=0.1),
    "quality.position_bias": of(choices=[((1, 2), 1)]),
    "quality.merge_marks": lambda _: {
        "votes": [boxes(), boxes()],
        "min_votes": 2,
        "threshold": 0.5,
        "distance": 5,
        "weights": [1, 2],
    },
    "Inspection": of(tasks=50, sample=10, wrong=1, accept=0, round=1, is_drawn=True),
    "Skipped": of(packages=2, tasks=100),
    "ErrorLeft": fields_of(lambda: P.ErrorLeft()),
    "quality.error_left": lambda _: {
        "inspections": [P.Inspection(50, 10, 1), P.Inspection(50, 10, 0)],
        "skipped": P.Skipped(2, 100),
        "tasks": 100,
        "detection": 0.9,
    },
    "quality.iso2859": of(aql=1.0, level="II"),
    "quality.sequential": of(p0=0.02, p1=0.08, alpha=0.05, beta=0.1),
}
"""Good arguments for every parameter, by the key of the callable."""
QUALITY_OWNERS: Mapping[str, Callable[[Scene], Any]] = {
    "SinglePlan": lambda _: P.SinglePlan(10, 1),
    "Iso2859": lambda _: P.quality.iso2859(1.0),
    "Iso2859LotPlan": lambda _: P.quality.iso2859(1.0).for_lot(1000),
    "SequentialPlan": lambda _: P.quality.sequential(0.02, 0.08),
    "TablePlan": lambda _: P.TablePlan([(90, 5, 0), (None, 20, 1)]),
}
"""The objects whose methods are tried."""
