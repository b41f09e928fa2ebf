"""Work for whoever asks for some: claims that name no job, over all jobs of a workspace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.scenes import Clock, rows, street
from toy_store import ToyStore

import itagflow
from itagflow import (
    Assignment,
    Choice,
    Crew,
    Field,
    FixedSize,
    Flow,
    Inspect,
    InvalidData,
    Job,
    Label,
    NotAllowed,
    NotFound,
    Stage,
    Workflow,
    templates,
)
from itagflow.errors import NotAcknowledged, NotRegistered
from itagflow.storage import MemoryStore, Store

L, I = Stage.LABEL, Stage.INSPECT


@pytest.fixture
def home(flow: Flow) -> itagflow.Workspace:
    return street(flow, "ben", "cy", "di")


def ordered(flow: Flow, name: str, *, tasks: int = 2, **more: Any) -> Job:
    """A job with a package for each task: ben and cy label, di inspects."""
    arguments: dict[str, Any] = {
        "template": templates.image_classification(["cat", "dog"]),
        "data": rows(tasks),
        "workflow": Workflow(Label(), Inspect()),
        "packaging": FixedSize(1),
        "workforce": {L: ["ben", "cy"], I: ["di"]},
        "by": "ada",
        **more,
    }
    return flow.jobs.create("street", name, **arguments)


def given(flow: Flow, member: str, **more: Any) -> Assignment:
    assignment = flow.claim(member, **more)
    assert assignment is not None
    return assignment


def skilled(store: Store, clock: Clock) -> list[str]:
    """What ben, who knows German and French, is given of two jobs, one of which asks for a language."""
    with Flow(store, clock=clock) as flow:
        street(flow, "ben", "cy", "di")
        plain = ordered(flow, "plain")
        requires = Workflow(Label(requires=Field("lang", skill="{}")), Inspect())
        data = [{"source": f"{n}.jpg", "lang": lang} for n, lang in enumerate(["fr", "de", "de"])]
        everybody = {"de": 1, "fr": 1}
        for member in ("ben", "cy"):
            flow.members.set_skills("street", member, everybody, by="ada")
        by_skill = ordered(flow, "by-skill", data=data, workflow=requires)
        flow.packages.prioritize(plain, {1: 9, 2: -1}, by="ada")
        flow.packages.prioritize(by_skill, {1: 5, 2: 7}, by="ada")
        names = {plain.id: lambda _: "any", by_skill.id: lambda number: data[number - 1]["lang"]}
        found = [given(flow, "ben", workspace="street") for _ in range(5)]
        assert flow.claim("ben", workspace="street") is None
        return [f"{names[each.job](each.package)} {each.package}" for each in found]


def passed_on(flow: Flow, assignment: Assignment) -> None:
    """All of a labeling answered and submitted."""
    for item in flow.tasks(assignment):
        flow.save(assignment, item, Choice("cat"))
    flow.submit(assignment)


@pytest.mark.usefixtures("home")
class TestOrder:
    def test_a_job_of_higher_priority_comes_first(self, flow: Flow) -> None:
        low, high = ordered(flow, "low"), ordered(flow, "high", priority=1)
        assert [given(flow, "ben").job for _ in range(4)] == [high.id, high.id, low.id, low.id]
        assert flow.claim("ben") is None

    def test_its_priority_can_be_changed(self, flow: Flow) -> None:
        one, other = ordered(flow, "one", priority=3), ordered(flow, "other")
        assert flow.jobs.update(other, priority=4, by="ada").priority == 4
        assert given(flow, "ben").job == other.id
        flow.jobs.update(other, priority=-1, by="ada")
        assert given(flow, "ben").job == one.id

    def test_then_packages_are_compared_whatever_their_job(self, flow: Flow, clock: Clock) -> None:
        old = ordered(flow, "old")
        clock.forward(minutes=1)
        new = ordered(flow, "new")
        flow.packages.prioritize(new, 5, packages=[2], by="ada")
        taken = [given(flow, "ben") for _ in range(4)]
        assert [(each.job, each.package) for each in taken] == [
            (new.id, 2),
            (old.id, 1),
            (old.id, 2),
            (new.id, 1),
        ]

    def test_so_are_the_values_that_name_skills(self, clock: Clock) -> None:
        """A store that looks into one queue at a time gives the same as one that looks into all."""
        given_out = [skilled(store, clock) for store in (MemoryStore(), ToyStore())]
        assert given_out[0] == ["any 1", "de 2", "fr 1", "de 3", "any 2"]
        assert given_out[1] == given_out[0]

    def test_within_a_job_its_own_order_holds(self, flow: Flow, clock: Clock) -> None:
        rule = Workflow(Label(order="oldest"), Inspect())
        job = ordered(flow, "oldest-first", tasks=1, workflow=rule)
        other = ordered(flow, "other")
        clock.forward(minutes=1)
        flow.jobs.append(job, [{"source": "late.jpg"}], by="ada")
        flow.packages.prioritize(job, 5, packages=[2], by="ada")
        first = [given(flow, "ben") for _ in range(4)]
        assert [each.package for each in first if each.job == job.id] == [1, 2]
        assert [each.package for each in first if each.job == other.id] == [1, 2]

    def test_what_is_offered_comes_before_all_jobs(self, flow: Flow) -> None:
        low = ordered(flow, "low")
        ordered(flow, "high", priority=9)
        assignment = given(flow, "ben", job=low)
        passed_on(flow, assignment)
        review = given(flow, "di")
        flow.reject(review, comment="again", whole=True)
        again = given(flow, "ben")
        assert (again.job, again.package) == (low.id, assignment.package)

    def test_parts_come_before_packages_of_the_same_priority(self, flow: Flow) -> None:
        workforce = {L: ["ben", "cy"], I: ["di"], Crew.EXPERTS: ["ada"]}
        first = ordered(flow, "first")
        second = ordered(flow, "second", workforce=workforce)
        assignment = given(flow, "ben", job=second)
        flow.escalate(assignment, next(flow.tasks(assignment)), comment="what is it?")
        flow.submit(assignment)
        assert given(flow, "ada").job == second.id
        assert given(flow, "ada").job == first.id

    def test_then_what_lapsed_first(self, flow: Flow, clock: Clock) -> None:
        rule = Workflow(Label(lease=timedelta(minutes=5)), Inspect())
        one = ordered(flow, "one", tasks=1, workflow=rule)
        other = ordered(flow, "other", tasks=1, workflow=rule)
        given(flow, "ben", job=other)
        clock.forward(minutes=1)
        given(flow, "ben", job=one)
        assert flow.claim("cy") is None
        clock.forward(minutes=6)
        assert [given(flow, "cy").job for _ in range(2)] == [other.id, one.id]

    def test_what_one_labeled_before_comes_last(self, flow: Flow) -> None:
        job = ordered(flow, "again", workflow=Workflow(Label(rework="queue"), Inspect()))
        before = given(flow, "ben")
        passed_on(flow, before)
        flow.reject(given(flow, "di"), comment="again", whole=True)
        other = ordered(flow, "other")
        taken = [given(flow, "ben") for _ in range(4)]
        assert (taken[-1].job, taken[-1].package) == (job.id, before.package)
        assert {each.job for each in taken} == {job.id, other.id}


@pytest.mark.usefixtures("home")
class TestWhatIsAsked:
    def test_one_stage_of_all_jobs(self, flow: Flow) -> None:
        job = ordered(flow, "job")
        passed_on(flow, given(flow, "ben"))
        assert given(flow, "ada", stage="inspect").stage is I
        assert flow.claim("ada", stage=I) is None
        assert given(flow, "ada", stage=L).job == job.id

    def test_any_stage_of_one_job(self, flow: Flow) -> None:
        job = ordered(flow, "job", tasks=1)
        ordered(flow, "other", priority=9)
        passed_on(flow, given(flow, "ben", job=job))
        assert given(flow, "di", job=job).stage is I
        assert flow.claim("ben", job) is None

    def test_several_at_once(self, flow: Flow) -> None:
        ordered(flow, "one")
        ordered(flow, "other")
        assert len(flow.claim_many("ben", count=3)) == 3
        assert len(flow.claim_many("ben", count=3)) == 1
        assert flow.claim_many("ben", workspace="street", count=3) == []
        assert flow.claim_many("ben", count=0) == []

    def test_a_package_with_its_job(self, flow: Flow) -> None:
        job = ordered(flow, "job")
        assert given(flow, "ben", job=job, package=2).package == 2
        assert flow.claim("cy", job, package=2) is None
        with pytest.raises(InvalidData, match="package: is one of a job: name the job, too"):
            flow.claim("ben", package=2)
        flow.packages.discard((job, 1), by="ada")
        assert flow.claim("cy", job, package=1) is None

    def test_the_workspace_where_there_are_several(self, flow: Flow) -> None:
        job = ordered(flow, "job")
        flow.workspaces.create("lane", admin="ben")
        with pytest.raises(InvalidData, match="workspace: must be named: ben belongs to 2 work"):
            flow.claim("ben")
        with pytest.raises(InvalidData, match="must be named"):
            flow.explain("ben")
        assert given(flow, "ben", workspace="street").job == job.id
        assert flow.claim("ben", workspace="lane") is None
        with pytest.raises(NotFound):
            flow.claim("ben", job, workspace="lane")
        assert given(flow, "ben", job=job, stage=L, workspace="street").job == job.id
        flow.members.remove("street", "ben", by="ada")
        assert flow.claim("ben") is None, "they are left in one"


@pytest.mark.usefixtures("home")
class TestSentAgain:
    def test_the_same_token_gives_the_same(self, flow: Flow) -> None:
        ordered(flow, "one")
        ordered(flow, "other")
        first = given(flow, "ben", token="t")
        assert given(flow, "ben", token="t").id == first.id
        assert given(flow, "cy", token="t").id != first.id, "it belongs to the member"
        other = given(flow, "ben", stage="label", token="t")
        assert other.id != first.id, "and to what is asked for"
        assert given(flow, "ben", stage="label", token="t").id == other.id
        assert list(itagflow.maintenance.verify(flow)) == []

    def test_also_when_that_job_has_finished(self, flow: Flow) -> None:
        ordered(flow, "one", tasks=1)
        first = given(flow, "ben", token="t")
        passed_on(flow, first)
        flow.review(given(flow, "di"))
        assert given(flow, "ben", token="t").id == first.id

    def test_what_is_held_comes_back_first(self, flow: Flow, clock: Clock) -> None:
        ordered(flow, "one")
        job = ordered(flow, "other", priority=1)
        held = given(flow, "ben", job=job)
        ordered(flow, "third", priority=2)
        assert given(flow, "ben", resume=True).id == held.id
        clock.forward(hours=3)
        renewed = given(flow, "ben", resume=True)
        assert renewed.id == held.id
        assert renewed.lease_until is not None
        assert renewed.lease_until > clock.now
        flow.jobs.pause(job, by="ada")
        assert given(flow, "ben", resume=True).job != held.job, "a paused job is not running"
        assert given(flow, "ben", job=job, resume=True).id == held.id


@pytest.mark.usefixtures("home")
class TestNothing:
    def test_who_may_work_nowhere_is_told_so(self, flow: Flow) -> None:
        assert flow.claim("ben") is None
        assert flow.explain("ben") == "no job is running"
        job = ordered(flow, "job", workforce={L: ["cy"], I: ["di"]})
        assert flow.claim("ben") is None
        assert flow.explain("ben") == "ben may work at no job that is running"
        with pytest.raises(NotAllowed, match="the workforce of this job does not name them"):
            flow.claim("ben", job)
        flow.members.remove("street", "ben", by="ada")
        with pytest.raises(NotAllowed, match="was removed"):
            flow.claim("ben")

    def test_it_is_explained_for_each_queue(self, flow: Flow) -> None:
        ordered(flow, "one")
        ordered(flow, "other", tasks=1)
        assert flow.explain("ben") == "job 'one', label: something is waiting: claim it"
        assert flow.explain("di") == (
            "job 'one', inspect: 2 packages are still at an earlier stage; "
            "job 'other', inspect: 1 package is still at an earlier stage"
        )
        for number in range(5):
            ordered(flow, f"more-{number}")
        assert flow.explain("di", workspace="street", by="di").endswith("; and 2 more queues")
        with pytest.raises(NotAllowed):
            flow.explain("di", by="ben")

    def test_a_guideline_that_was_not_read_keeps_from_what_waits(self, flow: Flow) -> None:
        rule = Workflow(Label(acknowledge=True), Inspect())
        job = ordered(flow, "read-first", workflow=rule, guideline="Look closely.", priority=1)
        other = ordered(flow, "other", tasks=1)
        assert given(flow, "ben").job == other.id
        with pytest.raises(NotAcknowledged, match="version 1"):
            flow.claim("ben")
        flow.acknowledge("ben", job)
        assert given(flow, "ben").job == job.id

    def test_code_that_is_missing_keeps_from_what_waits(self, flow: Flow, clock: Clock) -> None:
        def find_nothing(*_: object) -> tuple[()]:
            return ()

        whole = Flow(flow.store, validators={"ours": find_nothing}, clock=clock)
        job = ordered(whole, "checked", tasks=1, validator="ours", priority=1)
        other = ordered(flow, "other", tasks=1)
        assert given(flow, "ben").job == other.id
        with pytest.raises(NotRegistered, match="ours"):
            flow.claim("ben")
        assert given(whole, "ben").job == job.id

    def test_paused_and_closed_jobs_give_nothing(self, flow: Flow, clock: Clock) -> None:
        job = ordered(flow, "job")
        flow.jobs.pause(job, by="ada")
        assert flow.claim("ben") is None
        flow.jobs.resume(job, by="ada")
        flow.jobs.update(job, closes_at=clock.now, by="ada")
        assert flow.claim("ben") is None
        flow.jobs.update(job, closes_at=None, by="ada")
        assert given(flow, "ben").job == job.id
