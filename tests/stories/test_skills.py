"""Work for those who can do it: a stage requires the skill that the value of a field names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from support.scenes import Clock, street

import itagflow
from itagflow import (
    Assignment,
    Choice,
    Crew,
    Field,
    FixedSize,
    Flow,
    GroupByField,
    Incomplete,
    Inspect,
    InvalidData,
    Job,
    Label,
    NotAllowed,
    PackageCount,
    Stage,
    Workflow,
    maintenance,
    templates,
)

L, I = Stage.LABEL, Stage.INSPECT
LANG = Field("lang", skill="lang:{}")
SKILLS = {"ben": {"lang:de": 1, "lang:fr": 80}, "cy": {"lang:fr": 20}, "di": {}}


@pytest.fixture(autouse=True)
def home(flow: Flow) -> itagflow.Workspace:
    home = street(flow, *SKILLS)
    for name, skills in SKILLS.items():
        flow.members.set_skills(home, name, skills, by="ada")
    return home


def texts(*langs: object) -> list[dict[str, Any]]:
    return [{"source": f"{number}.jpg", "lang": lang} for number, lang in enumerate(langs)]


def ordered(flow: Flow, *langs: object, label: Label | None = None, **more: Any) -> Job:
    """A job with a package for each row: ben and cy label, di inspects."""
    arguments: dict[str, Any] = {
        "template": templates.image_classification(["cat", "dog"]),
        "data": texts(*langs),
        "workflow": Workflow(label or Label(requires=LANG), Inspect()),
        "packaging": FixedSize(1),
        "workforce": {L: ["ben", "cy"], I: ["di"]},
        "by": "ada",
        **more,
    }
    return flow.jobs.create("street", "texts", **arguments)


def claimed(flow: Flow, member: str, job: Job) -> list[int]:
    """The numbers of all packages that a member is given."""
    return [each.package for each in flow.claim_many(member, job, L, 20)]


def taken(flow: Flow, member: str, job: Job, stage: Stage = L) -> Assignment:
    assignment = flow.claim(member, job, stage)
    assert assignment is not None
    return assignment


def labeled(flow: Flow, assignment: Assignment) -> None:
    for item in flow.tasks(assignment):
        flow.save(assignment, item, Choice("cat"))
    flow.submit(assignment)


def now_has(flow: Flow, member: str, skills: Mapping[str, float]) -> None:
    flow.members.set_skills("street", member, skills, by="ada")


class TestWhoIsGivenWhat:
    def test_only_what_they_can_do(self, flow: Flow) -> None:
        job = ordered(flow, "de", "fr", "de", "fr")
        assert claimed(flow, "cy", job) == [2, 4]
        assert claimed(flow, "ben", job) == [1, 3]

    def test_in_the_order_of_the_queue_whatever_the_skill(self, flow: Flow) -> None:
        job = ordered(flow, "de", "fr", "de", "fr")
        flow.packages.prioritize(job, 1, packages=[4], by="ada")
        assert claimed(flow, "ben", job) == [4, 1, 2, 3]

    @pytest.mark.parametrize("order", ["due", "oldest", "random"])
    def test_in_every_order(self, flow: Flow, clock: Clock, order: str) -> None:
        job = ordered(flow, "de", "fr", label=Label(requires=LANG, order=order))
        clock.forward(minutes=1)
        flow.jobs.append(job, texts("de", "fr", "de"), by="ada")
        flow.packages.prioritize(job, 1, packages=[5], by="ada")
        assert claimed(flow, "cy", job)[:1] in ([2], [4])
        there = claimed(flow, "ben", job)
        assert sorted(there) == [1, 3, 5]
        if order != "random":
            assert there == {"due": [5, 1, 3], "oldest": [1, 5, 3]}[order]

    def test_only_who_can_do_it_well_enough(self, flow: Flow) -> None:
        french = Label(requires=Field("lang", skill="lang:{}", least=50))
        job = ordered(flow, "fr", label=french)
        assert claimed(flow, "cy", job) == []
        assert claimed(flow, "ben", job) == [1]

    def test_a_number_and_the_text_with_its_digits_name_one_skill(self, flow: Flow) -> None:
        now_has(flow, "ben", {"lang:7": 1})
        job = ordered(flow, 7, "7", "de", draft=True)
        now_has(flow, "cy", {"lang:de": 1})
        flow.jobs.publish(job, by="ada")
        assert claimed(flow, "ben", job) == [1, 2]

    def test_names_in_any_unicode_form(self, flow: Flow) -> None:
        now_has(flow, "ben", {"lang:\u00e9": 1})
        job = ordered(flow, "e\u0301", "\u00e9")
        assert claimed(flow, "ben", job) == [1, 2]

    def test_groups_of_one_value(self, flow: Flow) -> None:
        job = ordered(flow, "de", "fr", "de", "de", packaging=GroupByField("lang", max_size=2))
        assert claimed(flow, "cy", job) == [2]
        assert claimed(flow, "ben", job) == [1, 3]

    def test_what_they_can_do_by_now(self, flow: Flow) -> None:
        job = ordered(flow, "fr", "de", "fr", "fr")
        assert taken(flow, "cy", job).package == 1
        now_has(flow, "cy", {"lang:fr": 1, "lang:de": 1})
        assert taken(flow, "cy", job).package == 2, "it comes before what they could do already"
        anybody = Workflow(Label(requires=Field("lang", skill="lang:{}", least=9)), Inspect())
        now_has(flow, "ben", {"lang:fr": 9, "lang:de": 9})
        flow.jobs.update(job, workflow=anybody, by="ada")
        assert flow.claim("cy", job, L) is None

    def test_by_number_of_the_package(self, flow: Flow) -> None:
        job = ordered(flow, "de", "fr")
        assert flow.claim("cy", job, L, package=1) is None
        assert flow.claim("cy", job, L, package=2) is not None

    def test_whatever_the_job(self, flow: Flow) -> None:
        job = ordered(flow, "de", "fr")
        assert flow.claim("cy") is not None
        assert flow.claim("cy") is None
        assert list(flow.available("cy")) == []
        assert list(flow.available("ben")) == [(job, L)]

    def test_for_a_review_too(self, flow: Flow) -> None:
        workflow = Workflow(Label(requires=LANG), Inspect(requires=LANG))
        with pytest.raises(Incomplete, match="nobody of those who may inspect can do what 2 pack"):
            ordered(flow, "de", "de", workflow=workflow)
        now_has(flow, "di", {"lang:de": 1})
        job = ordered(flow, "de", "de", workflow=workflow)
        labeled(flow, taken(flow, "ben", job))
        now_has(flow, "di", {})
        assert flow.claim("di", job, I) is None
        now_has(flow, "di", {"lang:de": 1})
        flow.review(taken(flow, "di", job, I))

    def test_with_votes(self, flow: Flow) -> None:
        two = Label(votes=2, requires=LANG)
        with pytest.raises(Incomplete, match=r"fewer than 2 of .* 1 package need: the skill lang:"):
            ordered(flow, "de", "fr", label=two)
        job = ordered(flow, "fr", "fr", label=two)
        assert claimed(flow, "ben", job) == claimed(flow, "cy", job) == [1, 2]


class TestParts:
    def test_what_is_left_of_a_package(self, flow: Flow) -> None:
        by_language = GroupByField("lang")
        label = Label(requires=LANG, allow_partial=True)
        job = ordered(flow, "de", "de", label=label, packaging=by_language)
        assignment = taken(flow, "ben", job)
        flow.save(assignment, next(flow.tasks(assignment)), Choice("cat"))
        flow.submit(assignment, rest="release")
        assert flow.claim("cy", job, L) is None
        now_has(flow, "cy", {"lang:de": 1})
        assert taken(flow, "cy", job).scope is not None

    def test_what_experts_answer(self, flow: Flow) -> None:
        workforce = {L: ["ben"], I: ["di"], Crew.EXPERTS: ["cy", "ada"]}
        now_has(flow, "ada", {"lang:de": 1})
        job = ordered(flow, "de", workforce=workforce)
        assignment = taken(flow, "ben", job)
        flow.escalate(assignment, 1, comment="which?")
        flow.submit(assignment)
        assert flow.claim("cy", job, L) is None
        assert taken(flow, "ada", job)

    def test_what_has_lapsed(self, flow: Flow, clock: Clock) -> None:
        job = ordered(flow, "de", label=Label(requires=LANG, lease=timedelta(minutes=5)))
        taken(flow, "ben", job)
        clock.forward(minutes=6)
        assert flow.claim("cy", job, L) is None
        assert "needs a skill that cy lacks" in flow.explain("cy", job, L)
        now_has(flow, "cy", {"lang:de": 1})
        assert taken(flow, "cy", job)


class TestNamedMembers:
    def test_nobody_is_assigned_what_they_cannot_do(self, flow: Flow) -> None:
        job = ordered(flow, "de", "fr")
        with pytest.raises(NotAllowed, match="package 1 needs the skill lang:de: see"):
            flow.assignments.assign((job, 1), "cy", by="ada")
        held = taken(flow, "ben", job)
        with pytest.raises(NotAllowed, match="needs the skill lang:de"):
            flow.assignments.reassign(held, "cy", by="ada")
        flow.assignments.assign((job, 2), "cy", by="ada")

    def test_who_loses_a_skill_keeps_what_they_have(self, flow: Flow, clock: Clock) -> None:
        job = ordered(flow, "de", "de", "de", label=Label(requires=LANG, lease=timedelta(hours=1)))
        held = taken(flow, "ben", job)
        flow.assignments.assign((job, 3), "ben", by="ada")
        now_has(flow, "ben", {})
        assert taken(flow, "ben", job).package == 3, "an offer stays theirs"
        assert flow.claim("ben", job, L) is None
        clock.forward(hours=2)
        assert taken(flow, "ben", job).id == held.id, "it goes on after it has lapsed"
        labeled(flow, held)
        flow.reject(taken(flow, "di", job, I), comment="again", whole=True)
        assert taken(flow, "ben", job).package == held.package, "and comes back to its author"

    def test_what_was_erased_is_for_anybody(self, flow: Flow) -> None:
        job = ordered(flow, "de", "fr")
        maintenance.erase_task(flow, (job, 1), by="ada")
        assert flow.packages.get((job, 1)).value == "null"
        now_has(flow, "ben", {})
        assert claimed(flow, "cy", job) == [1, 2]
        assert list(maintenance.verify(flow)) == []


class TestSayings:
    def test_it_is_explained(self, flow: Flow) -> None:
        job = ordered(flow, *["de"] * 14)
        assert flow.explain("cy", job, L) == "14 wait; all need the skill lang:de"
        assert flow.explain("cy") == "job 'texts', label: 14 wait; all need the skill lang:de"
        flow.claim_many("ben", job, L, 13)
        assert flow.explain("cy", job, L).startswith("1 waits, and needs the skill lang:de; 13")

    def test_what_nobody_can_do_is_not_published(self, flow: Flow) -> None:
        message = (
            "nobody of those who may label can do what 3 packages need: "
            r"the skills lang:it \(2\), lang:es \(1\); see members.set_skills"
        )
        with pytest.raises(Incomplete, match=message):
            ordered(flow, "it", "es", "it", "de")
        report = flow.jobs.check(
            "street",
            "texts",
            template=templates.image_classification(["cat", "dog"]),
            data=texts("it", "es", "it", "de"),
            workflow=Workflow(Label(requires=LANG), Inspect()),
            packaging=FixedSize(1),
            workforce={L: ["ben", "cy"], I: ["di"]},
            by="ada",
        )
        assert "the skills lang:it (2), lang:es (1)" in report.blocking_reason

    def test_what_nobody_can_do_any_more_is_listed(self, flow: Flow) -> None:
        job = ordered(flow, "de", "fr")
        assert list(flow.jobs.blocked(job)) == []
        now_has(flow, "ben", {})
        (blocked,) = flow.jobs.blocked(job)
        assert blocked.package == 1
        assert blocked.reason.endswith("nobody can: who takes it needs the skill lang:de")

    def test_the_history_has_what_was_before(self, flow: Flow) -> None:
        now_has(flow, "cy", {"lang:it": 3})
        now_has(flow, "cy", {"lang:it": 3.0})
        event = [event for event in flow.events.since() if event.type == "set_skills"][-1]
        before, after = {"lang:fr": 20.0}, {"lang:it": 3.0}
        assert event.data == {"name": "cy", "before": before, "after": after}
        assert list(maintenance.verify(flow)) == []


class TestWhatCannotBe:
    @pytest.mark.parametrize(
        "packaging",
        [FixedSize(2), PackageCount(2), GroupByField("source")],
    )
    def test_packages_of_several_values(self, flow: Flow, packaging: Any) -> None:
        with pytest.raises(InvalidData, match=r"packaging: must be GroupByField\('lang'\) or"):
            ordered(flow, "de", packaging=packaging)

    @pytest.mark.parametrize("value", [None, True, 1.5, ["de"], {"a": 1}, "", "a\nb"])
    def test_values_that_name_nothing(self, flow: Flow, value: object) -> None:
        with pytest.raises(InvalidData, match=r"data\.lang"):
            ordered(flow, value)

    def test_rows_without_the_field(self, flow: Flow) -> None:
        with pytest.raises(InvalidData, match=r"data\.lang: is missing"):
            ordered(flow, "de", data=[{"source": "1.jpg"}])

    def test_another_field_later(self, flow: Flow) -> None:
        job = ordered(flow, "de", "fr")
        other = Field("source", skill="lang:{}")
        with pytest.raises(InvalidData, match="requires: must be of the field 'lang', as before"):
            flow.jobs.update(job, workflow=Workflow(Label(requires=other), Inspect()), by="ada")
        plain = Workflow(Label(), Inspect())
        flow.jobs.update(job, workflow=plain, by="ada")
        assert claimed(flow, "cy", job) == [1, 2], "without it anybody takes anything"
        with pytest.raises(InvalidData, match="cannot be given to a job that exists"):
            flow.jobs.update(job, workflow=Workflow(Label(requires=LANG), Inspect()), by="ada")

    def test_another_skill_of_the_same_field(self, flow: Flow) -> None:
        job = ordered(flow, "de", "fr")
        better = Label(requires=Field("lang", skill="lang:{}", least=1))
        flow.jobs.update(job, workflow=Workflow(better, Inspect()), by="ada")
        with pytest.raises(NotAllowed, match="nobody of those who may label can do what 1 pack"):
            best = Label(requires=Field("lang", skill="lang:{}", least=50))
            flow.jobs.update(job, workflow=Workflow(best, Inspect()), by="ada")

    def test_two_fields_in_one_workflow(self) -> None:
        with pytest.raises(InvalidData, match="must be of one field at all stages"):
            Workflow(Label(requires=LANG), Inspect(requires=Field("kind", skill="{}")))

    def test_a_removed_member(self, flow: Flow) -> None:
        flow.members.remove("street", "cy", by="ada")
        with pytest.raises(NotAllowed, match="cy may not be given skills: they were removed"):
            now_has(flow, "cy", {"a": 1})
        with pytest.raises(NotAllowed):
            flow.members.set_skills("street", "di", {"a": 1}, by="ben")


class TestAQueueThatIsFedWhileItRuns:
    """`jobs.add`, `jobs.append` and withdrawals beside skills."""

    def queue(self, flow: Flow) -> Job:
        workflow = Workflow(Label(requires=LANG))
        return ordered(flow, data=None, workflow=workflow, workforce={L: ["ben", "cy"]})

    def test_what_is_added_waits_for_those_who_can_do_it(self, flow: Flow) -> None:
        job = self.queue(flow)
        for number, lang in enumerate(["de", "fr", "it"], 1):
            flow.jobs.add(job, {"source": f"{number}.jpg", "lang": lang}, key=number, by="ada")
        flow.jobs.append(job, texts("fr"), by="ada")
        assert claimed(flow, "cy", job) == [2, 4]
        assert claimed(flow, "ben", job) == [1]
        assert [each.package for each in flow.jobs.blocked(job)] == [3]
        assert list(maintenance.verify(flow)) == []

    def test_the_most_urgent_that_a_member_can_do_comes_first(self, flow: Flow) -> None:
        job = self.queue(flow)
        flow.jobs.add(job, {"source": "a.jpg", "lang": "it"}, priority=9.5, by="ada")
        flow.jobs.add(job, {"source": "b.jpg", "lang": "fr"}, by="ada")
        flow.jobs.add(job, {"source": "c.jpg", "lang": "fr"}, priority=0.5, by="ada")
        assert taken(flow, "cy", job).package == 3
        anything = flow.claim("cy", workspace="street")
        assert anything is not None
        assert anything.package == 2
        assert flow.claim("cy", workspace="street") is None

    def test_what_is_withdrawn_waits_for_nobody(self, flow: Flow) -> None:
        job = self.queue(flow)
        flow.jobs.add(job, {"source": "a.jpg", "lang": "it"}, key="a", by="ada")
        assert [each.package for each in flow.jobs.blocked(job)] == [1]
        flow.jobs.withdraw(job, keys=["a"], by="ada")
        assert list(flow.jobs.blocked(job)) == []
        assert flow.jobs.queue(job).stages[L].waiting == 0
        assert list(maintenance.verify(flow)) == []
