"""The table of formats and kinds of answer in the docs is what the formats do.

``PYTHONPATH=src:tests python tests/docs/test_format_table.py`` writes it again.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.format_table import COLUMNS, render_table

from itagflow import formats

PAGE = Path(__file__).parents[2] / "docs" / "format-table.md"
BEGIN, END = "<!-- formats: begin -->\n", "<!-- formats: end -->\n"


pytest.importorskip("pyarrow", reason="two of the formats need the extra `arrow`")


def split() -> tuple[str, str, str]:
    """Return what stands before the table, the table, and what stands behind it."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    table, _, after = rest.partition(END)
    return before, table, after


def test_the_table_says_what_the_formats_do() -> None:
    assert split()[1].strip() == render_table().strip(), "run this file to write it again"


def test_every_format_of_answers_is_in_the_table() -> None:
    # what `trl` holds depends on the kind of its rows, and stands on its page
    named = {name for name, _ in COLUMNS.values()}
    assert named <= set(formats.BUILT_IN)
    assert {
        "brat",
        "coco",
        "conll",
        "csv",
        "cvat",
        "hugging_face",
        "image_folder",
        "itag",
        "itag_v1",
        "jsonl",
        "label_studio",
        "labelme",
        "parquet",
        "rttm",
        "srt",
        "voc",
        "webdataset",
        "webvtt",
        "yolo",
    } <= named


if __name__ == "__main__":
    before, _, after = split()
    PAGE.write_text(f"{before}{BEGIN}\n{render_table()}\n{END}{after}", "utf-8")
