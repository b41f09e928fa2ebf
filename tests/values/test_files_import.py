"""Files that are not what their reader expects: one clear problem, and never a wrong row or result."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import re
import zipfile
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest
from support.naming import describe
from support.refusals import is_refused
from support.scenes import cats, labeled, street

import itagflow
from itagflow import (
    Accept,
    Choice,
    Flow,
    Inspect,
    InvalidData,
    Job,
    Label,
    Regions,
    Spans,
    Stage,
    StoreFailed,
    Template,
    Workflow,
    formats,
    prelabels,
    templates,
)
from itagflow.errors import ItagflowError, Problem, UnknownFormat
from itagflow.formats import BUILT_IN, csv, find, itag
from itagflow.model import PreLabel, Row, Task

CATS = templates.image_classification(["cat", "dog"])
SURVEY = {"questionId": "1", "markTitle": "Single-choice", "type": "survey/value"}


def block(answer: object = "cat") -> dict[str, Any]:
    return {"results": [{**SURVEY, "data": answer}]}


def row(source: str = "1.jpg", **blocks: Any) -> dict[str, Any]:
    named = {key.replace("_", "-"): value for key, value in blocks.items()}
    return {"data": {"source": source}, **named}


def read(
    flow: Flow, data: Any, *, template: Template = CATS, name: str = "again", **more: Any
) -> Job:
    if not list(flow.workspaces.list()):
        street(flow, "ben")
    return flow.jobs.import_results("street", name, template=template, data=data, by="ada", **more)


def exported(flow: Flow, job: Job, format: str = "itag", **more: Any) -> bytes:
    target = io.BytesIO()
    flow.results.export(job, format, target, **more)
    return target.getvalue()


class TestManifestsPutTogether:
    @pytest.mark.parametrize("on_error", ["raise", "skip"])
    def test_which_job_is_meant_is_asked(self, flow: Flow, on_error: Any) -> None:
        data = [
            row("1", label_15=block()),
            row("2", label_15=block()),
            row("3", label_16=block("dog")),
        ]
        with pytest.raises(
            InvalidData, match=r"task 3: has results of the jobs 15, 16: pass of_job="
        ):
            read(flow, data, on_error=on_error)
        assert list(flow.jobs.list("street")) == []
        job = read(flow, data, of_job="15")
        report = flow.jobs.load_report(job)
        assert (report.loaded, report.no_result, report.bad_results) == (3, 1, 0)

    @pytest.mark.parametrize("given", [15, b"15", ["15"]])
    def test_it_is_named_by_the_id_in_the_key(self, flow: Flow, given: Any) -> None:
        street(flow, "ben")
        is_refused(
            flow,
            InvalidData,
            "of_job: must be a text",
            lambda: read(flow, [row(label_15=block())], of_job=given),
        )


class TestBlocksWithoutResults:
    @pytest.mark.parametrize("nothing", [None, {}, {"results": None}])
    def test_they_are_rows_without_a_result(self, flow: Flow, nothing: Any) -> None:
        job = read(
            flow,
            [row("0", label_15=nothing), row("1", label_15=block()), row("2", label_15=nothing)],
        )
        assert [result.replies for result in flow.results.list(job)] == [
            None,
            {"1": Choice("cat")},
            None,
        ]
        assert flow.jobs.load_report(job).no_result == 2
        assert itag.result_in(row(label_15=nothing)) is None

    @pytest.mark.parametrize(
        "wrong", ["cat", 5, [], {"results": "cat"}, {"results": {}}, {"result": []}, True]
    )
    def test_what_is_no_block_is_a_problem(self, flow: Flow, wrong: Any) -> None:
        with pytest.raises(InvalidData, match=r"label-15\.results: must be a list"):
            read(flow, [row(label_15=block()), row(label_15=wrong)])


class TestWhatIsSkipped:
    def test_it_is_reported_and_its_block_is_exported(self, flow: Flow) -> None:
        stages = {"label_15": block(), "label_15_check": block("bird"), "label_15_verify": block()}
        data = [
            row("1", label_15=block()),
            row("2", **stages),
            row("3"),
            {"no": "data"},
            row("4", label_15=5),
        ]
        workflow = Workflow(Label(), Inspect(), Accept())
        job = read(flow, data, on_error="skip", workflow=workflow)
        report = flow.jobs.load_report(job)
        assert (report.loaded, report.skipped, report.no_result, report.bad_results) == (4, 1, 1, 2)
        assert [problem.where for problem in report.problems] == [
            "row 4, data",
            "task 2, inspect, 1",
            "task 4, label-15.results",
        ]
        # what the inspector changed could not be read: what the labeler said must not pass for it
        results = list(flow.results.list(job))
        assert [result.replies is None for result in results] == [False, True, True, True]
        lines = [json.loads(line) for line in exported(flow, job).splitlines()]
        assert lines[1] == data[1]
        assert lines[2:] == [data[2], data[4]]

    def test_what_a_member_gives_up_later_has_no_block(self, flow: Flow) -> None:
        data = [row("1", label_15=block("bird")), row("2", label_15=block())]
        job = read(flow, data, on_error="skip")
        (package,) = flow.packages.list(job)
        flow.packages.reopen(package, by="ada")
        flow.jobs.set_workforce(job, {Stage.LABEL: ["ben"]}, by="ada")
        assignment = flow.claim("ben", job, Stage.LABEL)
        assert assignment is not None
        flow.abandon(assignment, 1, "its result could not be imported")
        flow.save(assignment, 2, Choice("dog"))
        flow.submit(assignment)
        first, second = (json.loads(line) for line in exported(flow, job).splitlines())
        assert first == {"data": {"source": "1"}}
        assert second[f"label-{job.id}"] == block("dog")


LINE_ENDS = "a\u2028b\u2029c\x85d\x7fe\x9f"


class TestLineEnds:
    @pytest.mark.parametrize("format", ["itag", "csv"])
    def test_a_row_is_one_line_for_every_program(self, flow: Flow, format: str) -> None:
        text = json.dumps({"data": {"source": "1.jpg", "note": [LINE_ENDS]}}, ensure_ascii=False)
        job = cats(flow, data=[text, '{"data": {"source": "2.jpg",\r\n "note": []}}'])
        labeled(flow, "ben", job)
        written = exported(flow, job, format)
        assert len(written.decode().splitlines()) == (2 if format == "itag" else 3)
        first = next(iter(formats.read(format, io.BytesIO(written))))
        assert isinstance(first, Row)
        note = json.loads(first.text)["data"]["note"]
        assert (note if format == "itag" else json.loads(note)) == [LINE_ENDS]

    def test_also_in_what_people_wrote(self, flow: Flow) -> None:
        template = templates.image_captioning()
        street(flow, "ben")
        job = flow.jobs.create(
            "street",
            "words",
            template=template,
            data=[row()],
            workforce={Stage.LABEL: ["ben"]},
            by="ada",
        )
        assignment = flow.claim("ben", job, Stage.LABEL)
        assert assignment is not None
        flow.save(assignment, 1, itagflow.Text("one\u2028two"))
        flow.submit(assignment)
        assert len(exported(flow, job).decode().splitlines()) == 1


BOXES = templates.object_detection(["car"])
RECTANGLE = {
    "id": "a",
    "type": "image/rectangleLabel",
    "value": {"rotation": 0, "x": 1, "y": 1, "width": 10, "height": 10},
    "labels": ["car"],
}


def detection(size: dict[str, Any] | None = None, **element: Any) -> dict[str, Any]:
    old = {"data": [RECTANGLE], "id": "1", "type": "image", **element}
    return {"data": {"source": "1.jpg", **(size or {})}, "label-15": {"results": [old]}}


class TestSizesOfImages:
    @pytest.mark.parametrize("width", [1000, 1000.0, "1000"])
    def test_they_count_as_text_and_as_float(self, flow: Flow, width: Any) -> None:
        for name, data in (
            ("data", detection({"width": width, "height": 500})),
            ("element", detection(width=width, height="500")),
        ):
            job = read(flow, [data], template=BOXES, name=name, workflow=Workflow())
            (result,) = flow.results.list(job)
            reply = (result.replies or {})["1"]
            assert isinstance(reply, Regions)
            assert repr((reply.width, reply.height)) == "(1000, 500)"

    @pytest.mark.parametrize(
        "size", [{}, {"width": 100}, {"width": "1e3", "height": "5"}, {"width": 1.5, "height": 2}]
    )
    def test_one_that_nobody_wrote_is_asked_for(self, flow: Flow, size: dict[str, Any]) -> None:
        with pytest.raises(
            InvalidData, match="the size of the image: is not in this format"
        ) as refused:
            read(flow, [detection(size)], template=BOXES)
        assert "not 0" not in str(refused.value)
        predict = prelabels.from_blocks(BOXES)
        (found,) = predict([Task(job=1, number=1, package=1, row=json.dumps(detection(size)))])
        assert isinstance(found, InvalidData)

    @pytest.mark.parametrize("width", [True, "", " 5", "5_0", "٥", None, [5], 2**64])
    def test_what_is_no_whole_number_is_none(self, flow: Flow, width: Any) -> None:
        element = {
            "questionId": "1",
            "markTitle": "x",
            "type": "image",
            "data": [],
            "rotation": 0,
            "height": 5,
        }
        data = {"data": {"source": "1"}, "label-15": {"results": [{**element, "width": width}]}}
        with pytest.raises(InvalidData, match="width: must be a whole number"):
            read(flow, [data], template=BOXES)


class TestCsvHeaders:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (
                "source;note\na;1,5\nb;2,5\n",
                "lacks the column 'source'; it names 'source;note': its cells seem to be separated by semicolons",
            ),
            ("source\tnote\na\tb\n", "separated by tabs"),
            ("source|note\na|b\n", "separated by vertical bars"),
            (
                "sep=;\nsource;note\na;b\n",
                "is 'sep=;': its cells seem to be separated by semicolons",
            ),
            ("sep=,\nsource,note\na,b\n", "remove this line"),
            (" source,note\na,b\n", "it names ' source', 'note': spaces, upper and lower case"),
            ("Source,note\na,b\n", "it names 'Source', 'note': spaces, upper and lower case"),
            ("url,note\na,b\n", "lacks the column 'source'; it names 'url', 'note'"),
            ("\ufeffurl\na\n", "lacks the column 'source'; it names 'url'"),
        ],
    )
    def test_one_problem_at_line_1_says_what_is_there(
        self, flow: Flow, content: str, words: str
    ) -> None:
        content += content.splitlines(keepends=True)[-1] * 2_000
        street(flow, "ben")
        with pytest.raises(InvalidData) as refused:
            flow.jobs.create(
                "street",
                "x",
                template=CATS,
                data=io.BytesIO(content.encode()),
                format="csv",
                by="ada",
            )
        (problem,) = refused.value.problems
        assert problem.where == "line 1"
        assert words in problem.reason

    def test_the_row_key_and_the_group_are_needed_too(self, flow: Flow) -> None:
        street(flow, "ben")
        more: dict[str, Any] = {"row_key": "id", "packaging": itagflow.GroupByField("day")}
        with pytest.raises(
            InvalidData, match="line 1: lacks the columns 'day', 'id'; it names 'source'"
        ):
            flow.jobs.create(
                "street",
                "x",
                template=CATS,
                data=io.BytesIO(b"source\na\n"),
                format="csv",
                by="ada",
                **more,
            )

    def test_many_columns_are_not_all_shown(self) -> None:
        names = ",".join(f"c{n}" for n in range(30))
        (problem,) = formats.read("csv", io.BytesIO(names.encode()), fields=["source"])
        assert str(problem).endswith("'c19' and 10 more")

    def test_excel_gets_its_byte_order_mark(self, flow: Flow) -> None:
        job = cats(flow)
        plain, marked = (exported(flow, job, "csv", bom=bom) for bom in (False, True))
        assert marked == b"\xef\xbb\xbf" + plain
        assert list(formats.read("csv", io.BytesIO(marked))) == list(
            formats.read("csv", io.BytesIO(plain))
        )

    def test_a_result_column_of_the_input_that_nobody_answered_is_empty(self, flow: Flow) -> None:
        job = cats(flow, data=[{"source": "1.jpg", "结果字段-Single-choice": "cat"}])
        assert exported(flow, job, "csv").decode().splitlines() == [
            "source,结果字段-Single-choice",
            "1.jpg,",
        ]
        assert json.loads(exported(flow, job))["data"]["结果字段-Single-choice"] == "cat"


ZIPPED = io.BytesIO()
with zipfile.ZipFile(ZIPPED, "w") as archive:
    archive.writestr("a", "x")


@pytest.mark.parametrize("format", ["itag", "csv"])
class TestOddFiles:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (gzip.compress(b'{"data": {}}', mtime=0), "gzip"),
            (bz2.compress(b'{"data": {}}'), "bzip2"),
            (ZIPPED.getvalue(), "ZIP file"),
            # the time of an entry may have any bytes
            (b"PK\x03\x04\x14\x00\r}\r{\x00", "ZIP file"),
            ('{"data": {}}\n{"data": {}}'.encode("utf-16"), "UTF-16"),
            (b"\xfe\xff\0a\0\n\0b\0\n", "UTF-16"),
            (b"PAR1\n\n\n\xff\xff\n", "Parquet"),
        ],
    )
    def test_what_it_is_taken_for_is_one_problem(
        self, format: str, content: bytes, words: str
    ) -> None:
        (problem,) = formats.read(format, io.BytesIO(content + b"\n\xff\n" * 100))
        assert isinstance(problem, Problem)
        assert problem.where == "line 1"
        assert words in problem.reason

    def test_line_ends_of_cr_alone(self, format: str) -> None:
        content = {"itag": b'{"data": {}}\r{"data": {}}\r', "csv": b"source,n\r1,2\r"}[format]
        (problem,) = formats.read(format, io.BytesIO(content))
        assert problem == Problem("line 1", "has line ends of CR alone: write LF or CR LF")

    def test_a_compressed_file_that_is_cut_off(self, format: str) -> None:
        whole = {"itag": b'{"data": {}}\n', "csv": b"source,n\n"}[format] * 5_000
        cut = gzip.compress(whole, mtime=0)[:-12]
        with (
            gzip.open(io.BytesIO(cut)) as file,
            pytest.raises(StoreFailed, match="cannot be read"),
        ):
            list(formats.read(format, file))  # type: ignore[arg-type]

    def test_a_file_that_is_closed_text_or_none(self, format: str, tmp_path: Path) -> None:
        closed = io.BytesIO()
        closed.close()
        text = (tmp_path / "x").open("w+")
        wrong: Any
        for wrong in (
            closed,
            io.StringIO("x"),
            text,
            5,
            None,
            object(),
            "file:///tmp/x",
            "s3://b/k",
        ):
            with pytest.raises(InvalidData, match="the file: "):
                list(formats.read(format, wrong))
        text.close()

    def test_a_file_of_texts(self, format: str) -> None:
        class Texts:
            def readline(self, size: int = -1) -> str:
                return "source"

        with pytest.raises(InvalidData, match="must give bytes"):
            list(formats.read(format, Texts()))  # type: ignore[arg-type]

    def test_a_target_that_cannot_be_written(self, flow: Flow, format: str) -> None:
        job = cats(flow)
        closed = io.BytesIO()
        closed.close()
        wrong: Any
        for wrong in ("s3://u:secret@b/k", "https://x/y.csv", closed, io.StringIO(), 5, None):
            with pytest.raises(InvalidData, match="the file: ") as refused:
                flow.results.export(job, format, wrong)
            assert "secret" not in str(refused.value)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\n\n",
            b"\xef\xbb\xbf",
            b"\xef\xbb\xbf\xef\xbb\xbf{}",
            b"\0",
            b"{" * 5_000,
            b'{"data": {"a": 1, "a": 2}, "data": {}}',
            b'{"data": {"source": 1,},}',
            b'{"data": {"source": ' + b"9" * 5_000 + b"}}",
            b"a,a\n1,2",
            b'"',
            b'"a\n' * 1_000,
            b"\xff\xff",
            b"a" * 100_000,
            b"\r",
            b"\x85\n\x0c",
        ],
    )
    def test_only_our_errors_come_out(self, flow: Flow, format: str, content: bytes) -> None:
        street(flow, "ben")
        for on_error in ("raise", "skip"):
            try:
                flow.jobs.create(
                    "street",
                    f"x-{on_error}",
                    template=CATS,
                    data=io.BytesIO(content),
                    format=format,
                    on_error=on_error,  # type: ignore[arg-type]
                    by="ada",
                )
            except ItagflowError as error:
                assert "Traceback" not in str(error)
                assert len(str(error)) < 2_000


class TestFormatsOfOthers:
    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ("no_such_module.coco", "no_such_module.coco cannot be loaded: ModuleNotFoundError"),
            ("itagflow:nothing", "itagflow:nothing cannot be loaded: AttributeError"),
            ("itagflow.printing", "itagflow.printing has no functions read and write"),
        ],
    )
    def test_one_that_is_broken_is_our_error(
        self, monkeypatch: pytest.MonkeyPatch, value: str, words: str
    ) -> None:
        declared = EntryPoints([EntryPoint("theirs", value, "itagflow.formats")])
        monkeypatch.setattr("importlib.metadata.entry_points", lambda group: declared)
        with pytest.raises(UnknownFormat, match=words) as refused:
            find("theirs")
        assert refused.value.known == tuple(sorted((*BUILT_IN, "theirs")))

    @pytest.mark.parametrize("given", [None, 5, b"itag", object(), ["itag"]])
    def test_what_is_no_format(self, given: Any) -> None:
        with pytest.raises(InvalidData, match="must be a name, or have functions read and write"):
            find(given)

    @pytest.mark.parametrize("name", ["", "ITAG", "../itag"])
    def test_one_that_is_not_there(self, name: str) -> None:
        with pytest.raises(UnknownFormat, match=f"known are {', '.join(BUILT_IN)}"):
            find(name)


class TestScores:
    @pytest.mark.parametrize("score", [0, 1, 0.5, "0.5", "1", "1e-3"])
    def test_they_are_numbers_from_0_to_1(self, score: Any) -> None:
        assert self.read(score) == float(score)

    @pytest.mark.parametrize(
        "score",
        [
            True,
            False,
            "1_0",
            " 0.5 ",
            12,
            "12",
            "12%",
            "90 %",
            -0.1,
            "nan",
            "inf",
            "٠.٥",
            [0.5],
            {},
            "high",
            10**400,
            "9" * 5_000,
        ],
    )
    def test_everything_else_is_refused(self, score: Any) -> None:
        with pytest.raises(InvalidData, match=r"must be (a number )?from 0 to 1"):
            self.read(score)

    def read(self, score: Any) -> float | None:
        predict = prelabels.from_fields(CATS, {"1": "guess"}, score="score")
        data = {"source": "1", "guess": "cat", "score": score}
        (found,) = predict([Task(job=1, number=1, package=1, row=json.dumps({"data": data}))])
        if isinstance(found, InvalidData):
            raise found
        assert isinstance(found, PreLabel)
        return found.score

    @pytest.mark.parametrize("score", [True, 12, -1, float("nan"), "0.5", 10**400])
    def test_also_those_of_a_model(self, flow: Flow, score: Any) -> None:
        job = cats(flow, tasks=2)
        report = flow.jobs.prelabel(
            job,
            lambda tasks: [PreLabel(Choice("cat"), score) for _ in tasks],
            by="ada",
            min_confidence=0.9,
        )
        assert (report.accepted, report.suggested, report.failed) == (0, 0, 2)
        assert re.search("score: must be (a number )?from 0 to 1", str(report.problems[0]))

    @pytest.mark.parametrize(("text", "value"), [("4", 4), ("+4", 4), ("4.0", 4.0), ("-0.5", -0.5)])
    def test_ratings_are_numbers_as_people_write_them(self, text: str, value: float) -> None:
        template = templates.dialogue_rating(["helpful"])
        (question,) = (each for each in template.asked if each.kind.value == "RATING")
        assert csv.parse({f"结果字段-{question.title}": text}, template)[
            question.id
        ] == itagflow.Rating(value)

    @pytest.mark.parametrize("text", ["1_0", "٤", "nan", "1e999", "0x4", "4,5", "true"])
    def test_and_nothing_else(self, text: str) -> None:
        template = templates.dialogue_rating(["helpful"])
        (question,) = (each for each in template.asked if each.kind.value == "RATING")
        with pytest.raises(InvalidData, match="must be a number"):
            csv.parse({f"结果字段-{question.title}": text}, template)


PLACES = templates.entity_recognition(["place"])
FIELD = PLACES.field_of(PLACES.questions[0])
TITLE = PLACES.questions[0].children[0].title


def span(start: int, end: int, text: str | None = None, label: str = "place") -> dict[str, Any]:
    found: dict[str, Any] = {
        "result": {TITLE: [label]},
        "color": None,
        "id": None,
        "start": start,
        "end": end,
    }
    return {**found, **({} if text is None else {"text": text})}


def marked(said: str, *spans: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": {FIELD: said},
        "label-15": {"results": [{"objects": list(spans), "empty": not spans}]},
    }


class TestSpans:
    @pytest.mark.parametrize("text", [None, ""])
    def test_the_text_comes_from_the_data(self, flow: Flow, text: str | None) -> None:
        job = read(flow, [marked("in Oslo.", span(3, 6, text))], template=PLACES)
        (result,) = flow.results.list(job)
        reply = (result.replies or {})["1"]
        assert isinstance(reply, Spans)
        assert [each.text for each in reply.spans] == ["Oslo"]
        assert (
            json.loads(exported(flow, job))[job.label_key]["results"][0]["objects"][0]["text"]
            == "Oslo"
        )

    def test_or_it_is_refused(self, flow: Flow) -> None:
        blind = Template(questions=PLACES.questions, views=())
        data = {**marked("in Oslo.", span(3, 6)), "data": {"other": 1}}
        with pytest.raises(
            InvalidData, match=r"spans\[0\]\.text: is missing, and so is the text in the data"
        ):
            read(flow, [data], template=blind)

    def test_offsets_in_units_of_utf_16_are_named(self, flow: Flow) -> None:
        said = "😀😀 in Oslo."
        for wrong in (span(8, 11, "Oslo"), span(8, 11, "Oslo")):
            with pytest.raises(InvalidData, match="it fits where offsets count units of UTF-16"):
                read(flow, [marked(said, wrong)], template=PLACES)
        with pytest.raises(InvalidData) as refused:
            read(flow, [marked(said, span(0, 3, "Oslo"))], template=PLACES)
        assert "UTF-16" not in str(refused.value)


NFC, NFD = "Zo\u00eb", "Zoe\u0308"


class TestNames:
    @pytest.mark.parametrize(("ours", "theirs"), [(NFC, NFD), (NFD, NFC)])
    def test_a_key_is_read_in_either_form(self, flow: Flow, ours: str, theirs: str) -> None:
        job = read(
            flow,
            [row(label_15=block(theirs))],
            template=templates.image_classification([ours, "cat"]),
        )
        (result,) = flow.results.list(job)
        assert result.replies == {"1": Choice(ours)}
        assert csv.parse(
            {"结果字段-Single-choice": theirs}, templates.image_classification([ours])
        ) == {"1": Choice(ours)}

    def test_so_is_a_label(self, flow: Flow) -> None:
        template = templates.entity_recognition([NFC])
        job = read(flow, [marked("in Oslo.", span(3, 6, "Oslo", NFD))], template=template)
        (result,) = flow.results.list(job)
        reply = (result.replies or {})["1"]
        assert isinstance(reply, Spans)
        assert reply.spans[0].labels == {TITLE: (NFC,)} or reply.spans[0].labels == {TITLE: NFC}


WRONG: list[Any] = [None, 5, 2.5, "a", b"a", [0], {1: 2}, object()]


@pytest.mark.parametrize("wrong", WRONG, ids=describe)
def test_what_a_format_is_given_is_checked(wrong: Any) -> None:
    calls = [
        lambda: itag.blocks(wrong) if not isinstance(wrong, dict) else itag.blocks(5),  # type: ignore[arg-type]
        lambda: itag.parse([], wrong),
        lambda: itag.results_in({}, wrong, job="1"),
        lambda: itag.render({}, wrong, region_id=str),
        lambda: csv.parse({}, wrong),
        lambda: list(formats.read("itag", io.BytesIO(b"{}"), limit=wrong if wrong != 5 else 0)),
        lambda: list(formats.read("csv", io.BytesIO(b"a"), limit=wrong if wrong != 5 else 2**70)),
        *(
            lambda name=name: formats.write(name, [], io.BytesIO(), template=wrong)
            for name in ("itag", "csv", "itag_v1")
        ),  # type: ignore[misc]
        *(
            lambda name=name: formats.write(name, [wrong], io.BytesIO(), template=CATS)
            for name in ("itag", "csv", "itag_v1")
        ),  # type: ignore[misc]
    ]
    for call in calls:
        with pytest.raises(InvalidData):
            call()
