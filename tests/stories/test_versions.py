"""Every replaced answer is kept, can be read, and can come back."""

from __future__ import annotations

import pytest
from support.scenes import cats, labeled, taken, verbs

import itagflow
from itagflow import (
    Choice,
    Flow,
    Incomplete,
    Inspect,
    InvalidData,
    Label,
    NotAllowed,
    NotFound,
    NotHeld,
    Stage,
    Workflow,
    maintenance,
)
from itagflow.errors import Problem, StaleVersion
from itagflow.model import AnswerVersion
from itagflow.templates import DropOption

CAT, DOG = Choice("cat"), Choice("dog")
REVIEWED = Workflow(Label(), Inspect())


def said(versions: object) -> list[tuple[object, int, bool]]:
    return [
        (version.answer.reply or version.answer.comment, version.number, version.is_current)
        for version in versions  # type: ignore[attr-defined]
    ]


def test_every_replaced_answer_is_kept_with_its_position(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=REVIEWED)
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, CAT)
    flow.save_many(assignment, {1: DOG, 2: DOG})
    flow.save_many(assignment, {1: CAT, 2: DOG})
    flow.submit(assignment)
    review = taken(flow, "di", job, Stage.INSPECT)
    flow.judge(review, 1, wrong="a dog")
    flow.reject(review, tasks=[1, 2], comment="no")
    versions = flow.results.versions(job, 1)
    assert said(versions) == [
        (CAT, 1, False),
        (DOG, 2, False),
        (CAT, 3, True),
        ("a dog", 1, False),
        ("no", 2, True),
    ]
    events = {event.position: event.type for event in flow.events.since()}
    assert [events[version.position] for version in versions] == [
        *("save", "save", "save", "judge", "reject"),
    ]
    assert flow.results.versions((job, 1)) == versions
    assert said(flow.results.versions(job, 2))[0] == (DOG, 1, True)


def test_a_holder_restores_an_earlier_answer_and_that_is_an_event(flow: Flow) -> None:
    job = cats(flow)
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, CAT)
    flow.save(assignment, 1, DOG)
    first = flow.results.versions(job, 1, by="ben")[0]
    restored = flow.results.restore_version(assignment, 1, first, by="ben")
    assert (restored.reply, restored.version) == (CAT, 2)
    event = list(flow.events.list(job))[-1]
    assert (event.type, event.task, event.account) == ("restore_version", 1, "ben")
    assert str(event).endswith("ben restored an earlier answer to task 1")
    assert said(flow.results.versions(job, 1)) == [
        (CAT, 1, False),
        (DOG, 2, False),
        (CAT, 3, True),
    ]


def test_restoring_sent_again_is_one_act(flow: Flow) -> None:
    job = cats(flow)
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, CAT)
    flow.save(assignment, 1, DOG)
    first = flow.results.versions(job, 1)[0]
    for _ in range(2):
        flow.results.restore_version(assignment, 1, first.position, expected_version=2)
    assert verbs(flow, job)[-2:] == ["save", "restore_version"]
    with pytest.raises(StaleVersion):
        second = flow.results.versions(job, 1)[1]
        flow.results.restore_version(assignment, 1, second, expected_version=2)


def test_what_was_sent_back_can_come_back_in_the_rework(flow: Flow) -> None:
    job = cats(flow, tasks=1, size=1, workflow=REVIEWED)
    labeled(flow, "ben", job, "dog")
    review = taken(flow, "di", job, Stage.INSPECT)
    flow.judge(review, 1, wrong="a cat")
    flow.reject(review)
    again = taken(flow, "ben", job)
    (old, judged) = flow.results.versions(job, 1)
    with pytest.raises(Incomplete, match="only judges"):
        flow.results.restore_version(again, 1, judged, by="ada")
    assert flow.results.restore_version(again, 1, old).reply == DOG
    flow.submit(again)
    second = taken(flow, "di", job, Stage.INSPECT)
    taken_over = flow.results.restore_version(second, 1, old, by="ada")
    assert (taken_over.reply, taken_over.verdict) == (DOG, itagflow.model.Verdict.RIGHT)


def test_what_has_ended_is_restored_by_who_reviews_it_next(flow: Flow) -> None:
    """What was handed in was passed on and judged: it does not change behind those who judged."""
    job = cats(flow, tasks=1, size=1, workflow=REVIEWED)
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, CAT)
    flow.save(assignment, 1, DOG)
    flow.submit(assignment)
    first = flow.results.versions(job, 1)[0]
    for by in (None, "ben", "ada"):
        with pytest.raises(NotHeld, match="it was submitted: claim again"):
            flow.results.restore_version(assignment, 1, first, by=by)
    review = taken(flow, "di", job, Stage.INSPECT)
    flow.review(review)
    assert flow.results.get(job, 1).replies == {"1": DOG}
    for by in (None, "di", "ada"):
        with pytest.raises(NotHeld, match="it was reviewed: claim again"):
            flow.results.restore_version(review, 1, first, by=by)

    flow.packages.reopen((job, 1), by="ada")
    again = taken(flow, "di", job, Stage.INSPECT)
    with pytest.raises(NotFound):  # an operator does not read what others said before
        flow.results.restore_version(again, 1, first, by="di")
    restored = flow.results.restore_version(again, 1, first, by="ada")
    assert (restored.reply, restored.stage) == (CAT, Stage.INSPECT)
    flow.review(again)
    assert flow.results.get(job, 1).replies == {"1": CAT}


