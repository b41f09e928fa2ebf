"""Due times: what is due comes first, what is overdue is listed, and what time decides."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from support.scenes import START, Clock, cats, exported, labeled, rows, street, taken

from itagflow import (
    AssignmentState,
    Choice,
    FixedSize,
    Flow,
    Incomplete,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    NotAllowed,
    NotFound,
    Stage,
    Workflow,
    templates,
)
from itagflow.model import Outcome

HOUR = timedelta(hours=1)


def due_times(flow: Flow, job: Job) -> list[datetime | None]:
    return [package.due for package in flow.packages.list(job)]


def overdue(flow: Flow, job: Job) -> list[int]:
    return [package.number for package in flow.packages.list(job, overdue=True)]


def test_packages_get_a_due_time_and_lose_it_again(flow: Flow) -> None:
    job = cats(flow, tasks=3, size=1)
    assert flow.packages.set_due(job, START + HOUR, by="ada") == 3
    assert flow.packages.set_due(job, START + 2 * HOUR, packages=[2], by="ada") == 1
    assert due_times(flow, job) == [START + HOUR, START + 2 * HOUR, START + HOUR]
    assert flow.packages.set_due(job, None, packages=[1], by="ada") == 1
    assert due_times(flow, job) == [None, START + 2 * HOUR, START + HOUR]


def test_each_package_can_get_a_time_of_its_own(flow: Flow) -> None:
    job = cats(flow, tasks=6, size=2)
    package = flow.packages.get((job, 1))
    task = flow.results.get(job, 3).task
    times = {package: START, task: START + HOUR, 3: None}
    assert flow.packages.set_due(job, times, by="ada") == 3
    assert due_times(flow, job) == [START, START + HOUR, None]


def test_two_tasks_of_a_package_cannot_be_due_at_different_times(flow: Flow) -> None:
    job = cats(flow, tasks=4, size=2)
    one, two = (flow.results.get(job, number).task for number in (1, 2))
    flow.packages.set_due(job, {one: START, two: START}, by="ada")
    with pytest.raises(InvalidData, match="is in package 1, which is given another time too"):
        flow.packages.set_due(job, {one: START, two: START + HOUR}, by="ada")
    with pytest.raises(InvalidData, match="are given beside a mapping"):
        flow.packages.set_due(job, {one: START}, packages=[1], by="ada")
    with pytest.raises(NotFound):
        flow.packages.set_due(job, {99: START}, by="ada")
    assert due_times(flow, job) == [START, None]


def test_the_history_says_when_it_was_due_before(flow: Flow) -> None:
    job = cats(flow, tasks=2, size=1)
    flow.packages.set_due(job, START, by="ada")
    flow.packages.set_due(job, {1: START, 2: START + HOUR}, by="ada")
    event = list(flow.events.list(job))[-1]
    assert str(event) == "09:00 ada set the due time of 1 package"
    assert [(c.key[1], c.field, c.before, c.after) for c in event.changes] == [
        (2, "due", START.isoformat(), (START + HOUR).isoformat())
    ]
    count = len(list(flow.events.list(job)))
    flow.packages.set_due(job, START + HOUR, packages=[2], by="ada")  # sent again
    assert len(list(flow.events.list(job))) == count


def test_what_is_due_first_is_claimed_first(flow: Flow) -> None:
    job = cats(flow, tasks=4, size=1)
    flow.packages.set_due(job, {3: START + HOUR, 2: START + 2 * HOUR}, by="ada")
    assert [taken(flow, "ben", job).package for _ in range(4)] == [3, 2, 1, 4]


def test_the_order_due_puts_it_before_the_priority(flow: Flow) -> None:
    job = cats(flow, tasks=4, size=1, workflow=Workflow(Label(order="due")))
    flow.packages.prioritize(job, 5, packages=[1], by="ada")
    flow.packages.set_due(job, {3: START + HOUR, 2: START + 2 * HOUR}, by="ada")
    assert [taken(flow, "ben", job).package for _ in range(4)] == [3, 2, 1, 4]


def test_a_package_that_has_waited_for_long_is_not_passed_over_when_its_time_changes(
    flow: Flow, clock: Clock
) -> None:
    """Ben's scan begins behind what he has seen, and the old package gets a place before that."""
    job = cats(flow, tasks=1, size=1, workflow=Workflow(Label(votes=2), Inspect()))
    for number in (2, 3, 4):
        clock.forward(minutes=10)
        flow.jobs.append(job, [{"data": {"source": f"more-{number}.jpg"}}], by="ada")
    flow.packages.set_due(job, {2: START + HOUR, 3: START + HOUR}, by="ada")
    assert [labeled(flow, "ben", job).package for _ in range(2)] == [2, 3]
    flow.packages.set_due(job, {1: START + HOUR}, by="ada")
    assert taken(flow, "ben", job).package == 1


