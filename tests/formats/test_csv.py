"""CSV: rows come from a spreadsheet, and results go into one and come back."""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import ALL, a_row, as_written, replies

import itagflow
from itagflow import (
    Box,
    Choice,
    Choices,
    InvalidData,
    Preference,
    Ranking,
    Rating,
    Regions,
    Result,
    Segment,
    Segments,
    Spans,
    Stage,
    Task,
    TaskState,
    Template,
    Text,
    TextSpan,
    formats,
    templates,
)
from itagflow.errors import Problem
from itagflow.formats._cells import name_columns, parse_replies
from itagflow.formats.csv import parse
from itagflow.model import Outcome, Provenance, Row, StageResult
from itagflow.templates import Question, QuestionKind

# eight for each of some thirty templates, each with a store of its own
quiet = settings(
    deadline=None, max_examples=amount(8, 200), suppress_health_check=list(HealthCheck)
)
SAMPLE = Path(__file__).parent / "samples" / "prelabel-offline.input.csv"
AT = datetime(2026, 11, 24, tzinfo=UTC)
CATS = templates.image_classification(["cat", "dog"], title="Animal")
ANIMAL = "结果字段-Animal"


def rows(content: bytes | str, **more: Any) -> list[Row | Problem]:
    return list(
        formats.read(
            "csv", io.BytesIO(content.encode() if isinstance(content, str) else content), **more
        )
    )


def data(content: bytes | str, **more: Any) -> list[dict[str, str]]:
    """What a CSV says when nothing is wrong with it."""
    found = rows(content, **more)
    assert not [item for item in found if isinstance(item, Problem)]
    return [json.loads(row.text)["data"] for row in found if isinstance(row, Row)]


def problems(content: bytes | str, **more: Any) -> list[str]:
    return [str(item) for item in rows(content, **more) if isinstance(item, Problem)]


def a_result(number: int = 1, row: dict[str, Any] | None = None, **said: Any) -> Result:
    text = json.dumps({"data": {"source": f"{number}.jpg"} if row is None else row})
    made = {
        Stage[stage]: StageResult(stage=Stage[stage], replies=given, round=1, member=2)
        for stage, given in said.items()
    }
    seen = Provenance(
        stage=Stage.LABEL, round=1, member=2, outcome=Outcome.SUBMITTED, inspected=True, at=AT
    )
    task = Task(job=4, number=number, package=1, row=text)
    return Result(task=task, state=TaskState.FINAL, stages=made, provenance=(seen,))


def written(results: Iterable[Result], template: Template = CATS, **more: Any) -> list[list[str]]:
    """What the standard library reads in a CSV that was written."""
    target = io.BytesIO()
    formats.write("csv", results, target, template=template, **more)
    return list(csv.reader(io.StringIO(target.getvalue().decode(), newline="")))


