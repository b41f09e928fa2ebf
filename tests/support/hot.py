"""The queries of the hot path, and the index that each of them uses."""

from __future__ import annotations

from typing import Any

from itagflow import (
    Answer,
    Assignment,
    AssignmentState,
    PackageState,
    Stage,
    Task,
)
from itagflow.model.delivery import DeadLetter
from itagflow.model.event import Event
from itagflow.model.package import Package
from itagflow.storage import Query, Span, Unless

MINE = Unless(
    Assignment,
    {"member": 2, "stage": Stage.LABEL, "state": (AssignmentState.HELD, AssignmentState.DONE)},
    {"job": "job", "number": "package"},
)


def waiting(state: PackageState, **more: Any) -> Query[Package]:
    """The first package that waits in *state*, and on which member 2 has no assignment."""
    where = {"job": 4, "state": state, "waiting": True, **more}
    return Query(
        Package, where, order=("-priority", "due", "waiting_since", "number"), limit=1, unless=MINE
    )


def ordered(*order: str, **more: Any) -> Query[Package]:
    """The first package with a priority or a due time that waits to be labeled, in another order."""
    where = {"job": 4, "state": PackageState.LABEL, "ranked": True, **more}
    return Query(Package, where, order=order, limit=1, unless=MINE)


HOT: list[tuple[Query[Any], str]] = [
    (waiting(PackageState.LABEL), "package_pool"),
    (waiting(PackageState.INSPECT, priority=Span(1, None)), "package_pool"),
    (waiting(PackageState.INSPECT, priority=0, due=Span(None, 5)), "package_pool"),
    (waiting(PackageState.INSPECT, priority=0, due=9, waiting_since=Span(7, None)), "package_pool"),
    (
        ordered("due", "-priority", "waiting_since", "number", has_deadline=True),
        "package_due",
    ),
    (ordered("waiting_since", "-priority", "due", "number"), "package_oldest"),
    (Query(Package, {"job": 4, "open": True}, order=("number",), limit=2), "package_open"),
    (Query(Package, {"job": 4, "value": ("a", "b")}), "package_value"),
    (
        Query(
            Package, {"job": 4, "has_deadline": True, "due": Span(None, 5)}, order=("due", "number")
        ),
        "package_deadline",
    ),
    (
        Query(
            Package,
            {"job": 4, "is_deadline_pending": True, "due": Span(None, 5)},
            order=("due", "number"),
            limit=9,
        ),
        "package_deadline_pending",
    ),
    (Query(Assignment, {"job": 4, "package": 1}, order=("id",)), "assignment_package"),
    (
        Query(Assignment, {"member": 2, "state": AssignmentState.OFFERED, "job": 4}, order=("id",)),
        "assignment_member",
    ),
    (
        Query(Assignment, {"job": 4, "member": 2, "token": "t", "stage": Stage.LABEL}, limit=1),
        "assignment_token",
    ),
    (
        Query(
            Assignment,
            {"job": 4, "live": True, "stage": Stage.LABEL, "lease_until": Span(None, 5)},
            order=("lease_until", "id"),
        ),
        "assignment_lease",
    ),
    (
        Query(Task, {"job": 4, "package": 1, "number": Span(2, None)}, order=("number",), limit=9),
        "task_package",
    ),
    (Query(Task, {"job": 4, "row_key_text": ("a", "b")}), "task_row_key_text"),
    (Query(Answer, {"job": 4, "task": Span(1, 9)}), "answer_task"),
    (Query(Answer, {"job": 4, "assignment": 1}), "PRIMARY KEY"),
    (Query(DeadLetter, {"receiver": "r"}, order=("next_attempt_at",), limit=1), "dead_letter_next"),
    (Query(Event, {"job": 4}, order=("position",), limit=9, after=(3, 3)), "event_job"),
    (
        Query(Event, {"job": 4, "became": ("final", "reopened")}, order=("position",), limit=9),
        "event_became",
    ),
    (Query(Event, {"job": 4, "package": 1}, order=("position",), limit=9), "event_package"),
]
