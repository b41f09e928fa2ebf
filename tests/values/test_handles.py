"""How things are named: unknown ones raise everywhere; keys are numbers and names are texts."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import IntEnum
from numbers import Integral
from pathlib import Path
from typing import Any

import attrs
import pytest
from support.foreigners import READERS, a_town, public_verbs
from support.naming import describe
from support.scenes import cats, rows, street, taken

import itagflow
from itagflow import (
    AlreadyExists,
    FixedSize,
    Flow,
    InvalidData,
    Job,
    NotAllowed,
    NotFound,
    PackageCount,
    Role,
    Stage,
    Workflow,
    maintenance,
    templates,
)

CATS = templates.image_classification(["cat", "dog"])
UNKNOWN: list[Any] = [
    "typo",
    "",
    "17",
    999_999,
    0,
    -1,
    2**70,
    True,
    1.0,
    b"ada",
    (),
    object(),
]
"""What nothing is called, in any way that somebody might say it."""


class Like:
    """A whole number of a library's own kind, as NumPy's `int64` is one."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __int__(self) -> int:
        return self.value

    def __le__(self, other: int) -> bool:
        return self.value <= other

    def __ge__(self, other: int) -> bool:
        return self.value >= other


Integral.register(Like)


def named_by(name: str) -> set[str]:
    """The parameters of a reader that name an entity: those whose type is a reference."""
    references = ("WorkspaceRef", "MemberRef", "JobRef", "PartitionRef", "PackageRef")
    references += ("AssignmentRef", "TaskRef", "TemplateRef", "EntityRef")
    return {
        parameter.name
        for parameter in inspect.signature(public_verbs()[name]).parameters.values()
        if any(reference in str(parameter.annotation) for reference in references)
    }


class TestReaders:
    """`turns("typo")` and `available("typo")` yielded nothing, where other verbs raise NotFound."""

    @pytest.mark.parametrize("name", READERS)
    def test_unknown_names_and_keys_raise(self, name: str) -> None:
        with itagflow.open("memory:") as flow:
            args = attrs.evolve(a_town(flow).args, by=None)
            case = READERS[name]
            assert case.takes or not named_by(name) - {"by", "after"}, "the case replaces nothing"
            for parameter in case.takes:
                for unknown in UNKNOWN:
                    call = attrs.evolve(args, **{parameter: unknown})
                    with pytest.raises(NotFound):
                        case.call(flow, call)

    @pytest.mark.parametrize("name", READERS)
    @pytest.mark.parametrize("account", ["typo", 999_999, 2**70, True, b"ada"], ids=describe)
    def test_nobody_cannot_read(self, name: str, account: Any) -> None:
        with itagflow.open("memory:") as flow:
            args = a_town(flow).args
            with pytest.raises(NotFound):
                READERS[name].call(flow, attrs.evolve(args, by=account))

    def test_an_iterator_refuses_at_the_call(self) -> None:
        """And not at its first step, which may be far from the mistake."""
        with itagflow.open("memory:") as flow:
            cats(flow)
            for call in (
                lambda: flow.assignments.list("typo"),
                lambda: flow.available("typo"),
                lambda: flow.events.follow(workspace="typo"),
                lambda: flow.events.follow(after="typo"),  # type: ignore[arg-type]
                lambda: flow.events.list("typo"),
                lambda: flow.results.list("typo"),
                lambda: flow.results.rows("typo"),
                lambda: flow.results.find("cats", member="typo"),
                lambda: flow.packages.list("typo"),
                lambda: flow.jobs.list("typo"),
                lambda: flow.members.list("typo"),
                lambda: flow.templates.list("typo"),
                lambda: flow.workspaces.list(by="typo"),
                lambda: flow.tasks((1, 2)),
            ):
                with pytest.raises((NotFound, InvalidData)):
                    call()