class TestReading:
    def test_the_first_line_names_the_fields_and_every_field_is_a_string(self) -> None:
        assert rows("source,n\r\n1.jpg,7\r\n2.jpg,\r\n") == [
            Row('{"data":{"source":"1.jpg","n":"7"}}', 2),
            Row('{"data":{"source":"2.jpg","n":""}}', 3),
        ]

    def test_itags_sample_of_pre_labels_is_read(self) -> None:
        ((name, cell),) = [
            (name, cell)
            for row in data(SAMPLE.read_bytes())
            for name, cell in list(row.items())[1:]
        ]
        template = templates.object_detection(["car"], title="目标检测标签配置")
        assert name_columns(template) == {"1": name}
        with pytest.raises(InvalidData, match="1: must be JSON: the element that the manifest has"):
            parse({name: cell}, template)

    def test_quotes_commas_line_ends_and_spaces_belong_to_a_cell(self) -> None:
        (row,) = data('source,text\n1.jpg,"  he said ""so, 猫""\r\nand\rwent\n "\n')
        assert row["text"] == '  he said "so, 猫"\r\nand\rwent\n '
        assert data("source,text\n a ,\tb \n") == [{"source": " a ", "text": "\tb "}]

    def test_a_row_is_known_by_the_line_that_it_begins_at(self) -> None:
        found = rows('\n"source"\n\n"a\nb\nc"\n\nd\n')
        assert [row.line for row in found if isinstance(row, Row)] == [4, 8]

    def test_a_byte_order_mark_is_no_part_of_the_first_name(self) -> None:
        assert data("source\nmark \ufeff\n".encode("utf-8-sig")) == [{"source": "mark \ufeff"}]
        assert data('"source"\n1\n'.encode("utf-8-sig")) == [{"source": "1"}]

    def test_an_empty_cell_alone_is_a_row_when_it_is_quoted(self) -> None:
        assert data('source\n""\n\n') == [{"source": ""}]

    def test_a_cell_may_be_larger_than_the_standard_library_expects(self) -> None:
        before = csv.field_size_limit(131_072)
        try:
            assert data(f"source\n{'x' * 200_000}\n") == [{"source": "x" * 200_000}]
            csv.field_size_limit(2**30)
            assert data("source\n1.jpg\n")
            assert csv.field_size_limit() == 2**30, "never lowered: others may need it"
        finally:
            csv.field_size_limit(before)


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "line 1: must name the columns, and there is nothing"),
            (b"\n\r\n\n", "line 1: must name the columns, and there is nothing"),
            (b"source,,n\n1,2,3\n", "line 1: must name every column; that of column 2 is empty"),
            (b"\nsource,n,source,n\n1,2,3,4\n", "line 2: names a column twice: source, n"),
            (b"\xff\xfes\0o\0u\0r\0c\0e\0\n\0", "line 1: cannot be read: the file is in UTF-16"),
            (b'"source\n1.jpg\n', "line 1: has a quote that is never closed"),
            (
                b"source\r1.jpg\r2.jpg\r",
                "line 1: has line ends of CR alone",
            ),
        ],
    )
    def test_a_first_line_that_cannot_be_used_is_all_that_is_said(
        self, content: bytes, said: str
    ) -> None:
        (found,) = rows(content)
        assert str(found).startswith(said)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"1.jpg", "line 3: has 1 cell; the first line names 2 columns"),
            (b"1.jpg,a,b", "line 3: has 3 cells; the first line names 2 columns"),
            (b"1.jpg,\xd6\xd0", "line 3: is not UTF-8: byte 7 is 0xD6"),
            (b"1.jpg,a\0b", "line 3: contains a NUL character"),
            (b'1.jpg,"a"b', "line 3: is not CSV: ',' expected after '\"'"),
            (b'1.jpg,"first\n\xff\nlast"', "line 4: is not UTF-8: byte 1 is 0xFF"),
            (b'1.jpg,"first\n\0\n,last"', "line 4: contains a NUL character"),
        ],
    )
    def test_a_bad_row_is_named_and_the_others_are_read(self, content: bytes, said: str) -> None:
        found = rows(b"source,text\n0.jpg,a\n" + content + b"\n9.jpg,b\n")
        first, bad, last = found
        assert isinstance(bad, Problem)
        assert str(bad) == said
        assert [
            json.loads(row.text)["data"]["source"] for row in (first, last) if isinstance(row, Row)
        ] == [
            "0.jpg",
            "9.jpg",
        ]

    def test_a_quote_that_is_never_closed_takes_the_rest_with_it(self) -> None:
        assert problems('source,text\n1.jpg,"oh\n2.jpg,b\n') == [
            "line 2: has a quote that is never closed"
        ]
        assert problems('source,text\n1.jpg,"oh\n' + "2.jpg,b\n" * 50, limit=100) == [
            "line 2: is longer than 100 bytes with the lines after it: is a quote never closed?"
        ]

    @pytest.mark.parametrize(
        "cell",
        ["x" * 100, '"' + "x" * 100 + '"', '"' + "a,b\n" * 50 + '"', '"' + 'a""\n' * 60 + '"'],
    )
    def test_after_a_row_that_is_too_long_the_next_one_is_found(self, cell: str) -> None:
        first, second = rows(f"source,text\n1.jpg,{cell}\n2.jpg,b\n", limit=60)
        assert isinstance(first, Problem)
        assert first.where == "line 2"
        assert first.reason.startswith("is longer than 60 bytes")
        assert isinstance(second, Row)
        assert json.loads(second.text) == {"data": {"source": "2.jpg", "text": "b"}}

    @pytest.mark.parametrize(
        "piece", [b"x" * 1000, b'"' * 1000, b"x," * 500 + b"\n", b'x""' * 300 + b"\n"]
    )
    def test_what_is_too_long_is_never_held(self, piece: bytes) -> None:
        class Endless(io.RawIOBase):
            """Ten megabytes in one quoted cell, made as they are read."""

            def __init__(self) -> None:
                self.pieces = chain([b"source\n", b'"\n'], repeat(piece, 10_000))

            def readline(self, size: int | None = -1, /) -> bytes:
                return next(self.pieces, b"")

        tracemalloc.start()
        found = list(formats.read("csv", Endless(), limit=100_000))  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        (problem,) = found
        assert isinstance(problem, Problem)
        assert problem.where == "line 2"
        assert problem.reason.startswith("is longer than 100,000 bytes")
        assert peak < 1_500_000

    def test_memory_does_not_grow_with_the_number_of_rows(self) -> None:
        def peak(count: int) -> int:
            content = io.BytesIO(b"source,text\n" + b'1.jpg,"a, b"\n' * count)
            tracemalloc.start()
            assert sum(isinstance(row, Row) for row in formats.read("csv", content)) == count
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

        assert peak(20_000) < peak(2_000) + 50_000


