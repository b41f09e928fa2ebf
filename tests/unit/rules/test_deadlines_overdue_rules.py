"""What becomes of a package that is overdue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs

from itagflow import AssignmentState, Choice, Inspect, Label, PackageState, Workflow
from itagflow.deadlines import overdue_rules
from itagflow.deadlines.overdue_rules import DOES_NOT_FIT, OverdueFacts
from itagflow.model import Outcome, Purpose
from itagflow.model.change import Context
from itagflow.model.package import Assignment
from itagflow.model.task import Answer
from itagflow.testing.builders import (
    AT,
    make_answer,
    make_assignment,
    make_job,
    make_package,
    make_task,
    make_template,
)

LATER = AT + timedelta(hours=2)
CTX = Context(LATER, 1)
CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}
DEFAULT = make_job(workflow=Workflow(Label(on_overdue=DOG), Inspect()))
EXPERTS = make_job(workflow=Workflow(Label(on_overdue="escalate"), Inspect()))
NOTIFY = make_job(workflow=Workflow(Label(on_overdue="notify"), Inspect()))
HELD = make_assignment(5, state=AssignmentState.HELD, lease_until=LATER + timedelta(minutes=1))
LAPSED = make_assignment(5, state=AssignmentState.RETURNED, outcome=Outcome.EXPIRED, ended_at=LATER)
ESCALATION = attrs.evolve(
    make_assignment(7, state=AssignmentState.OFFERED, member=None, scope=(1,)),
    purpose=Purpose.ESCALATION,
)


def facts(*answers: Answer, job: Any = DEFAULT, **more: Any) -> OverdueFacts:
    given: dict[str, Any] = {
        "job": job,
        "template": make_template(),
        "package": make_package(size=2, due=AT),
        "assignments": [],
        "tasks": {1: make_task(1), 2: make_task(2)},
        "answers": {
            number: {each.assignment: each for each in answers if each.task == number}
            for number in (1, 2)
        },
        "ctx": CTX,
        "ids": (9, 10),
        **more,
    }
    return OverdueFacts(**given)


def added(timeout: overdue_rules.Timeout) -> tuple[list[Assignment], dict[int, Answer]]:
    assignments = [each for each in timeout.add if isinstance(each, Assignment)]
    return assignments, {each.task: each for each in timeout.add if isinstance(each, Answer)}


def test_the_rule_says_whether_more_is_done_than_to_say_so() -> None:
    package = make_package(due=AT)
    acts = [overdue_rules.acts_on(job, package) for job in (DEFAULT, EXPERTS, NOTIFY, make_job())]
    assert acts == [True, True, False, False]
    assert not overdue_rules.acts_on(DEFAULT, make_package(state=PackageState.INSPECT))


def test_who_holds_it_is_waited_for_until_the_lease_lapses() -> None:
    assert overdue_rules.is_waited_for(DEFAULT, HELD, LATER)
    assert not overdue_rules.is_waited_for(DEFAULT, HELD, LATER + timedelta(minutes=1))
    assert not overdue_rules.is_waited_for(DEFAULT, ESCALATION, LATER)
    forever = attrs.evolve(HELD, lease_until=None)
    assert overdue_rules.is_waited_for(DEFAULT, forever, LATER)


def test_what_experts_hold_keeps_nothing_from_them() -> None:
    expert = attrs.evolve(HELD, purpose=Purpose.ESCALATION)
    assert overdue_rules.is_waited_for(DEFAULT, expert, LATER)
    assert not overdue_rules.is_waited_for(EXPERTS, expert, LATER)
    assert overdue_rules.is_to_be_ended(DEFAULT, ESCALATION)
    assert not overdue_rules.is_to_be_ended(EXPERTS, ESCALATION)
    assert not overdue_rules.is_to_be_ended(DEFAULT, LAPSED)


def test_the_live_escalation_takes_more_tasks() -> None:
    assert overdue_rules.find_live_escalation([LAPSED, ESCALATION]) == ESCALATION
    assert overdue_rules.find_live_escalation([LAPSED]) is None
    timeout = overdue_rules.time_out(facts(job=EXPERTS, assignments=[ESCALATION]))
    assert timeout.is_escalated
    ((_, extended),) = [pair for pair in timeout.save if pair[0] == ESCALATION]
    assert isinstance(extended, Assignment)
    assert extended.scope == (1, 2)


def test_to_say_so_is_noted_with_the_package() -> None:
    change = overdue_rules.notify(make_package(due=AT), CTX, reason="no expert")
    ((_, after),) = change.save
    assert after == make_package(due=AT, overdue_at=LATER)
    assert change.event.data == {"due": AT.isoformat(), "rule": "notify", "reason": "no expert"}


def test_every_open_task_gets_the_default_answer_and_the_package_goes_on() -> None:
    timeout = overdue_rules.time_out(facts())
    (closing,), answers = added(timeout)
    assert (closing.outcome, closing.member, closing.scope) == (Outcome.TIMEOUT, None, (1, 2))
    assert [answers[number].replies for number in (1, 2)] == [DOG, DOG]
    assert (timeout.package.state, timeout.package.overdue_at) == (PackageState.INSPECT, LATER)
    assert timeout.to_change(CTX).event.data["defaulted"] == [1, 2]


def test_what_was_saved_before_the_lease_lapsed_is_taken_over() -> None:
    saved = make_answer(task=1, assignment=5, replies=CAT)
    timeout = overdue_rules.time_out(facts(saved, assignments=[LAPSED]))
    _, answers = added(timeout)
    assert (answers[1].replies, answers[1].picked) == (CAT, 5)
    assert (answers[2].replies, answers[2].picked) == (DOG, None)
    assert (LAPSED, attrs.evolve(LAPSED, authored=True)) in timeout.save


def test_a_default_answer_that_does_not_fit_abandons_the_task() -> None:
    job = make_job(workflow=Workflow(Label(on_overdue={"1": Choice("cow")}), Inspect()))
    _, answers = added(overdue_rules.time_out(facts(job=job)))
    assert answers[1].abandon_reason == DOES_NOT_FIT


def test_open_tasks_go_to_the_experts_and_nobody_labels_them() -> None:
    saved = make_answer(task=1, assignment=5, replies=CAT)
    timeout = overdue_rules.time_out(facts(saved, job=EXPERTS, assignments=[LAPSED]))
    (closing, offer), answers = added(timeout)
    assert (closing.scope, set(answers)) == ((1,), {1})
    assert (offer.purpose, offer.scope, offer.is_open_offer) == (Purpose.ESCALATION, (2,), True)
    assert (timeout.package.state, timeout.package.free) == (PackageState.LABEL, 0)


def test_votes_that_agree_count_and_others_do_not() -> None:
    job = make_job(workflow=Workflow(Label(votes=3, min_votes=2, on_overdue=DOG), Inspect()))
    votes = [
        make_assignment(
            id, member=id, state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, ended_at=AT
        )
        for id in (5, 6)
    ]
    said = [
        make_answer(task=task, assignment=id, member=id, replies=reply)
        for task, id, reply in ((1, 5, CAT), (1, 6, CAT), (2, 5, CAT), (2, 6, DOG))
    ]
    package = make_package(size=2, due=AT, votes=3, free=1)
    timeout = overdue_rules.time_out(facts(*said, job=job, assignments=votes, package=package))
    _, answers = added(timeout)
    assert (answers[1].replies, answers[1].merge is None) == (CAT, False)
    assert (answers[2].replies, answers[2].merge) == (DOG, None)
