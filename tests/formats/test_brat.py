"""brat: spans and relations of texts go out as standoff files, and come back."""

from __future__ import annotations

import io
import re
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import TEXT, replies
from support.exported import a_result, read, unzip, write, zipped

import itagflow
from itagflow import InvalidData, Relation, Spans, TextSpan, formats, templates
from itagflow.templates import Option, Question, QuestionKind

quiet = settings(
    deadline=None, max_examples=amount(10, 300), suppress_health_check=list(HealthCheck)
)
NAMES = templates.entity_relation(["company", "a place"], ["bought", "lies in"])
(ASKED,) = NAMES.questions
CLASS, HOLDS = ASKED.children[0].title, ASKED.relations[0].title
SEEN = Question(
    "8", QuestionKind.CHECKBOX, "how it is seen", [Option("far off"), Option("near")], required=False
)  # fmt: skip
NOTE = Question("9", QuestionKind.INPUT, "note", required=False)
FULL = attrs.evolve(
    NAMES,
    questions=[
        attrs.evolve(
            ASKED,
            children=[*ASKED.children, SEEN, NOTE],
            relations=[*ASKED.relations, SEEN, NOTE],
        )
    ],
)


def span(start: int, end: int, *keys: str, text: str = TEXT, **more: Any) -> TextSpan:
    labels = {CLASS: keys or ("company",), **more}
    return TextSpan(start, end, text[start:end], labels=labels)


def joined(source: int, target: int, key: str = "bought", **more: Any) -> Relation:
    return Relation(source, target, labels={HOLDS: key, **more})


def marked(*spans: Any, relations: Any = (), number: int = 1, **data: Any) -> Any:
    return a_result({"1": Spans(spans, relations)}, number, {"source": TEXT, **data})


ACME, WIDGET, OSLO = span(0, 4), span(16, 26), span(30, 34, "a place")


class TestWhatGoesOut:
    def test_spans_and_relations_have_lines_of_their_own(self) -> None:
        links = [joined(0, 1), joined(1, 2, "lies in")]
        content, losses = write("brat", [marked(ACME, WIDGET, OSLO, relations=links)], NAMES)
        assert losses == {}
        assert unzip(content) == {
            "annotation.conf": "[entities]\ncompany\na_place\n[relations]\n"
            "bought\tArg1:<ENTITY>, Arg2:<ENTITY>\nlies_in\tArg1:<ENTITY>, Arg2:<ENTITY>\n"
            "[events]\n[attributes]\n",
            "1.txt": TEXT,
            # an emoji is one character
            "1.ann": "T1\tcompany 0 4\tAcme\n"
            f"T2\tcompany 16 26\t{TEXT[16:26]}\n"
            "T3\ta_place 30 34\tOslo\n"
            "R1\tbought Arg1:T1 Arg2:T2\n"
            "R2\tlies_in Arg1:T2 Arg2:T3\n",
        }
        assert read("brat", content, NAMES) == [{"1": Spans([ACME, WIDGET, OSLO], links)}]
        assert read("brat", content, None) == [{"data": {"source": TEXT}}]

    def test_further_labels_are_attributes_and_notes(self) -> None:
        more = {"how it is seen": ("far off", "near"), "note": "<x> y"}
        said = marked(span(0, 4, **more), ACME, relations=[joined(0, 1, **more)])
        content, losses = write("brat", [said], FULL)
        files = unzip(content)
        assert losses == {}
        assert "how_it_is_seen\tArg:<ENTITY>, Value:far_off|near\n" in files["annotation.conf"]
        assert files["1.ann"].splitlines()[1:4] == [
            "A1\thow_it_is_seen T1 far_off",
            "A2\thow_it_is_seen T1 near",
            "#1\tnote T1\t<x> y",
        ]
        assert read("brat", content, FULL) == [said.replies]

    def test_spans_that_overlap_or_go_over_lines_stay(self) -> None:
        text = "one\ntwo\r\nthree"
        spans = [span(0, 9, text=text), span(2, 5, text=text), span(2, 5, "a place", text=text)]
        content, losses = write("brat", [marked(*spans, source=text)], NAMES)
        assert unzip(content)["1.ann"].splitlines()[0] == "T1\tcompany 0 9\tone two  "
        assert (losses, read("brat", content, NAMES)) == ({}, [{"1": Spans(spans)}])

    def test_files_can_be_called_after_a_field(self) -> None:
        results = [marked(name="a b"), marked(number=2, name="a b"), marked(number=3, name="x/y")]
        content, losses = write("brat", results, NAMES, name="name")
        assert losses == {"names that no file can have (written as one that can)": 2}
        rows = read("brat", content, None, name="name")
        assert [row["data"]["name"] for row in rows] == ["a b", "a b-2", "y"]

    def test_a_text_without_an_answer_is_left_out_and_one_with_nothing_in_it_is_kept(self) -> None:
        content, _ = write("brat", [a_result(None), marked(number=2)], NAMES)
        assert list(unzip(content)) == ["annotation.conf", "2.txt", "2.ann"]
        assert read("brat", content, NAMES) == [{"1": Spans([])}]

    def test_the_same_results_are_the_same_bytes(self) -> None:
        assert write("brat", [marked(ACME)], NAMES) == write("brat", [marked(ACME)], NAMES)