class TestWriting:
    def test_the_fields_of_all_rows_then_a_column_per_question(self) -> None:
        results = [
            a_result(1, {"source": "1.jpg", "n": 3}, LABEL={"1": Choice("cat")}),
            a_result(
                2,
                {"tags": ["a", "猫"], "source": "2.jpg", "none": None},
                LABEL={"1": Choice("dog")},
            ),
        ]
        assert written(results) == [
            ["source", "n", "tags", "none", ANIMAL],
            ["1.jpg", "3", "", "", "cat"],
            ["2.jpg", "", '["a","猫"]', "null", "dog"],
        ]

    def test_headings_may_be_in_english(self) -> None:
        names, cells = written([a_result(LABEL={"1": Choice("cat")})], headings="english")
        assert names == ["source", f"result-{CATS.questions[0].title}"]
        record = dict(zip(names, cells, strict=True))
        assert parse(record, CATS, headings="english") == {"1": Choice("cat")}
        assert parse(record, CATS) == {}
        with pytest.raises(InvalidData, match="headings: must be 'itag' or 'english'"):
            written([], headings="german")
        with pytest.raises(InvalidData, match="headings: must be 'itag' or 'english'"):
            parse(record, CATS, headings="german")

    def test_the_result_is_that_of_the_last_stage_that_was_asked_for(self) -> None:
        both = a_result(1, LABEL={"1": Choice("cat")}, ACCEPT={"1": Choice("dog")})
        assert written([both])[1] == ["1.jpg", "dog"]
        assert written([both], stages=[Stage.LABEL, Stage.INSPECT])[1] == ["1.jpg", "cat"]

    def test_what_is_abandoned_or_unfinished_has_empty_cells_and_is_counted(self) -> None:
        results = [
            a_result(1, LABEL={"1": Choice("cat")}, INSPECT={"1": Choice("dog")}),
            a_result(2, LABEL={"1": Choice("cat")}, INSPECT=None),
            a_result(3, LABEL={}),
            a_result(4),
        ]
        assert [row[1] for row in written(results)[1:]] == ["dog", "", "", ""]
        report = formats.write("csv", results, io.BytesIO(), template=CATS)
        assert (report.rows, report.abandoned, report.unfinished) == (4, 1, 1)
        assert report.blocks == {Stage.LABEL: 3, Stage.INSPECT: 1, Stage.ACCEPT: 0}

    def test_without_rows_there_is_a_first_line(self) -> None:
        assert written([]) == [[ANIMAL]]

    def test_a_result_takes_the_place_of_the_pre_label_that_it_began_with(self) -> None:
        row = {"source": "1.jpg", ANIMAL: "cat", "note": "x"}
        assert written([a_result(1, row, LABEL={"1": Choice("dog")}), a_result(2, row)]) == [
            ["source", ANIMAL, "note"],
            ["1.jpg", "dog", "x"],
            ["1.jpg", "", "x"],
        ]

    def test_regions_have_the_ids_that_the_manifest_gives_them(self) -> None:
        template = templates.object_detection(["car"])
        result = a_result(LABEL={"1": Regions([Box(0, 0, 1, 1, label="car")], width=9, height=9)})
        manifest = io.BytesIO()
        formats.write("itag", [result], manifest, template=template)
        (_, (_, cell)) = written([result], template)
        assert [json.loads(cell)] == json.loads(manifest.getvalue())["label-4"]["results"]

    def test_half_a_surrogate_pair_is_refused_and_the_old_file_stays(self, tmp_path: Path) -> None:
        target = tmp_path / "out.csv"
        target.write_text("old")
        results = [a_result(), a_result(2, {"source": "\ud83d", "\udc31": "whole"}), a_result(3)]
        with pytest.raises(InvalidData) as refused:
            formats.write("csv", results, target, template=CATS)
        assert [(problem.where, problem.reason[:14]) for problem in refused.value.problems] == [
            ("source", "holds '\\ud83d'"),
            ("\\udc31", "holds '\\udc31'"),
        ]
        assert target.read_text() == "old"
        assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]

    def test_memory_does_not_grow_with_the_number_of_tasks(self) -> None:
        def peak(count: int) -> int:
            class Nowhere(io.RawIOBase):
                def write(self, data: Any, /) -> int:
                    return len(data)

            results = (a_result(number=n, LABEL={"1": Choice("cat")}) for n in range(count))
            tracemalloc.start()
            formats.write("csv", results, Nowhere(), template=CATS)  # type: ignore[arg-type]
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

        # the interpreter keeps a bounded number of freed tuples
        assert peak(20_000) < peak(2_000) + 200_000


