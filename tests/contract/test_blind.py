"""Blind reviews: no reader tells who reviews a package who has labeled it, until it has passed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs
import pytest
from support import invariants
from support.foreigners import READERS, Args, came_to
from support.scenes import rows, taken

import itagflow
from itagflow import (
    Accept,
    Assignment,
    Choice,
    FixedSize,
    Flow,
    Inspect,
    Job,
    Label,
    Role,
    Stage,
    Workflow,
    access,
    templates,
)
from itagflow.model.version import AnswerVersion

LABELERS = ("bartholomew", "cyriacus", "euphemia")
"""Accounts that are not part of anything else."""
OF_PEOPLE = {
    "members.get": "who is in the workspace",
    "members.list": "who is in the workspace",
    "jobs.get": "whom the workforce names",
    "jobs.list": "whom the workforce names",
    "assignments.list": "asks for one member by name; what is hidden is left out",
    "explain": "asks for one member by name, and tells what they may claim",
    "available": "asks for one member by name, and tells where there is work for them",
    "can": "asks for one member by name, and tells what they may do",
    "maintenance.verify": "for who manages the job",
    "maintenance.copy": "for who manages the workspace",
}
"""What tells of members, but not what they have labeled: each with the reason."""


def a_review(flow: Flow, votes: int = 2, role: Role = Role.OPERATOR) -> tuple[Job, Assignment]:
    """Two packages that the labelers have labeled, with releases and changes; dominic has one."""
    home = flow.workspaces.create("street", admin="ada")
    for account in LABELERS:
        flow.members.add(home, account, Role.OPERATOR, by="ada")
    for account in ("dominic", "dorothea"):
        flow.members.add(home, account, role, by="ada")
    job = flow.jobs.create(
        home,
        "cats",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(4),
        workflow=Workflow(
            Label(votes=votes, min_votes=votes), Inspect(blind=True, task_share=1.0), Accept()
        ),
        packaging=FixedSize(2),
        workforce={
            Stage.LABEL: LABELERS,
            Stage.INSPECT: ["dominic", "dorothea"],
            Stage.ACCEPT: ["ada"],
        },
        by="ada",
    )
    flow.assignments.assign((job.id, 1), LABELERS[2], by="ada")
    flow.release(taken(flow, LABELERS[2], job), comment="too many")
    for _ in range(2):
        for account in LABELERS[:votes]:
            assignment = flow.claim(account, job, Stage.LABEL)
            assert assignment is not None
            first, second = flow.tasks(assignment)
            flow.save(assignment, first, Choice("dog"))
            flow.save(assignment, first, Choice("cat"))
            flow.save(assignment, second, Choice("cat" if account == LABELERS[0] else "dog"))
            flow.submit(assignment)
    return flow.jobs.get(job), taken(flow, "dominic", job, Stage.INSPECT)


def names_in(value: Any, keys: frozenset[int]) -> set[str]:
    """The labelers that a value tells, by account or by key, wherever it does."""
    if isinstance(value, Enum) or value is None:
        return set()
    if isinstance(value, str | bytes):
        text = value if isinstance(value, str) else value.decode("utf-8", "replace")
        found = {account for account in LABELERS if account in text}
        return found | {str(key) for key in keys if str(key) in text}
    if isinstance(value, int):
        return {str(value)} if value in keys else set()
    if isinstance(value, Mapping):
        return names_in(list(value.items()), keys)
    if attrs.has(type(value)):
        fields = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
        return names_in(fields, keys) | names_in(repr(value), keys) | names_in(str(value), keys)
    if isinstance(value, list | tuple | set | frozenset):
        return set().union(*(names_in(each, keys) for each in value)) if value else set()
    return names_in(repr(value), keys)


def keys_of(flow: Flow) -> frozenset[int]:
    return frozenset(flow.members.get("street", account).id for account in LABELERS)


def args_for(flow: Flow, job: Job, review: Assignment, by: str) -> Args:
    (labeling, *_) = flow.assignments.list(LABELERS[0], job=job, live=False)
    return Args(
        by=by,
        member=LABELERS[0],
        job=job,
        assignment=labeling,
        review=review,
        free=(job.id, 1),
        closed=(job.id, 1),
        task=2,
    )


@pytest.mark.parametrize("votes", [1, 2])
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.LEADER])
@pytest.mark.parametrize("name", sorted(access.READERS.keys() - OF_PEOPLE.keys()))
def test_no_reader_tells_a_reviewer_who_labeled(name: str, role: Role, votes: int) -> None:
    with itagflow.open("memory:") as flow:
        job, review = a_review(flow, votes, role)
        for by in ("dominic", "dorothea"):
            args = args_for(flow, job, review, by)
            if name == "tasks":
                args = attrs.evolve(args, assignment=review)
            try:
                value = came_to(lambda args=args: READERS[name].call(flow, args))
            except itagflow.ItagflowError as error:
                value = str(error)
            assert names_in(value, keys_of(flow)) == set(), f"{name} by {by}"


@pytest.mark.parametrize("name", ["results.get", "results.rows", "events.list", "assignments.get"])
def test_the_same_reader_tells_who_manages_the_job(flow: Flow, name: str) -> None:
    """Otherwise that it tells the reviewers nothing would prove nothing."""
    job, review = a_review(flow)
    value = READERS[name].call(flow, args_for(flow, job, review, "ada"))
    assert names_in(value, keys_of(flow)) != set()


def test_every_reader_is_looked_at() -> None:
    assert set(READERS) == set(access.READERS)
    assert set(OF_PEOPLE) <= set(READERS)


def test_a_list_of_one_labelers_work_leaves_out_what_is_hidden(flow: Flow) -> None:
    job, _ = a_review(flow, role=Role.LEADER)
    listed = flow.assignments.list(LABELERS[0], job=job, live=False, by="dominic")
    assert list(listed) == []
    assert len(list(flow.assignments.list(LABELERS[0], job=job, live=False, by="ada"))) == 2


def test_nobody_is_found_by_whose_work_it_is(flow: Flow) -> None:
    job, _ = a_review(flow, role=Role.LEADER)
    assert list(flow.results.find(job, member=LABELERS[0], by="dominic")) == []
    assert len(list(flow.results.find(job, member=LABELERS[0], by="ada"))) == 4


@pytest.mark.parametrize("by", [None, "dominic"])
def test_items_show_numbers_also_where_the_application_reads_them(
    flow: Flow, by: str | None
) -> None:
    _, review = a_review(flow)
    disputed = list(flow.tasks(review, by=by))[1]
    assert {vote.member for vote in disputed.votes} == {None}
    # of three, as one has given the package back
    names = {vote.labeler for vote in disputed.votes}
    assert len(names) == 2
    assert names <= {"labeler 1", "labeler 2", "labeler 3"}


def test_results_rows_and_events_show_the_same_names(flow: Flow) -> None:
    job, review = a_review(flow, votes=1, role=Role.LEADER)
    (item, *_) = flow.tasks(review)
    assert item.submitted is not None
    name = item.submitted.labeler
    assert name.startswith("labeler ")
    result = flow.results.get(job, item, by="dominic")
    assert result.stages[Stage.LABEL].labeler == name
    row = next(iter(flow.results.rows(job, by="dominic")))
    assert row["label_by"] == name
    accounts = {event.account for event in flow.events.list(job, package=1, by="dominic")}
    assert name in accounts
    assert accounts.isdisjoint(LABELERS)


def test_names_are_known_once_the_package_has_passed_the_stage(flow: Flow) -> None:
    job, review = a_review(flow, votes=1, role=Role.LEADER)
    for item in flow.tasks(review):
        flow.judge(review, item)
    flow.review(review)
    package = review.package
    shown = [item for item in flow.tasks(review) if item.submitted]
    assert {item.submitted.labeler for item in shown if item.submitted} == {""}
    tasks = {item.task.number for item in shown}
    rows_of = {row["task"]: row["label_by"] for row in flow.results.rows(job, by="dominic")}
    assert {rows_of[task] for task in tasks} == {LABELERS[0]}
    (hidden,) = {by for task, by in rows_of.items() if task not in tasks}
    assert hidden.startswith("labeler ")
    assert LABELERS[0] in {e.account for e in flow.events.list(job, package=package, by="dominic")}
    invariants.check(flow)


def test_they_are_hidden_again_after_a_reject(flow: Flow) -> None:
    job, review = a_review(flow, votes=1, role=Role.LEADER)
    flow.reject(review, tasks=[next(flow.tasks(review))], comment="no cat")
    (item, *_) = flow.tasks(review)
    assert item.submitted is not None
    assert (item.submitted.member, item.submitted.labeler[:8]) == (None, "labeler ")
    events = list(flow.events.list(job, package=review.package, by="dominic"))
    assert events[-1].type == "reject"
    assert names_in(events, keys_of(flow)) == set()
    invariants.check(flow)


@pytest.mark.parametrize("votes", [1, 2])
def test_neither_do_the_versions_that_were_replaced(flow: Flow, votes: int) -> None:
    job, _ = a_review(flow, votes, role=Role.LEADER)
    flow.jobs.pause(job, by="ada")
    dropped = templates.DropOption("1", "dog", to="cat")
    flow.jobs.change_template(job, [dropped], by="ada")
    shown = list[AnswerVersion]()
    for task in range(1, 5):
        versions = flow.results.versions((job.id, task), by="dominic")
        shown += versions
        assert names_in(versions, keys_of(flow)) == set()
        shown_to_ada = flow.results.versions((job.id, task), by="ada")
        assert names_in(shown_to_ada, keys_of(flow)) != set()
    assert any(not version.is_current for version in shown)


def test_who_commented_is_shown_like_who_labeled(flow: Flow) -> None:
    job, review = a_review(flow, votes=1, role=Role.LEADER)
    (labeling,) = [
        each
        for account in LABELERS[:1]
        for each in flow.assignments.list(account, job=job, live=False)
        if each.package == review.package
    ]
    (item, *_) = flow.tasks(labeling)
    flow.comments.add(item, "is it one?", by=LABELERS[0])
    mine = flow.comments.add(item, "it is", by="dominic")
    (reviewed, *_) = flow.tasks(review)
    for by in ("dominic", "dorothea"):
        listed = list(flow.comments.list(job, by=by))
        for threads in (listed, reviewed.comments):
            comments = [each for thread in threads for each in thread.comments]
            assert [each.labeler[:8] for each in comments] == ["labeler ", ""]
            assert [each.member for each in comments] == [None, mine.member]
            assert names_in(comments, keys_of(flow)) == set()
        events = list(flow.events.list(job, package=review.package, by=by))
        assert "comment" in {event.type for event in events}
        assert names_in(events, keys_of(flow)) == set()
    (first, _) = flow.comments.list(job, by="ada")
    assert first.comments[0].member == flow.members.get("street", LABELERS[0]).id
    invariants.check(flow)
