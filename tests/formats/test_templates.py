"""What can be asked, and what is an answer to it: every template, every kind of question."""

from __future__ import annotations

import inspect
import io
import json
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import ALL, TEXT, a_row, as_written, broken, replies

import itagflow
from itagflow import (
    Choice,
    Choices,
    Flow,
    InvalidData,
    Label,
    Role,
    Spans,
    Stage,
    Template,
    Text,
    TextSpan,
    templates,
)
from itagflow.formats import itag
from itagflow.templates import Option, Question, QuestionKind, View, ViewKind

# eight for each of some thirty templates, each with a store of its own
quiet = settings(
    deadline=None, max_examples=amount(8, 200), suppress_health_check=list(HealthCheck)
)


def an_assignment_with(flow: Flow, template: Template) -> tuple[Any, Any]:
    """A street where ben holds an assignment of one task of a job with *template*."""
    street = flow.workspaces.create("street", admin="ada")
    flow.members.add(street, "ben", Role.OPERATOR, by="ada")
    job = flow.jobs.create(
        street,
        "job",
        template=template,
        data=[a_row(template)],
        workforce={Stage.LABEL: ["ben"]},
        by="ada",
    )
    return job, flow.claim("ben", job, Stage.LABEL)


def test_every_template_function_is_among_those_that_are_tested() -> None:
    functions = {name for name in templates.__all__ if inspect.isfunction(getattr(templates, name))}
    # they make no template of their own
    convert = {"from_itag", "to_itag", "from_label_studio", "to_label_studio"}
    assert functions - set(ALL) == convert


@pytest.mark.parametrize("name", sorted(ALL))
@quiet
@given(data=st.data())
def test_answers_survive_store_and_export_and_import(name: str, data: st.DataObject) -> None:
    template = ALL[name]
    said = data.draw(replies(template))
    with itagflow.open("memory:") as flow:
        job, assignment = an_assignment_with(flow, template)
        assert flow.save(assignment, 1, said).replies == said
        flow.submit(assignment)
        (result,) = flow.results.list(job)
        assert result.replies == said
        target = io.BytesIO()
        flow.results.export(job, "itag", target)
    row = json.loads(target.getvalue())
    assert {"data": row["data"]} == a_row(template)
    elements = itag.blocks(row)[str(job.id)][Stage.LABEL]
    assert itag.parse(elements, template) == {id: as_written(reply) for id, reply in said.items()}


@pytest.mark.parametrize("name", sorted(ALL))
@quiet
@given(data=st.data())
def test_broken_answers_are_refused_with_every_path(name: str, data: st.DataObject) -> None:
    template = ALL[name]
    said = data.draw(replies(template))
    expected = {"9": "9"}
    for question in template.asked:
        if question.id in said and not question.dependents:
            said[question.id], expected[question.id] = data.draw(
                st.sampled_from(broken(question, said[question.id]))
            )
    said["9"] = Text("to a question that is not there")
    with itagflow.open("memory:") as flow:
        _, assignment = an_assignment_with(flow, template)
        before = list(flow.events.since())
        with pytest.raises(InvalidData) as refused:
            flow.save(assignment, 1, said)
        assert set(expected.values()) <= {problem.where for problem in refused.value.problems}
        assert list(flow.events.since()) == before
        assert next(flow.tasks(assignment)).answer is None


COLOR = Question("2", QuestionKind.INPUT, "Which color?", when=("other",), rule=r"[a-z]+")
KIND = Question(
    "1", QuestionKind.RADIO, "Kind", (Option("red"), Option("other")), children=(COLOR,)
)


class TestQuestionsThatDependOnAnother:
    def refused(self, said: dict[str, Any]) -> list[str]:
        with itagflow.open("memory:") as flow:
            _, assignment = an_assignment_with(flow, Template(questions=(KIND,)))
            try:
                flow.save(assignment, 1, said)
            except InvalidData as error:
                return [str(problem) for problem in error.problems]
            return []

    def test_they_are_asked_when_their_option_is_chosen(self) -> None:
        assert self.refused({"1": Choice("other"), "2": Text("teal")}) == []
        (problem,) = self.refused({"1": Choice("other")})
        assert problem.startswith("2: no reply")

    def test_and_only_then(self) -> None:
        assert self.refused({"1": Choice("red")}) == []
        (problem,) = self.refused({"1": Choice("red"), "2": Text("teal")})
        assert "only asked when 'other'" in problem

    def test_a_text_has_to_match_its_rule(self) -> None:
        (problem,) = self.refused({"1": Choice("other"), "2": Text("Teal 5")})
        assert problem.startswith("2: does not match the rule")

    def test_inside_a_region_they_are_told_by_title(self) -> None:
        detection = Question(
            "1", QuestionKind.PICTURE, "Objects", children=(attrs.evolve(KIND, id="1"),)
        )
        with itagflow.open("memory:") as flow:
            _, assignment = an_assignment_with(flow, Template(questions=(detection,)))
            box = itagflow.Box(0, 0, 5, 5, labels={"Kind": "other"})
            with pytest.raises(
                InvalidData, match="no reply to the required question 'Which color\\?'"
            ):
                flow.save(assignment, 1, itagflow.Regions([box], width=9, height=9))
            box = itagflow.Box(0, 0, 5, 5, labels={"Kind": "other", "Which color?": "teal"})
            assert flow.save(assignment, 1, itagflow.Regions([box], width=9, height=9)).reply