def of(kind: QuestionKind, **more: Any) -> Template:
    """A template that asks one question of this kind."""
    choosing = {
        QuestionKind.CHECKBOX,
        QuestionKind.RADIO,
        QuestionKind.RANKING,
        QuestionKind.PREFERENCE,
    }
    options = (
        (itagflow.templates.Option("a"), itagflow.templates.Option("b")) if kind in choosing else ()
    )
    return Template(questions=(Question("1", kind, "Q", options, **more),))


LABEL = (Question("1", QuestionKind.INPUT, "L"),)
SOUND = of(QuestionKind.VIDEO, children=LABEL)
WORDS = of(QuestionKind.SLOT, children=LABEL)
SCENE = of(QuestionKind.PICTURE, children=LABEL)


FORMULAS = [
    "=1+2",
    "+1+2",
    "-1+2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "=",
    "-",
    "+49 30 1234",
    "- a man",
]
HARMLESS = ["-5", "+5", "-5.", "-0.25", "+1e9", "-1E-9", "5", "a=b", " =1", "''", "'", "5-", "猫"]
CELL = st.text(st.sampled_from("'=+-@\t\r\n＝15.e a,\""), max_size=6)


class TestFormulas:
    """What people wrote must not be reckoned by the program in which somebody opens the file."""

    def exported(
        self, values: list[Any], **more: Any
    ) -> tuple[list[list[str]], list[dict[str, str]]]:
        """What others, and what we, read in a CSV with *values*."""
        target = io.BytesIO()
        results = [
            a_result(number, {"source": value, "=field": "x"})
            for number, value in enumerate(values)
        ]
        formats.write("csv", results, target, template=CATS, **more)
        others = list(csv.reader(io.StringIO(target.getvalue().decode(), newline="")))
        return others, data(target.getvalue())

    def test_they_are_escaped_where_that_is_asked_for(self) -> None:
        others, ours = self.exported(FORMULAS, escape_formulas=True)
        assert others[0] == ["source", "'=field", ANIMAL]
        assert [row[0] for row in others[1:]] == [f"'{formula}" for formula in FORMULAS]
        assert ours == [{"source": formula, "=field": "x", ANIMAL: ""} for formula in FORMULAS]

    def test_and_otherwise_go_out_as_they_are(self) -> None:
        others, ours = self.exported(FORMULAS)
        assert others[0] == ["source", "=field", ANIMAL]
        assert [row[0] for row in others[1:]] == FORMULAS
        assert [row["source"] for row in ours] == FORMULAS

    @pytest.mark.parametrize("escape", [False, True])
    def test_numbers_and_what_is_no_formula_stay(self, escape: bool) -> None:
        values = [*HARMLESS, -5, -0.25, [-1], None]
        others, ours = self.exported(values, escape_formulas=escape)
        spelled = [value if isinstance(value, str) else json.dumps(value) for value in values]
        assert [row[0] for row in others[1:]] == spelled
        assert [row["source"] for row in ours] == spelled

    @given(st.lists(CELL, min_size=1), st.booleans())
    def test_whatever_is_written_comes_back(self, cells: list[str], escape: bool) -> None:
        others, ours = self.exported(cells, escape_formulas=escape)
        assert [row["source"] for row in ours] == cells
        if escape:
            numbers = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
            assert not [
                row[0]
                for row in others[1:]
                if row[0][:1] in set("=+-@\t\r\n＝") and not numbers.fullmatch(row[0])
            ]

    def test_answers_are_escaped_too(self) -> None:
        asked = Template(questions=(Question("1", QuestionKind.INPUT, "Name"),))
        (_, row) = written(
            [a_result(LABEL={"1": Text("=cmd|' /C calc'!A0")})], asked, escape_formulas=True
        )
        assert row == ["1.jpg", "'=cmd|' /C calc'!A0"]


