"""Comments: people talk about a task in threads, and a review opens and resolves its own."""

from __future__ import annotations

import pytest
from support.scenes import cats, labeled, taken

import itagflow
from itagflow import (
    Choice,
    Flow,
    Inspect,
    InvalidData,
    Job,
    Label,
    NotAllowed,
    NotFound,
    Stage,
    Workflow,
    maintenance,
)
from itagflow.model import Thread


def texts(threads: list[Thread]) -> list[list[str]]:
    """What is said in each thread."""
    return [[comment.text for comment in thread.comments] for thread in threads]


def reviewed(flow: Flow, **more: int) -> Job:
    return cats(flow, workflow=Workflow(Label(), Inspect()), **more)


def test_a_labeler_asks_and_is_answered(flow: Flow) -> None:
    job = reviewed(flow)
    assignment = taken(flow, "ben", job)
    item = next(flow.tasks(assignment))
    question = flow.comments.add(item, "is this a cat?", by="ben")
    flow.comments.add((job, 1), "yes, from behind", thread=question, by="ada")
    (thread,) = next(flow.tasks(assignment)).comments
    assert texts([thread]) == [["is this a cat?", "yes, from behind"]]
    assert [comment.member for comment in thread.comments] == [
        flow.members.get("street", "ben").id,
        flow.members.get("street", "ada").id,
    ]
    assert not thread.is_resolved


def test_a_thread_is_about_an_annotation(flow: Flow) -> None:
    job = reviewed(flow)
    opening = flow.comments.add((job, 1), "too wide", annotation="r1", by="ada")
    reply = flow.comments.add((job, 1), "I cut it", thread=opening, by="ada")
    (thread,) = flow.comments.list(job)
    assert (thread.annotation, reply.annotation) == ("r1", "r1")


def test_a_comment_sent_twice_is_one(flow: Flow) -> None:
    job = reviewed(flow)
    first = flow.comments.add((job, 1), "look here", by="ada")
    assert flow.comments.add((job, 1), "look here", by="ada") == first
    answer = flow.comments.add((job, 1), "done", thread=first, by="ada")
    assert flow.comments.add((job, 1), "done", thread=first.id, by="ada") == answer
    closed = flow.comments.resolve(first, by="ada")
    assert flow.comments.resolve(first, by="ada") == closed
    assert [event.type for event in flow.events.list(job)].count("comment") == 2
    # the same words in a thread that has gone on are new ones
    assert flow.comments.add((job, 1), "look here", by="ada") != first


def test_a_thread_is_resolved_and_opened_again(flow: Flow) -> None:
    job = reviewed(flow)
    opening = flow.comments.add((job, 1), "is it one?", by="ada")
    flow.comments.resolve(opening, text="never mind", by="ada")
    (thread,) = flow.comments.list(job, is_resolved=True)
    assert not list(flow.comments.list(job, is_resolved=False))
    flow.comments.reopen(thread, by="ada")
    (thread,) = flow.comments.list(job, is_resolved=False)
    assert texts([thread]) == [["is it one?", "never mind", ""]]


def test_a_judgment_opens_a_thread_and_the_next_verdict_resolves_it(flow: Flow) -> None:
    job = reviewed(flow)
    labeled(flow, "ben", job)
    review = taken(flow, "di", job, Stage.INSPECT)
    flow.judge(review, 1, wrong="that is a dog")
    flow.reject(review)
    rework = taken(flow, "ben", job)
    (item,) = flow.tasks(rework)
    (thread,) = item.comments
    assert (texts([thread]), thread.is_resolved) == ([["that is a dog"]], False)
    flow.comments.add(item, "it is small, but a cat", thread=thread, by="ben")
    flow.save(rework, item, Choice("dog"))
    flow.submit(rework)
    again = taken(flow, "di", job, Stage.INSPECT)
    assert texts(list(next(flow.tasks(again)).comments)) == [
        ["that is a dog", "it is small, but a cat"]
    ]
    flow.review(again)
    (thread,) = flow.comments.list(job)
    assert thread.is_resolved


def test_a_reject_of_all_opens_a_thread_on_each_task(flow: Flow) -> None:
    job = reviewed(flow)
    labeled(flow, "ben", job)
    flow.reject(taken(flow, "di", job, Stage.INSPECT), comment="too hasty", whole=True)
    assert [(thread.task, *texts([thread])[0]) for thread in flow.comments.list(job)] == [
        (1, "too hasty"),
        (2, "too hasty"),
    ]


def test_open_threads_keep_nobody_from_going_on(flow: Flow) -> None:
    job = cats(flow, tasks=2)
    flow.comments.add((job, 1), "wait!", by="ada")
    labeled(flow, "ben", job)
    assert flow.jobs.get(job).state.value == "finished"
    flow.comments.add((job, 2), "and afterwards", by="ada")
    assert not list(maintenance.verify(flow))


