"""Votes on one task become one answer, or a dispute."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from itagflow import (
    AssignmentState,
    Box,
    Choice,
    Choices,
    Label,
    Merge,
    Rating,
    Regions,
    Text,
)
from itagflow.labeling.voting import (
    MergeCall,
    MergeCalls,
    MergeOutcome,
    VotedRound,
    VotingRules,
    is_to_be_decided,
    make_voting_rules,
    merge,
    merge_round,
    remake_voting_rules,
)
from itagflow.model import MergeReport, OnDispute, Outcome
from itagflow.model.change import Context
from itagflow.model.reply import Reply
from itagflow.model.task import Answer
from itagflow.templates import Option, Question, QuestionKind
from itagflow.testing import make_answer, make_assignment, make_template
from itagflow.testing.builders import AT

CTX = Context(AT, 1, 2)
CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}
RADIO = make_template()


def votes(*replies: Reply | None) -> list[Answer]:
    return [make_answer(replies={} if reply is None else {"1": reply}) for reply in replies]


def by(least: int, *, keeps: bool = False, **merges: str | Merge) -> VotingRules:
    rules = {
        id.strip("q"): Merge(rule) if isinstance(rule, str) else rule for id, rule in merges.items()
    }
    on_dispute = OnDispute.KEEP if keeps else OnDispute.REVIEW
    return VotingRules(min_votes=least, merges=rules, on_dispute=on_dispute)


def winner(said: Sequence[Answer], least: int, kind: QuestionKind | None = None) -> Reply | None:
    template = RADIO
    if kind is not None:
        options = (Option("a"), Option("b")) if kind is QuestionKind.CHECKBOX else ()
        template = make_template(questions=(Question("1", kind, "Q", options),))
    merged = merge(template, said, by(least))
    if merged.disputed:
        assert merged.disputed == ("1",)
        return None
    assert merged.replies is not None
    return merged.replies.get("1")


def test_a_majority_wins() -> None:
    assert winner(votes(Choice("cat"), Choice("dog"), Choice("cat")), 2) == Choice("cat")


def test_too_few_equal_votes_are_a_dispute() -> None:
    assert winner(votes(Choice("cat"), Choice("dog"), Choice("cat")), 3) is None


def test_too_small_a_share_is_a_dispute_and_is_found_again_from_the_report() -> None:
    said = votes(*map(Choice, ("cat", "cat", "cat", "dog", "dog")))
    rules = attrs.evolve(by(1), agree=2 / 3)
    merged = merge(RADIO, said, rules)
    assert (merged.disputed, merged.replies) == (("1",), {})
    assert merged.report.questions["1"].reason == "60% of the votes agree, and 67% must"
    answer = make_answer(replies=merged.replies, disputed=merged.disputed, merge=merged.report)
    assert merge(RADIO, said, remake_voting_rules(answer, merged.report)) == merged
    assert merge(RADIO, said[:4], attrs.evolve(by(1), agree=0.75)).replies == CAT
    assert make_voting_rules(Label(votes=2, max_votes=3, agree=0.9), MergeCalls().find).agree == 0.9


def test_regions_agree_by_what_they_have_in_common() -> None:
    picture = make_template(questions=(Question("1", QuestionKind.PICTURE, "Q"),))
    first = Regions([Box(0, 0, 10, 10), Box(20, 20, 10, 10)], width=50, height=50)
    second = Regions([Box(1, 0, 10, 10), Box(20, 20, 10, 10)], width=50, height=50)
    third = Regions([Box(0, 0, 10, 10)], width=50, height=50)
    said = votes(first, second, third)
    # the pairs of them have 2 of 2, 2/3 and 2/3 in common
    assert merge(picture, said, attrs.evolve(by(1), agree=0.77)).disputed == ()
    merged = merge(picture, said, attrs.evolve(by(1), agree=0.8))
    assert merged.disputed == ("1",)
    reason = merged.report.questions["1"].reason
    assert reason == "the votes agree by 78% (F1), and must by 80%"


def test_a_tie_is_a_dispute_even_with_enough_votes() -> None:
    cats_and_dogs = votes(Choice("cat"), Choice("dog"), Choice("cat"), Choice("dog"))
    assert merge(RADIO, cats_and_dogs, by(2)).disputed == ("1",)


def test_no_reply_is_a_reply_too() -> None:
    optional = make_template(
        questions=(Question("1", "RADIO", "Q", [Option("cat")], required=False),)
    )
    merged = merge(optional, votes(None, None, Choice("cat")), by(2))
    assert merged.replies == {}
    assert merged.disputed == ()


def test_a_required_question_that_most_left_out_is_disputed() -> None:
    merged = merge(RADIO, votes(None, None, Choice("cat")), by(2))
    assert merged.disputed == ("1",)
    assert merged.report.questions["1"].reason == "most left it out, and it is required"


def test_choices_are_equal_in_any_order() -> None:
    said = votes(Choices(["a", "b"]), Choices(["b", "a"]))
    assert winner(said, 2, QuestionKind.CHECKBOX) == Choices(["a", "b"])


def test_texts_are_equal_in_any_spelling_and_with_spaces_around() -> None:
    said = votes(Text("é "), Text("e\u0301"), Text("e"))
    assert winner(said, 2, QuestionKind.INPUT) == Text("é ")


def test_regions_have_to_be_equal_where_the_rule_says_so() -> None:
    same = Regions([Box(1, 1, 2, 2)], width=9, height=9)
    other = Regions([Box(1, 1, 2, 3)], width=9, height=9)
    assert winner(votes(same, same), 2, QuestionKind.PICTURE) == same
    picture = make_template(questions=(Question("1", QuestionKind.PICTURE, "Q"),))
    assert merge(picture, votes(same, same, other), by(1, q1="equal")).disputed == ("1",)


def test_enough_voters_who_give_up_abandon_the_task() -> None:
    given_up = [make_answer(abandon_reason=reason) for reason in ("dark", "blurred", "dark")]
    merged = merge(RADIO, given_up, by(2))
    assert (merged.replies, merged.abandoned, merged.disputed) == (None, "dark", ())


def test_one_voter_who_gives_up_counts_as_no_vote() -> None:
    said = [make_answer(abandon_reason="dark"), *votes(Choice("cat"), Choice("cat"))]
    merged = merge(RADIO, said, by(2))
    assert merged.replies == {"1": Choice("cat")}
    assert merged.abandoned is None


def test_without_any_standing_vote_everything_is_disputed() -> None:
    assert merge(RADIO, [make_answer(abandon_reason="dark")], by(2)).disputed == ("1",)


def test_merged_votes_are_an_assignment_of_nobody() -> None:
    last = make_assignment(
        6, state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, token="t", version=2
    )
    first = attrs.evolve(last, id=5, member=8)
    given = [
        make_answer(1, assignment=5, replies=CAT),
        make_answer(1, assignment=6, replies=CAT, template_version=2),
        make_answer(2, assignment=5, replies=CAT),
        make_answer(2, assignment=6, replies=DOG),
        make_answer(3, assignment=5, abandon_reason="dark"),
        make_answer(3, assignment=6, abandon_reason="dark"),
    ]
    answers_by_task = {
        task: {vote.assignment: vote for vote in given if vote.task == task} for task in (1, 2, 3)
    }
    voted = VotedRound(
        last=last, assignments=[first, last], tasks=(1, 2, 3), answers=answers_by_task
    )
    assert voted.collect_votes() == [given[:2], given[2:4], given[4:]]
    merged, answers = merge_round(voted, RADIO, by(2), CTX, id=9)
    assert (merged.id, merged.member, merged.outcome) == (9, None, Outcome.MERGED)
    assert (merged.token, merged.version) == ("", 0)
    assert [(answer.task, answer.replies, answer.abandon_reason) for answer in answers] == [
        (1, CAT, None),
        (2, {}, None),
        (3, None, "dark"),
    ]
    assert [answer.disputed for answer in answers] == [(), ("1",), ()]
    assert {(answer.assignment, answer.member) for answer in answers} == {(9, None)}
    assert answers[0].template_version == 2


RATED = make_template(
    questions=(
        Question("1", "RATING", "Fluency"),
        Question("2", "INPUT", "Remark", required=False),
    )
)


def rates(member: int, value: float, remark: str) -> Answer:
    return make_answer(member=member, replies={"1": Rating(value), "2": Text(remark)})


def test_the_merged_answer_says_who_voted_the_counts_the_confidence_and_the_rule() -> None:
    merged = merge(RATED, [rates(2, 4, "fine"), rates(3, 4, "good"), rates(4, 5, "hm")], by(2))
    assert (merged.replies, merged.disputed, merged.kept) == ({"1": Rating(4)}, (), ("2",))
    assert (merged.report.voters, merged.report.min_votes) == ((2, 3, 4), 2)
    fluency, remark = merged.report.questions["1"], merged.report.questions["2"]
    assert (fluency.rule, fluency.voters, fluency.counts) == (Merge("median"), (2, 3, 4), (2, 1))
    assert fluency.confidence == 2 / 3
    assert (remark.rule, remark.confidence, remark.reason) == (Merge("keep"), None, "")


def test_who_gave_the_task_up_counts_for_no_question() -> None:
    gave_up = make_answer(member=9, abandon_reason="dark")
    merged = merge(RATED, [gave_up, rates(2, 4, ""), rates(3, 2, "")], by(1))
    assert (merged.report.voters, merged.report.abandoned_by) == ((9, 2, 3), (9,))
    assert merged.report.questions["1"].voters == (2, 3)
    assert merged.replies == {"1": Rating(2)}


def test_as_many_who_gave_it_up_as_answered_do_not_abandon_it() -> None:
    merged = merge(RADIO, [make_answer(abandon_reason="dark"), make_answer(replies=CAT)], by(1))
    assert (merged.replies, merged.abandoned) == (CAT, None)


NESTED = make_template(
    questions=(
        Question(
            "1",
            "RADIO",
            "Animal",
            [Option("cat"), Option("dog")],
            children=[Question("2", "INPUT", "Breed", when=["cat"])],
        ),
    )
)


def test_a_question_whose_condition_the_merged_replies_do_not_meet_is_dropped() -> None:
    persian = make_answer(replies={"1": Choice("cat"), "2": Text("Persian")})
    dog = make_answer(replies={"1": Choice("dog")})
    merged = merge(NESTED, [persian, dog, dog], by(2))
    assert (merged.replies, merged.disputed) == ({"1": Choice("dog")}, ())
    assert "2" not in merged.report.questions


def test_a_voter_who_was_not_asked_does_not_count_for_a_question() -> None:
    persian = make_answer(member=2, replies={"1": Choice("cat"), "2": Text("Persian")})
    dog = make_answer(member=3, replies={"1": Choice("dog")})
    merged = merge(NESTED, [persian, dog, persian], by(2))
    assert merged.replies == {"1": Choice("cat"), "2": Text("Persian")}
    assert merged.report.questions["2"].voters == (2, 2)
    assert merged.report.questions["2"].confidence == 1


def test_what_depends_on_a_disputed_question_is_not_asked() -> None:
    persian = make_answer(replies={"1": Choice("cat"), "2": Text("Persian")})
    merged = merge(NESTED, [persian, make_answer(replies={"1": Choice("dog")})], by(1))
    assert (merged.replies, merged.disputed) == ({}, ("1",))


def test_a_merged_reply_that_the_template_refuses_is_disputed() -> None:
    options = [Option("a"), Option("b"), Option("c")]
    template = make_template(questions=(Question("1", "CHECKBOX", "Q", options, max_count=1),))
    said = votes(*(Choices(keys) for keys in (["a"], ["b"], ["c"])))
    merged = merge(template, said, by(1, q1="each"))
    assert merged.disputed == ("1",)
    reason = merged.report.questions["1"].reason
    assert "no option chosen for the required question 'Q'" in reason


def ask(reply: Reply | None = None, reason: str = "") -> MergeCalls:
    calls = MergeCalls()
    call = MergeCall(1, RADIO.questions[0], "mine", (Choice("cat"), Choice("dog")))
    calls.add(call, MergeOutcome(reply=reply, reason=reason))
    return calls


def by_mine(calls: MergeCalls) -> VotingRules:
    return make_voting_rules(Label(votes=2, merge={"1": "mine"}), calls.find)


def test_a_function_of_the_application_decides() -> None:
    merged = merge(RADIO, votes(Choice("cat"), Choice("dog")), by_mine(ask(Choice("dog"))))
    assert (merged.replies, merged.disputed) == (DOG, ())
    assert merged.report.questions["1"].confidence == 0.5


def test_a_function_that_raised_or_found_nothing_makes_a_dispute() -> None:
    for calls, reason in (
        (ask(reason="'mine' raised ValueError: no"), "'mine' raised ValueError: no"),
        (ask(), "'mine' returned no reply"),
    ):
        merged = merge(RADIO, votes(Choice("cat"), Choice("dog")), by_mine(calls))
        assert merged.disputed == ("1",)
        assert merged.report.questions["1"].reason == reason


def test_what_a_function_said_of_other_votes_does_not_count() -> None:
    calls = ask(Choice("dog"))
    merge(RADIO, votes(Choice("cat"), Choice("cat")), by_mine(calls))
    assert [call.replies for call in calls.missing] == [(Choice("cat"), Choice("cat"))]


def test_a_merge_is_remade_by_the_rules_that_it_was_made_by() -> None:
    said = votes(Choice("cat"), Choice("dog"))
    for rules in (by(2), by(1, keeps=True), by_mine(ask(Choice("dog"))), by_mine(ask())):
        merged = merge(RADIO, said, rules)
        stored = make_answer(replies=merged.replies, disputed=merged.disputed, merge=merged.report)
        assert stored.merge is not None
        assert merge(RADIO, said, remake_voting_rules(stored, stored.merge)) == merged


def test_a_dispute_that_is_kept_is_not_left_to_a_review() -> None:
    open_one = make_answer(disputed=("1",), merge=MergeReport())
    kept = make_answer(disputed=("1",), merge=MergeReport(on_dispute=OnDispute.KEEP))
    assert is_to_be_decided(open_one)
    assert not is_to_be_decided(kept)
    assert not is_to_be_decided(make_answer(merge=MergeReport()))
