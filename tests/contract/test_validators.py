"""Validators: the application's own checks of answers, which jobs keep by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from support import invariants
from support.scenes import Clock, cats, labeled, rows, taken

import itagflow
from itagflow import (
    AlreadyExists,
    Choice,
    Flow,
    Inspect,
    InvalidData,
    Label,
    NotAllowed,
    NotHeld,
    Stage,
    Workflow,
    templates,
)
from itagflow.engines import engine_of
from itagflow.errors import Conflict, NotRegistered, Problem

CATS = templates.image_classification(["cat", "dog"])


def no_dogs(task: itagflow.Task, replies: dict[str, Any]) -> Iterable[Problem]:
    """Return a problem where the answer is "dog"."""
    if replies["1"] == Choice("dog"):
        return [Problem("1", f"there are no dogs in {task.data['source']}")]
    return []


def anything(task: itagflow.Task, replies: dict[str, Any]) -> Iterable[Problem]:
    return ()


@pytest.fixture
def flow(url: str, clock: Clock) -> Iterator[Flow]:
    validators = {"no_dogs": no_dogs, "anything": anything}
    with itagflow.open(url, clock=clock, validators=validators) as opened:
        yield opened
        invariants.check(opened)


def with_only(flow: Flow, **validators: Any) -> Flow:
    """Another Flow over the same store, as another process has it."""
    return Flow(flow.store, clock=engine_of("the test", flow).clock, validators=validators)


class TestSaving:
    def test_what_the_validator_refuses_is_not_saved(self, flow: Flow) -> None:
        job = cats(flow, validator="no_dogs")
        assert flow.jobs.get(job).validator == "no_dogs"
        assignment = taken(flow, "ben", job)
        with pytest.raises(InvalidData, match=r"there are no dogs in 1\.jpg") as refused:
            flow.save(assignment, 1, Choice("dog"))
        assert [problem.where for problem in refused.value.problems] == ["1"]
        with pytest.raises(InvalidData, match=r"there are no dogs in 2\.jpg"):
            flow.save_many(assignment, {1: Choice("cat"), 2: Choice("dog")})
        assert [item.answer for item in flow.tasks(assignment)] == [None, None]
        flow.save_many(assignment, {1: Choice("cat"), 2: Choice("cat")})

    @pytest.mark.parametrize(
        "returned", [None, "", "no dogs", ["no dogs"], [None], 5, {}, {"1": "no dogs"}]
    )
    def test_what_is_no_list_of_problems_is_refused_with_the_name_of_the_validator(
        self, flow: Flow, returned: Any
    ) -> None:
        job = cats(flow, validator="anything")
        assignment = taken(flow, "ben", job)
        forgetful = with_only(flow, anything=lambda task, replies: returned)
        expected = "the validator 'anything': must return a list of Problem"
        with pytest.raises(InvalidData, match=expected):
            forgetful.save(assignment, 1, Choice("cat"))
        assert [item.answer for item in flow.tasks(assignment)] == [None, None]

    def test_problems_may_be_yielded(self, flow: Flow) -> None:
        assignment = taken(flow, "ben", cats(flow, validator="anything"))
        yielding = with_only(flow, anything=lambda task, replies: (yield Problem("1", "no dogs")))
        with pytest.raises(InvalidData, match="no dogs"):
            yielding.save(assignment, 1, Choice("cat"))

    def test_a_modification_is_checked_too(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), validator="no_dogs")
        labeled(flow, "ben", job)
        review = taken(flow, "di", job, Stage.INSPECT)
        with pytest.raises(InvalidData, match="no dogs"):
            flow.modify(review, 1, Choice("dog"))
        flow.modify(review, 1, Choice("cat"))

    def test_no_transaction_is_open_while_it_runs(self, url: str) -> None:
        seen = list[int]()

        def read_packages(task: itagflow.Task, replies: dict[str, Any]) -> Iterable[Problem]:
            flow.workspaces.create(f"street-{len(seen)}", admin="ada")
            seen.append(len(list(flow.packages.list(task.job))))
            return ()

        with itagflow.open(url, validators={"reads": read_packages}) as flow:
            job = cats(flow, validator="reads")
            flow.save(taken(flow, "ben", job), 1, Choice("dog"))
        assert seen == [2]

    def test_only_the_holder_is_told_what_is_wrong(self, flow: Flow) -> None:
        job = cats(flow, validator="no_dogs")
        assignment = taken(flow, "ben", job)
        with pytest.raises(NotHeld):
            flow.save(assignment, 1, Choice("dog"), by="cy")

    def test_another_one_that_is_set_meanwhile_is_not_passed_by(self, flow: Flow) -> None:
        job = cats(flow, validator="anything")
        assignment = taken(flow, "ben", job)

        def change_the_rules(task: itagflow.Task, replies: dict[str, Any]) -> Iterable[Problem]:
            flow.jobs.set_validator(job, "no_dogs", by="ada")
            return ()

        other = with_only(flow, anything=change_the_rules, no_dogs=no_dogs)
        with pytest.raises(Conflict, match="'cats' was changed by somebody else"):
            other.save(assignment, 1, Choice("dog"))
        with pytest.raises(InvalidData, match="no dogs"):
            other.save(assignment, 1, Choice("dog"))
        with pytest.raises(NotRegistered):
            with_only(flow).save(assignment, 1, Choice("cat"))
        assert next(flow.tasks(assignment)).answer is None


class TestSettingIt:
    def test_it_holds_from_then_on_until_it_is_taken_away(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("dog"))
        assert flow.jobs.set_validator(job, "no_dogs", by="ada").validator == "no_dogs"
        with pytest.raises(InvalidData, match="no dogs"):
            flow.save(assignment, 2, Choice("dog"))
        assert flow.jobs.set_validator(job, None, by="ada").validator == ""
        flow.save(assignment, 2, Choice("dog"))

    def test_the_history_tells_and_setting_it_again_changes_nothing(self, flow: Flow) -> None:
        job = cats(flow)
        flow.jobs.set_validator(job, "no_dogs", by="ada")
        set_once = flow.jobs.set_validator(job, "no_dogs", by="ada")
        events = [event for event in flow.events.list(job) if event.type == "set_validator"]
        assert [event.data["validator"] for event in events] == ["no_dogs"]
        assert str(events[0]).endswith("ada changed the validator of job 'cats'")
        assert flow.jobs.get(job) == set_once

    def test_it_is_for_those_who_manage_jobs_that_are_not_archived(self, flow: Flow) -> None:
        job = cats(flow)
        with pytest.raises(NotAllowed, match="ben may not manage job"):
            flow.jobs.set_validator(job, "no_dogs", by="ben")
        flow.jobs.archive(job, by="ada")
        with pytest.raises(NotAllowed, match="cannot set its validator: job 'cats' is archived"):
            flow.jobs.set_validator(job, "no_dogs", by="ada")

    @pytest.mark.parametrize("bad", [no_dogs, 5, b"no_dogs", True])
    def test_a_job_takes_names_only(self, flow: Flow, bad: Any) -> None:
        job = cats(flow)
        with pytest.raises(InvalidData, match="validator: must be the name"):
            flow.jobs.set_validator(job, bad, by="ada")
        with pytest.raises(InvalidData, match="validator: must be the name"):
            flow.jobs.create("street", "dogs", template=CATS, validator=bad, by="ada", draft=True)

    @pytest.mark.parametrize("unknown", ["no_cats", "", "NO_DOGS", " no_dogs"])
    def test_an_unknown_name_is_refused(self, flow: Flow, unknown: str) -> None:
        job = cats(flow)
        with pytest.raises(NotRegistered) as refused:
            flow.jobs.set_validator(job, unknown, by="ada")
        assert (refused.value.kind, refused.value.name) == ("validator", unknown)
        assert refused.value.known == ("anything", "no_dogs")
        with pytest.raises(NotRegistered):
            flow.jobs.create(
                "street", "dogs", template=CATS, validator=unknown, by="ada", draft=True
            )
        assert [each.name for each in flow.jobs.list("street")] == ["cats"]

    def test_exist_ok_compares_it(self, flow: Flow) -> None:
        job = cats(flow, validator="no_dogs")
        same = {"template": CATS, "by": "ada", "exist_ok": True}
        assert flow.jobs.create("street", "cats", validator="no_dogs", **same) == job
        assert flow.jobs.create("street", "cats", **same) == job
        with pytest.raises(AlreadyExists) as refused:
            flow.jobs.create("street", "cats", validator="anything", **same)
        assert refused.value.differences == ("validator",)


class TestAnotherProcess:
    def test_it_is_found_by_name(self, flow: Flow) -> None:
        job = cats(flow, validator="no_dogs")
        other = with_only(flow, no_dogs=no_dogs)
        assignment = taken(other, "ben", other.jobs.get(job))
        with pytest.raises(InvalidData, match="no dogs"):
            other.save(assignment, 1, Choice("dog"))

    def test_one_that_lacks_it_gives_out_no_work(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), validator="no_dogs")
        labeled(flow, "ben", job)
        other = with_only(flow, no_cats=no_dogs)
        for member, stage in (("ben", Stage.LABEL), ("di", Stage.INSPECT)):
            with pytest.raises(NotRegistered, match="no validator 'no_dogs' is registered"):
                other.claim(member, job, stage)
            with pytest.raises(NotRegistered):
                other.claim(member, job, stage, token="once")
            with pytest.raises(NotRegistered):
                other.claim_many(member, job, stage, 2)
            assert list(other.available(member)) == []
            assert "validator 'no_dogs' is not registered" in other.explain(member, job, stage)
            assert flow.claim(member, job, stage) is not None

    def test_one_that_lacks_it_saves_nothing(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), validator="no_dogs")
        labeled(flow, "ben", job)
        review, assignment = taken(flow, "di", job, Stage.INSPECT), taken(flow, "ben", job)
        for other in (with_only(flow), with_only(flow, no_cats=no_dogs)):
            with pytest.raises(NotRegistered):
                other.save(assignment, 3, Choice("cat"))
            with pytest.raises(NotRegistered):
                other.modify(review, 1, Choice("cat"))
            other.review(review)  # which answers nothing, and changes nothing the second time

    def test_one_that_learns_of_it_late_refuses_too(self, flow: Flow) -> None:
        other = with_only(flow)
        job = cats(flow)
        assert other.claim("ben", job, Stage.LABEL) is not None  # the job is remembered
        flow.jobs.set_validator(job, "no_dogs", by="ada")
        with pytest.raises(NotRegistered):
            other.claim("cy", job, Stage.LABEL)

    def test_who_may_not_work_there_learns_only_that(self, flow: Flow) -> None:
        job = cats(flow, validator="no_dogs")
        flow.members.add("street", "olga", "operator", by="ada")
        with pytest.raises(NotAllowed):
            with_only(flow).claim("olga", job, Stage.LABEL)

    def test_what_answers_nothing_goes_on_without(self, flow: Flow) -> None:
        job = cats(flow, validator="no_dogs")
        other = with_only(flow)
        other.jobs.append(job, rows(1), by="ada")
        other.jobs.pause(job, by="ada")
        assert other.claim("ben", job, Stage.LABEL) is None
        other.jobs.set_validator(job, None, by="ada")
        other.jobs.resume(job, by="ada")
        assert other.claim("ben", job, Stage.LABEL) is not None


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_it_is_found_after_a_restart(
    kind: str, tmp_path: Any, request: pytest.FixtureRequest
) -> None:
    url = str(tmp_path / "labels.db")
    if kind == "postgres":
        url = request.getfixturevalue("postgres_url")
    with itagflow.open(url, validators={"no_dogs": no_dogs}) as flow:
        job = cats(flow, validator="no_dogs")
        assignment = taken(flow, "ben", job)
    with itagflow.open(url) as flow, pytest.raises(NotRegistered, match="known are none"):
        flow.save(assignment, 1, Choice("cat"))
    with itagflow.open(url, validators={"no_dogs": no_dogs}) as flow:
        assert flow.jobs.get(job).validator == "no_dogs"
        with pytest.raises(InvalidData, match="no dogs"):
            flow.save(assignment, 1, Choice("dog"))
        flow.save(assignment, 1, Choice("cat"))
        assert list(itagflow.maintenance.verify(flow)) == []


class TestRegistering:
    @pytest.mark.parametrize(
        ("validators", "message"),
        [
            ([no_dogs], "must map names to callables"),
            (5, "must map names to callables"),
            ({"": no_dogs}, "the name '' must be a text that is not empty"),
            ({" ": no_dogs}, "must be a text that is not empty"),
            ({5: no_dogs}, "the name 5 must be a text"),
            ({"a\0b": no_dogs}, "the name"),
            ({"a\nb": no_dogs}, "the name"),
            ({"no_dogs": None}, "validators, 'no_dogs': must be callable, not None"),
            ({"no_dogs": "no_dogs"}, "must be callable"),
        ],
    )
    def test_what_is_no_validator_is_refused(
        self, tmp_path: Any, validators: Any, message: str
    ) -> None:
        path = tmp_path / "labels.db"
        with pytest.raises(InvalidData, match=message):
            itagflow.open(path, validators=validators)
        assert not path.exists()

    def test_every_problem_is_listed(self) -> None:
        with pytest.raises(InvalidData) as refused:
            itagflow.open("memory:", validators={"": no_dogs, "x": 1})  # type: ignore[dict-item]
        assert len(refused.value.problems) == 2

    def test_what_is_changed_in_the_mapping_later_changes_nothing(self) -> None:
        validators = {"no_dogs": no_dogs}
        with itagflow.open("memory:", validators=validators) as flow:
            validators.clear()
            cats(flow, validator="no_dogs")

    def test_the_message_says_what_to_do(self) -> None:
        assert str(NotRegistered("validator", "no_dogs", ("a", "b"))) == (
            "no validator 'no_dogs' is registered; known are 'a', 'b': "
            "pass validators={'no_dogs': …} to itagflow.open"
        )