class TestNames:
    """A name is always a text and a key always a number."""

    def test_a_name_of_digits_is_no_key(self, flow: Flow) -> None:
        home = flow.workspaces.create("17", admin="18")
        other = flow.workspaces.create("street", admin="ada")
        member = flow.members.add("17", str(other.id), Role.OPERATOR, by="18")
        job = flow.jobs.create("17", str(home.id), template=CATS, data=rows(1), by="18")
        assert flow.workspaces.get("17") == home
        assert flow.members.get("17", str(other.id)) == member
        assert flow.jobs.get(str(home.id)) == job
        for wrong in (17, str(home.id)):
            with pytest.raises(NotFound):
                flow.workspaces.get(wrong)
        with pytest.raises(NotFound):
            flow.members.get("17", str(member.id))
        with pytest.raises(NotFound):
            flow.jobs.get(str(job.id))

    def test_a_number_of_any_kind_is_a_key(self, flow: Flow) -> None:
        job = cats(flow)
        held = taken(flow, "ben", job)

        class Key(IntEnum):
            JOB = job.id

        kinds: list[Any] = [Like, int]
        for like in kinds:
            assert flow.jobs.get(like(job.id)) == job
            assert flow.packages.get((like(job.id), like(1))).number == 1
            assert flow.packages.get((job, like(1))).number == 1
            assert flow.results.get(job, like(2)).task.number == 2
            assert flow.results.get((like(job.id), like(2))).task.number == 2
            assert flow.assignments.get((like(job.id), like(held.id))) == held
            assert [e.type for e in flow.events.list(job, package=like(1))] == ["claim"]
            assert flow.packages.prioritize(job, 1, packages=[like(1)], by="ada") == 1
            assert next(flow.results.list(job, after=like(2))).task.number == 3
            assert len(list(flow.events.since(after=like(2), limit=like(1)))) == 1
        assert flow.jobs.get(Key.JOB) == job

    def test_a_job_is_found_in_its_workspace(self, flow: Flow) -> None:
        for name in ("street", "alley"):
            flow.workspaces.create(name, admin="ada")
            flow.jobs.create(name, "cats", template=CATS, data=rows(2), by="ada")
        with pytest.raises(InvalidData, match=r"pass \(workspace, name\)"):
            flow.jobs.get("cats")
        here, there = (flow.jobs.get((name, "cats")) for name in ("street", "alley"))
        assert here.workspace != there.workspace
        for home in (flow.workspaces.get("alley"), there.workspace, "alley"):
            assert flow.jobs.get((home, "cats")) == there
        ref = ("alley", "cats")
        assert flow.packages.get((ref, 1)).job == there.id
        assert flow.results.get((ref, 2)).task.job == there.id
        assert flow.results.get(ref, 2).task.job == there.id
        assert [package.job for package in flow.packages.list(ref)] == [there.id]
        assert {event.job for event in flow.events.list(ref)} == {there.id}
        assert list(maintenance.verify(flow, ref)) == []
        assert bool(flow.can("ada", "export", ref))
        assert flow.jobs.pause(ref, by="ada").id == there.id
        assert flow.claim("ada", ref, Stage.LABEL) is None
        assert maintenance.erase_task(flow, (ref, 1), by="ada").job == there.id
        for wrong in (("lane", "cats"), ("alley", "dogs"), ("alley", here.id), ("alley",), ()):
            with pytest.raises(NotFound):
                flow.jobs.get(wrong)  # type: ignore[arg-type]

    def test_packages_are_assigned_by_job_and_number(self, flow: Flow) -> None:
        cats(flow)
        one, two = flow.assignments.assign_many([("cats", 1), ("cats", 2)], "ben", by="ada")
        assert one
        assert two
        assert flow.packages.discard(("cats", 1), by="ada").number == 1
        again = flow.assignments.assign_many(
            flow.packages.list("cats", state="label"), "cy", by="ada"
        )
        assert [bool(result) for result in again] == [False]


class TestObjectsOfElsewhere:
    def test_they_are_not_found_by_their_number(self, flow: Flow) -> None:
        job = cats(flow)
        other = flow.jobs.create("street", "other", template=CATS, data=rows(2), by="ada")
        package, task = next(flow.packages.list(other)), flow.results.get(other, 1).task
        for call in (
            lambda: flow.results.get(job, task),
            lambda: flow.events.list(job, package=package),
            lambda: flow.packages.prioritize(job, 1, packages=[package], by="ada"),
            lambda: flow.packages.list(job, after=package),
            lambda: flow.results.list(job, after=task),
        ):
            with pytest.raises(NotFound):
                call()