def test_nor_is_it_passed_over_when_its_priority_changes(flow: Flow, clock: Clock) -> None:
    job = cats(flow, tasks=1, size=1, workflow=Workflow(Label(votes=2), Inspect()))
    for number in (2, 3, 4):
        clock.forward(minutes=10)
        flow.jobs.append(job, [{"data": {"source": f"more-{number}.jpg"}}], by="ada")
    flow.packages.prioritize(job, 5, packages=[2, 3], by="ada")
    assert [labeled(flow, "ben", job).package for _ in range(2)] == [2, 3]
    flow.packages.prioritize(job, 5, packages=[1], by="ada")
    assert taken(flow, "ben", job).package == 1


def test_the_overdue_packages_are_listed_the_earliest_first(flow: Flow, clock: Clock) -> None:
    job = cats(flow, tasks=5, size=1)
    times = {5: START + HOUR, 2: START + 2 * HOUR, 3: START + 2 * HOUR, 4: START + 5 * HOUR}
    flow.packages.set_due(job, times, by="ada")
    assert overdue(flow, job) == []
    clock.forward(hours=3)
    assert overdue(flow, job) == [5, 2, 3]
    first, *_ = flow.packages.list(job, overdue=True, limit=1)
    assert [p.number for p in flow.packages.list(job, overdue=True, after=first)] == [2, 3]
    assert [p.number for p in flow.packages.list(job, overdue=True, after=2, limit=5)] == [3]
    labeled(flow, "ben", job)
    assert overdue(flow, job) == [2, 3]
    assert list(flow.packages.list(job, overdue=True, state="inspect")) == []


def test_who_may_not_assign_sets_no_due_time(flow: Flow) -> None:
    job = cats(flow, tasks=2, size=1)
    with pytest.raises(NotAllowed):
        flow.packages.set_due(job, START, by="ben")
    assert due_times(flow, job) == [None, None]


def test_the_board_says_what_there_is_to_do(flow: Flow, clock: Clock) -> None:
    job = cats(flow, tasks=8, size=1, workflow=Workflow(Label(), Inspect()))
    flow.packages.set_due(job, {1: START + HOUR, 2: START + 9 * HOUR}, by="ada")
    flow.packages.prioritize(job, 7, packages=[8], by="ada")
    labeled(flow, "ben", job)
    clock.forward(hours=2)
    taken(flow, "ben", job)
    flow.assignments.assign((job, 5), "cy", by="ada")
    board = flow.jobs.queue(job)
    label = board.stages[Stage.LABEL]
    assert (label.waiting, label.held, label.offered, label.overdue) == (5, 1, 1, 1)
    assert label.oldest_waiting_since == START
    assert board.stages[Stage.INSPECT].waiting == 1
    assert str(board) == "6 packages waiting, 1 held, 1 offered, 1 overdue"
    assert board.next_due == START + 9 * HOUR
    assert list(label.priorities.items()) == [(0, 5)]