def test_a_table_of_more_columns_than_any_program_takes_is_refused_before_it_is_written(
    tmp_path: Path,
) -> None:
    target = tmp_path / "wide.csv"
    results = [a_result(n, {f"{n}-{field}": "x" for field in range(20)}) for n in range(3_000)]
    with pytest.raises(
        InvalidData,
        match="more than 16,384 in all, which no spreadsheet takes: use the format 'itag'",
    ):
        formats.write("csv", results, target, template=CATS)
    assert list(tmp_path.iterdir()) == []
    assert len(written(results[:800])[0]) == 16_001


class TestCells:
    @pytest.mark.parametrize(
        ("template", "reply", "cell"),
        [
            (of(QuestionKind.RADIO), Choice("a"), "a"),
            (of(QuestionKind.INPUT), Text(' "x", y\n'), ' "x", y\n'),
            (of(QuestionKind.TEXT_EDIT), Text('["a"]'), '["a"]'),
            (of(QuestionKind.RATING), Rating(4), "4"),
            (of(QuestionKind.RATING), Rating(0.25), "0.25"),
            (of(QuestionKind.CHECKBOX), Choices(["b", "猫"]), '["b","猫"]'),
            (of(QuestionKind.CHECKBOX), Choices([]), "[]"),
            (of(QuestionKind.RANKING), Ranking(["b", "a"]), '["b","a"]'),
            (
                of(QuestionKind.PREFERENCE),
                Preference("a", 2),
                '{"questionId":"1","data":"a","markTitle":"Q","type":"survey/value","degree":2}',
            ),
            (
                SOUND,
                Segments([Segment(0, 1, labels={"L": "x"})], duration=9),
                '{"duration":9,"objects":[{"result":{"L":"x"},"color":null,"id":null,"start":0,"end":1}]}',
            ),
            (
                WORDS,
                Spans([]),
                '{"objects":[],"empty":true}',
            ),
        ],
    )
    def test_a_reply_is_one_cell_and_comes_back(
        self, template: Template, reply: Any, cell: str
    ) -> None:
        assert written([a_result(LABEL={"1": reply})], template)[1][1] == cell
        assert parse({"source": "1.jpg", "结果字段-Q": cell}, template) == {"1": reply}

    @pytest.mark.parametrize(
        ("template", "value", "reply"),
        [
            (of(QuestionKind.CHECKBOX), "a", Choices(["a"])),
            (of(QuestionKind.CHECKBOX), "[a", Choices(["[a"])),
            (of(QuestionKind.CHECKBOX), ["a", "b"], Choices(["a", "b"])),
            (of(QuestionKind.CHECKBOX), 7, Choices(["7"])),
            (of(QuestionKind.RADIO), 7, Choice("7")),
            (of(QuestionKind.RADIO), {"data": "a"}, Choice("a")),
            (of(QuestionKind.RATING), 2.5, Rating(2.5)),
            (of(QuestionKind.RATING), "5", Rating(5)),
            (of(QuestionKind.RANKING), ["b", "a"], Ranking(["b", "a"])),
            (of(QuestionKind.PREFERENCE), "b", Preference("b")),
            (of(QuestionKind.PREFERENCE), {"data": "", "degree": 1}, Preference(None)),
            (SCENE, {"data": [], "width": 4, "height": 3}, Regions([], width=4, height=3)),
            (
                SCENE,
                '{"data": [], "width": 4, "height": 3, "rotation": 90}',
                Regions([], width=4, height=3, rotation=90),
            ),
            (SOUND, [{"start": 0, "end": 2, "result": {}}], Segments([Segment(0, 2)])),
            (WORDS, '[{"start": 0, "end": 2, "result": {}}]', Spans([TextSpan(0, 3)])),
        ],
    )
    def test_what_is_meant_is_understood(self, template: Template, value: Any, reply: Any) -> None:
        assert parse_replies({"1": value}, template) == {"1": reply}

    @pytest.mark.parametrize(
        ("template", "value", "said"),
        [
            (of(QuestionKind.RADIO), ["a"], "1: must be a string"),
            (of(QuestionKind.RADIO), True, "1: must be a string"),
            (of(QuestionKind.RATING), "good", "1: must be a number, written as a string"),
            (of(QuestionKind.CHECKBOX), "[1]", "1: must be a list of strings"),
            (of(QuestionKind.RANKING), "a", "1: must be a list of strings"),
            (
                of(QuestionKind.PREFERENCE),
                {"data": "a", "degree": "2"},
                "1.degree: must be a whole number",
            ),
            (SCENE, "a cat", "1: must be JSON: the element that the manifest has for it"),
            (SCENE, 7, "1: must be JSON: the element that the manifest has for it"),
            (SCENE, "[" * 100_000, "1: must be JSON: the element that the manifest has for it"),
            (
                SCENE,
                [{"id": None, "type": "image/point", "value": [1, 1], "labels": {}}],
                "1: lacks the width and height of the image: give the whole element, not only its regions",
            ),
            (SCENE, {"data": [], "height": 3}, "1.width: must be a whole number"),
            (WORDS, '{"objects": 3}', "1.objects: must be a list of objects"),
        ],
    )
    def test_what_does_not_fit_is_named(self, template: Template, value: Any, said: str) -> None:
        with pytest.raises(InvalidData) as refused:
            parse_replies({"1": value}, template)
        assert [str(problem) for problem in refused.value.problems] == [said]

    def test_every_problem_of_a_row_is_listed_with_its_place(self) -> None:
        template = ALL["dialogue_rating"]
        with pytest.raises(InvalidData) as refused:
            parse_replies({"1": "good", "2": 1, "3": ["x"], "9": "x"}, template, where="row 3")
        assert [problem.where for problem in refused.value.problems] == [
            "row 3, 9",
            "row 3, 1",
            "row 3, 3",
        ]

    def test_an_empty_cell_says_nothing(self) -> None:
        assert parse_replies({"1": "", "2": None}, ALL["dialogue_rating"]) == {}

    def test_questions_with_the_same_title_have_columns_of_their_own(self) -> None:
        title_of = {"1": "Text", "2": "Text", "3": "Text#1", "4": "Other"}
        asked = (
            Question(id, QuestionKind.INPUT, title, required=False)
            for id, title in title_of.items()
        )
        template = Template(questions=tuple(asked))
        assert list(name_columns(template).values()) == [
            "结果字段-Text#1",
            "结果字段-Text#2",
            "结果字段-Text#1#3",
            "结果字段-Other",
        ]
        said = {id: Text(f"to {id}") for id in title_of}
        header, row = written([a_result(LABEL=said)], template)
        assert parse(dict(zip(header, row, strict=True)), template) == said