class TestWhatItCannotHold:
    @pytest.mark.parametrize(
        ("spans", "relations", "losses"),
        [
            ([TextSpan(0, 4)], [], {"spans of no class": 1}),
            ([span(0, 4, "company", "a place"), ACME], [joined(0, 1)],
             {"spans of several classes": 1,
              "relations of no class, or of spans that are lost": 1}),
            ([ACME, OSLO], [Relation(0, 1)],
             {"relations of no class, or of spans that are lost": 1}),
            ([span(0, 4, "sea")], [], {"spans of a class that the template does not have": 1}),
            ([span(0, 4, note="a\nb")], [],
             {"line ends and tabs in labels (written as spaces)": 1}),
            ([span(0, 4, **{"how-it is seen": "near"})], [],
             {"labels that the template does not ask": 1}),
        ],
    )  # fmt: skip
    def test_is_counted_or_refused(
        self, spans: list[Any], relations: list[Any], losses: dict[str, int]
    ) -> None:
        result = marked(*spans, relations=relations)
        content, lost = write("brat", [result], FULL)
        assert lost == losses
        (found,) = read("brat", content, FULL)
        assert not found["1"].relations
        with pytest.raises(InvalidData, match="task 1: "):
            write("brat", [result], FULL, lossy="error")

    def test_a_template_must_ask_for_spans_with_names_that_can_be_told_apart(self) -> None:
        with pytest.raises(InvalidData, match="has no SLOT question"):
            write("brat", [], templates.image_classification(["cat"]))
        for labels, relations in ((["a b", "a.b"], ["x"]), (["a"], ["x y", "x_y"])):
            with pytest.raises(InvalidData, match="has options that are written alike"):
                write("brat", [], templates.entity_relation(labels, relations))
        alike = [
            attrs.evolve(NOTE, id=id, title=title)
            for id, title in (("10", "no te"), ("11", "no.te"))
        ]
        twice = attrs.evolve(ASKED, children=[*ASKED.children, *alike])
        with pytest.raises(InvalidData, match="titles are written alike"):
            write("brat", [], attrs.evolve(NAMES, questions=[twice]))
        with pytest.raises(InvalidData, match=r"data\.source: must be the text"):
            write("brat", [marked(source=None)], NAMES)


def is_of_one_class(reply: Spans) -> bool:
    return all(len(each.labels[CLASS]) == 1 for each in reply.spans)


@quiet
@given(data=st.data())
def test_what_comes_out_goes_in_again(data: st.DataObject) -> None:
    asked = replies(NAMES).filter(lambda reply: is_of_one_class(reply["1"]))
    said = [data.draw(asked) for _ in range(2)]
    results = [a_result(each, n, {"source": TEXT}) for n, each in enumerate(said, 1)]
    content, losses = write("brat", results, NAMES)
    assert (losses, read("brat", content, NAMES)) == ({}, said)


def test_an_export_becomes_a_finished_job_with_the_same_spans() -> None:
    content, _ = write("brat", [marked(ACME, OSLO, relations=[joined(0, 1)])], NAMES)
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin="ada")
        job = flow.jobs.import_results(
            "street", "names", template=NAMES, data=io.BytesIO(content), format="brat", by="ada"
        )
        again = io.BytesIO()
        flow.results.export(job, "brat", again)
        assert again.getvalue() == content