def test_the_board_counts_by_priority_and_what_is_late(flow: Flow, clock: Clock) -> None:
    job = cats(flow, tasks=6, size=1)
    for priority, number in ((3, 1), (3, 2), (-1, 3), (9, 4)):
        flow.packages.prioritize(job, priority, packages=[number], by="ada")
    flow.packages.set_due(job, {5: START + HOUR, 6: START + 2 * HOUR}, by="ada")
    clock.forward(hours=1)
    board = flow.jobs.queue(job, by="ada")
    assert list(board.stages[Stage.LABEL].priorities.items()) == [(9, 1), (3, 2), (0, 2), (-1, 1)]
    assert (board.overdue, board.next_due) == (1, START + 2 * HOUR)
    assert board.to_dict()["stages"]["label"]["priorities"][0] == {"priority": 9, "waiting": 1}
    json.dumps(board.to_dict())


def test_an_archived_job_has_no_new_due_times(flow: Flow) -> None:
    """Whatever is named, and also where nothing is."""
    job = cats(flow, tasks=2, size=1)
    flow.jobs.finish(job, discard_open=True, by="ada")
    flow.jobs.archive(job, by="ada")
    attempts: list[dict[str, Any]] = [
        {"due": START},
        {"due": START, "packages": [1]},
        {"due": START, "packages": []},
        {"due": {1: START}},
        {"due": {}},
    ]
    for attempt in attempts:
        with pytest.raises(NotAllowed, match="archived"):
            flow.packages.set_due(job, **attempt, by="ada")
    assert due_times(flow, job) == [None, None]


def test_an_archived_job_has_nothing_to_do(flow: Flow) -> None:
    job = cats(flow, tasks=2, size=1)
    taken(flow, "ben", job)
    flow.jobs.archive(job, by="ada")
    assert (flow.jobs.queue(job).waiting, flow.jobs.queue(job).held) == (0, 0)


def test_labelers_do_not_see_the_board(flow: Flow) -> None:
    job = cats(flow)
    with pytest.raises(NotAllowed):
        flow.jobs.queue(job, by="ben")


# -- what time decides --


def overdue_job(flow: Flow, rule: Any, **more: Any) -> Job:
    """A job whose packages, of two tasks, are due in an hour."""
    label = Label(on_overdue=rule, lease=HOUR / 2, offer_lease=HOUR / 2)
    job = cats(flow, workflow=more.pop("workflow", Workflow(label)), **more)
    flow.packages.set_due(job, START + HOUR, by="ada")
    return job


def with_experts(flow: Flow, rule: Label, **more: Any) -> Job:
    street(flow, "ben", "cy", "di", "eve")
    job = flow.jobs.create(
        "street",
        "hard",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(more.get("tasks", 2)),
        workflow=more.get("workflow", Workflow(rule)),
        packaging=FixedSize(2),
        workforce={"label": ["ben", "cy"], "inspect": ["di"], "experts": ["eve"]}
        if "workflow" in more
        else {"label": ["ben", "cy"], "experts": ["eve"]},
        by="ada",
    )
    flow.packages.set_due(job, START + HOUR, by="ada")
    return job


def replies(flow: Flow, job: Job) -> list[tuple[str, str]]:
    """What each task came out with, and who decided it if nobody did."""
    return [
        (result.replies["1"].key if result.replies else "", result.decided_by)  # type: ignore[union-attr]
        for result in flow.results.list(job)
    ]


def test_a_tick_with_nothing_due_changes_nothing(flow: Flow) -> None:
    job = overdue_job(flow, "notify")
    before = list(flow.events.list(job))
    report = flow.tick()
    assert (report.jobs, report.changed, str(report)) == (1, 0, "1 job: nothing was due")
    assert list(flow.events.list(job)) == before


def test_what_has_lapsed_goes_back_to_the_queue(flow: Flow, clock: Clock) -> None:
    job = overdue_job(flow, None)
    assignment = taken(flow, "ben", job)
    flow.assignments.assign((job, 2), "cy", by="ada")
    clock.forward(minutes=31)
    assert flow.tick("street").expired == 2
    assert flow.jobs.queue(job).waiting == 2
    assert flow.assignments.get(assignment).state is AssignmentState.RETURNED
    assert flow.tick(job=job, by="ada").changed == 0


