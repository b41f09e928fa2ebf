"""Done leaves the library: results are followed and waited for, also after a crash."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from support.scenes import cats, labeled, street, taken

import itagflow
from itagflow import (
    Became,
    Choice,
    Event,
    Flow,
    Inspect,
    InvalidData,
    Job,
    Label,
    NotAllowed,
    NotFound,
    PackageCount,
    Result,
    Role,
    Selection,
    Stage,
    TaskState,
    Workflow,
    maintenance,
    templates,
)
from itagflow.core import lookup

REVIEWED = Workflow(Label(), Inspect())


def told(flow: Flow, place: Any, after: Any = 0, **how: Any) -> list[tuple[int, str, int]]:
    """The task, what became of it, and the revision, of everything that is followed now."""
    how = {"became": None, "timeout": 0, **how}
    return [
        (result.task.number, result.became, result.revision)
        for result in flow.results.follow(place, after=after, **how)
    ]


def outcomes(flow: Flow, job: Job) -> list[tuple[str, dict[str, tuple[int, ...]]]]:
    return [(each.type, dict(each.outcomes)) for each in flow.events.list(job) if each.became]


def given_up(flow: Flow, member: str, job: Job, *tasks: int) -> None:
    """A package is handed in: these tasks abandoned, the others cats."""
    assignment = taken(flow, member, job)
    for item in flow.tasks(assignment):
        if item.task.number in tasks:
            flow.abandon(assignment, item, "dark")
        else:
            flow.save(assignment, item, Choice("cat"))
    flow.submit(assignment)


class TestEvents:
    def test_of_one_package_some_are_final_and_some_abandoned(self, flow: Flow) -> None:
        job = cats(flow, tasks=7, size=7)
        given_up(flow, "ben", job, 3, 7)
        (event,) = (each for each in flow.events.list(job) if each.became)
        assert (event.became, event.tasks) == (Became.FINAL, (1, 2, 4, 5, 6))
        assert event.outcomes == {"final": (1, 2, 4, 5, 6), "abandoned": (3, 7)}

    def test_where_all_are_abandoned_nothing_is_final(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        given_up(flow, "ben", job, 1, 2)
        assert outcomes(flow, job) == [("submit", {"abandoned": (1, 2)})]

    def test_tasks_need_not_be_numbered_on(self, flow: Flow) -> None:
        job = cats(flow, tasks=7, packaging=PackageCount(2))
        labeled(flow, "ben", job)
        labeled(flow, "cy", job)
        assert outcomes(flow, job) == [
            ("submit", {"final": (1, 3, 5, 7)}),
            ("submit", {"final": (2, 4, 6)}),
        ]

    def test_what_was_erased_is_neither(self, flow: Flow) -> None:
        job = cats(flow, tasks=4, size=4, workflow=REVIEWED)
        given_up(flow, "ben", job, 2)
        maintenance.erase_task(flow, (job.id, 3), by="ada")
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        maintenance.erase_task(flow, (job.id, 4), by="ada")
        assert outcomes(flow, job) == [
            ("erase_task", {"erased": (3,)}),
            ("review", {"final": (1, 4), "abandoned": (2,)}),
            ("erase_task", {"erased": (4,)}),
        ]

    def test_a_campaign_is_about_its_tasks(self, flow: Flow) -> None:
        job = cats(flow, tasks=3, size=3)
        given_up(flow, "ben", job, 3)
        flow.jobs.reopen(job, where=Selection(label="cat"), by="ada")
        given_up(flow, "ben", job, 1)
        assert outcomes(flow, job)[1:] == [
            ("reopen", {"reopened": (1, 2)}),
            ("submit", {"final": (2,), "abandoned": (1,)}),
        ]

    def test_a_campaign_that_is_ended_early_gives_back_what_was(self, flow: Flow) -> None:
        job = cats(flow, tasks=3, size=3)
        given_up(flow, "ben", job, 2)
        (before, *_) = flow.results.follow(job, timeout=0)
        flow.jobs.reopen(job, where=Selection(package=1), by="ada")
        flow.packages.discard((job.id, 1), by="ada")
        assert outcomes(flow, job)[1:] == [
            ("reopen", {"reopened": (1, 2, 3)}),
            ("discard", {"final": (1, 3), "abandoned": (2,)}),
        ]
        assert told(flow, job) == [(1, "final", 2), (2, "abandoned", 2), (3, "final", 2)]
        assert flow.results.get(job, 1).replies == before.replies

    def test_a_package_that_is_discarded_takes_all_its_tasks_along(self, flow: Flow) -> None:
        job = cats(flow, tasks=4)
        labeled(flow, "ben", job)
        flow.jobs.finish(job, by="ada", discard_open=True)
        assert outcomes(flow, job)[1:] == [("discard", {"abandoned": (3, 4)})]
        flow.packages.reopen((job.id, 2), by="ada")
        assert outcomes(flow, job)[2:] == [("reopen", {"reopened": (3, 4)})]

    def test_many_tasks_take_little_room(self, flow: Flow) -> None:
        job = cats(flow, tasks=200, size=200)
        given_up(flow, "ben", job, 9)
        (event,) = (each for each in flow.events.list(job) if each.became)
        assert event.became_text == "final 1-8,10-200 abandoned 9"


class TestResults:
    def test_say_what_became_and_how_often(self, flow: Flow) -> None:
        job = cats(flow, tasks=4, workflow=REVIEWED)
        assert seen(flow, job) == [("", 0)] * 4
        given_up(flow, "ben", job, 2)
        assert flow.results.get(job, 2).state is TaskState.ABANDONED
        assert seen(flow, job) == [("", 0)] * 4, "a review may still undo it"
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        assert seen(flow, job)[:2] == [("final", 1), ("abandoned", 1)]
        flow.packages.reopen((job.id, 1), by="ada")
        assert seen(flow, job)[:2] == [("reopened", 1), ("reopened", 1)]
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        assert seen(flow, job)[:2] == [("final", 2), ("abandoned", 2)]
        flow.packages.discard((job.id, 2), by="ada")
        assert seen(flow, job)[2:] == [("abandoned", 1)] * 2


def seen(flow: Flow, job: Job) -> list[tuple[str, int]]:
    return [(result.became, result.revision) for result in flow.results.list(job)]


class TestFollowing:
    def test_each_result_comes_when_it_is_final(self, flow: Flow) -> None:
        job = cats(flow, tasks=4)
        assert told(flow, job) == []
        labeled(flow, "ben", job, "dog")
        (one, two) = flow.results.follow(job, timeout=0)
        assert [one.task.number, two.task.number] == [1, 2]
        assert one == flow.results.get(job, 1)
        assert one.cursor
        assert not flow.results.get(job, 1).cursor
        labeled(flow, "cy", job)
        assert told(flow, job, after=one) == [(2, "final", 1), (3, "final", 1), (4, "final", 1)]
        assert told(flow, job, after=two.cursor) == [(3, "final", 1), (4, "final", 1)]

    def test_by_default_what_is_final_and_nothing_else(self, flow: Flow) -> None:
        job = cats(flow, tasks=3, size=3)
        given_up(flow, "ben", job, 2)
        assert [each.task.number for each in flow.results.follow(job, timeout=0)] == [1, 3]
        assert told(flow, job, became="abandoned") == [(2, "abandoned", 1)]
        assert told(flow, job) == [(1, "final", 1), (2, "abandoned", 1), (3, "final", 1)]

    def test_again_with_a_higher_revision(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=REVIEWED)
        labeled(flow, "ben", job)
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        (*_, last) = flow.results.follow(job, timeout=0)
        flow.packages.reopen((job.id, 1), by="ada")
        assert told(flow, job, after=last, became="final") == []
        assert told(flow, job, after=last) == [(1, "reopened", 1), (2, "reopened", 1)]
        review = taken(flow, "di", job, Stage.INSPECT)
        flow.modify(review, 2, Choice("dog"))
        flow.review(review)
        again = list(flow.results.follow(job, after=last, timeout=0))
        assert [(each.task.number, each.revision) for each in again] == [(1, 2), (2, 2)]
        assert again[1].replies == {"1": Choice("dog")}

    def test_what_was_taken_out_is_as_it_was_whatever_becomes_of_the_others(
        self, flow: Flow
    ) -> None:
        job = cats(flow, tasks=4, size=4)
        flow.jobs.withdraw(job, tasks=[1], by="ada")
        maintenance.erase_task(flow, (job, 2), by="ada")
        labeled(flow, "ben", job)
        flow.jobs.withdraw(job, tasks=[3], by="ada")
        before = told(flow, job)
        flow.packages.reopen((job, 1), by="ada")
        labeled(flow, "ben", job)
        results = [(one.task.number, one.became, one.revision) for one in flow.results.list(job)]
        assert results == [
            (1, "withdrawn", 1),
            (2, "erased", 1),
            (3, "withdrawn", 1),
            (4, "final", 2),
        ]
        assert set(results[:3]) <= set(before)
        assert list(maintenance.verify(flow)) == []

    def test_who_comes_later_gets_what_is_so_now_and_that_once(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        labeled(flow, "ben", job)
        flow.packages.reopen((job.id, 1), by="ada")
        assert told(flow, job) == [(1, "reopened", 1), (2, "reopened", 1)]
        assert told(flow, job, became="final") == []
        labeled(flow, "ben", job)
        assert told(flow, job, became="final") == [(1, "final", 2), (2, "final", 2)]
        maintenance.erase_task(flow, (job.id, 1), by="ada")
        assert told(flow, job) == [(2, "final", 2), (1, "erased", 2)]

    def test_a_workspace_is_followed_over_all_its_jobs(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        other = flow.jobs.clone(job, "more", with_data=True, by="ada")
        flow.jobs.publish(other, by="ada")
        labeled(flow, "ben", other)
        labeled(flow, "cy", job)
        found = list(flow.results.follow("street", timeout=0))
        assert [(each.task.job, each.task.number) for each in found] == [
            (other.id, 1),
            (other.id, 2),
            (job.id, 1),
            (job.id, 2),
        ]
        flow.jobs.archive(other, by="ada")
        flow.jobs.delete(other, by="ada")
        left = list(flow.results.follow("street", timeout=0))
        assert [each.task.job for each in left] == [job.id, job.id]
        with pytest.raises(NotFound):
            flow.results.follow(other, timeout=0)

    def test_pages_lose_and_double_nothing(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = cats(flow, tasks=12, size=5)
        for name in ("ben", "cy", "ben"):
            given_up(flow, name, job, 2, 7)
        expected = [(n, "abandoned" if n in (2, 7) else "final", 1) for n in range(1, 13)]
        for size in (1, 2, 3, 100):
            monkeypatch.setattr(lookup, "PAGE", size)
            assert told(flow, job) == expected

    def test_who_stops_anywhere_goes_on_there(self, flow: Flow) -> None:
        job = cats(flow, tasks=6, size=3)
        labeled(flow, "ben", job)
        labeled(flow, "cy", job)
        cursor: Any = 0
        numbers = []
        for _ in range(6):
            result = next(flow.results.follow(job, after=cursor, timeout=0))
            numbers.append(result.task.number)
            cursor = result.cursor
        assert numbers == [1, 2, 3, 4, 5, 6]
        assert told(flow, job, after=cursor) == []

    def test_behind_an_event_all_of_its_tasks_were_dealt_with(self, flow: Flow) -> None:
        job = cats(flow, tasks=4)
        labeled(flow, "ben", job)
        (event,) = (each for each in flow.events.list(job) if each.became)
        labeled(flow, "cy", job)
        for after in (event, event.position):
            assert told(flow, job, after=after) == [(3, "final", 1), (4, "final", 1)]

    def test_it_goes_on_with_what_comes(self, flow: Flow) -> None:
        job = cats(flow, tasks=6)
        heard: list[int] = []
        ear = threading.Thread(
            target=lambda: heard.extend(
                each.task.number for each in flow.results.follow(job, timeout=1)
            )
        )
        ear.start()
        for name in ("ben", "cy", "ben"):
            labeled(flow, name, job)
            time.sleep(0.02)
        ear.join()
        assert heard == [1, 2, 3, 4, 5, 6]

    @pytest.mark.parametrize(
        "after",
        [
            "",
            "7",
            "7-",
            "-7",
            "7-7-7",
            "7-x",
            "٧-1",
            f"{2**63}-1",
            "9" * 5_000 + "-1",
            None,
            1.5,
            True,
        ],
    )
    def test_what_is_no_cursor_is_refused(self, flow: Flow, after: Any) -> None:
        job = cats(flow)
        with pytest.raises(InvalidData, match=r"results.follow: after"):
            flow.results.follow(job, after=after)

    def test_nor_is_a_result_that_was_not_followed(self, flow: Flow) -> None:
        job = cats(flow)
        with pytest.raises(InvalidData, match="the cursor of a result that it has yielded"):
            flow.results.follow(job, after=flow.results.get(job, 1))


class TestWhoReads:
    def test_operators_do_not(self, flow: Flow) -> None:
        job = cats(flow)
        labeled(flow, "ben", job)
        with pytest.raises(NotAllowed):
            flow.results.follow(job, by="ben")
        with pytest.raises(NotAllowed):
            flow.results.wait(job, 1, by="ben")
        assert told(flow, "street", by="ben") == []

    def test_a_viewer_does(self, flow: Flow) -> None:
        job = cats(flow)
        flow.members.add("street", "eve", Role.VIEWER, by="ada")
        labeled(flow, "ben", job)
        for place in (job, "street"):
            assert told(flow, place, by="eve") == [(1, "final", 1), (2, "final", 1)]
        assert flow.results.wait(job, 1, by="eve") == flow.results.get(job, 1)

    def test_votes_are_secret_until_they_are_merged(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Label(votes=2, on_dispute="keep")))
        flow.packages.discard((job.id, 1), by="ada")
        flow.packages.reopen((job.id, 1), by="ada")
        labeled(flow, "ben", job)
        (result, _) = flow.results.follow(job, became=None, timeout=0, by="ada")
        assert (result.became, result.votes, result.provenance) == ("reopened", (), ())
        assert flow.results.wait(job, 1, timeout=0, by="ada") is None


class TestWaiting:
    def test_a_result_that_is_there_comes_at_once(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, row_key="source")
        labeled(flow, "ben", job)
        result = flow.results.get(job, 1)
        for found in (
            flow.results.wait(job, 1),
            flow.results.wait((job, 1)),
            flow.results.wait(result.task),
            flow.results.wait(job, key="1.jpg"),
        ):
            assert found == result

    def test_nothing_when_it_does_not_come_in_time(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        begin = time.monotonic()
        assert flow.results.wait(job, 1, timeout=0.05) is None
        assert time.monotonic() - begin >= 0.05
        given_up(flow, "ben", job, 1)
        flow.packages.reopen((job.id, 1), by="ada")
        assert flow.results.wait(job, 1, timeout=0) is None, "it is worked on again"

    def test_what_was_given_up_is_told(self, flow: Flow) -> None:
        job = cats(flow, tasks=4)
        given_up(flow, "ben", job, 1)
        flow.packages.discard((job.id, 2), by="ada")
        maintenance.erase_task(flow, (job.id, 2), by="ada")
        found = [flow.results.wait(job, task, timeout=0) for task in (1, 2, 3)]
        assert [each and each.became for each in found] == ["abandoned", "erased", "abandoned"]

    def test_it_comes_when_it_is_done(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        found: list[Result | None] = []
        waiter = threading.Thread(target=lambda: found.append(flow.results.wait(job, 2)))
        waiter.start()
        labeled(flow, "ben", job)
        waiter.join(timeout=20)
        (result,) = found
        assert result == flow.results.get(job, 2)

    def test_an_unknown_task_is_not_waited_for(self, flow: Flow) -> None:
        job = cats(flow)
        with pytest.raises(NotFound):
            flow.results.wait(job, 99)


def test_an_imported_job_is_followed_from_its_first_result(flow: Flow) -> None:
    street(flow)
    manifest = [
        {"data": {"source": "1.jpg"}, "label-7": {"results": [answer("cat")]}},
        {"data": {"source": "2.jpg"}, "label-7": {"results": [answer("fish")]}},
    ]
    job = flow.jobs.import_results(
        "street",
        "old",
        template=templates.image_classification(["cat", "dog"]),
        data=manifest,
        on_error="skip",
        by="ada",
    )
    assert told(flow, job) == [(1, "final", 1), (2, "abandoned", 1)]
    assert outcomes(flow, job) == [("import", {"final": (1,), "abandoned": (2,)})]


def answer(key: str) -> dict[str, Any]:
    return {"questionId": "1", "data": key, "markTitle": "x", "type": "survey/value"}


def test_a_listener_gets_what_became_too() -> None:
    heard: list[Event] = []
    with itagflow.open("memory:", listeners=[heard.append]) as flow:
        job = cats(flow, tasks=2)
        labeled(flow, "ben", job)
        assert [(each.became, each.tasks) for each in heard if each.became] == [("final", (1, 2))]
