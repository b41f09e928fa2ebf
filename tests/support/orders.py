"""How the jobs of random walks are ordered: workflows, crews and packages of every kind."""

from __future__ import annotations

from datetime import timedelta

import hypothesis.strategies as st

from itagflow import (
    Accept,
    Choice,
    Crew,
    Field,
    FixedSize,
    GroupByField,
    Inspect,
    Label,
    Lot,
    PackageCount,
    Route,
    Stage,
)
from itagflow.quality import SinglePlan, sequential

PEOPLE = ("ada", "ben", "cy", "di")
LEASE = timedelta(minutes=10)

labels = st.sampled_from(
    [
        Label(),
        Label(lease=LEASE, offer_lease=LEASE, limit=2),
        Label(rework=Route.QUEUE, redo_all=True),
        Label(rework=Route.QUEUE, order="oldest", max_total=9),
        Label(rework="ben", lease=LEASE, acknowledge=True),
        Label(on_abandon="queue"),
        Label(votes=2, min_votes=2),
        Label(votes=2, min_votes=1, lease=LEASE, limit=1, redo_all=True),
        Label(votes=3, min_votes=2, rework=Route.QUEUE),
        Label(allow_partial=True, lease=LEASE),
        Label(allow_partial=True, limit=2, redo_all=True),
        Label(votes=2, on_dispute="keep", votes_package_share=0.5),
        Label(votes=3, merge={"1": "keep"}, on_dispute="keep"),
        Label(votes=2, max_votes=4, agree=2 / 3, lease=LEASE),
        Label(votes=2, max_votes=3, on_dispute="keep", max_total=9),
        Label(votes=3, min_votes=2, stop_early=True, rework=Route.QUEUE),
        Label(requires=Field("source", skill="{}", least=50), lease=LEASE),
        Label(on_overdue="notify", order="due"),
        Label(on_overdue={"1": Choice("cat")}, lease=LEASE, allow_partial=True),
        Label(on_overdue={"1": Choice("cat")}, votes=2, lease=LEASE, limit=2),
        Label(on_overdue="escalate", lease=LEASE),
        Label(on_overdue="escalate", votes=2, min_votes=2, lease=LEASE),
    ]
)
inspects = st.sampled_from(
    [
        None,
        Inspect(),
        Inspect(task_share=0.5, lease=LEASE, limit=1),
        Inspect(allow_own_work=True),
        Inspect(package_share=0.5, task_count=1),
        Inspect(max_rejects=1, on_max_rejects="abandon", reasons=("blurred", "dark")),
        Inspect(max_rejects=1),
        Inspect(plan=SinglePlan(1, 0), lease=LEASE),
        Inspect(plan=sequential(0.1, 0.6), rejected_lots="inspect"),
    ]
)
accepts = st.sampled_from(
    [
        None,
        Accept(),
        Accept(task_count=1),
        Accept(reject_to=Stage.INSPECT, allow_own_work=True, allow_own_review=True),
        Accept(package_share=0.5),
        Accept(max_rejects=1, on_max_rejects="queue"),
        Accept(plan=SinglePlan(1, 0), rejected_lots="inspect"),
        Accept(plan=sequential(0.1, 0.6)),
        Accept(plan=SinglePlan(2, 0), lot=Lot(packages=2)),
        Accept(plan=SinglePlan(2, 1), lot=Lot(packages=3), rejected_lots="inspect", lease=LEASE),
        Accept(plan=sequential(0.1, 0.6), lot=Lot(packages=2), allow_own_work=True),
    ]
)
crews = st.sampled_from(
    [
        {},
        {Crew.EXPERTS: PEOPLE, Crew.ADJUDICATORS: PEOPLE},
        {Crew.EXPERTS: ("di", "cy"), Crew.ADJUDICATORS: ("di", "ben")},
    ]
)
packagings = st.sampled_from([FixedSize(2), FixedSize(3), PackageCount(2), GroupByField("source")])