def test_a_closed_job_keeps_what_has_lapsed_for_others_to_take_over(
    flow: Flow, clock: Clock
) -> None:
    job = overdue_job(flow, None)
    assignment = taken(flow, "ben", job)
    flow.jobs.update(job, closes_at=START + timedelta(minutes=10), by="ada")
    clock.forward(minutes=31)
    assert flow.tick().expired == 0
    assert flow.assignments.get(assignment).live
    assert flow.explain("cy", job, "label") == "the lease of an assignment has lapsed: claim it"


def test_overdue_packages_are_named_in_the_history_once(flow: Flow, clock: Clock) -> None:
    job = overdue_job(flow, "notify")
    assignment = taken(flow, "ben", job)
    clock.forward(minutes=59)
    flow.renew(assignment)
    clock.forward(minutes=1)
    assert flow.tick().notified == 2
    assert flow.tick().notified == 0
    events = [event for event in flow.events.list(job) if event.type == "overdue"]
    assert [event.package for event in events] == [1, 2]
    assert str(events[0]) == "10:00 the program found overdue package 1"
    assert events[0].data == {"due": (START + HOUR).isoformat(), "rule": "notify"}
    for item in flow.tasks(assignment):  # ben goes on
        flow.save(assignment, item, Choice("cat"))
    flow.submit(assignment)


def test_a_new_due_time_is_looked_at_anew(flow: Flow, clock: Clock) -> None:
    job = overdue_job(flow, "notify")
    clock.forward(hours=2)
    assert flow.tick(by=None).notified == 2
    flow.packages.set_due(job, clock.now + HOUR, packages=[1], by="ada")
    assert flow.tick().notified == 0
    clock.forward(hours=1)
    assert flow.tick().notified == 1


def test_nothing_is_done_where_no_rule_says_so(flow: Flow, clock: Clock) -> None:
    job = overdue_job(flow, None)
    clock.forward(hours=2)
    assert flow.tick().changed == 0
    assert overdue(flow, job) == [1, 2]
    label = attrs.evolve(job.workflow.label, on_overdue="notify")
    flow.jobs.update(job, workflow=Workflow(label), by="ada")
    assert flow.tick().notified == 2


def test_a_default_answer_ends_the_labeling(flow: Flow, clock: Clock) -> None:
    job = overdue_job(flow, {"1": Choice("dog")})
    labeled(flow, "ben", job)
    clock.forward(hours=2)
    assert flow.tick().defaulted == 1
    assert replies(flow, job) == [("cat", "")] * 2 + [("dog", "timeout")] * 2
    assert flow.jobs.get(job).state is JobState.FINISHED
    entry = flow.results.get(job, 3).provenance[-1]
    assert (entry.outcome, entry.member) == (Outcome.TIMEOUT, None)
    event = [each for each in flow.events.list(job) if each.type == "overdue"][-1]
    assert event.data["defaulted"] == [3, 4]
    assert (event.became, event.tasks) == ("final", (3, 4))


def test_a_default_answer_can_be_given_by_title_and_is_checked(flow: Flow) -> None:
    job = overdue_job(flow, {"Single-choice": Choice("dog")})
    assert flow.jobs.get(job).workflow.label.on_overdue == {"1": Choice("dog")}
    cow = Workflow(Label(on_overdue={"1": Choice("cow")}))
    with pytest.raises(InvalidData, match="cow"):
        flow.jobs.update(job, workflow=cow, by="ada")
    with pytest.raises(InvalidData, match="no such question"):
        flow.jobs.update(job, workflow=Workflow(Label(on_overdue={"9": Choice("cat")})), by="ada")
    with pytest.raises(InvalidData, match="names no reply"):
        Label(on_overdue={})
    with pytest.raises(InvalidData, match="must be a reply"):
        Label(on_overdue={"1": "cat"})  # type: ignore[dict-item]
    with pytest.raises(InvalidData, match="no OnOverdue"):
        Label(on_overdue="panic")  # type: ignore[arg-type]