class TestTasks:
    @pytest.fixture
    def job(self, flow: Flow) -> Job:
        data = [
            {"data": {"source": f"{n}.jpg", "id": id}} for n, id in enumerate(("a7", "7", "猫"))
        ]
        return cats(flow, data=data, row_key="id")

    def test_one_by_its_number_or_as_an_object(self, flow: Flow, job: Job) -> None:
        result = flow.results.get(job, 2)
        assert result.task.number == 2
        (item, other) = flow.tasks(taken(flow, "ben", job))
        for found in (
            flow.results.get("cats", 2),
            flow.results.get(job.id, result.task),
            flow.results.get(result.task),
            flow.results.get((job.id, 2)),
            flow.results.get(("cats", 2)),
            flow.results.get(other),
            flow.results.get(job, other),
        ):
            assert found.task == result.task
        assert item.task.number == 1

    @pytest.mark.parametrize("key", ["a7", "7", "猫"])
    def test_by_its_row_key(self, flow: Flow, job: Job, key: str) -> None:
        result = flow.results.get(job, key=key)
        assert result.task.data["id"] == key
        assert flow.results.get("cats", key=key, by="ada") == result

    def test_by_a_row_key_that_is_a_number(self, flow: Flow) -> None:
        data = [{"data": {"source": f"{n}.jpg", "id": n}} for n in (7, -3, 2**53)]
        job = cats(flow, data=data, row_key="id")
        for number in (7, -3, 2**53):
            for key in (number, Like(number)):
                assert flow.results.get(job, key=key).task.data["id"] == number

    def test_a_number_and_its_digits_are_two_row_keys(self, flow: Flow) -> None:
        data = [{"data": {"source": f"{n}.jpg", "id": id}} for n, id in enumerate((7, "7", 8))]
        job = cats(flow, data=data, row_key="id")
        assert flow.results.get(job, key=7).task.number == 1
        assert flow.results.get(job, key="7").task.number == 2
        with pytest.raises(NotFound):
            flow.results.get(job, key="8")

    def test_the_row_key_of_a_task_is_that_of_its_row_and_finds_it(self, flow: Flow) -> None:
        ids = (7, "7", "a7", '"7"', "007")
        data = [{"data": {"source": f"{n}.jpg", "id": id}} for n, id in enumerate(ids)]
        job = cats(flow, data=data, row_key="id")
        tasks = [result.task for result in flow.results.list(job)]
        assert [task.row_key for task in tasks] == list(ids)
        for task in tasks:
            assert flow.results.get(job, key=task.row_key).task == task

    def test_a_number_and_its_digits_are_one_row_key_where_the_job_says_so(
        self, flow: Flow
    ) -> None:
        data = [{"data": {"source": f"{n}.jpg", "id": id}} for n, id in enumerate((7, "8"))]
        job = cats(flow, data=data, row_key="id", row_key_type="text")
        for key, number in ((7, 1), ("7", 1), (8, 2), ("8", 2)):
            assert flow.results.get(job, key=key).task.number == number
        assert [result.task.row_key for result in flow.results.list(job)] == ["7", "8"]

    @pytest.mark.parametrize(
        "key",
        ["", "A7", "a7 ", 8, "x" * 5_000, "a\0", 2**70, pytest.param(10**5_000, id="10**5000")],
    )
    def test_a_row_key_that_nothing_has(self, flow: Flow, job: Job, key: Any) -> None:
        with pytest.raises(NotFound):
            flow.results.get(job, key=key)

    @pytest.mark.parametrize("key", [True, 1.0, b"a7", ["a7"]])
    def test_what_is_no_row_key(self, flow: Flow, job: Job, key: Any) -> None:
        with pytest.raises(InvalidData, match="key: must be a text or a whole number"):
            flow.results.get(job, key=key)

    def test_a_job_without_row_keys_says_so(self, flow: Flow) -> None:
        job = cats(flow)
        with pytest.raises(InvalidData, match="job 'cats' has no row key"):
            flow.results.get(job, key="a7")

    def test_not_both(self, flow: Flow, job: Job) -> None:
        with pytest.raises(InvalidData, match="key: is given beside the task"):
            flow.results.get(job, 1, key="a7")

    def test_an_erased_task_has_no_row_key(self, flow: Flow, job: Job) -> None:
        maintenance.erase_task(flow, (job.id, 1), by="ada")
        with pytest.raises(NotFound):
            flow.results.get(job, key="a7")

    def test_it_is_found_by_the_index(self, tmp_path: Path) -> None:
        """Not by going through the tasks of the job."""
        path = tmp_path / "labels.db"
        data = [{"data": {"source": f"{n}.jpg", "id": f"k{n}"}} for n in range(300)]
        with itagflow.open(path) as flow:
            job = cats(flow, data=data, row_key="id")
            asked = _questions(flow, lambda: flow.results.get(job, key="k250"))
        plans = [plan for text, plan in asked if "row_key" in text]
        assert len(plans) == 1
        assert "USING INDEX task_row_key_text (job=? AND row_key_text=?)" in plans[0]