def test_an_option_inside_another_can_be_chosen() -> None:
    animals = Option("animal", children=(Option("cat"), Option("dog")))
    with itagflow.open("memory:") as flow:
        _, assignment = an_assignment_with(flow, templates.image_classification([animals]))
        assert flow.save(assignment, 1, Choice("dog")).reply == Choice("dog")
        with pytest.raises(InvalidData, match="the options are animal, cat, dog"):
            flow.save(assignment, 1, Choice("car"))


def test_the_text_of_a_span_is_filled_in() -> None:
    with itagflow.open("memory:") as flow:
        _, assignment = an_assignment_with(flow, templates.entity_recognition(["company"]))
        saved = flow.save(
            assignment, 1, Spans([TextSpan(0, 6, labels={"Text content": ("company",)})])
        )
        assert isinstance(saved.reply, Spans)
        assert saved.reply.spans[0].text == TEXT[:6] == "Acme 猫"


def test_votes_on_rankings_ratings_and_preferences_are_counted() -> None:
    template = templates.pairwise_preference()
    with itagflow.open("memory:") as flow:
        street = flow.workspaces.create("street", admin="ada")
        crew = [
            flow.members.add(street, name, Role.OPERATOR, by="ada") for name in ("ben", "cy", "di")
        ]
        flow_of_three = itagflow.Workflow(Label(votes=3, min_votes=2), itagflow.Accept())
        force = {Stage.LABEL: crew, Stage.ACCEPT: ["ada"]}
        job = flow.jobs.create(
            street,
            "votes",
            template=template,
            data=[a_row(template)],
            workflow=flow_of_three,
            workforce=force,
            by="ada",
        )
        for member, better in zip(crew, ("a", "b", "b"), strict=True):
            assignment = flow.claim(member, job, Stage.LABEL)
            flow.save(assignment, 1, itagflow.Preference(better))
            flow.submit(assignment)
        (result,) = flow.results.list(job)
        assert result.replies == {"1": itagflow.Preference("b")}


BAD_TEMPLATES = [
    ((), "at least one question"),
    ((KIND, attrs.evolve(KIND, children=())), "used twice"),
    ((Question("1", QuestionKind.RADIO, "Kind"),), "needs options"),
    ((Question("1", QuestionKind.INPUT, "", ()),), "needs a title"),
    ((Question("1", QuestionKind.INPUT, "Kind", (Option("a"),)),), "cannot have options"),
    ((Question("1", QuestionKind.PREFERENCE, "Better", (Option("a"),)),), "exactly two options"),
    ((Question("1", QuestionKind.INPUT, "Kind", when=("a",)),), "not inside one"),
    ((attrs.evolve(KIND, children=(attrs.evolve(COLOR, when=("blue",)),)),), "depends on 'blue'"),
    ((attrs.evolve(KIND, default="blue"),), "default that is not among its options"),
    ((attrs.evolve(KIND, rule="a+"),), "cannot have rule"),
    (
        (Question("1", QuestionKind.INPUT, "Code", rule=r"(a)\1"),),
        "an escape that is not understood here",
    ),
    ((Question("1", QuestionKind.INPUT, "Code", children=(COLOR,)),), "has questions inside it"),
    (
        (
            Question(
                "1", QuestionKind.PICTURE, "A", children=(Question("1", QuestionKind.SLOT, "B"),)
            ),
        ),
        "only be asked for",
    ),
    (
        (attrs.evolve(KIND, options=(Option("a", children=(Option("a"),)),), children=()),),
        "two options with the same key",
    ),
]


@pytest.mark.parametrize(("questions", "words"), BAD_TEMPLATES)
def test_a_template_that_makes_no_sense_is_refused(
    questions: tuple[Question, ...], words: str
) -> None:
    with pytest.raises(InvalidData, match=words):
        Template(questions=questions)


def test_a_row_needs_the_fields_of_nested_views_too() -> None:
    views = (View(ViewKind.IMAGE, "picture", (View(ViewKind.TEXT, "caption"),)),)
    with itagflow.open("memory:") as flow:
        street = flow.workspaces.create("street", admin="ada")
        with pytest.raises(InvalidData, match=r"data\.caption: is missing"):
            template = Template(questions=(KIND,), views=views)
            flow.jobs.create(
                street, "job", template=template, data=[{"data": {"picture": "1.jpg"}}], by="ada"
            )


def test_choices_keep_their_order() -> None:
    with itagflow.open("memory:") as flow:
        _, assignment = an_assignment_with(
            flow, templates.image_classification(["a", "b"], multiple=True)
        )
        assert flow.save(assignment, 1, Choices(["b", "a"])).reply == Choices(["b", "a"])
