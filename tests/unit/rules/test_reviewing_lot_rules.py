"""What a plan says of a lot, by what was checked; and what is refused then."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import Choice, Incomplete, Inspect, Label, NotAllowed, Stage, Workflow
from itagflow.model import (
    Answer,
    AssignmentState,
    LotVerdict,
    Outcome,
    PackageLot,
    PackageState,
    Verdict,
)
from itagflow.model.change import Context
from itagflow.quality import PlanVerdict, SinglePlan, sequential
from itagflow.reviewing.lot_rules import (
    LotWork,
    decide_lot,
    describe_lot,
    judge_lot,
    make_lot_work,
    require_accepted,
    require_rejected,
)
from itagflow.testing import AT, make_answer, make_assignment, make_job, make_package

LABELING = make_assignment(
    id=5, member=2, state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, authored=True
)
TASKS = range(1, 11)
CAT = {"1": Choice("cat")}
CTX = Context(AT, 1, 3)
RULE = Inspect(plan=SinglePlan(3, 1))
LOT = PackageLot(size=10, sample=(2, 5, 9))


def right(task: int) -> Answer:
    return make_answer(
        assignment=6, task=task, stage=Stage.INSPECT, verdict=Verdict.RIGHT, replies=None
    )


def wrong(task: int) -> Answer:
    return attrs.evolve(right(task), verdict=Verdict.WRONG, comment="no")


def modified(task: int, animal: str) -> Answer:
    return attrs.evolve(right(task), replies={"1": Choice(animal)})


def work(
    *said: Answer, rule: Inspect = RULE, lot: PackageLot | None = LOT, **package: Any
) -> LotWork | None:
    """The work on a package of ten tasks, labeled as cats, of which this was *said*."""
    scope = None if lot is None or lot.is_rejected else lot.sample
    job = make_job(workflow=Workflow(Label(), rule))
    held = make_assignment(id=6, member=3, stage=Stage.INSPECT, scope=scope)
    of_package = make_package(
        size=10, state=PackageState.INSPECT, free=0, lot=lot, scope=scope, **package
    )
    answers = {task: {5: make_answer(assignment=5, task=task, replies=CAT)} for task in TASKS}
    for answer in said:
        answers[answer.task][6] = answer
    return make_lot_work(job, of_package, held, [LABELING, held], answers)


def lot_of(*said: Answer, **more: Any) -> LotWork:
    found = work(*said, **more)
    assert found is not None
    return found


def verdict(name: str, checked: int, wrong: int, more: int = 0) -> LotVerdict:
    return LotVerdict(verdict=PlanVerdict(name), more=more, checked=checked, wrong=wrong, size=10)


CLEAN = (right(2), right(5), right(9))
BAD = (wrong(2), modified(5, "dog"), right(9))


def test_without_a_lot_or_a_plan_no_plan_decides() -> None:
    assert work(lot=None) is None
    assert work(rule=Inspect()) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((), verdict("more", 0, 0, 3)),
        ((right(2), right(7)), verdict("more", 1, 0, 2)),
        (CLEAN, verdict("accept", 3, 0)),
        ((right(2), wrong(5), right(9)), verdict("accept", 3, 1)),
        ((right(2), modified(5, "dog"), right(9)), verdict("accept", 3, 1)),
        # the labeler's own answer
        ((wrong(2), modified(5, "cat"), right(9)), verdict("accept", 3, 1)),
        (BAD, verdict("reject", 3, 2)),
        # what is beside the sample does not count
        ((*CLEAN, wrong(1), wrong(3)), verdict("accept", 3, 0)),
    ],
)
def test_what_the_plan_says(said: tuple[Answer, ...], expected: LotVerdict) -> None:
    assert judge_lot(lot_of(*said)) == expected
    plain = describe_lot(lot_of(*said))["lot"]
    assert plain == {
        "verdict": expected.verdict.value,
        "checked": expected.checked,
        "wrong": expected.wrong,
        "size": 10,
    }


def test_for_what_was_erased_others_are_drawn() -> None:
    found, change = decide_lot(lot_of(right(2), right(5), erased=(9,)), CTX)
    assert found == verdict("more", 2, 0, 1)
    assert change is not None
    (_, package), (_, assignment) = change.save
    (more,) = change.event.data["tasks"]
    assert more not in (2, 5, 9)
    assert package.lot.sample == tuple(sorted({*LOT.sample, more}))
    assert assignment.scope == package.scope == package.lot.sample


def test_a_lot_of_which_all_is_checked_is_decided() -> None:
    lot = PackageLot(size=10, sample=tuple(TASKS))
    rule = Inspect(plan=SinglePlan(10, 1))
    said = [right(task) for task in TASKS if task != 4]
    assert judge_lot(lot_of(*said, lot=lot, rule=rule, erased=(4,))) == verdict("accept", 9, 0)
    said[:2] = [wrong(1), wrong(2)]
    assert judge_lot(lot_of(*said, lot=lot, rule=rule, erased=(4,))) == verdict("reject", 9, 2)


@pytest.mark.parametrize("said", [(), (right(2),), CLEAN, BAD])
def test_nothing_more_is_given_where_it_is_decided_or_unchecked(said: tuple[Answer, ...]) -> None:
    assert decide_lot(lot_of(*said), CTX)[1] is None


def test_a_sequential_plan_is_given_what_it_wants() -> None:
    rule = Inspect(plan=sequential(0.02, 0.4))
    found, change = decide_lot(lot_of(*CLEAN, rule=rule), CTX)
    assert found.verdict is PlanVerdict.MORE
    assert change is not None
    assert change.event.type == "extend"
    assert len(change.event.data["tasks"]) == found.more
    assert set(LOT.sample).isdisjoint(change.event.data["tasks"])


def test_a_rejected_lot_that_is_inspected_becomes_due_whole() -> None:
    rule = Inspect(plan=SinglePlan(3, 1), rejected_lots="inspect")
    found, change = decide_lot(lot_of(*BAD, rule=rule), CTX)
    assert found == verdict("reject", 3, 2, 7)
    assert change is not None
    (_, package), (_, assignment) = change.save
    assert (package.lot.is_rejected, package.scope, assignment.scope) == (True, None, None)


def test_what_passes() -> None:
    require_accepted(lot_of(*CLEAN))
    require_accepted(lot_of(right(2), modified(5, "dog"), right(9)))
    rejected = attrs.evolve(LOT, is_rejected=True)
    rule = Inspect(plan=SinglePlan(3, 1), rejected_lots="inspect")
    require_accepted(lot_of(*map(right, TASKS), lot=rejected, rule=rule))


@pytest.mark.parametrize(
    ("said", "how", "error", "sentence"),
    [
        ((right(2),), "rework", Incomplete, "the plan says more"),
        ((right(2), wrong(5), right(9)), "rework", Incomplete, "the plan says accept"),
        (BAD, "rework", NotAllowed, "the plan says reject .*: reject it"),
        (BAD, "inspect", NotAllowed, "the plan says reject .*: plan_verdict adds the rest"),
    ],
)
def test_what_does_not_pass(
    said: tuple[Answer, ...], how: str, error: type[Exception], sentence: str
) -> None:
    rule = Inspect(plan=SinglePlan(3, 1), rejected_lots=how)  # type: ignore[arg-type]
    with pytest.raises(error, match=sentence):
        require_accepted(lot_of(*said, rule=rule))


def test_a_lot_that_is_inspected_whole_passes_when_all_is_checked_and_right() -> None:
    rejected = attrs.evolve(LOT, is_rejected=True)
    with pytest.raises(Incomplete, match="look at every task") as refused:
        require_accepted(lot_of(*BAD, lot=rejected))
    assert refused.value.tasks == (1, 3, 4, 6, 7, 8, 10)
    said = [*map(right, TASKS), wrong(2)]
    with pytest.raises(Incomplete, match="modify what is wrong") as refused:
        require_accepted(lot_of(*said, lot=rejected))
    assert refused.value.tasks == (2,)


def test_only_what_the_plan_rejects_goes_back() -> None:
    require_rejected(lot_of(*BAD))
    with pytest.raises(Incomplete, match="cannot reject: the plan says more"):
        require_rejected(lot_of(right(2)))
    with pytest.raises(NotAllowed, match="the plan says accept"):
        require_rejected(lot_of(*CLEAN))
    rule = Inspect(plan=SinglePlan(3, 1), rejected_lots="inspect")
    with pytest.raises(NotAllowed, match="inspected whole"):
        require_rejected(lot_of(*BAD, rule=rule))