def test_who_works_on_other_tasks_reads_and_says_nothing(flow: Flow) -> None:
    job = reviewed(flow)
    taken(flow, "ben", job)
    taken(flow, "cy", job)
    flow.comments.add((job, 1), "to ben", by="ben")
    flow.comments.add((job, 3), "to cy", by="cy")
    assert texts(list(flow.comments.list(job, by="ben"))) == [["to ben"]]
    assert texts(list(flow.comments.list(job, by="ada"))) == [["to ben"], ["to cy"]]
    with pytest.raises(NotAllowed, match="cy may not read results"):
        flow.comments.add((job, 1), "me too", by="cy")


def test_voters_do_not_read_each_other(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=Workflow(Label(votes=2), Inspect()))
    one, other = taken(flow, "ben", job), taken(flow, "cy", job)
    flow.comments.add((job, 1), "surely a cat", by="ben")
    assert not list(flow.comments.list(job, by="cy"))
    assert not next(flow.tasks(other)).comments
    thread = next(flow.tasks(one)).comments[0]
    with pytest.raises(InvalidData, match="has no thread"):
        flow.comments.add((job, 1), "really?", thread=thread, by="cy")
    for assignment in (one, other):
        for item in flow.tasks(assignment):
            flow.save(assignment, item, Choice("cat"))
        flow.submit(assignment)
    # the package has left LABEL
    assert texts(list(flow.comments.list(job, by="cy"))) == [["surely a cat"]]


@pytest.mark.parametrize("text", ["", " ", "\ud800", "a\0b"])
def test_a_text_that_says_nothing_is_refused(flow: Flow, text: str) -> None:
    job = reviewed(flow)
    with pytest.raises(InvalidData):
        flow.comments.add((job, 1), text, by="ada")
    assert not list(flow.comments.list(job))


def test_what_is_not_there_gets_no_comment(flow: Flow) -> None:
    job = reviewed(flow)
    with pytest.raises(NotFound):
        flow.comments.add((job, 99), "hello", by="ada")
    with pytest.raises(InvalidData, match="task 1 has no thread 7"):
        flow.comments.add((job, 1), "hello", thread=7, by="ada")
    opening = flow.comments.add((job, 1), "hello", by="ada")
    with pytest.raises(InvalidData, match="task 2 has no thread"):
        flow.comments.add((job, 2), "hello", thread=opening, by="ada")


def test_an_archived_job_gets_no_comment(flow: Flow) -> None:
    job = reviewed(flow)
    flow.jobs.archive(job, by="ada")
    with pytest.raises(NotAllowed, match="archived"):
        flow.comments.add((job, 1), "hello", by="ada")


def test_erasing_a_task_erases_what_was_said(flow: Flow) -> None:
    job = reviewed(flow)
    opening = flow.comments.add((job, 1), "patient 7", annotation="r1", by="ada")
    flow.comments.resolve(opening, by="ada")
    maintenance.erase_task(flow, (job, 1), by="ada")
    (thread,) = flow.comments.list(job)
    assert texts([thread]) == [["erased", ""]]
    assert (thread.annotation, thread.is_resolved) == ("", True)
    assert "patient" not in str([event.data for event in flow.events.list(job)])
    with pytest.raises(NotAllowed, match="erased"):
        flow.comments.add((job, 1), "patient 7", by="ada")
    assert not list(maintenance.verify(flow))


def test_erasing_a_member_erases_the_name_from_comments(flow: Flow) -> None:
    job = reviewed(flow)
    flow.comments.add((job, 1), "ben will know", by="ada")
    flow.members.remove("street", "ben", by="ada")
    erased = maintenance.erase_member(flow, "street", "ben", by="ada")
    assert texts(list(flow.comments.list(job))) == [[f"{erased.account} will know"]]


def test_comments_are_copied_and_deleted_with_their_job(flow: Flow) -> None:
    job = reviewed(flow)
    flow.comments.add((job, 1), "hello", by="ada")
    with itagflow.open("memory:") as other:
        maintenance.copy(flow, to=other)
        assert list(other.comments.list(job.id)) == list(flow.comments.list(job))
    flow.jobs.archive(job, by="ada")
    flow.jobs.delete(job, by="ada")
    assert not list(maintenance.verify(flow))
    with pytest.raises(NotFound):
        list(flow.comments.list(job.id))


def test_pages_of_threads(flow: Flow) -> None:
    job = reviewed(flow)
    for number in (1, 1, 2, 3):
        flow.comments.add((job, number), f"about {number}", by="ada")
        flow.comments.add((job, number), "more", by="ada")
    everything = list(flow.comments.list(job))
    pages, after = list[Thread](), None
    while page := list(flow.comments.list(job, limit=2, after=after)):
        pages += page
        after = page[-1]
    assert pages == everything
    assert {thread.task for thread in flow.comments.list(job, task=1)} == {1}
