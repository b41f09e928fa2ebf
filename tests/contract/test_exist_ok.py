"""exist_ok: what has this name, if it was made with the same arguments."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support import workers
from support.scenes import labeled, rows

import itagflow
from itagflow import (
    Accept,
    AlreadyExists,
    FixedSize,
    Flow,
    Group,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    NotAllowed,
    Role,
    Stage,
    Workflow,
    maintenance,
    templates,
)
from itagflow.jobs import service
from itagflow.testing.builders import change

CATS = templates.image_classification(["cat", "dog"])
DUE = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def home(flow: Flow) -> itagflow.Workspace:
    street = flow.workspaces.create("street", admin="ada")
    for name in ("ben", "di"):
        flow.members.add(street, name, Role.OPERATOR, by="ada", groups=["day", "night"])
    return street


def differing(act: Callable[[], object]) -> tuple[str, ...]:
    with pytest.raises(AlreadyExists) as caught:
        act()
    error = caught.value
    assert all(name in str(error) for name in error.differences)
    assert pickle.loads(pickle.dumps(error)).differences == error.differences
    return error.differences


class TestWorkspaces:
    def test_the_same_is_returned_and_nothing_told(self, flow: Flow) -> None:
        street = flow.workspaces.create("street", admin="ada", exist_ok=True)
        before = list(flow.events.since())
        assert flow.workspaces.create("street", admin="ada", exist_ok=True) == street
        assert list(flow.events.since()) == before

    def test_another_administrator_is_a_difference(self, flow: Flow) -> None:
        street = flow.workspaces.create("street", admin="ada")
        flow.members.add(street, "bo", Role.ADMIN, by="ada")
        act = partial(flow.workspaces.create, "street", admin="bo", exist_ok=True)
        assert differing(act) == ("admin",)

    def test_it_is_the_first_administrator_who_counts(self, flow: Flow) -> None:
        street = flow.workspaces.create("street", admin="ada")
        flow.members.add(street, "bo", Role.ADMIN, by="ada")
        flow.members.set_role(street, "ada", Role.VIEWER, by="bo")
        assert flow.workspaces.create("street", admin="ada", exist_ok=True).id == street.id

    def test_without_it_a_name_is_taken(self, flow: Flow) -> None:
        flow.workspaces.create("street", admin="ada")
        assert differing(lambda: flow.workspaces.create("street", admin="ada")) == ()

    def test_a_name_that_cannot_be_is_refused_all_the_same(self, flow: Flow) -> None:
        with pytest.raises(InvalidData):
            flow.workspaces.create("", admin="ada", exist_ok=True)


class TestMembers:
    def test_the_same_is_returned(self, flow: Flow, home: itagflow.Workspace) -> None:
        ben = flow.members.get(home, "ben")
        add = partial(flow.members.add, home, "ben", by="ada", exist_ok=True)
        before = list(flow.events.since())
        assert add(Role.OPERATOR) == add("operator", groups=["night", "day"], external=False) == ben
        assert list(flow.events.since()) == before

    def test_what_differs_is_named(self, flow: Flow, home: itagflow.Workspace) -> None:
        add = partial(flow.members.add, home, "ben", by="ada", exist_ok=True)
        assert differing(lambda: add(Role.LEADER)) == ("role",)
        assert differing(lambda: add(Role.LEADER, groups=[], external=True)) == (
            "role",
            "groups",
            "external",
        )

    def test_who_was_removed_stays_removed(self, flow: Flow, home: itagflow.Workspace) -> None:
        gone = flow.members.remove(home, "ben", by="ada")
        assert flow.members.add(home, "ben", Role.OPERATOR, by="ada", exist_ok=True) == gone
        assert not flow.members.get(home, "ben").active
        assert flow.members.add(home, "ben", Role.OPERATOR, by="ada").active

    def test_only_who_may_add_is_told(self, flow: Flow, home: itagflow.Workspace) -> None:
        with pytest.raises(NotAllowed):
            flow.members.add(home, "di", Role.OPERATOR, by="ben", exist_ok=True)

    def test_who_is_new_is_added(self, flow: Flow, home: itagflow.Workspace) -> None:
        new = flow.members.add(home, "new", Role.LEADER, by="ada", groups=["day"], exist_ok=True)
        assert (new.role, new.groups, new.external, new.active) == (
            Role.LEADER,
            ("day",),
            False,
            True,
        )


class TestTemplates:
    def test_the_same_is_returned(self, flow: Flow, home: itagflow.Workspace) -> None:
        add = partial(flow.templates.add, home, name="cats", by="ada", exist_ok=True)
        first = add(CATS)
        before = list(flow.events.since())
        assert add(CATS) == add(templates.image_classification(["cat", "dog"])) == first
        assert list(flow.events.since()) == before

    def test_another_question_is_a_difference(self, flow: Flow, home: itagflow.Workspace) -> None:
        add = partial(flow.templates.add, home, name="cats", by="ada", exist_ok=True)
        add(CATS)
        assert differing(lambda: add(templates.image_classification(["cat"]))) == ("template",)


def ordered(flow: Flow, home: Any, **more: Any) -> Job:
    """The job that these tests order again; what is given takes the place of what it is otherwise."""
    arguments: dict[str, Any] = {
        "template": CATS,
        "data": rows(4),
        "workflow": Workflow(Label(rework="ben"), Inspect(task_share=0.5)),
        "packaging": FixedSize(2),
        "workforce": {Stage.LABEL: ["ben", Group("day")], Stage.INSPECT: ["di"]},
        "row_key": "source",
        "seed": 7,
        "tags": ["a", "b"],
        "guideline": "look",
        "due_at": DUE,
        "by": "ada",
        "exist_ok": True,
    } | more
    return flow.jobs.create(home, arguments.pop("name", "cats"), **arguments)


class TestJobs:
    def test_the_same_is_returned_and_nothing_told(
        self, flow: Flow, home: itagflow.Workspace
    ) -> None:
        job = ordered(flow, home)
        before = list(flow.events.since())
        assert ordered(flow, home) == job
        assert ordered(flow, home, data=None) == job
        workforce = {"inspect": ["di"], "label": [Group("day"), "ben"]}
        assert ordered(flow, home, workforce=workforce) == job
        assert list(flow.events.since()) == before

    def test_what_is_not_given_is_not_compared(self, flow: Flow, home: itagflow.Workspace) -> None:
        job = ordered(flow, home)
        assert (
            flow.jobs.create(home, "cats", template=CATS, by="ada", exist_ok=True, draft=True)
            == job
        )
        assert ordered(flow, home, data=rows(9), packaging=None, seed=None).id == job.id

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("template", templates.image_classification(["cat"])),
            ("workflow", Workflow(Label(rework="di"), Inspect(task_share=0.5))),
            ("workflow", Workflow(Label(rework="ben"), Inspect(task_share=0.6))),
            ("workflow", Workflow(Label(rework="ben"), Inspect(task_count=1))),
            ("packaging", FixedSize(3)),
            ("workforce", {Stage.LABEL: ["ben"], Stage.INSPECT: ["di"]}),
            ("workforce", {Stage.LABEL: ["ben", Group("day")]}),
            ("row_key", "id"),
            ("seed", 8),
            ("tags", ["b", "a"]),
            ("guideline", ""),
            ("due_at", DUE + timedelta(days=1)),
            ("due_at", None),
        ],
    )
    def test_each_difference_is_named(
        self, flow: Flow, home: itagflow.Workspace, name: str, value: Any
    ) -> None:
        job = ordered(flow, home)
        before = list(flow.events.since())
        assert differing(lambda: ordered(flow, home, **{name: value})) == (name,)
        assert flow.jobs.get("cats") == job
        assert list(flow.events.since()) == before

    def test_all_differences_are_named_at_once(self, flow: Flow, home: itagflow.Workspace) -> None:
        ordered(flow, home)
        act = partial(ordered, flow, home, seed=8, packaging=FixedSize(1), workflow=Workflow())
        # `workforce` names who inspects, so it goes too
        assert differing(lambda: act(workforce={Stage.LABEL: ["di"]})) == (
            "workflow",
            "packaging",
            "workforce",
            "seed",
        )

    def test_a_stored_template_is_compared_by_its_key(
        self, flow: Flow, home: itagflow.Workspace
    ) -> None:
        flow.templates.add(home, CATS, name="asked", by="ada")
        flow.templates.add(home, CATS, name="other", by="ada")
        job = ordered(flow, home, template="asked")
        assert ordered(flow, home, template="asked") == job
        assert differing(lambda: ordered(flow, home, template="other")) == ("template",)

    def test_nothing_is_revived(self, flow: Flow, home: itagflow.Workspace) -> None:
        ordered(flow, home)
        flow.jobs.pause("cats", by="ada")
        assert ordered(flow, home).state is JobState.PAUSED
        flow.jobs.archive("cats", by="ada")
        assert ordered(flow, home).state is JobState.ARCHIVED

    def test_a_job_with_work_in_it_is_returned_as_it_is(
        self, flow: Flow, home: itagflow.Workspace
    ) -> None:
        job = ordered(flow, home)
        labeled(flow, "ben", job)
        assert ordered(flow, home) == flow.jobs.get(job)

    def test_a_draft_without_data_stays_one(self, flow: Flow, home: itagflow.Workspace) -> None:
        assert ordered(flow, home, data=None, draft=True).state is JobState.DRAFT
        assert ordered(flow, home, data=None).state is JobState.DRAFT, "it waits for its data"
        assert ordered(flow, home, draft=True).state is JobState.DRAFT
        assert flow.jobs.progress("cats").total == 4
        assert ordered(flow, home).state is JobState.RUNNING
        assert flow.jobs.progress("cats").total == 4

    def test_only_who_may_order_is_told(self, flow: Flow, home: itagflow.Workspace) -> None:
        ordered(flow, home)
        with pytest.raises(NotAllowed):
            ordered(flow, home, by="ben")

    def test_one_that_is_being_deleted_is_not_returned(
        self, flow: Flow, home: itagflow.Workspace
    ) -> None:
        job = flow.jobs.archive(ordered(flow, home), by="ada")
        with flow.store.write() as writer:
            held = writer.lock(Job, job.key)
            writer.save(change(held, deleting=True))
        assert differing(lambda: ordered(flow, home)) == ()
        flow.jobs.delete(job, by="ada")

    def test_what_fails_in_a_new_job_leaves_nothing(
        self, flow: Flow, home: itagflow.Workspace
    ) -> None:
        with pytest.raises(InvalidData):
            ordered(flow, home, data=[{"no": "data"}])
        assert list(flow.jobs.list(home)) == []


class PowerCutError(BaseException):
    """Ends a load as the end of the process would: nothing is cleaned up."""


def breaking(data: Iterable[Any], after: int) -> Iterator[Any]:
    for number, row in enumerate(data):
        if number == after:
            raise PowerCutError
        yield row


class TestADraftWhoseLoadBrokeOff:
    @pytest.fixture(autouse=True)
    def small_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("itagflow.jobs.loading_rules.ROWS_PER_TRANSACTION", 10)

    def test_goes_on_from_the_rows_already_read(self, flow: Flow, home: itagflow.Workspace) -> None:
        with pytest.raises(PowerCutError):
            ordered(flow, home, data=breaking(rows(50), 37))
        assert flow.jobs.get("cats").state is JobState.DRAFT
        assert flow.jobs.progress("cats").rows_read == 30
        job = ordered(flow, home, data=rows(50))
        assert job.state is JobState.RUNNING
        is_whole(flow, job, 50)

    def test_also_where_rows_were_skipped(self, flow: Flow, home: itagflow.Workspace) -> None:
        data = [row if n % 3 else {"bad": n} for n, row in enumerate(rows(30))]
        with pytest.raises(PowerCutError):
            ordered(flow, home, data=breaking(data, 15), on_error="skip")
        job = ordered(flow, home, data=iter(data), on_error="skip")
        assert flow.jobs.progress(job).rows_read == 30
        assert [result.task.data for result in flow.results.list(job)] == [
            row["data"] for row in data if "data" in row
        ]

    def test_a_bad_row_leaves_the_draft(self, flow: Flow, home: itagflow.Workspace) -> None:
        with pytest.raises(PowerCutError):
            ordered(flow, home, data=breaking(rows(50), 37))
        with pytest.raises(InvalidData):
            ordered(flow, home, data=[*rows(40), {"bad": 1}])
        assert flow.jobs.get("cats").state is JobState.DRAFT
        is_whole(flow, ordered(flow, home, data=rows(50)), 50)

    def test_two_load_the_same_in_turn(self, flow: Flow, home: itagflow.Workspace) -> None:
        """While one reads its 25th row, another loads some rows and breaks off."""

        def disturbed() -> Iterator[Any]:
            for number, row in enumerate(rows(50), 1):
                if number == 25:
                    with pytest.raises(PowerCutError):
                        ordered(flow, home, data=breaking(rows(50), 46))
                    assert flow.jobs.progress("cats").rows_read == 40
                yield row

        is_whole(flow, ordered(flow, home, data=disturbed()), 50)

    def test_another_is_done_first(self, flow: Flow, home: itagflow.Workspace) -> None:
        def overtaken() -> Iterator[Any]:
            for number, row in enumerate(rows(50), 1):
                if number == 25:
                    assert ordered(flow, home, data=rows(50)).state is JobState.RUNNING
                yield row

        job = ordered(flow, home, data=overtaken())
        assert job.state is JobState.RUNNING
        is_whole(flow, job, 50)

    def test_without_it_two_loads_do_not_mix(self, flow: Flow, home: itagflow.Workspace) -> None:
        def disturbed() -> Iterator[Any]:
            for number, row in enumerate(rows(50), 1):
                if number == 25:
                    flow.jobs.load("cats", rows(5), by="ada")
                    flow.jobs.load("cats", [*rows(20), {"data": {"source": "x"}}], by="ada")
                yield row

        with pytest.raises(itagflow.errors.Conflict):
            ordered(flow, home, data=disturbed(), exist_ok=False)


def is_whole(flow: Flow, job: Job, count: int) -> None:
    assert [result.task.row_key for result in flow.results.list(job)] == [
        f"{n}.jpg" for n in range(1, count + 1)
    ]
    assert [package.size for package in flow.packages.list(job)] == [2] * (count // 2)
    assert list(maintenance.verify(flow)) == []


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_processes_that_create_the_same_at_once_all_get_it(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if kind == "postgres" else str(tmp_path / "a.db")
    itagflow.open(url).close()
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(3)
    with spawn.Pool(3, workers.wait_with, (start,)) as pool:
        found = pool.map(workers.create_the_same, [url] * 3, chunksize=1)
    assert len(set(found)) == 1
    with itagflow.open(url) as flow:
        (job,) = flow.jobs.list("street")
        assert job.state is JobState.RUNNING
        assert flow.jobs.progress(job).rows_read == 300
        assert [result.task.data["source"] for result in flow.results.list(job)] == [
            f"{n}.jpg" for n in range(300)
        ]
        assert sorted(member.account for member in flow.members.list("street")) == ["ada", "ben"]
        assert list(maintenance.verify(flow)) == []


def test_another_process_creates_the_job_right_after_it_was_looked_for(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store does not lock what is not there: so two looks in a transaction may differ."""
    find, created = service._find_same_name, list[int]()

    def create(flow: Flow) -> Job:
        return flow.jobs.create(
            "street", "cats", template=CATS, data=rows(2), by="ada", exist_ok=True
        )

    with itagflow.open(postgres_url) as flow, itagflow.open(postgres_url) as other:
        flow.workspaces.create("street", admin="ada")

        def find_and_be_overtaken(*given: Any) -> Any:
            found = find(*given)
            monkeypatch.setattr(service, "_find_same_name", find)
            created.append(create(other).id)
            return found

        monkeypatch.setattr(service, "_find_same_name", find_and_be_overtaken)
        assert [create(flow).id] == created


def test_accept_takes_the_value_of_a_stage() -> None:
    assert Accept(reject_to="inspect").reject_to is Stage.INSPECT  # type: ignore[arg-type,unused-ignore]