def test_the_review_sees_what_a_default_answer_is_and_may_change_it(
    flow: Flow, clock: Clock
) -> None:
    label = Label(on_overdue={"1": Choice("dog")})
    job = overdue_job(flow, None, tasks=2, workflow=Workflow(label, Inspect()))
    clock.forward(hours=2)
    assert flow.tick().defaulted == 1
    assert replies(flow, job) == [("dog", "timeout")] * 2
    review = taken(flow, "di", job, Stage.INSPECT)
    first, _ = flow.tasks(review)
    flow.modify(review, first, Choice("cat"))
    flow.review(review)
    assert replies(flow, job) == [("cat", ""), ("dog", "timeout")]


def test_a_default_answer_that_is_rejected_is_labeled_by_people(flow: Flow, clock: Clock) -> None:
    label = Label(on_overdue={"1": Choice("dog")})
    job = overdue_job(flow, None, tasks=2, workflow=Workflow(label, Inspect()))
    clock.forward(hours=2)
    flow.tick()
    review = taken(flow, "di", job, Stage.INSPECT)
    flow.reject(review, comment="these are cats", whole=True)
    assert flow.tick().changed == 0  # this due time is done with
    labeled(flow, "ben", job)
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    assert replies(flow, job) == [("cat", "")] * 2


def test_who_holds_overdue_work_keeps_it_until_the_lease_lapses(flow: Flow, clock: Clock) -> None:
    job = overdue_job(flow, {"1": Choice("dog")}, tasks=2)
    clock.forward(minutes=50)
    assignment = taken(flow, "ben", job)
    clock.forward(minutes=20)
    report = flow.tick()
    assert (report.held, report.defaulted) == (1, 0)
    assert str(report) == "1 job: 1 package left to its holder"
    item = next(flow.tasks(assignment))
    flow.save(assignment, item, Choice("cat"))
    clock.forward(minutes=31)
    report = flow.tick()
    assert (report.expired, report.defaulted) == (1, 1)
    # what ben had saved is not lost, and is said to be his
    assert replies(flow, job) == [("cat", ""), ("dog", "timeout")]
    assert flow.results.get(job, 1).provenance[-1].outcome is Outcome.TIMEOUT


def test_nobody_reviews_what_was_taken_over_from_them(flow: Flow, clock: Clock) -> None:
    label = Label(on_overdue={"1": Choice("dog")}, lease=HOUR / 2)
    job = overdue_job(
        flow, None, tasks=2, workflow=Workflow(label, Inspect()), inspect=["ben", "di"]
    )
    assignment = taken(flow, "ben", job)
    flow.save(assignment, next(flow.tasks(assignment)), Choice("cat"))
    clock.forward(hours=2)
    flow.tick()
    assert flow.claim("ben", job, Stage.INSPECT) is None
    flow.review(taken(flow, "di", job, Stage.INSPECT))


def test_offers_are_taken_back_when_the_default_answer_is_given(flow: Flow, clock: Clock) -> None:
    label = Label(on_overdue={"1": Choice("dog")}, offer_lease=None)
    job = overdue_job(flow, None, tasks=2, workflow=Workflow(label))
    offer = flow.assignments.assign((job, 1), "cy", by="ada")
    clock.forward(hours=2)
    flow.tick()
    assert flow.assignments.get(offer).outcome is Outcome.RECALLED
    assert replies(flow, job) == [("dog", "timeout")] * 2


def test_votes_that_were_given_count_and_missing_ones_are_not_filled(
    flow: Flow, clock: Clock
) -> None:
    label = Label(votes=3, min_votes=2, on_overdue={"1": Choice("dog")}, on_dispute="keep")
    job = overdue_job(
        flow, None, tasks=2, workflow=Workflow(label), label=["ben", "cy", "di"], accept=[]
    )
    for who, second in (("ben", "cat"), ("cy", "dog")):
        assignment = taken(flow, who, job)
        one, two = flow.tasks(assignment)
        flow.save(assignment, one, Choice("cat"))
        flow.save(assignment, two, Choice(second))
        flow.submit(assignment)
    clock.forward(hours=2)
    assert flow.tick().defaulted == 1
    assert replies(flow, job) == [("cat", ""), ("dog", "timeout")]
    assert [len(result.votes) for result in flow.results.list(job)] == [2, 2]


