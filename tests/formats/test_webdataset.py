"""WebDataset: everything that a result has goes out as a sample in a tar file, and comes back."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import ALL, a_row, replies
from support.exported import a_result, read, write

import itagflow
from itagflow import Choice, InvalidData, formats, templates
from itagflow.formats import jsonl

quiet = settings(
    deadline=None, max_examples=amount(3, 100), suppress_health_check=list(HealthCheck)
)
CATS = templates.image_classification(["cat", "dog"])
SAID = [a_result({"1": Choice(key)}, number) for number, key in enumerate(["cat", "dog"], 1)]


def packed(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {
            entry.name: file.read() for entry in archive if (file := archive.extractfile(entry))
        }


class TestWhatGoesOut:
    def test_a_sample_is_a_line_of_json_lines(self) -> None:
        content, losses = write("webdataset", SAID, CATS)
        files = unpacked(content)
        lines, _ = write("jsonl", SAID, CATS)
        assert (losses, list(files)) == ({}, ["000000001.json", "000000002.json"])
        assert b"".join(files.values()) == lines
        assert [jsonl.parse(text.decode()) for text in files.values()] == SAID

    def test_entries_have_no_time_and_no_owner(self) -> None:
        content, _ = write("webdataset", SAID, CATS)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for entry in archive:
                assert (entry.mtime, entry.uid, entry.gid, entry.mode) == (0, 0, 0, 0o644)
        assert content == write("webdataset", SAID, CATS)[0]
        assert len(content) % 512 == 0

    def test_without_tasks_it_is_an_empty_tar_file(self) -> None:
        content, _ = write("webdataset", [], CATS)
        assert (unpacked(content), read("webdataset", content, CATS)) == ({}, [])

    def test_when_something_goes_wrong_a_path_is_as_it_was(self, tmp_path: Path) -> None:
        path = tmp_path / "a.tar"
        path.write_text("before")
        with pytest.raises(InvalidData, match="results"):
            formats.write("webdataset", [*SAID, 7], path, template=CATS)  # type: ignore[list-item]
        assert path.read_text() == "before"


@pytest.mark.parametrize("name", ALL)
@quiet
@given(data=st.data())
def test_what_comes_out_goes_in_again(name: str, data: st.DataObject) -> None:
    template = ALL[name]
    said = [data.draw(replies(template)) for _ in range(2)]
    row = a_row(template)["data"]
    results = [a_result(each, number, row) for number, each in enumerate(said, 1)]
    content, losses = write("webdataset", results, template)
    assert (losses, read("webdataset", content, template)) == ({}, said)
    assert read("webdataset", content, None) == [{"data": row}] * 2


def test_an_export_becomes_a_finished_job_with_the_same_answers() -> None:
    content, _ = write("webdataset", SAID, CATS)
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin="ada")
        job = flow.jobs.import_results(
            "street", "pets", template=CATS, data=io.BytesIO(content), format="webdataset",
            by="ada",
        )  # fmt: skip
        assert [result.replies for result in flow.results.list(job)] == [
            each.replies for each in SAID
        ]


class TestWhatIsRead:
    def test_files_put_together_and_beside_others(self) -> None:
        one, other = (write("webdataset", [each], CATS)[0] for each in SAID)
        assert len(read("webdataset", one + other, CATS)) == 2
        files = unpacked(one)
        content = packed({"a/1.jpg": b"\xff", "a/1.json": files["000000001.json"], "a/1.cls": b"0"})
        assert read("webdataset", content, CATS) == [SAID[0].replies]

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            (b"", "1.json: is not JSON"),
            (b"{}", '1.json: must begin with {"itagflow": 1}'),
            (b"\xff", "1.json: is not UTF-8"),
            (b'{"itagflow": 1, "row": 7}', "1.json, row: must be an object"),
            (b" " * 2_000, "1.json: is longer than limit="),
        ],
    )
    def test_a_broken_sample_is_a_problem_with_its_name(self, text: bytes, problem: str) -> None:
        good = unpacked(write("webdataset", SAID[:1], CATS)[0])["000000001.json"]
        content = packed({"1.json": text, "2.json": good})
        found, kept = read("webdataset", content, CATS, limit=1_500)
        assert found.startswith(problem)
        assert kept == SAID[0].replies

    def test_a_link_is_no_sample(self) -> None:
        target = io.BytesIO()
        with tarfile.open(fileobj=target, mode="w") as archive:
            entry = tarfile.TarInfo("1.json")
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(entry)
        assert read("webdataset", target.getvalue(), CATS) == []

    def test_whatever_is_cut_off_or_changed_is_no_crash(self) -> None:
        content, _ = write("webdataset", SAID, CATS)
        for place in range(0, len(content), 7):
            read("webdataset", content[:place], CATS)
            read("webdataset", content[:place] + b"9" + content[place + 1 :], CATS)
        found = read("webdataset", content[:600], CATS)
        assert str(found[-1]).startswith("the file: is no tar file that can be read")

    def test_an_address_is_refused(self) -> None:
        with pytest.raises(InvalidData, match="is a URL"):
            list(formats.read("webdataset", "https://example.org/a.tar"))
