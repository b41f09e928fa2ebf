"""Parquet: typed columns that follow from the template, and what comes out goes in again."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import ALL, a_row, replies
from support.scenes import cats, labeled

import itagflow
from itagflow import (
    Box,
    Choice,
    Flow,
    InvalidData,
    Polygon,
    Preference,
    Rating,
    Regions,
    Result,
    Stage,
    Task,
    TaskState,
    Template,
    formats,
    templates,
)
from itagflow.formats import _arrow_draft, _parquet, kit
from itagflow.formats._columns import FIXED
from itagflow.model import Outcome, Provenance, Row, StageResult

pa = pytest.importorskip("pyarrow", reason="the extra `arrow` is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="the extra `arrow` is not installed")

quiet = settings(
    deadline=None, max_examples=amount(5, 200), suppress_health_check=list(HealthCheck)
)
CATS = templates.image_classification(["cat", "dog"], title="Animal")
ANIMALS = templates.object_detection(["zebra", "ant"])
LABELED = datetime(2026, 5, 4, 12, tzinfo=UTC)
WORK = Provenance(
    stage=Stage.LABEL,
    round=1,
    member=7,
    outcome=Outcome.SUBMITTED,
    inspected=False,
    at=LABELED,
    seconds=2.5,
)


def a_result(said: Any, number: int = 1, data: Any = None, **more: Any) -> Result:
    made = {Stage.LABEL: StageResult(stage=Stage.LABEL, replies=said, round=1, member=7)}
    row = json.dumps({"data": data or {"source": f"{number}.jpg"}})
    task = Task(job=4, number=number, package=1, row=row)
    return Result(task=task, state=TaskState.FINAL, stages=made, **more)


def write(
    results: Iterable[Result], template: Template = CATS, **more: Any
) -> tuple[io.BytesIO, dict[str, int]]:
    file = io.BytesIO()
    report = formats.write("parquet", results, file, template=template, **more)
    file.seek(0)
    return file, dict(report.losses)


def table_of(results: Iterable[Result], template: Template = CATS, **more: Any) -> Any:
    return pq.read_table(write(results, template, **more)[0])


def read(file: Any, template: Template | None = None, **more: Any) -> list[Any]:
    """The data of each row, or what is wrong with it."""
    return [
        json.loads(row.text)["data"] if isinstance(row, Row) else str(row)
        for row in formats.read("parquet", file, template=template, **more)
    ]


class TestTheColumns:
    def test_are_those_of_rows_with_types(self) -> None:
        table = table_of([a_result({"1": Choice("cat")}, provenance=[WORK])])
        assert table.column_names == [*FIXED, "source", "Animal"]
        (row,) = table.to_pylist()
        assert (row["task"], row["state"], row["Animal"]) == (1, "final", "cat")
        assert (row["label_at"], row["label_seconds"]) == (LABELED, 2.5)
        assert (row["inspected"], row["rejections"], row["model"]) == (False, 0, None)
        kinds = {name: str(table.schema.field(name).type) for name in table.column_names}
        assert kinds["task"] == "int64"
        assert kinds["label_at"] == "timestamp[us, tz=UTC]"
        assert kinds["score"] == "double"
        assert kinds["inspected"] == "bool"
        assert kinds["inspect_by"] == "string"

    @pytest.mark.parametrize("name", ALL)
    def test_follow_from_the_template_and_the_fields_alone(self, name: str) -> None:
        template = ALL[name]
        some = [a_result(None, 1, a_row(template)["data"])]
        schema = table_of(some, template).schema
        assert schema.equals(table_of(some * 3, template).schema, check_metadata=True)
        fields = a_row(template)["data"]
        assert [each for each in schema.names if each in fields] == list(fields)

    def test_regions_are_a_list_of_structs(self) -> None:
        regions = [
            Box(1, 2, 3, 4, labels={"Single-choice": "ant"}, id="r"),
            Box(5, 6, 7, 8, label="zebra"),
        ]
        said = {"1": Regions(regions, width=100, height=50)}
        (row,) = table_of([a_result(said)], ANIMALS).to_pylist()
        (column,) = [name for name in row if name not in FIXED and name != "source"]
        assert (row[column]["width"], row[column]["height"], row[column]["rotation"]) == (
            100,
            50,
            0,
        )
        first, second = row[column]["regions"]
        assert first["labels"] == {"Single-choice": "ant"}
        # the short form, which has not been saved yet, says the same
        assert second["labels"] == {"Single-choice": "zebra"}
        assert (first["kind"], first["x"], first["height"], first["id"]) == ("box", 1, 4, "r")

    def test_have_what_a_reply_leaves_out_because_it_is_as_always(self) -> None:
        pairs = templates.pairwise_preference(degrees=3)
        said = {pairs.questions[0].id: Preference("a")}
        (row,) = table_of([a_result(said)], pairs).to_pylist()
        assert row[pairs.questions[0].title] == {"better": "a", "degree": 1, "tie": None}

    def test_names_stay_apart(self) -> None:
        template = templates.image_classification(["cat"], title="task")
        result = a_result({"1": Choice("cat")}, data={"source": "1.jpg", "state": "Ohio"})
        file, _ = write([result], template)
        assert pq.read_table(file).column_names[-3:] == ["source", "state (data)", "task (1)"]
        file.seek(0)
        assert read(file, template) == [{"source": "1.jpg", "state": "Ohio"}]

    def test_a_field_that_is_no_text_is_json(self) -> None:
        data = {"n": 3, "wide": [1.5, {"a": None}], "ok": True, "none": None, "text": "3"}
        (row,) = table_of([a_result(None, data=data)]).to_pylist()
        assert (row["n"], row["wide"], row["ok"]) == ("3", '[1.5,{"a":null}]', "true")
        assert (row["none"], row["text"]) == (None, "3")

    def test_a_field_that_only_some_rows_have_is_empty_in_the_others(self) -> None:
        results = [
            a_result(None, n, {"source": "a", **more})
            for n, more in enumerate([{}, {"b": "1"}, {"c": "2"}], 1)
        ]
        table = table_of(results)
        assert table["b"].to_pylist() == [None, "1", None]
        assert table["c"].to_pylist() == [None, None, "2"]

    def test_can_have_ids_of_classes(self) -> None:
        results = [a_result({"1": Choice(key)}, n) for n, key in enumerate(["dog", "cat"], 1)]
        file, _ = write(results, class_ids=True)
        table = pq.read_table(file)
        assert table["Animal"].to_pylist() == [1, 0]
        told = json.loads(table.schema.metadata[b"huggingface"])
        assert told["info"]["features"]["Animal"] == {
            "_type": "ClassLabel",
            "names": ["cat", "dog"],
        }
        file.seek(0)
        rows = list(formats.read("parquet", file, template=CATS))
        assert [kit.parse_row(row, CATS)[Stage.LABEL]["1"].key for row in rows] == ["dog", "cat"]


class TestWhatIsWritten:
    def test_the_stages_that_are_asked_for(self) -> None:
        result = a_result({"1": Choice("cat")}, provenance=[WORK])
        checked = StageResult(stage=Stage.INSPECT, replies={"1": Choice("dog")}, round=1, member=8)
        both = attrs.evolve(result, stages={**result.stages, Stage.INSPECT: checked})
        assert table_of([both])["Animal"].to_pylist() == ["dog"]
        assert table_of([both], stages=[Stage.LABEL])["Animal"].to_pylist() == ["cat"]
        assert table_of([both], stages=[Stage.INSPECT])["label_at"].to_pylist() == [None]

    def test_row_groups_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_arrow_draft, "BATCH", 2)
        monkeypatch.setattr(_parquet, "GROUP_ROWS", 5)
        results = [a_result({"1": Choice("cat")}, n) for n in range(1, 12)]
        found = pq.ParquetFile(write(results)[0])
        groups = [found.metadata.row_group(n).num_rows for n in range(found.num_row_groups)]
        assert groups == [4, 4, 3]
        assert found.read()["task"].to_pylist() == list(range(1, 12))

    def test_large_rows_make_small_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_arrow_draft, "GROUP_BYTES", 1_000)
        monkeypatch.setattr(_parquet, "GROUP_BYTES", 1_000)
        results = [a_result(None, n, {"source": "x" * 600}) for n in range(1, 7)]
        found = pq.ParquetFile(write(results)[0])
        assert found.num_row_groups == 3

    def test_no_result_is_a_table_without_rows(self) -> None:
        table = table_of([])
        assert (table.num_rows, table.column_names) == (0, [*FIXED, "Animal"])

    def test_the_same_results_are_the_same_bytes(self) -> None:
        results = [a_result({"1": Choice("cat")}, n) for n in range(1, 5)]
        assert write(results)[0].getvalue() == write(results)[0].getvalue()

    def test_what_does_not_fit_the_template_is_lost_and_counted(self) -> None:
        (question,) = templates.object_detection(["ant"]).questions
        boxes = attrs.evolve(question, shapes=["box"])
        plain = Template(questions=[boxes])
        regions = [
            Polygon([(0, 0), (9, 0), (9, 9)], labels={"Single-choice": "ant"}),
            Box(1, 1, 2, 2, labels={"Color": "red"}),
            Box(1, 1, 2, 2, labels={"Single-choice": ["ant", "bee"]}),
        ]
        result = a_result({"1": Regions(regions, width=10, height=10)})
        _, losses = write([result], plain)
        assert losses == {
            "regions of a shape that the template does not have": 1,
            "labels that the template does not ask for": 1,
            "labels with several keys, where the template asks for one": 1,
        }
        with pytest.raises(InvalidData, match="lossy='report'"):
            write([result], plain, lossy="error")

    def test_half_of_a_surrogate_pair(self) -> None:
        with pytest.raises(InvalidData, match=r"task 2.*source.*surrogates"):
            write([a_result(None), a_result(None, 2, {"source": "\ud83d"})])
        with pytest.raises(InvalidData, match="half of a surrogate pair"):
            write([a_result(None, 1, {"source": "a", "\ud83d": "b"})])

    def test_a_reply_of_another_kind(self) -> None:
        stars = templates.dialogue_rating(["helpful"])
        said = {question.id: Choice("good") for question in stars.questions}
        with pytest.raises(InvalidData, match=r"task 1.*type double"):
            write([a_result(said)], stars)

    def test_more_fields_than_a_table_can_have(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_arrow_draft, "MAX_FIELDS", 3)
        with pytest.raises(InvalidData, match="more than 3 in all: use the format 'jsonl'"):
            write([a_result(None, n, {f"f{n}": "x"}) for n in range(1, 5)])

    def test_when_something_goes_wrong_a_path_is_as_it_was(self, tmp_path: Path) -> None:
        def results() -> Iterable[Result]:
            yield a_result(None)
            raise KeyError("mine")

        path = tmp_path / "a.parquet"
        path.write_bytes(b"before")
        with pytest.raises(KeyError, match="mine"):
            formats.write("parquet", results(), path, template=CATS)
        assert path.read_bytes() == b"before"
        assert [each.name for each in tmp_path.iterdir()] == ["a.parquet"]

    def test_when_writing_fails_an_open_file_never_looks_whole(self) -> None:
        class Full(io.BytesIO):
            def write(self, data: Any, /) -> int:
                if self.tell() > 500:
                    raise OSError(28, "No space left on device")
                return super().write(data)

        file = Full()
        with pytest.raises(OSError, match="No space"):
            formats.write("parquet", [a_result(None)], file, template=CATS)
        assert not file.getvalue().endswith(b"PAR1")


class TestWhatComesBack:
    @pytest.mark.parametrize("name", ALL)
    @given(data=st.data(), ids=st.booleans())
    @quiet
    def test_is_what_went_out(self, name: str, data: st.DataObject, ids: bool) -> None:
        template = ALL[name]
        said = data.draw(st.lists(replies(template), max_size=3))
        results = [a_result(each, n, a_row(template)["data"]) for n, each in enumerate(said, 1)]
        file, losses = write(results, template, class_ids=ids)
        assert losses == {}
        rows = list(formats.read("parquet", file, template=template))
        found = [kit.parse_row(row, template) for row in rows]
        # a task without any reply has no result in a table: its cells are empty
        assert found == [{Stage.LABEL: each} if each else {} for each in said]
        assert [json.loads(row.text)["data"] for row in rows] == [
            result.task.data for result in results
        ]

    def test_without_a_template_the_data(self) -> None:
        file, _ = write([a_result({"1": Choice("cat")})])
        (row,) = formats.read("parquet", file)
        assert row == Row('{"data":{"source":"1.jpg"}}', 0)

    def test_of_another_program_all_columns(self) -> None:
        at = datetime(2026, 5, 4, 12)
        columns = {
            "source": ["1.jpg"],
            "n": [3],
            "at": [at],
            "day": [at.date()],
            "x": [float("nan")],
            "tags": [["a", None]],
            "where": [{"lat": 1.5}],
        }
        file = io.BytesIO()
        pq.write_table(pa.table(columns), file)
        file.seek(0)
        assert read(file) == [
            {
                "source": "1.jpg",
                "n": 3,
                "at": "2026-05-04T12:00:00",
                "day": "2026-05-04",
                "x": None,
                "tags": ["a", None],
                "where": {"lat": 1.5},
            }
        ]
        file.seek(0)
        (problem,) = read(file, fields=["source", "patient"])
        has = "'at', 'day', 'n', 'source', 'tags', 'where', 'x'"
        assert problem == f"the file: lacks the fields 'patient'; it has {has}"

    def test_bytes_are_no_json(self) -> None:
        file = io.BytesIO()
        pq.write_table(pa.table({"source": ["1"], "image": [b"\x89PNG"]}), file)
        file.seek(0)
        (problem,) = read(file)
        assert problem.startswith("row 1, image: must be a text, a number, a time, a list")

    @pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 40 + b"PAR1", b"a,b\r\n"])
    def test_a_file_that_is_none(self, content: bytes) -> None:
        (problem,) = read(io.BytesIO(content))
        assert problem.startswith("the file: is no Parquet file that can be read: ")

    def test_two_columns_of_one_name(self) -> None:
        file = io.BytesIO()
        pq.write_table(pa.table([["1"], ["2"]], names=["a", "a"]), file)
        file.seek(0)
        assert read(file) == ["the file: has several columns of the name a"]

    @pytest.mark.parametrize(
        ("told", "reason"),
        [
            (b"{", "is not JSON"),
            (b"[]", "must be of version 1"),
            (b'{"version": 2}', "must be of version 1"),
            (b'{"version": 1, "fields": {"b": "b"}}', "must tell of the columns"),
            (b'{"version": 1, "fields": {"a": 3}}', "must tell of the columns"),
        ],
    )
    def test_a_schema_that_says_something_else(self, told: bytes, reason: str) -> None:
        file = io.BytesIO()
        pq.write_table(pa.table({"a": ["1"]}).replace_schema_metadata({b"itagflow": told}), file)
        file.seek(0)
        (problem,) = read(file)
        assert problem.startswith(f"the key 'itagflow' of its schema: {reason}")

    def test_answers_to_other_questions_are_left_out_and_others_told(self) -> None:
        stars = templates.dialogue_rating(["helpful"])
        file, _ = write([a_result({"1": Rating(3)})], stars)
        (told,) = read(file, CATS)
        assert told.startswith("row 1, helpful.key: ")
        file.seek(0)
        other = attrs.evolve(CATS.questions[0], id="other")
        (row,) = formats.read("parquet", file, template=Template(questions=[other]))
        assert row == Row('{"data":{"source":"1.jpg"}}', 0)


class TestAJob:
    def test_goes_out_by_pseudonym_or_account_and_comes_back(
        self, flow: Flow, tmp_path: Path
    ) -> None:
        job = cats(flow, tasks=3)
        labeled(flow, "ben", job)
        path = tmp_path / "cats.parquet"
        report = flow.results.export(job, "parquet", path)
        assert report.rows == 3
        rows = pq.read_table(path).to_pylist()
        assert [row["job"] for row in rows] == [job.name] * 3
        expected = list(flow.results.rows(job, accounts=False))
        assert [row["label_by"] for row in rows] == [row["label_by"] for row in expected]
        flow.results.export(job, "parquet", path, accounts=True)
        assert pq.read_table(path).to_pylist() == list(flow.results.rows(job))

        template = flow.templates.get(job)
        again = flow.jobs.import_results(
            "street", "again", template=template, data=path, format="parquet", by="ada"
        )
        assert [each.replies for each in flow.results.list(again)] == [
            each.replies or None for each in flow.results.list(job)
        ]

    def test_is_a_table_in_memory(self, flow: Flow) -> None:
        job = cats(flow, tasks=4)
        labeled(flow, "ben", job)
        table = flow.results.to_arrow(job)
        assert table.to_pylist() == list(flow.results.rows(job))
        votes = flow.results.to_arrow(job, votes=True, fields=[])
        assert votes.to_pylist() == list(flow.results.rows(job, votes=True, fields=[]))
        assert str(votes.schema.field("at").type) == "timestamp[us, tz=UTC]"

    def test_without_tasks_has_the_same_columns(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        where = itagflow.model.Selection(label="cat")
        empty = flow.results.to_arrow(job, where=where)
        assert empty.num_rows == 0
        assert empty.schema.equals(flow.results.to_arrow(job).schema)


def test_the_core_needs_no_pyarrow(tmp_path: Path) -> None:
    code = """
import io, sys
sys.modules["pyarrow"] = None  # as if it were not installed
sys.meta_path.insert(0, type("Hidden", (), {"find_spec": staticmethod(
    lambda name, path=None, target=None: None)}))
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "pyarrow" else found(name, package)
import itagflow
from itagflow import formats, templates
template = templates.image_classification(["cat"])
for act in (
    lambda: formats.write("parquet", [], io.BytesIO(), template=template),
    lambda: list(formats.read("parquet", io.BytesIO(b""))),
):
    try:
        act()
    except itagflow.InvalidData as error:
        print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    reason = "pyarrow: is not installed: install it with pip install 'itagflow[arrow]'"
    assert found.stdout.splitlines() == [f"the format 'parquet': {reason}"] * 2
