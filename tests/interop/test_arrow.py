"""Tables of Arrow and files of Parquet are read by the libraries that people train with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.scenes import cats, labeled

from itagflow import (
    Box,
    Choice,
    Flow,
    Regions,
    Result,
    Spans,
    Stage,
    Task,
    TaskState,
    Template,
    TextSpan,
    formats,
    templates,
)
from itagflow.formats._columns import FIXED
from itagflow.model import StageResult

pytest.importorskip("pyarrow", reason="nox -s interop runs this")
CATS = templates.image_classification(["cat", "dog"], title="Animal")
ANIMALS = templates.object_detection(["zebra", "ant"])
NAMES = templates.entity_recognition(["company", "place"])
BOXES = [Box(10, 20, 30, 5, label="ant"), Box(50.5, 2, 40, 40, label="zebra")]
COLUMNS = [*FIXED, "source", "Animal"]


def need(library: str) -> Any:
    return pytest.importorskip(library, reason="nox -s interop runs this")


def a_result(said: Any, number: int, source: str = "") -> Result:
    made = {Stage.LABEL: StageResult(stage=Stage.LABEL, replies=said, round=1, member=2)}
    row = json.dumps({"data": {"source": source or f"{number}.jpg"}})
    task = Task(job=4, number=number, package=1, row=row)
    return Result(task=task, state=TaskState.FINAL, stages=made)


def written(path: Path, results: list[Result], template: Template, **more: Any) -> str:
    formats.write("parquet", results, path, template=template, lossy="error", **more)
    return str(path)


@pytest.fixture
def animals(tmp_path: Path) -> str:
    """A file of two classified images, and one that nobody has answered."""
    said = [{"1": Choice("dog")}, {"1": Choice("cat")}, None]
    results = [a_result(each, number) for number, each in enumerate(said, 1)]
    return written(tmp_path / "animals.parquet", results, CATS)


@pytest.fixture
def boxes(tmp_path: Path) -> str:
    """A file of an image with two boxes, and one with none."""
    results = [
        a_result({"1": Regions(regions, width=100, height=50)}, number)
        for number, regions in enumerate([BOXES, []], 1)
    ]
    return written(tmp_path / "boxes.parquet", results, ANIMALS)


def load(path: str, cache: Path) -> Any:
    return need("datasets").load_dataset(
        "parquet", data_files={"train": path}, cache_dir=str(cache)
    )["train"]


class TestPandas:
    def test_reads_classes_and_times(self, animals: str) -> None:
        table = need("pandas").read_parquet(animals)
        assert list(table.columns) == COLUMNS
        assert list(table["Animal"].fillna("")) == ["dog", "cat", ""]
        assert str(table["label_at"].dtype).startswith("datetime64")
        assert list(table["task"]) == [1, 2, 3]

    def test_takes_the_table_of_a_job(self, flow: Flow) -> None:
        need("pandas")
        job = cats(flow, tasks=4)
        labeled(flow, "ben", job)
        table = flow.results.to_arrow(job).to_pandas()
        assert list(table["Single-choice"].fillna("")) == ["cat", "cat", "", ""]


class TestPolars:
    def test_reads_classes_and_times(self, animals: str) -> None:
        polars = need("polars")
        table = polars.read_parquet(animals)
        assert table.columns == COLUMNS
        assert table["Animal"].to_list() == ["dog", "cat", None]
        assert table["label_at"].dtype == polars.Datetime("us", "UTC")

    def test_reads_boxes(self, boxes: str) -> None:
        polars = need("polars")
        (name,) = set(polars.read_parquet(boxes).columns) - {*FIXED, "source"}
        regions = (
            polars.read_parquet(boxes)
            .select("task", polars.col(name).struct.field("regions"))
            .explode("regions", empty_as_null=False)
            .unnest("regions")
        )
        assert regions.select("task", "x", "width").rows() == [(1, 10.0, 30.0), (1, 50.5, 40.0)]

    def test_takes_the_table_of_a_job(self, flow: Flow) -> None:
        polars = need("polars")
        job = cats(flow, tasks=4)
        labeled(flow, "ben", job)
        table = polars.from_arrow(flow.results.to_arrow(job))
        assert table["Single-choice"].to_list() == ["cat", "cat", None, None]


class TestDuckDB:
    def test_counts_boxes_by_class(self, boxes: str) -> None:
        duckdb = need("duckdb")
        (name,) = set(duckdb.sql(f"from '{boxes}'").columns) - {*FIXED, "source"}
        found = duckdb.sql(
            f"""
            select region.labels."Single-choice" as class, count(*)
            from (select unnest("{name}".regions) as region from '{boxes}')
            group by all order by all
            """
        )
        assert found.fetchall() == [("ant", 1), ("zebra", 1)]

    def test_takes_the_table_of_a_job(self, flow: Flow) -> None:
        duckdb = need("duckdb")
        job = cats(flow, tasks=4)
        labeled(flow, "ben", job)
        table = flow.results.to_arrow(job)
        with duckdb.connect() as connection:
            connection.register("rows", table)
            query = 'select "Single-choice", count(*) from rows group by all order by all'
            assert connection.sql(query).fetchall() == [("cat", 2), (None, 2)]


class TestDatasets:
    def test_reads_classes_by_name(self, animals: str, tmp_path: Path) -> None:
        found = load(animals, tmp_path)
        assert found.column_names == COLUMNS
        assert found.features["Animal"] == need("datasets").Value("string")
        assert found["Animal"][:] == ["dog", "cat", None]

    def test_reads_classes_by_id(self, tmp_path: Path) -> None:
        results = [a_result({"1": Choice(key)}, n) for n, key in enumerate(["dog", "cat"], 1)]
        path = written(tmp_path / "ids.parquet", results, CATS, class_ids=True)
        found = load(path, tmp_path)
        assert found.features["Animal"] == need("datasets").ClassLabel(names=["cat", "dog"])
        assert found["Animal"][:] == [1, 0]

    def test_reads_boxes(self, boxes: str, tmp_path: Path) -> None:
        found = load(boxes, tmp_path)
        (name,) = set(found.column_names) - {*FIXED, "source"}
        first, second = found[name][:]
        assert [each["x"] for each in first["regions"]] == [10.0, 50.5]
        assert [each["labels"] for each in first["regions"]] == [
            {"Single-choice": "ant"},
            {"Single-choice": "zebra"},
        ]
        assert (second["regions"], second["width"]) == ([], 100)

    def test_reads_spans(self, tmp_path: Path) -> None:
        text = "Acme lies in Oslo."
        spans = [
            TextSpan(0, 4, "Acme", label="company"),
            TextSpan(13, 17, "Oslo", label="place"),
        ]
        said = {NAMES.questions[0].id: Spans(spans)}
        path = written(tmp_path / "spans.parquet", [a_result(said, 1, text)], NAMES)
        found = load(path, tmp_path)
        (name,) = set(found.column_names) - {*FIXED, "source"}
        assert [
            found["source"][0][each["start"] : each["end"]] for each in found[name][0]["spans"]
        ] == ["Acme", "Oslo"]

    def test_puts_files_of_several_jobs_together(self, tmp_path: Path) -> None:
        paths = [
            written(
                tmp_path / f"{n}.parquet", [a_result({"1": Choice("cat")} if n else None, 1)], CATS
            )
            for n in range(2)
        ]
        found = need("datasets").load_dataset(
            "parquet", data_files={"train": paths}, cache_dir=str(tmp_path)
        )["train"]
        assert found["Animal"][:] == [None, "cat"]

    def test_takes_the_table_of_a_job(self, flow: Flow) -> None:
        job = cats(flow, tasks=4)
        labeled(flow, "ben", job)
        found = need("datasets").Dataset(flow.results.to_arrow(job))
        assert found["Single-choice"][:] == ["cat", "cat", None, None]
