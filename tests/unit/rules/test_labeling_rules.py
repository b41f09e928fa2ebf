"""Answers: what they are about, what they say, and what of them is stored."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import attrs
import pytest
from support.facts import CTX, facts_of

from itagflow import (
    Answer,
    Choice,
    Incomplete,
    Inspect,
    InvalidData,
    Label,
    Ranking,
    Stage,
    Template,
    Text,
    Workflow,
    WrongState,
    templates,
)
from itagflow.errors import StaleVersion
from itagflow.labeling import rules
from itagflow.labeling.rules import shuffle_options
from itagflow.model import Outcome, Verdict
from itagflow.model.change import Context, split_answers
from itagflow.model.package import AssignmentState
from itagflow.model.terms import SaveTerms
from itagflow.results.rules import Case
from itagflow.templates import Option, Question, QuestionKind
from itagflow.testing.builders import (
    AT,
    make_answer,
    make_assignment,
    make_draft,
    make_job,
    make_package,
    make_task,
    make_template,
)

CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}


class TestOrder:
    """The options as they are shown to the holder."""

    def test_it_is_that_of_the_job_the_task_and_the_member(self) -> None:
        template = templates.preference_ranking(["a", "b", "c"])
        facts = facts_of(None, None, template=template)
        shown = [rules.shown_order(facts, task) for task in facts.tasks]
        assert shown == [shuffle_options(template, facts.job.seed, number, 2) for number in (1, 2)]
        replies = [Ranking(["a", "b", "c"]), Ranking(["c", "b", "a"])]
        outcome = rules.save_answers(facts, replies)
        assert [answer.order for answer in outcome.answers] == shown

    def test_what_is_abandoned_and_restored_keeps_it(self) -> None:
        old = make_answer(replies=CAT, order={"1": ("b", "a")})
        (given_up,) = rules.abandon(facts_of(old), "dark").answers
        assert given_up.order == old.order
        (restored,) = rules.restore(facts_of(given_up), None).answers
        assert restored.order == old.order


class TestSave:
    def test_a_first_answer_is_added(self) -> None:
        outcome = rules.save_answers(facts_of(None), [Choice("cat")])
        (answer,) = outcome.answers
        assert (answer.task, answer.replies, answer.template_version) == (1, CAT, 3)
        assert outcome.change is not None
        assert (outcome.change.add, outcome.change.save) == ((answer,), ())
        event = outcome.change.event
        assert (event.type, event.task, event.data) == ("save", 1, {})

    def test_another_answer_replaces_it_and_the_event_keeps_the_old_one(self) -> None:
        old = make_answer(replies=CAT)
        outcome = rules.save_answers(facts_of(old), [Choice("dog")])
        assert outcome.change is not None
        assert outcome.change.save == ((old, outcome.answers[0]),)
        assert outcome.change.event.data == {"previous": {"1": "was 1"}}

    def test_the_same_answer_changes_nothing(self) -> None:
        old = make_answer(replies=CAT, version=4)
        outcome = rules.save_answers(facts_of(old), [Choice("cat")])
        assert (outcome.answers, outcome.change) == ((old,), None)

    def test_of_several_answers_only_those_that_differ_are_stored(self) -> None:
        same, other = make_answer(1, replies=CAT), make_answer(2, replies=CAT)
        outcome = rules.save_answers(
            facts_of(same, other, None), [Choice("cat"), Choice("dog"), Choice("dog")]
        )
        assert outcome.answers[0] is same
        assert outcome.change is not None
        assert outcome.change.add == (outcome.answers[2],)
        assert outcome.change.save == ((other, outcome.answers[1]),)
        event = outcome.change.event
        assert event.task == 0
        assert event.data == {"answered": [2, 3], "previous": {"2": "was 2"}}

    def test_a_lease_counts_from_the_save(self) -> None:
        job = make_job(workflow=Workflow(Label(lease=timedelta(hours=1))))
        facts = facts_of(None, job=job)
        change = rules.save_answers(facts, [Choice("cat")]).change
        assert change is not None
        ((before, after),) = change.save
        assert before is facts.assignment
        assert after == attrs.evolve(facts.assignment, lease_until=AT + timedelta(hours=1))

    def test_a_review_saves_nothing(self) -> None:
        facts = facts_of(None, assignment=make_assignment(stage=Stage.INSPECT))
        with pytest.raises(WrongState, match="inspect"):
            rules.save_answers(facts, [Choice("cat")])

    @pytest.mark.parametrize(
        ("tasks", "scope", "message"),
        [
            ([make_task(1, package=2)], None, "is in package 2"),
            ([make_task(1)], (2, 3), "is not in the scope of .*: tasks 2, 3"),
            ([make_task(1), make_task(1)], None, "task 1: is answered twice"),
        ],
    )
    def test_tasks_must_be_in_scope_and_different(
        self, tasks: list[Any], scope: tuple[int, ...] | None, message: str
    ) -> None:
        answers = [None] * len(tasks)
        facts = facts_of(*answers, tasks=tasks, assignment=make_assignment(scope=scope))
        with pytest.raises(InvalidData, match=message):
            rules.save_answers(facts, [Choice("cat")] * len(tasks))

    def test_every_problem_of_every_task_is_listed(self) -> None:
        with pytest.raises(InvalidData) as caught:
            rules.save_answers(facts_of(None, None), [Choice("cow"), Text("cat")])
        assert [problem.where for problem in caught.value.problems] == ["task 1, 1", "task 2, 1"]


class TestAbandon:
    def test_saved_replies_stay_in_the_answer(self) -> None:
        old = make_answer(replies=CAT, template_version=2)
        outcome = rules.abandon(facts_of(old), "too dark")
        (answer,) = outcome.answers
        assert (answer.replies, answer.abandon_reason, answer.verdict) == (CAT, "too dark", None)
        assert answer.template_version == 2
        assert outcome.change is not None
        assert outcome.change.event.data == {"reason": "too dark", "previous": {"1": "was 1"}}

    def test_in_review_it_is_also_a_verdict(self) -> None:
        facts = facts_of(None, assignment=make_assignment(stage=Stage.INSPECT))
        assert rules.abandon(facts, "too dark").answers[0].verdict is Verdict.RIGHT

    @pytest.mark.parametrize(
        ("reason", "message"),
        [(" ", "is empty"), ("a\0", "NUL"), ("ugly", "'ugly' is not one of dark, blurred")],
    )
    def test_the_reason_is_one_of_the_template(self, reason: str, message: str) -> None:
        template = make_template(abandon_reasons=("dark", "blurred"))
        with pytest.raises(InvalidData, match=message):
            rules.abandon(facts_of(None, template=template), reason)


class TestRestore:
    def test_replies_come_back(self) -> None:
        old = make_answer(replies=CAT, abandon_reason="dark", template_version=2)
        (answer,) = rules.restore(facts_of(old), None).answers
        assert (answer.replies, answer.abandon_reason, answer.verdict) == (CAT, None, None)
        assert answer.template_version == 2

    def test_a_labeler_may_start_over_from_nothing(self) -> None:
        old = make_answer(abandon_reason="dark")
        assert rules.restore(facts_of(old), None).answers[0].replies is None

    @pytest.mark.parametrize("old", [None, make_answer(replies=CAT)])
    def test_it_must_be_abandoned(self, old: Answer | None) -> None:
        with pytest.raises(Incomplete, match="not abandoned"):
            rules.restore(facts_of(old), None)

    @staticmethod
    def labeled(answer: Answer) -> Case:
        job = make_job(workflow=Workflow(Label(lease=None), Inspect()))
        done = make_assignment(state=AssignmentState.DONE, outcome=Outcome.SUBMITTED)
        return Case(job, make_package(), [done], {5: answer}, 1)

    def test_a_reviewer_restores_what_the_labeler_abandoned(self) -> None:
        case = self.labeled(make_answer(replies=CAT, abandon_reason="dark"))
        facts = facts_of(None, assignment=make_assignment(6, stage=Stage.INSPECT))
        (answer,) = rules.restore(facts, case).answers
        assert (answer.assignment, answer.replies, answer.verdict) == (6, CAT, Verdict.RIGHT)

    def test_a_reviewer_cannot_restore_what_was_never_saved(self) -> None:
        case = self.labeled(make_answer(abandon_reason="dark"))
        facts = facts_of(None, assignment=make_assignment(6, stage=Stage.INSPECT))
        with pytest.raises(Incomplete, match="modify it instead"):
            rules.restore(facts, case)


class TestWrite:
    def test_new_answers_are_added_and_others_replace_what_is_stored(self) -> None:
        old, new, other = make_answer(1), make_answer(1, replies=CAT), make_answer(2, replies=CAT)
        assert split_answers([(old, new), (None, other)]) == ([other], [(old, new)])
        assert split_answers([]) == ([], [])

    def test_one_answer_is_an_event_of_its_task_and_several_are_one_event(self) -> None:
        one, two = make_answer(1, replies=CAT), make_answer(2, replies=CAT)
        single = rules.write_answers(facts_of(None), "save", [one], {"a": 1}).change
        assert single is not None
        assert (single.event.task, single.event.data) == (1, {"a": 1})
        both = rules.write_answers(facts_of(None, None), "save", [one, two], {"a": 1}).change
        assert both is not None
        assert (both.event.task, both.event.data) == (0, {"a": 1, "answered": [1, 2]})

    def test_the_data_that_is_given_stays_as_it_is(self) -> None:
        data: dict[str, Any] = {}
        rules.write_answers(facts_of(make_answer(1)), "save", [make_answer(1, replies=CAT)], data)
        assert data == {}

    def test_the_same_content_is_the_same_whenever_it_was_said(self) -> None:
        old = make_answer(replies=CAT)
        assert rules.has_same_content(old, attrs.evolve(old, seconds=9.0))
        for other in (
            {"comment": "no"},
            {"verdict": Verdict.WRONG},
            {"abandon_reason": "dark"},
            {"replies": {"1": Choice("dog")}},
        ):
            assert not rules.has_same_content(old, attrs.evolve(old, **other))

    def test_an_answer_has_the_place_of_its_assignment(self) -> None:
        answer = rules.make_answer(
            make_assignment(stage=Stage.INSPECT, round=2), 3, CTX, replies=CAT, template_version=4
        )
        assert (answer.key, answer.stage, answer.round, answer.member) == (
            (4, 5, 3),
            Stage.INSPECT,
            2,
            2,
        )
        assert (answer.replies, answer.template_version, answer.at) == (CAT, 4, AT)


class TestChecks:
    def test_a_task_of_another_package_or_scope_is_refused(self) -> None:
        rules.require_covered(make_assignment(scope=(1, 3)), make_task(3))
        with pytest.raises(InvalidData, match="is in package 2, not in that of"):
            rules.require_covered(make_assignment(), make_task(3, package=2))
        with pytest.raises(InvalidData, match=r"not in the scope .*: tasks 1, 3"):
            rules.require_covered(make_assignment(scope=(1, 3)), make_task(2))

    def test_a_task_is_answered_once_in_a_call(self) -> None:
        rules.require_different([make_task(1), make_task(2)])
        rules.require_different([])
        with pytest.raises(InvalidData) as refused:
            rules.require_different([make_task(n) for n in (3, 1, 3, 1, 2)])
        assert [problem.where for problem in refused.value.problems] == ["task 1", "task 3"]

    def test_a_reason_to_abandon_is_one_of_the_template_if_it_has_any(self) -> None:
        free, fixed = make_template(), make_template(abandon_reasons=("dark", "blurred"))
        rules.require_abandon_reason(free, "whatever")
        rules.require_abandon_reason(fixed, "dark")
        for template, reason, words in (
            (free, " ", "is empty"),
            (free, "\0", "NUL"),
            (fixed, "bright", "not one of dark, blurred"),
        ):
            with pytest.raises(InvalidData, match=words):
                rules.require_abandon_reason(template, reason)

    def test_replies_are_named_by_question_or_every_problem_by_its_task(self) -> None:
        template, two = make_template(), [make_task(1), make_task(2)]
        assert rules.fit_replies(template, two, [Choice("cat"), CAT]) == [CAT, CAT]
        with pytest.raises(InvalidData, match="answer to task 1") as one:
            rules.fit_replies(template, two[:1], [Choice("cow")])
        assert [problem.where for problem in one.value.problems] == ["1"]
        with pytest.raises(InvalidData, match="the answers") as both:
            rules.fit_replies(template, two, [Choice("cat"), Choice("cow")])
        assert [problem.where for problem in both.value.problems] == ["task 2, 1"]


class TestTerms:
    def test_a_version_that_is_not_expected_is_refused_and_all_are_named(self) -> None:
        old = [make_answer(1, replies=CAT), make_answer(2, replies=CAT, version=4)]
        facts = facts_of(*old, terms=SaveTerms(expected_version=3))
        new = [make_answer(1, replies=DOG), make_answer(2, replies=DOG)]
        with pytest.raises(StaleVersion) as caught:
            rules.require_expected_versions(facts, new)
        error = caught.value
        assert (error.task, error.expected, error.stored, error.others) == (1, 3, 1, (2,))

    def test_the_stored_answer_is_expected_by_any_version(self) -> None:
        old = make_answer(replies=CAT, version=4)
        facts = facts_of(old, terms=SaveTerms(expected_version=0))
        outcome = rules.write_answers(facts, "save", [make_answer(replies=CAT)])
        assert (outcome.answers, outcome.change) == ((old,), None)

    def test_versions_may_be_told_for_some_tasks_only(self) -> None:
        facts = facts_of(make_answer(replies=CAT), terms=SaveTerms(expected_version={2: 7}))
        rules.require_expected_versions(facts, [make_answer(replies=DOG)])

    def test_time_adds_up_over_versions_and_drafts(self) -> None:
        later = Context(AT + timedelta(seconds=60), 1, 2)
        terms = SaveTerms(seconds=5)
        old = make_answer(replies=CAT, seconds=2)
        outcome = rules.save_answers(facts_of(old, terms=terms, ctx=later), [Choice("dog")])
        assert outcome.answers[0].seconds == 7
        drafts = {1: make_draft(seconds=3)}
        outcome = rules.save_answers(
            facts_of(None, terms=terms, ctx=later, drafts=drafts), [Choice("dog")]
        )
        assert outcome.answers[0].seconds == 8
        assert outcome.removed_drafts == (drafts[1],)

    def test_an_equal_answer_gets_the_time_alone(self) -> None:
        later = Context(AT + timedelta(seconds=60), 1, 2)
        old = make_answer(replies=CAT, seconds=2, version=4)
        facts = facts_of(old, terms=SaveTerms(seconds=5), ctx=later)
        outcome = rules.save_answers(facts, [Choice("cat")])
        assert outcome.change is None
        assert outcome.rewritten == outcome.answers == (attrs.evolve(old, seconds=7),)
        assert outcome.assignment is not None
        assert outcome.assignment[1].counted_at == later.at

    def test_thousandths_of_a_second_are_kept(self) -> None:
        assert rules.add_seconds(make_answer(), 1 / 3).seconds == 0.333

    def test_a_lease_counts_from_now_and_without_one_nothing_changes(self) -> None:
        facts = facts_of(None)
        assert rules.keep_up(facts, facts.assignment) is None
        leased = facts_of(None, job=make_job(workflow=Workflow(Label(lease=timedelta(hours=1)))))
        kept = rules.keep_up(leased, leased.assignment)
        assert kept is not None
        assert kept[1].lease_until == AT + timedelta(hours=1)

    def test_a_lease_that_moves_by_less_than_a_minute_is_not_stored(self) -> None:
        hour = timedelta(hours=1)
        job = make_job(workflow=Workflow(Label(lease=hour)))
        until = AT + hour - timedelta(seconds=59)
        facts = facts_of(None, job=job, assignment=make_assignment(lease_until=until))
        assert rules.keep_up(facts, facts.assignment) is None
        counted = attrs.evolve(facts.assignment, counted_at=AT)
        kept = rules.keep_up(facts, counted)
        assert kept is not None
        assert kept[1] == attrs.evolve(counted, lease_until=AT + hour)

    def test_a_program_is_named_in_its_answer(self) -> None:
        terms = SaveTerms(score=0.5, model="vit")
        outcome = rules.save_answers(facts_of(None, terms=terms), [Choice("cat")])
        assert (outcome.answers[0].score, outcome.answers[0].model) == (0.5, "vit")
        again = facts_of(outcome.answers[0], terms=SaveTerms(score=0.6, model="vit"))
        assert rules.save_answers(again, [Choice("cat")]).change is not None

    def test_restore_sent_again_changes_nothing(self) -> None:
        own = make_answer(replies=CAT)
        outcome = rules.restore(facts_of(own, was_restored=True), None)
        assert (outcome.answers, outcome.change) == ((own,), None)
        with pytest.raises(Incomplete):
            rules.restore(facts_of(own), None)


def test_what_was_handed_to_the_experts_is_not_answered() -> None:
    handed = facts_of(make_answer(escalation_reason=""))
    with pytest.raises(InvalidData, match="task 1: was handed to the experts"):
        rules.require_not_escalated(handed)
    with pytest.raises(InvalidData, match="handed to the experts"):
        rules.save_answers(handed, [Choice("cat")])
    with pytest.raises(InvalidData, match="handed to the experts"):
        rules.abandon(handed, "dark")
    rules.require_not_escalated(facts_of(make_answer(), None))


THREE = templates.preference_ranking(["a", "b", "c"])
SEED = 7


def test_the_order_has_every_option_once_and_does_not_change() -> None:
    shown = shuffle_options(THREE, SEED, 1, 2)
    assert sorted(shown["1"]) == ["a", "b", "c"]
    assert shuffle_options(THREE, SEED, 1, 2) == shown
    # written down: another release, or another version of Python, must say the same
    assert shown == {"1": ("b", "c", "a")}


@pytest.mark.parametrize("differs", ["seed", "task", "member"])
def test_each_job_task_and_member_has_an_order_of_its_own(differs: str) -> None:
    place = {"seed": SEED, "task": 1, "member": 2}
    orders = {shuffle_options(THREE, **{**place, differs: number})["1"] for number in range(1, 100)}
    assert len(orders) == 6


def test_every_order_is_as_frequent_as_the_others() -> None:
    counts = Counter(shuffle_options(THREE, SEED, task, 2)["1"] for task in range(6_000))
    assert len(counts) == 6
    # five standard deviations of a thousand
    assert all(850 < count < 1150 for count in counts.values())


def test_an_option_that_is_added_leaves_the_order_of_the_others() -> None:
    four = templates.preference_ranking(["a", "b", "c", "d"])
    for task in range(1, 50):
        shown = shuffle_options(four, SEED, task, 2)["1"]
        assert (
            tuple(key for key in shown if key != "d") == shuffle_options(THREE, SEED, task, 2)["1"]
        )


def test_options_inside_another_stay_behind_it() -> None:
    tree = (
        Option("animal", children=(Option("cat"), Option("dog"), Option("cow"))),
        Option("plant", children=(Option("oak"), Option("elm"))),
    )
    template = Template(questions=(Question("1", QuestionKind.RADIO, "What", tree, shuffle=True),))
    orders = {shuffle_options(template, SEED, task, 2)["1"] for task in range(500)}
    assert len(orders) == 2 * 6 * 2
    for shown in orders:
        first, last = shown.index("animal"), shown.index("plant")
        assert {shown[first + n] for n in (1, 2, 3)} == {"cat", "dog", "cow"}
        assert {shown[last + n] for n in (1, 2)} == {"oak", "elm"}


def test_only_questions_that_shuffle_have_an_order() -> None:
    plain, mixed = templates.image_classification(["cat", "dog"]), templates.pairwise_preference()
    assert shuffle_options(plain, SEED, 1, 2) == {}
    both = attrs.evolve(
        mixed,
        questions=(*mixed.questions, attrs.evolve(plain.questions[0], id="2")),
    )
    assert set(shuffle_options(both, SEED, 1, 2)) == {"1"}


def test_a_question_that_depends_on_another_has_an_order_too() -> None:
    finer = Question("2", QuestionKind.RADIO, "Color", (Option("x"), Option("y")), shuffle=True)
    template = Template(
        questions=(Question("1", QuestionKind.RADIO, "Kind", (Option("car"),), children=(finer,)),)
    )
    assert set(shuffle_options(template, SEED, 1, 2)) == {"2"}


def test_questions_with_the_same_options_show_them_in_the_same_order() -> None:
    pair = templates.pairwise_preference()
    twice = attrs.evolve(
        pair, questions=(*pair.questions, attrs.evolve(pair.questions[0], id="2", title="Safer"))
    )
    for task in range(1, 20):
        shown = shuffle_options(twice, SEED, task, 2)
        assert shown["1"] == shown["2"]


def test_merged_votes_were_shown_to_nobody() -> None:
    assert shuffle_options(THREE, SEED, 1, None) == {}


def test_questions_about_annotations_cannot_be_shuffled() -> None:
    kind = Question("2", QuestionKind.RADIO, "Kind", (Option("x"), Option("y")), shuffle=True)
    with pytest.raises(InvalidData, match="cannot have shuffle: it is about a part"):
        Template(questions=(Question("1", "PICTURE", "Objects", children=(kind,)),))
