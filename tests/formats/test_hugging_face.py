"""Hugging Face: rows go out as Parquet files with a card, and come back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import ALL, a_row, replies
from support.exported import a_result, read, write, zipped

import itagflow
from itagflow import Choice, InvalidData, Result, Template, formats, templates

pq = pytest.importorskip("pyarrow.parquet", reason="the extra `arrow` is not installed")

quiet = settings(
    deadline=None, max_examples=amount(3, 100), suppress_health_check=list(HealthCheck)
)
CATS = templates.image_classification(["zebra", "ant"], title="Animal")
SAID = [a_result({"1": Choice(key)}, number) for number, key in enumerate(["ant", "zebra"], 1)]


def unpacked(results: Iterable[Result], template: Template = CATS, **more: Any) -> dict[str, bytes]:
    content, _ = write("hugging_face", results, template, **more)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


class TestWhatIsWritten:
    def test_a_file_of_rows_and_a_card(self) -> None:
        files = unpacked(SAID)
        assert list(files) == ["README.md", "data/train-00000-of-00001.parquet"]
        table = pq.read_table(io.BytesIO(files["data/train-00000-of-00001.parquet"]))
        # in the order of the template
        assert table["Animal"].to_pylist() == [1, 0]
        card = files["README.md"].decode()
        assert card.startswith(
            '---\ndataset_info:\n  features:\n  - name: "task"\n    dtype: "int64"\n'
        )
        assert (
            '  - name: "Animal"\n    dtype:\n      class_label:\n        names:\n'
            '          "0": "zebra"\n          "1": "ant"\n---\n\n# Labeled data\n\n2 rows, '
        ) in card  # fmt: skip
        assert card.endswith("- `Animal`: RADIO\n")

    def test_the_card_has_every_column(self) -> None:
        for template in ALL.values():
            files = unpacked([a_result(None, 1, a_row(template)["data"])], template)
            (name,) = [name for name in files if name.endswith(".parquet")]
            schema = pq.read_table(io.BytesIO(files[name])).schema
            card = files["README.md"].decode()
            named = [line for line in card.splitlines() if line.startswith("  - name: ")]
            assert len(named) == len(schema.names)

    def test_without_class_ids_an_option_is_a_text(self) -> None:
        files = unpacked(SAID, class_ids=False)
        assert '  - name: "Animal"\n    dtype: "string"\n' in files["README.md"].decode()

    def test_a_title_is_no_markdown(self) -> None:
        named = attrs.evolve(CATS, name="# <b>[x](y)")
        card = unpacked([], named)["README.md"].decode()
        assert "# \\# \\<b\\>\\[x\\]\\(y\\)\n" in card

    @pytest.mark.parametrize(("rows", "parts"), [(0, 1), (1, 1), (3, 1), (4, 2), (7, 3)])
    def test_large_sets_are_cut_into_files(self, rows: int, parts: int) -> None:
        results = [a_result({"1": Choice("ant")}, number) for number in range(1, rows + 1)]
        files = unpacked(results, part_rows=3)
        names = [f"data/train-{n:05}-of-{parts:05}.parquet" for n in range(parts)]
        assert list(files)[1:] == names
        tables = [pq.read_table(io.BytesIO(files[name])) for name in names]
        assert [number for table in tables for number in table["task"].to_pylist()] == [
            *range(1, rows + 1)
        ]
        content, _ = write("hugging_face", results, CATS, part_rows=3)
        assert len(read("hugging_face", content, CATS)) == rows

    def test_a_split_has_its_name(self) -> None:
        assert "data/validation-00000-of-00001.parquet" in unpacked([], split="validation")
        for split in ("", "a b", "../x", "a-b", "a."):
            with pytest.raises(InvalidData, match="split: must have letters, digits and _"):
                unpacked([], split=split)

    def test_the_same_results_are_the_same_bytes(self) -> None:
        assert unpacked(SAID) == unpacked(SAID)

    def test_when_something_goes_wrong_a_path_is_as_it_was(self, tmp_path: Path) -> None:
        path = tmp_path / "set.zip"
        path.write_text("before")
        wrong = a_result({"1": Choice("ant")}, 2, {"source": "\ud800"})
        with pytest.raises(InvalidData, match="task 2"):
            formats.write("hugging_face", [*SAID, wrong], path, template=CATS)
        assert path.read_text() == "before"


@pytest.mark.parametrize("name", ALL)
@quiet
@given(data=st.data())
def test_what_comes_out_goes_in_again(name: str, data: st.DataObject) -> None:
    template = ALL[name]
    said = [data.draw(replies(template)) for _ in range(2)]
    row = a_row(template)["data"]
    results = [a_result(each, number, row) for number, each in enumerate(said, 1)]
    content, losses = write("hugging_face", results, template)
    found = read("hugging_face", content, template)
    # a result without any reply is read as no result
    assert (losses, [each or {} for each in found]) == ({}, said)
    assert read("hugging_face", content, None) == [{"data": row}] * 2


def test_an_export_becomes_a_finished_job_with_the_same_answers() -> None:
    content, _ = write("hugging_face", SAID, CATS)
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin="ada")
        job = flow.jobs.import_results(
            "street", "pets", template=CATS, data=io.BytesIO(content), format="hugging_face",
            by="ada",
        )  # fmt: skip
        assert [result.replies for result in flow.results.list(job)] == [
            {"1": Choice("ant")}, {"1": Choice("zebra")},
        ]  # fmt: skip


class TestWhatOthersWrite:
    def test_files_of_any_name_in_the_order_of_their_names(self) -> None:
        one, other = (unpacked([each])["data/train-00000-of-00001.parquet"] for each in SAID)
        files = {"x/test.parquet": other, "data/train-00000-of-00002.parquet": one, "a.md": ""}
        content = zipped(dict(files))
        assert read("hugging_face", content, CATS) == [
            {"1": Choice("ant")}, {"1": Choice("zebra")},
        ]  # fmt: skip
        assert read("hugging_face", content, CATS, split="test") == [{"1": Choice("zebra")}]

    def test_a_broken_file_is_a_problem_with_its_name(self) -> None:
        good = unpacked(SAID)["data/train-00000-of-00001.parquet"]
        content = zipped({"a.parquet": b"PAR1", "b.parquet": good})
        problem, *kept = read("hugging_face", content, CATS)
        assert problem.startswith("a.parquet: is no Parquet file that can be read")
        assert len(kept) == 2

    def test_what_is_no_zip_file_is_a_problem(self) -> None:
        (problem,) = read("hugging_face", b"PAR1", CATS)
        assert problem.startswith("the file: is no zip file")
        (problem,) = read("hugging_face", zipped({"a.txt": ""}), CATS, split="test")
        assert problem == "the file: has no .parquet file of the split 'test'"