def test_somebody_who_manages_jobs_may_restore_for_the_holder(flow: Flow) -> None:
    job = cats(flow)
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, CAT)
    flow.save(assignment, 1, DOG)
    first = flow.results.versions(job, 1)[0]
    with pytest.raises(NotAllowed):
        flow.results.restore_version(assignment, 1, first, by="cy")
    restored = flow.results.restore_version(assignment, 1, first, by="ada")
    assert restored.member == assignment.member
    assert list(flow.events.list(job))[-1].account == "ada"


def test_a_labeler_sees_the_versions_of_their_own_work_only(flow: Flow) -> None:
    job = cats(flow, tasks=1, size=1, workflow=REVIEWED)
    labeled(flow, "ben", job)
    flow.judge(taken(flow, "di", job, Stage.INSPECT), 1, wrong="no")
    assert said(flow.results.versions(job, 1, by="ben")) == [(CAT, 1, True)]
    assert flow.results.versions(job, 1, by="cy") == []
    assert len(flow.results.versions(job, 1, by="ada")) == 2


def test_versions_of_votes_are_as_secret_as_the_votes(flow: Flow) -> None:
    job = cats(flow, tasks=1, size=1, workflow=Workflow(Label(votes=2), Inspect()))
    labeled(flow, "ben", job, "dog")
    assignment = taken(flow, "cy", job)
    assert flow.results.versions(job, 1, by="cy") == []
    secret = flow.results.versions(job, 1)[0]
    for by in (None, "cy"):
        with pytest.raises(NotFound):
            flow.results.restore_version(assignment, 1, secret, by=by)
    flow.save(assignment, 1, CAT)
    flow.submit(assignment)
    assert len(flow.results.versions(job, 1)) == 3  # two votes, and what they came to
    assert flow.results.versions(job, 1)[-1].position > 0


def test_a_version_must_fit_the_template_and_the_validator_of_today(url: str) -> None:
    refused = set[str]()

    def check(_: object, replies: object) -> list[Problem]:
        return [Problem("1", "not today")] if str(replies) in refused else []

    with itagflow.open(url, validators={"mine": check}) as flow:
        job = cats(flow, validator="mine")
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, DOG)
        flow.save(assignment, 1, CAT)
        first = flow.results.versions(job, 1)[0]
        refused.add(str(first.answer.replies))
        with pytest.raises(InvalidData, match="not today"):
            flow.results.restore_version(assignment, 1, first)
        refused.clear()
        flow.jobs.change_template(job, DropOption("1", "dog"), by="ada")
        with pytest.raises(InvalidData, match="not an option"):
            flow.results.restore_version(assignment, 1, first)


def test_what_was_erased_does_not_come_back(flow: Flow) -> None:
    job = cats(flow)
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, CAT)
    flow.save(assignment, 1, DOG)
    first = flow.results.versions(job, 1)[0]
    maintenance.erase_task(flow, (job, 1), by="ada")
    assert [version.answer.replies for version in flow.results.versions(job, 1)] == [{}, {}]
    with pytest.raises(InvalidData, match="not in the scope"):
        flow.results.restore_version(assignment, 1, first)


def test_a_version_that_is_not_there_is_not_found(flow: Flow) -> None:
    job = cats(flow)
    assignment = taken(flow, "ben", job)
    answer = flow.save(assignment, 1, CAT)
    with pytest.raises(NotFound):
        flow.results.restore_version(assignment, 1, 99_999)
    made_up = AnswerVersion(answer=answer, number=7, position=1, is_current=False)
    with pytest.raises(NotFound):
        flow.results.restore_version(assignment, 1, made_up)
    flow.release(assignment)
    with pytest.raises(NotHeld):
        flow.results.restore_version(assignment, 1, 1)


def test_answers_that_came_without_a_member_have_their_position(flow: Flow) -> None:
    job = cats(flow, tasks=1, size=1)
    flow.jobs.prelabel(job, lambda tasks: [itagflow.PreLabel(CAT) for _ in tasks], by="ada")
    (version,) = flow.results.versions(job, 1)
    events = {event.position: event.type for event in flow.events.since()}
    assert (version.number, version.is_current) == (1, True)
    assert events[version.position] == "prelabel"


def test_versions_are_copied(flow: Flow) -> None:
    job = cats(flow)
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, CAT)
    flow.save(assignment, 1, DOG)
    with itagflow.open("memory:") as other:
        maintenance.copy(flow, to=other.store)
        assert said(other.results.versions(job.id, 1)) == said(flow.results.versions(job, 1))
