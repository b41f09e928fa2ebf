"""The port of formats: what a package writes to add one, and what the library checks for it."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.amounts import amount
from support.answering import ALL, replies

import itagflow
from itagflow import (
    Choice,
    Flow,
    InvalidData,
    Job,
    Result,
    Stage,
    Template,
    formats,
    prelabels,
    templates,
)
from itagflow.errors import Problem
from itagflow.formats import FormatContext, FormatOption, WriteReport, kit
from itagflow.model import Row
from itagflow.storage import MemoryStore

CATS = templates.image_classification(["cat", "dog"], title="Animal")
PACKAGE = Path(__file__).parent / "package"
"""A package that adds a format, as it would be installed."""


@pytest.fixture
def pairs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The format of the package, installed."""
    monkeypatch.syspath_prepend(str(PACKAGE))
    yield __import__("pairs_format")
    sys.modules.pop("pairs_format", None)


def finished(flow: Flow) -> Job:
    """A job of two images, of which one is a cat and one is given up."""
    flow.workspaces.create("street", admin="ada")
    rows = [{"source": "1.jpg"}, {"source": "2.jpg"}]
    people = {Stage.LABEL: ["ada"]}
    job = flow.jobs.create("street", "pets", template=CATS, data=rows, workforce=people, by="ada")
    assignment = flow.claim("ada", job, Stage.LABEL)
    flow.save(assignment, 1, Choice("cat"))
    flow.abandon(assignment, 2, "too dark")
    flow.submit(assignment)
    return job


@pytest.fixture
def flow() -> Iterator[Flow]:
    with itagflow.open("memory:") as opened:
        yield opened


