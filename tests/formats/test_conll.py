"""CoNLL-2003: spans of texts go out as tags of words, and come back."""

from __future__ import annotations

import io
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.exported import a_result, read, write

import itagflow
from itagflow import InvalidData, Relation, Spans, Template, TextSpan, formats, templates
from itagflow.templates import Question, QuestionKind

quiet = settings(
    deadline=None, max_examples=amount(10, 300), suppress_health_check=list(HealthCheck)
)
NAMES = templates.entity_relation(["company", "old place"], ["bought"])
(ASKED,) = NAMES.questions
CLASS, HOLDS = ASKED.children[0].title, ASKED.relations[0].title
NOTED = attrs.evolve(
    NAMES,
    questions=[
        attrs.evolve(
            ASKED,
            children=[
                *ASKED.children, Question("9", QuestionKind.INPUT, "note", required=False)
            ],
        )
    ],
)  # fmt: skip
TEXT = "Acme Corp bought Initech , in Oslo\nIt was cheap"


def span(start: int, end: int, key: str = "company", text: str = TEXT) -> TextSpan:
    return TextSpan(start, end, text[start:end], labels={CLASS: (key,)})


def marked(*spans: Any, text: Any = TEXT, number: int = 1, relations: Any = ()) -> Any:
    return a_result({"1": Spans(spans, relations)}, number, {"source": text})


ACME, INITECH, OSLO = span(0, 9), span(17, 24), span(30, 34, "old place")


class TestWhatGoesOut:
    def test_a_word_is_a_line_with_its_tag(self) -> None:
        content, losses = write("conll", [marked(ACME, INITECH, OSLO), marked()], NAMES)
        lines = content.decode().splitlines()
        assert losses == {}
        assert lines[:11] == [
            "-DOCSTART- -X- O O",
            "",
            "Acme -X- _ B-company",
            "Corp -X- _ I-company",
            "bought -X- _ O",
            "Initech -X- _ B-company",
            ", -X- _ O",
            "in -X- _ O",
            "Oslo -X- _ B-old_place",
            "",
            "It -X- _ O",
        ]
        assert lines.count("-DOCSTART- -X- O O") == 2
        found = read("conll", content, NAMES)
        assert found == [{"1": Spans([ACME, INITECH, OSLO])}, {"1": Spans([])}]
        assert [row["data"]["source"] for row in read("conll", content, None)] == [TEXT, TEXT]

    def test_two_spans_of_a_class_beside_each_other_stay_two(self) -> None:
        content, losses = write("conll", [marked(span(0, 4), span(5, 9))], NAMES)
        assert (losses, read("conll", content, NAMES)) == (
            {}, [{"1": Spans([span(0, 4), span(5, 9)])}],
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("tokens", "words"),
        [
            ("words", "B2B - _x 猫犬 ."),
            ("characters", "B 2 B - _ x 猫 犬 ."),
            ("spaces", "B2B-_x 猫犬."),
        ],
    )
    def test_a_text_is_cut_as_asked(self, tokens: str, words: str) -> None:
        text = "B2B-_x 猫犬."
        content, losses = write("conll", [marked(text=text)], NAMES, tokens=tokens)
        found = [line.split()[0] for line in content.decode().splitlines()[2:] if line]
        assert found == words.split()
        lost = {} if words == text else {"texts with other spaces than one between words": 1}
        assert losses == lost

    def test_a_word_is_never_taken_for_the_beginning_of_a_document(self) -> None:
        text = "-DOCSTART- -DOCSTART-s x-DOCSTART-"
        content, _ = write("conll", [marked(text=text)], NAMES, tokens="spaces")
        (row,) = read("conll", content, None)
        assert row["data"]["source"] == "- DOCSTART- -DOCSTART-s x-DOCSTART-"

    def test_a_text_that_nobody_has_answered_is_not_one_with_nothing_in_it(self) -> None:
        content, _ = write("conll", [a_result(None, data={"source": TEXT})], NAMES)
        assert content == b""

    def test_the_text_may_be_in_another_field(self) -> None:
        result = a_result({"1": Spans([span(0, 4)])}, data={"source": 1, "words": "Acme"})
        content, _ = write("conll", [result], NAMES, field="words")
        (row,) = read("conll", content, None, field="words")
        assert row == {"data": {"words": "Acme"}}