def _questions(flow: Flow, call: Callable[[], object]) -> list[tuple[str, str]]:
    """What SQLite is asked during a call, each with the plan that it makes."""
    store: Any = flow.store
    with store.read() as reader:
        kind = type(reader)
    asked, run = list[tuple[str, Any]](), kind.rows

    def note(self: Any, text: str, values: Any) -> Any:
        asked.append((text, values))
        return run(self, text, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "rows", note)
        call()
    with store.read() as reader:
        return [
            (
                text,
                "\n".join(row[-1] for row in reader.rows(f"EXPLAIN QUERY PLAN {text}", values)),
            )
            for text, values in asked
        ]


class TestRename:
    def test_a_workspace_gets_another_name(self, flow: Flow) -> None:
        home = street(flow)
        renamed = flow.workspaces.rename("street", "avenue", by="ada")
        assert (renamed.id, renamed.name) == (home.id, "avenue")
        assert flow.workspaces.get("avenue") == flow.workspaces.get(home.id) == renamed
        with pytest.raises(NotFound):
            flow.workspaces.get("street")
        event = list(flow.events.since())[-1]
        assert (event.type, event.data) == (
            "rename_workspace",
            {"name": "street", "new_name": "avenue"},
        )
        assert str(event).endswith("ada renamed workspace 'street'")
        assert flow.workspaces.create("street", admin="ada").id != home.id
        assert flow.workspaces.create("avenue", admin="ada", exist_ok=True) == renamed

    def test_to_the_name_that_it_has_changes_nothing(self, flow: Flow) -> None:
        home = street(flow)
        assert flow.workspaces.rename(home, "street", by="ada") == home
        assert len(list(flow.events.since())) == 1

    def test_it_is_refused(self, flow: Flow) -> None:
        home = street(flow, "ben")
        flow.workspaces.create("alley", admin="ada")
        with pytest.raises(AlreadyExists):
            flow.workspaces.rename(home, "alley", by="ada")
        for wrong in ("", " ", "a\nb", "x" * 201, None, 5):
            with pytest.raises(InvalidData):
                flow.workspaces.rename(home, wrong, by="ada")  # type: ignore[arg-type]
        with pytest.raises(NotAllowed):
            flow.workspaces.rename(home, "avenue", by="ben")
        assert flow.workspaces.get(home) == home


class TestExistOk:
    """It compares what is given, changes nothing, and revives nothing."""

    def test_what_was_not_given_is_not_compared(self, flow: Flow) -> None:
        home = street(flow, "ben")
        job = flow.jobs.create(
            home, "cats", template=CATS, packaging=FixedSize(2), data=rows(2), tags=["a"],
            workforce={Stage.LABEL: ["ben"]}, seed=7, by="ada",
        )  # fmt: skip
        flow.jobs.pause(job, by="ada")
        paused = flow.jobs.get(job)
        same = flow.jobs.create(home, "cats", template=CATS, data=rows(9), by="ada", exist_ok=True)
        assert same == paused
        with pytest.raises(AlreadyExists) as refused:
            flow.jobs.create(
                home, "cats", template=CATS, packaging=PackageCount(2), workflow=Workflow(),
                seed=8, tags=["b"], remark="", by="ada", exist_ok=True, draft=True,
            )  # fmt: skip
        assert set(refused.value.differences) == {"packaging", "seed", "tags"}
        assert flow.jobs.get(job) == paused

    def test_who_was_removed_stays_removed(self, flow: Flow) -> None:
        home = street(flow, "ben")
        flow.members.remove(home, "ben", by="ada")
        again = flow.members.add(home, "ben", Role.OPERATOR, by="ada", exist_ok=True)
        assert not again.active
        with pytest.raises(AlreadyExists) as refused:
            flow.members.add(home, "ben", Role.LEADER, groups=["x"], by="ada", exist_ok=True)
        assert refused.value.differences == ("role", "groups")

    def test_a_workspace_and_a_template(self, flow: Flow) -> None:
        home = flow.workspaces.create("street", admin="ada")
        assert flow.workspaces.create("street", admin="ada", exist_ok=True) == home
        with pytest.raises(AlreadyExists) as refused:
            flow.workspaces.create("street", admin="ben", exist_ok=True)
        assert refused.value.differences == ("admin",)
        template = flow.templates.add(home, CATS, name="t", by="ada")
        assert flow.templates.add(home, CATS, name="t", by="ada", exist_ok=True) == template
        with pytest.raises(AlreadyExists) as refused:
            flow.templates.add(
                home, templates.image_classification(["x"]), name="t", by="ada", exist_ok=True
            )
        assert refused.value.differences == ("template",)
        assert len(list(flow.templates.list(home))) == 1