BY_HAND = """\ufeffA1\thow_it_is_seen T2 near\r
T2\ta_place 30 34\tOslo\r
R7\tlies_in From:T4 To:T2\t\r
T4\tcompany 0 4\tAcme\r
#1\tAnnotatorNotes T4\tsure?\r
#2\tAnnotatorNotes E1\tan event
N1\tReference T4 Wikipedia:534366\tAcme\r
*\tEquiv T2 T4\r
\r
"""


class TestWhatOthersWrite:
    def test_lines_in_any_order_and_of_other_kinds(self) -> None:
        files = {"docs/a.txt": TEXT, "docs/a.ann": BY_HAND, "docs/b.txt": "x", "visual.conf": ""}
        rows = read("brat", zipped(dict(files)), None, name="file", field="words")
        assert rows[0] == {"data": {"words": TEXT, "file": "docs/a"}}
        found, nobody = read("brat", zipped(dict(files)), FULL)
        oslo = span(30, 34, "a place", **{"how it is seen": ("near",)})
        assert found == {"1": Spans([oslo, ACME], [joined(1, 0, "lies in")])}
        assert nobody is None

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("T1 company 0 4 Acme", "must be T1, tab, a class"),
            (
                "T1\tcompany 0 4;5 6\tAcme",
                "must be T1, tab, .* a span of several parts is not read",
            ),
            ("T1\tcompany 4 4\t", "end: must be more than start"),
            ("T1\tcompany 15 25\tWidget Ltd", "says 'Widget Ltd', and the text has ' Widget Lt'"),
            ("T1\tcompany 90 94\tAcme", "says 'Acme', and the text has ''"),
            ("R1\tbought T1 T2", "must be R1, tab, a class, Arg1:T1"),
            ("R1\tbought Arg1:T9 Arg2:T8", "joins a span that is not there"),
            ("R1\tbought Arg1:T9 Arg2:T9", "joins a span"),
            ("A1\tcolor T9", "is about T9, which is not there"),
            ("A1\t", "must be A1, tab, a name"),
            ("E1\tBuy:T1", "is an event, which is not read"),
            ("what", "must begin with T, R, A"),
        ],
    )
    def test_a_text_with_a_broken_line_is_left_out(self, line: str, problem: str) -> None:
        text = f"T3\tcompany 0 4\tAcme\n{line}\n"
        files = {"a.txt": TEXT, "a.ann": text, "b.txt": TEXT, "b.ann": "T1\tcompany 0 4\tAcme"}
        found, kept = read("brat", zipped(dict(files)), NAMES)
        assert re.match(f"a.ann, line 2: {problem}", found), found
        assert kept == {"1": Spans([ACME])}

    def test_an_attribute_that_no_question_asks_is_a_problem(self) -> None:
        text = "T1\tcompany 0 4\tAcme\nA1\tcolor T1 red\n"
        (problem,) = read("brat", zipped({"a.txt": TEXT, "a.ann": text}), NAMES)
        assert problem == "a.ann, line 2: has the attribute 'color', which no question asks"

    def test_files_that_cannot_be_read(self) -> None:
        (problem,) = read("brat", zipped({"a.txt": b"\xff"}), NAMES)
        assert problem == "a.txt: is not UTF-8"
        (problem,) = read("brat", zipped({"a.txt": "", "a.ann": b"\xff"}), NAMES)
        assert problem == "a.ann: is not UTF-8"
        (problem,) = read("brat", b"T1\tcompany 0 4\tAcme", NAMES)
        assert problem.startswith("the file: is no zip file")
        (problem,) = read("brat", zipped({}), NAMES)
        assert problem.startswith("the file: has no .txt file")

    def test_whatever_is_cut_off_or_changed_is_no_crash(self) -> None:
        for place in range(len(BY_HAND)):
            for changed in (BY_HAND[:place], f"{BY_HAND[:place]}9{BY_HAND[place + 1 :]}"):
                assert read("brat", zipped({"a.txt": TEXT, "a.ann": changed}), FULL)
        content = zipped({"a.txt": TEXT, "a.ann": BY_HAND})
        for place in range(0, len(content), 7):
            assert read("brat", content[:place], FULL)

    def test_an_address_is_refused(self) -> None:
        with pytest.raises(InvalidData, match="is a URL"):
            list(formats.read("brat", "https://example.org/texts.zip"))