LABELED: Any = {CLASS: ("company",)}


class TestWhatItCannotHold:
    @pytest.mark.parametrize(
        ("spans", "lost", "kept"),
        [
            ([span(0, 6)], "spans that begin or end inside of a word, or at a space", 0),
            ([span(1, 4)], "spans without a whole word", 0),
            ([span(0, 5)], "spans that begin or end inside of a word, or at a space", 0),
            ([span(4, 5)], "spans without a whole word", 0),
            ([span(30, 37)], "spans over several lines", 0),
            ([span(0, 9), span(5, 9)], "spans that overlap another one", 1),
            ([span(17, 24), span(0, 4)], "orders of spans (written as they stand in the text)", 2),
            ([TextSpan(0, 4)], "spans of no class", 0),
            ([TextSpan(0, 4, labels={CLASS: ("company", "old place")})],
             "spans of several classes", 0),
            ([span(0, 4, "sea")], "spans of a class that the template does not have", 0),
            ([TextSpan(0, 4, labels={**LABELED, "note": "x"})], "further labels of spans", 1),
        ],
    )  # fmt: skip
    def test_is_counted_or_refused(self, spans: list[TextSpan], lost: str, kept: int) -> None:
        content, losses = write("conll", [marked(*spans)], NOTED)
        assert (losses, content.count(b" B-")) == ({lost: 1}, kept)
        with pytest.raises(InvalidData, match="task 1: "):
            write("conll", [marked(*spans)], NOTED, lossy="error")

    def test_spaces_and_relations(self) -> None:
        joined = [Relation(0, 1, labels={HOLDS: "bought"})]
        _, losses = write("conll", [marked(ACME, INITECH, relations=joined)], NAMES)
        assert losses == {"relations between spans": 1}
        for text in ("a  b", "a,", " a", "a\r\nb", "a\n\nb", "a\n"):
            _, losses = write("conll", [marked(text=text)], NAMES)
            assert losses == {"texts with other spaces than one between words": 1}

    def test_a_template_must_ask_for_spans_and_a_task_have_a_text(self) -> None:
        with pytest.raises(InvalidData, match="has no SLOT question"):
            write("conll", [], templates.image_classification(["cat"]))
        with pytest.raises(InvalidData, match="label: must be the title of a question with"):
            write("conll", [], NAMES, label="x")
        with pytest.raises(InvalidData, match="has options that are written alike in a file"):
            write("conll", [], templates.entity_recognition(["a b", "a_b"]))
        with pytest.raises(InvalidData, match=r"data\.source: must be the text: pass field="):
            write("conll", [marked(text=None)], NAMES)

    def test_without_classes_all_spans_are_of_the_question(self) -> None:
        plain = Template(questions=[Question("1", QuestionKind.SLOT, "a name")], views=NAMES.views)
        content, losses = write("conll", [marked(TextSpan(0, 4))], plain)
        assert (losses, content.count(b"B-a_name")) == ({}, 1)
        assert read("conll", content, plain) == [{"1": Spans([TextSpan(0, 4, "Acme")])}]


words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=6)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, Spans]:
    """A text with one space between words, and spans of whole words that do not overlap."""
    lines = draw(st.lists(st.lists(words, min_size=1, max_size=6), min_size=1, max_size=3))
    text, spans = "", []
    for line in lines:
        text += "\n" if text else ""
        place = 0
        while place < len(line):
            count = draw(st.integers(1, len(line) - place))
            start = len(text)
            text += " ".join(line[place : place + count])
            key = draw(st.sampled_from([None, "company", "old place"]))
            if key is not None:
                spans.append((start, len(text), key))
            place += count
            text += " " if place < len(line) else ""
    return text, Spans([span(start, end, key, text) for start, end, key in spans])