def test_a_spreadsheet_goes_in_and_a_spreadsheet_comes_out(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('source,note\n1.jpg,"left, back"\n2.jpg,\n', "utf-8")
    with itagflow.open("memory:") as flow:
        street = flow.workspaces.create("street", admin="ada")
        everyone = {Stage.LABEL: ["ada"]}

        def job(name: str, data: Path) -> Any:
            more: dict[str, Any] = {
                "format": "csv",
                "template": CATS,
                "workforce": everyone,
                "by": "ada",
            }
            return flow.jobs.create(street, name, data=data, **more)

        first = job("first", tmp_path / "in.csv")
        assignment = flow.claim("ada", first, Stage.LABEL)
        assert assignment
        flow.save(assignment, 1, Choice("cat"))
        flow.abandon(assignment, 2, "too dark")
        flow.submit(assignment)
        report = flow.results.export(first, "csv", tmp_path / "out.csv")
        assert (report.rows, report.abandoned) == (2, 1)
        assert (tmp_path / "out.csv").read_bytes().decode() == (
            f'source,note,{ANIMAL}\r\n1.jpg,"left, back",cat\r\n2.jpg,,\r\n'
        )
        again = job("again", tmp_path / "out.csv")
        assignment = flow.claim("ada", again, Stage.LABEL)
        assert assignment
        assert [parse(work.data, CATS) for work in flow.tasks(assignment)] == [
            {"1": Choice("cat")},
            {},
        ]


@pytest.mark.parametrize("name", sorted(ALL))
@quiet
@given(drawn=st.data())
def test_answers_survive_store_and_export_and_import(name: str, drawn: st.DataObject) -> None:
    template = ALL[name]
    said = drawn.draw(replies(template))
    with itagflow.open("memory:") as flow:
        street = flow.workspaces.create("street", admin="ada")
        job = flow.jobs.create(
            street,
            "job",
            template=template,
            data=[a_row(template)],
            workforce={Stage.LABEL: ["ada"]},
            by="ada",
        )
        assignment = flow.claim("ada", job, Stage.LABEL)
        assert assignment
        flow.save(assignment, 1, said)
        flow.submit(assignment)
        target = io.BytesIO()
        flow.results.export(job, "csv", target)
    (cells,) = data(target.getvalue())
    header, row = csv.reader(io.StringIO(target.getvalue().decode(), newline=""))
    assert dict(zip(header, row, strict=True)) == cells
    assert {id: cells[id] for id in template.fields} == a_row(template)["data"]
    assert parse(cells, template) == {id: as_written(reply) for id, reply in said.items()}


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
awkward = texts | st.text('",;\r\n\t \u2028\x1c\x85\ufeff猫', max_size=12)


@settings(max_examples=amount(150, 3_000))
@given(st.lists(st.lists(awkward, min_size=2, max_size=2), max_size=4))
def test_any_text_survives_in_a_cell(table: list[list[str]]) -> None:
    template = Template(questions=(Question("1", QuestionKind.INPUT, "Q", required=False),))
    results = [
        a_result(n, {"source": a}, LABEL={"1": Text(b)}) for n, (a, b) in enumerate(table, 1)
    ]
    target = io.BytesIO()
    formats.write("csv", results, target, template=template)
    expected = [{"source": a, "结果字段-Q": b} for a, b in table]
    assert data(target.getvalue()) == expected
    by_others = csv.DictReader(io.StringIO(target.getvalue().decode(), newline=""))
    assert list(by_others) == expected


pieces = st.lists(
    st.sampled_from(
        [b'"', b",", b"\n", b"\r\n", b"\r", b"a", b"\xff", b"\0", b'""', b"long enough"]
    )
)


@settings(max_examples=amount(250, 5_000))
@given(st.binary(max_size=60) | pieces.map(b"".join), st.integers(1, 40))
def test_whatever_comes_as_a_file_only_rows_and_problems_come_out(
    content: bytes, limit: int
) -> None:
    last = 0
    for item in rows(content, limit=limit):
        assert isinstance(item, Row | Problem)
        if isinstance(item, Row):
            assert set(json.loads(item.text)) == {"data"}
            assert last < item.line <= content.count(b"\n") + 1
            last = item.line


@settings(max_examples=amount(150, 3_000))
@given(st.lists(st.text('",\r\na', max_size=8)), st.integers(4, 20))
def test_a_limit_takes_rows_away_and_never_makes_new_ones(cells: list[str], limit: int) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["n"], *([cell] for cell in cells)])
    kept = [row for row in rows(file.getvalue(), limit=limit) if isinstance(row, Row)]
    assert set(kept) <= set(rows(file.getvalue()))
    assert len(kept) + len(problems(file.getvalue(), limit=limit)) == len(cells)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "type",
                    "width",
                    "height",
                    "rotation",
                    "objects",
                    "duration",
                    "result",
                    "degree",
                ]
            ),
            inner | st.sampled_from(["image", "survey/value", "survey/multivalue", "image/point"]),
            max_size=5,
        )
    ),
    max_leaves=10,
)


@settings(max_examples=amount(150, 3_000))
@given(json_values | json_values.map(json.dumps), st.sampled_from(sorted(ALL)))
def test_whatever_a_cell_says_only_our_errors_come_out(value: Any, name: str) -> None:
    template = ALL[name]
    try:
        found = parse_replies(dict.fromkeys(name_columns(template), value), template)
    except InvalidData as error:
        assert error.problems
    else:
        assert set(found) <= set(name_columns(template))


def test_the_format_is_found_by_its_name() -> None:
    assert formats.find("csv").__name__ == "itagflow.formats.csv"  # type: ignore[attr-defined]
