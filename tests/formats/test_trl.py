"""TRL: judgments of responses go out as its trainers read them, and come back."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount

from itagflow import (
    Choice,
    InvalidData,
    Preference,
    Ranking,
    Rating,
    Result,
    Stage,
    Task,
    TaskState,
    Template,
    Text,
    formats,
    templates,
)
from itagflow.errors import Problem
from itagflow.formats import kit
from itagflow.model import Row, StageResult
from itagflow.templates import Option, Question, QuestionKind, Scale, View

quiet = settings(
    deadline=None, max_examples=amount(20, 300), suppress_health_check=list(HealthCheck)
)
PAIRS = templates.pairwise_preference(degrees=3, comment=True)
RANKED = templates.preference_ranking(["a", "b", "c"])
SHOWN = (View("Text", "prompt"), View("Text", "response"))
RATED = Template(
    questions=[Question("1", QuestionKind.RATING, "How good?", scale=Scale(1, 5))], views=SHOWN
)
CHOSEN = Template(
    questions=[Question("1", QuestionKind.RADIO, "Good?", [Option("yes"), Option("no")])],
    views=SHOWN,
)
WRITTEN = Template(
    questions=[Question("1", QuestionKind.OPEN_ENDED, "What would you say?")],
    views=[View("Text", "prompt")],
)
SKY = {"prompt": "The sky is", "a": " blue.", "b": " green.", "c": " red.", "response": " blue."}
CHAT = {
    "prompt": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What color is the sky?"},
    ],
    "a": "Blue.",
    "b": [{"role": "assistant", "content": "Green."}],
}


def a_result(said: Any, number: int = 1, data: Any = None) -> Result:
    made = {Stage.LABEL: StageResult(stage=Stage.LABEL, replies=said, round=1, member=2)}
    row = json.dumps({"data": data or SKY})
    task = Task(job=4, number=number, package=1, row=row)
    return Result(task=task, state=TaskState.FINAL, stages=made)


def written(
    results: Iterable[Result], template: Template, **more: Any
) -> tuple[list[Any], dict[str, int]]:
    file = io.BytesIO()
    report = formats.write("trl", results, file, template=template, **more)
    return [json.loads(line) for line in file.getvalue().splitlines()], dict(report.losses)


def rows_of(reply: Any, template: Template, data: Any = None, **more: Any) -> list[Any]:
    rows, losses = written([a_result({"1": reply}, data=data)], template, **more)
    assert losses == {}
    return rows


def read(lines: Iterable[Any], template: Template | None, **more: Any) -> list[Row | Problem]:
    content = "".join(f"{json.dumps(line)}\n" for line in lines)
    return list(formats.read("trl", io.BytesIO(content.encode()), template=template, **more))


class TestPairs:
    def test_have_the_prompt_and_the_better_response_first(self) -> None:
        assert rows_of(Preference("b"), PAIRS) == [
            {"prompt": "The sky is", "chosen": " green.", "rejected": " blue."}
        ]

    def test_can_be_conversations(self) -> None:
        asked = {"role": "user", "content": "The sky is"}
        assert rows_of(Preference("a"), PAIRS, conversational=True) == [
            {
                "prompt": [asked],
                "chosen": [{"role": "assistant", "content": " blue."}],
                "rejected": [{"role": "assistant", "content": " green."}],
            }
        ]

    def test_messages_of_the_data_stay_as_they_are(self) -> None:
        (row,) = rows_of(Preference("b"), PAIRS, CHAT, conversational=True)
        assert row["prompt"] == CHAT["prompt"]
        assert row["chosen"] == CHAT["b"]
        assert row["rejected"] == [{"role": "assistant", "content": "Blue."}]

    def test_have_no_place_for_ties(self) -> None:
        ties = [None, "both good", "both bad"]
        results = [
            a_result({"1": Preference(None, tie=tie)}, number) for number, tie in enumerate(ties, 1)
        ]
        rows, losses = written(results, PAIRS)
        assert rows == []
        assert losses == {"ties": 1, "ties with both good": 1, "ties with both bad": 1}
        with pytest.raises(InvalidData, match=r"ties.*lossy='report'"):
            written(results, PAIRS, lossy="error")

    def test_can_have_the_degree_as_a_margin(self) -> None:
        result = a_result({"1": Preference("a", degree=3)})
        rows, losses = written([result], PAIRS, margin=True)
        assert (rows[0]["margin"], losses) == (3.0, {})
        rows, losses = written([result], PAIRS)
        assert list(rows[0]) == ["prompt", "chosen", "rejected"]
        assert losses == {"degrees of preferences": 1}

    def test_of_a_ranking_are_all_there_are(self) -> None:
        rows = rows_of(Ranking(["c", "a", "b"]), RANKED)
        assert [(row["chosen"], row["rejected"]) for row in rows] == [
            (" red.", " blue."),
            (" red.", " green."),
            (" blue.", " green."),
        ]

    def test_a_comment_is_lost_and_what_nobody_has_answered_is_no_row(self) -> None:
        said = {"1": Preference("a"), "2": Text("close")}
        rows, losses = written([a_result(said), a_result(None, 2), a_result({}, 3)], PAIRS)
        assert len(rows) == 1
        assert losses == {"answers of further questions": 1}

    @pytest.mark.parametrize(
        ("data", "more", "reason"),
        [
            ({"prompt": "x", "a": "y"}, {}, "data.b: must be a text, not None"),
            (CHAT, {}, "with conversational=True it can be messages"),
            ({**CHAT, "a": 3}, {"conversational": True}, "data.a: must be a text, or messages"),
            ({**CHAT, "a": [{"role": 3}]}, {"conversational": True}, "data.a: must be a text, or"),
            ({**CHAT, "a": []}, {"conversational": True}, "data.a: must be a text, or messages"),
            (SKY, {"prompt": "question"}, "data.question: must be a text, not None"),
        ],
    )
    def test_a_row_without_the_texts(self, data: Any, more: Any, reason: str) -> None:
        with pytest.raises(InvalidData, match=reason):
            written([a_result({"1": Preference("a")}, data=data)], PAIRS, **more)


class TestSingleResponses:
    def test_are_good_from_a_rating_on(self) -> None:
        results = [a_result({"1": Rating(value)}, value) for value in (3, 4, 5)]
        rows, losses = written(results, RATED, kind="unpaired", good="4")
        assert [row["label"] for row in rows] == [False, True, True]
        assert (rows[0]["prompt"], rows[0]["completion"]) == ("The sky is", " blue.")
        assert losses == {}

    def test_are_good_by_an_option(self) -> None:
        more = {"kind": "unpaired", "good": "yes", "conversational": True}
        (row,) = rows_of(Choice("no"), CHOSEN, **more)
        assert row == {
            "prompt": [{"role": "user", "content": "The sky is"}],
            "completion": [{"role": "assistant", "content": " blue."}],
            "label": False,
        }

    @pytest.mark.parametrize(
        ("reply", "labels"),
        [
            (Preference("a"), [True, False]),
            (Preference("b"), [False, True]),
            (Preference(None, tie="both good"), [True, True]),
            (Preference(None, tie="both bad"), [False, False]),
        ],
    )
    def test_of_a_comparison_are_two(self, reply: Any, labels: list[bool]) -> None:
        rows = rows_of(reply, PAIRS, kind="unpaired")
        assert [row["label"] for row in rows] == labels
        assert [row["completion"] for row in rows] == [" blue.", " green."]

    def test_of_a_tie_that_says_no_more_are_none(self) -> None:
        rows, losses = written([a_result({"1": Preference(None)})], PAIRS, kind="unpaired")
        assert rows == []
        assert losses == {"ties, of which nobody said whether both are good": 1}

    @pytest.mark.parametrize("good", [None, "", "1", "6", "nan", "good", "-inf"])
    def test_what_is_good_must_be_said(self, good: Any) -> None:
        with pytest.raises(
            InvalidData, match=r"good: must be the least rating .* above 1, up to 5"
        ):
            written([], RATED, kind="unpaired", good=good)
        with pytest.raises(InvalidData, match="good: must be the key of the option"):
            written([], CHOSEN, kind="unpaired", good=good)


class TestMessages:
    def test_are_the_prompt_and_what_a_member_wrote(self) -> None:
        (row,) = rows_of(Text("It is blue."), WRITTEN, kind="messages")
        assert row == {
            "messages": [
                {"role": "user", "content": "The sky is"},
                {"role": "assistant", "content": "It is blue."},
            ]
        }

    def test_go_on_with_a_conversation(self) -> None:
        (row,) = rows_of(Text("Blue."), WRITTEN, CHAT, kind="messages")
        assert row["messages"] == [*CHAT["prompt"], {"role": "assistant", "content": "Blue."}]


def test_a_template_that_asks_nothing_of_the_kind() -> None:
    with pytest.raises(InvalidData, match="has no RANKING or PREFERENCE question"):
        written([], RATED)
    with pytest.raises(InvalidData, match="has no INPUT or OPEN_ENDED or TEXT_EDIT question"):
        written([], RATED, kind="messages")
    with pytest.raises(InvalidData, match="with the title or id 'Other'"):
        written([], PAIRS, question="Other")


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user"]), "content": texts}),
    min_size=1,
    max_size=3,
)


@st.composite
def examples(draw: st.DrawFn) -> tuple[Template, dict[str, Any], list[Result]]:
    """A template, how its answers are written, and results that lose nothing."""
    preferences = st.builds(Preference, st.sampled_from("ab"), st.integers(1, 3))
    template, replies, more = draw(
        st.sampled_from(
            [
                (PAIRS, preferences, {"margin": True}),
                (RATED, st.integers(1, 5).map(Rating), {"kind": "unpaired", "good": "3"}),
                (
                    CHOSEN,
                    st.sampled_from(["yes", "no"]).map(Choice),
                    {"kind": "unpaired", "good": "no"},
                ),
                (WRITTEN, texts.map(Text), {"kind": "messages"}),
            ]
        )
    )
    is_conversational = draw(st.booleans()) and template is not WRITTEN
    prompts = texts | messages if is_conversational or template is WRITTEN else texts
    fields = {"a": texts, "b": texts, "response": texts, "prompt": prompts}
    results = [
        a_result({"1": draw(replies)}, number, draw(st.fixed_dictionaries(fields)))
        for number in range(1, draw(st.integers(1, 4)) + 1)
    ]
    if is_conversational:
        more = {**more, "conversational": True}
    return template, more, results


@given(examples())
@quiet
def test_what_comes_back_goes_out_as_the_same_rows(
    example: tuple[Template, dict[str, Any], list[Result]],
) -> None:
    template, more, results = example
    rows, losses = written(results, template, **more)
    assert losses == {}
    reading = {name: more[name] for name in ("kind", "good") if name in more}
    again = []
    for number, row in enumerate(read(rows, template, **reading), 1):
        assert isinstance(row, Row), row
        said = kit.parse_row(row, template)[Stage.LABEL]
        again.append(a_result(said, number, json.loads(row.text)["data"]))
    assert written(again, template, **more)[0] == rows


class TestWhatIsRead:
    def test_without_a_template_is_data(self) -> None:
        line = {"prompt": "x", "chosen": "y", "rejected": "z"}
        (row,) = read([line], None)
        assert isinstance(row, Row)
        assert json.loads(row.text) == {"data": line}

    @pytest.mark.parametrize(
        ("line", "template", "more", "reason"),
        [
            ({"prompt": "x", "chosen": "y"}, PAIRS, {}, "line 1: lacks 'rejected'"),
            ([], PAIRS, {}, "line 1: must be an object"),
            (
                {"prompt": "x", "chosen": "y", "rejected": "z", "margin": 1.5},
                PAIRS,
                {},
                "line 1: margin must be a degree, from 1, not 1.5",
            ),
            (
                {"prompt": "x", "completion": "y", "label": 1},
                RATED,
                {"kind": "unpaired", "good": "4"},
                "line 1: label must be true or false, not 1",
            ),
            (
                {"prompt": "x", "completion": "y", "label": True},
                PAIRS,
                {"kind": "unpaired"},
                "line 1: says no answer to this question: a pair is read of two options",
            ),
            (
                {"messages": [{"role": "user", "content": "Hi"}]},
                WRITTEN,
                {"kind": "messages"},
                "line 1: the last of its messages must be of the assistant",
            ),
            (
                {"messages": "Hi"},
                WRITTEN,
                {"kind": "messages"},
                "line 1: the last of its messages must be of the assistant",
            ),
            (
                {"messages": [{"role": "assistant", "tool_calls": []}]},
                WRITTEN,
                {"kind": "messages"},
                "line 1: lacks 'content'",
            ),
        ],
    )
    def test_a_line_that_is_none(
        self, line: Any, template: Template, more: Any, reason: str
    ) -> None:
        (problem,) = read([line], template, **more)
        assert str(problem) == reason

    def test_a_line_that_is_no_json(self) -> None:
        (problem,) = formats.read("trl", io.BytesIO(b"{"), template=PAIRS)
        assert str(problem).startswith("line 1: ")

    def test_of_several_options_that_mean_a_bad_response_none_is_taken(self) -> None:
        options = [Option(key) for key in ("good", "wrong", "rude")]
        several = attrs.evolve(CHOSEN.questions[0], options=options)
        template = Template(questions=[several], views=SHOWN)
        lines = [{"prompt": "x", "completion": "y", "label": label} for label in (True, False)]
        first, second = read(lines, template, kind="unpaired", good="good")
        assert isinstance(first, Row)
        assert str(second) == "line 2: label is false, and several options mean a bad response"


def test_lines_end_only_where_rows_do() -> None:
    data = {**SKY, "prompt": "one\u2028two\u0085three"}
    file = io.BytesIO()
    formats.write("trl", [a_result({"1": Preference("a")}, data=data)], file, template=PAIRS)
    assert len(file.getvalue().decode().splitlines()) == 1
    assert json.loads(file.getvalue())["prompt"] == data["prompt"]