class TestAPackage:
    def test_its_format_is_found_by_name(self, pairs: Any) -> None:
        assert formats.find("pairs") is pairs

    @pytest.mark.parametrize("by_name", [True, False], ids=["by name", "itself"])
    def test_its_format_writes_and_reads(self, flow: Flow, pairs: Any, by_name: bool) -> None:
        format = "pairs" if by_name else pairs
        job, file = finished(flow), io.BytesIO()
        report = flow.results.export(job, format, file, separator=";")
        assert file.getvalue() == b"1.jpg;cat\n"
        assert (report.rows, report.abandoned, report.losses) == (2, 1, {})
        file.seek(0)
        rows = list(formats.read(format, file, template=CATS, separator=";"))
        assert [kit.parse_row(row, CATS) for row in rows if isinstance(row, Row)] == [
            {Stage.LABEL: {"1": Choice("cat")}}
        ]

    def test_its_file_becomes_a_job_a_finished_job_and_predictions(
        self, flow: Flow, pairs: Any, tmp_path: Path
    ) -> None:
        file = tmp_path / "pets.txt"
        flow.results.export(finished(flow), pairs, file)
        made = flow.jobs.create(
            "street", "rows", template=CATS, data=file, format=pairs, by="ada", draft=True
        )
        assert [result.task.data for result in flow.results.list(made)] == [{"source": "1.jpg"}]
        predict = prelabels.from_export(CATS, file, format=pairs)
        flow.jobs.prelabel(made, predict, by="ada")
        assert flow.jobs.progress(made).prelabeled == 1
        done = flow.jobs.import_results(
            "street", "done", template=CATS, data=file, format="pairs", by="ada"
        )
        assert [result.replies for result in flow.results.list(done)] == [{"1": Choice("cat")}]

    def test_its_module_goes_to_other_processes(
        self, pairs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONPATH", f"{PACKAGE}:{':'.join(sys.path)}")
        with itagflow.open(str(tmp_path / "labels.db")) as flow, ProcessPoolExecutor(1) as executor:
            file = io.BytesIO()
            flow.results.export(finished(flow), pairs, file, executor=executor, partitions=2)
            assert file.getvalue() == b"1.jpg,cat\n"

    def test_what_it_cannot_hold_is_counted_in_all_parts_or_refused(
        self, flow: Flow, pairs: Any
    ) -> None:
        job = finished(flow)
        flow.jobs.update(job, remark="more", by="ada")
        file = io.BytesIO()
        with ThreadPoolExecutor(1) as executor:
            report = flow.results.export(
                job, pairs, file, executor=executor, partitions=2, separator="c"
            )
        assert report.losses == {"answers with the separator": 1}
        assert file.getvalue() == b""
        with pytest.raises(InvalidData) as refused:
            flow.results.export(job, pairs, file, separator="c", lossy="error")
        assert str(refused.value) == (
            "task 1: answers with the separator: cannot be held by the format: "
            "lossy='report' leaves it out and counts it"
        )


class TestOptions:
    @pytest.mark.parametrize(
        ("option", "words"),
        [
            ({"separator": 5}, "separator"),
            ({"limit": 5}, "limit: is no option of the format 'pairs_format'; it has separator"),
        ],
    )
    def test_are_checked_before_anything_is_read_or_written(
        self, flow: Flow, pairs: Any, option: dict[str, Any], words: str
    ) -> None:
        job = finished(flow)

        def never(_: object) -> Iterable[Any]:
            raise AssertionError("the results are read")

        with pytest.raises(InvalidData, match=words):
            flow.results.export(job, pairs, io.BytesIO(), progress=never, **option)

    def test_are_of_the_kind_that_is_declared(self) -> None:
        assert FormatOption("n", int, 1, least=1, most=9).parse(9) == 9
        assert FormatOption("names", tuple, ()).parse(["a", "b"]) == ("a", "b")
        assert FormatOption("kind", str, "a", choices=("a", "b")).parse("b") == "b"
        assert FormatOption("question", str, None).parse(None) is None
        for option, wrong in (
            (FormatOption("n", int, 1, least=1, most=9), 10),
            (FormatOption("n", int, 1), None),
            (FormatOption("names", tuple, ()), "ab"),
            (FormatOption("names", tuple, ()), [1]),
            (FormatOption("kind", str, "a", choices=("a", "b")), "c"),
            (FormatOption("flag", bool, False), 1),
        ):
            with pytest.raises(InvalidData, match=f"^the format: {option.name}"):
                option.parse(wrong)

    @pytest.mark.parametrize("wrong", [None, "", "raise", 5, ["error"]])
    def test_so_is_what_becomes_of_losses(self, flow: Flow, wrong: Any) -> None:
        with pytest.raises(InvalidData, match="lossy: must be 'report' or 'error'"):
            flow.results.export(finished(flow), "csv", io.BytesIO(), lossy=wrong)


class TestAFormatThatIsBroken:
    def test_it_has_to_tell_what_it_wrote(self) -> None:
        class Silent:
            def read(self, source: Any, context: FormatContext, /) -> Iterator[Row | Problem]:
                return iter(())

            def write(
                self, results: Iterable[Result], target: Any, context: FormatContext, /
            ) -> WriteReport:
                return None  # type: ignore[return-value]

        with pytest.raises(InvalidData, match="what Silent writes: must be told by a WriteReport"):
            formats.write(Silent(), [], io.BytesIO(), template=CATS)

    @pytest.mark.parametrize("wrong", [None, 5, b"csv", object(), json])
    def test_what_is_none_is_refused_wherever_one_is_passed(self, flow: Flow, wrong: Any) -> None:
        job = finished(flow)
        for call in (
            lambda: flow.results.export(job, wrong, io.BytesIO()),
            lambda: flow.jobs.append(job, io.BytesIO(), by="ada", format=wrong),
            lambda: prelabels.from_export(CATS, io.BytesIO(), format=wrong),
            lambda: formats.read(wrong, io.BytesIO()),
            lambda: formats.is_concatenable(wrong),
            lambda: formats.is_incremental(wrong),
        ):
            with pytest.raises(InvalidData, match="must be a name, or have functions read and"):
                call()


class TestClasses:
    def test_follow_from_the_template_and_never_from_the_rows(self) -> None:
        template = templates.image_classification(["zebra", "ant"])
        (question,) = template.questions
        assert FormatContext(template=template).number_classes(question) == {"zebra": 0, "ant": 1}

    def test_can_be_those_of_another_data_set(self) -> None:
        template = templates.image_classification(["zebra", "ant"])
        (question,) = template.questions
        given = FormatContext(template=template, options={"classes": ("bee", "ant", "zebra")})
        assert given.number_classes(question) == {"bee": 0, "ant": 1, "zebra": 2}
        for wrong in (("ant",), ("ant", "zebra", "ant")):
            context = FormatContext(template=template, options={"classes": wrong})
            with pytest.raises(InvalidData, match="classes: must have each option of"):
                context.number_classes(question)

    def test_without_a_template_there_are_none(self) -> None:
        with pytest.raises(InvalidData, match="template: must be given"):
            FormatContext().asked  # noqa: B018


@pytest.mark.parametrize("name", sorted(ALL))
@settings(deadline=None, max_examples=amount(5, 100))
@given(data=st.data())
def test_a_row_that_is_read_holds_any_answer(name: str, data: st.DataObject) -> None:
    template: Template = ALL[name]
    said = data.draw(replies(template))
    row = kit.render_row({"data": {"n": 1}}, {Stage.INSPECT: said}, template, line=7)
    assert row.line == 7
    assert json.loads(row.text)["data"] == {"n": 1}
    assert kit.parse_row(row, template) == {Stage.INSPECT: said}


@pytest.mark.parametrize(
    "given", [io.BytesIO(), MemoryStore(), SimpleNamespace(read=len, write=len), io]
)
def test_what_reads_and_writes_something_else_is_no_format(given: Any) -> None:
    with pytest.raises(InvalidData, match="must be a name, or have functions read and write"):
        formats.find(given)
