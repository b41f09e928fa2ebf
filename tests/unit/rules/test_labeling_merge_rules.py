"""Each merge rule, with what it takes, what it refuses, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

from itagflow import (
    Box,
    Choice,
    Choices,
    Inspect,
    InvalidData,
    Label,
    Merge,
    Point,
    Preference,
    Ranking,
    Rating,
    Regions,
    Relation,
    Segment,
    Segments,
    Spans,
    Text,
    TextSpan,
    Workflow,
)
from itagflow.labeling import merge_rules as rules
from itagflow.labeling.merge_rules import Decision, Poll, explain_other_votes, with_merge_rules
from itagflow.model import Option, Question, QuestionKind, Scale
from itagflow.model.job import find_registered_names
from itagflow.model.reply import Reply
from itagflow.testing import make_template

RADIO = Question("1", "RADIO", "Animal", [Option("cat"), Option("dog")])
TAGS = Question("1", "CHECKBOX", "Tags", [Option("a"), Option("b"), Option("c")])
TAGS_2 = Question("3", "CHECKBOX", "Tags", [Option("a"), Option("b")])
FLUENCY = Question("1", "RATING", "Fluency", scale=Scale(1, 5))
CAT, DOG = Choice("cat"), Choice("dog")


def poll(question: Question, *replies: Reply | None, least: int = 1) -> Poll:
    return Poll(question, replies, least)


def rated(*values: float, least: int = 1, tolerance: float | None = None) -> Poll:
    return Poll(FLUENCY, [Rating(value) for value in values], least, tolerance)


@pytest.mark.parametrize(
    ("kind", "required", "name"),
    [
        ("RADIO", True, "majority"),
        ("CHECKBOX", False, "majority"),
        ("RANKING", True, "majority"),
        ("PREFERENCE", True, "majority"),
        ("RATING", True, "median"),
        ("INPUT", True, "majority"),
        ("INPUT", False, "keep"),
        ("OPEN_ENDED", True, "keep"),
        ("OPEN_ENDED", False, "keep"),
        ("TEXT_EDIT", True, "keep"),
        ("TEXT_EDIT", False, "keep"),
        ("PICTURE", True, "match"),
        ("SLOT", True, "match"),
        ("VIDEO", True, "match"),
    ],
)
def test_each_kind_has_a_default(kind: str, required: bool, name: str) -> None:
    # not built by the constructor of a kind: only kind and whether it is required are asked
    options = [Option("a"), Option("b")] if kind in ("RADIO", "CHECKBOX", "RANKING") else []
    if kind == "PREFERENCE":
        options = [Option("a"), Option("b")]
    question = Question("1", kind, "Q", options, required=required)
    assert rules.choose_default(question) == Merge(name)


def test_every_kind_of_question_has_a_default() -> None:
    assert set(rules.DEFAULTS) == set(QuestionKind)


def test_a_rule_of_numbers_or_options_is_for_its_kind_only() -> None:
    assert rules.find_rule_error(FLUENCY, Merge("median")) == ""
    assert rules.find_rule_error(RADIO, Merge("mine")) == ""
    reason = "'each' is a rule for CHECKBOX, and this is RADIO"
    assert rules.find_rule_error(RADIO, Merge("each")) == reason


def test_the_rule_is_found_by_its_name() -> None:
    decision = rules.merge_replies(Merge("median", tolerance=2), rated(3, 4, 5))
    assert decision.reply == Rating(4)


class TestMajority:
    def test_most_votes_win(self) -> None:
        decision = rules.merge_by_majority(poll(RADIO, CAT, DOG, CAT, least=2))
        assert decision == Decision(reply=CAT, counts=(2, 1), confidence=2 / 3)

    def test_too_few_equal_votes_are_a_dispute(self) -> None:
        decision = rules.merge_by_majority(poll(RADIO, CAT, DOG, CAT, least=3))
        assert (decision.reply, decision.reason) == (None, "too few equal votes: 2 of 3")

    def test_a_tie_is_a_dispute(self) -> None:
        decision = rules.merge_by_majority(poll(RADIO, CAT, DOG, None))
        assert decision.counts == (1, 1, 1)
        assert decision.reason == "no reply has more votes than any other"

    def test_leaving_it_out_wins_too(self) -> None:
        decision = rules.merge_by_majority(poll(RADIO, None, CAT, None))
        assert (decision.reply, decision.reason, decision.confidence) == (None, "", 2 / 3)

    def test_without_a_vote_nothing_wins(self) -> None:
        assert rules.merge_by_majority(poll(RADIO)).reason == "nobody who voted was asked"


class TestMedian:
    @pytest.mark.parametrize(
        ("values", "median", "confidence"),
        [
            ((3, 4, 5), 4, 1 / 3),
            ((5, 3), 3, 1 / 2),
            ((1, 1, 5), 1, 2 / 3),
            ((2,), 2, 1),
            ((1, 2, 4, 5), 2, 1 / 4),
        ],
    )
    def test_it_is_the_lower_middle_one(
        self, values: Sequence[float], median: float, confidence: float
    ) -> None:
        decision = rules.merge_by_median(rated(*values))
        assert (decision.reply, decision.confidence) == (Rating(median), confidence)

    def test_ratings_too_far_apart_are_a_dispute(self) -> None:
        decision = rules.merge_by_median(rated(3, 4, 5, tolerance=1))
        assert decision.reason == "the ratings are 2 apart, more than 1"
        assert rules.merge_by_median(rated(3, 4, 5, tolerance=2)).reply == Rating(4)

    def test_floats_that_are_not_exact_are_within_the_tolerance(self) -> None:
        tenths = Question("1", "RATING", "Q", scale=Scale(0, 1, step=0.1))
        said = Poll(tenths, [Rating(0.1), Rating(0.3)], 1, 0.2)
        assert 0.3 - 0.1 < 0.2 < 0.7 - 0.5 + 1e-9
        assert rules.merge_by_median(said).reply == Rating(0.1)

    def test_too_few_are_a_dispute(self) -> None:
        said = Poll(FLUENCY, [Rating(4), None], 2)
        assert rules.merge_by_median(said).reason == "too few equal votes: 1 of 2"

    def test_nobody_who_voted_was_asked(self) -> None:
        assert rules.merge_by_median(rated()).reason == "nobody who voted was asked"

    def test_most_leave_it_out(self) -> None:
        decision = rules.merge_by_median(Poll(FLUENCY, [Rating(4), None, None], 2))
        assert (decision.reply, decision.reason, decision.confidence) == (None, "", 2 / 3)


class TestMeanAndMode:
    def test_the_reply_is_on_the_scale_and_the_exact_mean_beside_it(self) -> None:
        decision = rules.merge_by_mean(rated(3, 4, 4))
        assert (decision.reply, decision.number) == (Rating(4), 11 / 3)
        assert rules.merge_by_mean(rated(3, 4)).reply == Rating(3)
        assert rules.merge_by_mean(rated()).number is None

    def test_a_mean_of_ratings_too_far_apart_is_a_dispute(self) -> None:
        decision = rules.merge_by_mean(rated(1, 5, tolerance=1))
        assert (decision.reply, decision.number) == (None, 3)

    def test_the_mode_is_the_most_frequent_and_of_several_the_lower_middle_one(self) -> None:
        assert rules.merge_by_mode(rated(1, 5, 5)).reply == Rating(5)
        assert rules.merge_by_mode(rated(1, 5)).reply == Rating(1)
        assert rules.merge_by_mode(rated(5, 3, 1)).reply == Rating(3)
        assert rules.merge_by_mode(rated()).reason

    @pytest.mark.parametrize(
        ("scale", "number", "nearest"),
        [
            (Scale(1, 5), 3.5, 3),
            (Scale(1, 5), 3.51, 4),
            (Scale(1, 5), 9, 5),
            (Scale(0, 1, step=0), 0.37, 0.37),
            (Scale(0, 1, step=0.1), 0.3, 0.3),
            (Scale(0, 10, step=4), 10, 8),
        ],
    )
    def test_the_nearest_number_is_on_the_scale(
        self, scale: Scale, number: float, nearest: float
    ) -> None:
        found = rules.find_nearest(scale, number)
        assert found == pytest.approx(nearest)
        assert found in scale


class TestKeep:
    def test_all_replies_are_kept_and_none_is_taken(self) -> None:
        question = Question("1", "OPEN_ENDED", "Remark")
        decision = rules.merge_by_keeping(poll(question, Text("a"), Text("b"), least=2))
        assert decision == Decision(counts=(1, 1), is_kept=True)

    def test_where_nobody_replied_nothing_is_kept(self) -> None:
        assert not rules.merge_by_keeping(poll(RADIO, None, None)).is_kept


class TestEach:
    def test_an_option_needs_more_than_half(self) -> None:
        said = poll(TAGS, Choices(["b", "a"]), Choices(["a"]), Choices(["a", "b"]))
        decision = rules.merge_each_option(said)
        assert decision == Decision(reply=Choices(["a", "b"]), counts=(3, 2, 0), confidence=2 / 3)

    def test_exactly_half_is_a_dispute(self) -> None:
        decision = rules.merge_each_option(poll(TAGS, Choices(["a"]), Choices(["a", "b"])))
        assert decision.reason == "exactly half of the votes chose 'b'"

    def test_most_leave_it_out(self) -> None:
        assert rules.merge_each_option(poll(TAGS, Choices(["a"]), None, None)).reply is None


class TestEqual:
    def test_all_have_to_say_the_same(self) -> None:
        assert rules.merge_if_equal(poll(RADIO, CAT, CAT)).reply == CAT
        assert (
            rules.merge_if_equal(poll(RADIO, CAT, CAT, DOG)).reason == "the replies are not equal"
        )

    def test_and_to_be_enough(self) -> None:
        assert rules.merge_if_equal(poll(RADIO, CAT, least=2)).reason


class TestLeftOut:
    def test_it_is_decided_where_most_leave_it_out_or_too_few_reply(self) -> None:
        assert rules.decide_left_out(poll(RADIO, CAT, None)) is None
        left_out = rules.decide_left_out(poll(RADIO, None, None, CAT, least=2))
        assert left_out == Decision(counts=(2, 1), confidence=2 / 3)
        too_few = rules.decide_left_out(poll(RADIO, CAT, None, least=2))
        assert too_few is not None
        assert too_few.reason


ONE, TWO = TextSpan(0, 4, "Acme", label="org"), TextSpan(9, 12, "Bee", label="org")
BOXES = [Box(0, 0, 5, 5, label="cat"), Box(1, 1, 5, 5, label="dog")]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (CAT, Choice("cat"), True),
        (CAT, DOG, False),
        (CAT, None, False),
        (None, None, True),
        (None, CAT, False),
        (CAT, Text("cat"), False),
        (Choices(["a", "b"]), Choices(["b", "a"]), True),
        (Choices(["a"]), None, False),
        (Text(" e\u0301"), Text("\u00e9"), True),
        (Ranking(["a", "b"]), Ranking(["b", "a"]), False),
        (Rating(3), Rating(3.0), True),
        (Preference("a"), Preference("a", degree=2), False),
        (Regions(BOXES, width=9, height=9), Regions(BOXES[::-1], width=9, height=9), True),
        (Regions(BOXES, width=9, height=9), Regions(BOXES, width=9, height=8), False),
        (Regions(BOXES, width=9, height=9), Regions(BOXES[:1], width=9, height=9), False),
        (Regions(BOXES, width=9, height=9), Regions(BOXES[:1] * 2, width=9, height=9), False),
        (Segments([Segment(0, 2)]), Segments([Segment(0, 2)]), True),
        (Segments([Segment(0, 2)]), Segments([Segment(0, 3)]), False),
        (
            Spans([ONE, TWO], [Relation(0, 1, label="owns")]),
            Spans([TWO, ONE], [Relation(1, 0, label="owns")]),
            True,
        ),
        (
            Spans([ONE, TWO], [Relation(0, 1, label="owns")]),
            Spans([ONE, TWO], [Relation(1, 0, label="owns")]),
            False,
        ),
        (Spans([ONE, TWO]), Spans([ONE, ONE]), False),
    ],
)
def test_replies_that_say_the_same(one: Reply | None, other: Reply | None, same: bool) -> None:
    assert rules.says_same(one, other) is same
    assert rules.says_same(other, one) is same


PICTURE = Question("1", "PICTURE", "Cars")


def boxes(*places: tuple[float, float], label: str = "car", width: int = 60) -> Regions:
    return Regions([Box(x, y, 10, 10, label=label) for x, y in places], width=width, height=60)


def matched(*replies: Reply | None, least: int = 1, **terms: float) -> Decision:
    return rules.merge_replies(Merge("match", **terms), poll(PICTURE, *replies, least=least))


def test_what_most_have_marked_is_their_mean() -> None:
    # the worked case of merge_marks: 90 of 110 are common to two of them
    decision = matched(boxes((0, 0)), boxes((1, 0)), boxes((2, 0)))
    assert decision.reply == boxes((1, 0))
    assert (decision.counts, decision.confidence, decision.agreement) == ((3,), 1, 1)
    two = matched(boxes((0, 0)), boxes(), boxes((0, 0)))
    assert (two.reply, two.counts, two.confidence) == (boxes((0, 0)), (2,), 2 / 3)
    assert two.agreement == pytest.approx(1 / 3)


def test_what_one_of_three_has_marked_is_disputed_though_one_vote_is_enough() -> None:
    decision = matched(boxes((0, 0), (20, 20)), boxes((1, 0), (50, 50)), boxes((0, 1)))
    assert (decision.reply, decision.counts) == (None, (3, 1, 1))
    assert decision.reason == (
        "'car' at (20, 20) was marked by 1 of 3; 'car' at (50, 50) was marked by 1 of 3"
    )
    assert matched(boxes((0, 0)), boxes()).reason == "'car' at (0, 0) was marked by 1 of 2"
    assert matched(boxes((0, 0))).reply == boxes((0, 0))


def test_min_votes_may_ask_for_more_than_most() -> None:
    said = [boxes((0, 0)), boxes((0, 0)), boxes()]
    assert matched(*said, least=2).reply == boxes((0, 0))
    assert matched(*said, least=3).reason == "'car' at (0, 0) was marked by 2 of 3"
    assert matched(said[0], said[1], None, least=3).reason == "too few equal votes: 2 of 3"


def test_when_annotations_are_the_same_is_a_term_of_the_rule() -> None:
    apart = [boxes((0, 0)), boxes((3, 0))]  # 70 of 130
    assert matched(*apart).reply == boxes((1.5, 0))
    assert matched(*apart, threshold=0.6).reason.count("was marked by 1 of 2") == 2
    points = [Regions([Point(x, 0, label="eye")], width=50, height=50) for x in (0, 3)]
    assert matched(*points).reply is None
    assert matched(*points, distance=3).reply == Regions(
        [Point(1.5, 0, label="eye")], width=50, height=50
    )


def test_marks_that_cannot_be_compared_are_disputed() -> None:
    decision = matched(boxes((0, 0)), boxes((0, 0), width=90))
    assert decision.reason == "a vote: is of an image of another size: 90x60, not 60x60"
    labels = matched(boxes((0, 0)), boxes((0, 0), label="van"))
    assert labels.reason == "'car' at (0, 0) has different labels"


def test_most_have_left_the_marks_out() -> None:
    decision = matched(None, None, boxes((0, 0)))
    assert (decision.reply, decision.reason) == (None, "")


def test_a_span_and_a_segment_end_where_a_person_has_ended_them() -> None:
    spans = [Spans([TextSpan(0, end, label="name")]) for end in (4, 5, 9)]
    slot = Question("1", "SLOT", "Names")
    assert rules.merge_by_matching(poll(slot, *spans)).reply == spans[1]
    segments = [Segments([Segment(0.0, end, label="a")], duration=9) for end in (2.0, 2.5, 4.0)]
    video = Question("1", "VIDEO", "Speakers")
    assert rules.merge_by_matching(poll(video, *segments)).reply == segments[1]


def test_the_order_of_votes_changes_no_decision() -> None:
    said = [Rating(value) for value in (1, 5, 4, 4, 2)]
    for name in ("majority", "median", "mean", "mode", "keep", "equal"):
        forward = rules.merge_replies(Merge(name), Poll(FLUENCY, said, 2))
        backward = rules.merge_replies(Merge(name), Poll(FLUENCY, said[::-1], 2))
        assert forward == backward, name


TEMPLATE = make_template(
    questions=(
        Question(
            "1",
            "RADIO",
            "Animal",
            [Option("cat"), Option("dog")],
            children=[Question("2", "RATING", "Size", when=["cat"])],
        ),
        Question("3", "INPUT", "Remark", required=False),
        Question("4", "INPUT", "Twice", required=False),
        Question("5", "INPUT", "Twice", required=False),
    )
)


def test_a_job_stores_the_rule_of_every_question_by_id() -> None:
    label = Label(votes=3, merge={"Size": Merge("mean", tolerance=1)}, on_dispute="keep")
    stored = with_merge_rules(Workflow(label), TEMPLATE).label
    assert {id: merge.name for id, merge in stored.merge.items()} == {
        "1": "majority",
        "2": "mean",
        "3": "keep",
        "4": "keep",
        "5": "keep",
    }
    assert stored.merge["2"].tolerance == 1
    assert with_merge_rules(Workflow(stored), TEMPLATE).label == stored


def test_one_vote_needs_no_rules_unless_some_are_given() -> None:
    assert with_merge_rules(Workflow(), TEMPLATE) == Workflow()
    given = with_merge_rules(Workflow(Label(merge={"1": "keep"})), TEMPLATE)
    assert given.label.merge["2"] == Merge("median")


def test_rules_that_fit_no_question_are_listed_together() -> None:
    merge = {"Colour": "keep", "Twice": "keep", "Animal": "median", "3": "keep", "Remark": "keep"}
    with pytest.raises(InvalidData) as caught:
        with_merge_rules(Workflow(Label(merge=merge)), TEMPLATE)
    problems = {problem.where: problem.reason for problem in caught.value.problems}
    assert list(problems) == [
        "merge['Colour']",
        "merge['Twice']",
        "merge['Animal']",
        "merge['Remark']",
    ]
    assert "the template has no such question" in problems["merge['Colour']"]
    assert "give one of their ids, '4', '5'" in problems["merge['Twice']"]
    assert "is a rule for RATING" in problems["merge['Animal']"]
    assert "by its title and by its id" in problems["merge['Remark']"]


def test_functions_of_the_application_are_named_once() -> None:
    label = Label(merge={"1": "mine", "2": "mine", "3": "keep", "4": "other"})
    assert find_registered_names(Workflow(label)) == ["mine", "other"]


def test_votes_may_be_raised_and_nothing_else_of_them_changed() -> None:
    old = Label(votes=2, merge={"1": "keep"})
    explain = explain_other_votes
    assert explain(old, attrs.evolve(old, votes=3)) == ""
    assert explain(old, attrs.evolve(old, min_votes=2)) == ""
    assert "cannot become fewer: they are 2, not 1" in explain(old, attrs.evolve(old, votes=1))
    assert "merge cannot change" in explain(old, attrs.evolve(old, merge={}))
    assert explain(Label(), Label(votes=2, merge={"1": "keep"})) == ""
    share = attrs.evolve(old, votes_package_share=0.5)
    assert "votes_package_share cannot change" in explain(old, share)
    adaptive = Label(votes=2, max_votes=3)
    assert explain(Label(votes=2), adaptive).startswith("max_votes cannot change")
    assert explain(adaptive, Label(votes=2, max_votes=3, agree=0.7)).startswith("agree cannot")
    assert explain(Label(votes=3), Label(votes=3, stop_early=True)).startswith("stop_early cannot")
    assert explain(Label(), adaptive) == ""


@pytest.mark.parametrize("more", [{"max_votes": 5}, {"stop_early": True}])
def test_each_question_has_a_point_at_which_its_votes_are_enough(more: dict[str, object]) -> None:
    label = Label(votes=3, merge={"Fluency": "mode"}, **more)  # type: ignore[arg-type]
    template = make_template(
        questions=(FLUENCY, Question("2", "INPUT", "Note", required=False), TAGS_2)
    )
    assert with_merge_rules(Workflow(label, Inspect()), template).label.merge["2"].name == "keep"
    with pytest.raises(InvalidData, match=r"'Fluency' \(1\) by another rule"):
        with_merge_rules(
            Workflow(Label(votes=3, **more), Inspect()),
            template,  # type: ignore[arg-type]
        )
    kept = Label(votes=3, merge={"1": "mode", "3": "keep"}, **more)  # type: ignore[arg-type]
    with pytest.raises(InvalidData, match=r"is not for 'keep'.*'Tags' \(3\)"):
        with_merge_rules(Workflow(kept, Inspect()), template)
    notes = make_template(questions=(Question("1", "INPUT", "Note", required=False),))
    with pytest.raises(InvalidData, match="all questions are kept"):
        with_merge_rules(
            Workflow(Label(votes=3, **more), Inspect()),
            notes,  # type: ignore[arg-type]
        )


def test_a_question_is_found_by_its_id_or_its_title() -> None:
    template = make_template()
    (question,) = rules.find_questions("1", template)
    assert rules.find_questions(question.title, template) == [question]
    assert rules.explain_number([question], template) == ""
    assert "no such question" in rules.explain_number([], template)
    assert "of several questions" in rules.explain_number([question, question], template)
