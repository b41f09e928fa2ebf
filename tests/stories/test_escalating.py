"""A labeler hands a task that they cannot answer to an expert."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from support.scenes import Clock, cats, labeled, taken, verbs

from itagflow import (
    Choice,
    Crew,
    Flow,
    Inspect,
    Job,
    Label,
    NotAllowed,
    NotHeld,
    PackageState,
    Role,
    Stage,
    Workflow,
)
from itagflow.errors import Incomplete, InvalidData, WrongState
from itagflow.model import Outcome, Purpose


def with_experts(flow: Flow, *experts: str, **more: Any) -> Job:
    job = cats(flow, **more)
    for name in experts:
        flow.members.add("street", name, Role.OPERATOR, by="ada", exist_ok=True)
    if experts:
        job = flow.jobs.add_workers(job, "experts", experts, by="ada")
    return job


def test_escalation_to_an_expert(flow: Flow) -> None:
    job = with_experts(flow, "eve", tasks=2, workflow=Workflow(Label(), Inspect()))
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, Choice("cat"))
    flow.save(assignment, 2, Choice("dog"))
    handed = flow.escalate(assignment, 2, comment="a fox?", reason="unsure", by="ben")
    assert (handed.is_escalated, handed.is_abandoned) == (True, False)
    flow.submit(assignment, by="ben")
    assert flow.packages.get((job.id, 1)).state is PackageState.LABEL

    expert = taken(flow, "eve", job)
    assert (expert.purpose, expert.scope) == (Purpose.ESCALATION, (2,))
    (item,) = flow.tasks(expert, by="eve")
    assert item.comment == "a fox?"
    assert [(vote.replies, vote.escalation_reason) for vote in item.votes] == [
        ({"1": Choice("dog")}, "unsure")
    ]
    flow.save(expert, item, Choice("cat"), by="eve")
    flow.submit(expert, by="eve")

    package = flow.packages.get((job.id, 1))
    assert (package.state, package.abandoned) == (PackageState.INSPECT, 0)
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    eve = flow.members.get("street", "eve").id
    result = flow.results.get(job, 2)
    assert result.replies == {"1": Choice("cat")}
    assert result.stages[Stage.LABEL].member == eve
    assert [step.purpose for step in result.provenance] == [
        Purpose.LABEL,
        Purpose.ESCALATION,
        Purpose.REVIEW,
    ]
    assert str(next(e for e in flow.events.list(job) if e.type == "escalate")).endswith(
        "ben handed to the experts task 2: a fox?"
    )


def test_it_is_refused_without_experts(flow: Flow) -> None:
    job = with_experts(flow)
    assignment = taken(flow, "ben", job)
    with pytest.raises(NotAllowed, match="no experts: name some"):
        flow.escalate(assignment, 1)
    assert "escalate" not in verbs(flow, job)


def test_it_is_refused_where_no_other_expert_is_left(flow: Flow) -> None:
    job = with_experts(flow, "ben")
    assignment = taken(flow, "ben", job)
    with pytest.raises(NotAllowed, match="no expert is left"):
        flow.escalate(assignment, 1)


def test_it_is_for_labelers(flow: Flow) -> None:
    job = with_experts(flow, "eve", workflow=Workflow(Label(), Inspect()))
    labeled(flow, "ben", job)
    review = taken(flow, "di", job, Stage.INSPECT)
    with pytest.raises(WrongState):
        flow.escalate(review, 1)
    other = taken(flow, "ben", job)
    flow.escalate(other, 3)
    expert = taken(flow, "eve", job)
    with pytest.raises(NotAllowed, match="to whom tasks are handed"):
        flow.escalate(expert, 3)
    with pytest.raises(InvalidData):
        flow.escalate(other, 1)


def test_sent_twice_it_is_one_act(flow: Flow) -> None:
    job = with_experts(flow, "eve")
    assignment = taken(flow, "ben", job)
    first = flow.escalate(assignment, 1, comment="what is it?")
    assert flow.escalate(assignment, 1, comment="what is it?") == first
    assert verbs(flow, job).count("escalate") == 1


def test_what_was_handed_on_is_not_answered_any_more(flow: Flow) -> None:
    job = with_experts(flow, "eve")
    assignment = taken(flow, "ben", job)
    flow.escalate(assignment, 1)
    for act in (
        lambda: flow.save(assignment, 1, Choice("cat")),
        lambda: flow.abandon(assignment, 1, "dark"),
    ):
        with pytest.raises(InvalidData, match="handed to the experts"):
            act()


def test_a_second_task_extends_what_the_expert_has(flow: Flow) -> None:
    job = with_experts(flow, "eve", tasks=3, size=3)
    assignment = taken(flow, "ben", job)
    flow.escalate(assignment, 1)
    flow.escalate(assignment, 2)
    expert = taken(flow, "eve", job)
    assert expert.scope == (1, 2)
    flow.save_many(expert, {1: Choice("cat"), 2: Choice("cat")})
    flow.escalate(assignment, 3)
    assert flow.assignments.get(expert.key).scope == (1, 2, 3)
    with pytest.raises(Incomplete):
        flow.submit(expert)
    flow.save(expert, 3, Choice("dog"))
    flow.submit(expert)
    flow.submit(assignment)
    assert flow.packages.get((job.id, 1)).state is PackageState.DONE
    assert flow.results.get(job, 3).replies == {"1": Choice("dog")}


def test_the_next_holder_need_not_answer_what_was_handed_on(flow: Flow) -> None:
    job = with_experts(flow, "eve", tasks=2)
    assignment = taken(flow, "ben", job)
    flow.escalate(assignment, 1, comment="what is it?")
    flow.release(assignment)
    expert = taken(flow, "eve", job)
    (item,) = flow.tasks(expert)
    assert item.comment == "what is it?"
    again = taken(flow, "cy", job)
    flow.save(again, 2, Choice("dog"))
    flow.submit(again)
    flow.save(expert, 1, Choice("cat"))
    flow.submit(expert)
    assert flow.results.get(job, 1).replies == {"1": Choice("cat")}
    assert flow.results.get(job, 2).replies == {"1": Choice("dog")}


@pytest.mark.parametrize("end", ["release", "expire", "remove", "take over"])
def test_an_escalation_never_gets_lost(flow: Flow, clock: Clock, end: str) -> None:
    lease = timedelta(minutes=5)
    job = with_experts(flow, "eve", "fay", tasks=2, workflow=Workflow(Label(lease=lease)))
    assignment = taken(flow, "ben", job)
    flow.escalate(assignment, 1)
    flow.save(assignment, 2, Choice("cat"))
    flow.submit(assignment)
    expert = taken(flow, "eve", job)
    acts: dict[str, Callable[[], object]] = {
        "release": lambda: flow.release(expert),
        "expire": lambda: flow.assignments.expire(job, by="ada"),
        "remove": lambda: flow.members.remove("street", "eve", by="ada"),
        "take over": lambda: None,
    }
    clock.forward(minutes=6)
    acts[end]()
    again = taken(flow, "fay", job)
    assert (again.purpose, again.scope) == (Purpose.ESCALATION, (1,))
    assert flow.assignments.get(expert.key).outcome is not None
    flow.save(again, 1, Choice("dog"))
    flow.submit(again)
    assert flow.packages.get((job.id, 1)).state is PackageState.DONE


def test_the_expert_answers_whatever_the_votes_say(flow: Flow) -> None:
    workflow = Workflow(Label(votes=2, min_votes=2), Inspect())
    job = with_experts(flow, "eve", tasks=2, workflow=workflow)
    first = taken(flow, "ben", job)
    flow.save(first, 1, Choice("cat"))
    flow.escalate(first, 2)
    flow.submit(first)
    labeled(flow, "cy", job, "cat")
    package = flow.packages.get((job.id, 1))
    assert (package.state, package.disputes) == (PackageState.LABEL, ())
    expert = taken(flow, "eve", job)
    (item,) = flow.tasks(expert)
    assert [vote.is_escalated for vote in item.votes] == [True, False]
    flow.save(expert, 2, pick=item.votes[1])
    flow.submit(expert)
    assert flow.packages.get((job.id, 1)).state is PackageState.INSPECT
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    assert flow.results.get(job, 1).replies == {"1": Choice("cat")}
    assert flow.results.get(job, 2).replies == {"1": Choice("cat")}


def test_who_has_seen_votes_as_an_expert_gives_none(flow: Flow) -> None:
    workflow = Workflow(Label(votes=2), Inspect())
    job = with_experts(flow, "eve", tasks=4, workflow=workflow, label=["ben", "cy", "eve"])
    first = taken(flow, "ben", job)
    flow.escalate(first, 1)
    expert = taken(flow, "eve", job)
    assert expert.purpose is Purpose.ESCALATION
    assert taken(flow, "eve", job).package == 2, "not the package of which they see votes"
    assert flow.claim("eve", job, Stage.LABEL) is None
    flow.release(expert)
    with pytest.raises(NotAllowed, match="were shown votes"):
        flow.assignments.assign((job.id, 1), "eve", by="ada")
    assert taken(flow, "eve", job).purpose is Purpose.ESCALATION, "this they may have again"


def test_who_gave_an_escalation_back_never_votes_on_its_package(flow: Flow) -> None:
    workflow = Workflow(Label(votes=2), Inspect())
    job = with_experts(flow, "eve", "fay", tasks=2, workflow=workflow, label=["ben", "cy", "eve"])
    first = taken(flow, "ben", job)
    flow.escalate(first, 1)
    flow.release(taken(flow, "eve", job))
    taken(flow, "fay", job)
    assert not list(flow.available("eve"))
    assert flow.claim("eve", job, Stage.LABEL) is None
    assert taken(flow, "cy", job).purpose is Purpose.LABEL


def test_a_voter_gets_no_escalation(flow: Flow) -> None:
    workflow = Workflow(Label(votes=2), Inspect())
    job = with_experts(flow, "cy", "eve", tasks=2, workflow=workflow)
    taken(flow, "cy", job)
    first = taken(flow, "ben", job)
    flow.escalate(first, 1)
    assert flow.claim("cy", job, Stage.LABEL) is None
    assert taken(flow, "eve", job).purpose is Purpose.ESCALATION


def test_an_adjudicator_may_ask_an_expert(flow: Flow) -> None:
    workflow = Workflow(Label(votes=2, min_votes=2), Inspect())
    job = with_experts(flow, "eve", tasks=2, workflow=workflow)
    flow.members.add("street", "fay", Role.OPERATOR, by="ada")
    flow.jobs.add_workers(job, Crew.ADJUDICATORS, ["fay"], by="ada")
    labeled(flow, "ben", job, "cat")
    labeled(flow, "cy", job, "dog")
    third = taken(flow, "fay", job)
    flow.save(third, 1, Choice("cat"))
    flow.escalate(third, 2, comment="neither")
    flow.submit(third)
    expert = taken(flow, "eve", job)
    (item,) = flow.tasks(expert)
    assert (item.comment, len(item.votes)) == ("neither", 3)
    flow.save(expert, 2, Choice("dog"))
    flow.submit(expert)
    package = flow.packages.get((job.id, 1))
    assert (package.state, package.disputes) == (PackageState.INSPECT, ())
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    assert flow.results.get(job, 2).replies == {"1": Choice("dog")}


def test_rework_goes_to_the_labeler_and_not_to_the_expert(flow: Flow) -> None:
    job = with_experts(flow, "eve", tasks=2, workflow=Workflow(Label(), Inspect()))
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, Choice("cat"))
    flow.escalate(assignment, 2)
    flow.submit(assignment)
    expert = taken(flow, "eve", job)
    flow.save(expert, 2, Choice("cat"))
    flow.submit(expert)
    flow.reject(taken(flow, "di", job, Stage.INSPECT), tasks=[2], comment="no cat")
    assert flow.claim("eve", job, Stage.LABEL) is None
    rework = taken(flow, "ben", job)
    assert (rework.purpose, rework.scope) == (Purpose.REWORK, (2,))
    flow.escalate(rework, 2, comment="the expert was wrong")
    flow.submit(rework)
    expert = taken(flow, "eve", job)
    flow.save(expert, 2, Choice("dog"))
    flow.submit(expert)
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    assert flow.results.get(job, 2).replies == {"1": Choice("dog")}


def test_an_expert_reads_only_what_was_handed_to_them(flow: Flow) -> None:
    job = with_experts(flow, "eve", tasks=2)
    assignment = taken(flow, "ben", job)
    flow.escalate(assignment, 2)
    (waiting,) = flow.assignments.list(None, job=job)
    with pytest.raises(NotHeld):
        list(flow.tasks(waiting, by="eve"))
    with pytest.raises(NotAllowed):
        list(flow.assignments.list(None, job=job, by="eve"))
    expert = taken(flow, "eve", job)
    assert [item.task.number for item in flow.tasks(expert, by="eve")] == [2]
    with pytest.raises(NotHeld):
        list(flow.tasks(assignment, by="eve"))
    flow.release(expert)
    with pytest.raises(NotHeld):
        list(flow.tasks(expert, by="eve"))


def test_discarding_a_package_ends_what_was_handed_on(flow: Flow) -> None:
    job = with_experts(flow, "eve", tasks=2)
    assignment = taken(flow, "ben", job)
    flow.escalate(assignment, 2)
    flow.packages.discard((job.id, 1), by="ada")
    assert list(flow.assignments.list(None, job=job)) == []
    (ended,) = flow.assignments.list(None, job=job, live=False)
    assert ended.outcome is Outcome.RECALLED
    assert flow.claim("eve", job, Stage.LABEL) is None


def test_merged_votes_are_secret_until_the_expert_has_answered(flow: Flow) -> None:
    workflow = Workflow(Label(votes=2), Inspect())
    job = with_experts(flow, "eve", tasks=2, workflow=workflow)
    flow.members.add("street", "max", Role.ANNOTATION_ADMIN, by="ada")
    first = taken(flow, "ben", job)
    flow.save(first, 1, Choice("cat"))
    flow.escalate(first, 2)
    flow.submit(first)
    labeled(flow, "cy", job, "cat")
    (merged,) = [
        each
        for each in flow.assignments.list(None, job=job, live=False)
        if each.outcome is Outcome.MERGED
    ]
    # who reads results, and may label here
    shown = flow.assignments.list(None, job=job, live=False, by="max")
    assert merged.id not in [each.id for each in shown]
    with pytest.raises(NotAllowed):
        flow.assignments.get(merged, by="max")
    assert flow.results.get(job, 1, by="max").provenance == ()
    expert = taken(flow, "eve", job)
    flow.save(expert, 2, Choice("dog"))
    flow.submit(expert)
    assert flow.assignments.get(merged, by="max") == merged
