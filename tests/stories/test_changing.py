"""The template of a live job changes and its answers follow, or nothing changes at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import given
from support import invariants
from support.answering import ALL, replies
from support.scenes import cats, labeled, rows, street, taken, verbs

from itagflow import (
    Accept,
    Answer,
    Box,
    Choice,
    Choices,
    Flow,
    Incomplete,
    Inspect,
    InvalidData,
    Job,
    Label,
    NotAllowed,
    PreLabel,
    Ranking,
    Regions,
    Relation,
    Spans,
    Stage,
    Template,
    Text,
    TextSpan,
    Workflow,
    templates,
)
from itagflow.errors import Conflict
from itagflow.model.template import CHOOSING, MARKING
from itagflow.storage import Query
from itagflow.template_changes import rules as template_changes_rules
from itagflow.template_changes import service
from itagflow.templates import (
    AddOption,
    AddQuestion,
    DropOption,
    DropQuestion,
    Option,
    Question,
    QuestionKind,
    RenameOption,
    RenameQuestion,
    View,
    ViewKind,
)
from itagflow.testing import make_answer
from itagflow.validation.answers import find_problems

L, I, A = Stage.LABEL, Stage.INSPECT, Stage.ACCEPT
NOTE = Question("2", QuestionKind.INPUT, "Note", required=False)


def replies_in(flow: Flow, job: Job) -> list[Any]:
    """The replies of every answer of the job."""
    return [answer.replies for answer in stored(flow, job)]


def stored(flow: Flow, job: Job) -> list[Answer]:
    with flow.store.read() as reader:
        return list(reader.find(Query(Answer, {"job": job.id}, order=("assignment",))))


def asking(flow: Flow, template: Template, *answers: Any) -> Job:
    """A job whose every task ben has answered, each as given, and submitted."""
    home = street(flow, "ben")
    data = [{"data": dict.fromkeys(template.fields, "some text")} for _ in answers]
    job = flow.jobs.create(
        home, "asked", template=template, data=data, workforce={L: ["ben"]}, by="ada"
    )
    assignment = taken(flow, "ben", job)
    flow.save_many(assignment, list(enumerate(answers, 1)))
    flow.submit(assignment)
    return job


class TestOptions:
    def test_a_renamed_option_is_renamed_in_every_answer_and_the_history_keeps_what_was(
        self, flow: Flow
    ) -> None:
        job = cats(flow)
        labeled(flow, "ben", job, "cat")
        labeled(flow, "cy", job, "dog")
        report = flow.jobs.change_template(job, [RenameOption("1", "cat", "feline")], by="ada")
        assert (report.version, report.changed, report.unchanged, report.cannot) == (1, 2, 2, 0)
        assert replies_in(flow, job) == [{"1": Choice("feline")}] * 2 + [{"1": Choice("dog")}] * 2
        assert [answer.template_version for answer in stored(flow, job)] == [1, 1, 0, 0]
        assert [option.label for option in flow.templates.get(job).questions[0].options] == [
            "feline",
            "dog",
        ]
        changed, followed, done = list(flow.events.list(job))[-3:]
        assert changed.data["before"]["questions"][0]["options"][0]["key"] == "cat"
        assert changed.data["steps"] == [
            {"question": "1", "old": "cat", "new": "feline", "kind": "renameoption"}
        ]
        assert followed.data["previous"]["1"]["replies"] == {"1": {"kind": "choice", "key": "cat"}}
        assert str(changed) == "09:00 ada changed the template of job 'cats'"
        assert str(followed) == "09:00 ada carried over the answers of package 1"
        assert str(done) == "09:00 ada carried over the answers of job 'cats'"
        invariants.check(flow)

    def test_renamed_to_one_that_is_there_they_merge(self, flow: Flow) -> None:
        asked = templates.image_classification(["cat", "kitten", "dog"], multiple=True)
        job = asking(flow, asked, Choices(["kitten", "dog", "cat"]), Choices(["dog"]))
        assert (
            flow.jobs.change_template(job, RenameOption("1", "kitten", "cat"), by="ada").changed
            == 1
        )
        assert replies_in(flow, job) == [{"1": Choices(["cat", "dog"])}, {"1": Choices(["dog"])}]
        assert sorted(flow.templates.get(job).questions[0].keys) == ["cat", "dog"]

    def test_what_is_inside_an_option_that_merges_moves_up(self, flow: Flow) -> None:
        nested = Option("cat", children=(Option("tabby"), Option("lynx")))
        job = asking(
            flow, templates.image_classification([nested, "pet"]), Choice("cat"), Choice("tabby")
        )
        flow.jobs.change_template(job, [RenameOption("1", "cat", "pet")], by="ada")
        assert replies_in(flow, job) == [{"1": Choice("pet")}, {"1": Choice("tabby")}]
        assert [option.key for option in flow.templates.get(job).questions[0].options] == [
            "tabby",
            "lynx",
            "pet",
        ]

    def test_a_dropped_option_goes_to_another_with_those_inside_it(self, flow: Flow) -> None:
        nested = Option("cat", children=(Option("tabby"),))
        job = asking(
            flow, templates.image_classification([nested, "pet"]), Choice("cat"), Choice("tabby")
        )
        flow.jobs.change_template(job, [DropOption("1", "cat", to="pet")], by="ada")
        assert replies_in(flow, job) == [{"1": Choice("pet")}] * 2
        assert [option.key for option in flow.templates.get(job).questions[0].options] == ["pet"]

    def test_a_dropped_option_that_was_chosen_alone_is_refused_with_the_count(
        self, flow: Flow
    ) -> None:
        job = cats(flow)
        assignment = labeled(flow, "ben", job, "cat")
        labeled(flow, "cy", job, "dog")
        before = list(flow.events.since())
        with pytest.raises(InvalidData) as refused:
            flow.jobs.change_template(job, [DropOption("1", "cat")], by="ada")
        assert str(refused.value) == (
            "the template of job 'cats', which 2 answers would not fit: "
            f"task 1, assignment {assignment.id}, 1: 'cat' is not an option; the options are dog; "
            f"task 2, assignment {assignment.id}, 1: 'cat' is not an option; the options are dog"
        )
        assert list(flow.events.since()) == before
        assert flow.templates.get(job).version == 0

    def test_of_several_choices_a_dropped_one_is_lost_unless_it_was_the_only_one(
        self, flow: Flow
    ) -> None:
        asked = templates.image_classification(["cat", "dog"], multiple=True)
        job = asking(flow, asked, Choices(["cat", "dog"]), Choices(["dog"]))
        with pytest.raises(
            InvalidData, match=r"1 answer would not fit: task 2, .* no option chosen"
        ):
            flow.jobs.change_template(job, [DropOption("1", "dog")], by="ada")
        assert flow.jobs.change_template(job, [DropOption("1", "cat")], by="ada").changed == 1
        assert replies_in(flow, job) == [{"1": Choices(["dog"])}] * 2

    def test_a_lost_option_takes_what_depended_on_it_along(self, flow: Flow) -> None:
        breed = Question("2", QuestionKind.INPUT, "Breed", when=("dog", "cat"))
        asked = Question(
            "1",
            QuestionKind.CHECKBOX,
            "Animals",
            (*map(Option, ("cat", "dog", "car")),),
            children=(breed,),
        )
        job = asking(
            flow,
            Template(questions=(asked,)),
            {"1": Choices(["dog", "car"]), "2": Text("collie")},
            {"1": Choices(["dog", "cat"]), "2": Text("collie")},
        )
        flow.jobs.change_template(job, [DropOption("1", "dog")], by="ada")
        assert replies_in(flow, job) == [
            {"1": Choices(["car"])},
            {"1": Choices(["cat"]), "2": Text("collie")},
        ]
        with pytest.raises(
            InvalidData,
            match="step 1, question '1': the question 'Breed' would never be asked: drop it",
        ):
            flow.jobs.change_template(job, [DropOption("1", "cat")], by="ada")

    def test_dependent_questions_and_defaults_follow_a_new_key(self, flow: Flow) -> None:
        breed = Question("2", QuestionKind.INPUT, "Breed", when=("dog",), required=False)
        asked = Question(
            "1",
            QuestionKind.RADIO,
            "Animal",
            (Option("cat"), Option("dog")),
            True,
            (breed,),
            default="dog",
        )
        job = asking(flow, Template(questions=(asked,)), {"1": Choice("dog"), "2": Text("collie")})
        flow.jobs.change_template(job, [RenameOption("1", "dog", "hound")], by="ada")
        [question] = flow.templates.get(job).questions
        assert (question.default, question.children[0].when) == ("hound", ("hound",))
        assert replies_in(flow, job) == [{"1": Choice("hound"), "2": Text("collie")}]
        flow.jobs.change_template(job, [DropOption("1", "hound", to="cat")], by="ada")
        [question] = flow.templates.get(job).questions
        assert (question.default, question.children[0].when) == ("cat", ("cat",))

    def test_an_added_option_changes_no_answer_and_is_there_for_assignments_on_hand(
        self, flow: Flow
    ) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("cat"))
        with pytest.raises(InvalidData, match="'bird' is not an option"):
            flow.save(assignment, 2, Choice("bird"))
        report = flow.jobs.change_template(
            job, [AddOption("1", "bird"), AddOption("1", "kitten", inside="cat")], by="ada"
        )
        assert (report.changed, report.unchanged) == (0, 1)
        assert flow.save(assignment, 2, Choice("bird")).template_version == 1
        assert flow.save(assignment, 1, Choice("cat")).template_version == 0, (
            "the same again changes nothing"
        )
        assert flow.save(assignment, 1, Choice("kitten")).template_version == 1
        flow.submit(assignment)

    def test_every_option_needs_its_rank(self, flow: Flow) -> None:
        job = asking(flow, templates.preference_ranking(["a", "b", "c"]), Ranking(["c", "a", "b"]))
        with pytest.raises(InvalidData, match=r"1 answer would not fit: task 1, .*leaves out d"):
            flow.jobs.change_template(job, [AddOption("1", "d")], by="ada")
        flow.jobs.change_template(job, [DropOption("1", "a")], by="ada")
        assert replies_in(flow, job)[0]["1"] == Ranking(["c", "b"])


class TestQuestions:
    def test_an_added_question_gets_the_reply_that_is_named(self, flow: Flow) -> None:
        job = cats(flow)
        labeled(flow, "ben", job)
        lit = Question("2", QuestionKind.RADIO, "Light", (Option("day"), Option("night")))
        with pytest.raises(
            InvalidData,
            match=r"2 answers would not fit: .*no reply to the required question 'Light'",
        ):
            flow.jobs.change_template(job, [AddQuestion(lit)], by="ada")
        flow.jobs.change_template(job, [AddQuestion(lit, reply=Choice("day"))], by="ada")
        assert replies_in(flow, job) == [{"1": Choice("cat"), "2": Choice("day")}] * 2
        assignment = taken(flow, "cy", job)
        with pytest.raises(InvalidData, match="no reply to the required question 'Light'"):
            flow.save(assignment, 3, {"1": Choice("cat")})

    def test_a_question_that_depends_on_an_option_is_answered_where_that_was_chosen(
        self, flow: Flow
    ) -> None:
        job = asking(
            flow, templates.image_classification(["cat", "dog"]), Choice("cat"), Choice("dog")
        )
        breed = Question("2", QuestionKind.INPUT, "Breed", when=("dog",))
        assert (
            flow.jobs.change_template(
                job, [AddQuestion(breed, inside="1", reply=Text("?"))], by="ada"
            ).changed
            == 1
        )
        assert replies_in(flow, job) == [{"1": Choice("cat")}, {"1": Choice("dog"), "2": Text("?")}]
        assert flow.jobs.change_template(job, [DropQuestion("2")], by="ada").changed == 1
        assert replies_in(flow, job) == [{"1": Choice("cat")}, {"1": Choice("dog")}]

    def test_a_dropped_question_takes_those_inside_it_along(self, flow: Flow) -> None:
        asked = Question("3", QuestionKind.RADIO, "Kind", (Option("a"),), children=(NOTE,))
        both = Template(questions=(*templates.image_classification(["cat"]).questions, asked))
        job = asking(flow, both, {"1": Choice("cat"), "3": Choice("a"), "2": Text("x")})
        flow.jobs.change_template(job, [DropQuestion("3")], by="ada")
        assert replies_in(flow, job) == [{"1": Choice("cat")}]
        with pytest.raises(
            InvalidData, match="step 1, questions: a template needs at least one question"
        ):
            flow.jobs.change_template(job, [DropQuestion("1")], by="ada")

    def test_another_title_changes_no_answer(self, flow: Flow) -> None:
        job = cats(flow)
        labeled(flow, "ben", job)
        assert (
            flow.jobs.change_template(job, [RenameQuestion("1", "Which animal?")], by="ada").changed
            == 0
        )
        assert flow.templates.get(job).questions[0].title == "Which animal?"

    def test_each_step_that_cannot_be_is_named(self, flow: Flow) -> None:
        job = cats(flow)
        steps = [
            DropQuestion("7"),
            AddOption("1", "bird"),
            RenameOption("1", "cow", "ox"),
            DropOption("1", "cat", to="cat"),
            AddOption("1", "cat"),
            AddQuestion(NOTE, reply=Choice("x")),
            RenameQuestion("1", "", about="Kind"),
            object(),
        ]
        with pytest.raises(InvalidData) as refused:
            flow.jobs.change_template(job, steps, by="ada")  # type: ignore[arg-type]
        assert [str(problem) for problem in refused.value.problems] == [
            "step 1: the template has no question '7'; it has '1'",
            "step 3, question '1': has no option 'cow'; it has 'cat' or 'dog' or 'bird'",
            "step 4, question '1': does not keep an option 'cat' that replies could get instead",
            "step 5, question '1': has two options with the same key",
            "step 6, reply, 2: needs a Text, not a Choice",
            "step 7, question '1': asks nothing called 'Kind' about its parts; it asks none",
            "step 8: a value of type object is no step of a migration",
        ]
        assert verbs(flow, job)[-1] == "publish"


class TestAnnotations:
    BOXES = Regions(
        [Box(0, 0, 5, 5, label="car", id="r1"), Box(9, 9, 5, 5, label="sign")], width=40, height=30
    )

    def boxes(self, flow: Flow) -> Job:
        return asking(flow, templates.object_detection(["car", "sign"]), self.BOXES)

    def labels(self, flow: Flow, job: Job) -> list[Any]:
        return [region.labels for region in replies_in(flow, job)[0]["1"].regions]

    def test_labels_follow_their_options_and_the_title_of_their_question(self, flow: Flow) -> None:
        job = self.boxes(flow)
        [kind] = flow.templates.get(job).questions[0].children
        steps = [
            RenameOption("1", "car", "vehicle", about=kind.title),
            RenameQuestion("1", "What is it?", about=kind.title),
            AddOption("1", "person", about="What is it?"),
        ]
        assert flow.jobs.change_template(job, steps, by="ada").changed == 1
        assert self.labels(flow, job) == [{"What is it?": "vehicle"}, {"What is it?": "sign"}]
        assert replies_in(flow, job)[0]["1"].regions[0].id == "r1"

    def test_a_question_about_each_annotation_is_added_with_a_reply_and_dropped_again(
        self, flow: Flow
    ) -> None:
        job = self.boxes(flow)
        [kind] = flow.templates.get(job).questions[0].children
        lit = Question("1", QuestionKind.CHECKBOX, "Seen", (Option("well"), Option("badly")))
        plate = Question("2", QuestionKind.INPUT, "Plate", when=("car",))
        steps = [
            AddQuestion(lit, inside="1", reply=Choices(["well"])),
            AddQuestion(plate, inside="1", about=kind.title, reply=Text("-")),
        ]
        flow.jobs.change_template(job, steps, by="ada")
        car = {kind.title: "car", "Seen": ("well",), "Plate": "-"}
        assert self.labels(flow, job) == [car, {kind.title: "sign", "Seen": ("well",)}]
        flow.jobs.change_template(job, [DropQuestion("1", about="Seen")], by="ada")
        assert self.labels(flow, job) == [{kind.title: "car", "Plate": "-"}, {kind.title: "sign"}]

    def test_a_dropped_option_of_annotations_needs_another_for_them(self, flow: Flow) -> None:
        job = self.boxes(flow)
        title = flow.templates.get(job).questions[0].children[0].title
        with pytest.raises(
            InvalidData,
            match=r"1 answer would not fit: .*1\.regions\[0\]\.labels.*'car' is not an option",
        ):
            flow.jobs.change_template(job, [DropOption("1", "car", about=title)], by="ada")
        flow.jobs.change_template(job, [DropOption("1", "car", to="sign", about=title)], by="ada")
        assert self.labels(flow, job) == [{title: "sign"}] * 2

    def test_an_option_of_annotations_is_only_found_by_the_title_of_its_question(
        self, flow: Flow
    ) -> None:
        job = self.boxes(flow)
        with pytest.raises(
            InvalidData, match="name the question about its parts: about='Single-choice'"
        ):
            flow.jobs.change_template(job, [RenameOption("1", "car", "vehicle")], by="ada")

    def test_relations_have_questions_of_their_own(self, flow: Flow) -> None:
        asked = templates.entity_relation(["company"], ["bought", "sold"])
        title = asked.questions[0].relations[0].title
        entity = asked.questions[0].children[0].title
        spans = [TextSpan(start, start + 4, labels={entity: ("company",)}) for start in (0, 5)]
        job = asking(flow, asked, Spans(spans, [Relation(0, 1, labels={title: "bought"})]))
        steps = [
            RenameOption("1", "bought", "acquired", about=title),
            RenameQuestion("1", "Holds", about=title),
        ]
        flow.jobs.change_template(job, steps, by="ada")
        reply = replies_in(flow, job)[0]["1"]
        assert [relation.labels for relation in reply.relations] == [{"Holds": "acquired"}]
        assert [span.labels for span in reply.spans] == [{entity: ("company",)}] * 2
        with pytest.raises(
            InvalidData, match=f"step 1, question '1': asks two questions called {entity!r}"
        ):
            flow.jobs.change_template(job, [RenameQuestion("1", entity, about="Holds")], by="ada")


class TestANewTemplate:
    def test_what_every_answer_fits_is_put_in_place(self, flow: Flow) -> None:
        job = cats(flow)
        labeled(flow, "ben", job)
        wider = templates.image_classification(["dog", "cat", "bird"], title="Animal")
        report = flow.jobs.change_template(job, wider, by="ada")
        assert (report.version, report.changed, report.unchanged) == (1, 0, 2)
        assert flow.templates.get(job).questions == wider.questions
        assert verbs(flow, job)[-1] == "change_template"

    def test_one_that_would_orphan_answers_is_refused_with_the_count(self, flow: Flow) -> None:
        job = cats(flow)
        labeled(flow, "ben", job, "cat")
        labeled(flow, "cy", job, "dog")
        with pytest.raises(
            InvalidData, match=r"which 2 answers would not fit: task 1, .*'cat' is not an option"
        ):
            flow.jobs.change_template(job, templates.image_classification(["dog"]), by="ada")
        assert (
            flow.jobs.change_template(
                job, templates.image_classification(["dog"]), by="ada", dry_run=True
            ).cannot
            == 2
        )

    def test_the_same_again_is_no_change(self, flow: Flow) -> None:
        job = cats(flow)
        labeled(flow, "ben", job)
        before = verbs(flow, job)
        for same in (flow.templates.get(job), templates.image_classification(["cat", "dog"]), []):
            assert flow.jobs.change_template(job, same, by="ada").unchanged == 2
        assert verbs(flow, job) == before

    def test_it_cannot_be_about_data_that_the_rows_do_not_have(self, flow: Flow) -> None:
        job = cats(flow)
        other = templates.image_classification(["cat", "dog"], field="picture")
        with pytest.raises(
            InvalidData,
            match="views: show the field 'picture', which the rows of this job need not have",
        ):
            flow.jobs.change_template(job, other, by="ada")

    def test_spans_stay_spans_of_their_text(self, flow: Flow) -> None:
        views = (View(ViewKind.TEXT, "title"), View(ViewKind.TEXT, "body"))
        [asked] = templates.entity_recognition(["company"]).questions
        job = asking(
            flow, Template(questions=(attrs.evolve(asked, field="title"),), views=views), Spans([])
        )
        with pytest.raises(
            InvalidData,
            match="question '1': is about 'body', and its replies about 'title': drop it",
        ):
            flow.jobs.change_template(
                job, Template(questions=(attrs.evolve(asked, field="body"),), views=views), by="ada"
            )

    def test_a_reason_for_which_a_task_was_abandoned_stays_one(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        flow.abandon(assignment, 1, "dark")
        reasons = attrs.evolve(flow.templates.get(job), abandon_reasons=("empty",))
        with pytest.raises(InvalidData, match=r"task 1, .*, abandoned: 'dark' is not one of empty"):
            flow.jobs.change_template(job, reasons, by="ada")
        flow.jobs.change_template(
            job, attrs.evolve(reasons, abandon_reasons=("empty", "dark")), by="ada"
        )
        with pytest.raises(InvalidData, match="'late' is not one of empty, dark"):
            flow.abandon(assignment, 2, "late")


class TestWhoseTemplate:
    def test_a_named_template_is_never_touched_the_job_gets_its_own(self, flow: Flow) -> None:
        home = street(flow, "ben")
        named = flow.templates.add(
            home, templates.image_classification(["cat", "dog"]), name="pets", by="ada"
        )
        first, second = (
            flow.jobs.create(
                home, name, template="pets", data=rows(1), workforce={L: ["ben"]}, by="ada"
            )
            for name in ("first", "second")
        )
        flow.jobs.change_template(first, [AddOption("1", "bird")], by="ada")
        assert flow.templates.get(second) == named
        own = flow.templates.get(first)
        assert (own.name, own.version, own.id == named.id) == ("", 1, False)
        flow.jobs.change_template(first, [AddOption("1", "cow")], by="ada")
        assert (flow.templates.get(first).id, flow.templates.get(first).version) == (own.id, 2)
        assert list(flow.templates.list(home)) == [named]

    def test_jobs_that_share_one_without_a_name_part_ways(self, flow: Flow) -> None:
        job = cats(flow)
        other = flow.jobs.create(
            "street", "more", template=job.template, data=rows(1), workforce={L: ["ben"]}, by="ada"
        )
        flow.jobs.change_template(other, [AddOption("1", "bird")], by="ada")
        assert flow.templates.get(job).version == 0
        flow.jobs.change_template(job, [AddOption("1", "cow")], by="ada")
        assert (flow.templates.get(job).id, flow.templates.get(job).version) == (job.template, 1)
        assert flow.templates.get(other).questions[0].keys == {"cat", "dog", "bird"}

    def test_only_who_manages_jobs_changes_one_and_not_when_it_is_archived(
        self, flow: Flow
    ) -> None:
        job = cats(flow)
        with pytest.raises(NotAllowed, match="ben may not manage job"):
            flow.jobs.change_template(job, [AddOption("1", "bird")], by="ben", dry_run=True)
        flow.jobs.archive(job, by="ada")
        with pytest.raises(NotAllowed, match="is archived, and read-only"):
            flow.jobs.change_template(job, [AddOption("1", "bird")], by="ada")

    def test_a_draft_is_changed_before_anybody_answers(self, flow: Flow) -> None:
        job = cats(flow, draft=True)
        flow.jobs.change_template(job, [DropOption("1", "cat")], by="ada")
        flow.jobs.publish(job, by="ada")
        assert labeled(flow, "ben", job, "dog").outcome is not None


class TestWorkUnderWay:
    def test_a_dry_run_counts_and_changes_nothing(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = labeled(flow, "ben", job, "cat")
        labeled(flow, "cy", job, "dog")
        before, was = list(flow.events.since()), stored(flow, job)
        report = flow.jobs.change_template(
            job, [RenameOption("1", "dog", "hound"), DropOption("1", "cat")], by="ada", dry_run=True
        )
        assert (report.changed, report.unchanged, report.cannot) == (2, 0, 2)
        assert report.problems[0].where == f"task 1, assignment {assignment.id}, 1"
        assert (list(flow.events.since()), stored(flow, job)) == (before, was)

    def test_earlier_answers_and_those_of_abandoned_tasks_follow_too(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        flow.save_many(assignment, {1: Choice("cat"), 2: Choice("cat")})
        flow.abandon(assignment, 2, "dark")
        flow.release(assignment)
        flow.jobs.change_template(job, [RenameOption("1", "cat", "feline")], by="ada")
        assignment = taken(flow, "cy", job)
        previous = [item.previous for item in flow.tasks(assignment)]
        assert [answer.replies for answer in previous if answer] == [{"1": Choice("feline")}] * 2
        assert [answer.abandon_reason for answer in previous if answer] == [None, "dark"]
        invariants.check(flow)

    def test_what_is_kept_of_an_abandoned_task_comes_back_with_its_version(
        self, flow: Flow
    ) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("cat"))
        flow.jobs.change_template(job, [AddOption("1", "bird")], by="ada")
        assert flow.abandon(assignment, 1, "dark").template_version == 0
        flow.jobs.change_template(job, [RenameOption("1", "cat", "feline")], by="ada")
        restored = flow.restore(assignment, 1)
        assert (restored.reply, restored.template_version) == (Choice("feline"), 2)

    def test_reviews_go_on_with_what_has_followed(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Label(), Inspect(), Accept()))
        labeled(flow, "ben", job, "cat")
        assignment = taken(flow, "di", job, I)
        flow.modify(assignment, 1, Choice("dog"))
        steps = [RenameOption("1", "cat", "feline"), RenameOption("1", "dog", "hound")]
        assert flow.jobs.change_template(job, steps, by="ada").changed == 3
        assert [item.submitted.reply for item in flow.tasks(assignment) if item.submitted] == [
            Choice("feline")
        ] * 2
        flow.review(assignment)
        results = list(flow.results.list(job))
        assert [result.stages[I].replies for result in results] == [
            {"1": Choice("hound")},
            {"1": Choice("feline")},
        ]

    def test_votes_follow_one_by_one_and_a_dispute_ends_with_its_question(self, flow: Flow) -> None:
        # required, since votes on an optional text are never disputed
        note = attrs.evolve(NOTE, required=True)
        both = Template(questions=(*templates.image_classification(["cat", "dog"]).questions, note))
        job = cats(flow, tasks=2, workflow=Workflow(Label(votes=2, min_votes=2), Inspect()))
        flow.jobs.change_template(job, both, by="ada")
        for name, note, word in (("ben", "x", "cat"), ("cy", "y", "dog")):
            assignment = taken(flow, name, job)
            flow.save_many(
                assignment,
                {
                    1: {"1": Choice("cat"), "2": Text(note)},
                    2: {"1": Choice(word), "2": Text(note)},
                },
            )
            flow.submit(assignment)
        [package] = flow.packages.list(job)
        assert package.disputes == (1, 2)
        flow.jobs.change_template(
            job, [RenameOption("1", "cat", "feline"), DropQuestion("2")], by="ada"
        )
        [package] = flow.packages.list(job)
        assert package.disputes == (2,)
        merged = [answer for answer in stored(flow, job) if answer.member is None]
        assert [(answer.replies, answer.disputed) for answer in merged] == [
            ({"1": Choice("feline")}, ()),
            ({}, ("1",)),
        ]
        assignment = taken(flow, "di", job, I)
        votes = [vote.reply for item in flow.tasks(assignment) for vote in item.votes]
        assert sorted(vote.key for vote in votes if isinstance(vote, Choice)) == ["dog", "feline"]
        flow.modify(assignment, 2, Choice("dog"))
        flow.review(assignment)
        invariants.check(flow)

    def test_merged_votes_owe_the_new_template_no_more_than_the_old(self, flow: Flow) -> None:
        breed = Question("2", QuestionKind.INPUT, "Breed")
        asked = Question(
            "1", QuestionKind.RADIO, "Animal", (Option("cat"), Option("dog")), children=(breed,)
        )
        home = street(flow, "ben", "cy", "di")
        job = flow.jobs.create(
            home,
            "votes",
            template=Template(questions=(asked,)),
            data=rows(1),
            workflow=Workflow(Label(votes=2, min_votes=2), Inspect()),
            workforce={L: ["ben", "cy"], I: ["di"]},
            by="ada",
        )
        for name, word in (("ben", "cat"), ("cy", "dog")):
            assignment = taken(flow, name, job)
            flow.save(assignment, 1, {"1": Choice(word), "2": Text("mixed")})
            flow.submit(assignment)
        report = flow.jobs.change_template(job, [RenameOption("1", "cat", "feline")], by="ada")
        # the disputed animal has no merged reply, and so its breed has none
        assert (report.changed, report.unchanged) == (1, 2)
        with pytest.raises(InvalidData, match="3 answers would not fit"):
            flow.jobs.change_template(
                job, [AddQuestion(attrs.evolve(NOTE, id="3", required=True))], by="ada"
            )

    def test_pre_labels_follow_and_what_people_changed_is_counted_again(self, flow: Flow) -> None:
        asked = templates.image_classification(["cat", "kitten", "dog"])
        home = street(flow, "ben")
        job = flow.jobs.create(
            home, "pets", template=asked, data=rows(2), workforce={L: ["ben"]}, by="ada"
        )
        flow.jobs.prelabel(job, lambda tasks: [PreLabel(Choice("cat"))] * len(tasks), by="ada")
        assignment = taken(flow, "ben", job)
        flow.save_many(assignment, {1: Choice("kitten"), 2: Choice("dog")})
        flow.submit(assignment)
        assert flow.jobs.progress(job).corrected == 2
        assert (
            flow.jobs.change_template(job, [RenameOption("1", "kitten", "cat")], by="ada").changed
            == 1
        )
        assert flow.jobs.progress(job).corrected == 1
        invariants.check(flow)

    def test_a_model_that_was_asked_before_the_change_is_asked_again(self, flow: Flow) -> None:
        job = cats(flow)

        def late(tasks: Any) -> list[Any]:
            flow.jobs.change_template(job, [DropOption("1", "cat")], by="ada")
            return [Choice("cat")] * len(tasks)

        with pytest.raises(Conflict):
            flow.jobs.prelabel(job, late, by="ada")
        assert (
            flow.jobs.prelabel(job, lambda tasks: [Choice("cat")] * len(tasks), by="ada").failed
            == 4
        )
        assert (
            flow.jobs.prelabel(job, lambda tasks: [Choice("dog")] * len(tasks), by="ada").suggested
            == 4
        )
        assert {answer.template_version for answer in stored(flow, job)} == {1}

    def test_an_answer_saved_while_the_answers_are_checked_is_checked_too(self, flow: Flow) -> None:
        job = cats(flow, tasks=4, workflow=Workflow(Label(), Inspect()))
        assignment = taken(flow, "ben", job)
        with pytest.raises(InvalidData, match="1 answer would not fit: task 2, "):
            meanwhile(
                flow, lambda: flow.save(assignment, 2, Choice("cat")), job, [DropOption("1", "cat")]
            )
        assert flow.templates.get(job).version == 0
        meanwhile(
            flow,
            lambda: flow.save(assignment, 1, Choice("dog")),
            job,
            [DropOption("1", "cat", to="dog")],
        )
        assert replies_in(flow, job) == [{"1": Choice("dog")}] * 2

    def test_who_changes_the_template_first_wins(self, flow: Flow) -> None:
        job = cats(flow)
        with pytest.raises(Conflict):
            meanwhile(
                flow,
                lambda: flow.jobs.change_template(
                    job, [RenameOption("1", "cat", "feline")], by="ada"
                ),
                job,
                [RenameOption("1", "cat", "pet")],
            )
        assert flow.templates.get(job).questions[0].keys == {"feline", "dog"}


def meanwhile(flow: Flow, act: Callable[[], object], job: Job, steps: list[Any]) -> None:
    """Change a template, and call *act* right after its answers were checked."""
    look = service._check_answers

    def and_act(*given: Any) -> Any:
        seen = look(*given)
        service._check_answers = look
        act()
        return seen

    service._check_answers = and_act
    flow.jobs.change_template(job, steps, by="ada")


class Crash(Exception):
    """Stands for the end of the process."""


def crashing(flow: Flow, at: int, job: Job, steps: list[Any]) -> None:
    """Change a template, and crash in the transaction with this number."""
    engine = flow._engine
    transactions, begin = iter(range(1, at)), engine.transaction

    def until_then() -> Any:
        if next(transactions, None) is None:
            raise Crash
        return begin()

    engine.transaction = until_then  # type: ignore[method-assign]
    with pytest.raises(Crash):
        flow.jobs.change_template(job, steps, by="ada")
    del engine.transaction


class TestACrashInTheMiddle:
    STEPS = (RenameOption("1", "cat", "feline"), AddOption("1", "cat"))

    @pytest.mark.parametrize(
        "again", [[], [RenameOption("1", "feline", "pet")]], ids=["the rest", "the next change"]
    )
    @pytest.mark.parametrize("transaction", [1, 2, 3, 4])
    def test_called_again_it_goes_on_where_it_was(
        self, flow: Flow, transaction: int, again: list[Any]
    ) -> None:
        job = cats(flow)
        labeled(flow, "ben", job, "cat")
        labeled(flow, "cy", job, "cat")
        crashing(flow, transaction, job, list(self.STEPS))
        rest = transaction > 1
        assert flow.templates.get(job).version == int(rest)
        assert replies_in(flow, job).count({"1": Choice("feline")}) == 2 * (transaction - 2) * rest
        if rest:
            with pytest.raises(Incomplete, match="answers still follow a change"):
                flow.jobs.change_template(job, again, by="ada", dry_run=True)
            with pytest.raises(Incomplete, match="cannot export: answers still follow a change"):
                flow.results.export(job, "itag", "nowhere.manifest")
            report = flow.jobs.change_template(job, again, by="ada")
            last = "pet" if again else "feline"
            assert (
                (report.version, report.changed) == (2, 4) if again else (1, 2 * (4 - transaction))
            )
            assert replies_in(flow, job) == [{"1": Choice(last)}] * 4
        assert flow.jobs.get(job).pending_template_change is None
        invariants.check(flow)

    def test_the_rest_follows_even_when_the_job_was_archived(self, flow: Flow) -> None:
        job = cats(flow)
        labeled(flow, "ben", job, "cat")
        crashing(flow, 2, job, list(self.STEPS))
        flow.jobs.archive(job, by="ada")
        assert flow.jobs.change_template(job, [], by="ada").changed == 2
        assert flow.jobs.get(job).pending_template_change is None
        with pytest.raises(NotAllowed, match="is archived, and read-only"):
            flow.jobs.change_template(job, [], by="ada")

    def test_who_ends_an_assignment_meanwhile_carries_the_package_over_first(
        self, flow: Flow
    ) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Label(votes=2, min_votes=2), Inspect()))
        labeled(flow, "ben", job, "cat")
        assignment = taken(flow, "cy", job)
        flow.save(assignment, 1, Choice("cat"))
        crashing(flow, 2, job, list(self.STEPS))
        flow.save(assignment, 2, Choice("cat"))  # the new cat, which is another than ben's
        flow.submit(assignment)
        merged = [answer for answer in stored(flow, job) if answer.member is None]
        assert [(answer.replies, answer.disputed) for answer in merged] == [
            ({"1": Choice("feline")}, ()),
            ({}, ("1",)),
        ]
        assert flow.jobs.change_template(job, [], by="ada").changed == 0
        assert replies_in(flow, job)[3] == {"1": Choice("cat")}
        invariants.check(flow)

    def test_replies_that_are_kept_meanwhile_still_follow(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("cat"))
        crashing(flow, 2, job, list(self.STEPS))
        flow.abandon(assignment, 1, "dark")
        flow.jobs.change_template(job, [], by="ada")
        assert flow.restore(assignment, 1).reply == Choice("feline")


@st.composite
def steps(draw: st.DrawFn, template: Template) -> list[Any]:
    """A few steps, each possible after those before it."""
    found = list[Any]()
    for _ in range(draw(st.integers(1, 4))):
        step = draw(st.one_of(*map(st.sampled_from, _possible(template))))
        try:
            template = template_changes_rules.make_migration(template, [step]).after
        except InvalidData as refused:
            assert all(problem.where.startswith("step 1") for problem in refused.problems)
        else:
            found.append(step)
    return found


def _possible(template: Template) -> list[list[Any]]:
    renames, drops, questions = (
        list[Any](),
        list[Any](),
        [AddQuestion(attrs.evolve(NOTE, id="9"), reply=Text("new"))],
    )
    for id, about, question in _places(template):
        renames.append(RenameQuestion(id, "Another title", about=about))
        questions.append(DropQuestion(id, about=about))
        for key in sorted(question.keys):
            renames += [
                RenameOption(id, key, new, about=about) for new in ("new key", min(question.keys))
            ]
            drops += [DropOption(id, key, to, about=about) for to in (None, max(question.keys))]
        if question.kind in CHOOSING | MARKING:
            child = attrs.evolve(NOTE, id="8", title="Inner")
            questions.append(AddQuestion(child, inside=id, about=about, reply=Text("new")))
        if question.keys:
            questions.append(AddOption(id, "added", about=about))
    return [found for found in (renames, drops, questions) if found]


def _places(template: Template) -> list[tuple[str, str, Question]]:
    """Every question by its id, and those about annotations by their title."""
    found = [(question.id, "", question) for question in template.asked]
    for question in template.asked:
        inner = [
            asked for child in (*question.children, *question.relations) for asked in child.every
        ]
        found += [(question.id, asked.title, asked) for asked in inner if question.kind in MARKING]
    return found


@given(st.sampled_from(sorted(ALL)), st.data())
def test_whatever_can_be_carried_over_fits_the_new_template(name: str, data: st.DataObject) -> None:
    template = ALL[name]
    migration = template_changes_rules.make_migration(template, data.draw(steps(template)))
    answer = make_answer(replies=data.draw(replies(template)))
    carried = template_changes_rules.migrate_answer(migration, answer)
    if isinstance(carried, list):
        assert carried
    else:
        assert not find_problems(migration.after, carried.replies)
        assert carried.template_version == int(carried.replies != answer.replies)
        assert template_changes_rules.migrate_answer(migration, carried) == carried, (
            "who has followed stays"
        )


@given(st.sampled_from(sorted(ALL)), st.data())
def test_renaming_there_and_back_is_as_if_nothing_had_been(name: str, data: st.DataObject) -> None:
    template = ALL[name]
    id, about, question = data.draw(st.sampled_from(_places(template)))
    there: Any = RenameQuestion(id, "Another title", about=about)
    back: Any = RenameQuestion(id, question.title, about="Another title" if about else "")
    if question.keys and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(question.keys)))
        there, back = (
            RenameOption(id, key, "new key", about=about),
            RenameOption(id, "new key", key, about=about),
        )
    answer = make_answer(replies=data.draw(replies(template)))
    one = template_changes_rules.make_migration(template, [there])
    two = template_changes_rules.make_migration(one.after, [back])
    halfway = template_changes_rules.migrate_answer(one, answer)
    assert isinstance(halfway, Answer)
    assert not find_problems(one.after, halfway.replies)
    home = template_changes_rules.migrate_answer(two, halfway)
    assert isinstance(home, Answer)
    assert home.replies == answer.replies
    assert two.after == attrs.evolve(template, version=2)
    assert (
        template_changes_rules.migrate_answer(
            template_changes_rules.make_migration(template, [there, back]), answer
        )
        is answer
    )
