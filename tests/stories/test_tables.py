"""Rows become tables of the libraries that people train with: ``nox -s tables`` installs these."""

from __future__ import annotations

from typing import Any

import pytest
from support.scenes import cats, labeled

from itagflow import Flow
from itagflow.formats._columns import FIXED

COLUMNS = [*FIXED, "source", "Single-choice"]


def label_half(flow: Flow) -> list[dict[str, Any]]:
    """The rows of a job of four tasks: two are labeled, and two are not."""
    job = cats(flow, tasks=4)
    labeled(flow, "ben", job)
    return list(flow.results.rows(job))


def need(library: str) -> Any:
    return pytest.importorskip(library, reason="nox -s tables runs this")


def test_pandas(flow: Flow) -> None:
    table = need("pandas").DataFrame(label_half(flow))
    assert list(table.columns) == COLUMNS
    assert list(table["Single-choice"].fillna("")) == ["cat", "cat", "", ""]
    assert str(table["label_at"].dtype).startswith("datetime64")
    assert list(table["inspected"]) == [False] * 4


def test_polars(flow: Flow) -> None:
    polars = need("polars")
    table = polars.DataFrame(label_half(flow))
    assert table.columns == COLUMNS
    assert table["Single-choice"].to_list() == ["cat", "cat", None, None]
    assert table["label_at"].dtype == polars.Datetime("us", "UTC")


def test_datasets(flow: Flow) -> None:
    rows = label_half(flow)
    table = need("datasets").Dataset.from_list(rows)
    assert table.column_names == COLUMNS
    assert [row["Single-choice"] for row in table] == ["cat", "cat", None, None]
    assert table[0]["label_by"] == "ben"
