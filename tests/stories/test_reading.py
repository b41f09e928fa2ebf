"""What members read, and when they may not any more: removed, demoted, given back, external."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest
from support.foreigners import a_town
from support.scenes import START, Clock, cats, labeled, rows, street, taken

from itagflow import (
    AlreadyExists,
    Assignment,
    AssignmentState,
    Choice,
    FixedSize,
    Flow,
    Inspect,
    InvalidData,
    Job,
    Label,
    Member,
    NotAllowed,
    NotFound,
    NotHeld,
    Package,
    Role,
    Stage,
    Workflow,
    access,
    maintenance,
    templates,
)
from itagflow.access import Action, Grant, RolePolicy, default_policy
from itagflow.core import lookup
from itagflow.labeling import service as labeling
from itagflow.model import Outcome
from itagflow.model.job import StageWorkers
from itagflow.storage import MemoryStore
from itagflow.testing import make_event, make_job, make_member
from itagflow.testing.builders import change

Read = Callable[[Flow, Any, str], Iterator[Any]]
ITERATORS: dict[str, Read] = {
    "available": lambda flow, a, by: flow.available("ben", by=by),
    "tasks": lambda flow, a, by: flow.tasks(a.assignment, by="ben"),
    "assignments.list": lambda flow, a, by: flow.assignments.list("ben", live=False, by=by),
    "comments.list": lambda flow, a, by: flow.comments.list(a.job, by=by),
    "events.list": lambda flow, a, by: flow.events.list(a.job, by=by),
    "events.since": lambda flow, a, by: flow.events.since(workspace="street", by=by),
    "events.follow": lambda flow, a, by: flow.events.follow(workspace="street", timeout=0, by=by),
    "jobs.list": lambda flow, a, by: flow.jobs.list("street", by=by),
    "lots.list": lambda flow, a, by: flow.lots.list(a.in_lots, by=by),
    "members.list": lambda flow, a, by: flow.members.list("street", by=by),
    "packages.list": lambda flow, a, by: flow.packages.list(a.job, by=by),
    "results.list": lambda flow, a, by: flow.results.list(a.job, by=by),
    "results.find": lambda flow, a, by: flow.results.find(a.job, by=by),
    "results.follow": lambda flow, a, by: flow.results.follow(
        "street", became=None, timeout=0, by=by
    ),
    "results.rows": lambda flow, a, by: flow.results.rows(a.job, by=by),
    "templates.list": lambda flow, a, by: flow.templates.list("street", by=by),
    "workspaces.list": lambda flow, a, by: flow.workspaces.list(by=by),
    "maintenance.verify": lambda flow, a, by: maintenance.verify(flow, "street", by=by),
}
NOTHING_TO_READ = {
    "results.exports": "nothing is exported here; test_exports removes its reader",
    "results.snapshots": "none is made here; test_snapshots removes its reader",
    "jobs.blocked": "nothing is blocked here; test_claiming removes its reader",
    "results.votes": "one member labels each package here; test_votes removes its reader",
}
"""Iterators that yield nothing in this town, each with where that is tested."""


def iterators(flow: Flow) -> set[str]:
    """The public names that return an iterator: of a Flow, its namespaces, and maintenance."""
    places = {"": flow, "maintenance.": maintenance}
    places |= {f"{name}.": part for name, part in vars(flow).items() if name[0] != "_"}
    return {
        prefix + name
        for prefix, place in places.items()
        for name, member in inspect.getmembers(place, inspect.isroutine)
        if name[0] != "_"
        and str(inspect.signature(member).return_annotation).startswith("Iterator")
    }


class TestWhoWasRemoved:
    def test_every_iterator_has_a_case(self) -> None:
        with Flow(MemoryStore()) as flow:
            assert set(ITERATORS) | set(NOTHING_TO_READ) == iterators(flow)

    @pytest.mark.parametrize("name", ITERATORS)
    def test_reads_no_further(self, flow: Flow, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lookup, "PAGE", 1)
        monkeypatch.setattr(labeling, "PAGE", 1)
        args = a_town(flow).args
        flow.members.add("street", "ann", Role.ANNOTATION_ADMIN, by="ada")
        sound = {job.id: job for job in flow.jobs.list("street")}
        if name == "maintenance.verify":
            self.put(
                flow, *(change(job, remark=job.remark, created_by=77) for job in sound.values())
            )
        found = ITERATORS[name](flow, args, "ann")
        assert next(found)
        flow.members.remove("street", "ben" if name == "tasks" else "ann", by="ada")
        with pytest.raises(NotAllowed, match="removed"):
            list(found)
        with pytest.raises(NotAllowed, match="removed"):
            list(ITERATORS[name](flow, args, "ann"))
        if name == "maintenance.verify":
            self.put(flow, *(attrs.evolve(job, version=job.version + 2) for job in sound.values()))

    @staticmethod
    def put(flow: Flow, *jobs: Job) -> None:
        with flow.store.write() as writer:
            writer.save(*jobs)

    def test_reads_no_further_in_a_snapshot(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lookup, "PAGE", 1)
        job = a_town(flow).args.job
        found = flow.results.list(job, by="eve", snapshot=True)
        next(found)
        flow.members.remove("street", "eve", by="ada")
        with pytest.raises(NotAllowed, match="removed"):
            list(found)

    def test_is_not_told_what_a_token_gave(self, flow: Flow) -> None:
        """Not even by a Flow that last saw them when they were there."""
        job = cats(flow)
        assert flow.claim("ben", job, Stage.LABEL, token="t")
        Flow(flow.store).members.remove("street", "ben", by="ada")
        with pytest.raises(NotAllowed, match="removed"):
            flow.claim("ben", job, Stage.LABEL, token="t")

    def test_who_comes_back_reads_again(self, flow: Flow) -> None:
        job = cats(flow)
        flow.members.remove("street", "ben", by="ada")
        with pytest.raises(
            NotAllowed, match="ben may not read job: this member was removed from the workspace"
        ):
            flow.jobs.get(job, by="ben")
        flow.members.add("street", "ben", Role.OPERATOR, by="ada")
        assert flow.jobs.get(job, by="ben") == job


class TestTasks:
    def test_are_shown_while_a_assignment_is_offered_held_or_done(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()))
        offer = flow.assignments.assign((job.id, 1), "ben", by="ada")
        assert len(list(flow.tasks(offer, by="ben"))) == 2
        assignment = taken(flow, "ben", job)
        assert len(list(flow.tasks(assignment, by="ben"))) == 2
        flow.save_many(assignment, [(work, Choice("cat")) for work in flow.tasks(assignment)])
        flow.submit(assignment)
        assert len(list(flow.tasks(assignment, by="ben"))) == 2
        with pytest.raises(NotHeld, match="another member's"):
            flow.tasks(assignment, by="ada")

    @pytest.mark.parametrize("how", ["release", "expire", "reassign", "archive"])
    def test_are_not_shown_when_it_was_given_back(self, flow: Flow, clock: Clock, how: str) -> None:
        """What others save later is not for those who had the assignment before."""
        job = cats(flow, workflow=Workflow(Label(lease=timedelta(hours=1))))
        assignment = taken(flow, "ben", job)
        clock.forward(hours=2)
        half_read = flow.tasks(assignment, by="ben")
        next(half_read)
        acts: dict[str, Callable[[], object]] = {
            "release": lambda: flow.release(assignment, by="ben"),
            "expire": lambda: flow.assignments.expire(job, by="ada"),
            "reassign": lambda: flow.assignments.reassign(assignment, "cy", by="ada"),
            "archive": lambda: flow.jobs.archive(job, by="ada"),
        }
        acts[how]()
        with pytest.raises(NotHeld, match="claim again"):
            flow.tasks(assignment, by="ben")
        assert len(list(flow.tasks(assignment))) == 2, "the application itself sees everything"

    def test_every_page_asks_again(self, flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(labeling, "PAGE", 1)
        assignment = taken(flow, "ben", cats(flow))
        found = flow.tasks(assignment, by="ben")
        next(found)
        flow.release(assignment)
        with pytest.raises(NotHeld, match="released"):
            next(found)


def acts(flow: Flow, label: Assignment, review: Assignment) -> dict[str, Callable[[], object]]:
    """Every act of the one who holds an assignment; what is no act at that stage is refused for another reason."""
    yes = Choice("cat")
    return {
        "save": lambda: flow.save(label, 1, yes, by="ben"),
        "save_many": lambda: flow.save_many(label, {1: yes}, by="ben"),
        "abandon": lambda: flow.abandon(label, 1, "dark", by="ben"),
        "restore": lambda: flow.restore(label, 1, by="ben"),
        "submit": lambda: flow.submit(label, by="ben"),
        "renew": lambda: flow.renew(label, by="ben"),
        "judge": lambda: flow.judge(review, 3, by="di"),
        "modify": lambda: flow.modify(review, 3, yes, by="di"),
        "review": lambda: flow.review(review, by="di"),
        "reject": lambda: flow.reject(review, comment="no", whole=True, by="di"),
    }


class TestWhoMayNoLongerWork:
    """The policy is asked at each act, not only at the claim."""

    def held(self, flow: Flow) -> tuple[Job, Assignment, Assignment]:
        job = cats(
            flow, workflow=Workflow(Label(), Inspect()), tasks=4, label=["ben"], inspect=["di"]
        )
        flow.packages.prioritize(job, 1, packages=[2], by="ada")
        labeled(flow, "ben", job)
        review, label = taken(flow, "di", job, Stage.INSPECT), taken(flow, "ben", job)
        flow.save_many(label, {1: Choice("cat"), 2: Choice("cat")})
        return job, label, review

    @pytest.mark.parametrize("how", ["demoted", "unnamed"])
    def test_goes_on_with_nothing_but_giving_back(self, flow: Flow, how: str) -> None:
        job, label, review = self.held(flow)
        if how == "demoted":
            for name in ("ben", "di"):
                flow.members.set_role("street", name, Role.VIEWER, by="ada")
        else:
            flow.jobs.set_workforce(job, {Stage.LABEL: [], Stage.INSPECT: []}, by="ada")
        before = list(flow.events.since())
        for name, act in acts(flow, label, review).items():
            with pytest.raises(NotAllowed, match=r"may not (label|inspect)"):
                act()
            assert list(flow.events.since()) == before, name
        assert flow.assignments.get(label).state is AssignmentState.HELD
        assert flow.save(label, 1, Choice("dog")).member == label.member, (
            "the application itself acts for the holder"
        )
        assert flow.release(label, by="ben").outcome is Outcome.RELEASED
        assert flow.assignments.reassign(review, "ada", by="ada").member is not None

    def test_goes_on_when_named_again(self, flow: Flow) -> None:
        job, label, _ = self.held(flow)
        flow.jobs.set_workforce(job, {Stage.LABEL: ["di"]}, by="ada")
        with pytest.raises(NotAllowed, match="does not name them for label"):
            flow.submit(label, by="ben")
        flow.jobs.set_workforce(job, {Stage.LABEL: ["ben"]}, by="ada")
        assert flow.submit(label, by="ben").outcome is Outcome.SUBMITTED

    def test_is_not_told_again_what_they_handed_in(self, flow: Flow) -> None:
        _, label, _ = self.held(flow)
        flow.submit(label)
        assert flow.submit(label, by="ben") == flow.submit(label)
        flow.members.remove("street", "ben", by="ada")
        with pytest.raises(NotAllowed, match="removed"):
            flow.submit(label, by="ben")


class TestLeaders:
    """Act only at the stages that name them."""

    def led(self, flow: Flow, clock: Clock) -> tuple[Job, Assignment, Assignment]:
        """A lapsed assignment at LABEL and one at INSPECT; lea leads the inspectors."""
        hour = timedelta(hours=1)
        flow.workspaces.create("street", admin="ada")
        for name in ("ben", "di"):
            flow.members.add("street", name, Role.OPERATOR, by="ada")
        flow.members.add("street", "lea", Role.LEADER, by="ada")
        job = flow.jobs.create(
            "street",
            "cats",
            template=templates.image_classification(["cat", "dog"]),
            data=rows(5),
            workflow=Workflow(Label(lease=hour), Inspect(lease=hour)),
            packaging=FixedSize(1),
            workforce={Stage.LABEL: ["ben"], Stage.INSPECT: ["di", "lea"]},
            by="ada",
        )
        for _ in range(2):
            labeled(flow, "ben", job)
        flow.packages.discard((job.id, 5), by="ada")
        label, review = taken(flow, "ben", job), taken(flow, "di", job, Stage.INSPECT)
        clock.forward(hours=2)
        return job, label, review

    def test_expire_the_assignments_there(self, flow: Flow, clock: Clock) -> None:
        job, label, review = self.led(flow, clock)
        assert [assignment.key for assignment in flow.assignments.expire(job, by="lea")] == [
            review.key
        ]
        assert flow.assignments.get(label).state is AssignmentState.HELD
        assert [assignment.key for assignment in flow.assignments.expire(job, by="ada")] == [
            label.key
        ]

    def test_prioritize_the_packages_there(self, flow: Flow, clock: Clock) -> None:
        job, label, review = self.led(flow, clock)
        assert flow.packages.prioritize(job, 7, by="lea") == 2
        assert {package.number for package in flow.packages.list(job) if package.priority == 7} == {
            1,
            2,
        }
        for number in (label.package, 4, 5):
            with pytest.raises(NotAllowed, match="does not name them for label"):
                flow.packages.prioritize(job, 9, packages=[review.package, number], by="lea")
        assert flow.packages.prioritize(job, 9, packages=[review.package], by="lea") == 1
        assert flow.packages.prioritize(job, 3, packages=[5], by="ada") == 1
        with pytest.raises(NotAllowed):
            flow.packages.prioritize(job, 9, packages=[], by="ben")

    def test_assign_there(self, flow: Flow, clock: Clock) -> None:
        job, label, review = self.led(flow, clock)
        refused: list[Callable[[], object]] = [
            lambda: flow.assignments.assign((job.id, 4), "ben", by="lea"),
            lambda: flow.release(label, by="lea"),
            lambda: flow.assignments.reassign(label, "ben", by="lea"),
        ]
        for act in refused:
            with pytest.raises(NotAllowed, match="does not name them for label"):
                act()
        assert flow.assignments.assign_many([(job.id, 4)], "ben", by="lea")[0].value is None
        assert flow.release_many([label], by="lea")[0].value is None
        assert flow.assignments.reassign(review, "lea", by="lea").state is AssignmentState.OFFERED
        assert flow.can("lea", Action.ASSIGN, review)
        assert not flow.can("lea", Action.ASSIGN, label)


def everybody(member: Member, action: Action, job: Job | None, stage: Stage | None) -> str | None:
    """A policy that lets everybody do everything."""
    return None


class TestExternal:
    """A cap on every policy."""

    @pytest.mark.parametrize("action", Action)
    @pytest.mark.parametrize("policy", [default_policy, everybody])
    @pytest.mark.parametrize("role", [Role.LEADER, Role.OPERATOR])
    def test_may_at_most_what_a_job_names_them_for(
        self, action: Action, policy: access.Policy, role: Role
    ) -> None:
        stage = next((stage for stage in Stage if Action.at(stage) is action), None)
        ex = make_member(role=role, external=True)
        named = make_job(workforce={stage: StageWorkers((ex.id,)) for stage in Stage})
        other = make_job(workforce={stage: StageWorkers((9,)) for stage in Stage})
        asked = access.refusal(policy, ex, action, named, stage)
        inside = access.refusal(policy, make_member(role=role), action, named, stage)
        assert (asked is None) == (inside is None and action not in access.NEVER_EXTERNAL)
        assert access.refusal(policy, ex, action, other, stage) is not None
        assert access.refusal(policy, ex, action, None, stage) is not None

    def test_a_stage_that_does_not_name_them(self) -> None:
        ex = make_member(external=True)
        job = make_job(workforce={Stage.LABEL: StageWorkers((ex.id,))})
        assert access.refusal(everybody, ex, Action.LABEL, job, Stage.LABEL) is None
        assert access.refusal(everybody, ex, Action.INSPECT, job, Stage.INSPECT) is not None

    def test_lists_show_them_only_what_names_them(self) -> None:
        flow = Flow(MemoryStore(), policy=everybody)
        town = a_town(flow)
        flow.jobs.add_workers(town.args.job, Stage.LABEL, ["ex"], by="ada")
        assert [job.name for job in flow.jobs.list("street", by="ex")] == ["cats"]
        assert [member.account for member in flow.members.list("street", by="ex")] == ["ex"]
        assert {event.job for event in flow.events.since(workspace="street", by="ex")} == {
            town.args.job.id
        }
        assert {job.name for job, _ in flow.available("ex", by="ex")} == {"cats"}
        assert {
            assignment.job for assignment in flow.assignments.list("ben", live=False, by="ex")
        } == {town.args.job.id}
        with pytest.raises(NotAllowed, match="an external member may not"):
            maintenance.copy(flow, to=MemoryStore(), workspace="street", by="ex")
        flow.close()

    @pytest.mark.parametrize("role", [Role.ADMIN, Role.ANNOTATION_ADMIN, Role.VIEWER])
    def test_no_other_role_can_be_given_to_them(self, flow: Flow, role: Role) -> None:
        street(flow, "ben")
        for act in (
            lambda: flow.members.add("street", "ex", role, external=True, by="ada"),
            lambda: flow.members.set_role("street", "ben", role, external=True, by="ada"),
        ):
            with pytest.raises(InvalidData, match="an external member can be leader or operator"):
                act()


class TestOwnAndOthers:
    def test_an_operator_sees_their_own(self, flow: Flow) -> None:
        args = a_town(flow).args
        cy = next(flow.assignments.list("cy", by="ada"))
        mine = {
            assignment.key for assignment in flow.assignments.list("ben", job=args.job, live=False)
        }
        assert {
            assignment.key for assignment in flow.assignments.list("ben", live=False, by="ben")
        } >= mine
        assert {package.number for package in flow.packages.list(args.job, by="ben")} == {
            1,
            2,
            3,
            4,
            5,
        }
        assert {event.account for event in flow.events.list(args.job, by="ben")} == {"ben"}
        assert {event.account for event in flow.events.since(workspace="street", by="ben")} == {
            "ben"
        }
        assert {
            event.account for event in flow.events.follow(workspace="street", timeout=0, by="ben")
        } == {"ben"}
        with pytest.raises(
            NotAllowed, match="ben may not read results: the role operator does not include it"
        ):
            flow.assignments.get(cy, by="ben")
        with pytest.raises(NotAllowed, match="read results"):
            flow.assignments.list("cy", job=args.job, by="ben")
        assert list(flow.assignments.list("cy", by="ben")) == []

    def test_the_policy_is_asked_of_each_job(self, flow: Flow) -> None:
        args = a_town(flow).args
        seen = {job.name for job in flow.jobs.list("street", by="ben")}
        rest = {"cats-planned", "cats-rated", "cats-in-lots", "birds-rated"}
        assert seen == {"cats", "birds", *rest}
        flow.jobs.remove_workers(args.job, Stage.LABEL, ["ben"], by="ada")
        still = {job.name for job in flow.jobs.list("street", by="ben")}
        assert still == seen - {"cats"}
        assert all(
            assignment.job != args.job.id
            for assignment in flow.assignments.list("ben", live=False, by="ben")
        )
        assert all(
            event.job != args.job.id for event in flow.events.since(workspace="street", by="ben")
        )
        with pytest.raises(NotAllowed, match="the workforce of this job does not name them"):
            flow.tasks(args.assignment, by="ben")

    def test_everything_is_not_for_a_member(self, flow: Flow) -> None:
        street(flow)
        calls: list[Callable[[], object]] = [
            lambda: flow.events.since(by="ada"),
            lambda: list(flow.events.follow(timeout=0, by="ada")),
            lambda: maintenance.verify(flow, by="ada"),
            lambda: maintenance.copy(flow, to=MemoryStore(), by="ada"),
        ]
        for call in calls:
            with pytest.raises(InvalidData, match="workspace: must be named with by="):
                call()

    def test_an_account_of_two_workspaces_reads_in_both(self, flow: Flow) -> None:
        street(flow, "ben")
        flow.workspaces.create("alley", admin="ada")
        assert list(flow.assignments.list("ben", by="ada")) == []
        with pytest.raises(NotFound, match="no Member 'nobody'"):
            flow.assignments.list("nobody")

    def test_an_own_table_may_open_a_reader(self) -> None:
        table = {**access.TABLE, Action.READ_RESULTS: dict.fromkeys(Role, Grant.YES)}
        flow = Flow(MemoryStore(), policy=RolePolicy(table))
        job = cats(flow)
        assert len(list(flow.results.list(job, by="ben"))) == 4
        flow.close()


class TestReferences:
    def test_a_token_belongs_to_a_stage(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), label=["ada"], inspect=["ben"])
        flow.jobs.add_workers(job, Stage.INSPECT, ["ada"], by="ada")
        assignment = flow.claim("ada", job, Stage.LABEL, token="t")
        assert assignment
        assert flow.claim("ada", job, Stage.INSPECT, token="t") is None
        assert flow.claim("ada", job, Stage.LABEL, token="t") == assignment

    def test_an_object_whose_key_was_used_again(self) -> None:
        """The keys come from an application that begins to count again."""
        keys = iter([1, 2, 3, 4, 4, 5])
        flow = Flow(MemoryStore(), ids=lambda: next(keys))
        home = flow.workspaces.create("street", admin="ada")
        cats_ = flow.templates.add(
            home, templates.image_classification(["cat"]), name="asked", by="ada"
        )
        old = flow.jobs.create(home, "old", template=cats_, by="ada", draft=True)
        flow.jobs.delete(old, by="ada")
        new = flow.jobs.create(home, "new", template=cats_, by="ada", draft=True)
        assert (old.id, new.id) == (4, 5)
        flow.close()

    def test_an_object_that_is_seen_again(self, flow: Flow) -> None:
        """A claim begins with what it remembers, and that is no way around."""
        job = cats(flow)
        taken(flow, "ben", job)
        ben = next(member for member in flow.members.list("street") if member.account == "ben")
        for wrong in (
            attrs.evolve(job, workspace=9),
            attrs.evolve(job, created_at=START - timedelta(days=1)),
        ):
            with pytest.raises(NotFound):
                flow.claim("ben", wrong, Stage.LABEL)
        with pytest.raises(NotFound):
            flow.claim(attrs.evolve(ben, workspace=9), job, Stage.LABEL)
        assert flow.claim(ben, job, Stage.LABEL)

    def test_a_package_is_no_assignment(self, flow: Flow) -> None:
        job = cats(flow)
        package = next(flow.packages.list(job))
        for wrong in (package, job):
            with pytest.raises(NotFound, match="no Assignment"):
                flow.release(wrong)  # type: ignore[arg-type]
        assert isinstance(package, Package)

    def test_another_jobs_package_is_not_prioritized(self, flow: Flow) -> None:
        args = a_town(flow).args
        birds = flow.jobs.get("birds")
        for wrong in (next(flow.packages.list(birds)), (birds.id, 1)):
            with pytest.raises(NotFound):
                flow.packages.prioritize(args.job, 5, packages=[wrong], by="ada")
            with pytest.raises(NotFound):
                flow.events.list(args.job, package=wrong)
        assert all(package.priority == 0 for package in flow.packages.list(args.job))

    def test_documented_fields_are_set_and_no_others(self, flow: Flow) -> None:
        job = cats(flow)
        flow.workspaces.create("alley", admin="mallory")
        others = [field.name for field in attrs.fields(Job) if field.name not in the_fields()]
        for name in [*others, "nothing"]:
            with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
                flow.jobs.update(job, by="ada", **{name: 1})  # type: ignore[arg-type]
        strange = [
            name for name in others if name not in inspect.signature(flow.jobs.create).parameters
        ]
        for name in strange:
            with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
                flow.jobs.create(
                    "street",
                    "x",
                    template=templates.image_classification(["a"]),
                    by="ada",
                    **{name: 1},
                )
        assert flow.jobs.get(job) == job
        assert [one.name for one in flow.jobs.list("street")] == ["cats"]


def the_fields() -> set[str]:
    return {
        *("name", "tags", "remark", "guideline"),
        *("due_at", "closes_at", "auto_finish", "priority", "workflow"),
    }


class TestImporting:
    """The id in a manifest is only taken when no job has or had it."""

    CATS = templates.image_classification(["cat", "dog"])

    def imported(self, flow: Flow, workspace: str, name: str) -> Job:
        transaction = {
            "results": [
                {"questionId": "1", "data": "cat", "markTitle": "x", "type": "survey/value"}
            ]
        }
        data = [{"data": {"source": "a.jpg"}, "label-77": transaction}]
        return flow.jobs.import_results(workspace, name, template=self.CATS, data=data, by="ada")

    def test_the_history_of_a_deleted_job_is_nobody_elses(self, flow: Flow) -> None:
        for name in ("street", "alley"):
            flow.workspaces.create(name, admin="ada")
        first = self.imported(flow, "alley", "secret")
        assert first.id == 77
        flow.jobs.archive(first, by="ada")
        flow.jobs.delete(first, by="ada")
        for name in ("street", "alley"):
            job = self.imported(flow, name, "cats")
            assert job.id != 77
            assert {event.data.get("name", "cats") for event in flow.events.list(job)} == {"cats"}

    def test_nor_by_a_copy(self, flow: Flow) -> None:
        flow.workspaces.create("alley", admin="ada")
        first = self.imported(flow, "alley", "secret")
        flow.jobs.archive(first, by="ada")
        flow.jobs.delete(first, by="ada")
        elsewhere = Flow(MemoryStore())
        elsewhere.workspaces.create("street", admin="ada")
        self.imported(elsewhere, "street", "cats")
        with pytest.raises(AlreadyExists, match="Job 77"):
            maintenance.copy(elsewhere, to=flow, workspace="street")
        elsewhere.close()

    def test_an_event_alone_keeps_an_id(self, flow: Flow) -> None:
        home = flow.workspaces.create("street", admin="ada")
        with flow.store.write() as writer:
            writer.add(
                make_event(
                    workspace=home.id,
                    job=77,
                    verb="delete",
                    member=0,
                    package=0,
                    assignment=0,
                    task=0,
                )
            )
        assert self.imported(flow, "street", "cats").id != 77
