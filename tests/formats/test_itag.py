"""iTAG's manifest: what comes in goes out again, equal in keys, values and order."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from support.amounts import amount

from itagflow import (
    Box,
    Choice,
    Choices,
    InvalidData,
    Polygon,
    Regions,
    Result,
    Stage,
    Task,
    TaskState,
    Template,
    Text,
    formats,
    templates,
)
from itagflow.errors import Problem, UnknownFormat
from itagflow.formats import itag
from itagflow.model import Outcome, Provenance, Row, StageResult
from itagflow.templates import Question, QuestionKind

SAMPLES = Path(__file__).parent / "samples"
AT = datetime(2026, 11, 24, tzinfo=UTC)
KNOWN = [
    "image-classification.output.reconstructed.jsonl",
    "text-classification.output.reconstructed.jsonl",
    "audio-classification.output.jsonl",
    "video-classification.output.jsonl",
    "image-object-detection.output.reconstructed.jsonl",
    "envelope-three-stages.output.json",
    "text-ner.output.jsonl",
    "image-ocr.output.jsonl",
    "custom.output.jsonl",
]


def result(task: Task, said: dict[Stage, Any]) -> Result:
    made = {
        stage: StageResult(stage=stage, replies=replies, round=1, member=2)
        for stage, replies in said.items()
    }
    seen = Provenance(
        stage=Stage.LABEL, round=1, member=2, outcome=Outcome.SUBMITTED, inspected=True, at=AT
    )
    return Result(task=task, state=TaskState.FINAL, stages=made, provenance=(seen,))


def a_result(row: str = '{"data": {"source": "1.jpg"}}', number: int = 1, **said: Any) -> Result:
    task = Task(job=4, number=number, package=1, row=row)
    return result(task, {Stage[stage]: replies for stage, replies in said.items()})


def written(results: Iterable[Result], template: Template, **more: Any) -> list[dict[str, Any]]:
    target = io.BytesIO()
    formats.write("itag", results, target, template=template, **more)
    return [json.loads(line) for line in target.getvalue().decode().split("\n") if line]


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


CATS = templates.image_classification(["cat", "dog"])


@pytest.mark.parametrize("name", KNOWN)
def test_every_sample_comes_back_equal(name: str) -> None:
    text = (SAMPLES / name).read_text("utf-8")
    lines = [compact(json.loads(text))] if name.endswith(".json") else text.splitlines()
    for line in lines:
        (row,) = formats.read("itag", io.BytesIO(line.encode()))
        assert isinstance(row, Row)
        content = json.loads(row.text)
        ((job, stages),) = itag.blocks(content).items()
        template = itag.template_of(content)
        said = {stage: itag.parse(elements, template) for stage, elements in stages.items()}
        data = compact({"data": content["data"]})
        task = Task(job=int(job), number=1, package=1, row=data)
        target = io.BytesIO()
        formats.write("itag", [result(task, said)], target, template=template)
        assert target.getvalue().decode() == compact(content) + "\n", "keys, values and order"


def test_a_sample_that_is_cut_off_says_what_it_lacks() -> None:
    content = json.loads((SAMPLES / "audio-segmentation.output.partial.json").read_text("utf-8"))
    with pytest.raises(InvalidData) as refused:
        itag.template_of(content)
    where = "row 1, label-1500000000000000001.results[0].objects[0]"
    assert [problem.where for problem in refused.value.problems] == [
        f"{where}.start",
        f"{where}.end",
    ]
    ((_, stages),) = itag.blocks(content).items()
    (element,) = stages[Stage.LABEL]
    element["objects"][0] |= {"id": None, "start": 0.5, "end": 2.0}  # with them it is whole
    (question,) = itag.template_of(content).questions
    assert [child.title for child in question.children] == ["音频识别结果", "单选"]
    said = itag.parse([element], Template(questions=(question,)))
    assert itag.render(said, Template(questions=(question,)), region_id=str) == [element]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.input.jsonl")), ids=lambda path: path.name)
def test_every_input_sample_is_read(path: Path) -> None:
    rows = list(formats.read("itag", path))
    assert [row.text for row in rows if isinstance(row, Row)] == path.read_text(
        "utf-8"
    ).splitlines()


@pytest.mark.parametrize("key", ["questionId", "type"])
def test_what_is_too_deep_to_be_written_out_is_named_by_its_type(key: str) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    element = {
        "questionId": "1",
        "data": "cat",
        "markTitle": "Single-choice",
        "type": "survey/value",
    }
    with pytest.raises(InvalidData, match="not a value of type list"):
        itag.parse([{**element, key: deep}], CATS)


def test_results_that_imply_no_template_that_anybody_has_are_refused() -> None:
    nameless: list[Any] = [{"objects": []}] * 1_001
    with pytest.raises(
        InvalidData, match=r"row 1, label-15\.results: has more than 1,000 elements"
    ):
        itag.template_of({"label-15": {"results": nameless}})
    named = [
        {"questionId": f"{n}", "data": "a", "markTitle": "T", "type": "survey/value"}
        for n in range(1_001)
    ]
    with pytest.raises(InvalidData, match="the results: imply more than 1,000 questions"):
        itag.template_of(*({"label-15": {"results": [element]}} for element in named))


class TestReading:
    def test_rows_come_as_they_stand_there(self) -> None:
        file = io.BytesIO(b'\xef\xbb\xbf{"data": {"a":  1}}\r\n\n  \n{"data": {"b": 1e400}}')
        assert list(formats.read("itag", file)) == [
            Row('{"data": {"a":  1}}', 1),
            Row('{"data": {"b": 1e400}}', 4),
        ]

    def test_what_is_no_text_is_named_by_line(self) -> None:
        found = list(formats.read("itag", io.BytesIO(b'{}\n{"\xff"}\n{"\0"}\n{}\n')))
        assert [str(problem) for problem in found if isinstance(problem, Problem)] == [
            "line 2: is not UTF-8: byte 3 is 0xFF",
            "line 3: contains a NUL character",
        ]

    def test_a_line_that_is_too_long_is_never_held(self) -> None:
        class Endless(io.RawIOBase):
            """Ten megabytes in one line, made as they are read."""

            def __init__(self) -> None:
                self.left = 10_000_000

            def readline(self, size: int | None = -1, /) -> bytes:
                count = min(self.left, size or 0)
                self.left -= count
                return b"x" * count

        tracemalloc.start()
        found = list(formats.read("itag", Endless(), limit=100_000))  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert found == [Problem("line 1", "is longer than 100,000 bytes")]
        assert peak < 1_000_000

    def test_from_a_path_a_zip_file_and_an_open_file(self, tmp_path: Path) -> None:
        line = b'{"data": {}}\n'
        (tmp_path / "a.manifest").write_bytes(line)
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("in.manifest", line)
        with zipfile.ZipFile(tmp_path / "a.zip") as archive:
            for source in (
                tmp_path / "a.manifest",
                str(tmp_path / "a.manifest"),
                zipfile.Path(archive, "in.manifest"),
            ):
                assert list(formats.read("itag", source)) == [Row('{"data": {}}', 1)]
        with pytest.raises(InvalidData, match="binary mode"):
            list(formats.read("itag", io.StringIO("{}")))  # type: ignore[arg-type]


class TestWriting:
    def test_a_block_for_each_stage_that_has_a_result(self) -> None:
        rows = written(
            [a_result(LABEL={"1": Choice("cat")}, ACCEPT={"1": Choice("dog")}), a_result(number=2)],
            CATS,
        )
        assert [list(row) for row in rows] == [["data", "label-4", "label-4-verify"], ["data"]]

    def test_the_report_counts_what_was_not_written(self) -> None:
        results = [a_result(LABEL={"1": Choice("cat")}), a_result(LABEL=None), a_result()]
        report = formats.write("itag", results, io.BytesIO(), template=CATS, stages=[Stage.LABEL])
        assert (report.rows, report.blocks, report.abandoned, report.unfinished) == (
            3,
            {Stage.LABEL: 1},
            1,
            1,
        )

    def test_the_row_is_passed_through_byte_by_byte(self) -> None:
        row = (
            '{ "x": 1e400,  "data" : {"source": "\\u732b", "n": 1.0} , "label-9": {"results": []}}'
        )
        target = io.BytesIO()
        formats.write("itag", [a_result(row, LABEL={"1": Choice("cat")})], target, template=CATS)
        assert target.getvalue().decode().startswith(row[:-1] + ',"label-4":')

    @pytest.mark.parametrize("key", ["label-4-check", "label\\u002d4-check"])
    def test_results_of_the_same_job_in_the_row_are_written_anew(self, key: str) -> None:
        row = f'{{ "{key}": {{"results": [1]}}, "label-9": {{"results": [ 1e400 ]}} , "data": {{"n": 1.0}}}}'
        target = io.BytesIO()
        formats.write("itag", [a_result(row, LABEL={"1": Choice("cat")})], target, template=CATS)
        assert target.getvalue().startswith(
            b'{"label-9": {"results": [ 1e400 ]},"data": {"n": 1.0},"label-4":'
        )
        assert target.getvalue().count(b"label-4") == 1

    def test_what_fails_leaves_the_old_file(self, tmp_path: Path) -> None:
        target = tmp_path / "out.manifest"
        target.write_text("old")

        def results() -> Iterator[Result]:
            yield a_result()
            raise RuntimeError("stop")

        with pytest.raises(RuntimeError):
            formats.write("itag", results(), target, template=CATS)
        assert [file.name for file in tmp_path.iterdir()] == ["out.manifest"]
        assert target.read_text() == "old"

    def test_regions_without_an_id_get_the_same_one_in_every_export(self) -> None:
        template = templates.object_detection(["car"])
        regions = Regions(
            [Box(0, 0, 1, 1, label="car"), Box(0, 0, 2, 2, label="car", id="mine")],
            width=9,
            height=9,
        )
        ids = [
            [region["id"] for region in row["label-4"]["results"][0]["data"]]
            for _ in range(2)
            for row in written(
                [a_result(LABEL={"1": regions}), a_result(number=2, LABEL={"1": regions})], template
            )
        ]
        assert ids[:2] == ids[2:]
        assert ids[0][0] != ids[1][0]
        assert ids[0][1] == "mine"

    def test_memory_does_not_grow_with_the_number_of_tasks(self) -> None:
        def peak(count: int) -> int:
            class Nowhere(io.RawIOBase):
                def write(self, data: Any, /) -> int:
                    return len(data)

            results = (a_result(number=n, LABEL={"1": Choice("cat")}) for n in range(count))
            tracemalloc.start()
            formats.write("itag", results, Nowhere(), template=CATS)  # type: ignore[arg-type]
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

        # the interpreter keeps a bounded number of freed tuples
        assert peak(40_000) < peak(2_000) + 200_000


class TestTheResult:
    ROW: ClassVar[dict[str, Any]] = {
        "data": {},
        "label-7": {"results": ["old"]},
        "label-8": {"results": ["labeled"]},
        "label-8-check": {"results": ["inspected"]},
    }

    def test_is_that_of_the_last_stage_of_the_last_job(self) -> None:
        assert itag.result_in(self.ROW) == ["inspected"]
        assert itag.result_in({"data": {}}) is None

    def test_or_of_the_job_and_stage_that_is_asked_for(self) -> None:
        assert itag.result_in(self.ROW, job="7") == ["old"]
        assert itag.result_in(self.ROW, stage=Stage.LABEL) == ["labeled"]
        assert itag.result_in(self.ROW, job="9") is None
        assert itag.result_in(self.ROW, job="7", stage=Stage.ACCEPT) is None


class TestRegistry:
    def test_an_unknown_format_names_those_there_are(self) -> None:
        with pytest.raises(UnknownFormat, match=r"no format 'coco9'; known are .*itag"):
            formats.find("coco9")

    def test_other_packages_declare_theirs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "theirs.py").write_text(
            "def read(source): ...\ndef write(results, target): ...\n"
        )
        info = tmp_path / "theirs-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[itagflow.formats]\ntheirs = theirs\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        assert formats.find("theirs").__name__ == "theirs"  # type: ignore[attr-defined]


words = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=5
)
numbers = st.floats(0, 100) | st.integers(0, 100)
points = st.lists(st.tuples(numbers, numbers), min_size=3, max_size=6)
region = st.builds(Polygon, points, labels=st.just({"Single-choice": "a"}), id=words)
replies = st.fixed_dictionaries(
    {},
    optional={
        "1": st.builds(Choice, words),
        "2": st.builds(Choices, st.lists(words)),
        "3": st.builds(Text, words),
        "4": st.builds(Regions, st.lists(region, max_size=3), width=st.just(9), height=st.just(9)),
    },
)
EVERYTHING = Template(
    questions=(
        attrs.evolve(templates.image_classification(["a"]).questions[0], id="1"),
        attrs.evolve(templates.image_classification(["a"], multiple=True).questions[0], id="2"),
        Question("3", QuestionKind.INPUT, "Text"),
        attrs.evolve(templates.object_detection(["a"]).questions[0], id="4"),
    )
)


@given(replies)
def test_what_is_written_is_read_back(said: dict[str, Any]) -> None:
    (row,) = written([a_result(LABEL=said)], EVERYTHING)
    elements = itag.blocks(row)["4"][Stage.LABEL]
    assert itag.parse(elements, EVERYTHING) == said


NAMES = [
    *(
        "results",
        "label-1",
        "label-1-check",
        "data",
        "questionId",
        "type",
        "markTitle",
        "labels",
        "id",
        "value",
    ),
    *(
        "objects",
        "duration",
        "result",
        "start",
        "end",
        "relations",
        "text",
        "empty",
        "holes",
        "box",
        "names",
    ),
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner
            | st.sampled_from(
                [
                    "1",
                    "image",
                    "survey",
                    "image/rectangleLabel",
                    "survey/value",
                    "survey/multivalue",
                    "image/polygon",
                ]
            ),
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=amount(150, 3_000))
@given(json_values, st.binary(max_size=60))
def test_whatever_comes_only_our_errors_come_out(value: Any, raw: bytes) -> None:
    for item in formats.read("itag", io.BytesIO(raw)):
        assert isinstance(item, Row | Problem)
    for act in (
        lambda: itag.parse(value, EVERYTHING),
        lambda: itag.blocks(value if isinstance(value, dict) else {"label-1": value}),
        lambda: itag.template_of({"label-1": {"results": value}}),
        lambda: itag.template_of(value if isinstance(value, dict) else {"label-1": value}),
    ):
        try:
            act()
        except InvalidData as error:
            assert error.problems