@pytest.mark.parametrize("tokens", ["words", "spaces"])
@quiet
@given(given_texts=st.lists(texts(), min_size=1, max_size=3))
def test_what_comes_out_goes_in_again(tokens: str, given_texts: list[tuple[str, Spans]]) -> None:
    results = [
        a_result({"1": reply}, number, {"source": text})
        for number, (text, reply) in enumerate(given_texts, 1)
    ]
    content, losses = write("conll", results, NAMES, tokens=tokens, lossy="error")
    assert losses == {}
    assert read("conll", content, NAMES) == [{"1": reply} for _, reply in given_texts]
    rows = read("conll", content, None)
    assert [row["data"]["source"] for row in rows] == [text for text, _ in given_texts]


def test_an_export_becomes_a_finished_job_with_the_same_spans() -> None:
    content, _ = write("conll", [marked(ACME, OSLO)], NAMES)
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin="ada")
        job = flow.jobs.import_results(
            "street", "names", template=NAMES, data=io.BytesIO(content), format="conll", by="ada"
        )
        again = io.BytesIO()
        flow.results.export(job, "conll", again)
        assert again.getvalue() == content


class TestWhatOthersWrite:
    @pytest.mark.parametrize(
        "tags",
        ["B I O B", "I I O I", "B E O S", "B L O U"],
        ids=["IOB2", "IOB1", "IOBES", "BILOU"],
    )
    def test_tags_of_every_kind(self, tags: str) -> None:
        lines = [
            f"{word} NN B-NP {tag if tag == 'O' else f'{tag}-company'}"
            for word, tag in zip(["Acme", "Corp", "bought", "Initech"], tags.split(), strict=True)
        ]
        (found,) = read("conll", "\r\n".join(lines).encode(), NAMES)
        assert found == {"1": Spans([ACME, INITECH])}

    def test_a_span_of_another_class_or_sentence_is_another_one(self) -> None:
        content = b"-DOCSTART-\n\na I-company\nb I-old_place\n\nc I-old_place\n"
        (found,) = read("conll", content, NAMES)
        assert [(each.start, each.end, each.label) for each in found["1"].spans] == [
            (0, 1, "company"), (2, 3, "old place"), (4, 5, "old place"),
        ]  # fmt: skip

    def test_without_documents_each_sentence_is_a_row(self) -> None:
        rows = read("conll", b"\xef\xbb\xbf\na O\nb O\n\n\n\nc B-x\n", None)
        assert [row["data"]["source"] for row in rows] == ["a b", "c"]

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            (b"a", "line 2: must have a word and a tag"),
            (
                b"a X-company",
                "line 2: the tag: must be O, or B- or I- and a class, not 'X-company'",
            ),
            (b"a B-", "line 2: the tag: must be O"),
            (b"\xff O", "line 2: is not UTF-8"),
            (b"x" * 200 + b" O", "line 2: is longer than limit="),
        ],
    )
    def test_a_document_with_a_broken_line_is_left_out(self, line: bytes, problem: str) -> None:
        content = b"-DOCSTART- O\n" + line + b"\nb O\n-DOCSTART- O\n\nAcme B-company\n"
        found, kept = read("conll", content, NAMES, limit=100)
        assert found.startswith(problem)
        assert kept == {"1": Spans([span(0, 4)])}

    def test_an_empty_file_has_no_documents_and_others_are_named(self) -> None:
        assert read("conll", b"", NAMES) == []
        (problem,) = read("conll", b"PK\x03\x04", NAMES)
        assert problem.startswith("line 1: cannot be read: the file is a ZIP file")

    def test_an_address_is_refused(self) -> None:
        with pytest.raises(InvalidData, match="is a URL"):
            list(formats.read("conll", "https://example.org/train.txt"))