def test_overdue_tasks_go_to_the_experts(flow: Flow, clock: Clock) -> None:
    job = with_experts(flow, Label(on_overdue="escalate", lease=HOUR / 2))
    assignment = taken(flow, "ben", job)
    flow.save(assignment, next(flow.tasks(assignment)), Choice("cat"))
    clock.forward(hours=2)
    report = flow.tick()
    assert (report.expired, report.escalated) == (1, 1)
    assert flow.claim("cy", job, "label") is None
    expert = taken(flow, "eve", job)
    assert [item.task.number for item in flow.tasks(expert)] == [2]
    for item in flow.tasks(expert):
        flow.save(expert, item, Choice("dog"))
    flow.submit(expert)
    assert replies(flow, job) == [("cat", ""), ("dog", "")]
    assert flow.jobs.get(job).state is JobState.FINISHED
    assert flow.tick().changed == 0


def test_what_experts_have_already_gets_the_other_tasks_too(flow: Flow, clock: Clock) -> None:
    job = with_experts(flow, Label(on_overdue="escalate"))
    assignment = taken(flow, "ben", job)
    first, _ = flow.tasks(assignment)
    flow.escalate(assignment, first, comment="too dark")
    flow.release(assignment)
    expert = taken(flow, "eve", job)
    clock.forward(hours=1)
    assert flow.tick().escalated == 1
    assert [item.task.number for item in flow.tasks(expert)] == [1, 2]


def test_a_job_without_experts_cannot_hand_anything_to_them(flow: Flow) -> None:
    with pytest.raises(Incomplete, match="the job has none"):
        overdue_job(flow, "escalate")


def test_when_no_expert_is_left_the_history_says_so(flow: Flow, clock: Clock) -> None:
    job = with_experts(flow, Label(on_overdue="escalate"))
    flow.members.remove("street", "eve", by="ada")
    clock.forward(hours=2)
    assert flow.tick().notified == 1
    event = [each for each in flow.events.list(job) if each.type == "overdue"][-1]
    assert event.data["reason"] == "no expert is left who has no assignment on the package"
    assert taken(flow, "ben", job).package == 1


def test_a_paused_job_is_left_alone(flow: Flow, clock: Clock) -> None:
    job = overdue_job(flow, {"1": Choice("dog")})
    flow.jobs.pause(job, by="ada")
    clock.forward(hours=2)
    assert (flow.tick().jobs, flow.tick(job=job).jobs) == (0, 0)
    flow.jobs.resume(job, by="ada")
    assert flow.tick().defaulted == 2


def test_who_manages_jobs_may_tick(flow: Flow, clock: Clock) -> None:
    job = overdue_job(flow, "notify")
    clock.forward(hours=2)
    with pytest.raises(NotAllowed):
        flow.tick("street", by="ben")
    with pytest.raises(InvalidData, match="must be named with by="):
        flow.tick(by="ada")
    with pytest.raises(InvalidData, match="is given beside the job"):
        flow.tick("street", job=job)
    assert flow.tick("street", by="ada").notified == 2
    assert list(flow.events.list(job))[-1].account == "ada"


def test_rows_and_manifests_say_which_answer_is_a_default_one(flow: Flow, clock: Clock) -> None:
    job = overdue_job(flow, {"1": Choice("dog")}, tasks=4)
    labeled(flow, "ben", job)
    clock.forward(hours=2)
    flow.tick()
    assert [row["decided_by"] for row in flow.results.rows(job)] == [None, None, *["timeout"] * 2]
    written, _ = exported(flow, job)
    blocks = [json.loads(line)[job.label_key] for line in written.splitlines()]
    assert [block.get("decidedBy") for block in blocks] == [None, None, *["timeout"] * 2]
